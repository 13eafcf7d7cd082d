/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's rows of create and run, each with its undo beside it. */
#include "runtime/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/proc.h"
#include "net/net.h"
#include "runtime/delegate.h"
#include "runtime/notify.h"
#include "runtime/pressure.h"
#include "runtime/unix_socket.h"

/* ---- state-dir: the folder, its lock, the record that makes every later step undoable ---- */

static int begin_record(struct startup *startup, struct err *err)
{
	struct container *container = startup->container;

	container->dir_fd = state_make_dir(container->root_fd, container->id, err);
	if (container->dir_fd < 0)
		return -1;
	if (startup->options->notify_socket) {
		if (mkdirat(container->dir_fd, STATE_NOTIFY, 0755) < 0)
			return err_sys(err, "make folder %s", STATE_NOTIFY);
		/* with `create` it is `start` that listens */
		if (!startup->options->wait_start)
			startup->notify = notify_listen(container, err);
		if (!startup->options->wait_start && startup->notify < 0)
			return -1;
	}
	return state_begin(container->dir_fd, &container->state, err);
}

int run_state_dir(struct startup *startup, struct err *err)
{
	if (begin_record(startup, err) == 0)
		return 0;
	return err && err->code == ERR_EXISTS ? -1
					      : err_wrap(err, "%s", startup->container->masu->root);
}

int undo_state_dir(struct container *container, struct err *err)
{
	if (container->dir_fd < 0)
		return 0; /* not ours: the name was taken */
	return state_remove_dir(container->root_fd, container->id, err);
}

/* ---- namespaces: those to join are opened, the user namespace is made with its maps ---- */

int run_namespaces(struct startup *startup, struct err *err)
{
	return ns_open(&startup->request, &startup->host, err);
}

/* ---- cgroup, resources: the measure stands before anything lives in it ---- */

int run_cgroup(struct startup *startup, struct err *err)
{
	struct container *container = startup->container;
	const struct cgroup_resources *resources = startup->spec->linux_part.resources;

	if (container_open_cgroup(container, err) < 0 ||
	    cgroup_create(container->cgroup, &container->state.cgroup, resources, err) < 0)
		return -1;
	container->cgroup_ours = true;
	return 0;
}

int undo_cgroup(struct container *container, struct err *err)
{
	if (container_open_cgroup(container, err) < 0)
		return -1;
	/* what was started in it must go first: a half-made container has no pid in its record */
	if (container->cgroup_ours && cgroup_kill(container->cgroup, err) < 0)
		return -1;
	return cgroup_destroy(container->cgroup, err);
}

int run_resources(struct startup *startup, struct err *err)
{
	const struct cgroup_resources *resources = startup->spec->linux_part.resources;

	if (resources && cgroup_apply(startup->container->cgroup, resources, err) < 0)
		return -1;
	return delegate_cgroup(startup, err) < 0 ? -1 : pressure_give(startup, err);
}

/* With systemd a holder has kept the scope until here: from now on masu-init does. */
int run_adopt(struct startup *startup, struct err *err)
{
	return cgroup_adopt(startup->container->cgroup, startup->pid, err);
}

int run_resctrl(struct startup *startup, struct err *err)
{
	const struct container *container = startup->container;

	return cgroup_rdt_create(startup->spec->linux_part.intel_rdt, &container->state.rdt,
				 container->id, err);
}

int undo_resctrl(struct container *container, struct err *err)
{
	return cgroup_rdt_destroy(&container->state.rdt, err);
}

/* ---- open-mounts: everything that must be seen with the host's eyes ---- */

/* The socket on which masu-init will wait for `start`. */
static int make_start_socket(struct startup *startup, struct err *err)
{
	if (!startup->options->wait_start)
		return 0;
	startup->start_socket =
		unix_socket_bind_at(startup->container->dir_fd, STATE_START, SOCK_SEQPACKET, err);
	return startup->start_socket < 0 ? -1 : 0;
}

/* What a mount of type "cgroup" shows: plain data from one door to the other. */
static int copy_cgroup_mounts(struct startup *startup, struct err *err)
{
	struct cgroup_mount *mounts;
	size_t count;

	if (startup->container->state.cgroup.driver == CGROUP_DISABLED)
		return 0;
	if (cgroup_mounts(startup->container->cgroup, startup->arena, &mounts, &count, err) < 0)
		return -1;
	struct ns_cgroup_mount *copies = arena_alloc(startup->arena, count * sizeof(*copies));

	if (!copies)
		return err_sys(err, "open mounts");
	for (size_t i = 0; i < count; i++)
		copies[i] = (struct ns_cgroup_mount){ mounts[i].controllers, mounts[i].name,
						      mounts[i].host_path, mounts[i].v2 };
	startup->request.cgroup_mounts = copies;
	startup->request.cgroup_mount_count = count;
	return 0;
}

static unsigned int security_flags(const struct startup *startup)
{
	return (startup->host.denied_groups ? SECURITY_DENIED_GROUPS : 0) |
	       (startup->host.join[NS_USER] >= 0 ? SECURITY_USER_NAMESPACE : 0);
}

int startup_compile_spec(struct startup *startup, struct err *err)
{
	struct flat *flat = &startup->flat;
	struct plan *plan = &startup->plan;

	if (copy_cgroup_mounts(startup, err) < 0 ||
	    ns_compile(&startup->request, &startup->host, flat, &plan->ns, err) < 0)
		return -1;
	if (!startup->process)
		return 0;
	return security_compile(&startup->process->security, &startup->spec->linux_part.security,
				security_flags(startup), flat, &plan->security, err);
}

int run_open_mounts(struct startup *startup, struct err *err)
{
	struct flat *flat = &startup->flat;
	struct plan *plan = &startup->plan;
	const struct cgroup *cgroup = startup->container->cgroup;

	if (make_start_socket(startup, err) < 0 || startup_compile_spec(startup, err) < 0)
		return -1;
	if (cgroup &&
	    cgroup_compile(cgroup, cgroup_clone_fd(cgroup) >= 0, flat, &plan->cgroup, err) < 0)
		return -1;
	plan->security.keyring =
		flat_text(flat, arena_printf(startup->arena, "_ses.%s", startup->container->id));
	if (startup_compile_hooks(startup, err) < 0)
		return -1;
	return startup_compile_process(startup, err);
}

/* ---- spawn: masu-init in its namespaces; from here there is something to kill ---- */

int startup_spawn(struct startup *startup, struct ns_spawn *how, struct err *err)
{
	static const int own_stdio[3] = { 0, 1, 2 };
	const int *stdio = startup->options->stdio ? startup->options->stdio : own_stdio;
	size_t keep_count = startup->plan.keep_count;
	int *keep = arena_alloc(startup->arena, (keep_count + 1) * sizeof(*keep));
	char control_text[16];
	const char *argv[] = { "masu-init", control_text, NULL };
	int pair[2];
	auto_close int program = init_image_open(err);

	if (program < 0)
		return -1;
	if (!keep || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "make socket pair");
	startup->control = pair[0];
	auto_close int theirs = pair[1];

	for (size_t i = 0; i < keep_count; i++)
		keep[i] = 3 + (int)i;
	snprintf(control_text, sizeof(control_text), "%zu", 3 + keep_count);
	how->program = program;
	how->argv = argv;
	memcpy(how->stdio, stdio, sizeof(how->stdio));
	how->keep = keep;
	how->keep_count = keep_count;
	how->control = theirs;
	startup->pidfd = ns_spawn(how, &startup->pid, err);
	return startup->pidfd < 0 ? -1 : startup_send_plan(startup, err);
}

int run_spawn(struct startup *startup, struct err *err)
{
	const struct ns_host *host = &startup->host;
	struct container *container = startup->container;
	struct ns_spawn how = {
		.new_flags = host->new_flags,
		.join = host->join,
		.join_pidfd = -1,
		.become_root = host->join[NS_USER] >= 0,
		.deny_groups = host->denied_groups,
		.root_mapped = host->root_mapped,
		.root_uid = host->root_uid,
		.root_gid = host->root_gid,
		.cgroup = container->cgroup ? cgroup_clone_fd(container->cgroup) : -1,
	};
	int result = startup_spawn(startup, &how, err);

	/* the container owns the process from here, also when the plan could not be sent */
	if (startup->pidfd >= 0)
		container->pidfd = fcntl(startup->pidfd, F_DUPFD_CLOEXEC, 3);
	return result;
}

int undo_spawn(struct container *container, struct err *err)
{
	return container->pidfd >= 0 ? container_kill_process(container, err) : 0;
}

/* ---- outside: by pid, with the host's privileges ---- */

int run_outside(struct startup *startup, struct err *err)
{
	const struct spec *spec = startup->spec;
	const struct container *container = startup->container;

	if (security_reset_affinity(startup->pid, err) < 0)
		return -1;
	if (startup->process &&
	    (security_apply_outside(&startup->process->security, startup->pid, err) < 0 ||
	     security_raise_limits(&startup->process->security, startup->pid, err) < 0))
		return -1;
	if (spec->linux_part.intel_rdt)
		return cgroup_rdt_enter(spec->linux_part.intel_rdt, &container->state.rdt,
					container->id, startup->pid, err);
	return 0;
}

int run_net_devices(struct startup *startup, struct err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)startup->pid);
	auto_close int netns = open(path, O_RDONLY | O_CLOEXEC);

	if (netns < 0)
		return err_sys(err, "open network namespace of masu-init");
	return net_move_devices(&startup->spec->linux_part.net_devices, netns, err);
}

/* ---- seccomp: compiled while masu-init mounts ---- */

int run_seccomp_compile(struct startup *startup, struct err *err)
{
	const struct security_seccomp *seccomp = startup->spec->linux_part.security.seccomp;

	if (security_seccomp_compile(seccomp, startup->arena, &startup->filter,
				     &startup->filter_size, err) < 0)
		return -1;
	int fd = fd_sealed("masu-filter", startup->filter, startup->filter_size, err);

	if (fd < 0)
		return -1;
	startup_hand_over(startup, TURN_FILTER, fd);
	return 0;
}

int run_seccomp_send(struct startup *startup, struct err *err)
{
	/* nothing to do: the change of sides carries the filter */
	(void)startup, (void)err;
	return 0;
}

int run_listener(struct startup *startup, struct err *err)
{
	const struct state *state = &startup->container->state;
	struct security_notify notify = { state->seccomp_listener, state->seccomp_metadata };
	const char *json = container_state_json(startup->container, "creating", startup->pid, err);

	if (!json)
		return -1;
	if (startup->listener < 0)
		return err_set(err, ERR_PEER, "receive seccomp listener: it did not come");
	return security_seccomp_send_listener(&notify, startup->listener, startup->pid, json, err);
}

/* ---- hooks ---- */

int run_hooks_runtime(struct startup *startup, struct err *err)
{
	struct container *container = startup->container;
	const struct spec_hooks *hooks = &startup->spec->hooks;

	container->state.pid.set = true;
	container->state.pid.value = startup->pid;
	/* hooks may ask for the container's state: they find its pid there */
	if (state_write(container->dir_fd, &container->state, err) < 0 ||
	    container_run_hooks(container, SPEC_PRESTART, &hooks->lists[SPEC_PRESTART], "creating",
				err) < 0)
		return -1;
	return container_run_hooks(container, SPEC_CREATE_RUNTIME,
				   &hooks->lists[SPEC_CREATE_RUNTIME], "creating", err);
}

/* ---- console ---- */

int run_console_send(struct startup *startup, struct err *err)
{
	if (startup->console < 0)
		return err_set(err, ERR_PEER, "receive terminal: it did not come");
	if (!startup->options->console_socket)
		return 0; /* foreground: the master stays with us */
	return console_send(startup->options->console_socket, startup->console, err);
}

/* ---- save-state: from here on it is "created" ---- */

/* What exec needs later: the process, and the filter. */
static int save_for_exec(struct startup *startup, struct err *err)
{
	struct container *container = startup->container;

	if (startup->process) {
		char *text =
			json_encode(&spec_process_object, startup->process, 0, startup->arena, err);

		if (!text ||
		    state_write_file(container->dir_fd, STATE_PROCESS, text, strlen(text), err) < 0)
			return -1;
	}
	if (!startup->filter_size)
		return 0;
	return state_write_file(container->dir_fd, STATE_FILTER, startup->filter,
				startup->filter_size, err);
}

int startup_write_pid_file(struct startup *startup, struct err *err)
{
	const char *path = startup->options->pid_file;

	if (path && pid_file_write(path, startup->pid, err) < 0)
		return -1;
	startup->wrote_pid_file = path != NULL;
	return 0;
}

int run_save_created(struct startup *startup, struct err *err)
{
	struct container *container = startup->container;
	struct state *state = &container->state;
	struct proc_identity identity;

	if (proc_identify(startup->pid, &identity, err) < 0)
		return -1;
	state->pid = (struct opt_i64){ true, startup->pid };
	state->start_time = (struct opt_u64){ true, identity.start_time };
	state->boot_id = arena_strdup(startup->arena, identity.boot_id);
	state->denied_groups = startup->host.denied_groups;
	state->root_unmapped = startup->host.join[NS_USER] >= 0 && !startup->host.root_mapped;
	state->root_uid = startup->host.root_uid;
	state->root_gid = startup->host.root_gid;
	if (startup->plan.security.seccomp)
		state->seccomp_flags =
			(struct opt_u64){ true, startup->plan.security.seccomp_flags };
	if (!state->boot_id)
		return err_sys(err, "write record");
	if (startup->plan.security.seccomp_listener) {
		startup->state_json = container_state_json(container, "created", startup->pid, err);
		if (!startup->state_json)
			return -1;
	}
	if (startup->options->pidfd_socket &&
	    console_send(startup->options->pidfd_socket, startup->pidfd, err) < 0)
		return -1;
	if (save_for_exec(startup, err) < 0 || state_write(container->dir_fd, state, err) < 0)
		return -1;
	return startup_write_pid_file(startup, err);
}
