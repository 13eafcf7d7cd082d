/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processes of a container's cgroups: list, freeze, signal, kill; and what the kernel did to
 * them. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "cgroup/cgroup.h"
#include "cgroup/place.h"

enum {
	KILL_TIMEOUT_MS = 10000,
	OOM_TEXT_MAX = 512,
};

static int compare_pids(const void *left, const void *right)
{
	pid_t a = *(const pid_t *)left, b = *(const pid_t *)right;

	return (a > b) - (a < b);
}

/* Sorts and takes out doubles: a process that moves while it is listed shows up twice. */
static void tidy(struct cgroup_pid_list *list)
{
	size_t kept = 0;

	if (!list->count)
		return;
	qsort(list->items, list->count, sizeof(*list->items), compare_pids);
	for (size_t i = 0; i < list->count; i++) {
		if (!kept || list->items[i] != list->items[kept - 1])
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
}

/* All processes; nothing when the directory is gone. The caller frees the items. */
static int list_all(const struct cgroup *cgroup, struct cgroup_pid_list *list, struct err *err)
{
	struct cgroup_place *place = cgroup_main_place(cgroup);
	int dir = place ? cgroup_place_fd(place) : -1;

	*list = (struct cgroup_pid_list){ 0 };
	if (!place || (dir < 0 && errno == ENOENT))
		return 0;
	if (dir < 0 || cgroup_tree_tasks(dir, "cgroup.procs", list) < 0)
		return err_sys(err, "list the processes of %s", place->dir);
	tidy(list);
	return 0;
}

int cgroup_pids(const struct cgroup *cgroup, struct arena *arena, pid_t **pids, size_t *count,
		struct err *err)
{
	struct cgroup_pid_list list;
	int result = list_all(cgroup, &list, err);

	*pids = NULL;
	*count = 0;
	if (result == 0 && list.count) {
		*pids = arena_copy(arena, list.items, list.count * sizeof(*list.items));
		*count = *pids ? list.count : 0;
		if (!*pids)
			result = err_sys(err, "list processes");
	}
	free(list.items);
	return result;
}

static int set_frozen(const struct cgroup *cgroup, bool frozen, struct err *err)
{
	struct cgroup_place *place = cgroup_main_place(cgroup);

	if (!place)
		return err_set(err, ERR_UNSUPPORTED, "%s: the container has no cgroup",
			       frozen ? "freeze" : "thaw");
	return place->ops->freeze(place, frozen, err);
}

int cgroup_freeze(struct cgroup *cgroup, struct err *err)
{
	return set_frozen(cgroup, true, err);
}

int cgroup_thaw(struct cgroup *cgroup, struct err *err)
{
	return set_frozen(cgroup, false, err);
}

bool cgroup_is_frozen(const struct cgroup *cgroup)
{
	struct cgroup_place *place = cgroup_main_place(cgroup);

	return place && place->ops->is_frozen(place);
}

static int signal_all(const struct cgroup *cgroup, int signal, size_t *count, struct err *err)
{
	struct cgroup_pid_list list;
	int result = list_all(cgroup, &list, err);

	*count = list.count;
	for (size_t i = 0; result == 0 && i < list.count; i++) {
		if (kill(list.items[i], signal) < 0 && errno != ESRCH)
			result = err_sys(err, "send signal %d to process %d", signal,
					 (int)list.items[i]);
	}
	free(list.items);
	return result;
}

int cgroup_signal(struct cgroup *cgroup, int signal, struct err *err)
{
	/* while they are frozen none can fork, exit or give its pid away; without a freezer it is
	 * done as it is */
	bool freeze = !cgroup_is_frozen(cgroup) && cgroup_freeze(cgroup, NULL) == 0;
	size_t count;
	int result = signal_all(cgroup, signal, &count, err);

	if (freeze && cgroup_thaw(cgroup, result < 0 ? NULL : err) < 0)
		return -1;
	return result;
}

/* A process that is frozen in v1 dies only when it is thawed, whoever froze it. */
static void thaw_everywhere(const struct cgroup *cgroup)
{
	struct cgroup_place *freezer = cgroup_find_place(cgroup, CGROUP_FREEZER);

	cgroup_thaw((struct cgroup *)cgroup, NULL);
	if (freezer && freezer != cgroup_main_place(cgroup))
		freezer->ops->freeze(freezer, false, NULL);
}

/* Without cgroup.kill: round after round, since what was forked between listing and killing is seen
 * in the next one. */
static int kill_each(struct cgroup *cgroup, struct err *err)
{
	struct cgroup_backoff backoff;
	size_t count;

	cgroup_backoff_start(&backoff, KILL_TIMEOUT_MS);
	do {
		if (signal_all(cgroup, SIGKILL, &count, err) < 0)
			return -1;
		if (!count)
			return 0;
		thaw_everywhere(cgroup);
	} while (cgroup_backoff_wait(&backoff));
	return err_set(err, ETIMEDOUT, "kill the processes of %s: %zu are left after %d s",
		       cgroup_main_place(cgroup)->dir, count, KILL_TIMEOUT_MS / 1000);
}

int cgroup_kill(struct cgroup *cgroup, struct err *err)
{
	struct cgroup_place *place = cgroup_main_place(cgroup);
	struct cgroup_place *freezer = cgroup_find_place(cgroup, CGROUP_FREEZER);

	if (!place || (cgroup_place_fd(place) < 0 && errno == ENOENT))
		return 0;
	/* the twin's kill would wait for a process that v1 keeps frozen */
	if (freezer && freezer != place && freezer->ops->is_frozen(freezer))
		freezer->ops->freeze(freezer, false, NULL);
	int done = place->ops->kill ? place->ops->kill(place, err) : 1;

	return done == 1 ? kill_each(cgroup, err) : done;
}

int cgroup_delegate(const struct cgroup *cgroup, uid_t uid, gid_t gid, struct err *err)
{
	for (size_t i = 0; i < cgroup->count; i++) {
		struct cgroup_place *place = &cgroup->places[i];

		if (place->ops->delegate && place->ops->delegate(place, uid, gid, err) < 0)
			return -1;
	}
	return 0;
}

int cgroup_give_pressure(struct cgroup *cgroup, uid_t uid, gid_t gid, struct err *err)
{
	struct cgroup_place *place = cgroup_main_place(cgroup);
	int dir = place ? cgroup_place_fd(place) : -1;

	if (!place || !place->ops->whole)
		return err_set(
			err, ERR_UNSUPPORTED,
			"masu.memoryPressure: this host has no cgroup v2, which measures it");
	if (dir >= 0 && fchownat(dir, "memory.pressure", uid, gid, 0) == 0)
		return 0;
	if (errno != ENOENT)
		return err_sys(err, "change the owner of %s/memory.pressure", place->dir);
	err_set(err, ERR_UNSUPPORTED,
		"masu.memoryPressure: this kernel does not measure pressure (%s)", place->dir);
	return err_hint(err, "boot with psi=1");
}

uint64_t cgroup_oom_kills(const struct cgroup *cgroup)
{
	struct cgroup_place *place = cgroup_find_place(cgroup, CGROUP_MEMORY);
	char text[OOM_TEXT_MAX];
	uint64_t kills = 0;

	if (place && cgroup_place_read(place, place->ops->oom_file, text, sizeof(text)) > 0)
		cgroup_read_key(text, "oom_kill", &kills);
	return kills;
}

bool cgroup_counts_memory(const struct cgroup *cgroup)
{
	const struct cgroup_place *place = cgroup_find_place(cgroup, CGROUP_MEMORY);
	char text[OOM_TEXT_MAX];

	return place && cgroup_place_read((struct cgroup_place *)place, place->ops->oom_file, text,
					  sizeof(text)) >= 0;
}
