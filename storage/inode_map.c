/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hash table from (device, inode) to the first path seen, for hard links. */
#include <stdlib.h>
#include <string.h>

#include "storage/tree.h"

struct inode_entry {
	dev_t dev;
	ino_t ino;
	char *path; /* NULL: free slot */
};

static size_t slot_of(const struct inode_map *map, dev_t dev, ino_t ino)
{
	size_t at = (size_t)((ino * 0x9e3779b97f4a7c15ULL + dev) >> 20) & (map->room - 1);

	while (map->entries[at].path &&
	       (map->entries[at].ino != ino || map->entries[at].dev != dev))
		at = (at + 1) & (map->room - 1);
	return at;
}

static bool grow(struct inode_map *map)
{
	struct inode_map bigger = { .room = map->room ? 2 * map->room : 64 };

	bigger.entries = calloc(bigger.room, sizeof(*bigger.entries));
	if (!bigger.entries)
		return false;
	for (size_t i = 0; i < map->room; i++) {
		struct inode_entry *entry = &map->entries[i];

		if (entry->path)
			bigger.entries[slot_of(&bigger, entry->dev, entry->ino)] = *entry;
	}
	free(map->entries);
	map->entries = bigger.entries;
	map->room = bigger.room;
	return true;
}

const char *inode_map_note(struct inode_map *map, const struct stat *st, const char *path,
			   bool *failed)
{
	*failed = false;
	if (4 * (map->count + 1) > 3 * map->room && !grow(map)) {
		*failed = true;
		return NULL;
	}
	struct inode_entry *entry = &map->entries[slot_of(map, st->st_dev, st->st_ino)];

	if (entry->path)
		return entry->path;
	*entry = (struct inode_entry){ st->st_dev, st->st_ino, strdup(path) };
	*failed = !entry->path;
	map->count += entry->path != NULL;
	return NULL;
}

void inode_map_free(struct inode_map *map)
{
	for (size_t i = 0; i < map->room; i++)
		free(map->entries[i].path);
	free(map->entries);
	*map = (struct inode_map){ 0 };
}
