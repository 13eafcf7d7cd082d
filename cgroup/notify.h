/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notifications as kernel files: a table for each version tells how it lets each kind of event be
 * seen. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroup/cgroup.h"
#include "cgroup/host.h"

struct cgroup_place;
struct cgroup_signal;

/* One wish, as it is being watched. */
struct cgroup_source {
	struct cgroup_watch *watch;
	struct cgroup_place *place;
	const struct cgroup_signal *signal;
	struct cgroup_wish wish;
	int wake; /* ready when there may be something; -1: none */
	uint32_t wake_events;
	int file;         /* read for the answer; may be the same as `wake`; -1: none */
	int64_t due_ms;   /* look then, even when nothing wakes us; 0: never */
	int64_t until_ms; /* what was begun is over then; each kind's own use */
	uint64_t seen;    /* a counter, as it was at the last look */
	uint64_t begun;   /* a second counter */
	bool holds;       /* the state that was asked for is there and was reported */
};

struct cgroup_signal {
	/* Whose place it happens in; CGROUP_CORE: the one that speaks for all processes. */
	enum cgroup_controller controller;
	int (*open)(struct cgroup_source *source, struct err *err);

	/* Find out and report. Sets due_ms, which was cleared, when it wants to look again.
	 * `woken`: by the kernel; false: by the clock, or for the last time. */
	void (*look)(struct cgroup_source *source, bool woken);
	const char *file, *key;
	uint64_t state; /* of the key, that the event is about */
};

extern const struct cgroup_signal cgroup_v1_signals[CGROUP_EVENT_END];
extern const struct cgroup_signal cgroup_v2_signals[CGROUP_EVENT_END];

/* ---- for the tables ---- */

enum {
	CGROUP_QUIET_MS = 1000, /* after a report of what the kernel tells in floods */
	CGROUP_SOURCE_TEXT = 1024,
};

/* Open signal->file, and have the kernel wake us when its text changes. */
int cgroup_source_open_polled(struct cgroup_source *source, struct err *err);
/* Open it to be looked at by the clock, at once for the first time. */
int cgroup_source_open_sampled(struct cgroup_source *source, struct err *err);

/* Put a descriptor into the epoll set; the source owns it. 0 or -1 with errno. */
int cgroup_source_wake_by(struct cgroup_source *source, int fd, uint32_t events);

/* Close what wakes it; then only the clock is left. */
void cgroup_source_sleep(struct cgroup_source *source);

/*
 * What the kernel tells in floods: called with whether it happened (again), true for what is to be
 * reported. The rest of CGROUP_QUIET_MS belongs to the same cause, and is slept through.
 */
bool cgroup_source_is_news(struct cgroup_source *source, bool happened);

/* The file's text; false when it cannot be read (any more): then nothing wakes the source again. */
bool cgroup_source_read(struct cgroup_source *source, char text[CGROUP_SOURCE_TEXT]);

/* The number behind signal->key, or the file's only one. */
bool cgroup_source_number(struct cgroup_source *source, uint64_t *value);

void cgroup_source_report(struct cgroup_source *source, uint64_t value);

/* Report when a state begins; `value` goes with it. */
void cgroup_source_settle(struct cgroup_source *source, bool holds, uint64_t value);

/* A counter that the kernel wakes us for. */
void cgroup_look_counter(struct cgroup_source *source, bool woken);
/* A counter looked at each second: one report for as long as it grows. */
void cgroup_look_growth(struct cgroup_source *source, bool woken);

/* Memory in use, crossing the mark in either direction: at most one report in CGROUP_QUIET_MS.
 * `crossed` tells that the kernel has seen it. */
void cgroup_report_threshold(struct cgroup_source *source, uint64_t usage, bool crossed);
