/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plan: all that masu-init needs, flat, compiled by the host side; and the conditions and turns
 * of the start table. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/flat.h"
#include "cgroup/cgroup.h"
#include "ns/ns.h"
#include "security/security.h"

/* When a row of steps.def applies: all of its bits must be in plan.conditions. */
enum step_condition {
	ALWAYS = 0,
	CGROUP = 1 << 0,
	RESCTRL = 1 << 1,
	NET_DEVICES = 1 << 2,
	NEW_NETWORK = 1 << 3,
	TIME = 1 << 4,       /* a time namespace, new or joined */
	CGROUP_NS = 1 << 5,  /* a new cgroup namespace */
	OWN_MOUNTS = 1 << 6, /* a new mount namespace: the root file system is ours to build */
	PIVOT_EARLY = 1 << 7,
	PIVOT_LATE = 1 << 8, /* hooks must find the mounts at the host's path of the root */
	TERMINAL = 1 << 9,
	HOOKS_RUNTIME = 1 << 10, /* prestart or createRuntime */
	HOOKS_CONTAINER = 1 << 11,
	HOOKS_START = 1 << 12,
	KEYRING = 1 << 13,
	PROCESS = 1 << 14, /* config.json has a process */
	SECCOMP = 1 << 15,
	SECCOMP_EARLY = 1 << 16,  /* loaded before capabilities go: no_new_privs is off */
	SECCOMP_LATE = 1 << 17,   /* loaded last */
	LISTENER_EARLY = 1 << 18, /* the early filter has a notify listener to hand out */
	WAIT_START = 1 << 19,     /* create: wait for `start` */
	STORAGE = 1 << 20,        /* masu.storage: the root comes from an image */
	NETWORK = 1 << 21,        /* masu.network: interfaces of its own */
	SERVE_NAMES = 1 << 22,    /* we stay and are its name server */
	USER_NETWORK = 1 << 24,   /* masu.network of an ordinary user */
	SYSTEMD = 1 << 23,        /* the cgroup is a scope, which begins with a holder in it */
};

enum step_side {
	SIDE_HOST,
	SIDE_WHILE,
	SIDE_INIT,
};

enum {
	PLAN_MAGIC = 0x6d617375, /* "masu" */
	PLAN_FDS_MAX = 20000,
};

enum plan_table {
	PLAN_CREATE,
	PLAN_EXEC,
};

/* A hook that runs inside (createContainer, startContainer). */
struct plan_hook {
	struct flat_ref path;
	struct flat_ref argv, envp; /* lists of texts */
	uint32_t timeout_s;         /* 0: none */
};

/* The OCI state for hooks that run inside; the pid in between is the one seen there. */
struct plan_hook_state {
	struct flat_ref before, after; /* texts: before pid, behind it */
};

struct plan {
	uint32_t magic;
	uint32_t table; /* enum plan_table */
	uint64_t conditions;
	uint32_t fd_count;   /* descriptors that travel with it, in messages of FD_SEND_MAX */
	uint32_t keep_count; /* descriptors from 3 on that the workload inherits */
	uint32_t listen_fds; /* of those, passed in the LISTEN_FDS protocol */
	uint32_t trace;      /* send the times of the rows */

	struct ns_plan ns;
	struct security_plan security;
	struct cgroup_plan cgroup;

	struct flat_ref argv, envp; /* lists of texts */
	struct flat_ref cwd;        /* text */
	uint8_t set_home;           /* HOME is not in envp: take it from the container's passwd */
	uint8_t console_mount;      /* bind the terminal on /dev/console */
	uint16_t console_rows, console_columns; /* 0: leave */

	struct flat_ref hooks_container, hooks_start; /* struct plan_hook */
	struct plan_hook_state creating, created;
	struct flat_ref bundle; /* text: working directory of createContainer hooks */

	flat_fd_t start_socket; /* listening; `start` connects to it */
	flat_fd_t root_dir;     /* exec into a container without a root of its own mount namespace:
				   chroot there */
	struct flat_ref fail_at, kill_at; /* test builds: row names */
};

/*
 * One message of the conversation: "I have done my rows; your turn", or "a row failed". Descriptors
 * travel with it; `slots` says what each is.
 */
enum turn_slot {
	TURN_FILTER = 1, /* host to init: the seccomp program, a memfd */
	TURN_CONSOLE,    /* init to host: the master of the pty */
	TURN_LISTENER,   /* init to host: the seccomp notify descriptor */
};

enum {
	TURN_FDS = 2,
	TURN_TIMES = 40, /* no more rows than that belong to masu-init */
};

/* --trace: when a row of masu-init's began and ended, CLOCK_REALTIME (time namespaces do not shift
 * it). */
struct turn_time {
	uint64_t begin_ns, end_ns;
	uint32_t row; /* its place in the table */
};

struct turn {
	int32_t failed; /* 0, or 1: err is filled and nothing follows */
	uint32_t fd_count;
	uint32_t slots[TURN_FDS];
	uint32_t time_count;
	struct err err;
	struct turn_time times[TURN_TIMES];
};

/* Both sides; 0, or -1 with err. The receiver gets the sender's err when its row failed; ERR_PEER
 * when the other side is gone. */
int turn_send(int socket, struct turn *turn, const int *fds, struct err *err);
int turn_receive(int socket, struct turn *turn, int *fds, struct err *err);

/* -1, with the error of a turn that failed; its texts end wherever the sender ended them. */
int turn_take_error(const struct turn *turn, struct err *err);
