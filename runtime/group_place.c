/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Containers in groups: whose cgroups a container's lie below. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "runtime/group.h"
#include "runtime/state.h"

/* Most hosts have no groups, and no container pays for looking. */
static bool has_groups(const struct masu *masu)
{
	auto_close int root = state_open_root(masu->root, false, NULL);

	return root >= 0 && faccessat(root, GROUP_FOLDER, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* The group's state lives in its arena: copied with the rows that write it to records. */
static int copy_state(const struct cgroup_state *from, struct arena *arena, struct cgroup_state *to,
		      struct err *err)
{
	const char *text = json_encode(&cgroup_state_object, from, 0, arena, err);

	return text ? json_decode("group", text, strlen(text), &cgroup_state_object, to, arena, err)
		    : -1;
}

int group_find_state(struct masu *masu, const char *name, struct arena *arena,
		     struct cgroup_state *state, unsigned int *parts)
{
	auto_group struct group group = GROUP_INIT;

	if (!has_groups(masu) || group_check_name(name, NULL) < 0 ||
	    group_open(masu, name, GROUP_UNLOCKED, &group, NULL) < 0 || group.is_root ||
	    copy_state(&group.record.cgroup, arena, state, NULL) < 0)
		return 0;
	*parts = group_parts(&group);
	return 1;
}

static int place_in(struct group *group, struct cgroup_group_place *where, struct arena *arena,
		    struct cgroup_state *state, struct err *err)
{
	struct cgroup_state above = { 0 };

	if (group->is_root)
		return 0;
	if (group_open_cgroup(group, err) < 0 ||
	    copy_state(&group->record.cgroup, arena, &above, err) < 0)
		return -1;
	where->group = &above;
	return cgroup_plan_in_group(where, arena, state, err) < 0 ? -1 : 1;
}

/* "/a/b/web": the path is a place in the group /a/b when there is one. */
static int place_by_path(struct masu *masu, const struct group_place *place, struct arena *arena,
			 struct cgroup_state *state, struct err *err)
{
	auto_group struct group group = GROUP_INIT;
	const char *path = place->path, *name = strrchr(path, '/');
	const char *above = name ? arena_strndup(arena, path, (size_t)(name - path)) : NULL;

	if (path[0] != '/' || !above || !above[0] || !name[1] || !has_groups(masu) ||
	    group_check_name(above, NULL) < 0 ||
	    group_open(masu, above, GROUP_UNLOCKED, &group, NULL) < 0)
		return 0;
	struct cgroup_group_place where = { .name = name + 1, .id = place->id };

	return place_in(&group, &where, arena, state, err);
}

int group_place_container(struct masu *masu, const struct group_place *place, struct arena *arena,
			  struct cgroup_state *state, struct err *err)
{
	auto_group struct group group = GROUP_INIT;
	const char *name;

	if (masu->driver != CGROUP_FS && place->group) {
		err_set(err, ERR_INPUT, "group %s: groups are made in the cgroup file systems",
			place->group);
		return err_hint(err, "use --cgroup-manager cgroupfs");
	}
	if (!place->group)
		return place->path && masu->driver == CGROUP_FS
			       ? place_by_path(masu, place, arena, state, err)
			       : 0;
	if (place->path && place->path[0]) {
		err_set(err, ERR_INPUT, "group %s: linux.cgroupsPath puts the container elsewhere",
			place->group);
		return err_hint(err, "leave out one of them");
	}
	name = arena_printf(arena, CGROUP_CONTAINER_PREFIX "%s", place->id);
	if (!name)
		return err_sys(err, "plan cgroups");
	if (group_open(masu, place->group, GROUP_UNLOCKED, &group, err) < 0)
		return -1;
	struct cgroup_group_place where = { .name = name, .id = place->id };

	return place_in(&group, &where, arena, state, err);
}
