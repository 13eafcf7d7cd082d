/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Root-relative path resolution by openat2, and creation by walking descriptors. */
#include "base/path.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"
#include "base/sys.h"

enum {
	LINKS_MAX = 40, /* as many as the kernel follows */
};

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* openat2 gives EAGAIN when a rename raced with ".."; the kernel asks to try again, we do so within
 * bounds. */
static int open_resolved(int root, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.resolve = resolve | RESOLVE_NO_MAGICLINKS,
	};
	int fd = sys_openat2(root, path, &how);

	for (long long end = 0; fd < 0 && (errno == EAGAIN || errno == EINTR);) {
		long long now = now_ns();

		if (!end)
			end = now + 2000000;
		else if (now > end)
			break;
		fd = sys_openat2(root, path, &how);
	}
	return fd;
}

int path_open_in_root(int root, const char *path, int flags, struct err *err)
{
	int fd = open_resolved(root, path, flags, RESOLVE_IN_ROOT);

	return fd >= 0 ? fd : err_sys(err, "open %s in the root file system", path);
}

int path_open_beneath(int root, const char *path, int flags, struct err *err)
{
	while (*path == '/')
		path++;
	int fd = open_resolved(root, *path ? path : ".", flags, RESOLVE_BENEATH);

	return fd >= 0 ? fd : err_sys(err, "open %s", path);
}

/*
 * The path that a dangling link stands for: its target in place of the link, then `rest`. `parent`
 * are the first bytes of the path, up to the link.
 */
static int replace_link(int dir, const char *link, const char *parent, const char *rest,
			char target[PATH_MAX])
{
	char text[PATH_MAX];
	ssize_t length = readlinkat(dir, link, text, sizeof(text) - 1);

	if (length < 0)
		return -1;
	text[length] = '\0';
	rest += strspn(rest, "/");
	return str_format(target, PATH_MAX, "%s%s%s%s%s", text[0] == '/' ? "" : parent,
			  text[0] == '/' ? "" : "/", text, *rest ? "/" : "", rest);
}

/* One part of a path: opened, or made when it is missing. A dangling link leaves EEXIST. */
static int open_or_make(int root, int dir, const char *prefix, const char *part, mode_t mode)
{
	int next = open_resolved(root, prefix, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);

	if (next >= 0 || errno != ENOENT)
		return next;
	if (strcmp(part, "..") == 0 || mkdirat(dir, part, mode) < 0) {
		int code = errno;

		/* somebody else may have made it in between */
		next = open_resolved(root, prefix, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);
		if (next < 0)
			errno = code;
		return next;
	}
	return open_resolved(root, prefix, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);
}

/*
 * Makes what is missing of a path, part by part. Whole prefixes are resolved from the root each
 * time, so that links inside the root keep their meaning (/var/run -> /run); mkdirat() itself never
 * follows a link. Returns the directory; or -1, with `target` filled when a dangling link stands in
 * the way (EEXIST).
 */
static int make_parts(int root, const char *path, mode_t mode, char target[PATH_MAX])
{
	auto_close int dir = open_resolved(root, "/", O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);
	char prefix[PATH_MAX], part[NAME_MAX + 1];

	target[0] = '\0';
	for (const char *at = path; dir >= 0;) {
		at += strspn(at, "/");
		size_t size = strcspn(at, "/");

		if (!size)
			return take_fd(&dir);
		if (str_format(part, sizeof(part), "%.*s", (int)size, at) < 0 ||
		    str_format(prefix, sizeof(prefix), "%.*s", (int)(at + size - path), path) < 0)
			return -1;
		int next = open_or_make(root, dir, prefix, part, mode);

		if (next < 0 && errno == EEXIST) {
			prefix[at - path] = '\0';
			if (replace_link(dir, part, prefix, at + size, target) == 0)
				errno = EEXIST;
			return -1;
		}
		close(dir);
		dir = next;
		at += size;
	}
	return -1;
}

/* Makes the directory for the first `length` bytes of path, through dangling links too, and returns
 * it. */
static int make_prefix(int root, const char *path, size_t length, mode_t mode, struct err *err)
{
	char wanted[PATH_MAX], target[PATH_MAX];

	if (str_format(wanted, sizeof(wanted), "/%.*s", (int)length, path) < 0)
		return err_sys(err, "open %.60s... in the root file system", path);
	int whole = open_resolved(root, wanted, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);

	if (whole >= 0 || errno != ENOENT)
		return whole >= 0 ? whole : err_sys(err, "open %s in the root file system", wanted);
	for (int links = 0; links < LINKS_MAX; links++) {
		int dir = make_parts(root, wanted, mode, target);

		if (dir >= 0)
			return dir;
		if (!target[0] || errno != EEXIST)
			return err_sys(err, "make directory %.*s in the root file system",
				       (int)length, path);
		memcpy(wanted, target, sizeof(wanted));
	}
	errno = ELOOP;
	return err_sys(err, "make directory %.*s in the root file system", (int)length, path);
}

int path_make_dir(int root, const char *path, mode_t mode, struct err *err)
{
	return make_prefix(root, path, strlen(path), mode, err);
}

int path_open_parent(int root, const char *path, const char **last, struct err *err)
{
	const char *slash = strrchr(path, '/');
	const char *part = slash ? slash + 1 : path;

	if (!*part || strcmp(part, ".") == 0 || strcmp(part, "..") == 0)
		return err_set(err, EINVAL,
			       "open %s in the root file system: it does not name a file", path);
	*last = part;
	return make_prefix(root, path, slash ? (size_t)(slash - path) : 0, 0755, err);
}

int path_make_file(int root, const char *path, mode_t mode, struct err *err)
{
	char wanted[PATH_MAX], target[PATH_MAX];

	if (str_format(wanted, sizeof(wanted), "%s", path) < 0)
		return err_sys(err, "open %.60s... in the root file system", path);
	for (int links = 0; links < LINKS_MAX; links++) {
		char name[NAME_MAX + 1];
		const char *last;
		int there = open_resolved(root, wanted, O_PATH, RESOLVE_IN_ROOT);

		if (there >= 0 || errno != ENOENT)
			return there >= 0 ? there
					  : err_sys(err, "open %s in the root file system", wanted);
		auto_close int parent = path_open_parent(root, wanted, &last, err);

		if (parent < 0)
			return -1;
		/* mknodat never follows the last part: a dangling link there is replaced by what it
		 * stands for */
		if (mknodat(parent, last, S_IFREG | mode, 0) == 0)
			return path_open_in_root(root, wanted, O_PATH, err);
		if (errno != EEXIST || str_format(name, sizeof(name), "%s", last) < 0)
			return err_sys(err, "make file %s in the root file system", path);
		wanted[last - wanted] = '\0';
		if (replace_link(parent, name, wanted, "", target) < 0)
			return err_sys(err, "make file %s in the root file system", path);
		memcpy(wanted, target, sizeof(wanted));
	}
	errno = ELOOP;
	return err_sys(err, "make file %s in the root file system", path);
}

bool path_has_dotdot(const char *path)
{
	for (const char *at = path; at; at = strchr(at, '/')) {
		while (*at == '/')
			at++;
		if (at[0] == '.' && at[1] == '.' && (at[2] == '/' || !at[2]))
			return true;
	}
	return false;
}

const char *path_of_fd(int fd, char buffer[PATH_FD_MAX])
{
	snprintf(buffer, PATH_FD_MAX, "/proc/self/fd/%d", fd);
	return buffer;
}
