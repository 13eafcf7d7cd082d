/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One poll loop over signals, the process, the terminal and the notify socket. */
#include "runtime/foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/sys.h"
#include "net/net.h"
#include "runtime/container.h"
#include "runtime/notify.h"

enum {
	CHUNK = 8192,
	PIDFD_INFO_EXIT_BIT = 1 << 3,
};

/* struct pidfd_info of linux/pidfd.h (6.13; exit code since 6.15), its first 64 bytes */
struct pidfd_info_exit {
	uint64_t mask, cgroup;
	uint32_t ids[11];
	int32_t exit_code;
};

#define PIDFD_GET_INFO_EXIT _IOWR(0xFF, 11, struct pidfd_info_exit)

static int status_of_code(int code)
{
	return WIFSIGNALED(code) ? 128 + WTERMSIG(code) : WEXITSTATUS(code);
}

int process_status(int pidfd)
{
	struct pidfd_info_exit info = { .mask = PIDFD_INFO_EXIT_BIT };
	siginfo_t ended = { 0 };

	if (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &ended, WEXITED | __WALL) == 0)
		return ended.si_code == CLD_EXITED ? ended.si_status : 128 + ended.si_status;
	if (ioctl(pidfd, PIDFD_GET_INFO_EXIT, &info) == 0 && (info.mask & PIDFD_INFO_EXIT_BIT))
		return status_of_code(info.exit_code);
	return -1;
}

int process_wait(int pidfd, struct err *err)
{
	struct pollfd watched = { .fd = pidfd, .events = POLLIN };

	while (poll(&watched, 1, -1) < 0) {
		if (errno != EINTR)
			return err_sys(err, "wait for process");
	}
	return 0;
}

int foreground_begin(struct foreground *foreground, bool subreaper, struct err *err)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &foreground->signals_before);
	foreground->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (foreground->signals < 0) {
		pthread_sigmask(SIG_SETMASK, &foreground->signals_before, NULL);
		return err_sys(err, "make signalfd");
	}
	foreground->subreaper = subreaper;
	if (subreaper) {
		prctl(PR_GET_CHILD_SUBREAPER, &foreground->was_subreaper);
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	}
	return 0;
}

static void make_raw(struct foreground *foreground)
{
	struct termios raw;

	if (tcgetattr(0, &foreground->terminal_before) < 0)
		return; /* not a terminal: its bytes are copied all the same */
	raw = foreground->terminal_before;
	cfmakeraw(&raw);
	foreground->raw = tcsetattr(0, TCSANOW, &raw) == 0;
}

static void copy_size(int console)
{
	struct winsize size;

	if (ioctl(0, TIOCGWINSZ, &size) == 0)
		ioctl(console, TIOCSWINSZ, &size);
}

void foreground_end(struct foreground *foreground)
{
	if (foreground->signals < 0)
		return;
	if (foreground->raw)
		tcsetattr(0, TCSANOW, &foreground->terminal_before);
	if (foreground->subreaper)
		prctl(PR_SET_CHILD_SUBREAPER, foreground->was_subreaper);
	close(foreground->signals);
	foreground->signals = -1;
	pthread_sigmask(SIG_SETMASK, &foreground->signals_before, NULL);
}

/* Children of the container that lost their parent come to us; the process itself is left for
 * process_status(). */
static void reap_orphans(int pidfd)
{
	for (;;) {
		enum { PEEK = WEXITED | WNOHANG | WNOWAIT | __WALL };

		siginfo_t ended = { 0 }, own = { 0 };

		if (waitid(P_ALL, 0, &ended, PEEK) < 0 || !ended.si_pid)
			return;
		waitid((idtype_t)P_PIDFD, (id_t)pidfd, &own, PEEK);
		if (own.si_pid == ended.si_pid)
			return;
		waitpid(ended.si_pid, NULL, __WALL | WNOHANG);
	}
}

struct relay {
	struct foreground *foreground;
	struct container *container;
	int pidfd, console, notify;
	bool input_open;
	char pending[CHUNK]; /* typed, not yet taken by the terminal */
	size_t pending_size;
};

static void take_signals(struct relay *relay)
{
	struct signalfd_siginfo info;

	while (read(relay->foreground->signals, &info, sizeof(info)) == sizeof(info)) {
		int number = (int)info.ssi_signo;

		if (number == SIGCHLD)
			reap_orphans(relay->pidfd);
		else if (number == SIGWINCH && relay->console >= 0)
			copy_size(relay->console);
		else if (number != SIGPIPE)
			sys_pidfd_send_signal(relay->pidfd, number);
	}
}

/* From the container's terminal to our output. False at its end. What nobody takes is dropped: the
 * program must not block on its terminal. */
static bool copy_output(struct relay *relay)
{
	char chunk[CHUNK];
	ssize_t length = read(relay->console, chunk, sizeof(chunk));

	if (length > 0) {
		fd_write_all(1, chunk, (size_t)length);
		return true;
	}
	return length < 0 && (errno == EAGAIN || errno == EINTR);
}

static void copy_input(struct relay *relay)
{
	if (!relay->pending_size) {
		ssize_t length = read(0, relay->pending, sizeof(relay->pending));

		if (length <= 0) {
			relay->input_open = length < 0 && (errno == EAGAIN || errno == EINTR);
			return;
		}
		relay->pending_size = (size_t)length;
	}
	ssize_t length = write(relay->console, relay->pending, relay->pending_size);

	if (length <= 0)
		return;
	relay->pending_size -= (size_t)length;
	memmove(relay->pending, relay->pending + length, relay->pending_size);
}

static void take_notification(struct relay *relay)
{
	struct err err = { 0 };

	if (notify_forward(relay->container, relay->notify, &err) == 0)
		return;
	if (err.code)
		log_warning("%s", err.text);
	relay->notify = -1; /* ready, or nobody listens: in both cases nothing more to pass on */
}

/* What the process wrote before it ended. */
static void copy_rest(struct relay *relay)
{
	while (relay->console >= 0) {
		struct pollfd rest = { .fd = relay->console, .events = POLLIN };

		if (poll(&rest, 1, 0) <= 0 || !(rest.revents & POLLIN) || !copy_output(relay))
			break;
	}
}

enum watched_place {
	WATCH_PROCESS,
	WATCH_SIGNALS,
	WATCH_CONSOLE,
	WATCH_INPUT,
	WATCH_NOTIFY,
	WATCH_RESOLVER,
	WATCHED,
};

int foreground_wait(struct foreground *foreground, struct container *container,
		    const struct foreground_process *process, struct err *err)
{
	struct relay relay = {
		.foreground = foreground,
		.container = container,
		.pidfd = process->pidfd,
		.console = process->console,
		.notify = process->notify,
		.input_open = process->console >= 0,
	};

	if (relay.console >= 0) {
		make_raw(foreground);
		copy_size(relay.console);
		fcntl(relay.console, F_SETFL, O_NONBLOCK);
	}
	for (;;) {
		bool typed = relay.pending_size > 0;
		struct pollfd watched[WATCHED] = {
			[WATCH_PROCESS] = { .fd = process->pidfd, .events = POLLIN },
			[WATCH_SIGNALS] = { .fd = foreground->signals, .events = POLLIN },
			[WATCH_CONSOLE] = { .fd = relay.console,
					    .events = (short)(POLLIN | (typed ? POLLOUT : 0)) },
			[WATCH_INPUT] = { .fd = relay.input_open && !typed ? 0 : -1,
					  .events = POLLIN },
			[WATCH_NOTIFY] = { .fd = relay.notify, .events = POLLIN },
			[WATCH_RESOLVER] = { .fd = process->resolver
							   ? net_resolver_fd(process->resolver)
							   : -1,
					     .events = POLLIN },
		};

		if (poll(watched, WATCHED, -1) < 0 && errno != EINTR)
			return err_sys(err, "wait for process");
		if (watched[WATCH_SIGNALS].revents)
			take_signals(&relay);
		if (watched[WATCH_NOTIFY].revents)
			take_notification(&relay);
		if (watched[WATCH_RESOLVER].revents)
			net_resolver_serve(process->resolver);
		if (watched[WATCH_INPUT].revents || (watched[WATCH_CONSOLE].revents & POLLOUT))
			copy_input(&relay);
		if ((watched[WATCH_CONSOLE].revents & (POLLIN | POLLHUP)) && !copy_output(&relay))
			relay.console = -1;
		if (watched[WATCH_PROCESS].revents)
			break;
	}
	copy_rest(&relay);
	return 0;
}
