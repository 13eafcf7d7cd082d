/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is in a group: processes and threads listed, found, moved and killed; memory taken back. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/place.h"

enum {
	KILL_TIMEOUT_MS = 10000,
	NAME_SIZE = 64,
};

/*
 * The place that tells who is a member. The v1 freezer knows threads one by one; beside it, v2
 * knows whole processes only.
 */
static struct cgroup_place *tracking_place(const struct cgroup *cgroup)
{
	struct cgroup_place *freezer = cgroup_find_place(cgroup, CGROUP_FREEZER);

	return freezer && !freezer->ops->whole ? freezer : cgroup_main_place(cgroup);
}

static int compare(const void *left, const void *right)
{
	pid_t a = *(const pid_t *)left, b = *(const pid_t *)right;

	return (a > b) - (a < b);
}

/* The members right in a directory, with those in the leaf; or with all below. */
static int collect(struct cgroup_place *place, unsigned int kind, struct cgroup_pid_list *list)
{
	const char *file = kind & CGROUP_THREADS ? place->ops->threads_file : "cgroup.procs";
	int dir = cgroup_place_fd(place);

	if (dir < 0)
		return -1;
	if (kind & CGROUP_BELOW)
		return cgroup_tree_tasks(dir, file, list);
	if (cgroup_dir_tasks(dir, file, list) < 0)
		return -1;
	auto_close int leaf = openat(dir, CGROUP_LEAF, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return leaf < 0 ? 0 : cgroup_dir_tasks(leaf, file, list);
}

static int list_members(struct cgroup_place *place, unsigned int kind, struct cgroup_pid_list *list,
			struct err *err)
{
	size_t kept = 0;

	if (collect(place, kind, list) < 0)
		return err_sys(err, "list the processes of %s", place->dir);
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare);
	for (size_t i = 0; i < list->count; i++) {
		if (!kept || list->items[i] != list->items[kept - 1])
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
	return 0;
}

int cgroup_members(const struct cgroup *cgroup, unsigned int kind, struct arena *arena,
		   pid_t **pids, size_t *count, struct err *err)
{
	struct cgroup_place *place = tracking_place(cgroup);
	struct cgroup_pid_list list = { 0 };
	int result = place ? list_members(place, kind, &list, err) : 0;

	if (result == 0) {
		*pids = arena_alloc(arena, (list.count + 1) * sizeof(**pids));
		*count = list.count;
		result = *pids ? 0 : err_sys(err, "list processes");
	}
	if (result == 0 && list.count)
		memcpy(*pids, list.items, list.count * sizeof(*list.items));
	free(list.items);
	return result;
}

/* Threads of a process may be in different groups where v1 tracks them, and in a threaded group of
 * v2; elsewhere the process moves as a whole. */
int cgroup_enter_thread(struct cgroup *cgroup, pid_t tid, struct err *err)
{
	struct cgroup_place *tracking = tracking_place(cgroup);
	char text[24];

	if (!tracking || (tracking->ops->whole && !tracking->threaded)) {
		err_set(err, ERR_UNSUPPORTED,
			"move thread %d: in cgroup v2 only a threaded group takes threads apart "
			"from their process",
			(int)tid);
		return err_hint(err, "make the group with --threaded, or move the whole process");
	}
	str_format(text, sizeof(text), "%d", (int)tid);
	for (size_t i = 0; i < cgroup->count; i++) {
		struct cgroup_place *place = &cgroup->places[i];

		if (place->ops->whole && !place->threaded)
			continue;
		if (cgroup_place_write(place, place->ops->threads_file, text, err) < 0)
			return -1;
	}
	return 0;
}

/* The record of the hierarchy that tells who is a member. */
static const struct cgroup_hierarchy_state *tracking_record(const struct cgroup_state *state)
{
	const struct cgroup_hierarchy_state *records = state->hierarchies.items, *found = NULL;

	for (size_t i = 0; i < state->hierarchies.count; i++) {
		if (records[i].v2 && !found)
			found = &records[i];
		if (!records[i].v2 && cgroup_controllers_parse(records[i].controllers, ',', false) &
					      CGROUP_BIT(CGROUP_FREEZER))
			found = &records[i];
	}
	return found;
}

const char *cgroup_group_path(const struct cgroup_state *top, const struct cgroup_state *group)
{
	const struct cgroup_hierarchy_state *above = tracking_record(top);
	const struct cgroup_hierarchy_state *record = tracking_record(group);

	return above && record && str_starts(record->dir, above->dir)
		       ? record->dir + strlen(above->dir)
		       : "";
}

const char *cgroup_locate_task(const struct cgroup_state *top, pid_t tid, struct arena *arena,
			       struct err *err)
{
	const struct cgroup_hierarchy_state *above = tracking_record(top);
	struct cgroup_host host = { 0 };
	char name[NAME_SIZE];

	str_format(name, sizeof(name), "/proc/%d/cgroup", (int)tid);
	if (access(name, F_OK) < 0) {
		err_set(err, ESRCH, "find task %d: there is no such task", (int)tid);
		return NULL;
	}
	char *text = cgroup_read_text(name, arena, err);

	if (!text || cgroup_host_read(arena, &host, err) < 0)
		return NULL;
	cgroup_host_locate(text, &host);
	for (size_t i = 0; above && i < host.count; i++) {
		if (strcmp(host.hierarchies[i].mount, above->mount) != 0)
			continue;
		const char *dir = cgroup_host_own_dir(&host.hierarchies[i], arena);
		size_t length = strlen(above->dir);

		if (dir && strncmp(dir, above->dir, length) == 0 &&
		    (dir[length] == '/' || !dir[length]))
			return dir + length;
	}
	return "";
}

static bool has_children(struct cgroup_place *place)
{
	char text[256];
	uint64_t own = 0, below = 0;

	/* the leaf is one; v1 has no count of them */
	if (!place->ops->whole || cgroup_place_read(place, "cgroup.stat", text, sizeof(text)) < 0 ||
	    !cgroup_read_key(text, "nr_descendants", &below))
		return true;
	own = faccessat(place->fd, CGROUP_LEAF, F_OK, 0) == 0;
	return below > own;
}

/* What keeps a process alive that got SIGKILL: the kernel, mostly in a wait that cannot be
 * interrupted. */
static int say_unkillable(const struct cgroup_place *place, const struct cgroup_pid_list *list,
			  struct err *err)
{
	char name[NAME_SIZE], where[128] = "";

	str_format(name, sizeof(name), "/proc/%d/wchan", (int)list->items[0]);
	fd_read_file(AT_FDCWD, name, where, sizeof(where));
	err_set(err, ETIMEDOUT, "kill the processes of %s: %zu are left after %d s, pid %d is one",
		place->dir, list->count, KILL_TIMEOUT_MS / 1000, (int)list->items[0]);
	return where[0] && strcmp(where, "0") != 0
		       ? err_hint(err, "it waits in the kernel (%s)", where)
		       : -1;
}

int cgroup_kill_members(struct cgroup *cgroup, bool below, struct err *err)
{
	struct cgroup_place *place = tracking_place(cgroup);
	struct cgroup_place *main = cgroup_main_place(cgroup);
	unsigned int kind = CGROUP_PROCESSES | (below ? CGROUP_BELOW : 0);
	struct cgroup_pid_list list = { 0 };
	struct cgroup_backoff backoff;
	int result = 0;

	if (!place)
		return 0;
	/* the kernel's own way catches those that fork meanwhile, but takes all below with it */
	if ((below || !has_children(main)) && cgroup_kill(cgroup, err) < 0)
		return -1;
	cgroup_backoff_start(&backoff, KILL_TIMEOUT_MS);
	do {
		list.count = 0;
		result = list_members(place, kind, &list, err);
		for (size_t i = 0; i < list.count; i++)
			kill(list.items[i], SIGKILL);
		if (list.count && cgroup_is_frozen(cgroup))
			cgroup_thaw(cgroup, NULL);
	} while (result == 0 && list.count && cgroup_backoff_wait(&backoff));
	if (result == 0 && list.count)
		result = say_unkillable(place, &list, err);
	free(list.items);
	return result;
}

int cgroup_reclaim(struct cgroup *cgroup, uint64_t bytes, int swappiness, struct err *err)
{
	struct cgroup_place *place = cgroup_find_place(cgroup, CGROUP_MEMORY);

	if (!place || place->existed)
		return err_set(err, ERR_STATE,
			       "reclaim memory: the group has no memory of its own");
	return place->ops->reclaim(place, bytes, swappiness, err);
}
