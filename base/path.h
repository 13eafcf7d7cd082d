/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one way to touch paths inside a container's root file system, which is hostile ground. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct err;

/*
 * All functions take `root`, an O_PATH descriptor of the directory that no lookup may leave, and a
 * path that may begin with '/' (which then means `root`). They are openat2(2) with
 * RESOLVE_NO_MAGICLINKS; EAGAIN under rename load is retried for up to 2 ms of attempts. They
 * return a CLOEXEC descriptor, or -1 with errno and the record filled.
 */

/* Symbolic links are followed, but as a process with `root` as its root would see them
 * (RESOLVE_IN_ROOT). */
int path_open_in_root(int root, const char *path, int flags, struct err *err);

/* No symbolic link may lead out of `root`: such a link is an error (RESOLVE_BENEATH). For kernel
 * file systems and our own. */
int path_open_beneath(int root, const char *path, int flags, struct err *err);

/* Like path_open_in_root() with O_PATH, but missing directories are made on the way (mode for new
 * ones), also those that a link to nowhere names. */
int path_make_dir(int root, const char *path, mode_t mode, struct err *err);

/* Like path_make_dir() for the parent, then the last part as an empty regular file if it is
 * missing: a place to bind a file on. */
int path_make_file(int root, const char *path, mode_t mode, struct err *err);

/*
 * Open the directory that holds the last part of `path` (made if missing); *last points to that
 * part within `path`. For mknodat(), symlinkat() and unlinkat(), which must never follow the last
 * part. EINVAL when the last part is "", "." or "..".
 */
int path_open_parent(int root, const char *path, const char **last, struct err *err);

/* Lexical: true when a text has a component "..". */
bool path_has_dotdot(const char *path);

/* Write `fd`'s path below /proc/self/fd into a buffer of PATH_FD_MAX bytes, for calls that take
 * paths only. */
enum {
	PATH_FD_MAX = 32,
};

const char *path_of_fd(int fd, char buffer[PATH_FD_MAX]);
