/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fills /dev: nodes, made or bound from the host, and the customary links. What an image left there
 * is hostile. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/path.h"
#include "base/sys.h"
#include "ns/init.h"
#include "ns/ns.h"

static const struct {
	const char *name, *content;
} dev_links[] = {
	{ "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	{ "ptmx", "pts/ptmx" },
};

/* A place that holds something already: fine if it is that very device. */
static int accept_node(int parent, const char *last, const struct ns_device_plan *device,
		       const char *path, struct err *err)
{
	struct stat status;

	if (fstatat(parent, last, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "look at %s", path);
	bool device_type = S_ISCHR(device->mode) || S_ISBLK(device->mode);

	if ((status.st_mode & S_IFMT) == (device->mode & S_IFMT) &&
	    (!device_type || status.st_rdev == makedev(device->major, device->minor)))
		return 0;
	return err_set(err, EEXIST, "make device %s: the root file system has something else there",
		       path);
}

static int make_node(int parent, const char *last, const struct ns_device_plan *device,
		     const char *path, struct err *err)
{
	if (mknodat(parent, last, device->mode, makedev(device->major, device->minor)) < 0) {
		if (errno == EEXIST)
			return accept_node(parent, last, device, path, err);
		err_sys(err, "make device %s", path);
		return errno == EPERM
			       ? err_hint(
					 err,
					 "masu lacks CAP_MKNOD, or its devices cgroup forbids the device")
			       : -1;
	}
	if ((device->uid || device->gid) &&
	    fchownat(parent, last, device->uid, device->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "give device %s to %u:%u", path, device->uid, device->gid);
	return 0;
}

/* The host's node on an empty file, or on whatever file is there; never through a link. */
static int bind_node(int parent, const char *last, int node, const char *path, struct err *err)
{
	if (mknodat(parent, last, S_IFREG | 0644, 0) < 0 && errno != EEXIST)
		return err_sys(err, "make file %s", path);
	auto_close int target = openat(parent, last, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (target < 0 || fstat(target, &status) < 0)
		return err_sys(err, "open %s", path);
	if (S_ISLNK(status.st_mode) || S_ISDIR(status.st_mode))
		return err_set(err, EEXIST,
			       "make device %s: the root file system has something else there",
			       path);
	return ns_move(node, target) < 0 ? err_sys(err, "bind the host's %s", path) : 0;
}

/* `dev` is /dev, which most devices lie in: no walk for those. */
static int make_device(const struct flat_view *view, const struct ns_device_plan *device, int root,
		       int dev, struct err *err)
{
	const char *path = flat_string(view, device->path), *last;
	int node = flat_get_fd(view, device->fd), parent = dev;
	auto_close int owned = -1;

	if (strncmp(path, "/dev/", 5) == 0 && !strchr(path + 5, '/')) {
		last = path + 5;
	} else {
		owned = path_open_parent(root, path, &last, err);
		if (owned < 0)
			return err_wrap(err, "make device %s", path);
		parent = owned;
	}
	return node >= 0 ? bind_node(parent, last, node, path, err)
			 : make_node(parent, last, device, path, err);
}

static int make_links(int dev, struct err *err)
{
	for (size_t i = 0; i < sizeof(dev_links) / sizeof(*dev_links); i++) {
		const char *name = dev_links[i].name, *content = dev_links[i].content;
		char have[32] = "";

		if (symlinkat(content, dev, name) == 0)
			continue;
		if (errno == EEXIST && readlinkat(dev, name, have, sizeof(have) - 1) >= 0 &&
		    strcmp(have, content) == 0)
			continue;
		if (errno != EEXIST && errno != EINVAL)
			return err_sys(err, "make link /dev/%s", name);
		/* an image's own file there: replaced, in this very directory; but what the spec
		 * mounted there stays */
		if (unlinkat(dev, name, 0) < 0 &&
		    (errno == EBUSY || errno == EISDIR || errno == EROFS))
			continue;
		if (symlinkat(content, dev, name) < 0)
			return err_sys(err, "replace /dev/%s by a link to %s", name, content);
	}
	return 0;
}

int ns_make_devices(const struct flat_view *view, const struct ns_plan *plan, int root,
		    struct err *err)
{
	const struct ns_device_plan *devices = flat_get(view, plan->devices, sizeof(*devices));
	mode_t mask;
	int result = 0;

	if (!devices && !(plan->flags & NS_PLAN_DEV))
		return 0;
	auto_close int dev = path_make_dir(root, "/dev", 0755, err);

	if (dev < 0)
		return -1;
	mask = umask(0);
	for (uint32_t i = 0; devices && i < plan->devices.count && result == 0; i++)
		result = make_device(view, &devices[i], root, dev, err);
	umask(mask);
	return result == 0 && (plan->flags & NS_PLAN_DEV) ? make_links(dev, err) : result;
}
