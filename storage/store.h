/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store on disk: its directories, its lock, its records and its intents. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "storage/driver.h"

/*
 * ROOT/			mode 0700
 *   store.json			version, driver, uuid: without it there is no store
 *   lock			OFD lock: shared to begin work, exclusive to change what others can
 * see blobs/sha256/HEX		manifests and configs of images images/NAME.json
 * names: which manifest, which layers layers/CHAINID.json	what a layer is and what lies below
 * it roots/ID.json		containers snapshots/ID@NAME.json intents/OP@OBJECT		work
 * under way, each locked by whoever does it
 *   tmp/			files not yet renamed to their place
 *   data/KEY			volumes, the driver's own
 * The records are the truth. A volume without a record is garbage, a record without a volume is
 * damage.
 */
struct storage {
	int root, data, tmp; /* directories */
	int lock;
	char path[PATH_MAX]; /* of the root, absolute, for messages */
	char uuid[37];
	bool readonly;
	uint64_t volume_size; /* devicemapper: of a root that asks for none */
	const struct storage_ops *ops;
	void *driver_data;
};

enum {
	STORE_VERSION = 1,
};

enum store_lock_mode {
	STORE_SHARED,
	STORE_EXCLUSIVE,
};

/* Waits. The lock goes with the process, however that ends. */
int store_lock(struct storage *store, enum store_lock_mode mode, struct err *err);
void store_unlock(struct storage *store);

static inline void store_auto_unlock(struct storage **store)
{
	if (*store)
		store_unlock(*store);
}

#define auto_unlock __attribute__((cleanup(store_auto_unlock)))
#define auto_store  __attribute__((cleanup(store_auto_close)))

static inline void store_auto_close(struct storage **store)
{
	if (*store)
		storage_close(*store);
}

/* A name that no other process and no earlier call has: PREFIX-PID-RANDOM. */
int store_unique(char *name, size_t size, const char *prefix, struct err *err);

/* The time now as RFC 3339 in UTC, as OCI documents want it. */
void store_timestamp(char text[32]);

/* ---- records ---- */
enum record_flags {
	RECORD_NEW = 1,  /* EEXIST when the name is taken */
	RECORD_SYNC = 2, /* on disk before this returns */
};

struct layer_record {
	const char *diff_id;    /* "sha256:HEX" */
	struct json_list chain; /* keys of the volumes below, nearest first */
	struct opt_u64 size;    /* bytes unpacked */
	const char *created;
};

struct root_record {
	const char *id, *owner, *image, *digest, *config, *created;
	struct json_list chain;
	struct opt_u64 size, inodes;
	bool keep;
};

struct snapshot_record {
	const char *id, *name, *created;
};

struct image_record {
	const char *name;   /* with its tag */
	const char *digest; /* of the manifest */
	const char *config; /* digest of the config */
	const char *created, *architecture, *os;
	struct opt_u64 size;
	struct json_list layers; /* DiffIDs, lowest first */
	struct json_list chain;  /* volume keys, topmost first */
};

/* One kind of record: its directory and its rows. */
struct record_kind {
	const char *dir;
	const struct json_object *object;
};
extern const struct record_kind layer_kind, root_kind, snapshot_kind, image_kind;

int record_write(struct storage *store, const struct record_kind *kind, const char *name,
		 const void *record, unsigned int flags, struct err *err);
/* ERR_NOT_FOUND when there is none; ERR_STATE when it cannot be read. */
int record_read(struct storage *store, const struct record_kind *kind, const char *name,
		struct arena *arena, void *record, struct err *err);
bool record_exists(struct storage *store, const struct record_kind *kind, const char *name);
/* Idempotent. */
int record_remove(struct storage *store, const struct record_kind *kind, const char *name,
		  struct err *err);
/* Names without ".json", sorted, in the arena. */
int record_list(struct storage *store, const struct record_kind *kind, struct arena *arena,
		char ***names, size_t *count, struct err *err);

/* Any bytes to DIR/NAME through tmp/ and a rename. */
int store_write_file(struct storage *store, const char *path, const void *data, size_t size,
		     unsigned int flags, struct err *err);

/* Names in a directory without "." and "..", sorted, in the arena. */
int store_list_dir(int dir, const char *path, struct arena *arena, char ***names, size_t *count,
		   struct err *err);

/* ---- intents: what recovery must undo or finish if we are killed ---- */
enum intent_op {
	INTENT_BUILD,    /* object: prefix of build volumes; undone by removing them */
	INTENT_ATTACH,   /* object: container id; undone by removing its root */
	INTENT_DETACH,   /* object: container id; finished */
	INTENT_SNAPSHOT, /* object: ID@NAME; undone */
	INTENT_UNSNAP,   /* object: ID@NAME; finished */
	INTENT_ROLLBACK, /* object: ID@NAME; finished */
	INTENT_OPS,
};

struct intent {
	int fd;
	int dir; /* the store's root, not owned */
	char path[NAME_MAX + 1];
};

#define INTENT_INIT                                                                                \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* EBUSY while another process has the same intent. Never with the store's lock held. */
int intent_begin(struct storage *store, enum intent_op op, const char *object,
		 struct intent *intent, struct err *err);
/* From here on recovery acts on it. Before: the operation had found out only whether it may begin.
 */
int intent_arm(struct intent *intent, struct err *err);
/* The work is done, or has been undone. */
void intent_end(struct intent *intent);
/* Leave it for recovery: the undo failed too. */
void intent_abandon(struct intent *intent);

/* Under the exclusive lock: call back for each intent whose owner is dead; it is removed when that
 * returns 0. */
typedef int intent_dead(struct storage *store, enum intent_op op, const char *object,
			struct err *err);
int intent_recover(struct storage *store, intent_dead *dead, struct err *err);

/* True when any intent exists (cheap: the usual answer is no). */
bool intent_any(struct storage *store);
/* A name from store_unique() whose process is gone. */
bool store_is_abandoned(const char *name);

/* ---- images, as root.c and layers see them ---- */
/* NAME[:TAG], digest, or part of it. The record's texts live in the arena. */
int image_resolve(struct storage *store, const char *name, struct arena *arena,
		  struct image_record *record, struct err *err);
