/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole trees by descriptors: removing, copying, measuring, attributes. No link is ever followed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct err;

/*
 * Remove `name` below `dir` with everything in it, whatever its depth. What is gone already is
 * success. Subvolumes and mounts of others are not entered: EBUSY, EXDEV.
 */
int tree_remove(int dir, const char *name, struct err *err);

/*
 * The same for "trash-PID-RANDOM": a few entries at once, the rest of a large one by a process of
 * its own, which takes it over under its own PID and which the caller does not see end. Who finds
 * it with a dead PID may remove what is left.
 */
enum {
	TREE_REMOVE_FEW = 16,
};

int tree_remove_trash(int dir, const char *name, struct err *err);

/*
 * Copy the content and the attributes of directory `from` to the empty directory `to`: owners,
 * modes, times, xattrs, hard links, holes, devices. File data is shared (reflink) where the file
 * system can.
 */
int tree_copy(int from, int to, struct err *err);

/* Owner, mode, xattrs and times of `name` in `from` for `name` in `to`; "" for the directories
 * themselves. */
int tree_copy_attributes(int from, int to, const char *name, struct err *err);

/* Bytes in use and number of inodes; hard links count once. Mounts are not entered. */
int tree_usage(int dir, uint64_t *bytes, uint64_t *inodes, struct err *err);

/* Extended attributes of `name` in `dir` (the link itself when it is one); "" for the directory. */
struct xattr {
	const char *name;
	const void *value;
	size_t size;
};
struct arena;
int xattrs_read(int dir, const char *name, struct arena *arena, struct xattr **xattrs,
		size_t *count, struct err *err);
int xattr_write(int dir, const char *name, const struct xattr *xattr, struct err *err);

/* Path of `name` in `dir` for calls that know no descriptors. */
enum {
	TREE_PATH_MAX = 32 + 256,
};

const char *tree_proc_path(int dir, const char *name, char path[TREE_PATH_MAX]);

/* Which names an inode has been seen under. Zero-initialise; inode_map_free(). */
struct inode_map {
	struct inode_entry *entries;
	size_t count, room;
};

/* The path remembered for this inode, or NULL after remembering `path` for it; *failed when there
 * is no memory. */
const char *inode_map_note(struct inode_map *map, const struct stat *st, const char *path,
			   bool *failed);
void inode_map_free(struct inode_map *map);
