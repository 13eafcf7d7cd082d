/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where groups are: which directories are a group's own, and whose it shares. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/place.h"

/* A part of a spec, and the controllers that it is about. */
struct part_row {
	enum cgroup_part part;
	uint32_t mask;
	bool threads; /* v2: can be split among threads */
};

/* clang-format off */
static const struct part_row parts[] = {
	{ CGROUP_PART_CPU,       CGROUP_BIT(CGROUP_CPU) | CGROUP_BIT(CGROUP_CPUACCT), true },
	{ CGROUP_PART_CPUSET,    CGROUP_BIT(CGROUP_CPUSET),     true },
	{ CGROUP_PART_MEMORY,    CGROUP_BIT(CGROUP_MEMORY),     false },
	{ CGROUP_PART_IO,        CGROUP_BIT(CGROUP_BLKIO),      false },
	{ CGROUP_PART_PIDS,      CGROUP_BIT(CGROUP_PIDS),       true },
	{ CGROUP_PART_DEVICES,   CGROUP_BIT(CGROUP_DEVICES),    false },
	{ CGROUP_PART_HUGEPAGES, CGROUP_BIT(CGROUP_HUGETLB),    false },
	{ CGROUP_PART_NETWORK,   CGROUP_BIT(CGROUP_NET_PRIO),   false },
	{ CGROUP_PART_PERF,      CGROUP_BIT(CGROUP_PERF_EVENT), true },
};

const struct name cgroup_part_names[] = {
	{ "cpu", CGROUP_PART_CPU },         { "cpuset", CGROUP_PART_CPUSET },   { "memory", CGROUP_PART_MEMORY },
	{ "io", CGROUP_PART_IO },           { "pids", CGROUP_PART_PIDS },       { "devices", CGROUP_PART_DEVICES },
	{ "hugepages", CGROUP_PART_HUGEPAGES }, { "network", CGROUP_PART_NETWORK }, { "perf", CGROUP_PART_PERF },
	{ NULL, 0 },
};
/* clang-format on */

static const uint32_t cpu_mask = CGROUP_BIT(CGROUP_CPU) | CGROUP_BIT(CGROUP_CPUACCT);

static bool may_write(const char *dir)
{
	return faccessat(AT_FDCWD, dir, W_OK, AT_EACCESS) == 0;
}

/*
 * The directory that groups start from: the hierarchy's top, or for a user who may not write there
 * the highest directory above their own process in which they may. NULL when there is none.
 */
static const char *find_top(struct cgroup_host *host, struct cgroup_hierarchy *hierarchy,
			    struct arena *arena)
{
	if (may_write(hierarchy->mount))
		return hierarchy->mount;
	if (!hierarchy->own[0] && cgroup_host_read_own(arena, host, NULL) < 0)
		return NULL;
	const char *own = cgroup_host_own_dir(hierarchy, arena);
	char *dir = own ? arena_strdup(arena, own) : NULL;
	const char *top = NULL;

	while (dir && strlen(dir) > strlen(hierarchy->mount)) {
		char *slash = strrchr(dir, '/');

		if (strcmp(slash + 1, CGROUP_LEAF) != 0) {
			if (!may_write(dir))
				break;
			top = arena_strdup(arena, dir);
		}
		*slash = '\0';
	}
	return top;
}

/* The controllers that no v1 hierarchy has can only be in v2. */
static uint32_t mask_of(const struct cgroup_state *state,
			const struct cgroup_hierarchy_state *record)
{
	const struct cgroup_hierarchy_state *records = state->hierarchies.items;
	uint32_t taken = 0;

	if (!record->v2)
		return cgroup_controllers_parse(record->controllers, ',', false);
	for (size_t i = 0; i < state->hierarchies.count; i++) {
		if (!records[i].v2)
			taken |= cgroup_controllers_parse(records[i].controllers, ',', false);
	}
	return ~taken;
}

int cgroup_plan_top(struct arena *arena, struct cgroup_state *state, struct err *err)
{
	struct cgroup_host host = { 0 };

	*state = (struct cgroup_state){ .driver = CGROUP_FS, .path = "/", .in_group = true };
	if (cgroup_host_read(arena, &host, err) < 0)
		return -1;
	struct cgroup_hierarchy_state *records =
		arena_alloc(arena, (host.count + 1) * sizeof(*records));

	if (!records)
		return err_sys(err, "plan groups");
	state->hierarchies.items = records;
	for (size_t i = 0; i < host.count; i++) {
		struct cgroup_hierarchy *hierarchy = &host.hierarchies[i];

		/* a hierarchy without controllers belongs to whoever named it */
		if (hierarchy->read_only || (!hierarchy->v2 && !hierarchy->mask))
			continue;
		const char *top = find_top(&host, hierarchy, arena);

		if (!top)
			continue;
		records[state->hierarchies.count++] = (struct cgroup_hierarchy_state){
			.controllers = hierarchy->controllers,
			.dir = top,
			.mount = hierarchy->mount,
			.v2 = hierarchy->v2,
			.existed = true,
			.group = "",
		};
	}
	if (state->hierarchies.count)
		return 0;
	err_set(err, ERR_UNSUPPORTED, "make groups: there is no cgroup hierarchy we may write to");
	return err_hint(err, "`masu group create --owner` lets a user make groups below that one");
}

static uint32_t wanted_mask(unsigned int wanted)
{
	uint32_t mask = CGROUP_BIT(CGROUP_FREEZER) | CGROUP_BIT(CGROUP_CORE);

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		mask |= wanted & parts[i].part ? parts[i].mask : 0;
	return mask;
}

struct cgroup *cgroup_open_own(const struct cgroup_state *state, unsigned int own_parts,
			       struct arena *arena, struct err *err)
{
	struct cgroup *cgroup = cgroup_open(state, arena, err);

	for (size_t i = 0; cgroup && i < cgroup->count; i++)
		cgroup->places[i].mask &= wanted_mask(own_parts);
	return cgroup;
}

/* What v2 can do here: it lists the controllers that no v1 hierarchy has taken, and has the rest
 * without one. */
static uint32_t v2_mask(const struct cgroup_hierarchy_state *record)
{
	uint32_t mask = CGROUP_BIT(CGROUP_CPUACCT) | CGROUP_BIT(CGROUP_DEVICES) |
			CGROUP_BIT(CGROUP_PERF_EVENT) | CGROUP_BIT(CGROUP_NET_PRIO);
	char path[PATH_MAX], list[512];

	if (str_format(path, sizeof(path), "%s/cgroup.controllers", record->mount) == 0 &&
	    fd_read_file(AT_FDCWD, path, list, sizeof(list)) >= 0)
		mask |= cgroup_controllers_parse(list, ' ', true);
	return mask;
}

/* Every part that is asked for needs a hierarchy; threads can have some parts only. */
static int check_parts(const struct cgroup_group_plan *plan, struct err *err)
{
	const struct cgroup_hierarchy_state *records = plan->parent->hierarchies.items;
	uint32_t covered = 0, threads = 0;

	for (size_t i = 0; plan->parts && i < plan->parent->hierarchies.count; i++) {
		uint32_t mask = mask_of(plan->parent, &records[i]);

		if (records[i].v2)
			threads = mask &= v2_mask(&records[i]);
		covered |= mask;
	}
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		const struct part_row *row = &parts[i];
		const char *name = names_text(cgroup_part_names, row->part);

		if (!(plan->parts & row->part))
			continue;
		if ((row->mask & covered) != row->mask) {
			err_set(err, ERR_UNSUPPORTED,
				"%s: no cgroup hierarchy that we may write to has it", name);
			return err_hint(err, "see /proc/self/mountinfo and /proc/cgroups");
		}
		if (plan->threaded && !row->threads && row->mask & threads) {
			err_set(err, ERR_INPUT,
				"%s: threads cannot have it apart from their process", name);
			return err_hint(err, "in a threaded group cgroup v2 knows cpu, cpuset, "
					     "pids and perf only");
		}
	}
	return 0;
}

static unsigned int count_names(const char *path)
{
	unsigned int count = 0;

	for (; *path; path++)
		count += *path == '/';
	return count;
}

/* The group's own directory in a hierarchy, below that of the ancestor. */
static int plan_own(const struct cgroup_group_plan *plan,
		    const struct cgroup_hierarchy_state *above, uint32_t mask, struct arena *arena,
		    struct cgroup_hierarchy_state *record)
{
	const char *rest = plan->name + strlen(above->group);

	record->existed = false;
	record->group = plan->name;
	record->batch = plan->batch && !above->group[0] && mask & cpu_mask;
	record->passing = count_names(rest) - 1 + record->batch;
	record->dir =
		arena_printf(arena, "%s%s%s", above->dir, record->batch ? CGROUP_BATCH : "", rest);
	return record->dir ? 0 : -1;
}

int cgroup_plan_group(const struct cgroup_group_plan *plan, struct arena *arena,
		      struct cgroup_state *state, struct err *err)
{
	const struct cgroup_hierarchy_state *above = plan->parent->hierarchies.items;
	size_t count = plan->parent->hierarchies.count;
	struct cgroup_hierarchy_state *records = arena_alloc(arena, count * sizeof(*records));
	uint32_t wanted = wanted_mask(plan->parts);

	if (!records)
		return err_sys(err, "plan group %s", plan->name);
	if (check_parts(plan, err) < 0)
		return -1;
	*state = (struct cgroup_state){
		.driver = CGROUP_FS,
		.path = plan->name,
		.in_group = true,
		.threaded = plan->threaded,
		.hierarchies = { records, count },
	};
	for (size_t i = 0; i < count; i++) {
		uint32_t mask = mask_of(plan->parent, &above[i]);

		records[i] = above[i];
		records[i].existed = true;
		records[i].batch = false;
		records[i].passing = 0;
		if ((above[i].v2 || mask & wanted) &&
		    plan_own(plan, &above[i], mask, arena, &records[i]) < 0)
			return err_sys(err, "plan group %s", plan->name);
	}
	return 0;
}

int cgroup_guess_group(const struct cgroup_state *top, const char *name, struct arena *arena,
		       struct cgroup_state *state, struct err *err)
{
	static const char *const places[] = { "", CGROUP_BATCH };
	const struct cgroup_hierarchy_state *above = top->hierarchies.items;

	*state = (struct cgroup_state){ .driver = CGROUP_FS, .path = name, .in_group = true };
	for (size_t i = 0; i < 2 * top->hierarchies.count; i++) {
		const char *dir =
			arena_printf(arena, "%s%s%s", above[i / 2].dir, places[i % 2], name);

		if (!dir)
			return err_sys(err, "find group %s", name);
		if (access(dir, F_OK) < 0)
			continue;
		struct cgroup_hierarchy_state *record =
			json_grow(arena, &state->hierarchies, sizeof(*record));

		if (!record)
			return err_sys(err, "find group %s", name);
		*record = above[i / 2];
		record->dir = dir;
		record->existed = false;
		record->group = name;
	}
	return 0;
}

static bool has_hierarchy(const struct cgroup_state *state, const char *mount)
{
	const struct cgroup_hierarchy_state *records = state->hierarchies.items;

	for (size_t i = 0; i < state->hierarchies.count; i++) {
		if (strcmp(records[i].mount, mount) == 0)
			return true;
	}
	return false;
}

int cgroup_plan_in_group(const struct cgroup_group_place *place, struct arena *arena,
			 struct cgroup_state *state, struct err *err)
{
	const struct cgroup_state *group = place->group;
	const struct cgroup_hierarchy_state *above = group->hierarchies.items;
	struct cgroup_state alone;

	/* hierarchies of which groups know nothing (name=systemd): as for any container */
	if (cgroup_plan(CGROUP_FS, NULL, place->id, false, arena, &alone, err) < 0)
		return -1;
	const struct cgroup_hierarchy_state *others = alone.hierarchies.items;
	struct cgroup_hierarchy_state *records = arena_alloc(
		arena, (alone.hierarchies.count + group->hierarchies.count) * sizeof(*records));

	if (!records)
		return err_sys(err, "plan cgroups");
	*state = (struct cgroup_state){
		.driver = CGROUP_FS,
		.path = arena_printf(arena, "%s/%s", group->path, place->name),
		.own_name = str_starts(place->name, CGROUP_CONTAINER_PREFIX),
		.in_group = true,
		.hierarchies = { records, 0 },
	};
	for (size_t i = 0; i < alone.hierarchies.count; i++) {
		if (!has_hierarchy(group, others[i].mount))
			records[state->hierarchies.count++] = others[i];
	}
	for (size_t i = 0; i < group->hierarchies.count; i++) {
		struct cgroup_hierarchy_state *record = &records[state->hierarchies.count++];

		*record = above[i];
		record->existed = false;
		record->group = NULL;
		record->passing = 0;
		record->batch = false;
		record->dir = arena_printf(arena, "%s/%s", above[i].dir, place->name);
		if (!record->dir)
			return err_sys(err, "plan cgroups");
	}
	return state->path ? 0 : err_sys(err, "plan cgroups");
}
