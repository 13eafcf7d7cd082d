/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The container's root: attach it, make it "/", and what is left to do once everything in it is
 * mounted. */
#include <errno.h>
#include <sys/mount.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/sys.h"
#include "ns/init.h"
#include "ns/ns.h"

int ns_move(int mount_fd, int target)
{
	return sys_move_mount(mount_fd, "", target, "",
			      MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* The detached root: from the host side, or a clone made here where that was not allowed. */
static int open_detached(const struct flat_view *view, const struct ns_plan *plan, struct err *err)
{
	const char *path = flat_string(view, plan->rootfs_target);
	int sent = flat_get_fd(view, plan->rootfs);
	int flag = plan->flags & NS_PLAN_PRIVATE ? MS_PRIVATE : MS_SLAVE;
	auto_close int root =
		sent >= 0 ? fcntl(sent, F_DUPFD_CLOEXEC, 3)
			  : sys_open_tree(AT_FDCWD, path,
					  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (root < 0)
		return err_sys(err, "open root file system %s", path);
	if (sent < 0 && ns_attributes_on_detached() &&
	    ns_propagation_apply(root, MS_REC | (unsigned long)flag, err) < 0)
		return err_wrap(err, "open root file system %s", path);
	return take_fd(&root);
}

static int become_root(int root, struct err *err)
{
	if (fchdir(root) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return err_sys(err, "change root");
	return 0;
}

/* Without a mount namespace of our own there is nothing to attach and nothing that may be mounted.
 */
static int change_root_only(const struct flat_view *view, const struct ns_plan *plan, int *root,
			    struct err *err)
{
	const char *path = flat_string(view, plan->rootfs_target);
	int sent = flat_get_fd(view, plan->rootfs);
	auto_close int fd = sent >= 0 ? fcntl(sent, F_DUPFD_CLOEXEC, 3)
				      /* allowed: a path of the host, named by the bundle */
				      : open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "open root file system %s", path);
	if (become_root(fd, err) < 0)
		return -1;
	*root = take_fd(&fd);
	return 0;
}

int ns_attach_root(const struct flat_view *view, const struct ns_plan *plan, int *root,
		   struct err *err)
{
	unsigned long propagation =
		MS_REC | (plan->flags & NS_PLAN_PRIVATE ? MS_PRIVATE : MS_SLAVE);
	const char *target =
		plan->flags & NS_PLAN_LATE ? flat_string(view, plan->rootfs_target) : "/";

	if (!(plan->flags & NS_PLAN_MOUNTS))
		return change_root_only(view, plan, root, err);
	/* first of all: nothing that we mount may reach the host */
	if (mount(NULL, "/", NULL, propagation, NULL) < 0)
		return err_sys(err, "cut mounts off from the host's");
	if (ns_source_prepare(view, plan, err) < 0)
		return -1;
	auto_close int fd = open_detached(view, plan, err);

	if (fd < 0)
		return -1;
	if (sys_move_mount(fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0) {
		err_sys(err, "attach root file system on %s", target);
		if (errno == EACCES)
			err_hint(
				err,
				"every directory above must be searchable by the container's root user");
		return -1;
	}
	if (!ns_attributes_on_detached() && ns_propagation_apply(fd, propagation, err) < 0)
		return err_wrap(err, "attach root file system on %s", target);
	*root = take_fd(&fd);
	return 0;
}

/* The host's mounts stay beneath; what of them would still open doors is unmounted first. */
static int move_and_change_root(const struct flat_view *view, const struct ns_plan *plan, int root,
				struct err *err)
{
	bool late = plan->flags & NS_PLAN_LATE;

	if (ns_drop_host_views(late ? flat_string(view, plan->rootfs_target) : NULL, err) < 0)
		return -1;
	if (late && (fchdir(root) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0))
		return err_sys(err, "move root file system to /");
	return become_root(root, err);
}

int ns_pivot(const struct flat_view *view, const struct ns_plan *plan, int root, struct err *err)
{
	if (!(plan->flags & NS_PLAN_MOUNTS))
		return 0; /* done by ns_attach_root() */
	if (plan->flags & NS_PLAN_NO_PIVOT)
		return move_and_change_root(view, plan, root, err);
	/* the new root on the old one's place and the old one on top of it: unmounting "." leaves
	 * the new one alone */
	if (fchdir(root) < 0 || sys_pivot_root(".", ".") < 0) {
		err_sys(err, "pivot root");
		return errno == EINVAL
			       ? err_hint(err,
					  "the host's root may be an initramfs: try --no-pivot")
			       : -1;
	}
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return err_sys(err, "leave the host's root");
	return 0;
}

int ns_seal_root(const struct flat_view *view, const struct ns_plan *plan, int root,
		 struct err *err)
{
	const struct ns_attributes readonly = { .set = MOUNT_ATTR_RDONLY };

	(void)view;
	if (!(plan->flags & NS_PLAN_MOUNTS))
		return 0;
	if (plan->root_propagation &&
	    ns_propagation_apply(root, plan->root_propagation & ~(uint64_t)MS_REC, err) < 0)
		return err_wrap(err, "linux.rootfsPropagation");
	if ((plan->flags & NS_PLAN_READONLY) && ns_attributes_apply(root, &readonly, err) < 0)
		return err_wrap(err, "make root file system read-only");
	return 0;
}
