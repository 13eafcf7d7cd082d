/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Overlay mounts from directories: by descriptors, or on older kernels inside a throw-away mount
 * namespace. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "storage/detached.h"

/*
 * What a container's overlay must not do: redirected directories and metadata-only copies make a
 * layer meaningless away from its lowers, an index ties it to their inodes.
 */
static const char *const plain_options[][2] = {
	{ "redirect_dir", "off" },
	{ "metacopy", "off" },
	{ "index", "off" },
};

enum {
	PLAIN_OPTIONS = sizeof(plain_options) / sizeof(plain_options[0]),
};

static int explain(struct err *err, size_t layers)
{
	int code = errno;

	err_sys(err, "mount an overlay of %zu layers", layers);
	if (code == EINVAL)
		return err_hint(
			err,
			"the store's file system cannot carry an overlay; try the driver copy or btrfs");
	if (code == ENODEV)
		return err_hint(err, "this kernel has no overlay: modprobe overlay");
	return -1;
}

static int set_dir(int fs, const char *key, int data, const char *path)
{
	auto_close int dir = openat(data, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return dir < 0 ? -1 : sys_fsconfig(fs, SYS_FSCONFIG_SET_FD, key, NULL, dir);
}

static int set_top(int fs, const struct overlay_parts *parts)
{
	auto_close int top =
		openat(parts->data, parts->top, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (top < 0 || set_dir(fs, "upperdir", top, "d") < 0 ||
	    set_dir(fs, "workdir", top, "w") < 0)
		return -1;
	if (!parts->is_volatile)
		return 0;
	return sys_fsconfig(fs, SYS_FSCONFIG_SET_FLAG, "volatile", NULL, 0);
}

int overlay_mount_by_fd(const struct overlay_parts *parts, struct err *err)
{
	auto_close int fs = sys_fsopen("overlay", FSOPEN_CLOEXEC);

	if (fs < 0)
		return explain(err, parts->count);
	for (size_t i = 0; i < parts->count; i++) {
		if (set_dir(fs, "lowerdir+", parts->data, parts->lowers[i]) < 0)
			return explain(err, parts->count);
	}
	for (size_t i = 0; i < PLAIN_OPTIONS; i++) {
		if (sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, plain_options[i][0],
				 plain_options[i][1], 0) < 0)
			return explain(err, parts->count);
	}
	sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, "source", "overlay", 0);
	if (parts->top && set_top(fs, parts) < 0)
		return explain(err, parts->count);
	if (sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0) < 0)
		return explain(err, parts->count);
	int mount = sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);

	return mount < 0 ? explain(err, parts->count) : mount;
}

static int name_part(int top, const char *name, const char *path)
{
	char target[PATH_MAX];

	if (str_format(target, sizeof(target), "s/%s", path) < 0)
		return -1;
	return symlinkat(target, top, name);
}

static int write_options(const struct overlay_parts *parts, char *options, size_t size)
{
	size_t at = (size_t)snprintf(options, size, "lowerdir=");

	for (size_t i = 0; i < parts->count && at < size; i++)
		at += (size_t)snprintf(options + at, size - at, "%s%zu", i ? ":" : "", i);
	if (parts->top && at < size)
		at += (size_t)snprintf(options + at, size - at, ",upperdir=c/d,workdir=c/w%s",
				       parts->is_volatile ? ",volatile" : "");
	for (size_t i = 0; i < PLAIN_OPTIONS && at < size; i++)
		at += (size_t)snprintf(options + at, size - at, ",%s=%s", plain_options[i][0],
				       plain_options[i][1]);
	if (at < size)
		return 0;
	errno = E2BIG;
	return -1;
}

/* In the child: links with names of one to three characters instead of whole paths, because
 * mount(2) takes one page of options. */
static int mount_in_child(const struct overlay_parts *parts)
{
	char options[4096], name[16];
	auto_close int fs = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	if (fs < 0 || sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0) < 0)
		return -1;
	auto_close int top = sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);

	if (top < 0 || sys_move_mount(top, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -1;
	if (mkdirat(top, "s", 0700) < 0 ||
	    sys_move_mount(parts->data, "", top, "s", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -1;
	for (size_t i = 0; i < parts->count; i++) {
		snprintf(name, sizeof(name), "%zu", i);
		if (name_part(top, name, parts->lowers[i]) < 0)
			return -1;
	}
	if (parts->top && name_part(top, "c", parts->top) < 0)
		return -1;
	/* allowed: a child of our own, in its own mount namespace */
	if (mkdirat(top, "m", 0700) < 0 || fchdir(top) < 0 ||
	    write_options(parts, options, sizeof(options)) < 0 ||
	    mount("overlay", "m", "overlay", 0, options) < 0)
		return -1;
	return sys_open_tree(top, "m", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

int overlay_mount_in_namespace(const struct overlay_parts *parts, struct err *err)
{
	int pair[2], fd = -1, code = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, "make a socket pair");
	auto_close int ours = pair[0];
	auto_close int theirs = pair[1];
	pid_t child = fork();

	if (child < 0)
		return err_sys(err, "start a process for an overlay mount");
	if (child == 0) {
		/* only system calls from here on: the caller may have threads */
		fd = mount_in_child(parts);
		code = fd < 0 ? errno : 0;
		_exit(fd_send(theirs, &code, sizeof(code), &fd, fd >= 0) < 0);
	}
	close(take_fd(&theirs));
	size_t count = 1;
	ssize_t got = fd_receive(ours, &code, sizeof(code), &fd, &count);

	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	if (got == sizeof(code) && count == 1)
		return fd;
	errno = got == sizeof(code) && code ? code : EPIPE;
	return explain(err, parts->count);
}

int overlay_mount(const struct overlay_parts *parts, struct err *err)
{
	struct err first = { 0 };
	int mount = overlay_mount_by_fd(parts, &first);

	if (mount >= 0)
		return mount;
	/* what kernels say that do not take layers by descriptor: before 6.5 and before 6.13 */
	if (first.code == EOPNOTSUPP || first.code == EINVAL)
		return overlay_mount_in_namespace(parts, err);
	if (err)
		*err = first;
	return -1;
}
