/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What resctrl tells about a container's class and monitoring group, as `intel_rdt` of runc's
 * "stats" event. */
#include "cgroup/resctrl.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/stats.h"

enum {
	SCHEMATA_MAX = 16384,
	NUMBER_MAX = 64,
};

/* clang-format off */
#define AT(type, member) offsetof(struct type, member)
static const struct json_row cache_info_rows[] = {
	{ "cbm_mask",     JSON_TEXT, AT(cgroup_rdt_info, cbm_mask) },
	{ "min_cbm_bits", JSON_U64,  AT(cgroup_rdt_info, min_cbm_bits) },
	{ "num_closids",  JSON_U64,  AT(cgroup_rdt_info, num_closids) },
};
static const struct json_object cache_info_object = JSON_OBJECT_OF(struct cgroup_rdt_info, cache_info_rows);

static const struct json_row bandwidth_info_rows[] = {
	{ "bandwidth_gran", JSON_U64, AT(cgroup_rdt_info, bandwidth_gran) },
	{ "delay_linear",   JSON_U64, AT(cgroup_rdt_info, delay_linear) },
	{ "min_bandwidth",  JSON_U64, AT(cgroup_rdt_info, min_bandwidth) },
	{ "num_closids",    JSON_U64, AT(cgroup_rdt_info, num_closids) },
};
static const struct json_object bandwidth_info_object = JSON_OBJECT_OF(struct cgroup_rdt_info, bandwidth_info_rows);

static const struct json_row bandwidth_rows[] = {
	{ "mbm_total_bytes", JSON_U64, AT(cgroup_rdt_domain, total_bytes) },
	{ "mbm_local_bytes", JSON_U64, AT(cgroup_rdt_domain, local_bytes) },
};
static const struct json_object bandwidth_object = JSON_OBJECT_OF(struct cgroup_rdt_domain, bandwidth_rows);

static const struct json_row occupancy_rows[] = {
	{ "llc_occupancy", JSON_U64, AT(cgroup_rdt_domain, occupancy) },
};
static const struct json_object occupancy_object = JSON_OBJECT_OF(struct cgroup_rdt_domain, occupancy_rows);

static const struct json_row stats_rows[] = {
	{ "l3_cache_info",        JSON_OBJECT, AT(cgroup_rdt_stats, l3),  &cache_info_object },
	{ "l3_cache_schema_root", JSON_TEXT,   AT(cgroup_rdt_stats, l3_root) },
	{ "l3_cache_schema",      JSON_TEXT,   AT(cgroup_rdt_stats, l3_schema) },
	{ "mem_bw_info",          JSON_OBJECT, AT(cgroup_rdt_stats, bandwidth), &bandwidth_info_object },
	{ "mem_bw_schema_root",   JSON_TEXT,   AT(cgroup_rdt_stats, bandwidth_root) },
	{ "mem_bw_schema",        JSON_TEXT,   AT(cgroup_rdt_stats, bandwidth_schema) },
	{ "mbm_stats",            JSON_LIST,   AT(cgroup_rdt_stats, mbm), &bandwidth_object },
	{ "cmt_stats",            JSON_LIST,   AT(cgroup_rdt_stats, cmt), &occupancy_object },
};
/* clang-format on */
const struct json_object cgroup_rdt_stats_object =
	JSON_OBJECT_OF(struct cgroup_rdt_stats, stats_rows);

static struct opt_u64 read_number(int dir, const char *path)
{
	struct opt_u64 number = { 0 };
	char text[NUMBER_MAX];

	/* "Unavailable" and "Error" are no numbers */
	number.set = fd_read_file(dir, path, text, sizeof(text)) > 0 &&
		     str_parse_u64(text, &number.value);
	return number;
}

/* The line of a schemata file that begins with `name`; NULL when there is none. */
static const char *read_schema(int dir, const char *name, struct arena *arena)
{
	char text[SCHEMATA_MAX], *rest = text;

	if (fd_read_file(dir, "schemata", text, sizeof(text)) < 0)
		return NULL;
	for (char *line; (line = strsep(&rest, "\n"));) {
		line += strspn(line, " ");
		if (str_starts(line, name))
			return arena_strdup(arena, line);
	}
	return NULL;
}

static void read_info(int root, struct arena *arena, struct cgroup_rdt_stats *stats)
{
	char mask[NUMBER_MAX];

	if (fd_read_file(root, "info/L3/cbm_mask", mask, sizeof(mask)) > 0)
		stats->l3.cbm_mask = arena_strdup(arena, mask);
	stats->l3.min_cbm_bits = read_number(root, "info/L3/min_cbm_bits");
	stats->l3.num_closids = read_number(root, "info/L3/num_closids");
	stats->bandwidth.bandwidth_gran = read_number(root, "info/MB/bandwidth_gran");
	stats->bandwidth.delay_linear = read_number(root, "info/MB/delay_linear");
	stats->bandwidth.min_bandwidth = read_number(root, "info/MB/min_bandwidth");
	stats->bandwidth.num_closids = read_number(root, "info/MB/num_closids");
	stats->l3_root = read_schema(root, "L3", arena);
	stats->bandwidth_root = read_schema(root, "MB:", arena);
}

/* One domain of the monitor: its counters go where there are some. */
static int read_domain(int domain, struct arena *arena, struct cgroup_rdt_stats *stats)
{
	const struct cgroup_rdt_domain read = {
		.occupancy = read_number(domain, "llc_occupancy"),
		.total_bytes = read_number(domain, "mbm_total_bytes"),
		.local_bytes = read_number(domain, "mbm_local_bytes"),
	};
	struct json_list *const lists[] = { &stats->cmt, &stats->mbm };
	const bool there[] = { read.occupancy.set, read.total_bytes.set || read.local_bytes.set };

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		struct cgroup_rdt_domain *added =
			there[i] ? cgroup_stats_add(lists[i], sizeof(*added), arena) : NULL;

		if (added)
			*added = read;
		else if (there[i])
			return -1;
	}
	return 0;
}

static int compare_names(const struct dirent **left, const struct dirent **right)
{
	return strcmp((*left)->d_name, (*right)->d_name);
}

static int is_domain(const struct dirent *entry)
{
	return str_starts(entry->d_name, "mon_L3_");
}

/* mon_data/mon_L3_00, mon_L3_01, ...: in the order of their numbers. */
static int read_monitor(int group, struct arena *arena, struct cgroup_rdt_stats *stats)
{
	auto_close int data = openat(group, "mon_data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent **names = NULL;
	int result = 0;
	int count = data < 0 ? 0 : scandirat(data, ".", &names, is_domain, compare_names);

	for (int i = 0; i < count; i++) {
		auto_close int domain =
			openat(data, names[i]->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (result == 0 && domain >= 0)
			result = read_domain(domain, arena, stats);
		free(names[i]);
	}
	free(names);
	return result;
}

/* A directory below the root by its recorded path; -1 when there is none. */
static int open_group(int root, const char *path)
{
	if (!path || !str_starts(path, RESCTRL_ROOT "/"))
		return -1;
	return openat(root, path + strlen(RESCTRL_ROOT "/"), O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int resctrl_stats_at(int root, const struct cgroup_rdt_state *state, struct arena *arena,
		     struct cgroup_rdt_stats *stats, struct err *err)
{
	auto_close int group = open_group(root, state->group);
	auto_close int monitor = open_group(root, state->monitor);

	*stats = (struct cgroup_rdt_stats){ 0 };
	read_info(root, arena, stats);
	if (group >= 0) {
		stats->l3_schema = read_schema(group, "L3", arena);
		stats->bandwidth_schema = read_schema(group, "MB:", arena);
	}
	if (read_monitor(monitor >= 0 ? monitor : group, arena, stats) < 0)
		return err_sys(err, "read statistics of %s", RESCTRL_ROOT);
	return 0;
}
