/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Removal of trees that may be hostile: of any depth, with a fixed number of descriptors. */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/sys.h"
#include "storage/tree.h"

enum {
	DEPTH_MAX = 64, /* what lies deeper is moved up to the top and removed from there */
};

struct remover {
	int top;
	unsigned int moved; /* number of directories moved up so far */
	unsigned int left;  /* entries that may still be removed */
	bool again;
};

static int remove_children(struct remover *remover, int dir, int depth);

static int remove_dir(struct remover *remover, int dir, const char *name, int depth)
{
	if (depth >= DEPTH_MAX) {
		char place[32];

		snprintf(place, sizeof(place), ".masu-deep-%u", remover->moved++);
		remover->again = true;
		return renameat(dir, name, remover->top, place);
	}
	auto_close int child = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (child < 0)
		return errno == ENOENT ? 0 : -1;
	if (remove_children(remover, child, depth + 1) < 0)
		return -1;
	return unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -1 : 0;
}

static int remove_entry(struct remover *remover, int dir, const struct dirent64 *entry, int depth)
{
	if (!remover->left) {
		errno = EAGAIN;
		return -1;
	}
	remover->left--;
	if (entry->d_type != DT_DIR) {
		if (unlinkat(dir, entry->d_name, 0) == 0 || errno == ENOENT)
			return 0;
		/* a directory after all: some file systems do not tell types */
		if (errno != EISDIR && errno != EPERM)
			return -1;
	}
	return remove_dir(remover, dir, entry->d_name, depth);
}

/* By getdents64 itself: readdir wants a second descriptor and three more calls for each directory,
 * and removing a container's root is little else. */
static int remove_children(struct remover *remover, int dir, int depth)
{
	_Alignas(struct dirent64) char room[2048];
	ssize_t got;

	while ((got = getdents64(dir, room, sizeof(room))) > 0) {
		for (ssize_t at = 0; at < got;) {
			const struct dirent64 *entry = (const struct dirent64 *)(room + at);

			at += entry->d_reclen;
			if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
				continue;
			if (remove_entry(remover, dir, entry, depth) < 0)
				return -1;
		}
	}
	return got < 0 ? -1 : 0;
}

/* Only system calls and the stack: also for the child of a process with threads. */
static int remove_tree(int dir, const char *name, unsigned int most)
{
	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	auto_close int top = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct remover remover = { .top = top, .left = most };

	if (top < 0)
		return errno == ENOENT ? 0 : -1;
	do {
		remover.again = false;
		lseek(top, 0, SEEK_SET);
		if (remove_children(&remover, top, 0) < 0)
			return -1;
	} while (remover.again);
	return unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -1 : 0;
}

int tree_remove(int dir, const char *name, struct err *err)
{
	return remove_tree(dir, name, UINT_MAX) < 0 ? err_sys(err, "remove %s", name) : 0;
}

/* The remover's own name for it says that it is at work; until the parent has renamed it, it has
 * the old one. */
__attribute__((noreturn)) static void remove_alone(int dir, const char *name, const char *rest)
{
	char own[NAME_MAX];

	setsid();
	snprintf(own, sizeof(own), "trash-%d-%s", (int)getpid(), rest);
	/* whoever waits for the end of our output must not wait for us */
	if (dup2(dir, 0) == 0)
		sys_close_range(1, ~0U, 0);
	while (faccessat(0, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		sched_yield();
	remove_tree(0, own, UINT_MAX);
	_exit(0);
}

/* A child's child, so that the caller never sees it: neither its end nor its signals. */
static int remove_later(int dir, const char *name, const char *rest)
{
	char own[NAME_MAX];
	int status = 0;
	pid_t middle = fork(), last;

	if (middle == 0) {
		last = fork();
		if (last == 0)
			remove_alone(dir, name, rest);
		snprintf(own, sizeof(own), "trash-%d-%s", (int)last, rest);
		_exit(last < 0 || renameat(dir, name, dir, own) < 0);
	}
	while (middle > 0 && waitpid(middle, &status, 0) < 0 && errno == EINTR)
		;
	return middle < 0 || status ? -1 : 0;
}

int tree_remove_trash(int dir, const char *name, struct err *err)
{
	const char *rest = strrchr(name, '-');

	if (remove_tree(dir, name, TREE_REMOVE_FEW) == 0)
		return 0;
	if (errno == EAGAIN && rest && remove_later(dir, name, rest + 1) == 0)
		return 0;
	return tree_remove(dir, name, err);
}
