/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The btrfs driver: a volume is a subvolume, a new one a snapshot of the nearest below it. */
#include "storage/btrfs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/err.h"
#include "base/str.h"
#include "base/sys.h"
#include "storage/candidates.h"
#include "storage/detached.h"
#include "storage/directory.h"
#include "storage/fault.h"
#include "storage/loop.h"
#include "storage/store.h"
#include "storage/tree.h"

/* A store on another file system can have a btrfs of its own in this file (`storage init --loop`).
 */
#define IMAGE_FILE "data.img"

static int try_subvolume(int dir, struct err *why)
{
	struct statfs fs;

	if (fstatfs(dir, &fs) < 0)
		return err_sys(why, "look at the store's file system");
	if ((uint64_t)fs.f_type != BTRFS_SUPER_MAGIC)
		return err_set(why, ERR_UNSUPPORTED, "the store is not on btrfs");
	if (subvolume_create(dir, "a", why) < 0)
		return -1;
	return subvolume_destroy(dir, "a", why);
}

static int btrfs_probe(int dir, struct err *why)
{
	return directory_probe(dir, try_subvolume, why);
}

static bool has_own(const struct storage *store)
{
	return faccessat(store->root, IMAGE_FILE, F_OK, 0) == 0;
}

static int mount_own(struct storage *store, const char *subvolume, struct err *err)
{
	char device[LOOP_PATH_MAX];
	/* not the store's lock, which the caller may hold already: the image file has its own */
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	auto_close int image = openat(store->root, IMAGE_FILE, O_RDWR | O_CLOEXEC);

	if (image < 0 || fcntl(image, F_OFD_SETLKW, &lock) < 0)
		return err_sys(err, "lock %s/" IMAGE_FILE, store->path);
	auto_close int loop = loop_attach(store->root, IMAGE_FILE, device, err);

	if (loop < 0)
		return -1;
	auto_close int fs = sys_fsopen("btrfs", FSOPEN_CLOEXEC);

	if (fs < 0 || sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, "source", device, 0) < 0 ||
	    sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, "subvol", subvolume, 0) < 0 ||
	    sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0) < 0)
		return err_sys(err, "mount %s/" IMAGE_FILE, store->path);
	int mount = sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);

	return mount < 0 ? err_sys(err, "mount %s/" IMAGE_FILE, store->path) : mount;
}

static int btrfs_open(struct storage *store, struct err *err)
{
	if (!has_own(store))
		return 0;
	auto_close int mount = mount_own(store, "/", err);

	if (mount < 0)
		return -1;
	/* the mount's own descriptor is O_PATH, which takes no ioctl; an open directory keeps it
	 * alive as well */
	int data = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (data < 0)
		return err_sys(err, "open %s/" IMAGE_FILE, store->path);
	close(store->data);
	store->data = data;
	return 0;
}

static int make_own(struct storage *store, const struct storage_init *init, struct err *err)
{
	char device[LOOP_PATH_MAX];

	if (loop_make_file(store->root, IMAGE_FILE, init->loop_size, init->sparse, err) < 0)
		return -1;
	auto_close int loop = loop_attach(store->root, IMAGE_FILE, device, err);
	const char *const mkfs[] = { "mkfs.btrfs", "-q", "-f", device, NULL };

	if (loop >= 0 && tool_run(mkfs, err) == 0)
		return 0;
	unlinkat(store->root, IMAGE_FILE, 0);
	return -1;
}

/* data/ becomes a subvolume of its own, so that snapshots of the host's / do not hold on to every
 * layer. */
static int btrfs_init(struct storage *store, const struct storage_init *init, struct err *err)
{
	if (init->loop_size)
		return make_own(store, init, err);
	if (subvolume_is(store->data))
		return 0;
	if (unlinkat(store->root, "data", AT_REMOVEDIR) < 0)
		return err_sys(err, "replace %s/data", store->path);
	if (subvolume_create(store->root, "data", err) < 0)
		return -1;
	return fchmodat(store->root, "data", 0700, 0) < 0
		       ? err_sys(err, "set the mode of %s/data", store->path)
		       : 0;
}

static int snapshot(struct storage *store, const char *from, const char *key, struct err *err)
{
	auto_close int source = directory_open(store, from, err);

	return source < 0 ? -1 : subvolume_snapshot(source, store->data, key, false, err);
}

static int btrfs_resize(struct storage *store, const struct volume *volume, uint64_t bytes,
			struct err *err)
{
	auto_close int dir = directory_open(store, volume->key, err);

	/* simple quotas mark the file system as unreadable to older kernels: only where the file
	 * system is ours */
	return dir < 0 ? -1 : subvolume_limit(dir, bytes, has_own(store), err);
}

static int btrfs_create(struct storage *store, const struct volume *volume, struct err *err)
{
	int result = volume->depth ? snapshot(store, volume->chain[0], volume->key, err)
				   : subvolume_create(store->data, volume->key, err);

	if (result < 0 || FAULT_POINT("btrfs.made", err) < 0)
		return -1;
	if (volume->inodes)
		return err_set(err, ERR_UNSUPPORTED,
			       "masu.storage.inodes: btrfs has no limit on inodes");
	return volume->size ? btrfs_resize(store, volume, volume->size, err) : 0;
}

static int btrfs_clone(struct storage *store, const struct volume *from, const char *key,
		       struct err *err)
{
	return snapshot(store, from->key, key, err) < 0 ? -1 : FAULT_POINT("btrfs.made", err);
}

static int btrfs_commit(struct storage *store, const char *key, const char *new_key,
			struct err *err)
{
	if (directory_rename(store, key, new_key, err) < 0 || FAULT_POINT("btrfs.renamed", err) < 0)
		return -1;
	if (str_starts(new_key, "root-"))
		return 0;
	auto_close int dir = directory_open(store, new_key, err);

	return dir < 0 ? -1 : subvolume_freeze(dir, err);
}

static int btrfs_remove(struct storage *store, const char *key, struct err *err)
{
	struct stat st;

	if (fstatat(store->data, key, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	return subvolume_destroy(store->data, key, err);
}

static int btrfs_mount(struct storage *store, const struct volume *volume,
		       const struct volume_mount *how, struct err *err)
{
	/* a detached mount cannot be cloned before Linux 6.15, so a file system of our own is
	 * mounted anew */
	if (!has_own(store))
		return detached_clone(store->data, volume->key, how, err);
	auto_close int mount = mount_own(store, volume->key, err);

	if (mount < 0 || detached_apply(mount, how, err) < 0)
		return -1;
	return take_fd(&mount);
}

/* send wants read-only subvolumes: of a root a snapshot is taken for the purpose. */
static int changes_of_root(struct storage *store, int base, const struct volume *volume,
			   struct candidates *set, struct err *err)
{
	char frozen[64];
	auto_close int live = directory_open(store, volume->key, err);

	if (live < 0 || store_unique(frozen, sizeof(frozen), "trash", err) < 0 ||
	    subvolume_snapshot(live, store->data, frozen, true, err) < 0)
		return -1;
	auto_close int child = directory_open(store, frozen, err);
	int result = child < 0 ? -1 : subvolume_changes(base, child, set, err);

	if (subvolume_destroy(store->data, frozen, result < 0 ? NULL : err) < 0)
		result = -1;
	return result;
}

static int btrfs_changes(struct storage *store, const struct volume *volume, struct candidates *set,
			 struct err *err)
{
	if (!volume->depth) /* no base to send against: everything is new */
		return candidates_add(set, "", true, err);
	auto_close int base = directory_open(store, volume->chain[0], err);

	if (base < 0)
		return -1;
	if (!str_starts(volume->key, "layer-") && !str_starts(volume->key, "snap-"))
		return changes_of_root(store, base, volume, set, err);
	auto_close int child = directory_open(store, volume->key, err);

	return child < 0 ? -1 : subvolume_changes(base, child, set, err);
}

static int btrfs_grow(struct storage *store, uint64_t bytes, struct err *err)
{
	if (!has_own(store)) {
		err_set(err, ERR_UNSUPPORTED, "grow store %s: it has no file of its own",
			store->path);
		return err_hint(err, "it has the space of the file system that it is on");
	}
	if (!bytes)
		return err_set(err, ERR_INPUT, "grow %s/" IMAGE_FILE ": to which size?",
			       store->path);
	auto_close int device = loop_grow(store->root, IMAGE_FILE, bytes, err);

	return device < 0 ? -1 : subvolume_grow_filesystem(store->data, err);
}

static int btrfs_usage(struct storage *store, const struct volume *volume,
		       struct storage_usage *usage, struct err *err)
{
	auto_close int dir = directory_open(store, volume->key, err);

	if (dir < 0)
		return -1;
	if (subvolume_usage(dir, &usage->bytes, &usage->limit) == 0)
		return 0;
	return tree_usage(dir, &usage->bytes, &usage->inodes, err);
}

const struct storage_ops btrfs_ops = {
	.name = "btrfs",
	.driver = STORAGE_BTRFS,
	.probe = btrfs_probe,
	.open = btrfs_open,
	.init = btrfs_init,
	.create = btrfs_create,
	.clone = btrfs_clone,
	.commit = btrfs_commit,
	.remove = btrfs_remove,
	.mount = btrfs_mount,
	.changes = btrfs_changes,
	.usage = btrfs_usage,
	.resize = btrfs_resize,
	.trim = directory_trim,
	.grow = btrfs_grow,
	.each = directory_each,
};
