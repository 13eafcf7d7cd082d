/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Extended attributes of a name in a directory, without following it. */
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "storage/tree.h"

/* There is no *xattrat() before Linux 6.13; the descriptor's entry in /proc is followed, the last
 * part of the path is not. */
const char *tree_proc_path(int dir, const char *name, char path[TREE_PATH_MAX])
{
	snprintf(path, TREE_PATH_MAX, "/proc/self/fd/%d/%s", dir, *name ? name : ".");
	return path;
}

/* Returns the size, 0 when the file system has no attributes at all. */
static ssize_t list_names(const char *path, char **names, struct arena *arena)
{
	char none;
	ssize_t size = llistxattr(path, NULL, 0);

	for (int tries = 0; size > 0 && tries < 5; tries++) {
		*names = arena_alloc(arena, (size_t)size);
		if (!*names)
			return -1;
		ssize_t got = llistxattr(path, *names, (size_t)size);

		if (got >= 0 || errno != ERANGE)
			return got;
		size = llistxattr(path, &none, 0);
	}
	return size < 0 && errno == EOPNOTSUPP ? 0 : size;
}

static int read_one(const char *path, const char *name, struct arena *arena, struct xattr *xattr)
{
	ssize_t size = lgetxattr(path, name, NULL, 0);
	char *value;

	if (size < 0)
		return -1;
	value = arena_alloc(arena, (size_t)size + 1);
	if (!value)
		return -1;
	size = size ? lgetxattr(path, name, value, (size_t)size) : 0;
	*xattr = (struct xattr){ name, value, (size_t)(size < 0 ? 0 : size) };
	return size < 0 ? -1 : 0;
}

int xattrs_read(int dir, const char *name, struct arena *arena, struct xattr **xattrs,
		size_t *count, struct err *err)
{
	char path[TREE_PATH_MAX];
	char *names = NULL;
	ssize_t size = list_names(tree_proc_path(dir, name, path), &names, arena);
	size_t number = 0;

	*xattrs = NULL;
	*count = 0;
	if (size < 0)
		return err_sys(err, "list the attributes of %s", name);
	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(names + at) + 1)
		number++;
	if (!number)
		return 0;
	*xattrs = arena_alloc(arena, number * sizeof(**xattrs));
	if (!*xattrs)
		return err_sys(err, "list the attributes of %s", name);
	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(names + at) + 1) {
		if (read_one(path, names + at, arena, &(*xattrs)[*count]) == 0)
			++*count;
		else if (errno != ENODATA) /* removed meanwhile */
			return err_sys(err, "read attribute %s of %s", names + at, name);
	}
	return 0;
}

int xattr_write(int dir, const char *name, const struct xattr *xattr, struct err *err)
{
	char path[TREE_PATH_MAX];

	if (lsetxattr(tree_proc_path(dir, name, path), xattr->name, xattr->value, xattr->size, 0) ==
	    0)
		return 0;
	return err_sys(err, "set attribute %s of %s", xattr->name, *name ? name : ".");
}
