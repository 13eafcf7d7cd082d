/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state "created": masu-init waits, a few pages in size, for `start`. */
#include <sys/socket.h>

#include "base/sys.h"
#include "runtime/init/init.h"

/*
 * `start` connects and sends one byte; whoever only connects and leaves was asking for our status.
 * The connection stays open: closed by a successful exec it says "started", bytes on it are a
 * struct err.
 */
int run_wait_start(struct init *init, struct err *err)
{
	/* masu has its answer: its socket's place goes to the one for `start`, everything else is
	 * closed */
	int listening = 3 + (int)init->plan->keep_count;

	if (dup3(flat_get_fd(&init->view, init->plan->start_socket), listening, O_CLOEXEC) < 0)
		return err_sys(err, "wait for start");
	sys_close_range((unsigned int)listening + 1, ~0U, 0);
	for (;;) {
		int connection = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
		char word;
		if (connection < 0) {
			if (errno == EINTR || errno == ECONNABORTED)
				continue;
			return err_sys(err, "wait for start");
		}
		ssize_t length = read(connection, &word, 1);

		if (length == 1) {
			init->control = connection;
			break;
		}
		close(connection);
	}
	close(listening);
	if (!(init->plan->conditions & PROCESS))
		return err_set(err, ERR_INPUT, "start: config.json has no process");
	return 0;
}
