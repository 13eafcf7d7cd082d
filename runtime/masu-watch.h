/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libmasu: measuring what containers and cgroups use, and being told what happens to them. */
#ifndef MASU_WATCH_H
#define MASU_WATCH_H

#include <time.h>

#include "masu.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The rules of masu.h hold here, too. A name is a container's id, or the path of a cgroup below
 * each hierarchy that has it, "/a/b".
 */

/* ---- measuring, again and again ---- */

/* In place of a number: the kernel or this version does not tell it, or there is no limit. */
#define MASU_UNKNOWN UINT64_MAX

/* Counters of one container. Times are in ns, sizes in bytes, all else is a number of things; what
 * counts up does so since the cgroup was made. Those marked F are read with MASU_METER_FULL only.
 */
struct masu_reading {
	const struct masu_reading *next;
	const char *name;
	uint64_t time_ns; /* when it was read, on CLOCK_MONOTONIC */

	uint64_t cpu_ns;
	uint64_t cpu_user_ns, cpu_system_ns; /* F */
	uint64_t cpu_periods, cpu_throttled_periods, cpu_throttled_ns;

	uint64_t memory;
	uint64_t memory_working_set;     /* without file pages that nobody has used lately */
	uint64_t memory_limit;           /* F: its own */
	uint64_t memory_effective_limit; /* the least of its own, its ancestors' and the machine */
	uint64_t memory_peak;            /* F */
	uint64_t memory_and_swap;        /* F */
	uint64_t oom_kills;              /* F */

	uint64_t pids, pids_limit;

	uint64_t io_read, io_written;            /* bytes of all devices */
	uint64_t io_reads, io_writes;            /* F: operations */
	uint64_t network_received, network_sent; /* bytes of all interfaces of its own network */
	uint64_t cpu_stall_ns;                   /* F: some process waited for a CPU */
	uint64_t memory_stall_ns;                /* F: some process waited for memory */
	uint64_t io_stall_ns;                    /* F: some process waited for a device */
};

enum masu_meter_flags {
	MASU_METER_FULL = 1, /* also what takes more files to read */
};

struct masu_meter;

/*
 * Get ready to read the counters of these, or with `names` NULL of all running containers of the
 * state root, those included that come later. `names` ends with NULL. The files stay open: some
 * eight descriptors for each; where the process may have no more, they are opened for each reading.
 * One thread at a time may use a meter. MASU_ERR_NOT_FOUND, MASU_ERR_STATE for one that is stopped.
 */
MASU_API int masu_meter_open(struct masu *masu, const char *const *names, unsigned int flags,
			     struct masu_meter **meter, struct masu_error *error);

/*
 * Read them all. The list is sorted by name, belongs to the meter, and is valid until its next use;
 * what has ended is no longer in it. *first is NULL when there is none (any more).
 */
MASU_API int masu_meter_read(struct masu_meter *meter, const struct masu_reading **first,
			     struct masu_error *error);
MASU_API void masu_meter_close(struct masu_meter *meter);

/* ---- notifications ---- */

/*
 * Events, as they are asked for:
 *
 *   oom              the kernel killed for lack of memory; value: kills so far
 *   threshold=BYTES  memory in use crossed this mark, up or down; value: bytes in use.
 *                    BYTES may have K, M, G or T behind, in powers of 1024
 *   pressure=LEVEL   memory is short: low, medium or critical; value: bytes in use
 *   empty            no process is left in it and in the cgroups below
 *   populated        there are some (again)
 *   frozen, thawed   all of it is, by whatever means
 *   pids             a fork was refused for its pids limit; value: how often so far
 *   throttle         its CPU limit began to hold it back; value: periods so far
 *
 * and "end", which comes by itself, once, as the last one: its first process has ended, or the
 * cgroup was removed. A state that holds already is told at once: nothing is missed between a look
 * and the wait. What the kernel tells in floods is told once a second, pressure once in 1 to 2 s.
 */
struct masu_event {
	const char *name;     /* of masu_notify_options */
	const char *event;    /* "oom" */
	const char *argument; /* behind the '=' it was asked for with, or "" */
	uint64_t value;
	struct timespec time; /* CLOCK_REALTIME */
};

/* False: no more of them. What the event points to is valid during the call only. */
typedef bool masu_notify_callback(const struct masu_event *event, void *data);

struct masu_notify_options {
	size_t size;
	const char *name;          /* required */
	const char *const *events; /* required; ends with NULL */
	masu_notify_callback *report;
	void *data;
};

struct masu_notify;

/*
 * Begin to watch. No thread is made and nobody is called before masu_notify_dispatch(): a program
 * waits in its own loop until the descriptor is ready for reading. While nothing happens that costs
 * nothing, except for what the kernel does not tell and has to be looked at about once a second:
 * throttle, threshold on cgroup v2, and empty, populated, frozen, thawed where there is cgroup v1
 * alone. MASU_ERR_INPUT names a wrong event; MASU_ERR_UNSUPPORTED what this host lacks for it.
 */
MASU_API int masu_notify_open(struct masu *masu, const struct masu_notify_options *options,
			      struct masu_notify **notify, struct masu_error *error);

/* To poll for reading; it stays the library's. */
MASU_API int masu_notify_fd(const struct masu_notify *notify);

/* Call back for what has happened, without waiting. Returns 1 when more may come, 0 after "end" or
   when the callback returned false. */
MASU_API int masu_notify_dispatch(struct masu_notify *notify, struct masu_error *error);
MASU_API void masu_notify_close(struct masu_notify *notify);

#ifdef __cplusplus
}
#endif

#endif /* MASU_WATCH_H */
