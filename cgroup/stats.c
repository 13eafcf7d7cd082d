/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel counts for a container: read by the tables of each version, written as JSON. */
#include "cgroup/stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/place.h"

/* clang-format off */
#define AT(type, member) offsetof(struct type, member)
static const struct json_row usage_rows[] = {
	{ "limit",   JSON_U64, AT(cgroup_usage, limit) },
	{ "usage",   JSON_U64, AT(cgroup_usage, usage) },
	{ "max",     JSON_U64, AT(cgroup_usage, max) },
	{ "failcnt", JSON_U64, AT(cgroup_usage, failcnt) },
};
static const struct json_object usage_object = JSON_OBJECT_OF(struct cgroup_usage, usage_rows);

static const struct json_row pressure_line_rows[] = {
	{ "avg10",  JSON_RAW, AT(cgroup_pressure_line, avg10) },
	{ "avg60",  JSON_RAW, AT(cgroup_pressure_line, avg60) },
	{ "avg300", JSON_RAW, AT(cgroup_pressure_line, avg300) },
	{ "total",  JSON_U64, AT(cgroup_pressure_line, total) },
};
static const struct json_object pressure_line_object = JSON_OBJECT_OF(struct cgroup_pressure_line, pressure_line_rows);

static const struct json_row pressure_rows[] = {
	{ "some", JSON_OBJECT, AT(cgroup_pressure, some), &pressure_line_object },
	{ "full", JSON_OBJECT, AT(cgroup_pressure, full), &pressure_line_object },
};
static const struct json_object pressure_object = JSON_OBJECT_OF(struct cgroup_pressure, pressure_rows);

static const struct json_row cpu_usage_rows[] = {
	{ "total",         JSON_U64,  AT(cgroup_cpu_usage, total) },
	{ "percpu",        JSON_U64S, AT(cgroup_cpu_usage, percpu) },
	{ "percpu_kernel", JSON_U64S, AT(cgroup_cpu_usage, percpu_kernel) },
	{ "percpu_user",   JSON_U64S, AT(cgroup_cpu_usage, percpu_user) },
	{ "kernel",        JSON_U64,  AT(cgroup_cpu_usage, kernel) },
	{ "user",          JSON_U64,  AT(cgroup_cpu_usage, user) },
};
static const struct json_object cpu_usage_object = JSON_OBJECT_OF(struct cgroup_cpu_usage, cpu_usage_rows);

static const struct json_row throttling_rows[] = {
	{ "periods",          JSON_U64, AT(cgroup_throttling, periods) },
	{ "throttledPeriods", JSON_U64, AT(cgroup_throttling, throttled_periods) },
	{ "throttledTime",    JSON_U64, AT(cgroup_throttling, throttled_time) },
};
static const struct json_object throttling_object = JSON_OBJECT_OF(struct cgroup_throttling, throttling_rows);

static const struct json_row cpu_rows[] = {
	{ "usage",      JSON_OBJECT, AT(cgroup_cpu_stats, usage),      &cpu_usage_object },
	{ "throttling", JSON_OBJECT, AT(cgroup_cpu_stats, throttling), &throttling_object },
	{ "psi",        JSON_OBJECT, AT(cgroup_cpu_stats, psi),        &pressure_object },
};
static const struct json_object cpu_object = JSON_OBJECT_OF(struct cgroup_cpu_stats, cpu_rows);

static const struct json_row cpuset_rows[] = {
	{ "cpus", JSON_U64S, AT(cgroup_cpuset_stats, cpus) },
	{ "mems", JSON_U64S, AT(cgroup_cpuset_stats, mems) },
};
static const struct json_object cpuset_object = JSON_OBJECT_OF(struct cgroup_cpuset_stats, cpuset_rows);

static const struct json_row numa_rows[] = {
	{ "total",       JSON_U64, AT(cgroup_numa_stats, total) },
	{ "file",        JSON_U64, AT(cgroup_numa_stats, file) },
	{ "anon",        JSON_U64, AT(cgroup_numa_stats, anon) },
	{ "unevictable", JSON_U64, AT(cgroup_numa_stats, unevictable) },
};
static const struct json_object numa_object = JSON_OBJECT_OF(struct cgroup_numa_stats, numa_rows);

static const struct json_row memory_events_rows[] = {
	{ "low",            JSON_U64, AT(cgroup_memory_events, low) },
	{ "high",           JSON_U64, AT(cgroup_memory_events, high) },
	{ "max",            JSON_U64, AT(cgroup_memory_events, max) },
	{ "oom",            JSON_U64, AT(cgroup_memory_events, oom) },
	{ "oom_kill",       JSON_U64, AT(cgroup_memory_events, oom_kill) },
	{ "oom_group_kill", JSON_U64, AT(cgroup_memory_events, oom_group_kill) },
};
static const struct json_object memory_events_object = JSON_OBJECT_OF(struct cgroup_memory_events, memory_events_rows);

static const struct json_row memory_rows[] = {
	{ "cache",     JSON_U64,    AT(cgroup_memory_stats, cache) },
	{ "workingSet", JSON_U64,   AT(cgroup_memory_stats, working_set) },
	{ "effectiveLimit", JSON_U64, AT(cgroup_memory_stats, effective_limit) },
	{ "reservation", JSON_U64,  AT(cgroup_memory_stats, reservation) },
	{ "usage",     JSON_OBJECT, AT(cgroup_memory_stats, usage),      &usage_object },
	{ "swap",      JSON_OBJECT, AT(cgroup_memory_stats, swap),       &usage_object },
	{ "kernel",    JSON_OBJECT, AT(cgroup_memory_stats, kernel),     &usage_object },
	{ "kernelTCP", JSON_OBJECT, AT(cgroup_memory_stats, kernel_tcp), &usage_object },
	{ "raw",       JSON_RAW,    AT(cgroup_memory_stats, raw) },
	{ "numa",      JSON_MAP,    AT(cgroup_memory_stats, numa),       &numa_object },
	{ "event_count", JSON_OBJECT, AT(cgroup_memory_stats, events),   &memory_events_object },
	{ "psi",       JSON_OBJECT, AT(cgroup_memory_stats, psi),        &pressure_object },
};
static const struct json_object memory_object = JSON_OBJECT_OF(struct cgroup_memory_stats, memory_rows);

static const struct json_row pids_rows[] = {
	{ "current", JSON_U64, AT(cgroup_pids_stats, current) },
	{ "limit",   JSON_U64, AT(cgroup_pids_stats, limit) },
};
static const struct json_object pids_object = JSON_OBJECT_OF(struct cgroup_pids_stats, pids_rows);

static const struct json_row io_count_rows[] = {
	{ "major", JSON_U64,  AT(cgroup_io_count, major) },
	{ "minor", JSON_U64,  AT(cgroup_io_count, minor) },
	{ "op",    JSON_TEXT, AT(cgroup_io_count, op) },
	{ "value", JSON_U64,  AT(cgroup_io_count, value) },
};
static const struct json_object io_count_object = JSON_OBJECT_OF(struct cgroup_io_count, io_count_rows);

static const struct json_row io_rows[] = {
	{ "ioServiceBytesRecursive", JSON_LIST,   AT(cgroup_io_stats, bytes),      &io_count_object },
	{ "ioServicedRecursive",     JSON_LIST,   AT(cgroup_io_stats, operations), &io_count_object },
	{ "psi",                     JSON_OBJECT, AT(cgroup_io_stats, psi),        &pressure_object },
};
static const struct json_object io_object = JSON_OBJECT_OF(struct cgroup_io_stats, io_rows);

static const struct json_row page_rows[] = {
	{ NULL, JSON_EMBED, AT(cgroup_page_stats, usage), &usage_object },
};
static const struct json_object page_object = JSON_OBJECT_OF(struct cgroup_page_stats, page_rows);

/* The sections are always there, so that a reader need not ask for each. */
static const struct json_row stats_rows[] = {
	{ "cpu",     JSON_OBJECT, AT(cgroup_stats, cpu),    &cpu_object,    .flags = JSON_ALWAYS },
	{ "cpuset",  JSON_OBJECT, AT(cgroup_stats, cpuset), &cpuset_object },
	{ "memory",  JSON_OBJECT, AT(cgroup_stats, memory), &memory_object, .flags = JSON_ALWAYS },
	{ "pids",    JSON_OBJECT, AT(cgroup_stats, pids),   &pids_object,   .flags = JSON_ALWAYS },
	{ "blkio",   JSON_OBJECT, AT(cgroup_stats, io),     &io_object,     .flags = JSON_ALWAYS },
	{ "hugetlb", JSON_MAP,    AT(cgroup_stats, pages),  &page_object,   .flags = JSON_ALWAYS },
};
#undef AT
/* clang-format on */

const struct json_object cgroup_stats_object = JSON_OBJECT_OF(struct cgroup_stats, stats_rows);

static bool find_number(const struct cgroup_counter *counter, const char *text, uint64_t *value)
{
	/* v1's "no limit" is LONG_MAX, rounded down to a page, whatever its size */
	static const uint64_t no_limit = INT64_MAX & ~(uint64_t)0xffff;
	bool found = counter->key ? cgroup_read_key(text, counter->key, value)
				  : str_parse_u64(text, value);

	if (!found || *value >= no_limit)
		return false;
	*value *= counter->unit ? counter->unit : 1;
	return true;
}

int cgroup_count_number(const struct cgroup_counter *counter, const char *text, struct arena *arena,
			void *target)
{
	struct opt_u64 *member = (struct opt_u64 *)((char *)target + counter->offset);
	uint64_t value;

	(void)arena;
	if (!member->set && find_number(counter, text, &value))
		*member = (struct opt_u64){ true, value };
	return 0;
}

int cgroup_count_least(const struct cgroup_counter *counter, const char *text, struct arena *arena,
		       void *target)
{
	struct opt_u64 *member = (struct opt_u64 *)((char *)target + counter->offset);
	uint64_t value;

	(void)arena;
	if (find_number(counter, text, &value) && (!member->set || value < member->value))
		*member = (struct opt_u64){ true, value };
	return 0;
}

int cgroup_count_list(const struct cgroup_counter *counter, const char *text, struct arena *arena,
		      void *target)
{
	struct json_list *list = (struct json_list *)((char *)target + counter->offset);
	uint64_t *numbers = arena_alloc(arena, (strlen(text) / 2 + 1) * sizeof(*numbers));
	size_t count = 0;
	char *end;

	if (!numbers)
		return -1;
	for (;; text = end) {
		uint64_t number = strtoull(text, &end, 10);

		if (end == text)
			break;
		numbers[count++] = number;
	}
	if (count)
		*list = (struct json_list){ numbers, count };
	return 0;
}

int cgroup_count_set(const struct cgroup_counter *counter, const char *text, struct arena *arena,
		     void *target)
{
	enum { MOST = 65536 }; /* far more processors than Linux can have */
	struct json_list *list = (struct json_list *)((char *)target + counter->offset);
	char *end;

	if (list->count)
		return 0;
	for (;; text = end + (*end == ',')) {
		uint64_t first = strtoull(text, &end, 10), last = first;

		if (end == text)
			return 0;
		if (*end == '-')
			last = strtoull(end + 1, &end, 10);
		for (; first <= last && last < MOST; first++) {
			uint64_t *number = cgroup_stats_add(list, sizeof(*number), arena);

			if (!number)
				return -1;
			*number = first;
		}
	}
}

/* The node of that name, added when it is new; NULL without memory. */
static struct cgroup_numa_stats *find_node(struct json_list *list, uint64_t node,
					   struct arena *arena)
{
	char name[24];

	str_format(name, sizeof(name), "%" PRIu64, node);
	for (size_t i = 0; i < list->count; i++) {
		struct cgroup_numa_stats *known = &JSON_ITEMS(struct cgroup_numa_stats, list)[i];

		if (strcmp(known->node, name) == 0)
			return known;
	}
	struct cgroup_numa_stats *added = cgroup_stats_add(list, sizeof(*added), arena);

	if (added)
		*added = (struct cgroup_numa_stats){ .node = arena_strdup(arena, name) };
	return added && added->node ? added : NULL;
}

/* " N0=4096 N1=0" into the member at `offset` of each node. */
static int count_nodes(const char *words, size_t offset, uint64_t unit, struct json_list *list,
		       struct arena *arena)
{
	uint64_t node, value;
	int used;

	while (sscanf(words, " N%" SCNu64 "=%" SCNu64 "%n", &node, &value, &used) == 2) {
		struct cgroup_numa_stats *stats = find_node(list, node, arena);

		if (!stats)
			return -1;
		*(struct opt_u64 *)((char *)stats + offset) =
			(struct opt_u64){ true, value * unit };
		words += used;
	}
	return 0;
}

int cgroup_count_numa(const struct cgroup_counter *counter, const char *text, struct arena *arena,
		      void *target)
{
	static const struct name kinds[] = {
		{ "total", offsetof(struct cgroup_numa_stats, total) },
		{ "file", offsetof(struct cgroup_numa_stats, file) },
		{ "anon", offsetof(struct cgroup_numa_stats, anon) },
		{ "unevictable", offsetof(struct cgroup_numa_stats, unevictable) },
		{ NULL, 0 },
	};
	struct json_list *list = (struct json_list *)((char *)target + counter->offset);
	/* the version whose kinds have a prefix counts in pages */
	uint64_t unit = counter->key[0] ? (uint64_t)sysconf(_SC_PAGESIZE) : 1;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		char kind[16];
		int64_t offset;

		line += *line == '\n';
		if (!str_starts(line, counter->key))
			continue;
		const char *word = line + strlen(counter->key);
		size_t length = strcspn(word, "= \n");

		if (str_format(kind, sizeof(kind), "%.*s", (int)length, word) < 0 ||
		    !names_find(kinds, kind, &offset))
			continue;
		word += length;
		word += *word == '=' ? strcspn(word, " \n") : 0; /* the sum of all nodes */
		if (count_nodes(word, (size_t)offset, unit, list, arena) < 0)
			return -1;
	}
	return 0;
}

/* Writes "KEY":NUMBER for one line of the kernel's "KEY NUMBER" at `out`; how long it is, 0 when
 * the line is something else. */
static size_t put_entry(char *out, size_t room, const char *line, size_t length)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	size_t key = strspn(line, letters), digits = length - key - 1;

	if (!key || key + 1 >= length || line[key] != ' ' ||
	    strspn(line + key + 1, "0123456789") < digits ||
	    str_format(out, room, "%s\"%.*s\":%.*s", out[-1] == '{' ? "" : ",", (int)key, line,
		       (int)digits, line + key + 1) < 0)
		return 0;
	return strlen(out);
}

int cgroup_count_map(const struct cgroup_counter *counter, const char *text, struct arena *arena,
		     void *target)
{
	struct json_raw *member = (struct json_raw *)((char *)target + counter->offset);
	/* two quotes and a comma more than a line, the shortest of which has four bytes */
	size_t room = strlen(text) * 2 + 8, used = 1;
	char *json = arena_alloc(arena, room);

	if (!json)
		return -1;
	json[0] = '{';
	while (*text) {
		size_t length = strcspn(text, "\n");

		used += put_entry(json + used, room - used - 1, text, length);
		text += length + (text[length] == '\n');
	}
	json[used] = '}';
	json[used + 1] = '\0';
	if (!member->text && used > 1)
		*member = (struct json_raw){ json, used + 1 };
	return 0;
}

/* "some avg10=0.12 avg60=0.00 avg300=0.00 total=1234" */
static int read_pressure_line(const char *text, const char *name, struct arena *arena,
			      struct cgroup_pressure_line *line)
{
	char avg10[16], avg60[16], avg300[16];
	const char *found = strstr(text, name);
	uint64_t total;

	if (!found || sscanf(found + strlen(name),
			     " avg10=%15[0-9.] avg60=%15[0-9.] avg300=%15[0-9.] total=%" SCNu64,
			     avg10, avg60, avg300, &total) != 4)
		return 0;
	line->total = (struct opt_u64){ true, total };
	line->avg10 = (struct json_raw){ arena_strdup(arena, avg10), strlen(avg10) };
	line->avg60 = (struct json_raw){ arena_strdup(arena, avg60), strlen(avg60) };
	line->avg300 = (struct json_raw){ arena_strdup(arena, avg300), strlen(avg300) };
	return line->avg10.text && line->avg60.text && line->avg300.text ? 0 : -1;
}

int cgroup_count_pressure(const struct cgroup_counter *counter, const char *text,
			  struct arena *arena, void *target)
{
	struct cgroup_pressure *pressure =
		(struct cgroup_pressure *)((char *)target + counter->offset);

	if (read_pressure_line(text, "some", arena, &pressure->some) < 0)
		return -1;
	return read_pressure_line(text, "full", arena, &pressure->full);
}

/* The list doubles at each power of two. */
void *cgroup_stats_add(struct json_list *list, size_t size, struct arena *arena)
{
	if (!(list->count & (list->count - 1))) {
		char *items = arena_alloc(arena, (list->count ? list->count * 2 : 1) * size);

		if (!items)
			return NULL;
		if (list->count)
			memcpy(items, list->items, list->count * size);
		list->items = items;
	}
	return (char *)list->items + list->count++ * size;
}

int cgroup_count_add_io(struct json_list *list, const struct cgroup_io_count *count,
			struct arena *arena)
{
	struct cgroup_io_count *added = cgroup_stats_add(list, sizeof(*added), arena);

	if (!added)
		return -1;
	*added = *count;
	return 0;
}
