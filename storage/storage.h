/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The door of storage/: images, layers and copy-on-write root file systems. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/arena.h"
#include "base/doctor.h"
#include "base/json.h"
#include "base/str.h"

struct err;

/* An open store (`--storage-root`); one thread at a time uses it, several processes may share the
 * directory. */
struct storage;

enum storage_driver {
	STORAGE_AUTO, /* the store's own; for a new store btrfs on btrfs, else overlay, else copy */
	STORAGE_OVERLAY,
	STORAGE_BTRFS,
	STORAGE_DEVMAPPER,
	STORAGE_COPY,
};

extern const struct name storage_driver_names[];

/* Where the store is when nobody says otherwise. */
#define STORAGE_DEFAULT_ROOT "/var/lib/masu"

/* ---- "masu": {"storage": {...}} ---- */
struct storage_spec {
	bool present;
	const char *image; /* NAME[:TAG] or sha256:HEX */
	int driver;        /* enum storage_driver */
	const char *size;  /* "2G": what the container may write; NULL for no limit of its own */
	struct opt_u64 inodes;
	struct json_list mount_options; /* const char *: nodev nosuid noexec noatime ... */
	bool is_volatile;               /* the writable layer need not survive a power cut */
	bool readonly; /* for ns/, which seals the root after it has made the mount points in it */
	bool keep;     /* the root stays until `delete` */
};
extern const struct json_object storage_spec_object;

/* What state.json keeps: enough for storage_detach() whatever was reached. Filled by
 * storage_plan(). */
struct storage_state {
	const char
		*root; /* absolute path of the store; NULL: the container has no root from here */
	const char *id;
	const char *image; /* as the spec says it */
	const char *digest;
	bool keep;
	bool reused; /* a kept root of before: undoing a start must leave it there */
};
extern const struct json_object storage_state_object;

/* Words, sizes and options, without touching the host. ERR_INPUT with the field's full path. */
int storage_check(const struct storage_spec *spec, struct err *err);

/* What one container asks for. */
struct storage_request {
	const struct storage_spec *spec;
	const char *root; /* the store; NULL for STORAGE_DEFAULT_ROOT */
	const char *id;
	const char *owner; /* who knows the container (a state directory); storage_gc() asks it */
	int userns_fd;     /* the container's user namespace for an id-mapped root, or -1 */
	uint32_t root_uid, root_gid; /* host ids of the container's root in it */
	struct json_list volumes;    /* struct storage_key: directories that a new root must have */
};

struct storage_image_config;

/*
 * Find the store and the image and fill the state and the image's config (may be NULL); makes
 * nothing. With `keep`, a kept root of the same id, owner and image is taken up again: it stands on
 * the image that it was made from, whatever has the image's name now.
 */
int storage_plan(const struct storage_request *request, struct arena *arena,
		 struct storage_state *state, struct storage_image_config *config, struct err *err);

/*
 * Make the container's writable layer on the planned image (or take up the kept one) and return it
 * as a detached mount: nothing appears in any mount table. ERR_EXISTS when the id has a root
 * already. On failure nothing is left.
 */
int storage_attach(const struct storage_request *request, const struct storage_state *state,
		   struct err *err);

/* A detached mount of a root that was made before. */
int storage_mount(const struct storage_request *request, const struct storage_state *state,
		  struct err *err);

/* Remove the root, its snapshots and its records. Success when they are gone already or were never
 * there. */
int storage_detach(const struct storage_state *state, struct err *err);

/* ---- the store ---- */
enum storage_open_flags {
	STORAGE_CREATE = 1, /* make the directory and choose a driver when there is no store yet */
	STORAGE_READONLY = 2, /* only look: no recovery */
};

/* Open it; what a killed command left half done is undone first. A store of another driver than
 * asked for is an error. */
struct storage *storage_open(const char *root, enum storage_driver driver, unsigned int flags,
			     struct err *err);
void storage_close(struct storage *store);

/* `storage init`. Sizes are in bytes; devices only for devicemapper. */
struct storage_init {
	enum storage_driver driver;
	uint64_t loop_size; /* a file of this size as the store's own block device; 0 for none */
	bool sparse;        /* do not reserve the file's blocks */
	const char *data_device; /* devicemapper: instead of a file */
	const char *metadata_device;
	uint64_t volume_size; /* devicemapper: size of a root that asks for none; 10 GiB when 0 */
};

int storage_init_store(const char *root, const struct storage_init *init, struct err *err);

/* One row a driver: chosen, usable, or the reason why not. */
struct storage_driver_info {
	const char *name;
	bool chosen, usable;
	const char *reason; /* when not usable */
};

struct storage_info {
	const char *root, *driver, *uuid, *filesystem;
	struct opt_u64 bytes_total, bytes_free;
	unsigned int images, layers, roots, snapshots;
	struct json_list drivers; /* struct storage_driver_info */
	struct json_list
		details; /* struct json_pair: what the driver has to say (pool fill, ...) */
};
extern const struct json_object storage_info_object;
int storage_get_info(const char *root, struct arena *arena, struct storage_info *info,
		     struct err *err);

/* One line of `storage check` and `storage gc`. */
struct storage_finding {
	const char *kind; /* "layer", "root", "snapshot", "image", "volume", "intent", "blob" */
	const char *name;
	const char *problem;
	bool repaired;
};

typedef int storage_found(const struct storage_finding *finding, void *data);

/* Records against objects on disk, chains, blobs against their digests (ERR_PLUGIN where the
 * plug-in for these cannot be loaded). Returns the number of problems left. */
int storage_fsck(struct storage *store, bool repair, storage_found *found, void *data,
		 struct err *err);

/*
 * Remove what nothing refers to: layers without image or root, blobs, and roots whose container
 * `is_alive` denies (NULL: roots are kept). Roots of another owner are left alone, and those with
 * `keep` unless `kept_too`: their record may have gone with a reboot. With `dry_run` only tell.
 * Returns the number found.
 */
struct storage_gc {
	bool dry_run, kept_too;
	const char *owner;
	bool (*is_alive)(const char *id, void *data);
	storage_found *found;
	void *data;
};

int storage_gc(struct storage *store, const struct storage_gc *gc, struct err *err);

/* Give freed blocks back to what is below the store. */
int storage_trim(struct storage *store, struct err *err);

/* Enlarge the file behind the store to `bytes`; 0: take what its devices have grown by. */
int storage_grow(struct storage *store, uint64_t bytes, struct err *err);

/* Reading and writing tars needs a plug-in: ERR_PLUGIN where a static program cannot load it. For
 * callers that would do something before they come here. */
int storage_load_archive(struct err *err);

/* ---- images ---- */
struct storage_image_config {
	const char *user, *working_dir, *stop_signal;
	struct json_list env, entrypoint, cmd; /* const char * */
	struct json_list volumes;              /* struct storage_key */
	struct json_list exposed_ports;        /* struct storage_key: "80/tcp" */
	struct json_list labels;               /* struct json_pair */
};

struct storage_key {
	const char *key;
};
extern const struct json_object storage_image_config_object;

struct storage_image {
	const char *name;   /* with its tag */
	const char *digest; /* of the manifest: "sha256:HEX" */
	const char *created;
	const char *architecture, *os;
	struct opt_u64 size;                /* bytes of all layers, unpacked */
	struct json_list layers;            /* const char *: DiffIDs, lowest first */
	struct storage_image_config config; /* only from storage_image_find() */
};
extern const struct json_object storage_image_object;

struct storage_history {
	const char *created, *created_by, *author, *comment;
	bool empty_layer;
};
extern const struct json_object storage_history_object;

/* Formats are told apart by content: OCI layout directory or tar, docker-archive, else the tar of a
 * root file system. */
struct storage_import {
	const char *name; /* NAME[:TAG] for the image */
	int fd;           /* the tar (file or pipe) or the layout's directory; stays the caller's */
	const char *reference; /* which image of a layout or archive that holds several; NULL: the
				  only one, or this machine's */
	uint64_t max_bytes;    /* unpacked, all layers; 0: 64 GiB */
	uint64_t max_entries;  /* 0: 4 million */
	void (*progress)(const char *layer, uint64_t done, uint64_t total,
			 void *data); /* may be NULL */
	void *data;
};

int storage_import(struct storage *store, const struct storage_import *import, struct arena *arena,
		   struct storage_image *image, struct err *err);

int storage_images(struct storage *store, struct arena *arena, struct storage_image **images,
		   size_t *count, struct err *err);
/* By NAME[:TAG], digest, or at least 8 characters of it. ERR_NOT_FOUND with the nearest name as
 * hint. */
int storage_image_find(struct storage *store, const char *name, struct arena *arena,
		       struct storage_image *image, struct err *err);
int storage_image_history(struct storage *store, const char *name, struct arena *arena,
			  struct storage_history **history, size_t *count, struct err *err);
int storage_image_tag(struct storage *store, const char *name, const char *new_name,
		      struct err *err);
/* Remove the name; layers that nothing else uses go with the last one. */
int storage_image_remove(struct storage *store, const char *name, struct err *err);

enum storage_compression {
	STORAGE_PLAIN,
	STORAGE_GZIP,
	STORAGE_ZSTD,
};

/* Write the image as an OCI layout, into an empty directory or as a tar. The same image gives the
 * same bytes each time. */
struct storage_export {
	const char *name;
	int fd; /* directory, or file or pipe to write the tar to */
	bool is_directory;
	enum storage_compression compression; /* of the layers */
};

int storage_image_export(struct storage *store, const struct storage_export *export_options,
			 struct err *err);

/* ---- a container's root ---- */
/* Make an image of it: its writable layer on top of its image's. */
struct storage_commit {
	const char *id;
	const char *name; /* NAME[:TAG] of the new image */
	const char *author, *comment;
	const struct storage_image_config *config; /* NULL: the image's own */
};

int storage_commit(struct storage *store, const struct storage_commit *commit, struct arena *arena,
		   struct storage_image *image, struct err *err);

/* The whole tree as a tar. */
int storage_export_root(struct storage *store, const char *id, int fd, struct err *err);

struct storage_change {
	char kind; /* 'A'dded, 'C'hanged, 'D'eleted */
	const char *path;
};

/* Sorted by path, in the arena. */
int storage_diff(struct storage *store, const char *id, struct arena *arena,
		 struct storage_change **changes, size_t *count, struct err *err);
/* The same as an OCI layer tar. */
int storage_diff_tar(struct storage *store, const char *id, int fd, struct err *err);

struct storage_usage {
	uint64_t bytes;  /* written by this root alone */
	uint64_t inodes; /* 0 when the driver cannot tell */
	uint64_t limit;  /* 0: none */
};

int storage_root_usage(struct storage *store, const char *id, struct storage_usage *usage,
		       struct err *err);
int storage_root_resize(struct storage *store, const char *id, uint64_t bytes, struct err *err);

struct storage_snapshot {
	const char *name, *created;
};
extern const struct json_object storage_snapshot_object;
int storage_snapshot_create(struct storage *store, const char *id, const char *name,
			    struct err *err);
int storage_snapshot_remove(struct storage *store, const char *id, const char *name,
			    struct err *err);
/* Put the root back to what it was; the container must not be running (the caller knows). */
int storage_snapshot_rollback(struct storage *store, const char *id, const char *name,
			      struct err *err);
int storage_snapshots(struct storage *store, const char *id, struct arena *arena,
		      struct storage_snapshot **snapshots, size_t *count, struct err *err);

/* ---- for `masu doctor` ---- */
extern const struct doctor_row storage_doctor_rows[];
