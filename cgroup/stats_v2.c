/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where cgroup v2 keeps each counter. */
#include "cgroup/stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "cgroup/cgroup.h"

/* config.json's and runc's swap is memory and swap together; v2 counts swap alone. Behind the rows
 * of memory. */
static int count_with_memory(const struct cgroup_counter *counter, const char *text,
			     struct arena *arena, void *target)
{
	const struct cgroup_usage *memory = &((const struct cgroup_stats *)target)->memory.usage;
	bool limit = counter->offset == offsetof(struct cgroup_stats, memory.swap.limit);
	const struct opt_u64 *base = limit ? &memory->limit : &memory->usage;
	struct opt_u64 *sum = (struct opt_u64 *)((char *)target + counter->offset);
	uint64_t swap;

	(void)arena;
	if (!sum->set && base->set && str_parse_u64(text, &swap))
		*sum = (struct opt_u64){ true, base->value + swap };
	return 0;
}

/* The words of one line, "rbytes=1 wbytes=2 rios=3 ...", whose names end in the row's key. */
static int count_device(const struct cgroup_counter *counter, const char *line,
			struct cgroup_io_count *count, struct json_list *list, struct arena *arena)
{
	static const char letters[] = "rwd";
	static const char *const words[] = { "Read", "Write", "Discard" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char name[16];

		str_format(name, sizeof(name), " %c%s=", letters[i], counter->key);
		const char *found = strstr(line, name), *end = strchrnul(line, '\n');

		if (!found || found > end ||
		    sscanf(found + strlen(name), "%" SCNu64, &count->value.value) != 1)
			continue;
		count->op = words[i];
		if (cgroup_count_add_io(list, count, arena) < 0)
			return -1;
	}
	return 0;
}

/* "254:0 rbytes=468496384 wbytes=0 rios=50701 wios=0 dbytes=0 dios=0", a line a device. */
static int count_io(const struct cgroup_counter *counter, const char *text, struct arena *arena,
		    void *target)
{
	struct json_list *list = (struct json_list *)((char *)target + counter->offset);

	((struct cgroup_stats *)target)->io.counted = true;
	if (list->count)
		return 0;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		struct cgroup_io_count count = { { true, 0 }, { true, 0 }, NULL, { true, 0 } };

		line += *line == '\n';
		if (sscanf(line, "%" SCNu64 ":%" SCNu64, &count.major.value, &count.minor.value) ==
			    2 &&
		    count_device(counter, line, &count, list, arena) < 0)
			return -1;
	}
	return 0;
}

enum {
	NS_OF_US = 1000,
};

/* clang-format off */
#define AT(member) offsetof(struct cgroup_stats, member)
static const struct cgroup_counter rows[] = {
	/* every directory has the times; the rest of the file comes with the controller */
	{ CGROUP_CORE,   "cpu.stat",            cgroup_count_number,   AT(cpu.usage.total),  "usage_usec",  NS_OF_US, .brief = BRIEF_SIGN },
	{ CGROUP_CORE,   "cpu.stat",            cgroup_count_number,   AT(cpu.usage.user),   "user_usec",   NS_OF_US },
	{ CGROUP_CORE,   "cpu.stat",            cgroup_count_number,   AT(cpu.usage.kernel), "system_usec", NS_OF_US },
	{ CGROUP_CPU,    "cpu.stat",            cgroup_count_number,   AT(cpu.throttling.periods),           "nr_periods", .brief = BRIEF_STILL },
	{ CGROUP_CPU,    "cpu.stat",            cgroup_count_number,   AT(cpu.throttling.throttled_periods), "nr_throttled", .brief = BRIEF_STILL },
	{ CGROUP_CPU,    "cpu.stat",            cgroup_count_number,   AT(cpu.throttling.throttled_time),    "throttled_usec", NS_OF_US, .brief = BRIEF_STILL },
	{ CGROUP_CORE,   "cpu.pressure",        cgroup_count_pressure, AT(cpu.psi) },
	{ CGROUP_MEMORY, "memory.stat",         cgroup_count_number,   AT(memory.cache),        "file" },
	{ CGROUP_MEMORY, "memory.stat",         cgroup_count_number,   AT(memory.kernel.usage), "kernel" },
	{ CGROUP_MEMORY, "memory.stat",         cgroup_count_number,   AT(memory.inactive_file), "inactive_file", .brief = BRIEF_STILL },
	{ CGROUP_MEMORY, "memory.stat",         cgroup_count_map,      AT(memory.raw) },
	{ CGROUP_MEMORY, "memory.max",          cgroup_count_number,   AT(memory.usage.limit) },
	{ CGROUP_MEMORY, "memory.max",          cgroup_count_least,    AT(memory.effective_limit), .brief = BRIEF_STILL },
	{ CGROUP_MEMORY, "memory.low",          cgroup_count_number,   AT(memory.reservation) },
	{ CGROUP_MEMORY, "memory.current",      cgroup_count_number,   AT(memory.usage.usage), .brief = BRIEF_SIGN },
	{ CGROUP_MEMORY, "memory.peak",         cgroup_count_number,   AT(memory.usage.max) },
	{ CGROUP_MEMORY, "memory.events",       cgroup_count_number,   AT(memory.usage.failcnt), "max" },
	{ CGROUP_MEMORY, "memory.events",       cgroup_count_number,   AT(memory.events.low),            "low" },
	{ CGROUP_MEMORY, "memory.events",       cgroup_count_number,   AT(memory.events.high),           "high" },
	{ CGROUP_MEMORY, "memory.events",       cgroup_count_number,   AT(memory.events.max),            "max" },
	{ CGROUP_MEMORY, "memory.events",       cgroup_count_number,   AT(memory.events.oom),            "oom" },
	{ CGROUP_MEMORY, "memory.events",       cgroup_count_number,   AT(memory.events.oom_kill),       "oom_kill" },
	{ CGROUP_MEMORY, "memory.events",       cgroup_count_number,   AT(memory.events.oom_group_kill), "oom_group_kill" },
	{ CGROUP_MEMORY, "memory.numa_stat",    cgroup_count_numa,     AT(memory.numa), "" },
	{ CGROUP_MEMORY, "memory.swap.max",     count_with_memory,     AT(memory.swap.limit) },
	{ CGROUP_MEMORY, "memory.swap.current", count_with_memory,     AT(memory.swap.usage) },
	{ CGROUP_CORE,   "memory.pressure",     cgroup_count_pressure, AT(memory.psi) },
	{ CGROUP_CPUSET, "cpuset.cpus.effective", cgroup_count_set,    AT(cpuset.cpus) },
	{ CGROUP_CPUSET, "cpuset.mems.effective", cgroup_count_set,    AT(cpuset.mems) },
	{ CGROUP_PIDS,   "pids.current",        cgroup_count_number,   AT(pids.current), .brief = BRIEF_STILL },
	{ CGROUP_PIDS,   "pids.max",            cgroup_count_number,   AT(pids.limit) },
	{ CGROUP_BLKIO,  "io.stat",             count_io,              AT(io.bytes),      "bytes", .brief = BRIEF_ALWAYS },
	{ CGROUP_BLKIO,  "io.stat",             count_io,              AT(io.operations), "ios" },
	{ CGROUP_CORE,   "io.pressure",         cgroup_count_pressure, AT(io.psi) },
};
#undef AT

static const struct cgroup_counter ancestor_rows[] = {
	{ CGROUP_MEMORY, "memory.max", cgroup_count_least, offsetof(struct cgroup_stats, memory.effective_limit), .brief = BRIEF_STILL },
};

#define AT(member) offsetof(struct cgroup_page_stats, member)
static const struct cgroup_counter page_rows[] = {
	{ CGROUP_HUGETLB, "current", cgroup_count_number, AT(usage.usage) },
	{ CGROUP_HUGETLB, "max",     cgroup_count_number, AT(usage.limit) },
	{ CGROUP_HUGETLB, "events",  cgroup_count_number, AT(usage.failcnt), "max" },
};
#undef AT
/* clang-format on */

const struct cgroup_counters cgroup_v2_counters = {
	.rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]),
	.page_rows = page_rows,
	.page_count = sizeof(page_rows) / sizeof(page_rows[0]),
	.ancestor_rows = ancestor_rows,
	.ancestor_count = sizeof(ancestor_rows) / sizeof(ancestor_rows[0]),
};
