/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The overlay driver: a volume is a directory KEY/d (with KEY/w beside it while it is written to).
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/err.h"
#include "base/str.h"
#include "base/sys.h"
#include "storage/candidates.h"
#include "storage/detached.h"
#include "storage/directory.h"
#include "storage/fault.h"
#include "storage/quota.h"
#include "storage/store.h"
#include "storage/tree.h"

enum {
	LOWERS_MAX = 500, /* the kernel's OVL_MAX_STACK */
};

static int open_tree_of(struct storage *store, const char *key, struct err *err)
{
	char path[NAME_MAX + 3];

	if (str_format(path, sizeof(path), "%s/d", key) < 0)
		return err_sys(err, "open volume %s", key);
	return directory_open(store, path, err);
}

static int set_limits(struct storage *store, const struct volume *volume, struct err *err)
{
	const uint64_t limits[] = { volume->size, volume->inodes };
	auto_close int dir = directory_open(store, volume->key, err);

	if (dir < 0)
		return -1;
	auto_close int tree = openat(dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_close int work = openat(dir, "w", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* work too: a rename between two projects is refused */
	return quota_set(dir, (const int[]){ tree, work }, 2, limits, err);
}

/* The merged root directory shows the upper's owner, mode and times, so they are the layer's below.
 */
static int inherit_root(struct storage *store, const struct volume *volume, struct err *err)
{
	if (!volume->depth)
		return 0;
	auto_close int from = open_tree_of(store, volume->chain[0], err);

	if (from < 0)
		return -1;
	auto_close int to = open_tree_of(store, volume->key, err);

	return to < 0 ? -1 : tree_copy_attributes(from, to, "", err);
}

static int overlay_create(struct storage *store, const struct volume *volume, struct err *err)
{
	if (mkdirat(store->data, volume->key, 0700) < 0)
		return err_sys(err, "make directory %s/data/%s", store->path, volume->key);
	if (FAULT_POINT("overlay.made", err) < 0)
		return -1;
	auto_close int dir = directory_open(store, volume->key, err);

	if (dir < 0)
		return -1;
	if (mkdirat(dir, "d", 0755) < 0 || mkdirat(dir, "w", 0700) < 0)
		return err_sys(err, "make directories in %s/data/%s", store->path, volume->key);
	if (inherit_root(store, volume, err) < 0)
		return -1;
	if (volume->size || volume->inodes)
		return set_limits(store, volume, err);
	return 0;
}

static int overlay_clone(struct storage *store, const struct volume *from, const char *key,
			 struct err *err)
{
	struct volume to = *from;

	to.key = key;
	to.size = to.inodes = 0;
	if (overlay_create(store, &to, err) < 0)
		return -1;
	auto_close int source = open_tree_of(store, from->key, err);

	if (source < 0)
		return -1;
	auto_close int target = open_tree_of(store, key, err);

	return target < 0 ? -1 : tree_copy(source, target, err);
}

static int overlay_commit(struct storage *store, const char *key, const char *new_key,
			  struct err *err)
{
	char work[NAME_MAX + 3];

	/* snapshots keep their place to write, for a rollback is a clone of them */
	if (str_starts(new_key, "layer-")) {
		if (str_format(work, sizeof(work), "%s/w", key) < 0)
			return err_sys(err, "rename volume %s", key);
		if (tree_remove(store->data, work, err) < 0)
			return -1;
	}
	return directory_rename(store, key, new_key, err);
}

/* Left behind by an overlay with `volatile`: the next mount would be refused. Whoever asked for
 * volatile has accepted what it means. */
static void forget_volatile(struct storage *store, const char *key)
{
	char path[NAME_MAX + sizeof("/w/work")];

	if (str_format(path, sizeof(path), "%s/w/work", key) < 0)
		return;
	auto_close int work =
		openat(store->data, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (work >= 0)
		tree_remove(work, "incompat", NULL);
}

/* The trees of the chain, and the volume's own first where nothing is to be written. */
static int list_lowers(const struct volume *volume, bool with_own, struct arena *arena,
		       struct overlay_parts *parts, struct err *err)
{
	const char **lowers = arena_alloc(arena, (volume->depth + 1) * sizeof(*lowers));

	if (volume->depth + with_own > LOWERS_MAX)
		return err_set(err, E2BIG, "mount %s: it has more than %d layers", volume->key,
			       LOWERS_MAX);
	for (size_t i = with_own ? 0 : 1; lowers && i <= volume->depth; i++) {
		const char *key = i ? volume->chain[i - 1] : volume->key;

		lowers[parts->count] = arena_printf(arena, "%s/d", key);
		if (!lowers[parts->count++])
			lowers = NULL;
	}
	parts->lowers = lowers;
	return lowers ? 0 : err_sys(err, "mount %s", volume->key);
}

static int mount_parts(struct storage *store, struct overlay_parts *parts,
		       const struct volume_mount *how, struct err *err)
{
	/* an id map is for all layers; what is read-only the overlay says itself */
	const struct volume_mount mapped = { .userns_fd = how->userns_fd };
	auto_close int data = detached_clone(store->data, "", &mapped, err);
	struct borrowed_ids ids;

	if (data < 0 || borrow_ids(&ids, how, err) < 0)
		return -1;
	parts->data = data;
	int mount = overlay_mount(parts, err);

	return_ids(&ids);
	return mount;
}

/* One tree and nothing to stack: the directory itself. */
static bool is_single(const struct volume *volume)
{
	return volume->depth == 0;
}

static int overlay_mount_volume(struct storage *store, const struct volume *volume,
				const struct volume_mount *how, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct overlay_parts parts = { .data = -1 };
	char path[NAME_MAX + 3];

	if (is_single(volume)) {
		if (str_format(path, sizeof(path), "%s/d", volume->key) < 0)
			return err_sys(err, "open volume %s", volume->key);
		return detached_clone(store->data, path, how, err);
	}
	if (list_lowers(volume, how->readonly, &arena, &parts, err) < 0)
		return -1;
	if (!how->readonly) {
		forget_volatile(store, volume->key);
		parts.top = volume->key;
		parts.is_volatile = how->is_volatile;
	}
	return mount_parts(store, &parts, how, err);
}

/* Everything in the upper directory, and whatever an opaque one hides. */
static int add_upper(struct candidates *set, int dir, const char *prefix, struct err *err)
{
	auto_closedir DIR *stream = fdopendir(dir);
	struct dirent *entry;
	char path[PATH_MAX];

	if (!stream) {
		close(dir);
		return err_sys(err, "list the changes in %s", prefix);
	}
	while (errno = 0, (entry = readdir(stream))) {
		char opaque;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (str_format(path, sizeof(path), "%s%s%s", prefix, *prefix ? "/" : "",
			       entry->d_name) < 0)
			return err_sys(err, "list the changes in %s", prefix);
		int child = entry->d_type == DT_DIR
				    ? openat(dirfd(stream), entry->d_name,
					     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
				    : -1;
		bool replaced = child >= 0 &&
				fgetxattr(child, "trusted.overlay.opaque", &opaque, 1) == 1 &&
				opaque == 'y';

		if (candidates_add(set, path, replaced, err) < 0)
			return -1;
		if (child >= 0 && add_upper(set, child, path, err) < 0)
			return -1;
	}
	return errno ? err_sys(err, "list the changes in %s", prefix) : 0;
}

static int overlay_changes(struct storage *store, const struct volume *volume,
			   struct candidates *set, struct err *err)
{
	int dir = open_tree_of(store, volume->key, err);

	if (dir < 0 || candidates_add(set, "", false, err) < 0)
		return -1;
	return add_upper(set, dir, "", err);
}

static int overlay_usage(struct storage *store, const struct volume *volume,
			 struct storage_usage *usage, struct err *err)
{
	auto_close int dir = directory_open(store, volume->key, err);

	if (dir < 0)
		return -1;
	auto_close int tree = openat(dir, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return directory_usage(dir, tree, volume->size, usage, err);
}

static int overlay_resize(struct storage *store, const struct volume *volume, uint64_t bytes,
			  struct err *err)
{
	struct volume resized = *volume;

	resized.size = bytes;
	return set_limits(store, &resized, err);
}

/* A real mount of two real layers: d_type, whiteouts and attributes are all needed for the
 * deletions to succeed. */
static int try_overlay(int dir, struct err *why)
{
	static const char *const lower = "l";
	const struct volume_mount plain = { .userns_fd = -1 };

	if (mkdirat(dir, "l", 0700) < 0 || mkdirat(dir, "l/sub", 0700) < 0 ||
	    mkdirat(dir, "l/sub/child", 0700) < 0 || mkdirat(dir, "d", 0700) < 0 ||
	    mkdirat(dir, "w", 0700) < 0)
		return err_sys(why, "try an overlay");
	auto_close int data = detached_clone(dir, "", &plain, why);
	const struct overlay_parts parts = {
		.data = data, .lowers = &lower, .count = 1, .top = "."
	};
	auto_close int mount = data < 0 ? -1 : overlay_mount(&parts, why);

	if (mount < 0)
		return -1;
	if (unlinkat(mount, "sub/child", AT_REMOVEDIR) < 0 ||
	    unlinkat(mount, "sub", AT_REMOVEDIR) < 0 || mkdirat(mount, "sub", 0700) < 0)
		return err_sys(why, "overlay on this file system: delete a directory");
	return 0;
}

static int overlay_probe(int dir, struct err *why)
{
	return directory_probe(dir, try_overlay, why);
}

const struct storage_ops overlay_ops = {
	.name = "overlay",
	.driver = STORAGE_OVERLAY,
	.probe = overlay_probe,
	.create = overlay_create,
	.clone = overlay_clone,
	.commit = overlay_commit,
	.remove = directory_remove,
	.mount = overlay_mount_volume,
	.changes = overlay_changes,
	.usage = overlay_usage,
	.resize = overlay_resize,
	.trim = directory_trim,
	.each = directory_each,
};
