/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One start, host side: everything between the command and the running process, for `create`, `run`
 * and `exec`. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/flat.h"
#include "runtime/container.h"
#include "runtime/plan.h"
#include "runtime/spec.h"

struct err;
struct creation;
struct execution;
struct startup;

typedef int startup_run(struct startup *startup, struct err *err);

/* Takes a row back; needs only the container's record, accepts "never done" and "half done". */
typedef int startup_undo(struct container *container, struct err *err);

struct startup_row {
	enum step_side side;
	const char *name;
	startup_run *run;
	startup_undo *undo;
	uint64_t when;
};

/* The two tables of steps.def. */
extern const struct startup_row startup_create_rows[], startup_exec_rows[];
extern const size_t startup_create_count, startup_exec_count;

/* What one start was asked for, the same for create, run and exec. */
struct startup_options {
	const char *console_socket, *pidfd_socket, *pid_file, *notify_socket;
	const int *stdio;
	unsigned int listen_fds, preserve_fds;
	bool no_pivot, no_new_keyring;
	bool wait_start;    /* create: the program waits for `start` */
	bool keep_console;  /* the master stays with us (foreground) */
	bool serve_names;   /* we stay and are the container's name server (foreground) */
	const char *cgroup; /* exec: below the container's own */
	const char *trace_file;
};

enum {
	TRACE_ROWS = 64,
};

struct startup_trace {
	const char *name;
	enum step_side side;
	uint64_t begin_ns, end_ns;
};

struct startup {
	const struct startup_options *options;
	struct container *container;
	struct arena *arena;                /* the container's */
	struct creation *creation;          /* create and run; NULL for exec */
	struct execution *execution;        /* exec; NULL for create and run */
	struct spec *spec;                  /* create and run; NULL for exec */
	const struct spec_process *process; /* NULL: created without a program */
	struct ns_request request;
	struct ns_host host;
	struct flat flat;
	struct plan plan;
	int start_socket; /* listening, handed to masu-init; -1 */
	int control;      /* socket to masu-init */
	int pidfd;        /* of the process that is started */
	int console;      /* master of the pty, once it has come */
	pid_t pid;
	bool wrote_pid_file;
	const char *state_json; /* for the seccomp listener; NULL without one */

	struct turn turn; /* the next one to masu-init */
	int turn_fds[TURN_FDS];
	int listener;
	int netns;    /* masu.network: of masu-init, once attached */
	int notify;   /* run: the notify socket, held until READY=1 has passed */
	void *filter; /* compiled seccomp program, in the arena */
	size_t filter_size;

	struct startup_trace trace[TRACE_ROWS];
	size_t trace_count;
};

#define STARTUP_INIT                                                                               \
	{                                                                                          \
		.host = NS_HOST_INIT, .start_socket = -1, .control = -1, .console = -1,            \
		.listener = -1, .netns = -1, .notify = -1, .pidfd = -1                             \
	}

/*
 * Walk the rows: run those of the host, wait where masu-init works, undo all of the host's rows
 * backwards when one fails (on either side). 0 when the program was executed, or waits for `start`.
 */
int startup_walk(struct startup *startup, const struct startup_row *rows, size_t count,
		 struct err *err);
void startup_close(struct startup *startup);

/* Whom a seccomp listener that comes late goes to. */
struct startup_finish {
	struct security_notify notify;
	pid_t pid;
	const char *state_json;
};

/*
 * After the last turn (or after `start` said its word): wait until the socket is closed by a
 * successful execve. -1 with what masu-init reports. */
int startup_finish(int control, int pidfd, const struct startup_finish *finish, struct err *err);

/* Row conditions and everything of the plan but the parts that need open descriptors. (compile.c)
 */
int startup_compile_process(struct startup *startup, struct err *err);

/* What ns/ and security/ make of the spec, its mounts opened; needs run_namespaces() and the
 * container's cgroup, open. (rows.c) */
int startup_compile_spec(struct startup *startup, struct err *err);
uint64_t startup_conditions(const struct startup *startup);
int startup_send_plan(struct startup *startup, struct err *err);
int startup_compile_hooks(struct startup *startup, struct err *err);

/* The descriptors that the workload is to inherit (listen_fds, preserve_fds) must be the caller's.
 */
int startup_check_kept(const struct startup_options *options, struct err *err);

/* Queue a descriptor for masu-init's next turn; owned from here. */
void startup_hand_over(struct startup *startup, enum turn_slot slot, int fd);

/* Write the times of the rows as Chrome trace events. (trace.c) */
int startup_write_trace(const struct startup *startup, struct err *err);
uint64_t startup_clock_ns(void);
