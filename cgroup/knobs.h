/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits as kernel files: tables with one row per file compile linux.resources into a list of
 * writes, which touches nothing. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cgroup/host.h"

struct arena;
struct cgroup_resources;
struct err;

enum cgroup_write_flags {
	/* The kernel need not have the file: a warning, and the container goes on without. */
	WRITE_OPTIONAL = 1,
	/* The same without a warning: nothing is lost. */
	WRITE_SILENT = 2,
	/*
	 * When the kernel says EINVAL, make the next write first, then this one again: pairs that
	 * must keep a relation while both change (memory and memory+swap, period and quota, quota
	 * and burst), whichever way they move.
	 */
	WRITE_NEXT_FIRST = 4,
	/* The first word of the text was not asked for: on a live container it is what the file
	   holds now. */
	WRITE_KEEP_FIRST = 8,
};

/* One write(2) to one file of a cgroup directory. */
struct cgroup_write {
	enum cgroup_controller controller;
	const char *field; /* behind "linux.resources." */
	const char *from;  /* what the user wrote where it was compiled from intent, or NULL */
	const char *file;  /* NULL: this version has nothing like it, so there is only a warning to
			      give */
	const char *text;
	const char *other_file; /* when `file` does not exist, this with other_text; or NULL */
	const char *other_text;
	unsigned int flags;
};

/* A growing list of writes; running out of memory is remembered and reported at the end. */
struct cgroup_writes {
	struct arena *arena;
	struct cgroup_write *items;
	size_t count, room;
	int failed;
};

/* One row: a property of linux.resources, the file it goes to, and how it is written there. */
struct cgroup_knob {
	enum cgroup_controller controller;
	const char *field;
	const char *file; /* NULL: see struct cgroup_write */
	void (*emit)(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
		     struct cgroup_writes *writes);
	size_t offset; /* of the member in struct cgroup_resources, for the emitters that serve many
			  rows */
	unsigned int flags;
};

struct cgroup_knobs {
	const struct cgroup_knob *rows;
	size_t count;
};

extern const struct cgroup_knobs cgroup_v1_knobs;
extern const struct cgroup_knobs cgroup_v2_knobs;

/* All writes that the resources ask for, of the controllers in `mask`, in the order of the table.
 */
int cgroup_knobs_compile(const struct cgroup_knobs *knobs, uint32_t mask,
			 const struct cgroup_resources *resources, struct cgroup_writes *writes,
			 struct err *err);

/* The field's full name, for messages; in the buffer where it has to be put together. */
enum {
	CGROUP_FIELD_MAX = 160,
};

const char *cgroup_write_field(const struct cgroup_write *write, char buffer[CGROUP_FIELD_MAX]);

/* ---- for the tables ---- */

/* Append a write as the row describes it, with this text. */
struct cgroup_write *cgroup_knob_put(const struct cgroup_knob *knob, struct cgroup_writes *writes,
				     const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Emitters for members of one type: set means asked for; "nonzero" ones take 0 for absent; "limit"
 * ones write -1 as "max". */
typedef void cgroup_emit(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
			 struct cgroup_writes *writes);
cgroup_emit cgroup_emit_i64, cgroup_emit_nonzero_i64, cgroup_emit_nonzero_u64, cgroup_emit_text,
	cgroup_emit_true, cgroup_emit_limit, cgroup_emit_nonzero_limit, cgroup_emit_swappiness,
	cgroup_emit_hugepages, cgroup_emit_rdma;

/* A limit as the v2 files take it: -1 is "max". */
const char *cgroup_limit_text(int64_t limit, char buffer[24]);
