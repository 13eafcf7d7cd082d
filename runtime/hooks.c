/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hooks that run in the runtime's own namespaces: prestart, createRuntime, poststart, poststop. */
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "runtime/container.h"
#include "runtime/init_hook.h"

/* NULL-terminated copy of a list of texts in the container's arena. */
static const char *const *texts_of(struct container *container, const struct json_list *list)
{
	const char **texts = arena_alloc(&container->arena, (list->count + 1) * sizeof(*texts));

	if (texts && list->count)
		memcpy(texts, list->items, list->count * sizeof(*texts));
	return texts;
}

int container_run_hooks(struct container *container, enum spec_hook_kind kind,
			const struct json_list *hooks, const char *status, struct err *err)
{
	if (!hooks->count)
		return 0;
	pid_t pid = container->pidfd >= 0 ? (pid_t)container->state.pid.value : 0;
	const char *state = container_state_json(container, status, pid, err);

	if (!state)
		return -1;
	for (size_t i = 0; i < hooks->count; i++) {
		const struct spec_hook *hook = &JSON_ITEMS(struct spec_hook, hooks)[i];
		struct hook_run run = {
			.kind = names_text(spec_hook_names, kind),
			.index = i,
			.path = hook->path,
			.argv = texts_of(container, &hook->args),
			.envp = texts_of(container, &hook->env),
			.cwd = container->state.bundle,
			.state = state,
			.timeout_s = (unsigned int)hook->timeout.value,
		};
		struct err why = { 0 };

		if (!run.argv || !run.envp)
			return err_sys(err, "run hook");
		if (hook_run(&run, &why) == 0)
			continue;
		if (kind != SPEC_POSTSTOP) {
			if (err)
				*err = why;
			return -1;
		}
		log_warning("%s", why.text); /* the others still run: runtime.md "Lifecycle" */
	}
	return 0;
}
