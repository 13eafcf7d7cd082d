/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which paths may differ between two trees, and the comparison that decides. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct err;
struct storage_change;

struct candidate {
	const char *path; /* relative to the root of the tree; "" is the root itself */
	bool replaced;    /* what was below it before may be gone: compare the whole subtree */
};

/* Zero-initialise; candidates_free(). */
struct candidates {
	struct candidate *items;
	size_t count, room;
	struct arena arena;
};

int candidates_add(struct candidates *set, const char *path, bool replaced, struct err *err);
void candidates_free(struct candidates *set);

/* Changes found so far, paths relative without a leading '/'. */
struct change_list {
	struct storage_change *items;
	size_t count, room;
	struct arena *arena;
};

/*
 * What differs between directory `base` (-1: empty) and directory `child`: type, mode, owner,
 * device, size, time of change to the content (in nanoseconds), link target, xattrs. With `set`
 * only there, which must then name every difference. Sorted by path. An added directory lists all
 * that is in it, a deleted one only itself.
 */
int tree_compare(int base, int child, struct candidates *set, struct change_list *changes,
		 struct err *err);
