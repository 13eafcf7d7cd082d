/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store's thin pool: what it is made of, its ids, and the records that tie volume keys to
 * devices. */
#pragma once

#include "storage/devmapper/mapper.h"
#include "storage/store.h"
#include "storage/thin_pool.h"

enum {
	POOL_NAME_MAX = 64,
};

/* Key of the first file system's volume. */
#define POOL_BASE "base"

/* Loop files of a pool that masu made itself. */
#define POOL_DATA_FILE     "pool-data.img"
#define POOL_METADATA_FILE "pool-metadata.img"

struct pool {
	char name[POOL_NAME_MAX]; /* "masu-UUID8-pool" */
	char uuid[40];            /* the store's */
	char path[MAPPER_PATH_MAX];
	struct thin_ids ids;
	bool is_loop;
	int lock; /* pool-lock, not owned */
};

/* data/KEY.json */
struct thin_volume {
	uint32_t id;
	uint64_t size; /* bytes: the pool itself keeps none */
};

struct thin_record {
	struct opt_u64 id, size;
};
extern const struct record_kind thin_kind;

/*
 * Take the pool for this process and make sure that it runs (after a reboot it has to be put
 * together again). Device-mapper calls of one store happen under this lock only. Closing the
 * descriptor gives it back.
 */
int pool_lock(struct storage *store, struct pool *pool, struct err *err);

/* Refuse a pool that is not the one this store knows. */
int pool_verify(struct storage *store, struct pool *pool, struct err *err);

/* Files or devices, the pool on them, pool.json. */
int pool_make(struct storage *store, const struct storage_init *init, struct err *err);
void pool_unmake(struct storage *store, const struct storage_init *init);

int pool_get_status(const struct pool *pool, struct thin_status *status, struct err *err);
/* ENOSPC with the reason when there should be no further volume. */
int pool_check_room(const struct pool *pool, struct err *err);

int pool_reserve_id(struct storage *store, struct pool *pool, uint32_t *id, struct err *err);
int pool_recover_ids(struct storage *store, struct pool *pool, struct err *err);

void pool_prefix(const struct pool *pool, char prefix[POOL_NAME_MAX]);
void pool_volume_name(const struct pool *pool, uint32_t id, char name[POOL_NAME_MAX]);

/* An active device for the volume; `path` gets /dev/dm-N. */
int pool_activate(const struct pool *pool, const struct thin_volume *volume,
		  char path[MAPPER_PATH_MAX], struct err *err);
/* create_snap, with the origin suspended if it is active. */
int pool_snapshot(const struct pool *pool, const struct thin_volume *origin, uint32_t id,
		  struct err *err);
/* The name of a device that is about to be suspended, or "": who takes the lock from a process that
 * died between the two resumes it. */
int pool_note_suspended(const struct pool *pool, const char *name, struct err *err);
/* Success when the pool does not have it. EBUSY while somebody has it mounted. */
int pool_delete(const struct pool *pool, const struct thin_volume *volume, struct err *err);

int pool_find(struct storage *store, const char *key, struct thin_volume *volume, struct err *err);
int pool_record(struct storage *store, const char *key, const struct thin_volume *volume,
		unsigned int flags, struct err *err);
int pool_forget(struct storage *store, const char *key, struct err *err);
int pool_rename(struct storage *store, const char *key, const char *new_key, struct err *err);
/* Raise the size on record, and of the device if it is active. */
int pool_grow(struct storage *store, const char *key, uint64_t bytes, struct err *err);

/* A thin-pool's table as text, with the descriptors that keep its devices alive until it is loaded.
 */
struct pool_table {
	int data, metadata;
	uint64_t sectors;
	char parameters[2 * PATH_MAX + 128];
};

int pool_open_table(struct storage *store, struct pool_table *table, struct err *err);
void pool_close_table(struct pool_table *table);

/* The pool itself: its files to `bytes` of data (and the metadata that this wants), or all that its
 * devices have now (0). */
int pool_enlarge(struct storage *store, uint64_t bytes, struct err *err);
