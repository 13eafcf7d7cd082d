/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The knob table of cgroup v2. */
#include "cgroup/knobs.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "cgroup/convert.h"
#include "cgroup/resources.h"

/*
 * Properties that v2 has nothing for (swappiness, disableOOMKiller, useHierarchy, kernel,
 * kernelTCP, real-time budgets, leaf weights, network) have rows without a file: they get a
 * warning. runc drops them silently and crun refuses the container; engines send them from defaults
 * that their users never see, so refusing would break working commands, and silence would lie.
 */

/* An idle cgroup has no weight of its own: the kernel refuses cpu.weight while cpu.idle is 1. */
static void emit_weight_of_shares(const struct cgroup_knob *knob,
				  const struct cgroup_resources *resources,
				  struct cgroup_writes *writes)
{
	const struct cgroup_cpu *cpu = &resources->cpu;
	uint64_t weight = cpu->proportional ? cgroup_weight_in_proportion(cpu->shares.value)
					    : cgroup_weight_of_shares(cpu->shares.value);

	if (weight && !resources->cpu.idle.value)
		cgroup_knob_put(knob, writes, "%llu", (unsigned long long)weight);
}

/* "QUOTA PERIOD"; the quota alone leaves the period as it is. */
static void emit_cpu_max(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
			 struct cgroup_writes *writes)
{
	const struct cgroup_cpu *cpu = &resources->cpu;
	unsigned long long period = cpu->period.value;
	char buffer[24];
	const char *quota = cgroup_limit_text(cpu->quota.value, buffer);

	if (cpu->quota.value && period) {
		cgroup_knob_put(knob, writes, "%s %llu", quota, period);
	} else if (cpu->quota.value) {
		cgroup_knob_put(knob, writes, "%s", quota);
	} else if (period) {
		struct cgroup_write *write = cgroup_knob_put(knob, writes, "max %llu", period);

		if (write)
			write->flags |= WRITE_KEEP_FIRST;
	}
}

/* v2 counts swap by itself, config.json counts it with memory. An unlimited memory with nothing
 * said of swap means both. */
static void emit_swap(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
		      struct cgroup_writes *writes)
{
	int64_t limit = resources->memory.limit.value, total = resources->memory.swap.value;
	char buffer[24];

	if (total > 0)
		cgroup_knob_put(knob, writes, "%s",
				cgroup_limit_text(cgroup_swap_of_total(limit, total), buffer));
	if (total < 0 || (!total && limit < 0)) {
		struct cgroup_write *write = cgroup_knob_put(knob, writes, "max");

		if (write)
			write->flags = WRITE_SILENT;
	}
}

/* io.weight has a scale of its own, on which 100 is what others have, as with BFQ: intent is the
 * same number on both. */
static uint64_t io_weight(const struct cgroup_resources *resources, uint64_t weight)
{
	return resources->block_io.proportional ? weight : cgroup_io_weight(weight);
}

/*
 * A device's weights are those of BFQ where that is its scheduler, and those of the cost model
 * elsewhere: both are written where both exist. BFQ takes the number of v1 as it is. `device` is ""
 * or "M:m ".
 */
static void put_io_weight(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
			  struct cgroup_writes *writes, const char *device, uint64_t weight)
{
	const char *bfq_file = "io.bfq.weight";
	struct cgroup_write *bfq =
		cgroup_knob_put(knob, writes, "%s%llu", device, (unsigned long long)weight);

	if (!bfq)
		return;
	const char *bfq_text = bfq->text;

	bfq->file = bfq_file;
	bfq->flags = WRITE_SILENT;
	struct cgroup_write *cost = cgroup_knob_put(
		knob, writes, "%s%llu", device, (unsigned long long)io_weight(resources, weight));

	if (cost) {
		/* one of the two must be there */
		cost->other_file = bfq_file;
		cost->other_text = bfq_text;
	}
}

static void emit_io_weight(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
			   struct cgroup_writes *writes)
{
	if (resources->block_io.weight.value)
		put_io_weight(knob, resources, writes, "", resources->block_io.weight.value);
}

static void emit_io_weight_device(const struct cgroup_knob *knob,
				  const struct cgroup_resources *resources,
				  struct cgroup_writes *writes)
{
	const struct cgroup_weight_device *devices = resources->block_io.weight_device.items;

	for (size_t i = 0; i < resources->block_io.weight_device.count; i++) {
		char device[32];

		snprintf(device, sizeof(device), "%d:%d ", devices[i].major, devices[i].minor);
		if (devices[i].weight.value)
			put_io_weight(knob, resources, writes, device, devices[i].weight.value);
	}
}

static void emit_leaf_weight_device(const struct cgroup_knob *knob,
				    const struct cgroup_resources *resources,
				    struct cgroup_writes *writes)
{
	const struct cgroup_weight_device *devices = resources->block_io.weight_device.items;

	for (size_t i = 0; i < resources->block_io.weight_device.count; i++) {
		if (devices[i].leaf_weight.value)
			cgroup_knob_put(knob, writes, "%llu",
					(unsigned long long)devices[i].leaf_weight.value);
	}
}

enum {
	THROTTLES = 4, /* kinds of limit a device can have */
	IO_MAX_LINE = 160,
};

/* One of the four lists, and its word in io.max. */
struct throttle {
	const char *word;
	const struct json_list *list;
};

/* The first entry of a device in a list at or behind `from`, or NULL. */
static const struct cgroup_throttle_device *find_device(const struct json_list *list, int major,
							int minor)
{
	const struct cgroup_throttle_device *devices = list->items;

	for (size_t i = list->count; i > 0; i--) { /* the last one wins, as with four files */
		if (devices[i - 1].major == major && devices[i - 1].minor == minor)
			return &devices[i - 1];
	}
	return NULL;
}

/* The device's line with all its limits: one write changes them together. */
static void emit_io_max_line(const struct cgroup_knob *knob, const struct throttle *throttles,
			     const struct cgroup_throttle_device *device,
			     struct cgroup_writes *writes)
{
	char line[IO_MAX_LINE];
	int length = snprintf(line, sizeof(line), "%d:%d", device->major, device->minor);

	for (int kind = 0; kind < THROTTLES; kind++) {
		const struct cgroup_throttle_device *entry =
			find_device(throttles[kind].list, device->major, device->minor);
		char *at = line + length;
		size_t room = sizeof(line) - (size_t)length;

		if (entry && entry->rate.value)
			length += snprintf(at, room, " %s=%llu", throttles[kind].word,
					   (unsigned long long)entry->rate.value);
		else if (entry)
			length += snprintf(at, room, " %s=max", throttles[kind].word);
	}
	cgroup_knob_put(knob, writes, "%s", line);
}

static void emit_io_max(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
			struct cgroup_writes *writes)
{
	const struct cgroup_block_io *block_io = &resources->block_io;
	const struct throttle throttles[THROTTLES] = {
		{ "rbps", &block_io->throttle_read_bps },
		{ "wbps", &block_io->throttle_write_bps },
		{ "riops", &block_io->throttle_read_iops },
		{ "wiops", &block_io->throttle_write_iops },
	};

	for (int kind = 0; kind < THROTTLES; kind++) {
		const struct cgroup_throttle_device *devices = throttles[kind].list->items;

		for (size_t i = 0; i < throttles[kind].list->count; i++) {
			bool seen = find_device(throttles[kind].list, devices[i].major,
						devices[i].minor) != &devices[i];

			for (int before = 0; before < kind && !seen; before++)
				seen = find_device(throttles[before].list, devices[i].major,
						   devices[i].minor);
			if (!seen)
				emit_io_max_line(knob, throttles, &devices[i], writes);
		}
	}
}

static void emit_priorities(const struct cgroup_knob *knob,
			    const struct cgroup_resources *resources, struct cgroup_writes *writes)
{
	if (resources->network.priorities.count)
		cgroup_knob_put(knob, writes, "%s", "");
}

/* The controller that a file name begins with; the cgroup.* files, PSI and what we do not know need
 * none. */
static enum cgroup_controller controller_of(const char *file)
{
	char word[32];
	size_t length = strcspn(file, ".");

	snprintf(word, sizeof(word), "%.*s", (int)length, file);
	uint32_t mask = cgroup_controllers_parse(word, ' ', true);

	if (!mask || strstr(file, ".pressure"))
		return CGROUP_CORE;
	return (enum cgroup_controller)__builtin_ctz(mask);
}

/* unified: as written, one write a line, because such files take one line at a time. */
static void emit_unified(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
			 struct cgroup_writes *writes)
{
	const struct json_pair *pairs = resources->unified.items;

	for (size_t i = 0; i < resources->unified.count; i++) {
		const char *line = pairs[i].value;

		do {
			const char *end = strchrnul(line, '\n');
			struct cgroup_write *write = cgroup_knob_put(knob, writes, "%s", "");

			if (!write)
				return;
			write->controller = controller_of(pairs[i].key);
			write->field = arena_printf(writes->arena, "unified.%s", pairs[i].key);
			write->file = pairs[i].key;
			write->text = arena_strndup(writes->arena, line, (size_t)(end - line));
			if (!write->text || !write->field)
				writes->failed = 1;
			line = *end ? end + 1 : end;
		} while (*line);
	}
}

/* clang-format off */
#define AT(member) offsetof(struct cgroup_resources, member)
static const struct cgroup_knob rows[] = {
	{ CGROUP_CPUSET,   "cpu.cpus",            "cpuset.cpus",     cgroup_emit_text,          AT(cpu.cpus) },
	{ CGROUP_CPUSET,   "cpu.mems",            "cpuset.mems",     cgroup_emit_text,          AT(cpu.mems) },
	{ CGROUP_CPU,      "cpu.shares",          "cpu.weight",      emit_weight_of_shares,     0, WRITE_NEXT_FIRST },
	{ CGROUP_CPU,      "cpu.idle",            "cpu.idle",        cgroup_emit_i64,           AT(cpu.idle) },
	{ CGROUP_CPU,      "cpu.uclampMin",       "cpu.uclamp.min",  cgroup_emit_text,          AT(cpu.uclamp_min), WRITE_OPTIONAL },
	{ CGROUP_CPU,      "cpu.quota",           "cpu.max",         emit_cpu_max,              0, WRITE_NEXT_FIRST },
	{ CGROUP_CPU,      "cpu.burst",           "cpu.max.burst",   cgroup_emit_nonzero_u64,   AT(cpu.burst) },
	{ CGROUP_CPU,      "cpu.realtimePeriod",  NULL,              cgroup_emit_nonzero_u64,   AT(cpu.realtime_period) },
	{ CGROUP_CPU,      "cpu.realtimeRuntime", NULL,              cgroup_emit_nonzero_i64,   AT(cpu.realtime_runtime) },
	{ CGROUP_MEMORY,   "memory.useHierarchy", NULL,              cgroup_emit_true,          AT(memory.use_hierarchy) },
	{ CGROUP_MEMORY,   "memory.limit",        "memory.max",      cgroup_emit_nonzero_limit, AT(memory.limit) },
	{ CGROUP_MEMORY,   "memory.swap",         "memory.swap.max", emit_swap,                 0, WRITE_OPTIONAL },
	{ CGROUP_MEMORY,   "memory.reservation",  "memory.low",      cgroup_emit_nonzero_limit, AT(memory.reservation) },
	{ CGROUP_MEMORY,   "memory.kernel",       NULL,              cgroup_emit_nonzero_i64,   AT(memory.kernel) },
	{ CGROUP_MEMORY,   "memory.kernelTCP",    NULL,              cgroup_emit_nonzero_i64,   AT(memory.kernel_tcp) },
	{ CGROUP_MEMORY,   "memory.swappiness",   NULL,              cgroup_emit_swappiness,           AT(memory.swappiness) },
	{ CGROUP_MEMORY,   "memory.disableOOMKiller", NULL,          cgroup_emit_true,          AT(memory.disable_oom_killer) },
	{ CGROUP_PIDS,     "pids.limit",          "pids.max",        cgroup_emit_limit,         AT(pids.limit) },
	{ CGROUP_BLKIO,    "blockIO.weight",      "io.weight",       emit_io_weight },
	{ CGROUP_BLKIO,    "blockIO.leafWeight",  NULL,              cgroup_emit_nonzero_u64,   AT(block_io.leaf_weight) },
	{ CGROUP_BLKIO,    "blockIO.weightDevice", "io.weight",      emit_io_weight_device },
	{ CGROUP_BLKIO,    "blockIO.weightDevice.leafWeight", NULL,  emit_leaf_weight_device },
	{ CGROUP_BLKIO,    "blockIO.throttle",    "io.max",          emit_io_max },
	{ CGROUP_HUGETLB,  "hugepageLimits",      "max",             cgroup_emit_hugepages },
	{ CGROUP_NET_CLS,  "network.classID",     NULL,              cgroup_emit_nonzero_u64,   AT(network.class_id) },
	{ CGROUP_NET_PRIO, "network.priorities",  NULL,              emit_priorities },
	{ CGROUP_RDMA,     "rdma",                "rdma.max",        cgroup_emit_rdma },
	{ CGROUP_CORE,     "unified",             "",                emit_unified /* last: it has the last word */ },
};
#undef AT
/* clang-format on */

const struct cgroup_knobs cgroup_v2_knobs = { rows, sizeof(rows) / sizeof(rows[0]) };
