/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container's directory in one hierarchy, the driver that knows its files, and the walk over what
 * lies below. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/holder.h"
#include "cgroup/host.h"
#include "cgroup/knobs.h"
#include "cgroup/notify.h"
#include "cgroup/stats.h"

/* Where the processes of a v2 group are once there are cgroups with controllers below it. No part
 * of a group's name begins with a dot. */
#define CGROUP_LEAF ".tasks"

/* The top of the groups that run when nobody else wants to. */
#define CGROUP_BATCH "/batch"

struct cgroup_manager;
struct cgroup_explained;
struct cgroup_explanation;
struct cgroup_ops;
struct cgroup_resources;
struct cgroup_state;
struct device_rules;
struct err;

struct cgroup_place {
	const struct cgroup_ops *ops;
	const char *controllers; /* as in struct cgroup_hierarchy_state */
	const char *dir;
	const char *mount;
	uint32_t mask; /* controllers whose limits are written here */
	bool existed;
	bool in_group; /* those above it are groups, too: their processes may move to a leaf */
	unsigned int passing; /* as in struct cgroup_hierarchy_state, like the next */
	bool batch;
	bool threaded; /* v2: takes threads, and the controllers that know threads only */
	int fd;        /* of dir, O_PATH; -1 until cgroup_place_fd() */
};

struct cgroup {
	const struct cgroup_manager *manager;
	const struct cgroup_state *state;
	struct arena *arena;
	struct cgroup_place *places;
	size_t count;
	bool no_births; /* too low a pids limit: processes may come in, but none is born here */
	bool foreign;   /* only the manager can move a process into it */
	struct holder holder; /* lives in it until the container does */
	bool own_name; /* the spec gave no path: a directory found there is a leftover of ours */
	bool strict;   /* cgroup_set_strict() */
};

/*
 * What differs between the versions. Every function takes the place first and returns 0, or -1 with
 * the error filled; a hierarchy without the controller that a function needs is never given to it,
 * except where stated.
 */
struct cgroup_ops {
	const char *name;
	const struct cgroup_knobs *knobs;
	const struct cgroup_counters *counters;
	const struct cgroup_signal *signals;  /* by enum cgroup_event_kind */
	const char *self_file;                /* a process that writes "0" here moves itself */
	const char *threads_file;             /* one thread a line */
	const char *oom_file;                 /* has a line "oom_kill N" */
	const char *share_file, *least_share; /* CPU against others, and the least of it */
	bool whole; /* its directory knows all processes: freeze, kill, clone into it */

	/* After mkdir: whatever a fresh directory needs before it can take processes and the limits
	 * of `needed`. */
	int (*settle)(struct cgroup_place *place, uint32_t needed, struct err *err);

	/* What settle() would write, into the explanation. -1 only without memory. */
	int (*explain_settle)(struct cgroup_place *place, uint32_t needed,
			      struct cgroup_explanation *to);

	/* Put device rules in force. 1: this version cannot express them. */
	int (*devices)(struct cgroup_place *place, const struct device_rules *rules, bool live,
		       struct arena *arena, struct err *err);

	/* Take device rules away again, because they are in force elsewhere. NULL: they go with the
	 * directory. */
	int (*forget_devices)(struct cgroup_place *place, struct err *err);

	/* Stop or go on, with everything below; returns when it is so. Needs the freezer in v1. */
	int (*freeze)(struct cgroup_place *place, bool frozen, struct err *err);
	bool (*is_frozen)(struct cgroup_place *place);

	/* SIGKILL to everything at once. 1, or NULL: there is no such file. */
	int (*kill)(struct cgroup_place *place, struct err *err);

	/* Would this limit be below what is in use? NULL: the kernel refuses by itself. */
	int (*check_update)(struct cgroup_place *place, const struct cgroup_resources *resources,
			    struct err *err);

	/* Take memory back. Needs the memory controller. EAGAIN: less than that was found. */
	int (*reclaim)(struct cgroup_place *place, uint64_t bytes, int swappiness, struct err *err);

	/* Give the directory to a user. NULL: not to be given away. */
	int (*delegate)(struct cgroup_place *place, uid_t uid, gid_t gid, struct err *err);
};

extern const struct cgroup_ops cgroup_v1_ops;
extern const struct cgroup_ops cgroup_v2_ops;

/* The place that takes this controller's limits, or NULL. */
struct cgroup_place *cgroup_find_place(const struct cgroup *cgroup,
				       enum cgroup_controller controller);

/* The place that speaks for all processes: v2, else the v1 freezer, else any. NULL when there is no
 * cgroup. */
struct cgroup_place *cgroup_main_place(const struct cgroup *cgroup);

/* The directory, opened on first use; -1 with errno. Owned by the place. */
int cgroup_place_fd(struct cgroup_place *place);

/* One file: open, one write(2), close. -1 with errno; cgroup_place_write() says "write TEXT to
 * PATH: reason". */
int cgroup_place_try(struct cgroup_place *place, const char *file, const char *text);
int cgroup_place_write(struct cgroup_place *place, const char *file, const char *text,
		       struct err *err);

/* Make its directory, and the parents where these are missing. -1 with errno. */
int cgroup_place_make_dir(const struct cgroup_place *place);

/* The controllers that the resources (may be NULL) have something to write for there. */
int cgroup_place_needed(const struct cgroup_place *place, struct arena *arena,
			const struct cgroup_resources *resources, uint32_t *needed,
			struct err *err);

/* As fd_read_file(). */
ssize_t cgroup_place_read(struct cgroup_place *place, const char *file, char *buffer, size_t size);

/* The number behind "KEY " at the start of a line; false when there is none. */
bool cgroup_read_key(const char *text, const char *key, uint64_t *value);

/* Pause for twice as long each time, from 50 us to 20 ms; false when the time given is over. */
struct cgroup_backoff {
	long next_us;
	int64_t end_ms;
};

void cgroup_backoff_start(struct cgroup_backoff *backoff, int timeout_ms);
bool cgroup_backoff_wait(struct cgroup_backoff *backoff);
int64_t cgroup_clock_ms(void);

/* Controllers that no hierarchy of the container has: asking for them must not pass in silence. */
int cgroup_refuse_uncovered(const struct cgroup *cgroup, const struct cgroup_resources *resources,
			    struct err *err);

/* ---- cgroup/explain.c ---- */

struct cgroup_explanation {
	struct arena *arena;
	struct json_list *rows; /* struct cgroup_explained */
};

/* Append a row; what it points to lives as long as the explanation. -1 without memory. */
int cgroup_explain_put(struct cgroup_explanation *to, const struct cgroup_explained *row);

/* ---- cgroup/tree.c ---- */

struct cgroup_pid_list {
	pid_t *items; /* malloc'ed */
	size_t count, room;
};

/* Append what a file ("cgroup.procs", "tasks") of this directory alone lists. -1 with errno. */
int cgroup_dir_tasks(int dir, const char *file, struct cgroup_pid_list *list);

/* The same of the directory and of all below; a directory that vanishes meanwhile had none. -1 with
 * errno. */
int cgroup_tree_tasks(int dir, const char *file, struct cgroup_pid_list *list);

/* Remove the directory and all below, retrying for `timeout_ms` while it is busy. Gone already is
 * success. */
int cgroup_tree_remove(const char *dir, int timeout_ms, struct err *err);
