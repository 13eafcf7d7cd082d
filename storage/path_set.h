/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A set of paths that only remembers their hashes: one bit of doubt in 2^64 for 8 bytes a path. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialise; path_set_free(). */
struct path_set {
	uint64_t *hashes; /* 0: free */
	size_t count, room;
};

/* With every directory above it. False without memory. */
bool path_set_add(struct path_set *set, const char *path);
bool path_set_has(const struct path_set *set, const char *path);
void path_set_free(struct path_set *set);
