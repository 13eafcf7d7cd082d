/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu-init's main: receive the plan, walk the start table, become the workload. */
#include "runtime/init/init.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"

struct row {
	enum step_side side;
	const char *name;
	init_row *run;
	uint64_t when;
};

/* clang-format off */
#define HOST(name, function, undo, when) { SIDE_HOST, name, NULL, when },
#define WHILE(name, function, when) { SIDE_WHILE, name, NULL, when },
#define INIT(name, function, when) { SIDE_INIT, name, run_##function, when },

#define CREATE_STEPS
static const struct row create_rows[] = {
#include "runtime/steps.def"
};
#undef CREATE_STEPS

#define EXEC_STEPS
static const struct row exec_rows[] = {
#include "runtime/steps.def"
};
#undef EXEC_STEPS

/* clang-format on */

/* What the caller ignored or handled must not reach the workload: execve keeps ignored signals
 * ignored. */
static void reset_signals(void)
{
	for (int number = 1; number <= 64; number++) {
		if (number != SIGKILL && number != SIGSTOP && (number < 32 || number > 34))
			signal(number, SIG_DFL);
	}
	/* 32 to 34 belong to the C library, which refuses them: ask the kernel */
	const unsigned long as_default[8] = { 0 };

	for (int number = 32; number <= 34; number++)
		syscall(SYS_rt_sigaction, number, as_default, NULL, 8);
	/* blocked by ns_spawn() until here */
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The first message: the plan as a memfd and the first descriptors; the rest follow in further
 * messages. */
static int receive_plan(struct init *init, struct err *err)
{
	static int fds[PLAN_FDS_MAX + FD_SEND_MAX];
	struct stat status;
	size_t have = FD_SEND_MAX;
	char note;

	ssize_t length = fd_receive(init->control, &note, 1, fds, &have);

	if (length < 0)
		return err_sys(err, "receive plan");
	if (!length || !have)
		return err_set(err, ERR_PEER, "receive plan: masu has gone");
	if (fstat(fds[0], &status) < 0 || (size_t)status.st_size < sizeof(struct plan))
		return err_sys(err, "receive plan");
	void *data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fds[0], 0);

	if (data == MAP_FAILED)
		return err_sys(err, "map plan");
	close(fds[0]);
	init->plan = data;
	init->view = (struct flat_view){
		.data = data,
		.size = (size_t)status.st_size,
		.fds = fds + 1,
		.fd_count = have - 1,
	};
	if (init->plan->magic != PLAN_MAGIC || init->plan->fd_count > PLAN_FDS_MAX)
		return err_set(err, ERR_PEER, "receive plan: it is not of this version of masu");
	while (init->view.fd_count < init->plan->fd_count) {
		size_t more = FD_SEND_MAX;

		length = fd_receive(init->control, &note, 1, fds + 1 + init->view.fd_count, &more);
		if (length < 0)
			return err_sys(err, "receive plan");
		if (!length || !more)
			return err_set(err, ERR_PEER, "receive plan: masu has gone");
		init->view.fd_count += more;
	}
	return 0;
}

void init_hand_over(struct init *init, enum turn_slot slot, int fd)
{
	if (init->turn.fd_count == TURN_FDS)
		return; /* the table never does: one console, one listener */
	init->turn.slots[init->turn.fd_count] = slot;
	init->fds[init->turn.fd_count++] = fd;
}

static int give_turn(struct init *init, struct err *err)
{
	int result = turn_send(init->control, &init->turn, init->fds, err);

	while (init->turn.fd_count)
		close(init->fds[--init->turn.fd_count]);
	init->turn.time_count = 0;
	return result;
}

static int map_filter(struct init *init, int fd, struct err *err)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return err_sys(err, "read seccomp filter");
	void *data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (data == MAP_FAILED)
		return err_sys(err, "map seccomp filter");
	close(fd);
	init->filter = data;
	init->filter_size = (size_t)status.st_size;
	return 0;
}

static int take_turn(struct init *init, struct err *err)
{
	struct turn turn;
	int fds[TURN_FDS];

	if (turn_receive(init->control, &turn, fds, err) < 0)
		return -1;
	for (uint32_t i = 0; i < turn.fd_count; i++) {
		if (turn.slots[i] == TURN_FILTER && map_filter(init, fds[i], err) < 0)
			return -1;
	}
	return 0;
}

#ifdef MASU_FAULTS
static int fault(const struct init *init, const char *name, struct err *err)
{
	const char *fail_at = flat_string(&init->view, init->plan->fail_at);
	const char *kill_at = flat_string(&init->view, init->plan->kill_at);

	if (kill_at && strcmp(kill_at, name) == 0)
		syscall(SYS_exit_group, 137); /* pid 1 of a namespace cannot kill itself */
	if (fail_at && strcmp(fail_at, name) == 0)
		return err_set(err, ECANCELED, "fail as MASU_FAIL_AT asked");
	return 0;
}
#else
static int fault(const struct init *init, const char *name, struct err *err)
{
	(void)init, (void)name, (void)err;
	return 0;
}
#endif

static uint64_t clock_ns(const struct init *init)
{
	struct timespec now;

	if (!init->plan->trace)
		return 0;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int run_row(struct init *init, const struct row *row, uint32_t index, struct err *err)
{
	uint64_t begin = clock_ns(init);

	if (fault(init, row->name, err) < 0 || row->run(init, err) < 0)
		return err_wrap(err, "%s", row->name);
	if (init->plan->trace && init->turn.time_count < TURN_TIMES)
		init->turn.times[init->turn.time_count++] =
			(struct turn_time){ begin, clock_ns(init), index };
	return 0;
}

static int walk(struct init *init, const struct row *rows, size_t count, struct err *err)
{
	bool mine = false;

	for (size_t i = 0; i < count; i++) {
		const struct row *row = &rows[i];

		if ((row->when & init->plan->conditions) != row->when || row->side == SIDE_WHILE)
			continue;
		if (row->side == SIDE_HOST) {
			if (mine && give_turn(init, err) < 0)
				return -1;
			mine = false;
			continue;
		}
		if (!mine && take_turn(init, err) < 0)
			return -1;
		mine = true;
		if (run_row(init, row, (uint32_t)i, err) < 0)
			return -1;
	}
	return 0; /* not reached: the last row is exec */
}

/* Tells whoever waits; nobody else prints what went wrong in here. */
static void report(struct init *init, const struct err *err)
{
	struct turn turn = { .failed = 1, .err = *err };

	turn_send(init->control, &turn, NULL, NULL);
}

int main(int argc, char **argv)
{
	static struct init init;
	struct err err = { 0 };
	uint64_t control;

	if (argc != 2 || !str_parse_u64(argv[1], &control) || control > 65535)
		return 125;
	init.control = (int)control;
	init.root = -1;
	fcntl(init.control, F_SETFD, FD_CLOEXEC);
	sys_close_range((unsigned int)init.control + 1, ~0U, 0);
	reset_signals();
	setsid(); /* the workload leads a session of its own, with a terminal or without */
	if (receive_plan(&init, &err) == 0) {
		if (init.plan->table == PLAN_CREATE)
			walk(&init, create_rows, sizeof(create_rows) / sizeof(*create_rows), &err);
		else
			walk(&init, exec_rows, sizeof(exec_rows) / sizeof(*exec_rows), &err);
	}
	report(&init, &err);
	return 125;
}
