/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where cgroup v1 keeps each counter. */
#include "cgroup/stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "cgroup/cgroup.h"

/* "254:0 Read 468496384", and a last line "Total N" over all devices. */
static int count_blkio(const struct cgroup_counter *counter, const char *text, struct arena *arena,
		       void *target)
{
	struct json_list *list = (struct json_list *)((char *)target + counter->offset);

	((struct cgroup_stats *)target)->io.counted = true;
	if (list->count) /* the scheduler's own file has said it already */
		return 0;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		struct cgroup_io_count count = { { true, 0 }, { true, 0 }, NULL, { true, 0 } };
		char op[16];

		line += *line == '\n';
		if (sscanf(line, "%" SCNu64 ":%" SCNu64 " %15s %" SCNu64, &count.major.value,
			   &count.minor.value, op, &count.value.value) != 4)
			continue;
		count.op = arena_strdup(arena, op);
		if (!count.op || cgroup_count_add_io(list, &count, arena) < 0)
			return -1;
	}
	return 0;
}

enum {
	NS_OF_TICK = 10000000, /* USER_HZ is 100 */
};

/* clang-format off */
#define AT(member) offsetof(struct cgroup_stats, member)
static const struct cgroup_counter rows[] = {
	{ CGROUP_CPUACCT, "cpuacct.usage",                 cgroup_count_number, AT(cpu.usage.total), .brief = BRIEF_SIGN },
	{ CGROUP_CPUACCT, "cpuacct.stat",                  cgroup_count_number, AT(cpu.usage.user),           "user",   NS_OF_TICK },
	{ CGROUP_CPUACCT, "cpuacct.stat",                  cgroup_count_number, AT(cpu.usage.kernel),         "system", NS_OF_TICK },
	{ CGROUP_CPUACCT, "cpuacct.usage_percpu",          cgroup_count_list,   AT(cpu.usage.percpu) },
	{ CGROUP_CPUACCT, "cpuacct.usage_percpu_sys",      cgroup_count_list,   AT(cpu.usage.percpu_kernel) },
	{ CGROUP_CPUACCT, "cpuacct.usage_percpu_user",     cgroup_count_list,   AT(cpu.usage.percpu_user) },
	{ CGROUP_CPU,     "cpu.stat",                      cgroup_count_number, AT(cpu.throttling.periods),           "nr_periods", .brief = BRIEF_STILL },
	{ CGROUP_CPU,     "cpu.stat",                      cgroup_count_number, AT(cpu.throttling.throttled_periods), "nr_throttled", .brief = BRIEF_STILL },
	{ CGROUP_CPU,     "cpu.stat",                      cgroup_count_number, AT(cpu.throttling.throttled_time),    "throttled_time", .brief = BRIEF_STILL },
	{ CGROUP_MEMORY,  "memory.stat",                   cgroup_count_number, AT(memory.cache), "total_cache" },
	{ CGROUP_MEMORY,  "memory.stat",                   cgroup_count_number, AT(memory.inactive_file),   "total_inactive_file", .brief = BRIEF_STILL },
	{ CGROUP_MEMORY,  "memory.stat",                   cgroup_count_least,  AT(memory.effective_limit), "hierarchical_memory_limit", .brief = BRIEF_STILL },
	{ CGROUP_MEMORY,  "memory.stat",                   cgroup_count_map,    AT(memory.raw) },
	{ CGROUP_MEMORY,  "memory.soft_limit_in_bytes",    cgroup_count_number, AT(memory.reservation) },
	{ CGROUP_MEMORY,  "memory.limit_in_bytes",         cgroup_count_number, AT(memory.usage.limit) },
	{ CGROUP_MEMORY,  "memory.usage_in_bytes",         cgroup_count_number, AT(memory.usage.usage), .brief = BRIEF_SIGN },
	{ CGROUP_MEMORY,  "memory.max_usage_in_bytes",     cgroup_count_number, AT(memory.usage.max) },
	{ CGROUP_MEMORY,  "memory.failcnt",                cgroup_count_number, AT(memory.usage.failcnt) },
	{ CGROUP_MEMORY,  "memory.memsw.limit_in_bytes",   cgroup_count_number, AT(memory.swap.limit) },
	{ CGROUP_MEMORY,  "memory.memsw.usage_in_bytes",   cgroup_count_number, AT(memory.swap.usage) },
	{ CGROUP_MEMORY,  "memory.memsw.max_usage_in_bytes", cgroup_count_number, AT(memory.swap.max) },
	{ CGROUP_MEMORY,  "memory.memsw.failcnt",          cgroup_count_number, AT(memory.swap.failcnt) },
	{ CGROUP_MEMORY,  "memory.kmem.limit_in_bytes",    cgroup_count_number, AT(memory.kernel.limit) },
	{ CGROUP_MEMORY,  "memory.kmem.usage_in_bytes",    cgroup_count_number, AT(memory.kernel.usage) },
	{ CGROUP_MEMORY,  "memory.kmem.max_usage_in_bytes", cgroup_count_number, AT(memory.kernel.max) },
	{ CGROUP_MEMORY,  "memory.kmem.failcnt",           cgroup_count_number, AT(memory.kernel.failcnt) },
	{ CGROUP_MEMORY,  "memory.kmem.tcp.limit_in_bytes", cgroup_count_number, AT(memory.kernel_tcp.limit) },
	{ CGROUP_MEMORY,  "memory.kmem.tcp.usage_in_bytes", cgroup_count_number, AT(memory.kernel_tcp.usage) },
	{ CGROUP_MEMORY,  "memory.kmem.tcp.max_usage_in_bytes", cgroup_count_number, AT(memory.kernel_tcp.max) },
	{ CGROUP_MEMORY,  "memory.kmem.tcp.failcnt",       cgroup_count_number, AT(memory.kernel_tcp.failcnt) },
	{ CGROUP_MEMORY,  "memory.numa_stat",              cgroup_count_numa,   AT(memory.numa), "hierarchical_" },
	{ CGROUP_MEMORY,  "memory.oom_control",            cgroup_count_number, AT(memory.events.oom_kill), "oom_kill" },
	{ CGROUP_CPUSET,  "cpuset.effective_cpus",         cgroup_count_set,    AT(cpuset.cpus) },
	{ CGROUP_CPUSET,  "cpuset.effective_mems",         cgroup_count_set,    AT(cpuset.mems) },
	{ CGROUP_PIDS,    "pids.current",                  cgroup_count_number, AT(pids.current), .brief = BRIEF_STILL },
	{ CGROUP_PIDS,    "pids.max",                      cgroup_count_number, AT(pids.limit) },
	/* bfq accounts only what it schedules itself; the throttle's files have everything */
	{ CGROUP_BLKIO,   "blkio.bfq.io_service_bytes_recursive",      count_blkio, AT(io.bytes) },
	{ CGROUP_BLKIO,   "blkio.throttle.io_service_bytes_recursive", count_blkio, AT(io.bytes), .brief = BRIEF_ALWAYS },
	{ CGROUP_BLKIO,   "blkio.bfq.io_serviced_recursive",           count_blkio, AT(io.operations) },
	{ CGROUP_BLKIO,   "blkio.throttle.io_serviced_recursive",      count_blkio, AT(io.operations) },
};
#undef AT

#define AT(member) offsetof(struct cgroup_page_stats, member)
static const struct cgroup_counter page_rows[] = {
	{ CGROUP_HUGETLB, "usage_in_bytes",     cgroup_count_number, AT(usage.usage) },
	{ CGROUP_HUGETLB, "limit_in_bytes",     cgroup_count_number, AT(usage.limit) },
	{ CGROUP_HUGETLB, "max_usage_in_bytes", cgroup_count_number, AT(usage.max) },
	{ CGROUP_HUGETLB, "failcnt",            cgroup_count_number, AT(usage.failcnt) },
};
#undef AT
/* clang-format on */

/* Ancestors: hierarchical_memory_limit knows them already. */
const struct cgroup_counters cgroup_v1_counters = {
	.rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]),
	.page_rows = page_rows,
	.page_count = sizeof(page_rows) / sizeof(page_rows[0]),
};
