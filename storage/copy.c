/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The copy driver: a volume is a plain directory with everything in it; works on every file system,
 * shares data where reflinks exist. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/str.h"
#include "storage/detached.h"
#include "storage/directory.h"
#include "storage/fault.h"
#include "storage/quota.h"
#include "storage/store.h"
#include "storage/tree.h"

static int copy_probe(int dir, struct err *why)
{
	return faccessat(dir, ".", W_OK, 0) < 0 ? err_sys(why, "write to the store") : 0;
}

static int set_limits(int dir, uint64_t bytes, uint64_t inodes, struct err *err)
{
	const uint64_t limits[] = { bytes, inodes };

	return quota_set(dir, &dir, 1, limits, err);
}

static int copy_volume(struct storage *store, const char *from, const struct volume *to,
		       struct err *err)
{
	if (mkdirat(store->data, to->key, 0755) < 0)
		return err_sys(err, "make directory %s/data/%s", store->path, to->key);
	if (FAULT_POINT("copy.made", err) < 0)
		return -1;
	auto_close int target = directory_open(store, to->key, err);

	if (target < 0)
		return -1;
	/* before the content, which would not inherit the project otherwise */
	if ((to->size || to->inodes) && set_limits(target, to->size, to->inodes, err) < 0)
		return -1;
	if (!from)
		return 0;
	auto_close int source = directory_open(store, from, err);

	return source < 0 ? -1 : tree_copy(source, target, err);
}

static int copy_create(struct storage *store, const struct volume *volume, struct err *err)
{
	return copy_volume(store, volume->depth ? volume->chain[0] : NULL, volume, err);
}

static int copy_clone(struct storage *store, const struct volume *from, const char *key,
		      struct err *err)
{
	return copy_volume(store, from->key, &(struct volume){ .key = key }, err);
}

static int copy_mount(struct storage *store, const struct volume *volume,
		      const struct volume_mount *how, struct err *err)
{
	return detached_clone(store->data, volume->key, how, err);
}

static int copy_usage(struct storage *store, const struct volume *volume,
		      struct storage_usage *usage, struct err *err)
{
	auto_close int dir = directory_open(store, volume->key, err);

	return dir < 0 ? -1 : directory_usage(dir, dir, volume->size, usage, err);
}

static int copy_resize(struct storage *store, const struct volume *volume, uint64_t bytes,
		       struct err *err)
{
	auto_close int dir = directory_open(store, volume->key, err);

	return dir < 0 ? -1 : set_limits(dir, bytes, volume->inodes, err);
}

const struct storage_ops copy_ops = {
	.name = "copy",
	.driver = STORAGE_COPY,
	.probe = copy_probe,
	.create = copy_create,
	.clone = copy_clone,
	.commit = directory_rename,
	.remove = directory_remove,
	.mount = copy_mount,
	.usage = copy_usage,
	.resize = copy_resize,
	.trim = directory_trim,
	.each = directory_each,
};
