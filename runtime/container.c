/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening a container, telling its status, killing what is in it. */
#include "runtime/container.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/sys.h"
#include "runtime/foreground.h"
#include "runtime/unix_socket.h"

const struct name container_status_names[] = {
	{ "creating", CONTAINER_CREATING },
	{ "created", CONTAINER_CREATED },
	{ "running", CONTAINER_RUNNING },
	{ "paused", CONTAINER_PAUSED },
	{ "stopped", CONTAINER_STOPPED },
	{ "broken", CONTAINER_BROKEN },
	{ NULL, 0 },
};

static bool identity_of(const struct state *state, struct proc_identity *identity)
{
	*identity = (struct proc_identity){
		.pid = (pid_t)state->pid.value,
		.start_time = state->start_time.value,
	};
	return state->pid.value && state->boot_id &&
	       str_format(identity->boot_id, sizeof(identity->boot_id), "%s", state->boot_id) == 0;
}

/* Opens a pidfd of the first process if it still is the one that the record speaks of; -1 in
 * container->pidfd when it has gone. */
static int open_process(struct container *container, struct err *err)
{
	struct proc_identity identity;

	if (!identity_of(&container->state, &identity))
		return 0;
	container->pidfd = proc_open_identity(&identity);
	/* want of descriptors or memory must not pass for a container that has stopped */
	if (container->pidfd < 0 && errno != ESRCH)
		return err_sys(err, "open process %d", (int)identity.pid);
	return 0;
}

int container_reap(const struct container *container)
{
	struct proc_identity identity;

	if (!identity_of(&container->state, &identity))
		return -1;
	auto_close int pidfd = proc_open_ended(&identity);

	return pidfd < 0 ? -1 : process_status(pidfd);
}

static int read_record(struct container *container, struct err *err)
{
	struct state *state = &container->state;

	if (state_read(container->dir_fd, &container->arena, state, err) < 0)
		return -1;
	/* what it names is another container's: a copied folder must not lead there */
	if (strcmp(state->id, container->id) == 0)
		return 0;
	err_set(err, ERR_INPUT, "its record is broken: it is that of %s", state->id);
	return err_hint(err, "`masu delete --force` removes the folder");
}

/*
 * A folder that comes or goes has no record for a moment, and for a part of that no lock either.
 * Without the lock ourselves: look again for a while before we call it broken.
 */
static int read_settled(struct container *container, struct err *err)
{
	enum { TRIES = 8 };
	struct timespec pause = { .tv_nsec = 500000 };
	struct stat status;

	for (int tries = 1;; tries++) {
		if (read_record(container, err) == 0)
			return 0;
		if (fstat(container->dir_fd, &status) < 0 || status.st_nlink == 0)
			return err_set(err, ERR_NOT_FOUND, "container does not exist");
		if (container->locked || tries == TRIES || !err || err->code != ENOENT)
			return -1;
		nanosleep(&pause, NULL);
		pause.tv_nsec *= 2;
	}
}

int container_open(struct masu *masu, const char *id, enum state_lock lock, bool broken_too,
		   struct container *container, struct err *err)
{
	struct err why = { 0 };

	container->masu = masu;
	if (spec_check_id(id, err) < 0)
		return -1;
	container->id = arena_strdup(&container->arena, id);
	container->root_fd = state_open_root(masu->root, false, &why);
	if (container->root_fd < 0) {
		if (why.code == ENOENT)
			return err_set(err, ERR_NOT_FOUND, "container does not exist");
		if (err)
			*err = why;
		return -1;
	}
	container->dir_fd = state_open_dir(container->root_fd, id, lock, err);
	if (container->dir_fd < 0)
		return -1;
	container->locked = lock == STATE_LOCKED;
	if (read_settled(container, &why) < 0) {
		container->broken = why.code != ERR_NOT_FOUND && !state_is_unread(&why);
		memset(&container->state, 0, sizeof(container->state));
		container->state.cgroup.driver = CGROUP_FS;
		if (broken_too && container->broken)
			return 0;
		if (err)
			*err = why;
		return -1;
	}
	container->state.cgroup.timeout_ms = masu->systemd_timeout_ms;
	if (open_process(container, err) < 0)
		return -1;
	/* a create that died half way may have found a foreign cgroup at a path that the spec chose
	 */
	container->cgroup_ours =
		container->state.start_time.set || container->state.cgroup.own_name;
	return 0;
}

void container_close(struct container *container)
{
	if (container->cgroup)
		cgroup_close(container->cgroup);
	if (container->pidfd >= 0)
		close(container->pidfd);
	if (container->dir_fd >= 0) {
		/* a child that another thread has just forked holds the descriptor too */
		state_unlock(container->dir_fd);
		close(container->dir_fd);
	}
	if (container->root_fd >= 0)
		close(container->root_fd);
	arena_free(&container->arena);
	*container = (struct container)CONTAINER_INIT;
}

int container_open_cgroup(struct container *container, struct err *err)
{
	if (!container->cgroup) {
		container->cgroup = cgroup_open(&container->state.cgroup, &container->arena, err);
		if (container->cgroup && container->masu)
			cgroup_set_strict(container->cgroup, container->masu->strict);
	}
	return container->cgroup ? 0 : -1;
}

enum container_status container_status(struct container *container)
{
	/* asking for the lock that we have ourselves would give it away */
	bool creating = !container->state.start_time.set && !container->locked &&
			state_is_locked(container->dir_fd);

	if (creating)
		return CONTAINER_CREATING;
	if (container->broken)
		return CONTAINER_BROKEN;
	if (!container->state.start_time.set)
		return CONTAINER_STOPPED;
	if (container->pidfd < 0)
		return CONTAINER_STOPPED;
	/* a frozen init cannot answer, but the kernel accepts the connection for it: "created" also
	 * while paused is told apart below */
	if (container_open_cgroup(container, NULL) == 0 && cgroup_is_frozen(container->cgroup))
		return CONTAINER_PAUSED;
	auto_close int probe = unix_socket_connect_at(container->dir_fd, STATE_START,
						      SOCK_SEQPACKET | SOCK_NONBLOCK, NULL);

	/* EAGAIN: it listens, but somebody stopped it and many have asked since */
	return probe >= 0 || errno == EAGAIN ? CONTAINER_CREATED : CONTAINER_RUNNING;
}

/* What the record keeps of the OCI state, as rows. */
struct oci_state {
	const char *oci_version, *id, *status;
	struct opt_i64 pid;
	const char *bundle, *rootfs, *created, *owner;
	struct json_list annotations;
};

#define AT(member) offsetof(struct oci_state, member)

/* clang-format off */
static const struct json_row oci_state_rows[] = {
	{ "ociVersion",  JSON_TEXT,     AT(oci_version) },
	{ "id",          JSON_TEXT,     AT(id) },
	{ "status",      JSON_TEXT,     AT(status) },
	{ "pid",         JSON_I64,      AT(pid), .flags = JSON_ALWAYS },
	{ "bundle",      JSON_TEXT,     AT(bundle) },
	{ "rootfs",      JSON_TEXT,     AT(rootfs) },
	{ "created",     JSON_TEXT,     AT(created) },
	{ "owner",       JSON_TEXT,     AT(owner), .flags = JSON_ALWAYS },
	{ "annotations", JSON_MAP_TEXT, AT(annotations) },
};
/* clang-format on */

static const struct json_object oci_state_object = JSON_OBJECT_OF(struct oci_state, oci_state_rows);

const char *container_state_json(struct container *container, const char *status, pid_t pid,
				 struct err *err)
{
	const struct state *state = &container->state;
	struct oci_state oci = {
		.oci_version = state->oci_version,
		.id = state->id ? state->id : container->id,
		.status = status,
		.pid = { .set = true, .value = pid },
		.bundle = state->bundle,
		.rootfs = state->rootfs,
		.created = state->created,
		.owner = arena_printf(&container->arena, "%u", state->owner),
		.annotations = state->annotations,
	};

	return json_encode(&oci_state_object, &oci, 2, &container->arena, err);
}

/* Waits for the end of the first process; its own parent must reap it, which may be us. */
static int wait_for_end(struct container *container, struct err *err)
{
	enum { PATIENCE_MS = 10000 };
	struct pollfd watched = { .fd = container->pidfd, .events = POLLIN };

	for (;;) {
		int ready = poll(&watched, 1, PATIENCE_MS);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready > 0)
			break;
		err_set(err, EBUSY, "process %d has not ended after %d s",
			(int)container->state.pid.value, PATIENCE_MS / 1000);
		return err_hint(err,
				"it may wait for a device or a file system that does not answer");
	}
	waitid((idtype_t)P_PIDFD, (id_t)container->pidfd, NULL, WEXITED | __WALL);
	return 0;
}

int container_kill_all(struct container *container, struct err *err)
{
	int result = 0;

	if (container->pidfd >= 0)
		sys_pidfd_send_signal(container->pidfd, SIGKILL);
	if (container->cgroup_ours &&
	    (container_open_cgroup(container, err) < 0 || cgroup_kill(container->cgroup, err) < 0))
		result = -1;
	if (container->pidfd >= 0) {
		if (wait_for_end(container, result < 0 ? NULL : err) < 0)
			result = -1;
		close(container->pidfd);
		container->pidfd = -1;
	}
	return result;
}
