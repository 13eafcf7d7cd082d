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
 * Makes the directory for the first `length` bytes of path and returns it. Whole prefixes are
 * resolved from the root each time, so that links inside the root keep their meaning (/var/run ->
 * /run); mkdirat() itself never follows a link.
 */
static int make_prefix(int root, const char *path, size_t length, mode_t mode, struct err *err)
{
	char prefix[PATH_MAX];

	if (length >= sizeof(prefix)) {
		errno = ENAMETOOLONG;
		return err_sys(err, "open %.60s... in the root file system", path);
	}
	memcpy(prefix, path, length);
	prefix[length] = '\0';
	int whole =
		open_resolved(root, length ? prefix : "/", O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);

	if (whole >= 0 || errno != ENOENT)
		return whole >= 0 ? whole : err_sys(err, "open %s in the root file system", prefix);

	auto_close int dir = open_resolved(root, "/", O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);

	for (size_t at = 0; at < length && dir >= 0;) {
		while (path[at] == '/')
			at++;
		size_t end = at;

		while (end < length && path[end] != '/')
			end++;
		if (end == at)
			break;
		char part[NAME_MAX + 1];

		if (str_format(part, sizeof(part), "%.*s", (int)(end - at), path + at) < 0)
			return err_sys(err, "make directory %s in the root file system", prefix);
		memcpy(prefix, path, end);
		prefix[end] = '\0';
		int next = open_resolved(root, prefix, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);

		if (next < 0 && errno == ENOENT) {
			if (strcmp(part, "..") == 0 ||
			    (mkdirat(dir, part, mode) < 0 && errno != EEXIST))
				return err_sys(err, "make directory %s in the root file system",
					       prefix);
			next = open_resolved(root, prefix, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);
		}
		if (next < 0)
			return err_sys(err, "open %s in the root file system", prefix);
		close(dir);
		dir = next;
		at = end;
	}
	return dir >= 0 ? take_fd(&dir) : err_sys(err, "open %s in the root file system", path);
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
	int there = open_resolved(root, path, O_PATH, RESOLVE_IN_ROOT);

	if (there >= 0 || errno != ENOENT)
		return there >= 0 ? there : err_sys(err, "open %s in the root file system", path);
	const char *last;
	auto_close int parent = path_open_parent(root, path, &last, err);

	if (parent < 0)
		return -1;
	/* mknodat never follows the last part; a dangling link there is reported as the link it is
	 */
	if (mknodat(parent, last, S_IFREG | mode, 0) < 0)
		return err_sys(err, "make file %s in the root file system", path);
	return path_open_in_root(root, path, O_PATH, err);
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
