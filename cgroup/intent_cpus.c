/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* CPUs by name and by number: whether those named are there, and which to take when only their
 * number is given. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "cgroup/host.h"
#include "cgroup/intent_private.h"

enum {
	CPUS_MAX = 8192,
	LIST_MAX = 4096,
	WORDS = CPUS_MAX / (8 * (int)sizeof(unsigned long)),
	NEIGHBOURS_MAX = 4096,
};

static const char online_path[] = "/sys/devices/system/cpu/online";

struct cpu_set {
	unsigned long words[WORDS];
};

static bool has_cpu(const struct cpu_set *set, int cpu)
{
	const int bits = 8 * (int)sizeof(unsigned long);

	return set->words[cpu / bits] >> (cpu % bits) & 1;
}

static int count_cpus(const struct cpu_set *set)
{
	int count = 0;

	for (int i = 0; i < WORDS; i++)
		count += __builtin_popcountl(set->words[i]);
	return count;
}

static bool read_set(const char *path, struct cpu_set *set)
{
	char text[LIST_MAX];

	memset(set, 0, sizeof(*set));
	return fd_read_file(AT_FDCWD, path, text, sizeof(text)) > 0 &&
	       str_parse_cpu_list(text, set->words, CPUS_MAX);
}

int cgroup_cpus_check(const char *list, const char *prefix, struct err *err)
{
	struct cpu_set asked = { 0 }, online;
	char text[LIST_MAX];

	if (fd_read_file(AT_FDCWD, online_path, text, sizeof(text)) <= 0 ||
	    !read_set(online_path, &online))
		return err_sys(err, "read %s", online_path);
	if (!str_parse_cpu_list(list, asked.words, CPUS_MAX))
		return cgroup_intent_refuse(err, prefix, "cpu.mask: \"%.60s\" names CPUs beyond %d",
					    list, CPUS_MAX - 1);
	for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
		if (has_cpu(&asked, cpu) && !has_cpu(&online, cpu))
			return cgroup_intent_refuse(
				err, prefix, "cpu.mask: CPU %d does not exist, this host has %s",
				cpu, text);
	}
	return 0;
}

/* A CPU that can be taken. */
struct candidate {
	int cpu;
	int package, core;
	int turn;  /* the how many-th of its core it is: spreading takes all first ones first */
	int users; /* cgroups that are confined to a part of the CPUs which has this one */
};

static int read_topology(int cpu, const char *what)
{
	char path[128], text[16];
	int64_t value;

	str_format(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/%s", cpu, what);
	if (fd_read_file(AT_FDCWD, path, text, sizeof(text)) <= 0 || !str_parse_i64(text, &value))
		return 0;
	return (int)value;
}

/* Counts one neighbour's CPUs; one that has all of them is not confined. */
static void count_users(const char *dir, struct candidate *list, int count)
{
	struct cpu_set set;
	char path[PATH_MAX];
	int of_ours = 0;

	if (str_format(path, sizeof(path), "%s/cpuset.cpus", dir) < 0 || !read_set(path, &set))
		return;
	for (int i = 0; i < count; i++)
		of_ours += has_cpu(&set, list[i].cpu);
	for (int i = 0; of_ours < count && i < count; i++)
		list[i].users += has_cpu(&set, list[i].cpu);
}

/* The kernel itself is the record of who has which CPUs: the cgroups beside the one to be made. */
static void count_neighbours(const char *parent, struct candidate *list, int count)
{
	auto_closedir DIR *stream = opendir(parent);
	char path[PATH_MAX];
	int seen = 0;

	while (stream && seen++ < NEIGHBOURS_MAX) {
		const struct dirent *entry = readdir(stream);

		if (!entry)
			return;
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
		    str_format(path, sizeof(path), "%s/%s", parent, entry->d_name) == 0)
			count_users(path, list, count);
	}
}

static int compare_compact(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	if (a->users != b->users)
		return a->users - b->users;
	if (a->package != b->package)
		return a->package - b->package;
	return a->core != b->core ? a->core - b->core : a->cpu - b->cpu;
}

static int compare_spread(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	if (a->users != b->users)
		return a->users - b->users;
	if (a->turn != b->turn)
		return a->turn - b->turn;
	/* package after package in turns */
	return a->core != b->core ? a->core - b->core : a->package - b->package;
}

static int list_candidates(const struct cpu_set *usable, struct candidate *list)
{
	int count = 0;

	for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
		struct candidate *new = &list[count];

		if (!has_cpu(usable, cpu))
			continue;
		*new = (struct candidate){
			.cpu = cpu,
			.package = read_topology(cpu, "physical_package_id"),
			.core = read_topology(cpu, "core_id"),
		};
		for (int i = 0; i < count; i++)
			new->turn += list[i].core == new->core &&list[i].package == new->package;
		count++;
	}
	return count;
}

/* Where the cpuset hierarchy is and which of its CPUs can be given; its directory in `parent`. */
static int read_usable(struct arena *arena, const char **parent, struct cpu_set *usable,
		       struct err *err)
{
	struct cgroup_host host = { 0 };

	*parent = NULL;
	if (cgroup_host_read(arena, &host, err) < 0)
		return -1;
	for (size_t i = 0; i < host.count; i++) { /* v2 is the last one, and the last resort */
		const struct cgroup_hierarchy *hierarchy = &host.hierarchies[i];

		if (hierarchy->mask & CGROUP_BIT(CGROUP_CPUSET) || (hierarchy->v2 && !*parent))
			*parent = hierarchy->mount;
	}
	static const char *const files[] = { "cpuset.effective_cpus", "cpuset.cpus.effective" };

	for (size_t i = 0; *parent && i < sizeof(files) / sizeof(files[0]); i++) {
		const char *path = arena_printf(arena, "%s/%s", *parent, files[i]);

		if (path && read_set(path, usable))
			return 0;
	}
	return read_set(online_path, usable) ? 0 : err_sys(err, "read %s", online_path);
}

const char *cgroup_cpus_pick(const struct cgroup_pin *pin, const char *prefix, struct arena *arena,
			     struct err *err)
{
	struct cpu_set usable;
	const char *parent, *text = "";
	int64_t wanted = pin->cpus.value;

	if (read_usable(arena, &parent, &usable, err) < 0)
		return NULL;
	int count = count_cpus(&usable);
	struct candidate *list = arena_alloc(arena, ((size_t)count + 1) * sizeof(*list));

	if (!list) {
		err_sys(err, "choose CPUs");
		return NULL;
	}
	if (wanted > count) {
		cgroup_intent_refuse(err, prefix, "cpu.pin: %lld CPUs do not exist, %d can be had",
				     (long long)wanted, count);
		return NULL;
	}
	count = list_candidates(&usable, list);
	if (parent)
		count_neighbours(parent, list, count);
	qsort(list, (size_t)count, sizeof(*list),
	      pin->order == CGROUP_PIN_SPREAD ? compare_spread : compare_compact);
	for (int64_t i = 0; text && i < wanted; i++)
		text = arena_printf(arena, "%s%s%d", text, i ? "," : "", list[i].cpu);
	if (!text)
		err_sys(err, "choose CPUs");
	return text;
}
