/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Open addressing over FNV-1a hashes. */
#include "storage/path_set.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_path(const char *path, size_t length)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)path[i]) * 0x100000001b3ULL;
	return hash ? hash : 1;
}

static size_t find_slot(const struct path_set *set, uint64_t hash)
{
	size_t at = (size_t)(hash >> 8) & (set->room - 1);

	while (set->hashes[at] && set->hashes[at] != hash)
		at = (at + 1) & (set->room - 1);
	return at;
}

static bool grow(struct path_set *set)
{
	struct path_set bigger = { .room = set->room ? 2 * set->room : 256, .count = set->count };

	bigger.hashes = calloc(bigger.room, sizeof(*bigger.hashes));
	if (!bigger.hashes)
		return false;
	for (size_t i = 0; i < set->room; i++) {
		if (set->hashes[i])
			bigger.hashes[find_slot(&bigger, set->hashes[i])] = set->hashes[i];
	}
	free(set->hashes);
	*set = bigger;
	return true;
}

bool path_set_add(struct path_set *set, const char *path)
{
	size_t length = strlen(path);

	while (length) {
		if (2 * (set->count + 1) > set->room && !grow(set))
			return false;
		uint64_t hash = hash_path(path, length);
		size_t slot = find_slot(set, hash);

		if (set->hashes[slot])
			return true; /* then everything above is there too */
		set->hashes[slot] = hash;
		set->count++;
		while (length && path[length - 1] != '/')
			length--;
		while (length && path[length - 1] == '/')
			length--;
	}
	return true;
}

bool path_set_has(const struct path_set *set, const char *path)
{
	return set->room && set->hashes[find_slot(set, hash_path(path, strlen(path)))];
}

void path_set_free(struct path_set *set)
{
	free(set->hashes);
	*set = (struct path_set){ 0 };
}
