/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's walk over the start table. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/sys.h"
#include "runtime/foreground.h"
#include "runtime/startup.h"

static bool applies(const struct startup *startup, const struct startup_row *row)
{
	return (row->when & startup->plan.conditions) == row->when;
}

#ifdef MASU_FAULTS
static int fault(const char *name, struct err *err)
{
	const char *fail_at = getenv("MASU_FAIL_AT"), *kill_at = getenv("MASU_KILL_AT");

	if (kill_at && strcmp(kill_at, name) == 0)
		raise(SIGKILL);
	if (fail_at && strcmp(fail_at, name) == 0)
		return err_set(err, ECANCELED, "fail as MASU_FAIL_AT asked");
	return 0;
}
#else
static int fault(const char *name, struct err *err)
{
	(void)name, (void)err;
	return 0;
}
#endif

static int run_row(struct startup *startup, const struct startup_row *row, struct err *err)
{
	uint64_t begin = startup->options->trace_file ? startup_clock_ns() : 0;

	log_debug("step %s", row->name);
	/* a fault comes after the work: the row is done and its undo must take it back */
	int result = row->run(startup, err);

	if (result == 0)
		result = fault(row->name, err);
	if (startup->options->trace_file && startup->trace_count < TRACE_ROWS)
		startup->trace[startup->trace_count++] =
			(struct startup_trace){ row->name, row->side, begin, startup_clock_ns() };
	return result < 0 ? err_wrap(err, "%s", row->name) : 0;
}

void startup_hand_over(struct startup *startup, enum turn_slot slot, int fd)
{
	startup->turn.slots[startup->turn.fd_count] = slot;
	startup->turn_fds[startup->turn.fd_count++] = fd;
}

/* What masu-init hands over: the terminal's master, a seccomp listener. */
static void keep_fd(struct startup *startup, uint32_t slot, int fd)
{
	if (slot == TURN_CONSOLE && startup->console < 0)
		startup->console = fd;
	else if (slot == TURN_LISTENER && startup->listener < 0)
		startup->listener = fd;
	else
		close(fd);
}

/* masu-init went away without a word: look why. */
static int explain_end(struct startup *startup, struct err *err)
{
	struct container *container = startup->container;

	if (container_open_cgroup(container, NULL) == 0 && cgroup_oom_kills(container->cgroup)) {
		err_set(err, ENOMEM,
			"masu-init was killed: the memory limit is too low to start in");
		return err_hint(err, "raise linux.resources.memory.limit");
	}
	return err_set(err, ERR_PEER, "masu-init ended without a word");
}

/* The times that masu-init measured, beside our own. */
static void keep_times(struct startup *startup, const struct startup_row *rows,
		       const struct turn *turn)
{
	for (uint32_t i = 0; i < turn->time_count && startup->trace_count < TRACE_ROWS; i++) {
		const struct turn_time *time = &turn->times[i];

		if (time->row >= startup_create_count)
			continue; /* --trace is for create and run */
		startup->trace[startup->trace_count++] = (struct startup_trace){
			rows[time->row].name,
			SIDE_INIT,
			time->begin_ns,
			time->end_ns,
		};
	}
}

static int take_turn(struct startup *startup, const struct startup_row *rows, struct err *err)
{
	struct turn turn;
	int fds[TURN_FDS];
	struct err why = { 0 };

	if (turn_receive(startup->control, &turn, fds, &why) < 0) {
		if (why.code == ERR_PEER)
			return explain_end(startup, err);
		if (err)
			*err = why;
		return -1;
	}
	for (uint32_t i = 0; i < turn.fd_count; i++)
		keep_fd(startup, turn.slots[i], fds[i]);
	keep_times(startup, rows, &turn);
	return 0;
}

static int give_turn(struct startup *startup, const struct startup_row *rows, struct err *err)
{
	struct err why = { 0 };
	int result = turn_send(startup->control, &startup->turn, startup->turn_fds, &why);

	while (startup->turn.fd_count)
		close(startup->turn_fds[--startup->turn.fd_count]);
	/* it ended before its turn: its last words may lie there to be read */
	if (result < 0 && why.code == EPIPE && take_turn(startup, rows, err) < 0)
		return -1;
	if (result < 0 && err)
		*err = why;
	return result;
}

/* A filter that is loaded last cannot send its listener: masu-init tells the number, we fetch it
 * and let it go on. */
static int fetch_listener(int control, int pidfd, const struct startup_finish *finish,
			  int32_t number, struct err *err)
{
	auto_close int listener = sys_pidfd_getfd(pidfd, number);

	if (listener < 0)
		return err_sys(err, "fetch seccomp listener");
	if (security_seccomp_send_listener(&finish->notify, listener, finish->pid,
					   finish->state_json, err) < 0)
		return -1;
	return fd_send(control, &number, sizeof(number), NULL, 0) < 0
		       ? err_sys(err, "answer masu-init")
		       : 0;
}

int startup_finish(int control, int pidfd, const struct startup_finish *finish, struct err *err)
{
	for (;;) {
		struct turn turn = { 0 };
		ssize_t length = fd_receive(control, &turn, sizeof(turn), NULL, NULL);

		/* closed by a successful execve; a process that was killed instead ends like any
		 * other */
		if (length == 0 || (length < 0 && errno == ECONNRESET))
			return 0;
		if (length == sizeof(int32_t)) {
			if (fetch_listener(control, pidfd, finish, turn.failed, err) < 0)
				return -1;
			continue;
		}
		if (length < 0)
			return err_sys(err, "wait for masu-init");
		return turn_take_error(&turn, err);
	}
}

static int walk_forward(struct startup *startup, const struct startup_row *rows, size_t count,
			size_t *reached, struct err *err)
{
	bool mine = true;

	for (size_t i = 0; i < count; i++) {
		const struct startup_row *row = &rows[i];

		if (!applies(startup, row))
			continue;
		if (row->side == SIDE_INIT) {
			if (mine && give_turn(startup, rows, err) < 0)
				return -1;
			mine = false;
			continue;
		}
		if (row->side == SIDE_HOST && !mine) {
			if (take_turn(startup, rows, err) < 0)
				return -1;
			mine = true;
		}
		*reached = i;
		if (run_row(startup, row, err) < 0)
			return -1;
	}
	if (startup->options->wait_start)
		return 0;
	const struct state *state = &startup->container->state;
	struct startup_finish finish = {
		.notify = { state->seccomp_listener, state->seccomp_metadata },
		.pid = startup->pid,
		.state_json = startup->state_json,
	};

	return startup_finish(startup->control, startup->pidfd, &finish, err);
}

/* A masu-init that did not become the program is of no use; unreaped, exec's would keep the
 * container's pid namespace alive. */
static void end_process(struct startup *startup)
{
	if (startup->pidfd < 0)
		return;
	sys_pidfd_send_signal(startup->pidfd, SIGKILL);
	if (process_wait(startup->pidfd, NULL) == 0)
		process_status(startup->pidfd);
}

/* runtime.md "Lifecycle": a failed hook leads to destruction and then to the poststop hooks. */
static void run_poststop(struct container *container)
{
	const struct json_list *hooks = &container->state.hooks.lists[SPEC_POSTSTOP];

	container_run_hooks(container, SPEC_POSTSTOP, hooks, "stopped", NULL);
}

int startup_walk(struct startup *startup, const struct startup_row *rows, size_t count,
		 struct err *err)
{
	struct err nobody_asks = { 0 };
	size_t reached = 0;
	bool undone = true;

	err = err ? err : &nobody_asks; /* what is undone depends on what failed */
	if (walk_forward(startup, rows, count, &reached, err) == 0)
		return 0;
	if (startup->control >= 0) {
		/* masu-init sees the end of the conversation and ends */
		close(startup->control);
		startup->control = -1;
	}
	end_process(startup);
	/* an engine that finds it takes the number for that of a living process */
	if (startup->wrote_pid_file)
		unlink(startup->options->pid_file);
	/* undoing needs descriptors, and those of the plan hold mounts: they may be what there was
	 * too much of */
	flat_free(&startup->flat);
	for (size_t i = reached + 1; i-- > 0;) {
		struct err why = { 0 };

		if (rows[i].side != SIDE_HOST || !rows[i].undo || !applies(startup, &rows[i]))
			continue;
		if (i == 0 && err->code == ERR_HOOK)
			run_poststop(startup->container);
		if (i == 0 && !undone)
			break; /* the record stays, so that `delete --force` can try again */
		log_debug("undo %s", rows[i].name);
		if (rows[i].undo(startup->container, &why) == 0)
			continue;
		log_warning("undo %s: %s", rows[i].name, why.text);
		undone = false;
	}
	return -1;
}
