/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The messages between masu and masu-init, the same code on both sides. */
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/plan.h"

int turn_send(int socket, struct turn *turn, const int *fds, struct err *err)
{
	/* a turn that went well carries no error text: 4 words instead of 700 bytes */
	bool whole = turn->failed || turn->time_count;
	size_t size = whole ? sizeof(*turn) : offsetof(struct turn, err);

	if (fd_send(socket, turn, size, fds, turn->fd_count) < 0)
		return err_sys(err, "send turn");
	return 0;
}

int turn_take_error(const struct turn *turn, struct err *err)
{
	if (err) {
		*err = turn->err;
		err->text[sizeof(err->text) - 1] = '\0';
		err->hint[sizeof(err->hint) - 1] = '\0';
	}
	return -1;
}

/* As long as it says, with as many descriptors as it says. */
static bool is_sound(const struct turn *turn, size_t length, size_t fd_count)
{
	size_t least =
		turn->failed || turn->time_count ? sizeof(*turn) : offsetof(struct turn, err);

	return length >= least && turn->fd_count == fd_count && turn->time_count <= TURN_TIMES;
}

int turn_receive(int socket, struct turn *turn, int *fds, struct err *err)
{
	size_t count = TURN_FDS;

	memset(turn, 0, sizeof(*turn));
	ssize_t length = fd_receive(socket, turn, sizeof(*turn), fds, &count);

	if (length < 0 && errno != ECONNRESET)
		return err_sys(err, "receive turn");
	if (length <= 0)
		return err_set(err, ERR_PEER, "the other side ended without a word");
	bool sound = is_sound(turn, (size_t)length, count);

	if (sound && !turn->failed)
		return 0;
	while (count)
		close(fds[--count]);
	return sound ? turn_take_error(turn, err)
		     : err_set(err, ERR_PEER, "receive turn: malformed message");
}
