/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Raw mode, the other screen, signals and keys, with the escapes that every terminal of today
 * knows.
 */
#include "runtime/cli/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "runtime/cli/cli.h"

#define ENTER_SCREEN "\033[?1049h\033[?25l\033[2J"
#define LEAVE_SCREEN "\033[0m\033[?25h\033[?1049l"

static const int ending[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGALRM, SIGUSR1, SIGUSR2
};

static void taken_signals(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		sigaddset(set, ending[i]);
	sigaddset(set, SIGWINCH);
}

static void measure(struct terminal *terminal)
{
	struct winsize size;

	terminal->rows = 24;
	terminal->columns = 80;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col) {
		terminal->rows = size.ws_row;
		terminal->columns = size.ws_col;
	}
}

int terminal_open(struct terminal *terminal, struct masu_error *error)
{
	struct termios raw;
	sigset_t set;

	*terminal = (struct terminal){ .signals = -1 };
	if (tcgetattr(STDIN_FILENO, &terminal->before) < 0)
		return cli_fail_sys(error, "read the terminal's mode");
	taken_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	terminal->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (terminal->signals < 0) {
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		return cli_fail_sys(error, "wait for signals");
	}
	raw = terminal->before;
	cfmakeraw(&raw);
	raw.c_oflag |= OPOST | ONLCR; /* lines still end as lines do */
	terminal->open = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
	if (!terminal->open) {
		cli_fail_sys(error, "change the terminal's mode");
		terminal_close(terminal);
		return -1;
	}
	fputs(ENTER_SCREEN, stdout);
	fflush(stdout);
	measure(terminal);
	return 0;
}

void terminal_close(struct terminal *terminal)
{
	sigset_t set;

	if (terminal->open) {
		fputs(LEAVE_SCREEN, stdout);
		fflush(stdout);
		tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->before);
	}
	if (terminal->signals >= 0)
		close(terminal->signals);
	terminal->open = false;
	terminal->signals = -1;
	if (terminal->ended_by) {
		signal(terminal->ended_by, SIG_DFL);
		raise(terminal->ended_by);
	}
	taken_signals(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int take_signal(struct terminal *terminal)
{
	struct signalfd_siginfo info;

	if (read(terminal->signals, &info, sizeof(info)) != sizeof(info))
		return TERMINAL_NOTHING;
	if (info.ssi_signo == SIGWINCH) {
		measure(terminal);
		return TERMINAL_RESIZED;
	}
	terminal->ended_by = (int)info.ssi_signo;
	return TERMINAL_ENDED;
}

/* The bytes of one key come in one read. */
static int take_key(void)
{
	char keys[16];
	ssize_t count = read(STDIN_FILENO, keys, sizeof(keys));

	if (count <= 0)
		return count < 0 && errno == EINTR ? TERMINAL_NOTHING : TERMINAL_ENDED;
	if (count >= 3 && (memcmp(keys, "\033[A", 3) == 0 || memcmp(keys, "\033OA", 3) == 0))
		return TERMINAL_UP;
	if (count >= 3 && (memcmp(keys, "\033[B", 3) == 0 || memcmp(keys, "\033OB", 3) == 0))
		return TERMINAL_DOWN;
	return (unsigned char)keys[0];
}

int terminal_wait(struct terminal *terminal, int timeout_ms)
{
	struct pollfd ready[] = { { STDIN_FILENO, POLLIN, 0 }, { terminal->signals, POLLIN, 0 } };

	if (poll(ready, 2, timeout_ms < 0 ? 0 : timeout_ms) <= 0)
		return TERMINAL_NOTHING;
	return ready[1].revents ? take_signal(terminal) : take_key();
}
