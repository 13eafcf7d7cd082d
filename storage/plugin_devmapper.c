/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plug-in "devmapper": volumes are thin devices of one pool, each with an ext4 on it. */
/* link: -ldevmapper -l:libyajl_s.a */
/* with: storage/devmapper/mapper.c storage/devmapper/pool.c storage/devmapper/grow.c */
/* with: storage/thin_pool.c storage/record.c storage/loop.c storage/detached.c storage/fault.c */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/err.h"
#include "base/str.h"
#include "base/sys.h"
#include "storage/detached.h"
#include "storage/devmapper/mapper.h"
#include "storage/devmapper/pool.h"
#include "storage/fault.h"
#include "storage/loop.h"
#include "storage/store.h"

/* of ext4, which has it in no public header: the new size in blocks */
#define EXT4_IOC_RESIZE_FS _IOW('f', 16, uint64_t)

static int devmapper_probe(int dir, struct err *why)
{
	(void)dir;
	return mapper_probe("thin-pool", why);
}

/* Layers and snapshots never change: their journal is clean and nobody may write to it. */
static bool is_frozen(const char *key)
{
	return str_starts(key, "layer-") || str_starts(key, "snap-");
}

static int snapshot(struct storage *store, const char *origin, const char *key, uint64_t bytes,
		    struct err *err)
{
	struct pool pool;
	struct thin_volume from, to = { 0 };
	auto_close int lock = pool_lock(store, &pool, err);

	if (lock < 0 || pool_check_room(&pool, err) < 0 || pool_find(store, origin, &from, err) < 0)
		return -1;
	to.size = bytes > from.size ? bytes : from.size;
	if (bytes && bytes < from.size) {
		err_set(err, ERR_INPUT,
			"masu.storage.size: a root of this store has at least %" PRIu64 " MiB",
			from.size >> 20);
		return err_hint(err, "a thin volume can grow but not shrink");
	}
	/* the record first: an id without one could not be found again */
	if (pool_reserve_id(store, &pool, &to.id, err) < 0 ||
	    pool_record(store, key, &to, RECORD_NEW, err) < 0)
		return -1;
	if (FAULT_POINT("devmapper.recorded", err) == 0 &&
	    pool_snapshot(&pool, &from, to.id, err) == 0)
		return FAULT_POINT("devmapper.made", err);
	pool_forget(store, key, NULL);
	return -1;
}

static int mount_device(const char *path, bool read_only, struct err *err)
{
	auto_close int fs = sys_fsopen("ext4", FSOPEN_CLOEXEC);

	/* noinit_itable: the kernel's thread would fill every snapshot's inode tables, block after
	 * block */
	if (fs < 0 || sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, "source", path, 0) < 0 ||
	    sys_fsconfig(fs, SYS_FSCONFIG_SET_FLAG, "noinit_itable", NULL, 0) < 0 ||
	    (read_only && sys_fsconfig(fs, SYS_FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0) ||
	    sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0) < 0)
		return err_sys(err, "mount %s", path);
	int mount = sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);

	return mount < 0 ? err_sys(err, "mount %s", path) : mount;
}

/*
 * The device goes with the mount: a deferred removal is ordered as soon as the mount holds it open.
 * Nothing is left active then, whoever dies.
 */
static int mount_volume(struct storage *store, const char *key, struct err *err)
{
	char path[MAPPER_PATH_MAX], name[POOL_NAME_MAX];
	struct thin_volume volume;
	struct pool pool;
	auto_close int lock = pool_lock(store, &pool, err);

	if (lock < 0 || pool_find(store, key, &volume, err) < 0 ||
	    pool_activate(&pool, &volume, path, err) < 0)
		return -1;
	auto_close int mount = mount_device(path, is_frozen(key), err);

	pool_volume_name(&pool, volume.id, name);
	if (mapper_remove(name, true, mount < 0 ? NULL : err) < 0)
		return -1;
	return take_fd(&mount);
}

static int grow_filesystem(int mount, uint64_t bytes, struct err *err)
{
	auto_close int dir = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (dir < 0 || fstatfs(dir, &fs) < 0)
		return err_sys(err, "grow a root");
	uint64_t blocks = bytes / (uint64_t)fs.f_bsize;

	if (blocks <= fs.f_blocks)
		return 0;
	return ioctl(dir, EXT4_IOC_RESIZE_FS, &blocks) < 0 ? err_sys(err, "grow a root") : 0;
}

static int devmapper_create(struct storage *store, const struct volume *volume, struct err *err)
{
	const char *origin = volume->depth ? volume->chain[0] : POOL_BASE;

	if (volume->inodes)
		return err_set(
			err, ERR_UNSUPPORTED,
			"masu.storage.inodes: the driver devicemapper has no limit on inodes");
	if (snapshot(store, origin, volume->key, volume->size, err) < 0)
		return -1;
	if (!volume->size)
		return 0;
	auto_close int mount = mount_volume(store, volume->key, err);

	return mount < 0 ? -1 : grow_filesystem(mount, volume->size, err);
}

static int devmapper_clone(struct storage *store, const struct volume *from, const char *key,
			   struct err *err)
{
	return snapshot(store, from->key, key, 0, err);
}

/* A key is a record's name, so nothing happens in the pool. */
static int devmapper_commit(struct storage *store, const char *key, const char *new_key,
			    struct err *err)
{
	return pool_rename(store, key, new_key, err);
}

/*
 * Somebody, in another mount namespace perhaps, still has it mounted: the name is free at once, the
 * device goes with its last user, and the volume with the next garbage collection.
 */
static int set_aside(struct storage *store, const char *key, struct err *err)
{
	char aside[64];

	if (str_starts(key, "trash-"))
		return err_set(err, EBUSY, "remove volume %s: it is still mounted somewhere", key);
	if (store_unique(aside, sizeof(aside), "trash", err) < 0)
		return -1;
	return pool_rename(store, key, aside, err);
}

static int devmapper_remove(struct storage *store, const char *key, struct err *err)
{
	struct err reason = { 0 };
	struct thin_volume volume;
	struct pool pool;
	auto_close int lock = pool_lock(store, &pool, err);

	if (lock < 0)
		return -1;
	if (pool_find(store, key, &volume, &reason) == 0 &&
	    pool_delete(&pool, &volume, &reason) == 0) {
		if (FAULT_POINT("devmapper.deleted", err) < 0)
			return -1;
		return pool_forget(store, key, err);
	}
	if (reason.code == ENOENT)
		return 0;
	if (reason.code == EBUSY)
		return set_aside(store, key, err);
	if (err)
		*err = reason;
	return -1;
}

static int devmapper_mount(struct storage *store, const struct volume *volume,
			   const struct volume_mount *how, struct err *err)
{
	auto_close int mount = mount_volume(store, volume->key, err);

	if (mount < 0 || detached_apply(mount, how, err) < 0)
		return -1;
	return take_fd(&mount);
}

static int devmapper_usage(struct storage *store, const struct volume *volume,
			   struct storage_usage *usage, struct err *err)
{
	char path[MAPPER_PATH_MAX], name[POOL_NAME_MAX], text[128];
	struct thin_volume thin;
	struct pool pool;
	uint64_t sectors = 0;
	auto_close int lock = pool_lock(store, &pool, err);

	if (lock < 0 || pool_find(store, volume->key, &thin, err) < 0 ||
	    pool_activate(&pool, &thin, path, err) < 0)
		return -1;
	pool_volume_name(&pool, thin.id, name);
	int result = mapper_status(name, text, sizeof(text), err);

	if (result == 0 && !thin_parse_mapped(text, &sectors))
		result = err_set(err, EPROTO, "device %s: status %s is not understood", name, text);
	mapper_remove(name, true, NULL);
	usage->bytes = sectors * THIN_SECTOR;
	usage->limit = thin.size;
	return result;
}

static int devmapper_resize(struct storage *store, const struct volume *volume, uint64_t bytes,
			    struct err *err)
{
	if (pool_grow(store, volume->key, bytes, err) < 0)
		return -1;
	auto_close int mount = mount_volume(store, volume->key, err);

	return mount < 0 ? -1 : grow_filesystem(mount, bytes, err);
}

/* The blocks that roots have freed; layers and snapshots never free any. */
static int trim_root(struct storage *store, const char *key, struct err *err)
{
	struct fstrim_range range = { .len = UINT64_MAX };
	auto_close int mount = mount_volume(store, key, err);

	if (mount < 0)
		return -1;
	auto_close int dir = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir >= 0 && (ioctl(dir, FITRIM, &range) == 0 || errno == EOPNOTSUPP))
		return 0;
	return err_sys(err, "trim volume %s", key);
}

static int devmapper_trim(struct storage *store, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	char **keys;
	size_t count;

	if (record_list(store, &thin_kind, &arena, &keys, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (str_starts(keys[i], "root-") && trim_root(store, keys[i], err) < 0)
			return -1;
	}
	return 0;
}

static int devmapper_each(struct storage *store, int (*found)(const char *key, void *data),
			  void *data, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	char **keys;
	size_t count;

	if (record_list(store, &thin_kind, &arena, &keys, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		int result = strcmp(keys[i], POOL_BASE) == 0 ? 0 : found(keys[i], data);

		if (result)
			return result;
	}
	return 0;
}

static int resume_one(const char *name, void *data)
{
	struct mapper_state state;

	if (mapper_get_state(name, &state, data) < 0)
		return -1;
	return state.exists && state.suspended ? mapper_resume(name, data) : 0;
}

/* A process that died between suspend and resume leaves writers hanging; ids that no record knows
 * are deleted. */
static int devmapper_recover(struct storage *store, struct err *err)
{
	char prefix[POOL_NAME_MAX];
	struct pool pool;
	auto_close int lock = pool_lock(store, &pool, err);

	if (lock < 0)
		return -1;
	pool_prefix(&pool, prefix);
	if (mapper_each(prefix, resume_one, err, err) < 0)
		return -1;
	return pool_recover_ids(store, &pool, err);
}

static int add_pair(struct arena *arena, struct json_pair *pair, const char *key, const char *value)
{
	*pair = (struct json_pair){ key, value ? arena_strdup(arena, value) : NULL };
	return pair->value ? 0 : -1;
}

static int devmapper_describe(struct storage *store, struct arena *arena, struct json_list *details,
			      struct err *err)
{
	struct json_pair *pairs = arena_alloc(arena, 4 * sizeof(*pairs));
	struct thin_status status;
	struct pool pool;
	char data[64], metadata[64];
	auto_close int lock = pool_lock(store, &pool, err);

	if (lock < 0 || pool_get_status(&pool, &status, err) < 0)
		return -1;
	const char *refusal = thin_refusal(&status);

	snprintf(data, sizeof(data), "%" PRIu64 " of %" PRIu64 " blocks of 64 KiB",
		 status.data_used, status.data_total);
	snprintf(metadata, sizeof(metadata), "%" PRIu64 " of %" PRIu64 " blocks of 4 KiB",
		 status.metadata_used, status.metadata_total);
	if (!pairs || add_pair(arena, &pairs[0], "pool", pool.name) < 0 ||
	    add_pair(arena, &pairs[1], "data", data) < 0 ||
	    add_pair(arena, &pairs[2], "metadata", metadata) < 0 ||
	    add_pair(arena, &pairs[3], "state", refusal ? refusal : "ok") < 0)
		return err_sys(err, "describe the pool");
	*details = (struct json_list){ pairs, 4 };
	return 0;
}

/* The first file system, of which all others are snapshots: made once, without the directory that
 * no image has. */
static int make_base(struct storage *store, struct pool *pool, uint64_t size, struct err *err)
{
	char path[MAPPER_PATH_MAX], name[POOL_NAME_MAX];
	struct thin_volume base = { .size = size };

	if (pool_reserve_id(store, pool, &base.id, err) < 0 ||
	    mapper_message(pool->name, err, "create_thin %" PRIu32, base.id) < 0 ||
	    pool_record(store, POOL_BASE, &base, RECORD_NEW | RECORD_SYNC, err) < 0 ||
	    pool_activate(pool, &base, path, err) < 0)
		return -1;
	const char *const mkfs[] = { "mkfs.ext4",
				     "-q",
				     "-F",
				     "-m",
				     "0",
				     "-E",
				     "nodiscard,lazy_itable_init=1,lazy_journal_init=1",
				     path,
				     NULL };
	int result = tool_run(mkfs, err);
	auto_close int mount = result < 0 ? -1 : mount_device(path, false, err);

	if (mount >= 0 && unlinkat(mount, "lost+found", AT_REMOVEDIR) < 0 && errno != ENOENT)
		result = err_sys(err, "prepare the first file system");
	if (mount >= 0)
		close(take_fd(&mount));
	else
		result = -1;
	pool_volume_name(pool, base.id, name);
	return mapper_remove(name, false, result < 0 ? NULL : err) < 0 ? -1 : result;
}

static int devmapper_init(struct storage *store, const struct storage_init *init, struct err *err)
{
	const uint64_t size = init->volume_size ? init->volume_size : 10ULL << 30;
	struct pool pool;

	if (!init->loop_size && (!init->data_device || !init->metadata_device)) {
		err_set(err, ERR_INPUT, "make a store for devicemapper: no pool is given");
		return err_hint(
			err,
			"masu storage init --driver devicemapper --loop-size 20G, or --data-device and --metadata-device");
	}
	if (pool_make(store, init, err) < 0)
		return -1;
	auto_close int lock = pool_lock(store, &pool, err);

	if (lock >= 0 && make_base(store, &pool, size, err) == 0)
		return 0;
	pool_unmake(store, init);
	return -1;
}

static int devmapper_open(struct storage *store, struct err *err)
{
	struct pool pool;
	auto_close int lock = pool_lock(store, &pool, err);

	return lock < 0 ? -1 : pool_verify(store, &pool, err);
}

extern const struct storage_ops masu_plugin_devmapper;

__attribute__((visibility("default"))) const struct storage_ops masu_plugin_devmapper = {
	.name = "devicemapper",
	.driver = STORAGE_DEVMAPPER,
	.probe = devmapper_probe,
	.open = devmapper_open,
	.init = devmapper_init,
	.create = devmapper_create,
	.clone = devmapper_clone,
	.commit = devmapper_commit,
	.remove = devmapper_remove,
	.mount = devmapper_mount,
	.usage = devmapper_usage,
	.resize = devmapper_resize,
	.trim = devmapper_trim,
	.grow = pool_enlarge,
	.recover = devmapper_recover,
	.each = devmapper_each,
	.describe = devmapper_describe,
};
