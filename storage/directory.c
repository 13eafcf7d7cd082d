/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volumes that are directories: open, rename, remove, measure, list, trim, probe. */
#include "storage/directory.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/str.h"
#include "storage/fault.h"
#include "storage/quota.h"
#include "storage/store.h"
#include "storage/tree.h"

int directory_open(struct storage *store, const char *key, struct err *err)
{
	int dir = openat(store->data, key, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return dir >= 0 ? dir : err_sys(err, "open %s/data/%s", store->path, key);
}

int directory_rename(struct storage *store, const char *key, const char *new_key, struct err *err)
{
	if (renameat2(store->data, key, store->data, new_key, RENAME_NOREPLACE) < 0)
		return err_sys(err, "rename %s/data/%s to %s", store->path, key, new_key);
	return 0;
}

int directory_remove(struct storage *store, const char *key, struct err *err)
{
	auto_close int dir = openat(store->data, key, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char gone[64];

	if (dir < 0 && errno == ENOENT)
		return 0;
	if (store_unique(gone, sizeof(gone), "trash", err) < 0)
		return -1;
	if (dir >= 0)
		quota_clear(dir);
	/* under its own name a half-deleted volume would look like damage */
	if (renameat(store->data, key, store->data, gone) < 0)
		return errno == ENOENT ? 0 : err_sys(err, "remove %s/data/%s", store->path, key);
	if (FAULT_POINT("directory.set-aside", err) < 0)
		return -1;
	/* nobody waits for a root; what fails or is given up goes before the answer */
	return str_starts(key, "root-") ? tree_remove_trash(store->data, gone, err)
					: tree_remove(store->data, gone, err);
}

int directory_usage(int volume, int tree, uint64_t limit, struct storage_usage *usage,
		    struct err *err)
{
	uint64_t used[3];

	if (limit && quota_get(volume, used) == 0) {
		*usage = (struct storage_usage){ used[0], used[1], used[2] };
		return 0;
	}
	return tree_usage(tree, &usage->bytes, &usage->inodes, err);
}

int directory_each(struct storage *store, int (*found)(const char *key, void *data), void *data,
		   struct err *err)
{
	auto_arena struct arena arena = { 0 };
	char **names;
	size_t count;

	if (store_list_dir(store->data, ".", &arena, &names, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		int result = found(names[i], data);

		if (result)
			return result;
	}
	return 0;
}

int directory_trim(struct storage *store, struct err *err)
{
	struct fstrim_range range = { .len = UINT64_MAX };

	if (ioctl(store->data, FITRIM, &range) == 0 || errno == EOPNOTSUPP || errno == ENOTTY)
		return 0;
	return err_sys(err, "trim the file system of %s/data", store->path);
}

int directory_probe(int dir, int (*try)(int dir, struct err *why), struct err *why)
{
	char name[64];

	if (store_unique(name, sizeof(name), "probe", why) < 0)
		return -1;
	if (mkdirat(dir, name, 0700) < 0)
		return err_sys(why, "make a directory in the store");
	auto_close int scratch = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result =
		scratch < 0 ? err_sys(why, "open a directory of the store") : try(scratch, why);

	tree_remove(dir, name, NULL);
	return result;
}
