/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a storage driver is: one const struct of operations on volumes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/storage.h"

struct candidates;

/*
 * A volume is a tree that the driver keeps under a key: "layer-CHAINID" and "snap-ID@NAME" never
 * change once made, "root-ID" and "build-..." are written to. `chain` holds the keys of the
 * unchanging volumes below it, nearest first.
 */
struct volume {
	const char *key;
	const char *const *chain;
	size_t depth;
	uint64_t size, inodes; /* limits; 0 for none */
};

struct volume_mount {
	int userns_fd; /* -1: ids as they are on disk */
	uint32_t root_uid, root_gid;
	bool readonly;
	bool is_volatile;
};

/* A driver that needs a library of its own lives in a plug-in and is reached through the same
 * struct. */
struct storage_ops {
	const char *name;
	enum storage_driver driver;

	/* 0 when a store in this directory would work, else -1 with the reason. */
	int (*probe)(int dir, struct err *why);
	/* Attach to what exists, set store->driver_data; NULL: nothing to do. */
	int (*open)(struct storage *store, struct err *err);
	void (*close)(struct storage *store);
	/* Make what the driver needs in a new store; NULL: nothing. */
	int (*init)(struct storage *store, const struct storage_init *init, struct err *err);

	/* A new writable volume with the content of its chain. EEXIST when the key is taken. */
	int (*create)(struct storage *store, const struct volume *volume, struct err *err);
	/* A copy of `from`'s present content under another key, on the same chain. */
	int (*clone)(struct storage *store, const struct volume *from, const char *key,
		     struct err *err);
	/* Rename and make unchanging. O(1). */
	int (*commit)(struct storage *store, const char *key, const char *new_key, struct err *err);
	/* Idempotent. */
	int (*remove)(struct storage *store, const char *key, struct err *err);
	/* A detached mount of the whole tree. */
	int (*mount)(struct storage *store, const struct volume *volume,
		     const struct volume_mount *how, struct err *err);
	/* Deactivate after the last user; NULL: nothing is ever active. */
	int (*release)(struct storage *store, const char *key, struct err *err);
	/* Names at least all paths that differ from the chain's content; NULL: the driver cannot
	 * know, both trees are walked. */
	int (*changes)(struct storage *store, const struct volume *volume, struct candidates *set,
		       struct err *err);
	int (*usage)(struct storage *store, const struct volume *volume,
		     struct storage_usage *usage, struct err *err);
	/* Change the limit; NULL: limits are not supported at all. */
	int (*resize)(struct storage *store, const struct volume *volume, uint64_t bytes,
		      struct err *err);
	int (*trim)(struct storage *store, struct err *err);
	/* Make the store's own file system or pool larger: its file to `bytes`, or up to what its
	 * devices have become (0). NULL: the store grows with the file system that it is on. */
	int (*grow)(struct storage *store, uint64_t bytes, struct err *err);
	/* Once after a crash or a reboot, under the exclusive lock; NULL: nothing to do. */
	int (*recover)(struct storage *store, struct err *err);
	/* Every key on disk. */
	int (*each)(struct storage *store, int (*found)(const char *key, void *data), void *data,
		    struct err *err);
	/* Pairs for `storage info`; NULL: nothing to say. */
	int (*describe)(struct storage *store, struct arena *arena, struct json_list *details,
			struct err *err);
};

extern const struct storage_ops overlay_ops, btrfs_ops, copy_ops;

/* The ops of a driver; devicemapper's come from its plug-in. NULL with the record filled. */
const struct storage_ops *driver_find(enum storage_driver driver, struct err *err);

/* The best driver for a new store in this directory. */
const struct storage_ops *driver_choose(int dir, struct err *err);

/* Every driver with its verdict for this directory. */
int driver_explain(int dir, const char *chosen, struct arena *arena, struct json_list *drivers,
		   struct err *err);
