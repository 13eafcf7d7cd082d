/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts and ends a child that does nothing. */
#include "base/holder.h"

#include <sys/socket.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "base/fd.h"
#include "base/sys.h"

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

/* In the child, which shares nothing with us but what fork(2) copies: system calls only. Says 0 or
 * an errno, then waits. */
static _Noreturn void hold(int socket, int userns)
{
	int result = userns >= 0 && setns(userns, CLONE_NEWUSER) < 0 ? errno : 0;
	char nothing;

	if (write(socket, &result, sizeof(result)) == sizeof(result)) {
		while (read(socket, &nothing, 1) < 0 && errno == EINTR)
			continue;
	}
	_exit(0);
}

int holder_start(struct holder *holder, uint64_t flags, int userns)
{
	int pair[2], result;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	/* exit_signal 0: the program that calls the library gets no SIGCHLD for a child that it
	 * does not know */
	struct clone_args args = {
		.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND | flags,
		.pidfd = (uint64_t)(uintptr_t)&holder->pidfd,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0) {
		close(pair[0]);
		hold(pair[1], userns);
	}
	int code = errno;

	close(pair[1]);
	holder->socket = pair[0];
	if (pid < 0) {
		errno = code;
		return -1;
	}
	holder->pid = (pid_t)pid;
	if (fd_read_all(holder->socket, &result, sizeof(result)) != sizeof(result))
		result = ECHILD;
	errno = result;
	return result ? -1 : 0;
}

void holder_end(struct holder *holder)
{
	siginfo_t info;

	if (holder->pidfd >= 0) {
		sys_pidfd_send_signal(holder->pidfd, SIGKILL);
		while (waitid((idtype_t)P_PIDFD, (id_t)holder->pidfd, &info, WEXITED | __WALL) <
			       0 &&
		       errno == EINTR)
			continue;
		close(holder->pidfd);
	}
	if (holder->socket >= 0)
		close(holder->socket);
	*holder = (struct holder)HOLDER_NONE;
}
