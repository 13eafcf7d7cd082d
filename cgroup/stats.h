/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counters as kernel files: tables with one row per number tell where each version keeps it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroup/host.h"

struct arena;
struct cgroup_io_count;
struct json_list;

/* What a row is for CGROUP_BRIEF. */
enum cgroup_brief {
	BRIEF_NOT,
	BRIEF_ALWAYS,
	BRIEF_SIGN,  /* first of all: when none of these has changed, nothing ran in there */
	BRIEF_STILL, /* does not change either then, and is not read */
};

/*
 * One row: a file, what to take out of it, and the member of struct cgroup_stats (or of struct
 * cgroup_page_stats) that it fills. Rows of one file stand together: it is read once. Where several
 * rows fill a member, the first that finds something has the last word.
 */
struct cgroup_counter {
	enum cgroup_controller controller;
	const char *file;

	/* Fills the member, or leaves it absent when the text has no such number. -1 only without
	   memory. */
	int (*read)(const struct cgroup_counter *counter, const char *text, struct arena *arena,
		    void *target);
	size_t offset;
	const char *key; /* what the line begins with; NULL: the file holds nothing else */
	uint64_t unit;   /* of the kernel's number, in ns or bytes; 0 stands for 1 */
	enum cgroup_brief brief;
};

struct cgroup_counters {
	const struct cgroup_counter *rows;
	size_t count;
	/* The same for each size of huge pages: the file is hugetlb.SIZE.FILE. */
	const struct cgroup_counter *page_rows;
	size_t page_count;
	/* Of each directory above the container's. */
	const struct cgroup_counter *ancestor_rows;
	size_t ancestor_count;
};

extern const struct cgroup_counters cgroup_v1_counters;
extern const struct cgroup_counters cgroup_v2_counters;

/* ---- for the tables ---- */

typedef int cgroup_count(const struct cgroup_counter *counter, const char *text,
			 struct arena *arena, void *target);

/* One number, or the one behind `key`; "max" and v1's highest value are no limit: absent. */
cgroup_count cgroup_count_number;
/* The same, where the least of all rows counts. */
cgroup_count cgroup_count_least;
/* All numbers of the file, as a list of uint64_t. */
cgroup_count cgroup_count_list;
/* The kernel's list format, "0-3,7", as a list of uint64_t. */
cgroup_count cgroup_count_set;
/* All lines "KEY NUMBER", as one JSON object. */
cgroup_count cgroup_count_map;
/* A line a kind of memory, "KEYanon N0=1 N1=2" or with '=' behind the kind; the key may be "". */
cgroup_count cgroup_count_numa;
/* Pressure stall information. */
cgroup_count cgroup_count_pressure;

/* One more item of `size` bytes at the end of a list; NULL without memory. */
void *cgroup_stats_add(struct json_list *list, size_t size, struct arena *arena);

/* Append to a list of struct cgroup_io_count; -1 without memory. */
int cgroup_count_add_io(struct json_list *list, const struct cgroup_io_count *count,
			struct arena *arena);
