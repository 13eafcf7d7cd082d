/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What leaves masu for others: masu-init's program, pid files, descriptors over sockets. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "runtime/rows.h"
#include "runtime/unix_socket.h"

extern const char init_image_start[], init_image_end[];

int init_image_open(struct err *err)
{
	return fd_sealed("masu-init", init_image_start, (size_t)(init_image_end - init_image_start),
			 err);
}

int startup_check_kept(const struct startup_options *options, struct err *err)
{
	size_t count = (size_t)options->listen_fds + options->preserve_fds;

	if (count > FD_KEEP_MAX)
		return err_set(err, ERR_INPUT, "preserve descriptors: more than %d", FD_KEEP_MAX);
	for (size_t i = 0; i < count; i++) {
		int flags = fcntl(3 + (int)i, F_GETFD);

		/* one that closes at exec is our own, a folder of the host perhaps: it must never
		 * get inside */
		if (flags < 0 || flags & FD_CLOEXEC)
			return err_set(
				err, ERR_INPUT,
				"preserve descriptors: number %zu was not handed over to masu",
				3 + i);
	}
	return 0;
}

int pid_file_write(const char *path, pid_t pid, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char temporary[PATH_MAX], text[16];

	/* a reader meets the whole number or no file */
	if (str_format(temporary, sizeof(temporary), "%.*s.%s.%d",
		       slash ? (int)(slash - path) + 1 : 0, path, slash ? slash + 1 : path,
		       (int)getpid()) < 0)
		return err_sys(err, "write pid file %.60s...", path);
	snprintf(text, sizeof(text), "%d", (int)pid);
	unlink(temporary);
	auto_close int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return err_sys(err, "write pid file %s", path);
	if (fd_write_all(fd, text, strlen(text)) < 0 || rename(temporary, path) < 0) {
		err_sys(err, "write pid file %s", path);
		unlink(temporary);
		return -1;
	}
	return 0;
}

int console_send(const char *socket_path, int fd, struct err *err)
{
	/* the bytes are for people who trace it; receivers look at the descriptor only */
	static const char name[] = "/dev/ptmx";
	auto_close int connection = unix_socket_connect(socket_path, SOCK_STREAM, err);

	if (connection < 0)
		return -1;
	if (fd_send(connection, name, sizeof(name) - 1, &fd, 1) < 0)
		return err_sys(err, "send descriptor to %s", socket_path);
	return 0;
}
