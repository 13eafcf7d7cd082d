/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mount attributes and propagation by descriptor, with mount(2) where the kernel has no
 * mount_setattr(2). */
#include "ns/init.h"

#include <errno.h>
#include <stdio.h>
#include <sys/statvfs.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/sys.h"

bool ns_attributes_on_detached(void)
{
	return sys_mount_setattr(-1, NULL, 0, NULL) == 0 || errno != ENOSYS;
}

/* mount(2) on a descriptor: a path below a procfs that is our working directory for the moment. */
static int mount_by_fd(int mount_fd, unsigned long flags, struct err *err)
{
	auto_close int proc = proc_open(err);
	auto_close int back = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char path[32];

	if (proc < 0 || back < 0)
		return -1;
	snprintf(path, sizeof(path), "self/fd/%d", mount_fd);
	if (fchdir(proc) < 0)
		return err_sys(err, "enter /proc");
	/* allowed: the path is a number below the procfs that we stand in */
	int result = mount(NULL, path, NULL, flags, NULL);

	if (result < 0)
		err_sys(err, "change mount");
	if (fchdir(back) < 0)
		return err_sys(err, "leave /proc");
	return result;
}

/* A remount replaces all flags, so it needs those that the mount has. */
static int remount(int mount_fd, const struct ns_attributes *attributes, struct err *err)
{
	static const struct {
		uint64_t attribute;
		unsigned long have, flag; /* f_flag of statvfs(3), flag of mount(2) */
	} rows[] = {
		{ MOUNT_ATTR_RDONLY, ST_RDONLY, MS_RDONLY },
		{ MOUNT_ATTR_NOSUID, ST_NOSUID, MS_NOSUID },
		{ MOUNT_ATTR_NODEV, ST_NODEV, MS_NODEV },
		{ MOUNT_ATTR_NOEXEC, ST_NOEXEC, MS_NOEXEC },
		{ MOUNT_ATTR_NOATIME, ST_NOATIME, MS_NOATIME },
		{ MOUNT_ATTR_NODIRATIME, ST_NODIRATIME, MS_NODIRATIME },
		{ MOUNT_ATTR_STRICTATIME, 0, MS_STRICTATIME },
	};

	unsigned long flags = MS_REMOUNT | MS_BIND;
	struct statvfs status;

	if (attributes->tree_set || attributes->tree_clear ||
	    (attributes->set & MOUNT_ATTR_NOSYMFOLLOW))
		return err_set(err, ERR_UNSUPPORTED,
			       "change mount: recursive options and nosymfollow need Linux 5.12");
	if (fstatvfs(mount_fd, &status) < 0)
		return err_sys(err, "look at mount");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		bool has =
			(status.f_flag & rows[i].have) && !(attributes->clear & rows[i].attribute);

		if (has || (attributes->set & rows[i].attribute))
			flags |= rows[i].flag;
	}
	return mount_by_fd(mount_fd, flags, err);
}

static int change(int mount_fd, uint64_t set, uint64_t clear, unsigned int tree)
{
	struct sys_mount_attr attr = { .attr_set = set, .attr_clr = clear };

	if (!set && !clear)
		return 0;
	int result = sys_mount_setattr(mount_fd, "", AT_EMPTY_PATH | tree, &attr);

	/*
	 * In a user namespace what the host's mount forbids is locked. A word that relaxes ("rw",
	 * "dev") then stays without effect, as with mount(8); what restricts must still be applied.
	 * Access times are one locked field: left as they are.
	 */
	if (result < 0 && errno == EPERM && (clear || set & MOUNT_ATTR_NODIRATIME)) {
		attr.attr_set &= ~(uint64_t)(MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME);
		attr.attr_clr = 0;
		result = sys_mount_setattr(mount_fd, "", AT_EMPTY_PATH | tree, &attr);
	}
	return result;
}

int ns_attributes_apply(int mount_fd, const struct ns_attributes *attributes, struct err *err)
{
	if (!attributes->set && !attributes->clear && !attributes->tree_set &&
	    !attributes->tree_clear)
		return 0;
	if (change(mount_fd, attributes->set, attributes->clear, 0) == 0 &&
	    change(mount_fd, attributes->tree_set, attributes->tree_clear, AT_RECURSIVE) == 0)
		return 0;
	return errno == ENOSYS ? remount(mount_fd, attributes, err)
			       : err_sys(err, "set its options");
}

int ns_propagation_apply(int mount_fd, uint64_t propagation, struct err *err)
{
	struct sys_mount_attr attr = { .propagation = propagation & ~(uint64_t)MS_REC };
	unsigned int tree = propagation & MS_REC ? AT_RECURSIVE : 0;

	if (sys_mount_setattr(mount_fd, "", AT_EMPTY_PATH | tree, &attr) == 0)
		return 0;
	return errno == ENOSYS ? mount_by_fd(mount_fd, propagation, err)
			       : err_sys(err, "set its propagation");
}
