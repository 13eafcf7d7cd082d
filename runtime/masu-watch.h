/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libmasu: being told what happens to containers and cgroups. */
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
