/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The btrfs ioctls on subvolumes and their quota groups. */
#include "storage/btrfs.h"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"

/* newer than Debian 12's header: simple quotas (Linux 6.7) count extents to the subvolume that
 * wrote them, with no cost for snapshots */
#define QUOTA_ENABLE_SIMPLE 4

bool subvolume_is(int fd)
{
	struct statfs fs;
	struct stat st;

	return fstatfs(fd, &fs) == 0 && (uint64_t)fs.f_type == BTRFS_SUPER_MAGIC &&
	       fstat(fd, &st) == 0 && st.st_ino == BTRFS_FIRST_FREE_OBJECTID;
}

int subvolume_create(int dir, const char *name, struct err *err)
{
	struct btrfs_ioctl_vol_args_v2 args = { 0 };

	if (str_format(args.name, sizeof(args.name), "%s", name) < 0 ||
	    ioctl(dir, BTRFS_IOC_SUBVOL_CREATE_V2, &args) < 0)
		return err_sys(err, "create subvolume %s", name);
	return 0;
}

int subvolume_snapshot(int source, int dir, const char *name, bool readonly, struct err *err)
{
	struct btrfs_ioctl_vol_args_v2 args = {
		.fd = source,
		.flags = readonly ? BTRFS_SUBVOL_RDONLY : 0,
	};

	if (str_format(args.name, sizeof(args.name), "%s", name) < 0 ||
	    ioctl(dir, BTRFS_IOC_SNAP_CREATE_V2, &args) < 0)
		return err_sys(err, "create snapshot %s", name);
	return 0;
}

int subvolume_freeze(int fd, struct err *err)
{
	uint64_t flags;

	if (ioctl(fd, BTRFS_IOC_SUBVOL_GETFLAGS, &flags) < 0)
		return err_sys(err, "read the flags of a subvolume");
	flags |= BTRFS_SUBVOL_RDONLY;
	if (ioctl(fd, BTRFS_IOC_SUBVOL_SETFLAGS, &flags) < 0)
		return err_sys(err, "make a subvolume read-only");
	return 0;
}

int subvolume_id(int fd, uint64_t *id, struct err *err)
{
	struct btrfs_ioctl_get_subvol_info_args info = { 0 };

	if (ioctl(fd, BTRFS_IOC_GET_SUBVOL_INFO, &info) < 0)
		return err_sys(err, "read the number of a subvolume");
	*id = info.treeid;
	return 0;
}

static int destroy_below(int subvolume, int depth, struct err *err);

/* A subvolume that a container made: found by its number, opened by its path below the one it lies
 * in. */
static int destroy_child(int parent, uint64_t id, uint64_t dir, int depth, struct err *err)
{
	struct btrfs_ioctl_ino_lookup_user_args lookup = { .dirid = dir, .treeid = id };
	struct btrfs_ioctl_vol_args_v2 args = { .flags = BTRFS_SUBVOL_SPEC_BY_ID, .subvolid = id };
	char path[sizeof(lookup.path) + sizeof(lookup.name)];

	if (ioctl(parent, BTRFS_IOC_INO_LOOKUP_USER, &lookup) < 0)
		return err_sys(err, "find subvolume %llu", (unsigned long long)id);
	snprintf(path, sizeof(path), "%s%s", lookup.path, lookup.name);
	auto_close int child =
		openat(parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (child < 0)
		return err_sys(err, "open subvolume %s", path);
	if (destroy_below(child, depth + 1, err) < 0)
		return -1;
	if (ioctl(parent, BTRFS_IOC_SNAP_DESTROY_V2, &args) < 0)
		return err_sys(err, "destroy subvolume %s", path);
	return 0;
}

static int destroy_below(int subvolume, int depth, struct err *err)
{
	struct btrfs_ioctl_get_subvol_rootref_args refs = { 0 };
	int more;

	if (depth > 64)
		return err_set(err, ELOOP, "destroy subvolumes: more than 64 inside each other");
	do {
		refs = (struct btrfs_ioctl_get_subvol_rootref_args){ 0 };
		more = ioctl(subvolume, BTRFS_IOC_GET_SUBVOL_ROOTREF, &refs);
		if (more < 0 && errno != EOVERFLOW)
			return err_sys(err, "list the subvolumes in a subvolume");
		for (size_t i = 0; i < refs.num_items; i++) {
			if (destroy_child(subvolume, refs.rootref[i].treeid, refs.rootref[i].dirid,
					  depth, err) < 0)
				return -1;
		}
	} while (more < 0 && refs.num_items);
	return 0;
}

int subvolume_destroy(int dir, const char *name, struct err *err)
{
	struct btrfs_ioctl_vol_args_v2 args = { 0 };

	if (str_format(args.name, sizeof(args.name), "%s", name) < 0)
		return err_sys(err, "destroy subvolume %s", name);
	if (ioctl(dir, BTRFS_IOC_SNAP_DESTROY_V2, &args) == 0 || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY)
		return err_sys(err, "destroy subvolume %s", name);
	auto_close int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "open subvolume %s", name);
	if (destroy_below(fd, 0, err) < 0)
		return -1;
	if (ioctl(dir, BTRFS_IOC_SNAP_DESTROY_V2, &args) < 0)
		return err_sys(err, "destroy subvolume %s", name);
	return 0;
}

int subvolume_limit(int fd, uint64_t bytes, bool may_enable, struct err *err)
{
	struct btrfs_ioctl_qgroup_limit_args args = {
		.lim = { .flags = BTRFS_QGROUP_LIMIT_MAX_RFER,
			 .max_rfer = bytes ? bytes : UINT64_MAX },
	};
	struct btrfs_ioctl_quota_ctl_args enable = { .cmd = QUOTA_ENABLE_SIMPLE };

	if (ioctl(fd, BTRFS_IOC_QGROUP_LIMIT, &args) == 0)
		return 0;
	if (errno == ENOTCONN && may_enable && ioctl(fd, BTRFS_IOC_QUOTA_CTL, &enable) == 0 &&
	    ioctl(fd, BTRFS_IOC_QGROUP_LIMIT, &args) == 0)
		return 0;
	err_sys(err, "limit the size of a subvolume");
	if (err)
		err->code = ERR_UNSUPPORTED;
	return err_hint(err, "switch simple quotas on: btrfs quota enable --simple (Linux 6.7)");
}

int subvolume_grow_filesystem(int fd, struct err *err)
{
	struct btrfs_ioctl_vol_args args = { .name = "1:max" };

	return ioctl(fd, BTRFS_IOC_RESIZE, &args) < 0 ? err_sys(err, "grow a btrfs") : 0;
}

/* One item of the quota tree, or false. */
static bool find_item(int fd, uint32_t type, uint64_t id, void *item, size_t size)
{
	struct btrfs_ioctl_search_args search = {
		.key = {
			.tree_id = BTRFS_QUOTA_TREE_OBJECTID,
			.max_objectid = UINT64_MAX,
			.min_type = type, .max_type = type,
			.min_offset = id, .max_offset = id,
			.max_transid = UINT64_MAX,
			.nr_items = 64,
		},
	};
	struct btrfs_ioctl_search_header header;

	if (ioctl(fd, BTRFS_IOC_TREE_SEARCH, &search) < 0)
		return false;
	const char *at = search.buf;

	for (uint32_t i = 0; i < search.key.nr_items; i++) {
		memcpy(&header, at, sizeof(header));
		at += sizeof(header);
		if (header.type == type && header.offset == id && header.len >= size) {
			memcpy(item, at, size);
			return true;
		}
		at += header.len;
	}
	return false;
}

int subvolume_usage(int fd, uint64_t *bytes, uint64_t *limit)
{
	struct btrfs_qgroup_info_item info;
	struct btrfs_qgroup_limit_item limits;
	uint64_t id;

	if (subvolume_id(fd, &id, NULL) < 0 ||
	    !find_item(fd, BTRFS_QGROUP_INFO_KEY, id, &info, sizeof(info)))
		return -1;
	*bytes = info.excl;
	*limit = 0;
	if (find_item(fd, BTRFS_QGROUP_LIMIT_KEY, id, &limits, sizeof(limits)) &&
	    (limits.flags & BTRFS_QGROUP_LIMIT_MAX_RFER) && limits.max_rfer != UINT64_MAX)
		*limit = limits.max_rfer;
	return 0;
}
