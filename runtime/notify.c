/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The notify socket: a folder bound into the container, a datagram socket in it, a filter between
 * it and the manager's. */
#include "runtime/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/err.h"
#include "runtime/unix_socket.h"

#define NOTIFY_FOLDER_INSIDE "/run/notify"
#define NOTIFY_NAME          "notify.sock"

int notify_prepare(struct creation *creation, struct err *err)
{
	static const char *options[] = { "bind", "nosuid", "noexec", "nodev", "private" };
	struct container *container = &creation->container;
	struct arena *arena = &container->arena;
	struct spec *spec = &creation->spec;

	if (!creation->options.notify_socket || !spec->process ||
	    !ns_is_new(&spec->linux_part.ns, NS_MOUNT)) {
		creation->options.notify_socket = NULL;
		return 0;
	}
	struct ns_mount_spec *mount = json_grow(arena, &spec->mounts, sizeof(*mount));
	const char **entry = json_grow(arena, &spec->process->env, sizeof(*entry));
	char *source =
		arena_printf(arena, "%s/%s/%s", container->masu->root, container->id, STATE_NOTIFY);

	if (!mount || !entry || !source)
		return err_sys(err, "prepare notify socket");
	*mount = (struct ns_mount_spec){
		.destination = NOTIFY_FOLDER_INSIDE,
		.source = source,
		.type = "bind",
		.options = { options, sizeof(options) / sizeof(*options) },
	};
	*entry = "NOTIFY_SOCKET=" NOTIFY_FOLDER_INSIDE "/" NOTIFY_NAME;
	container->state.notify_socket = creation->options.notify_socket;
	return 0;
}

int notify_listen(struct container *container, struct err *err)
{
	auto_close int dir =
		openat(container->dir_fd, STATE_NOTIFY, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_sys(err, "open folder %s", STATE_NOTIFY);
	auto_close int listening = unix_socket_bind_at(dir, NOTIFY_NAME, SOCK_DGRAM, err);

	if (listening < 0)
		return -1;
	/* any user inside may speak; outside, the state root above is closed to others */
	if (fchmodat(dir, NOTIFY_NAME, 0777, 0) < 0)
		return err_sys(err, "open notify socket to the container");
	return take_fd(&listening);
}

int notify_forward(struct container *container, int listening, struct err *err)
{
	char message[4096], out[4160];
	ssize_t length = recv(listening, message, sizeof(message) - 1, MSG_DONTWAIT);
	bool ready = false;
	char *rest;

	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : err_sys(err, "receive notification");
	message[length] = '\0';
	for (char *line = strtok_r(message, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		ready |= strcmp(line, "READY=1") == 0;
	if (!ready)
		return 0; /* only readiness crosses the border: other words could steer the manager
			   */
	snprintf(out, sizeof(out), "MAINPID=%d\nREADY=1", (int)container->state.pid.value);
	auto_close int manager =
		unix_socket_connect(container->state.notify_socket, SOCK_DGRAM, err);

	if (manager < 0)
		return -1;
	return send(manager, out, strlen(out), MSG_NOSIGNAL) < 0 ? err_sys(err, "send notification")
								 : 1;
}

int notify_wait(struct container *container, int listening, struct err *err)
{
	for (;;) {
		struct pollfd watched[] = { { .fd = listening, .events = POLLIN },
					    { .fd = container->pidfd, .events = POLLIN } };

		if (poll(watched, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return err_sys(err, "wait for notification");
		}
		int result = watched[0].revents ? notify_forward(container, listening, err) : 0;

		if (result)
			return result < 0 ? -1 : 0;
		if (watched[1].revents)
			return 0;
	}
}
