/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volumes that are directories: rename, remove, list, trim, probe. */
#include "storage/directory.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/err.h"
#include "storage/fault.h"
#include "storage/store.h"
#include "storage/tree.h"

int directory_rename(struct storage *store, const char *key, const char *new_key, struct err *err)
{
	if (renameat2(store->data, key, store->data, new_key, RENAME_NOREPLACE) < 0)
		return err_sys(err, "rename %s/data/%s to %s", store->path, key, new_key);
	return 0;
}

int directory_remove(struct storage *store, const char *key, struct err *err)
{
	char gone[64];

	if (store_unique(gone, sizeof(gone), "trash", err) < 0)
		return -1;
	/* under its own name a half-deleted volume would look like damage */
	if (renameat(store->data, key, store->data, gone) < 0)
		return errno == ENOENT ? 0 : err_sys(err, "remove %s/data/%s", store->path, key);
	if (FAULT_POINT("remove.renamed", err) < 0)
		return -1;
	return tree_remove(store->data, gone, err);
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
