/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making a container's directories, and removing them. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/manager.h"
#include "cgroup/place.h"

enum {
	DIR_MODE = 0755,
	DESTROY_TIMEOUT_MS = 10000,
	PARENT_RACES_MAX = 100,
};

/* Without root's privileges a umask must not lock us out of what we make. */
static int make_dir(const char *path)
{
	if (mkdir(path, DIR_MODE) < 0)
		return -1;
	return geteuid() == 0 ? 0 : chmod(path, DIR_MODE);
}

/* The directories between the mount and the container's own; those that exist are fine. */
static int make_parents(const struct cgroup_place *place)
{
	char path[PATH_MAX];

	for (const char *slash = strchr(place->dir + strlen(place->mount) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		if (str_format(path, sizeof(path), "%.*s", (int)(slash - place->dir), place->dir) <
		    0)
			return -1;
		if (make_dir(path) < 0 && errno != EEXIST)
			return -1;
	}
	return 0;
}

/*
 * The parent is there most of the time, so it is made only when it is not. It may go between the
 * two calls, since the last container in it takes it along: then it is made again.
 */
int cgroup_place_make_dir(const struct cgroup_place *place)
{
	for (int races = 0; races < PARENT_RACES_MAX; races++) {
		if (make_dir(place->dir) == 0)
			return 0;
		/* a group above that has gone is not made up again */
		if (place->in_group && !place->passing)
			return -1;
		if (errno != ENOENT || (make_parents(place) < 0 && errno != ENOENT))
			return -1;
	}
	return -1;
}

static bool is_populated(struct cgroup_place *place)
{
	char text[256];
	uint64_t populated = 0;

	if (cgroup_place_read(place, "cgroup.events", text, sizeof(text)) > 0 &&
	    cgroup_read_key(text, "populated", &populated) && populated)
		return true;
	/* EFBIG: so many processes that they did not fit */
	return cgroup_place_read(place, "cgroup.procs", text, sizeof(text)) > 0 || errno == EFBIG;
}

static int check_found(struct cgroup_place *place, struct err *err)
{
	errno = 0;
	if (is_populated(place)) {
		err_set(err, EBUSY, "make cgroup %s: it exists and has processes in it",
			place->dir);
		return err_hint(err, "another container uses this linux.cgroupsPath");
	}
	if (place->ops->is_frozen(place))
		return err_set(err, EBUSY, "make cgroup %s: it exists and is frozen", place->dir);
	return 0;
}

static int make_place(struct cgroup_place *place, bool ours, struct err *err)
{
	int made = cgroup_place_make_dir(place);

	/* what a killed command left under a name of ours has old limits: start from a fresh one */
	if (made < 0 && errno == EEXIST && ours && rmdir(place->dir) == 0)
		made = cgroup_place_make_dir(place);
	if (made == 0)
		return 0;
	if (errno != EEXIST) {
		int failed = errno;

		err_sys(err, "make cgroup %s", place->dir);
		if (failed == EAGAIN)
			err_hint(err, "a directory above allows no more: its "
				      "cgroup.max.descendants or cgroup.max.depth");
		return -1;
	}
	if (check_found(place, err) < 0)
		return -1;
	place->existed = true;
	return 0;
}

int cgroup_place_needed(const struct cgroup_place *place, struct arena *arena,
			const struct cgroup_resources *resources, uint32_t *needed, struct err *err)
{
	struct cgroup_writes writes = { .arena = arena };

	*needed = 0;
	if (!resources)
		return 0;
	if (cgroup_knobs_compile(place->ops->knobs, place->mask, resources, &writes, err) < 0)
		return -1;
	for (size_t i = 0; i < writes.count; i++) {
		if (writes.items[i].file)
			*needed |= CGROUP_BIT(writes.items[i].controller);
	}
	return 0;
}

int cgroup_create(struct cgroup *cgroup, struct cgroup_state *state,
		  const struct cgroup_resources *resources, struct err *err)
{
	struct cgroup_hierarchy_state *records = state->hierarchies.items;
	const struct cgroup_manager *manager = cgroup->manager;

	/* until a directory is known to be ours, undoing must not touch it */
	for (size_t i = 0; i < cgroup->count; i++)
		cgroup->places[i].existed = records[i].existed = true;
	if (manager->begin && manager->begin(cgroup, resources, err) < 0)
		return -1;
	for (size_t i = 0; i < cgroup->count; i++) {
		struct cgroup_place *place = &cgroup->places[i];
		uint32_t needed;

		place->existed = false;
		if (make_place(place, cgroup->own_name, err) < 0) {
			place->existed = true;
			return -1;
		}
		records[i].existed = place->existed;
		if ((manager->made && manager->made(cgroup, place, err) < 0) ||
		    cgroup_place_needed(place, cgroup->arena, resources, &needed, err) < 0 ||
		    place->ops->settle(place, needed, err) < 0)
			return -1;
	}
	return 0;
}

int cgroup_destroy(struct cgroup *cgroup, struct err *err)
{
	const struct cgroup_manager *manager = cgroup->manager;
	int result = manager->end ? manager->end(cgroup, err) : 0;

	/* all are tried, and the first failure is told */
	for (size_t i = cgroup->count; i > 0; i--) {
		const struct cgroup_place *place = &cgroup->places[i - 1];

		if (place->existed)
			continue;
		if (cgroup_tree_remove(place->dir, result < 0 ? 0 : DESTROY_TIMEOUT_MS,
				       result < 0 ? NULL : err) < 0)
			result = -1;
	}
	return result;
}

int cgroup_remove_dir(const char *dir, struct err *err)
{
	enum { GC_TIMEOUT_MS = 1000 };

	return cgroup_tree_remove(dir, GC_TIMEOUT_MS, err);
}
