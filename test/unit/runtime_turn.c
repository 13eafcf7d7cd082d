/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The messages between masu and masu-init: what goes through, and what is refused without a leak.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/plan.h"
#include "test/unit/unit.h"

/* The number that the next descriptor will get: the same before and after means that none leaked.
 */
static int next_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

static void test_success(int pair[2])
{
	struct turn out = { .fd_count = 1, .slots = { TURN_CONSOLE } }, in;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), fds[TURN_FDS];
	struct err err = { 0 };

	CHECK_INT(turn_send(pair[0], &out, &fd, &err), 0);
	CHECK_INT(turn_receive(pair[1], &in, fds, &err), 0);
	CHECK_INT(in.failed, 0);
	CHECK_INT(in.fd_count, 1);
	CHECK_INT(in.slots[0], TURN_CONSOLE);
	CHECK(fds[0] != fd && fcntl(fds[0], F_GETFD) == FD_CLOEXEC);
	close(fds[0]);
	close(fd);
}

static void test_times(int pair[2])
{
	struct turn out = { .time_count = 2, .times = { { 1, 2, 3 }, { 4, 5, 6 } } }, in;
	int fds[TURN_FDS];
	struct err err = { 0 };

	CHECK_INT(turn_send(pair[0], &out, NULL, &err), 0);
	CHECK_INT(turn_receive(pair[1], &in, fds, &err), 0);
	CHECK_INT(in.time_count, 2);
	CHECK_INT(in.times[1].end_ns, 5);
	CHECK_INT(in.times[1].row, 6);
}

static void test_failure(int pair[2])
{
	struct turn out = { .failed = 1, .fd_count = 1 }, in;
	int fds[TURN_FDS], fd = open("/dev/null", O_RDONLY | O_CLOEXEC), before = next_fd();
	struct err err = { 0 };

	err_set(&out.err, ERR_HOOK, "mounts: mount proc: no");
	err_hint(&out.err, "try again");
	CHECK_INT(turn_send(pair[0], &out, &fd, &err), 0);
	CHECK_INT(turn_receive(pair[1], &in, fds, &err), -1);
	CHECK_INT(err.code, ERR_HOOK);
	CHECK_TEXT(err.text, "mounts: mount proc: no");
	CHECK_TEXT(err.hint, "try again");
	CHECK_INT(next_fd(), before);
	close(fd);

	/* texts without an end get one */
	memset(&out, 'x', sizeof(out));
	out.fd_count = out.time_count = 0;
	CHECK_INT(turn_send(pair[0], &out, NULL, NULL), 0);
	CHECK_INT(turn_receive(pair[1], &in, fds, &err), -1);
	CHECK_INT(strlen(err.text), sizeof(err.text) - 1);
	CHECK_INT(strlen(err.hint), sizeof(err.hint) - 1);
	CHECK_INT(turn_take_error(&out, NULL), -1);
}

struct bad_row {
	const char *name;
	struct turn turn;
	size_t size, fd_count;
};

static void test_malformed(int pair[2])
{
	const size_t small = offsetof(struct turn, err);
	const struct bad_row rows[] = {
		{ "one byte", { 0 }, 1, 0 },
		{ "one byte less than the least", { 0 }, small - 1, 0 },
		{ "a failure without its error", { .failed = 1 }, small, 0 },
		{ "a failure with half an error", { .failed = 1 }, small + 100, 0 },
		{ "times that did not come", { .time_count = 1 }, small, 0 },
		{ "too many times", { .time_count = TURN_TIMES + 1 }, sizeof(struct turn), 0 },
		{ "a descriptor missing", { .fd_count = 1 }, small, 0 },
		{ "a descriptor too many", { .fd_count = 0 }, small, 1 },
		{ "more descriptors than any turn has", { .fd_count = 3 }, small, 3 },
		{ "a failure with the wrong count", { .failed = 1 }, sizeof(struct turn), 2 },
	};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), same[] = { null, null, null };

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		int before = next_fd(), fds[TURN_FDS];
		struct turn in;
		struct err err = { 0 };

		CHECK_INT(fd_send(pair[0], &rows[i].turn, rows[i].size, same, rows[i].fd_count), 0);
		CHECK_ROW(rows[i].name, turn_receive(pair[1], &in, fds, &err) == -1);
		CHECK_ROW(rows[i].name, err.code && err.text[0]);
		CHECK_ROW(rows[i].name, next_fd() == before);
	}
	close(null);
}

static void test_end(int pair[2])
{
	struct turn turn = { 0 };
	int fds[TURN_FDS];
	struct err err = { 0 };

	close(pair[0]);
	CHECK_INT(turn_receive(pair[1], &turn, fds, &err), -1);
	CHECK_INT(err.code, ERR_PEER);
	/* no SIGPIPE either */
	CHECK_INT(turn_send(pair[1], &turn, NULL, &err), -1);
	CHECK_INT(err.code, EPIPE);
	close(pair[1]);
}

int main(void)
{
	int pair[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	test_success(pair);
	test_times(pair);
	test_failure(pair);
	test_malformed(pair);
	test_end(pair);
	return unit_done("runtime_turn");
}
