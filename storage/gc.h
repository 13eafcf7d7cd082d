/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which layers and blobs are in use, and removal of the others. */
#pragma once

#include "storage/store.h"

/* A set of texts; zero-initialise. */
struct name_set {
	struct arena arena;
	const char **items;
	size_t count, room;
};

bool name_set_has(const struct name_set *set, const char *name);
/* False without memory. */
bool name_set_add(struct name_set *set, const char *name);
void name_set_free(struct name_set *set);

/* Volume keys of layers, and digests of blobs, that images or roots refer to. A record that cannot
 * be read is an error: what it uses is unknown. */
int gc_collect_used(struct storage *store, struct name_set *layers, struct name_set *blobs,
		    struct err *err);

/* Layers and blobs without user. Returns the number found. */
int gc_layers(struct storage *store, const struct storage_gc *gc, struct err *err);

/* Tell the caller of gc or fsck; true to go on. */
int gc_report(storage_found *found, void *data, const char *kind, const char *name,
	      const char *problem, bool repaired);
