/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cgroup that the container made below its own, for `exec --cgroup`. */
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/place.h"

/* True when one of the words of `wanted` is among those of a hierarchy; both are lists with commas.
 */
static bool shares_word(const char *wanted, const char *controllers)
{
	while (*wanted) {
		size_t length = strcspn(wanted, ",");

		for (const char *at = controllers; *at;
		     at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
			if (length == strcspn(at, ",") && strncmp(at, wanted, length) == 0)
				return true;
		}
		wanted += length + (wanted[length] == ',');
	}
	return false;
}

/* By the names of v1 hierarchies; v2 stands for all controllers that it answers for. */
static bool is_wanted(const char *wanted, const struct cgroup_place *place)
{
	uint32_t mask = cgroup_controllers_parse(wanted, ',', false) |
			cgroup_controllers_parse(wanted, ',', true);

	return place->ops->whole ? mask & place->mask : shares_word(wanted, place->controllers);
}

struct cgroup *cgroup_open_below(const struct cgroup_state *state, const char *path,
				 struct arena *arena, struct err *err)
{
	const char *colon = strchr(path, ':');
	const char *wanted =
		/* "pids,memory:PATH": in those hierarchies only */
		colon ? arena_strndup(arena, path, (size_t)(colon - path)) : NULL;
	struct cgroup *cgroup;
	bool found = false;

	if (colon)
		path = colon + 1;
	if (path_has_dotdot(path) || !str_is_clean(path)) {
		err_set(err, ERR_INPUT, "open cgroup %s: it leaves the container's cgroup", path);
		return NULL;
	}
	cgroup = cgroup_open(state, arena, err);
	for (size_t i = 0; cgroup && i < cgroup->count; i++) {
		struct cgroup_place *place = &cgroup->places[i];
		const char *dir = arena_printf(arena, "%s/%s", place->dir, path);

		if (wanted && !is_wanted(wanted, place))
			continue;
		/* the container makes its own directories where it likes; elsewhere the process
		 * goes to the container's */
		if (!dir || access(dir, F_OK) < 0)
			continue;
		place->dir = dir;
		found = true;
	}
	if (cgroup && !found) {
		err_set(err, ERR_INPUT, "open cgroup %s: the container has no such cgroup", path);
		return NULL;
	}
	return cgroup;
}
