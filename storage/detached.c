/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clones of directories as detached mounts, and the credentials that an id-mapped overlay needs. */
#include "storage/detached.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/fsuid.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/sys.h"

int detached_apply(int mount, const struct volume_mount *how, struct err *err)
{
	struct sys_mount_attr attributes = { 0 };

	if (how->readonly)
		attributes.attr_set |= MOUNT_ATTR_RDONLY;
	if (how->userns_fd >= 0) {
		attributes.attr_set |= MOUNT_ATTR_IDMAP;
		attributes.userns_fd = (uint64_t)how->userns_fd;
	}
	if (!attributes.attr_set || sys_mount_setattr(mount, "", AT_EMPTY_PATH, &attributes) == 0)
		return 0;
	if (how->userns_fd < 0)
		return err_sys(err, "make a root read-only");
	err_sys(err, "map the ids of a root");
	return err_hint(
		err,
		"the store's file system must support id-mapped mounts: ext4, xfs and btrfs do (Linux 5.15)");
}

int detached_clone(int dir, const char *path, const struct volume_mount *how, struct err *err)
{
	auto_close int mount = sys_open_tree(dir, path,
					     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
						     (*path ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH));

	if (mount < 0) {
		err_sys(err, "clone the mount of %s", path);
		return errno == EPERM ? err_hint(err, "storage needs CAP_SYS_ADMIN") : -1;
	}
	if (detached_apply(mount, how, err) < 0)
		return -1;
	return take_fd(&mount);
}

int borrow_ids(struct borrowed_ids *saved, const struct volume_mount *how, struct err *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	*saved = (struct borrowed_ids){ 0 };
	if (how->userns_fd < 0)
		return 0;
	if (syscall(SYS_capget, &header, saved->caps) < 0)
		return err_sys(err, "read the capabilities of this thread");
	saved->gid = (unsigned int)setfsgid(how->root_gid);
	saved->uid = (unsigned int)setfsuid(how->root_uid);
	saved->active = true;
	/* a file-system uid other than 0 has cleared the file capabilities; overlay's own work
	 * needs them */
	if (syscall(SYS_capset, &header, saved->caps) < 0) {
		err_sys(err, "keep the capabilities of this thread");
		return_ids(saved);
		return -1;
	}
	return 0;
}

void return_ids(const struct borrowed_ids *saved)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	if (!saved->active)
		return;
	setfsuid(saved->uid);
	setfsgid(saved->gid);
	syscall(SYS_capset, &header, saved->caps);
}
