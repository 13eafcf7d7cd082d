/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the kernel's counters to lmctfy's ContainerStats. */
#include "runtime/lmctfy_stats.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/str.h"

enum {
	NAME_SIZE = 64,
};

/* clang-format off */
#define AT(member) offsetof(struct lmctfy_memory_data, member)
#define ROW(key, member) { key, JSON_I64, AT(member) }
/* memory.stat of v1: of the group alone, and with all below. */
#define V1_ROWS(prefix)                                                               \
	ROW(prefix "cache", cache), ROW(prefix "rss", rss),                           \
	ROW(prefix "rss_huge", rss_huge), ROW(prefix "mapped_file", mapped_file),     \
	ROW(prefix "pgpgin", pgpgin), ROW(prefix "pgpgout", pgpgout),                 \
	ROW(prefix "pgfault", pgfault), ROW(prefix "pgmajfault", pgmajfault),         \
	ROW(prefix "dirty", dirty), ROW(prefix "writeback", writeback),               \
	ROW(prefix "inactive_anon", inactive_anon), ROW(prefix "active_anon", active_anon), \
	ROW(prefix "inactive_file", inactive_file), ROW(prefix "active_file", active_file), \
	ROW(prefix "unevictable", unevictable)
static const struct json_row v1_alone_rows[] = { V1_ROWS("") };
static const struct json_row v1_total_rows[] = { V1_ROWS("total_") };
/* v2 counts with all below only. */
static const struct json_row v2_rows[] = {
	ROW("file", cache), ROW("anon", rss), ROW("anon_thp", rss_huge), ROW("file_mapped", mapped_file),
	ROW("pgfault", pgfault), ROW("pgmajfault", pgmajfault), ROW("file_dirty", dirty), ROW("file_writeback", writeback),
	ROW("inactive_anon", inactive_anon), ROW("active_anon", active_anon), ROW("inactive_file", inactive_file),
	ROW("active_file", active_file), ROW("unevictable", unevictable),
};
#undef AT
#define AT(member) offsetof(struct lmctfy_kernel_memory, member)
static const struct json_row kernel_rows[] = {
	ROW("kernel", memory), ROW("slab", slab_memory), ROW("kernel_stack", stack_memory), ROW("pagetables", pgtable_memory),
	ROW("vmalloc", vmalloc_memory),
};
#undef AT
#undef ROW
#define PART_OF(type, table) \
	{ .rows = (table), .row_count = sizeof(table) / sizeof((table)[0]), .size = sizeof(type), .partial = true }
static const struct json_object v1_alone_object = PART_OF(struct lmctfy_memory_data, v1_alone_rows);
static const struct json_object v1_total_object = PART_OF(struct lmctfy_memory_data, v1_total_rows);
static const struct json_object v2_object = PART_OF(struct lmctfy_memory_data, v2_rows);
static const struct json_object kernel_object = PART_OF(struct lmctfy_kernel_memory, kernel_rows);

/* clang-format on */

static struct opt_i64 as_signed(const struct opt_u64 *number)
{
	return (struct opt_i64){ number->set, (int64_t)number->value };
}

/* The part of memory.stat that a table knows; NULL when it has none of it. */
static void *read_part(const struct json_raw *raw, const struct json_object *object,
		       struct arena *arena)
{
	void *part = arena_alloc(arena, object->size);
	bool any = false;

	if (!part || !raw->text ||
	    json_decode("memory.stat", raw->text, raw->length, object, part, arena, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < object->row_count && !any; i++)
		any = ((const struct opt_i64 *)((const char *)part + object->rows[i].offset))->set;
	return any ? part : NULL;
}

static int give_memory(const struct cgroup_memory_stats *from, struct lmctfy_stats *stats,
		       struct arena *arena)
{
	struct lmctfy_memory_stats *memory = arena_alloc(arena, sizeof(*memory));
	struct lmctfy_kernel_memory *kernel = read_part(&from->raw, &kernel_object, arena);

	if (!memory)
		return -1;
	stats->memory = memory;
	memory->limit = from->usage.limit.set ? as_signed(&from->usage.limit)
					      : (struct opt_i64){ true, CGROUP_UNLIMITED };
	memory->effective_limit = as_signed(&from->effective_limit);
	memory->hierarchical_memory_limit = memory->effective_limit;
	memory->reservation = as_signed(&from->reservation);
	memory->usage = as_signed(&from->usage.usage);
	memory->max_usage = as_signed(&from->usage.max);
	memory->fail_count = as_signed(&from->usage.failcnt);
	memory->working_set = as_signed(&from->working_set);
	memory->container_data = read_part(&from->raw, &v1_alone_object, arena);
	memory->hierarchical_data = read_part(&from->raw, &v1_total_object, arena);
	if (memory->hierarchical_data)
		return 0;
	/* words that both versions have stand for different things there */
	memory->container_data = NULL;
	memory->hierarchical_data = read_part(&from->raw, &v2_object, arena);
	if (memory->hierarchical_data)
		memory->hierarchical_data->kernel = kernel;
	return 0;
}

/* Threads that run or want to, and those that wait for a disk: what the load average counts. */
static int count_load(struct group *group, struct opt_i64 *load, struct err *err)
{
	pid_t *tids;
	size_t count;

	if (cgroup_members(group->cgroup, CGROUP_THREADS, &group->arena, &tids, &count, err) < 0)
		return -1;
	*load = (struct opt_i64){ true, 0 };
	for (size_t i = 0; i < count; i++) {
		char state = proc_state(tids[i]);

		load->value += state == 'R' || state == 'D';
	}
	return 0;
}

static int give_cpu(struct group *group, const struct cgroup_cpu_stats *from, bool summary,
		    struct lmctfy_stats *stats, struct err *err)
{
	struct lmctfy_cpu_stats *cpu = arena_alloc(&group->arena, sizeof(*cpu));
	struct lmctfy_throttling *throttling = arena_alloc(&group->arena, sizeof(*throttling));

	if (!cpu || !throttling)
		return err_sys(err, "describe counters");
	cpu->usage = arena_alloc(&group->arena, sizeof(*cpu->usage));
	if (!cpu->usage)
		return err_sys(err, "describe counters");
	stats->cpu = cpu;
	cpu->usage->total = from->usage.total;
	cpu->usage->user = as_signed(&from->usage.user);
	cpu->usage->system = as_signed(&from->usage.kernel);
	cpu->usage->per_cpu = from->usage.percpu;
	if (!summary && from->throttling.periods.set) {
		throttling->periods = as_signed(&from->throttling.periods);
		throttling->throttled_periods = as_signed(&from->throttling.throttled_periods);
		throttling->throttled_time = as_signed(&from->throttling.throttled_time);
		cpu->throttling_data = throttling;
	}
	return count_load(group, &cpu->load, err);
}

static int64_t count_files(pid_t pid)
{
	char name[NAME_SIZE];
	int64_t count = 0;

	str_format(name, sizeof(name), "/proc/%d/fd", (int)pid);
	auto_closedir DIR *stream = opendir(name);

	for (struct dirent *entry; stream && (entry = readdir(stream));)
		count += entry->d_name[0] != '.';
	return count;
}

static int give_files(struct group *group, struct lmctfy_stats *stats, struct err *err)
{
	struct lmctfy_filesystem_stats *files = arena_alloc(&group->arena, sizeof(*files));
	pid_t *pids;
	size_t count;

	if (!files)
		return err_sys(err, "describe counters");
	if (cgroup_members(group->cgroup, CGROUP_PROCESSES, &group->arena, &pids, &count, err) < 0)
		return -1;
	files->fd_usage.set = true;
	for (size_t i = 0; i < count; i++)
		files->fd_usage.value += count_files(pids[i]);
	stats->filesystem = files;
	return 0;
}

struct lmctfy_stats *lmctfy_describe_stats(struct group *group, unsigned int parts,
					   const struct cgroup_stats *from, bool summary,
					   struct err *err)
{
	struct lmctfy_stats *stats = arena_alloc(&group->arena, sizeof(*stats));

	if (!stats ||
	    (parts & CGROUP_PART_MEMORY && give_memory(&from->memory, stats, &group->arena) < 0)) {
		err_sys(err, "describe counters");
		return NULL;
	}
	if (parts & CGROUP_PART_CPU && give_cpu(group, &from->cpu, summary, stats, err) < 0)
		return NULL;
	if (group->record.spec.open_files.set && give_files(group, stats, err) < 0)
		return NULL;
	return stats;
}
