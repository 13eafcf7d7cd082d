/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `storage info`: what the store is, how full, and why which driver. */
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/err.h"
#include "base/names.h"
#include "storage/store.h"

/* clang-format off */
static const struct name filesystem_names[] = {
	{ "ext4",      EXT4_SUPER_MAGIC },
	{ "xfs",       0x58465342 },
	{ "btrfs",     BTRFS_SUPER_MAGIC },
	{ "tmpfs",     TMPFS_MAGIC },
	{ "overlay",   OVERLAYFS_SUPER_MAGIC },
	{ "nfs",       NFS_SUPER_MAGIC },
	{ "f2fs",      F2FS_SUPER_MAGIC },
	{ "zfs",       0x2fc12fc1 },
	{ NULL,	       0 },
};

static const struct json_row driver_rows[] = {
	{ "name",   JSON_TEXT, offsetof(struct storage_driver_info, name) },
	{ "chosen", JSON_BOOL, offsetof(struct storage_driver_info, chosen), .flags = JSON_ALWAYS },
	{ "usable", JSON_BOOL, offsetof(struct storage_driver_info, usable), .flags = JSON_ALWAYS },
	{ "reason", JSON_TEXT, offsetof(struct storage_driver_info, reason) },
};
static const struct json_object driver_object = JSON_OBJECT_OF(struct storage_driver_info, driver_rows);

static const struct json_row info_rows[] = {
	{ "root",	JSON_TEXT,     offsetof(struct storage_info, root) },
	{ "driver",	JSON_TEXT,     offsetof(struct storage_info, driver) },
	{ "uuid",	JSON_TEXT,     offsetof(struct storage_info, uuid) },
	{ "filesystem", JSON_TEXT,     offsetof(struct storage_info, filesystem) },
	{ "bytesTotal", JSON_U64,      offsetof(struct storage_info, bytes_total) },
	{ "bytesFree",	JSON_U64,      offsetof(struct storage_info, bytes_free) },
	{ "images",	JSON_UINT,     offsetof(struct storage_info, images), .flags = JSON_ALWAYS },
	{ "layers",	JSON_UINT,     offsetof(struct storage_info, layers), .flags = JSON_ALWAYS },
	{ "roots",	JSON_UINT,     offsetof(struct storage_info, roots), .flags = JSON_ALWAYS },
	{ "snapshots",	JSON_UINT,     offsetof(struct storage_info, snapshots), .flags = JSON_ALWAYS },
	{ "details",	JSON_MAP_TEXT, offsetof(struct storage_info, details) },
	{ "drivers",	JSON_LIST,     offsetof(struct storage_info, drivers), &driver_object },
};
const struct json_object storage_info_object = JSON_OBJECT_OF(struct storage_info, info_rows);

/* clang-format on */

static int count_records(struct storage *store, struct storage_info *info, struct err *err)
{
	const struct {
		const struct record_kind *kind;
		unsigned int *count;
	} rows[] = {
		{ &image_kind, &info->images },
		{ &layer_kind, &info->layers },
		{ &root_kind, &info->roots },
		{ &snapshot_kind, &info->snapshots },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_arena struct arena arena = { 0 };
		char **names;
		size_t count;

		if (record_list(store, rows[i].kind, &arena, &names, &count, err) < 0)
			return -1;
		*rows[i].count = (unsigned int)count;
	}
	return 0;
}

static int fill_filesystem(int dir, struct storage_info *info, struct err *err)
{
	struct statfs fs;

	if (fstatfs(dir, &fs) < 0)
		return err_sys(err, "look at the file system of %s", info->root);
	info->filesystem = names_text(filesystem_names, (int64_t)fs.f_type);
	info->bytes_total = (struct opt_u64){ true, fs.f_blocks * (uint64_t)fs.f_bsize };
	info->bytes_free = (struct opt_u64){ true, fs.f_bavail * (uint64_t)fs.f_bsize };
	return 0;
}

/* A store that is not there yet: what would be chosen. */
static int describe_future(const char *root, struct arena *arena, struct storage_info *info,
			   struct err *err)
{
	auto_close int dir = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *at = dir < 0 ? "/var/lib" : root;

	if (dir < 0)
		dir = open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	info->root = arena_strdup(arena, root);
	if (dir < 0 || !info->root)
		return err_sys(err, "open %s", at);
	if (fill_filesystem(dir, info, err) < 0)
		return -1;
	return driver_explain(dir, NULL, arena, &info->drivers, err);
}

static int describe_store(struct storage *store, struct arena *arena, struct storage_info *info,
			  struct err *err)
{
	info->root = arena_strdup(arena, store->path);
	info->uuid = arena_strdup(arena, store->uuid);
	info->driver = store->ops->name;
	if (!info->root || !info->uuid)
		return err_sys(err, "describe %s", store->path);
	if (fill_filesystem(store->data, info, err) < 0 || count_records(store, info, err) < 0)
		return -1;
	if (store->ops->describe && store->ops->describe(store, arena, &info->details, err) < 0)
		return -1;
	return driver_explain(store->root, info->driver, arena, &info->drivers, err);
}

int storage_get_info(const char *root, struct arena *arena, struct storage_info *info,
		     struct err *err)
{
	struct err reason = { 0 };
	auto_store struct storage *store =
		storage_open(root, STORAGE_AUTO, STORAGE_READONLY, &reason);

	*info = (struct storage_info){ 0 };
	if (store)
		return describe_store(store, arena, info, err);
	if (reason.code == ERR_NOT_FOUND)
		return describe_future(root ? root : STORAGE_DEFAULT_ROOT, arena, info, err);
	if (err)
		*err = reason;
	return -1;
}
