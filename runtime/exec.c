/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Puts an exec together: the container's own process or the one given, the saved filter, the
 * namespaces of the first process. */
#include "runtime/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/kernel.h"
#include "base/sys.h"
#include "runtime/masu.h"
#include "runtime/rows.h"

/* ---- rows ---- */

static struct cgroup *target_cgroup(const struct startup *startup)
{
	const struct execution *execution = startup->execution;

	return execution->below ? execution->below : startup->container->cgroup;
}

/* The part of the first process's cgroup path that is below the container's own, or NULL. */
static const char *find_below(struct container *container)
{
	const struct cgroup_hierarchy_state *records = container->state.cgroup.hierarchies.items;
	char name[32], text[PATH_MAX + 1024], *line = NULL;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)container->state.pid.value);
	if (fd_read_file(AT_FDCWD, name, text, sizeof(text)) > 0)
		line = strncmp(text, "0::", 3) == 0 ? text : strstr(text, "\n0::");
	for (size_t i = 0; line && i < container->state.cgroup.hierarchies.count; i++) {
		const char *own = records[i].dir + strlen(records[i].mount);
		char *at = records[i].v2 ? strstr(line, own) : NULL;

		if (!at || at[strlen(own)] != '/')
			continue;
		at += strlen(own) + 1;
		return arena_strndup(&container->arena, at, strcspn(at, "\n"));
	}
	return NULL;
}

/*
 * A v2 cgroup that gives controllers to those below it holds no processes itself: CLONE_INTO_CGROUP
 * fails with EBUSY. Then the container's init has moved on, and we go where it is.
 */
static bool follow_first_process(struct startup *startup, struct ns_spawn *how)
{
	struct execution *execution = startup->execution;
	struct container *container = startup->container;
	const char *below = execution->below ? NULL : find_below(container);

	/* what was read is about it, as long as it has not gone */
	if (!below || sys_pidfd_send_signal(container->pidfd, 0) < 0)
		return false;
	execution->below =
		cgroup_open_below(&container->state.cgroup, below, &container->arena, NULL);
	how->cgroup = execution->below ? cgroup_clone_fd(execution->below) : -1;
	return how->cgroup >= 0;
}

int run_exec_spawn(struct startup *startup, struct err *err)
{
	struct container *container = startup->container;
	struct cgroup *cgroup = target_cgroup(startup);
	struct ns_spawn how = {
		.join_pidfd = container->pidfd,
		.join_pidfd_flags = container->state.namespaces.value & ~(uint64_t)CLONE_NEWTIME,
		.become_root = container->state.namespaces.value & CLONE_NEWUSER,
		.deny_groups = container->state.denied_groups,
		.root_mapped = !container->state.root_unmapped,
		.root_uid = container->state.root_uid,
		.root_gid = container->state.root_gid,
		.cgroup = cgroup ? cgroup_clone_fd(cgroup) : -1,
	};

	struct err why = { 0 };

	if (!how.join_pidfd_flags)
		how.join_pidfd = -1;
	if (startup_spawn(startup, &how, &why) == 0)
		return 0;
	if (why.code == EBUSY && startup->pidfd < 0 && follow_first_process(startup, &how)) {
		close(startup->control);
		return startup_spawn(startup, &how, err);
	}
	if (err)
		*err = why;
	return -1;
}

int run_exec_outside(struct startup *startup, struct err *err)
{
	const struct security_process *security = &startup->process->security;
	const struct security_cpu_affinity *affinity = security->exec_cpu_affinity;

	if (security_apply_outside(security, startup->pid, err) < 0 ||
	    security_raise_limits(security, startup->pid, err) < 0)
		return -1;
	if (target_cgroup(startup) && cgroup_adopt(target_cgroup(startup), startup->pid, err) < 0)
		return -1;
	/* config.md "execCPUAffinity": initial holds from before the cgroup is entered until it has
	 * been */
	if (affinity && affinity->initial)
		return security_apply_affinity(affinity->initial, startup->pid, err);
	return affinity ? 0 : security_reset_affinity(startup->pid, err);
}

int run_exec_ready(struct startup *startup, struct err *err)
{
	const struct security_cpu_affinity *affinity = startup->process->security.exec_cpu_affinity;
	const struct startup_options *options = startup->options;

	if (affinity && affinity->final &&
	    security_apply_affinity(affinity->final, startup->pid, err) < 0)
		return -1;
	if (startup->plan.security.seccomp_listener) {
		startup->state_json =
			container_state_json(startup->container, "running",
					     (pid_t)startup->container->state.pid.value, err);
		if (!startup->state_json)
			return -1;
	}
	if (options->pidfd_socket && console_send(options->pidfd_socket, startup->pidfd, err) < 0)
		return -1;
	return startup_write_pid_file(startup, err);
}

/* ---- preparation ---- */

static int load_process(struct execution *execution, const char *json, struct err *err)
{
	struct container *container = &execution->container;
	size_t size;

	if (json)
		return spec_decode_process("process.json", json, strlen(json), &container->arena,
					   &execution->process, err);
	auto_free char *text =
		fd_slurp(container->dir_fd, STATE_PROCESS, SPEC_PROCESS_MAX, &size, err);

	if (!text)
		return err_wrap(err, "the container was created without a process");
	return spec_decode_process(STATE_PROCESS, text, size, &container->arena,
				   &execution->process, err);
}

static size_t count_texts(const char *const *texts)
{
	size_t count = 0;

	while (texts && texts[count])
		count++;
	return count;
}

/* "uid" or "uid:gid": numbers, strictly; a name or anything that wraps must never become 0
 * (CVE-2026-30892). */
static int parse_user(const char *text, struct security_user *user, struct err *err)
{
	char uid_text[16];
	const char *colon = strchr(text, ':');
	uint64_t uid, gid = user->gid;

	/* "00" and "007" are typing errors, not users */
	if ((text[0] == '0' && text[1] && text[1] != ':') ||
	    (colon && colon[1] == '0' && colon[2])) {
		err_set(err, ERR_INPUT, "user %.60s: a number does not begin with 0", text);
		return -1;
	}
	if (str_format(uid_text, sizeof(uid_text), "%.*s", colon ? (int)(colon - text) : 15, text) <
		    0 ||
	    !str_parse_u64(uid_text, &uid) || uid >= UINT32_MAX ||
	    (colon && (!str_parse_u64(colon + 1, &gid) || gid >= UINT32_MAX))) {
		err_set(err, ERR_INPUT, "user %.60s: not a number, or not uid:gid", text);
		return err_hint(err, "names are not looked up in the container's files; give ids");
	}
	user->uid = (unsigned int)uid;
	user->gid = (unsigned int)gid;
	return 0;
}

static int override_env(struct execution *execution, const char *const *env, struct err *err)
{
	struct json_list *list = &execution->process.env;
	size_t added = count_texts(env);
	const char **entries = arena_alloc(&execution->container.arena,
					   (list->count + added + 1) * sizeof(*entries));

	if (!entries)
		return err_sys(err, "set environment");
	if (list->count)
		memcpy(entries, list->items, list->count * sizeof(*entries));
	for (size_t i = 0; i < added; i++) {
		if (!strchr(env[i], '=') || env[i][0] == '=')
			return err_set(err, ERR_INPUT, "environment %.60s: not NAME=VALUE", env[i]);
		entries[list->count + i] = env[i];
	}
	*list = (struct json_list){ entries, list->count + added };
	return 0;
}

static int override_groups(struct execution *execution, const struct masu_exec_options *options,
			   struct err *err)
{
	size_t count = options->additional_gid_count;
	uint64_t *gids = arena_alloc(&execution->container.arena, count * sizeof(*gids));

	if (!gids)
		return err_sys(err, "set groups");
	for (size_t i = 0; i < count; i++)
		gids[i] = options->additional_gids[i];
	execution->process.security.user.additional_gids = (struct json_list){ gids, count };
	return 0;
}

/* exec --cap adds to what the process has, never to the inheritable set (CVE-2022-29162). */
static int override_capabilities(struct execution *execution, const char *const *names,
				 struct err *err)
{
	static const enum security_capability_set sets[] = { CAPS_BOUNDING, CAPS_EFFECTIVE,
							     CAPS_PERMITTED };
	struct arena *arena = &execution->container.arena;
	struct security_process *security = &execution->process.security;
	size_t added = count_texts(names);

	if (!security->capabilities)
		security->capabilities = arena_alloc(arena, sizeof(*security->capabilities));
	if (!security->capabilities)
		return err_sys(err, "set capabilities");
	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		struct json_list *list = &security->capabilities->sets[sets[i]];
		const char **all = arena_alloc(arena, (list->count + added) * sizeof(*all));

		if (!all)
			return err_sys(err, "set capabilities");
		if (list->count)
			memcpy(all, list->items, list->count * sizeof(*all));
		memcpy(all + list->count, names, added * sizeof(*all));
		*list = (struct json_list){ all, list->count + added };
	}
	return 0;
}

static int apply_overrides(struct execution *execution, const struct masu_exec_options *options,
			   struct err *err)
{
	struct spec_process *process = &execution->process;
	struct security_process *security = &process->security;

	if (options->args) {
		process->args =
			(struct json_list){ (void *)options->args, count_texts(options->args) };
		process->terminal = options->terminal;
	} else if (!options->process_json) {
		return err_set(err, ERR_INPUT, "no program given");
	}
	if (options->cwd)
		process->cwd = options->cwd;
	if (options->terminal)
		process->terminal = true;
	if (options->no_new_privileges)
		security->no_new_privileges = true;
	if (options->apparmor_profile)
		security->apparmor_profile = options->apparmor_profile;
	if (options->selinux_label)
		security->selinux_label = options->selinux_label;
	if (options->user && parse_user(options->user, &security->user, err) < 0)
		return -1;
	if (options->env && override_env(execution, options->env, err) < 0)
		return -1;
	if (options->additional_gid_count && override_groups(execution, options, err) < 0)
		return -1;
	return options->capabilities ? override_capabilities(execution, options->capabilities, err)
				     : 0;
}

static int check_status(struct execution *execution, const struct masu_exec_options *options,
			struct err *err)
{
	struct container *container = &execution->container;
	enum container_status status = container_status(container);

	if (status == CONTAINER_STOPPED || status == CONTAINER_CREATING)
		return err_set(err, ERR_STATE, "container not running");
	if (status == CONTAINER_PAUSED && !options->ignore_paused) {
		err_set(err, ERR_STATE, "cannot exec in a paused container");
		return err_hint(err, "`masu resume %s`, or --ignore-paused", container->id);
	}
	return 0;
}

/* The filter was compiled and saved by create; exec only hands it over. */
static int load_filter(struct execution *execution, struct err *err)
{
	struct startup *startup = &execution->startup;
	const struct state *state = &execution->container.state;

	if (!state->seccomp_flags.set)
		return 0;
	int filter = openat(execution->container.dir_fd, STATE_FILTER, O_RDONLY | O_CLOEXEC);

	if (filter < 0)
		return err_sys(err, "open saved seccomp filter");
	startup->plan.security.seccomp = (uint8_t)security_seccomp_time(&startup->plan.security);
	startup->plan.security.seccomp_flags = (uint32_t)state->seccomp_flags.value;
	startup->plan.security.seccomp_listener = state->seccomp_listener != NULL;
	startup_hand_over(startup, TURN_FILTER, filter);
	return 0;
}

/* What setns(2) cannot do from shared memory, and a root that is not its mount namespace's own. */
static int compile_entry(struct execution *execution, struct err *err)
{
	struct startup *startup = &execution->startup;
	const struct container *container = &execution->container;
	const struct state *state = &container->state;
	char path[64];

	startup->plan.ns.time_namespace = FLAT_NO_FD;
	startup->plan.root_dir = FLAT_NO_FD;
	if (state->namespaces.value & CLONE_NEWTIME) {
		snprintf(path, sizeof(path), "/proc/%d/ns/time", (int)state->pid.value);
		int time = open(path, O_RDONLY | O_CLOEXEC);

		if (time < 0)
			return err_sys(err, "open %s", path);
		startup->plan.ns.time_namespace = flat_fd(&startup->flat, time);
		startup->plan.conditions |= TIME;
	}
	if (!state->own_root) {
		snprintf(path, sizeof(path), "/proc/%d/root", (int)state->pid.value);
		int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (root < 0)
			return err_sys(err, "open %s", path);
		startup->plan.root_dir = flat_fd(&startup->flat, root);
	}
	/* the process must still be the one that we think it is, now that everything of it is held
	 * open */
	if (sys_pidfd_send_signal(container->pidfd, 0) < 0)
		return err_set(err, ERR_STATE, "container not running");
	return 0;
}

static int compile(struct execution *execution, struct err *err)
{
	struct startup *startup = &execution->startup;
	struct container *container = &execution->container;
	struct cgroup *cgroup = target_cgroup(startup);
	struct plan *plan = &startup->plan;

	flat_put(&startup->flat, plan, sizeof(*plan), 1);
	plan->table = PLAN_EXEC;
	unsigned int flags =
		(container->state.denied_groups ? SECURITY_DENIED_GROUPS : 0) |
		(container->state.namespaces.value & CLONE_NEWUSER ? SECURITY_USER_NAMESPACE : 0);

	if (security_compile(&execution->process.security, NULL, flags, &startup->flat,
			     &plan->security, err) < 0 ||
	    load_filter(execution, err) < 0 || compile_entry(execution, err) < 0)
		return -1;
	if (cgroup && cgroup_compile(cgroup, cgroup_clone_fd(cgroup) >= 0, &startup->flat,
				     &plan->cgroup, err) < 0)
		return -1;
	plan->security.keyring = flat_text(
		&startup->flat, arena_printf(&container->arena, "_ses.%s", container->id));
	return startup_compile_process(startup, err);
}

static void fill_options(struct execution *execution, const struct masu_exec_options *options)
{
	execution->options = (struct startup_options){
		.console_socket = options->console_socket,
		.pidfd_socket = options->pidfd_socket,
		.pid_file = options->pid_file,
		.stdio = options->stdio,
		.listen_fds = options->listen_fds,
		.preserve_fds = options->preserve_fds,
		.cgroup = options->cgroup,
		.no_new_keyring = execution->container.state.no_keyring,
		.keep_console = options->foreground && !options->detach,
	};
}

static int open_cgroups(struct execution *execution, struct err *err)
{
	struct container *container = &execution->container;

	if (container->state.cgroup.driver == CGROUP_DISABLED)
		return 0;
	if (container_open_cgroup(container, err) < 0)
		return -1;
	if (!execution->options.cgroup)
		return 0;
	execution->below = cgroup_open_below(&container->state.cgroup, execution->options.cgroup,
					     &container->arena, err);
	return execution->below ? 0 : -1;
}

int execution_prepare(struct masu *masu, const struct masu_exec_options *options,
		      struct execution *execution, struct err *err)
{
	struct startup *startup = &execution->startup;
	struct container *container = &execution->container;

	*execution = (struct execution){ .container = CONTAINER_INIT, .startup = STARTUP_INIT };
	if (container_open(masu, options->id, STATE_UNLOCKED, false, container, err) < 0 ||
	    check_status(execution, options, err) < 0)
		return -1;
	fill_options(execution, options);
	if (startup_check_kept(&execution->options, err) < 0)
		return -1;
	startup->options = &execution->options;
	startup->container = container;
	startup->arena = &container->arena;
	startup->process = &execution->process;
	startup->execution = execution;
	if (load_process(execution, options->process_json, err) < 0 ||
	    apply_overrides(execution, options, err) < 0 ||
	    spec_check_process(&execution->process, err) < 0 ||
	    security_check(&execution->process.security, NULL, err) < 0)
		return -1;
	if (execution->process.terminal && !options->console_socket &&
	    !execution->options.keep_console) {
		err_set(err, ERR_INPUT, "process.terminal: a terminal needs a console socket");
		return err_hint(err, "give --console-socket, or run in the foreground");
	}
	if (open_cgroups(execution, err) < 0)
		return -1;
	return compile(execution, err);
}

int execution_walk(struct execution *execution, struct err *err)
{
	struct startup *startup = &execution->startup;

	startup->plan.conditions |= startup_conditions(startup);
	return startup_walk(startup, startup_exec_rows, startup_exec_count, err);
}

void execution_close(struct execution *execution)
{
	if (execution->below)
		cgroup_close(execution->below);
	startup_close(&execution->startup);
	container_close(&execution->container);
}
