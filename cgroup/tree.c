/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Everything below a cgroup directory: its processes, and its removal from the leaves up. */
#include "cgroup/place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"

enum {
	DEPTH_MAX = 64, /* a hostile container may nest; deeper ones are an error, not a stack
			   overflow */
	PIDS_FIRST_ROOM = 64,
	READ_SIZE = 4096,
};

static int add_pid(struct cgroup_pid_list *list, pid_t pid)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : PIDS_FIRST_ROOM;
		pid_t *items = realloc(list->items, room * sizeof(*items));

		if (!items)
			return -1;
		list->items = items;
		list->room = room;
	}
	list->items[list->count++] = pid;
	return 0;
}

/* One file with a number a line. */
static int read_pids(int fd, struct cgroup_pid_list *list)
{
	char buffer[READ_SIZE];
	pid_t pid = 0;

	for (;;) {
		ssize_t length = read(fd, buffer, sizeof(buffer));

		if (length < 0 && errno == EINTR)
			continue;
		if (length <= 0)
			return length < 0 && errno != ENODEV ? -1 : 0;
		for (ssize_t i = 0; i < length; i++) {
			if (buffer[i] != '\n') {
				pid = pid * 10 + (buffer[i] - '0');
				continue;
			}
			/* 0 is a process of another pid namespace, which we cannot name */
			if (pid > 0 && add_pid(list, pid) < 0)
				return -1;
			pid = 0;
		}
	}
}

/* A threaded cgroup does not show its processes (EOPNOTSUPP on reading), but its threads. */
int cgroup_dir_tasks(int dir, const char *file, struct cgroup_pid_list *list)
{
	auto_close int tasks = openat(dir, file, O_RDONLY | O_CLOEXEC);

	if (tasks < 0)
		return errno == ENOENT || errno == ENODEV ? 0 : -1;
	if (read_pids(tasks, list) == 0)
		return 0;
	if (errno != EOPNOTSUPP)
		return -1;
	auto_close int threads = openat(dir, "cgroup.threads", O_RDONLY | O_CLOEXEC);

	return threads < 0 ? -1 : read_pids(threads, list);
}

/* Calls back for each directory right below. */
static int each_child(int dir, int (*visit)(int dir, const char *name, int depth, void *data),
		      int depth, void *data)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_closedir DIR *stream = copy < 0 ? NULL : fdopendir(copy);

	if (!stream) {
		if (copy >= 0)
			close(copy);
		return errno == ENOENT ? 0 : -1;
	}
	if (depth > DEPTH_MAX) {
		errno = ELOOP;
		return -1;
	}
	for (const struct dirent *entry; (entry = readdir(stream));) {
		if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (visit(dir, entry->d_name, depth, data) < 0)
			return -1;
	}
	return 0;
}

struct collection {
	const char *file;
	struct cgroup_pid_list *list;
};

static int collect(int dir, int depth, struct collection *collection);

static int collect_child(int dir, const char *name, int depth, void *collection)
{
	auto_close int child = openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (child < 0)
		return errno == ENOENT ? 0 : -1;
	return collect(child, depth + 1, collection);
}

static int collect(int dir, int depth, struct collection *collection)
{
	if (cgroup_dir_tasks(dir, collection->file, collection->list) < 0)
		return -1;
	return each_child(dir, collect_child, depth, collection);
}

int cgroup_tree_tasks(int dir, const char *file, struct cgroup_pid_list *list)
{
	struct collection collection = { file, list };

	return collect(dir, 0, &collection);
}

/* Removes one directory below `dir` after all of its own; EBUSY is left for the next round. */
static int remove_child(int dir, const char *name, int depth, void *data)
{
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return -1;
	auto_close int child = openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (child >= 0 && each_child(child, remove_child, depth + 1, data) < 0)
		return -1;
	return unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT || errno == EBUSY ? 0 : -1;
}

static void say_who_is_left(const char *dir, struct err *err)
{
	auto_close int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct cgroup_pid_list list = { 0 };

	if (fd >= 0 && cgroup_tree_tasks(fd, "cgroup.procs", &list) == 0 && list.count)
		err_hint(err, "%zu processes still live in it, pid %d is one", list.count,
			 (int)list.items[0]);
	free(list.items);
}

int cgroup_tree_remove(const char *dir, int timeout_ms, struct err *err)
{
	struct cgroup_backoff backoff;
	int failed;

	if (rmdir(dir) == 0 || errno == ENOENT || errno == ENODEV)
		return 0;
	cgroup_backoff_start(&backoff, timeout_ms);
	do {
		failed = errno;
		if (failed != EBUSY)
			break;
		auto_close int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0 && each_child(fd, remove_child, 0, NULL) < 0) {
			failed = errno;
			break;
		}
		if (rmdir(dir) == 0 || errno == ENOENT)
			return 0;
	} while (cgroup_backoff_wait(&backoff));
	/* a read-only mount says EROFS even for what does not exist */
	if (failed == EROFS && access(dir, F_OK) < 0)
		return 0;
	errno = failed;
	err_sys(err, "remove cgroup %s", dir);
	if (failed == EBUSY)
		say_who_is_left(dir, err);
	return -1;
}
