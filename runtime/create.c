/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prepares a creation: the spec, the request to ns/, the record. No side effect before the table is
 * walked. */
#include "runtime/create.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/kernel.h"
#include "base/log.h"
#include "base/sys.h"
#include "runtime/clock.h"
#include "runtime/group.h"
#include "runtime/intent.h"
#include "runtime/masu.h"
#include "runtime/network.h"
#include "runtime/notify.h"
#include "runtime/pressure.h"
#include "runtime/root.h"

/* The bundle as an absolute path: hooks, `state` and later commands have another working directory.
 */
static int open_bundle(struct creation *creation, const struct masu_create_options *options,
		       struct err *err)
{
	const char *bundle = options->bundle;
	struct arena *arena = &creation->container.arena;
	char resolved[PATH_MAX];

	if (!bundle && options->spec_file) {
		const char *slash = strrchr(options->spec_file, '/');

		bundle = slash ? arena_strndup(arena, options->spec_file,
					       (size_t)(slash - options->spec_file) + 1)
			       : ".";
	}
	if (!bundle)
		bundle = ".";
	if (!realpath(bundle, resolved))
		return err_sys(err, "open bundle %s", bundle);
	creation->container.state.bundle = arena_strdup(arena, resolved);
	return open(resolved, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int load_spec(struct creation *creation, const struct masu_create_options *options,
		     struct err *err)
{
	struct container *container = &creation->container;
	const char *file = options->spec_file;
	char resolved[PATH_MAX];
	auto_close int bundle = open_bundle(creation, options, err);

	if (bundle < 0)
		return err && err->code ? -1 : err_sys(err, "open bundle");
	if (file) {
		/* relative to the caller's directory, as every path on a command line */
		if (!realpath(file, resolved))
			return err_sys(err, "open %s", file);
		file = arena_strdup(&container->arena, resolved);
		container->state.spec_file = file;
	}
	if (!file)
		file = "config.json";
	if (spec_load(container->state.bundle, bundle, file, &container->arena, &creation->spec,
		      err) < 0 ||
	    intent_compose(&creation->spec, container->masu->strict, &container->arena, err) < 0)
		return -1;
	if (root_prepare(creation, err) < 0 || root_place(creation, err) < 0 ||
	    network_prepare(creation, err) < 0)
		return -1;
	return spec_check(&creation->spec, err) < 0 ? err_wrap(err, "%s", file) : 0;
}

static bool root_is_seen_by_hooks(const struct spec *spec)
{
	return spec->hooks.lists[SPEC_PRESTART].count ||
	       spec->hooks.lists[SPEC_CREATE_RUNTIME].count ||
	       spec->hooks.lists[SPEC_CREATE_CONTAINER].count;
}

static int fill_request(struct creation *creation, const struct masu_create_options *options,
			struct err *err)
{
	const struct spec *spec = &creation->spec;
	struct container *container = &creation->container;
	struct ns_request *request = &creation->startup.request;
	const char *path = spec->root.path;

	container->state.rootfs = path[0] == '/' ? path
						 : arena_printf(&container->arena, "%s/%s",
								container->state.bundle, path);
	*request = (struct ns_request){
		.linux_part = &spec->linux_part.ns,
		.root = &spec->root,
		.mounts = &spec->mounts,
		.hostname = spec->hostname,
		.domainname = spec->domainname,
		.bundle = container->state.bundle,
		.rootfs_fd = -1,
		.rootfs_target = container->state.rootfs,
		.terminal = spec->process && spec->process->terminal,
		.no_pivot = options->no_pivot,
		.hooks_see_root = root_is_seen_by_hooks(spec),
		.process_uid = spec->process ? spec->process->security.user.uid : 0,
		.process_gid = spec->process ? spec->process->security.user.gid : 0,
	};
	return ns_check(request, err);
}

/* Which namespaces exec has to enter: those that the spec names, new or joined. */
static uint64_t entered_namespaces(const struct ns_linux *ns)
{
	static const uint64_t flags[NS_TYPES] = {
		[NS_USER] = CLONE_NEWUSER,     [NS_PID] = CLONE_NEWPID,   [NS_MOUNT] = CLONE_NEWNS,
		[NS_NETWORK] = CLONE_NEWNET,   [NS_IPC] = CLONE_NEWIPC,   [NS_UTS] = CLONE_NEWUTS,
		[NS_CGROUP] = CLONE_NEWCGROUP, [NS_TIME] = CLONE_NEWTIME,
	};
	uint64_t result = 0;

	for (int type = 0; type < NS_TYPES; type++) {
		if (ns_is_new(ns, (enum ns_type)type) || ns_is_joined(ns, (enum ns_type)type))
			result |= flags[type];
	}
	return result;
}

static bool needs_cgroup(int driver, const struct cgroup_resources *resources)
{
	if (!resources)
		return false;
	return driver == CGROUP_DISABLED ? cgroup_asks_limits(resources) : cgroup_asks(resources);
}

static int plan_cgroup(struct creation *creation, const struct masu_create_options *options,
		       struct err *err)
{
	const struct spec *spec = &creation->spec;
	struct container *container = &creation->container;
	const struct group_place place = {
		.group = options->group ? options->group : spec->masu.group,
		.path = spec->linux_part.cgroups_path,
		.id = container->id,
	};
	int placed = group_place_container(container->masu, &place, &container->arena,
					   &container->state.cgroup, err);

	if (placed)
		return placed < 0 ? -1 : 0;
	return cgroup_plan(container->masu->driver, place.path, container->id,
			   needs_cgroup(container->masu->driver, spec->linux_part.resources),
			   &container->arena, &container->state.cgroup, err);
}

static int fill_record(struct creation *creation, const struct masu_create_options *options,
		       struct err *err)
{
	const struct spec *spec = &creation->spec;
	struct container *container = &creation->container;
	struct state *state = &container->state;
	struct security_notify notify = { 0 };

	if (spec->linux_part.security.seccomp)
		notify = security_seccomp_notify(spec->linux_part.security.seccomp);
	state->version = STATE_VERSION;
	state->id = container->id;
	state->oci_version = SPEC_VERSION;
	state->created = clock_timestamp(&container->arena);
	state->owner = geteuid();
	state->annotations = spec->annotations;
	state->namespaces = (struct opt_u64){ true, entered_namespaces(&spec->linux_part.ns) };
	state->own_root = ns_is_new(&spec->linux_part.ns, NS_MOUNT) && !options->no_pivot;
	state->own_pids = ns_is_new(&spec->linux_part.ns, NS_PID);
	state->no_keyring = options->no_new_keyring;
	state->seccomp_listener = notify.path;
	state->seccomp_metadata = notify.metadata;
	state->hooks.lists[SPEC_POSTSTART] = spec->hooks.lists[SPEC_POSTSTART];
	state->hooks.lists[SPEC_POSTSTOP] = spec->hooks.lists[SPEC_POSTSTOP];
	state->cgroup.timeout_ms = container->masu->systemd_timeout_ms;
	if (plan_cgroup(creation, options, err) < 0 ||
	    cgroup_annotate(&spec->annotations, &container->arena, &state->cgroup, err) < 0)
		return -1;
	if (spec->linux_part.intel_rdt && cgroup_rdt_plan(spec->linux_part.intel_rdt, container->id,
							  &container->arena, &state->rdt, err) < 0)
		return -1;
	return state->created ? 0 : err_sys(err, "write record");
}

int creation_check_terminal(const struct creation *creation, struct err *err)
{
	const struct spec_process *process = creation->spec.process;
	const struct startup_options *options = &creation->options;
	bool terminal = process && process->terminal;

	if (terminal && !options->console_socket && !options->keep_console) {
		err_set(err, ERR_INPUT, "process.terminal: a terminal needs a console socket");
		return err_hint(err, "give --console-socket, or run in the foreground");
	}
	if (!terminal && options->console_socket)
		return err_set(err, ERR_INPUT, "--console-socket: process.terminal is not true");
	return 0;
}

static void fill_options(struct creation *creation, const struct masu_create_options *options)
{
	creation->options = (struct startup_options){
		.console_socket = options->console_socket,
		.pidfd_socket = options->pidfd_socket,
		.pid_file = options->pid_file,
		.notify_socket = options->notify_socket,
		.stdio = options->stdio,
		.listen_fds = options->listen_fds,
		.preserve_fds = options->preserve_fds,
		.no_pivot = options->no_pivot,
		.no_new_keyring = options->no_new_keyring,
		.trace_file = options->trace_file,
	};
}

int creation_prepare(struct masu *masu, const struct masu_create_options *options,
		     struct creation *creation, struct err *err)
{
	struct container *container = &creation->container;
	struct startup *startup = &creation->startup;

	*creation = (struct creation){ .container = CONTAINER_INIT, .startup = STARTUP_INIT };
	container->masu = masu;
	if (!options->id)
		return err_set(err, ERR_INPUT, "container id: it is missing");
	if (spec_check_id(options->id, err) < 0 || kernel_require(err) < 0)
		return -1;
	container->id = arena_strdup(&container->arena, options->id);
	fill_options(creation, options);
	if (startup_check_kept(&creation->options, err) < 0)
		return -1;
	startup->options = &creation->options;
	startup->container = container;
	startup->arena = &container->arena;
	startup->creation = creation;
	startup->spec = &creation->spec;
	if (load_spec(creation, options, err) < 0)
		return -1;
	startup->process = creation->spec.process;
	if (fill_request(creation, options, err) < 0 || fill_record(creation, options, err) < 0)
		return -1;
	/* the plan's own struct comes first in the flat bytes */
	flat_put(&startup->flat, &startup->plan, sizeof(startup->plan), 1);
	return 0;
}

int creation_walk(struct creation *creation, struct err *err)
{
	struct container *container = &creation->container;
	struct startup *startup = &creation->startup;

	if (creation_check_terminal(creation, err) < 0 || notify_prepare(creation, err) < 0 ||
	    pressure_prepare(creation, err) < 0)
		return -1;
	container->root_fd = state_open_root(container->masu->root, true, err);
	if (container->root_fd < 0)
		return -1;
	/* the rows up to open-mounts; what is compiled there adds the filter's */
	startup->plan.conditions = startup_conditions(startup);
	int result = startup_walk(startup, startup_create_rows, startup_create_count, err);

	struct err why = { 0 };

	/* the container is there: a trace that cannot be written does not take it back */
	if (startup->options->trace_file && result == 0 && startup_write_trace(startup, &why) < 0)
		log_warning("%s", why.text);
	return result;
}

void startup_close(struct startup *startup)
{
	int *fds[] = { &startup->start_socket, &startup->control, &startup->console,
		       &startup->listener,     &startup->netns,   &startup->notify,
		       &startup->pidfd };

	flat_free(&startup->flat);
	while (startup->turn.fd_count)
		close(startup->turn_fds[--startup->turn.fd_count]);
	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
	ns_close(&startup->host);
}

void creation_close(struct creation *creation)
{
	if (creation->resolver)
		net_resolver_close(creation->resolver);
	startup_close(&creation->startup);
	container_close(&creation->container);
}
