/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compiles a process, its hooks and the conditions of the start table into the plan, and hands the
 * plan over. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "runtime/create.h"
#include "runtime/startup.h"

static bool has_hooks(const struct spec *spec, enum spec_hook_kind kind)
{
	return spec->hooks.lists[kind].count > 0;
}

/* A pair of a condition and whether it holds; the order does not matter. */
struct condition {
	uint64_t bit;
	bool holds;
};

static uint64_t conditions_of_spec(const struct startup *startup)
{
	const struct spec *spec = startup->spec;
	const struct ns_linux *ns = &spec->linux_part.ns;
	bool own_mounts = ns_is_new(ns, NS_MOUNT);
	bool late = startup->request.hooks_see_root;
	const struct condition conditions[] = {
		{ CGROUP, startup->container->state.cgroup.driver != CGROUP_DISABLED },
		{ SYSTEMD, startup->container->state.cgroup.unit != NULL },
		{ RESCTRL, spec->linux_part.intel_rdt != NULL },
		{ NET_DEVICES, spec->linux_part.net_devices.count > 0 },
		{ STORAGE, spec->masu.storage.present },
		{ NETWORK, startup->creation && startup->creation->own_network },
		{ USER_NETWORK, startup->creation && startup->creation->net_user },
		{ NEW_NETWORK, ns_is_new(ns, NS_NETWORK) },
		{ TIME, ns_is_new(ns, NS_TIME) || ns_is_joined(ns, NS_TIME) },
		{ CGROUP_NS, ns_is_new(ns, NS_CGROUP) },
		{ OWN_MOUNTS, own_mounts },
		{ PIVOT_EARLY, own_mounts && !late },
		{ PIVOT_LATE, own_mounts && late },
		{ HOOKS_RUNTIME,
		  has_hooks(spec, SPEC_PRESTART) || has_hooks(spec, SPEC_CREATE_RUNTIME) },
		{ HOOKS_CONTAINER, has_hooks(spec, SPEC_CREATE_CONTAINER) },
		{ HOOKS_START, has_hooks(spec, SPEC_START_CONTAINER) },
	};
	uint64_t result = 0;

	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++)
		result |= conditions[i].holds ? conditions[i].bit : 0;
	return result;
}

uint64_t startup_conditions(const struct startup *startup)
{
	const struct security_plan *security = &startup->plan.security;
	uint64_t result = startup->spec ? conditions_of_spec(startup) : 0;
	const struct condition conditions[] = {
		{ PROCESS, startup->process != NULL },
		{ TERMINAL, startup->process && startup->process->terminal },
		{ KEYRING, !startup->options->no_new_keyring },
		{ SECCOMP, security->seccomp != SECURITY_SECCOMP_NONE },
		{ SECCOMP_EARLY, security->seccomp == SECURITY_SECCOMP_EARLY },
		{ SECCOMP_LATE, security->seccomp == SECURITY_SECCOMP_LATE },
		{ LISTENER_EARLY,
		  security->seccomp == SECURITY_SECCOMP_EARLY && security->seccomp_listener },
		{ WAIT_START, startup->options->wait_start },
		{ SERVE_NAMES, startup->options->serve_names },
	};

	for (size_t i = 0; i < sizeof(conditions) / sizeof(*conditions); i++)
		result |= conditions[i].holds ? conditions[i].bit : 0;
	return result;
}

static bool has_variable(const struct json_list *env, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < env->count; i++) {
		const char *entry = JSON_ITEMS(const char *, env)[i];

		if (strncmp(entry, name, length) == 0 && entry[length] == '=')
			return true;
	}
	return false;
}

static size_t name_length(const char *entry)
{
	return strcspn(entry, "=") + 1;
}

static bool same_name(const char *one, const char *other)
{
	return strncmp(one, other, name_length(one)) == 0;
}

/* By name; of one name, in the order of the list. */
static int compare_entries(const void *left, const void *right)
{
	const char *const *one = *(const char *const *const *)left;
	const char *const *other = *(const char *const *const *)right;

	if (same_name(*one, *other))
		return (one > other) - (one < other);
	return strcmp(*one, *other);
}

/* The environment: the last of several entries with one name counts, as with the other runtimes. */
static struct flat_ref compile_env(struct startup *startup)
{
	size_t count = startup->process->env.count, kept = 0;
	const char *const *entries = startup->process->env.items;
	const char **last = arena_alloc(startup->arena, (count + 1) * sizeof(*last));
	const char *const **order = arena_alloc(startup->arena, (count + 1) * sizeof(*order));

	if (!last || !order) {
		startup->flat.failed = true;
		return (struct flat_ref){ 0 };
	}
	for (size_t i = 0; i < count; i++) {
		last[i] = entries[i];
		order[i] = &entries[i];
	}
	qsort(order, count, sizeof(*order), compare_entries);
	for (size_t i = 1; i < count; i++) {
		if (same_name(*order[i - 1], *order[i]))
			last[order[i - 1] - entries] = NULL;
	}
	for (size_t i = 0; i < count; i++) {
		if (last[i])
			last[kept++] = last[i];
	}
	return flat_texts(&startup->flat, (char *const *)last, kept);
}

int startup_compile_process(struct startup *startup, struct err *err)
{
	const struct spec_process *process = startup->process;
	struct plan *plan = &startup->plan;

	plan->magic = PLAN_MAGIC;
	plan->keep_count = startup->options->listen_fds + startup->options->preserve_fds;
	plan->listen_fds = startup->options->listen_fds;
	plan->trace = startup->options->trace_file != NULL;
	plan->start_socket = flat_fd(&startup->flat, startup->start_socket);
	startup->start_socket = -1; /* the plan owns it now */
#ifdef MASU_FAULTS
	plan->fail_at = flat_text(&startup->flat, getenv("MASU_FAIL_AT"));
	plan->kill_at = flat_text(&startup->flat, getenv("MASU_KILL_AT"));
#endif
	if (!process)
		return 0;
	plan->argv =
		flat_texts(&startup->flat, (char *const *)process->args.items, process->args.count);
	plan->envp = compile_env(startup);
	plan->cwd = flat_text(&startup->flat, process->cwd);
	plan->set_home = !has_variable(&process->env, "HOME");
	plan->console_mount = startup->spec && ns_is_new(&startup->spec->linux_part.ns, NS_MOUNT);
	plan->console_rows = (uint16_t)process->console_size.height;
	plan->console_columns = (uint16_t)process->console_size.width;
	return flat_finish(&startup->flat, err);
}

static struct flat_ref compile_hook_list(struct startup *startup, enum spec_hook_kind kind)
{
	const struct json_list *list = &startup->spec->hooks.lists[kind];
	struct plan_hook *hooks = calloc(list->count ? list->count : 1, sizeof(*hooks));
	struct flat_ref ref = { 0 };

	if (!hooks) {
		startup->flat.failed = true;
		return ref;
	}
	for (size_t i = 0; i < list->count; i++) {
		const struct spec_hook *hook = &JSON_ITEMS(struct spec_hook, list)[i];

		hooks[i].path = flat_text(&startup->flat, hook->path);
		hooks[i].argv = flat_texts(&startup->flat, (char *const *)hook->args.items,
					   hook->args.count);
		hooks[i].envp =
			flat_texts(&startup->flat, (char *const *)hook->env.items, hook->env.count);
		hooks[i].timeout_s = (uint32_t)hook->timeout.value;
	}
	ref = flat_put(&startup->flat, hooks, sizeof(*hooks), list->count);
	free(hooks);
	return ref;
}

/* The state text around the pid, which only masu-init knows as it is seen inside. */
static int compile_hook_state(struct startup *startup, const char *status,
			      struct plan_hook_state *state, struct err *err)
{
	static const char mark[] = "\"pid\": 0";
	const char *text = container_state_json(startup->container, status, 0, err);
	const char *at = text ? strstr(text, mark) : NULL;

	if (!at)
		return text ? err_set(err, EINVAL, "write state for hooks: no pid in it") : -1;
	char *before =
		arena_strndup(startup->arena, text, (size_t)(at - text) + strlen("\"pid\": "));

	if (!before)
		return err_sys(err, "write state for hooks");
	state->before = flat_text(&startup->flat, before);
	state->after = flat_text(&startup->flat, at + strlen(mark));
	return 0;
}

int startup_compile_hooks(struct startup *startup, struct err *err)
{
	struct plan *plan = &startup->plan;
	const struct spec *spec = startup->spec;

	if (!has_hooks(spec, SPEC_CREATE_CONTAINER) && !has_hooks(spec, SPEC_START_CONTAINER))
		return 0;
	plan->hooks_container = compile_hook_list(startup, SPEC_CREATE_CONTAINER);
	plan->hooks_start = compile_hook_list(startup, SPEC_START_CONTAINER);
	plan->bundle = flat_text(&startup->flat, startup->container->state.bundle);
	if (compile_hook_state(startup, "creating", &plan->creating, err) < 0 ||
	    compile_hook_state(startup, "created", &plan->created, err) < 0)
		return -1;
	return flat_finish(&startup->flat, err);
}

/* The plan travels as a memfd: the struct at its start, then what the references point to. */
int startup_send_plan(struct startup *startup, struct err *err)
{
	struct flat *flat = &startup->flat;
	struct plan *plan = &startup->plan;
	size_t sent = 0, part = flat->fd_count < FD_SEND_MAX - 1 ? flat->fd_count : FD_SEND_MAX - 1;
	int fds[FD_SEND_MAX];

	if (flat_finish(flat, err) < 0)
		return -1;
	if (flat->fd_count > PLAN_FDS_MAX)
		return err_set(err, ERR_INPUT, "open mounts: more than %d descriptors",
			       PLAN_FDS_MAX);
	plan->fd_count = (uint32_t)flat->fd_count;
	plan->conditions |= startup_conditions(startup);
	memcpy(flat->data, plan, sizeof(*plan));
	auto_close int memory = memfd_create("masu-plan", MFD_CLOEXEC);

	if (memory < 0 || fd_write_all(memory, flat->data, flat->size) < 0)
		return err_sys(err, "write plan");
	fds[0] = memory;
	if (part)
		memcpy(fds + 1, flat->fds, part * sizeof(int));
	if (fd_send(startup->control, "p", 1, fds, part + 1) < 0)
		return err_sys(err, "send plan");
	for (sent = part; sent < flat->fd_count; sent += part) {
		part = flat->fd_count - sent < FD_SEND_MAX ? flat->fd_count - sent : FD_SEND_MAX;
		if (fd_send(startup->control, "p", 1, flat->fds + sent, part) < 0)
			return err_sys(err, "send plan");
	}
	/* sent: ours are no longer needed, and a mount held here could not be unmounted inside */
	for (size_t i = 0; i < flat->fd_count; i++)
		close(flat->fds[i]);
	flat->fd_count = 0;
	return 0;
}
