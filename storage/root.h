/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container's root: its record, its volume, its snapshots. */
#pragma once

#include "storage/store.h"

/* A container id, or a snapshot's name, is part of file names here. */
int root_check_name(const char *name, const char *what, struct err *err);

/* A root with its volume; texts live in the arena. */
struct root {
	struct root_record record;
	struct volume volume;
};

int root_load(struct storage *store, const char *id, struct arena *arena, struct root *root,
	      struct err *err);

/* The root as it is now and the unchanging tree below it, both mounted read-only and detached.
 * `base` -1: there is nothing below. */
struct root_views {
	int base, now;
};

int root_open_views(struct storage *store, const struct root *root, struct root_views *views,
		    struct err *err);

/* The view of an unchanging volume: the topmost of a chain of keys. */
int root_view_chain(struct storage *store, const char *const *chain, size_t depth, struct err *err);

/* Changes by the driver's knowledge, or by walking both trees. */
struct change_list;
int root_changes(struct storage *store, const struct volume *volume, const struct root_views *views,
		 struct change_list *changes, struct err *err);

/* Parts of the public calls that recovery repeats. */
int root_destroy(struct storage *store, const char *id, struct err *err);
int snapshot_destroy(struct storage *store, const char *object, struct err *err);
int snapshot_restore(struct storage *store, const char *object, struct err *err);
