/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A group's directories: made, given away, removed. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/place.h"

enum {
	DESTROY_TIMEOUT_MS = 10000,
	UNDO_TIMEOUT_MS = 1000,
};

/*
 * The top of the batch groups gets the least of the CPU there is: what runs there runs when nobody
 * else wants to. It is made with the first of them and goes with the last.
 */
static int make_batch_top(const struct cgroup_place *place, struct err *err)
{
	char dir[PATH_MAX];
	struct cgroup_place top = *place;
	int result = 0;

	if (!place->batch)
		return 0;
	if (str_format(dir, sizeof(dir), "%s", place->dir) < 0)
		return err_sys(err, "make cgroup %s", place->dir);
	for (unsigned int i = 0; i < place->passing; i++)
		*strrchr(dir, '/') = '\0';
	if (mkdir(dir, 0755) < 0)
		return errno == EEXIST ? 0 : err_sys(err, "make cgroup %s", dir);
	top.dir = dir;
	top.fd = -1;
	if (top.mask & CGROUP_BIT(CGROUP_CPU)) {
		result = top.ops->settle(&top, CGROUP_BIT(CGROUP_CPU), err);
		if (result == 0)
			result = cgroup_place_write(&top, top.ops->share_file, top.ops->least_share,
						    err);
	}
	if (top.fd >= 0)
		close(top.fd);
	if (result < 0)
		rmdir(dir);
	return result;
}

static int make_threaded(struct cgroup_place *place, struct err *err)
{
	if (!place->threaded || !place->ops->whole)
		return 0;
	if (cgroup_place_try(place, "cgroup.type", "threaded") == 0)
		return 0;
	err_sys(err, "write threaded to %s/cgroup.type", place->dir);
	return err_hint(err, "the group above may isolate cpu, cpuset, pids and perf only, and no "
			     "processes may be in others below it");
}

static int make_place(struct cgroup_place *place, const struct cgroup *cgroup,
		      const struct cgroup_resources *resources, struct err *err)
{
	uint32_t needed;

	if (make_batch_top(place, err) < 0)
		return -1;
	if (cgroup_place_make_dir(place) < 0) {
		if (errno != EEXIST)
			return err_sys(err, "make cgroup %s", place->dir);
		err_set(err, ERR_EXISTS, "make cgroup %s: it is there already", place->dir);
		return err_hint(err, "somebody else made it; choose another name, or rmdir it");
	}
	place->existed = false;
	if (cgroup_place_needed(place, cgroup->arena, resources, &needed, err) < 0 ||
	    make_threaded(place, err) < 0)
		return -1;
	return place->ops->settle(place, needed, err);
}

/*
 * Above its directory may stand some that were made for its sake: ancestors that share this
 * hierarchy with those above them, and the batch top. They go when nothing is left in them.
 */
static void remove_empty_parents(const struct cgroup_place *place)
{
	char dir[PATH_MAX];

	if (str_format(dir, sizeof(dir), "%s", place->dir) < 0)
		return;
	for (unsigned int i = 0; i < place->passing; i++) {
		*strrchr(dir, '/') = '\0';
		if (rmdir(dir) < 0)
			return;
	}
}

int cgroup_create_group(struct cgroup *cgroup, const struct cgroup_resources *resources,
			struct err *err)
{
	size_t made = 0;

	for (; made < cgroup->count; made++) {
		struct cgroup_place *place = &cgroup->places[made];

		if (place->existed)
			continue;
		/* until it is known to be ours, undoing must not touch it */
		place->existed = true;
		if (make_place(place, cgroup, resources, err) < 0)
			break;
	}
	if (made == cgroup->count)
		return 0;
	for (size_t i = 0; i < cgroup->count; i++) {
		struct cgroup_place *place = &cgroup->places[i];

		if (i > made)
			place->existed = true;
		if (place->existed)
			continue;
		cgroup_tree_remove(place->dir, UNDO_TIMEOUT_MS, NULL);
		remove_empty_parents(place);
	}
	return -1;
}

int cgroup_destroy_group(struct cgroup *cgroup, struct err *err)
{
	int result = cgroup_destroy(cgroup, err);

	for (size_t i = 0; i < cgroup->count; i++) {
		if (!cgroup->places[i].existed)
			remove_empty_parents(&cgroup->places[i]);
	}
	return result;
}

bool cgroup_group_is_broken(const struct cgroup *cgroup, const char **dir)
{
	for (size_t i = 0; i < cgroup->count; i++) {
		*dir = cgroup->places[i].dir;
		if (!cgroup->places[i].existed && access(*dir, F_OK) < 0 && errno == ENOENT)
			return true;
	}
	return false;
}

/* v1 has no list of what is safe: the directory, for groups below, and the two files by which
 * tasks come in. Limits stay ours. */
static int give_v1(struct cgroup_place *place, uid_t uid, gid_t gid, struct err *err)
{
	static const char *const files[] = { "", "tasks", "cgroup.procs" };
	int dir = cgroup_place_fd(place);

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (dir < 0 || fchownat(dir, files[i], uid, gid, AT_EMPTY_PATH) < 0)
			return err_sys(err, "change the owner of %s/%s", place->dir, files[i]);
	}
	return 0;
}

int cgroup_give(struct cgroup *cgroup, uid_t uid, gid_t gid, bool v1_too, struct err *err)
{
	bool given = false;

	for (size_t i = 0; i < cgroup->count; i++) {
		struct cgroup_place *place = &cgroup->places[i];

		if (place->existed || (!place->ops->delegate && !v1_too))
			continue;
		if (place->ops->delegate ? place->ops->delegate(place, uid, gid, err) < 0
					 : give_v1(place, uid, gid, err) < 0)
			return -1;
		given = true;
	}
	if (given)
		return 0;
	err_set(err, ERR_UNSUPPORTED,
		"give the group to user %u: cgroup v1 is not safe to give away", uid);
	return err_hint(err, "--unsafe does it all the same");
}

int cgroup_limit_children(struct cgroup *cgroup, uint64_t most, struct err *err)
{
	struct cgroup_place *place = cgroup_main_place(cgroup);
	char text[24];

	if (!place || !place->ops->whole)
		return 0;
	/* each may have a leaf of its own, and so may this one */
	str_format(text, sizeof(text), "%llu", (unsigned long long)most * 2 + 1);
	return cgroup_place_write(place, "cgroup.max.descendants", text, err);
}

/* The leaf is there when controllers are handed down, since then nobody may be beside it; or when
 * processes have moved there. */
static bool wants_leaf(struct cgroup_place *place)
{
	char text[256];

	if (!place->ops->whole || place->threaded)
		return false;
	if (cgroup_place_read(place, "cgroup.subtree_control", text, sizeof(text)) > 0)
		return true;
	return place->fd >= 0 && faccessat(place->fd, CGROUP_LEAF, F_OK, 0) == 0;
}

static int enter_leaf(struct cgroup_place *place, const struct cgroup *cgroup, struct err *err)
{
	struct cgroup_place group = *place;
	struct stat status;
	int fd = cgroup_place_fd(place);

	place->dir = arena_printf(cgroup->arena, "%s/" CGROUP_LEAF, group.dir);
	place->fd = -1;
	if (!place->dir || (mkdir(place->dir, 0755) < 0 && errno != EEXIST)) {
		err_sys(err, "make cgroup %s/" CGROUP_LEAF, group.dir);
		close(fd);
		return -1;
	}
	/* whoever the group was given to makes processes of their own */
	if (fstat(fd, &status) == 0 && status.st_uid != geteuid() && place->ops->delegate)
		place->ops->delegate(place, status.st_uid, status.st_gid, NULL);
	close(fd);
	return 0;
}

struct cgroup *cgroup_open_members(const struct cgroup_state *state, struct arena *arena,
				   struct err *err)
{
	struct cgroup *cgroup = cgroup_open(state, arena, err);

	for (size_t i = 0; cgroup && i < cgroup->count; i++) {
		struct cgroup_place *place = &cgroup->places[i];

		/* the root cgroup takes processes whatever it hands down */
		if (wants_leaf(place) && faccessat(place->fd, "cgroup.type", F_OK, 0) == 0 &&
		    enter_leaf(place, cgroup, err) < 0) {
			cgroup_close(cgroup);
			return NULL;
		}
	}
	return cgroup;
}
