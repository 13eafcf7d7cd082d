/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Removal of trees that may be hostile: of any depth, with a fixed number of descriptors. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "storage/tree.h"

enum {
	DEPTH_MAX = 64, /* what lies deeper is moved up to the top and removed from there */
};

struct remover {
	int top;
	unsigned int moved; /* number of directories moved up so far */
	bool again;
};

static int remove_children(struct remover *remover, int dir, int depth);

/* Removing a directory is tried only after unlink said that it is one: most entries are files, and
 * one call each is enough. */
static int remove_entry(struct remover *remover, int dir, const char *name, int depth)
{
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -1;
	if (depth >= DEPTH_MAX) {
		char place[32];

		snprintf(place, sizeof(place), ".masu-deep-%u", remover->moved++);
		remover->again = true;
		return renameat(dir, name, remover->top, place);
	}
	auto_close int child = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (child < 0 || remove_children(remover, child, depth + 1) < 0)
		return -1;
	return unlinkat(dir, name, AT_REMOVEDIR);
}

static int remove_children(struct remover *remover, int dir, int depth)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_closedir DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!stream)
		return -1;
	while (errno = 0, (entry = readdir(stream))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (remove_entry(remover, dir, entry->d_name, depth) < 0)
			return -1;
	}
	return errno ? -1 : 0;
}

int tree_remove(int dir, const char *name, struct err *err)
{
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	auto_close int top = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct remover remover = { .top = top };

	if (top < 0)
		return errno == ENOENT ? 0 : err_sys(err, "remove %s", name);
	do {
		remover.again = false;
		if (remove_children(&remover, top, 0) < 0)
			return err_sys(err, "remove what is in %s", name);
	} while (remover.again);
	if (unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_sys(err, "remove %s", name);
	return 0;
}
