/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The start table as the host sees it; destruction walks it backwards. */
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "runtime/init_hook.h"
#include "runtime/rows.h"

#define nothing NULL

/* clang-format off */
#define HOST(name, function, undo, when) { SIDE_HOST, name, run_##function, undo, when },
#define WHILE(name, function, when) { SIDE_WHILE, name, run_##function, NULL, when },
#define INIT(name, function, when) { SIDE_INIT, name, NULL, NULL, when },

#define CREATE_STEPS
const struct startup_row startup_create_rows[] = {
#include "runtime/steps.def"
};
#undef CREATE_STEPS

#define EXEC_STEPS
const struct startup_row startup_exec_rows[] = {
#include "runtime/steps.def"
};
#undef EXEC_STEPS
/* clang-format on */

const size_t startup_create_count = sizeof(startup_create_rows) / sizeof(*startup_create_rows);
const size_t startup_exec_count = sizeof(startup_exec_rows) / sizeof(*startup_exec_rows);

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

int container_destroy(struct container *container, struct err *err)
{
	int result = 0;

	for (size_t i = startup_create_count; i-- > 1;) { /* row 0 is the folder: after the hooks */
		struct err why = { 0 };
		const struct startup_row *row = &startup_create_rows[i];

		if (row->side != SIDE_HOST || !row->undo || row->undo(container, &why) == 0)
			continue;
		if (result == 0 && err) {
			*err = why;
			err_wrap(err, "%s", row->name);
		}
		result = -1;
	}
	if (result < 0)
		return -1; /* the record stays, so that delete can be tried again */
	container_run_hooks(container, SPEC_POSTSTOP, &container->state.hooks.lists[SPEC_POSTSTOP],
			    "stopped", NULL);
	return undo_state_dir(container, err);
}

int container_destroy_broken(struct container *container, struct err *err)
{
	/* where create puts a cgroup when the spec does not say */
	if (cgroup_plan(CGROUP_FS, NULL, container->id, false, &container->arena,
			&container->state.cgroup, err) < 0)
		return -1;
	container->cgroup_ours = true;
	return container_destroy(container, err);
}
