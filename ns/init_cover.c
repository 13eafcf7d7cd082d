/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Read-only and masked paths: mounts made read-only before they are attached, onto targets held by
 * descriptor. */
#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/path.h"
#include "base/sys.h"
#include "ns/init.h"
#include "ns/ns.h"

/* What is put on masked paths; opened when the first one needs it. */
struct covers {
	int null;  /* the container's /dev/null, once it is known to be that device */
	int empty; /* a read-only tmpfs that can hold nothing: lies on the first masked directory,
		      cloned for the others */
};

/* Paths that the kernel or the image does not have need no cover. */
static bool is_missing(void)
{
	return errno == ENOENT || errno == ENOTDIR;
}

static int clone_of(int fd, unsigned int flags)
{
	return sys_open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);
}

/* `detached`: attributes can be set before the attachment. */
static int make_readonly(int root, const char *path, bool detached, struct err *err)
{
	const struct ns_attributes tree = { .tree_set = MOUNT_ATTR_RDONLY },
				   one = { .set = MOUNT_ATTR_RDONLY };
	auto_close int target = path_open_in_root(root, path, O_PATH, NULL);

	if (target < 0)
		return is_missing() ? 0 : err_sys(err, "open");
	auto_close int cover = clone_of(target, AT_RECURSIVE);

	if (cover < 0)
		return err_sys(err, "clone");
	if (detached && ns_attributes_apply(cover, &tree, err) < 0)
		return -1;
	if (ns_move(cover, target) < 0)
		return err_sys(err, "attach");
	return detached ? 0 : ns_attributes_apply(cover, &one, err);
}

/* An image may have put anything at /dev/null: a writable file there would open what is to be
 * masked (CVE-2025-31133). */
static int open_null(int root, struct err *err)
{
	auto_close int null = path_open_in_root(root, "/dev/null", O_PATH | O_NOFOLLOW, err);
	struct stat status;

	if (null < 0)
		return -1;
	if (fstat(null, &status) < 0)
		return err_sys(err, "look at /dev/null");
	if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3))
		return err_set(err, EEXIST, "/dev/null in the container is not the null device");
	return take_fd(&null);
}

static int make_empty(struct err *err)
{
	auto_close int fs = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	const char *inodes[] = { "1", "2" }; /* old Ubuntu kernels want 2 */

	if (fs < 0)
		return err_sys(err, "open file system tmpfs");
	for (size_t i = 0; i < 2; i++) {
		sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, "nr_blocks", "1", 0);
		sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, "nr_inodes", inodes[i], 0);
		sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, "mode", "0755", 0);
		if (sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0) == 0)
			break;
		if (i == 1)
			return err_sys(err, "make file system tmpfs");
	}
	int empty = sys_fsmount(fs, FSMOUNT_CLOEXEC,
				MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					MOUNT_ATTR_NOEXEC);

	return empty >= 0 ? empty : err_sys(err, "make mount");
}

static int attach_cover(int cover, int target, struct err *err)
{
	return ns_move(cover, target) < 0 ? err_sys(err, "attach the cover") : 0;
}

static int attach_clone(int of, int target, struct err *err)
{
	auto_close int cover = clone_of(of, 0);

	return cover < 0 ? err_sys(err, "clone the cover") : attach_cover(cover, target, err);
}

static int mask(int root, const char *path, struct covers *covers, struct err *err)
{
	auto_close int target = path_open_in_root(root, path, O_PATH, NULL);
	struct stat status;

	if (target < 0)
		return is_missing() ? 0 : err_sys(err, "open");
	if (fstat(target, &status) < 0)
		return err_sys(err, "look at it");
	if (!S_ISDIR(status.st_mode)) {
		if (covers->null < 0)
			covers->null = open_null(root, err);
		return covers->null < 0 ? -1 : attach_clone(covers->null, target, err);
	}
	if (covers->empty >= 0)
		return attach_clone(covers->empty, target, err);
	/* used itself, not only cloned: closing a mount that was never attached waits for an RCU
	 * grace period */
	covers->empty = make_empty(err);
	return covers->empty < 0 ? -1 : attach_cover(covers->empty, target, err);
}

int ns_cover_paths(const struct flat_view *view, const struct ns_plan *plan, int root,
		   struct err *err)
{
	const struct flat_ref *readonly = flat_get(view, plan->readonly, sizeof(*readonly));
	const struct flat_ref *masked = flat_get(view, plan->masked, sizeof(*masked));
	bool detached = readonly && ns_attributes_on_detached();
	struct covers covers = { -1, -1 };
	int result = 0;

	for (uint32_t i = 0; readonly && i < plan->readonly.count; i++) {
		const char *path = flat_string(view, readonly[i]);

		if (make_readonly(root, path, detached, err) < 0)
			return err_wrap(err, "make %s read-only", path);
	}
	for (uint32_t i = 0; masked && i < plan->masked.count && result == 0; i++) {
		const char *path = flat_string(view, masked[i]);

		result = mask(root, path, &covers, err);
		if (result < 0)
			err_wrap(err, "mask %s", path);
	}
	auto_close_fd(&covers.null);
	auto_close_fd(&covers.empty);
	return result;
}
