/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* start: the word to masu-init, its answer, the poststart hooks. */
#include "runtime/lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "runtime/notify.h"
#include "runtime/startup.h"
#include "runtime/unix_socket.h"

static int refuse(enum container_status status, struct err *err)
{
	switch (status) {
	case CONTAINER_STOPPED:
		return err_set(err, ERR_STATE, "cannot start a container that has stopped");
	case CONTAINER_PAUSED:
		return err_set(err, ERR_STATE, "cannot start a container that is paused");
	case CONTAINER_CREATING:
		return err_set(err, ERR_STATE, "cannot start a container that is being created");
	default:
		return err_set(err, ERR_STATE, "cannot start an already running container");
	}
}

int container_after_start(struct container *container, const struct json_list *poststart,
			  struct err *err)
{
	struct err why = { 0 };

	if (container_run_hooks(container, SPEC_POSTSTART, poststart, "running", &why) == 0)
		return 0;
	/* runtime.md: stop the container, go on with its destruction */
	if (container_kill_all(container, NULL) < 0 || container_destroy(container, NULL) < 0)
		log_warning(
			"destroy %s after its poststart hook failed: not complete, try `masu delete --force`",
			container->id);
	if (err)
		*err = why;
	return -1;
}

/* Says the word and waits until the program runs. */
static int start_program(struct container *container, struct err *err)
{
	const struct state *state = &container->state;
	struct startup_finish finish = {
		.notify = { state->seccomp_listener, state->seccomp_metadata },
		.pid = (pid_t)state->pid.value,
	};
	auto_close int control =
		unix_socket_connect_at(container->dir_fd, STATE_START, SOCK_SEQPACKET, NULL);

	if (control < 0)
		return refuse(container_status(container), err);
	if (finish.notify.path) {
		finish.state_json = container_state_json(container, "created", finish.pid, err);
		if (!finish.state_json)
			return -1;
	}
	if (fd_send(control, "s", 1, NULL, 0) < 0)
		return err_sys(err, "speak to masu-init");
	return startup_finish(control, container->pidfd, &finish, err);
}

int container_start(struct container *container, struct err *err)
{
	enum container_status status = container_status(container);
	auto_close int notify = -1;
	struct err why = { 0 };

	if (status != CONTAINER_CREATED)
		return refuse(status, err);
	if (faccessat(container->dir_fd, STATE_PROCESS, F_OK, 0) < 0)
		return err_set(err, ERR_STATE, "config.json has no process");
	if (container->state.notify_socket) {
		notify = notify_listen(container, err);
		if (notify < 0)
			return -1;
	}
	if (start_program(container, &why) < 0) {
		if (err)
			*err = why;
		if (why.code == ERR_HOOK) { /* startContainer: as above */
			container_kill_all(container, NULL);
			container_destroy(container, NULL);
		}
		return -1;
	}
	unlinkat(container->dir_fd, STATE_START, 0);
	if (container_after_start(container, &container->state.hooks.lists[SPEC_POSTSTART], err) <
	    0)
		return -1;
	/* others may work on it until it is ready, which may be never */
	state_unlock(container->dir_fd);
	return notify >= 0 ? notify_wait(container, notify, err) : 0;
}
