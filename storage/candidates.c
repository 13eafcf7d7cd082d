/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The set of paths that a driver names as possibly changed. */
#include "storage/candidates.h"

#include <stdlib.h>

#include "base/err.h"

int candidates_add(struct candidates *set, const char *path, bool replaced, struct err *err)
{
	if (set->count == set->room) {
		size_t room = set->room ? 2 * set->room : 64;
		void *grown = realloc(set->items, room * sizeof(*set->items));

		if (!grown)
			return err_sys(err, "list changes");
		set->items = grown;
		set->room = room;
	}
	const char *copy = arena_strdup(&set->arena, path);

	if (!copy)
		return err_sys(err, "list changes");
	set->items[set->count++] = (struct candidate){ copy, replaced };
	return 0;
}

void candidates_free(struct candidates *set)
{
	free(set->items);
	arena_free(&set->arena);
	*set = (struct candidates){ 0 };
}
