/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The knob table of cgroup v1. */
#include "cgroup/knobs.h"

#include <stddef.h>

#include "base/arena.h"
#include "cgroup/resources.h"

/* An idle cgroup has no weight of its own: the kernel refuses shares while cpu.idle is 1. */
static void emit_shares(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
			struct cgroup_writes *writes)
{
	if (!resources->cpu.idle.value)
		cgroup_emit_nonzero_u64(knob, resources, writes);
}

static void emit_quota(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
		       struct cgroup_writes *writes)
{
	int64_t quota = resources->cpu.quota.value;

	if (quota)
		cgroup_knob_put(knob, writes, "%lld", quota < 0 ? -1LL : (long long)quota);
}

/*
 * Memory and swap together. It must never be below memory.limit, and an unlimited memory.limit
 * needs it unlimited too, which the kernel does not do by itself. Without swap accounting the file
 * does not exist.
 */
static void emit_swap(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
		      struct cgroup_writes *writes)
{
	int64_t swap = resources->memory.swap.value;

	if (swap > 0)
		cgroup_knob_put(knob, writes, "%lld", (long long)swap);
	if (swap < 0 || (!swap && resources->memory.limit.value < 0)) {
		struct cgroup_write *write = cgroup_knob_put(knob, writes, "-1");

		if (write)
			write->flags = WRITE_SILENT;
	}
}

/* BFQ's file where that scheduler has groups, else the one of CFQ's time. */
static void emit_weight(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
			struct cgroup_writes *writes)
{
	uint64_t weight = resources->block_io.weight.value;
	struct cgroup_write *write =
		weight ? cgroup_knob_put(knob, writes, "%llu", (unsigned long long)weight) : NULL;

	if (write) {
		write->other_file = "blkio.weight";
		write->other_text = write->text;
	}
}

static void emit_weight_device(const struct cgroup_knob *knob,
			       const struct cgroup_resources *resources,
			       struct cgroup_writes *writes)
{
	const struct cgroup_weight_device *devices = resources->block_io.weight_device.items;

	for (size_t i = 0; i < resources->block_io.weight_device.count; i++) {
		if (!devices[i].weight.value)
			continue;
		struct cgroup_write *write = cgroup_knob_put(
			knob, writes, "%d:%d %llu", devices[i].major, devices[i].minor,
			(unsigned long long)devices[i].weight.value);

		if (write) {
			write->other_file = "blkio.weight_device";
			write->other_text = write->text;
		}
	}
}

static void emit_leaf_weight_device(const struct cgroup_knob *knob,
				    const struct cgroup_resources *resources,
				    struct cgroup_writes *writes)
{
	const struct cgroup_weight_device *devices = resources->block_io.weight_device.items;

	for (size_t i = 0; i < resources->block_io.weight_device.count; i++) {
		if (devices[i].leaf_weight.value)
			cgroup_knob_put(knob, writes, "%d:%d %llu", devices[i].major,
					devices[i].minor,
					(unsigned long long)devices[i].leaf_weight.value);
	}
}

/* The row's member is a list of devices with a rate; 0 takes the device's limit away. */
static void emit_throttle(const struct cgroup_knob *knob, const struct cgroup_resources *resources,
			  struct cgroup_writes *writes)
{
	const struct json_list *list = (const void *)((const char *)resources + knob->offset);
	const struct cgroup_throttle_device *devices = list->items;

	for (size_t i = 0; i < list->count; i++)
		cgroup_knob_put(knob, writes, "%d:%d %llu", devices[i].major, devices[i].minor,
				(unsigned long long)devices[i].rate.value);
}

static void emit_priorities(const struct cgroup_knob *knob,
			    const struct cgroup_resources *resources, struct cgroup_writes *writes)
{
	const struct cgroup_priority *priorities = resources->network.priorities.items;

	for (size_t i = 0; i < resources->network.priorities.count; i++)
		cgroup_knob_put(knob, writes, "%s %u", priorities[i].name, priorities[i].priority);
}

/* clang-format off */
#define AT(member) offsetof(struct cgroup_resources, member)
static const struct cgroup_knob rows[] = {
	{ CGROUP_CPUSET,   "cpu.cpus",            "cpuset.cpus",                cgroup_emit_text,        AT(cpu.cpus) },
	{ CGROUP_CPUSET,   "cpu.mems",            "cpuset.mems",                cgroup_emit_text,        AT(cpu.mems) },
	{ CGROUP_CPU,      "cpu.shares",          "cpu.shares",                 emit_shares,             AT(cpu.shares), WRITE_NEXT_FIRST },
	{ CGROUP_CPU,      "cpu.idle",            "cpu.idle",                   cgroup_emit_i64,         AT(cpu.idle) },
	{ CGROUP_CPU,      "cpu.uclampMin",       "cpu.uclamp.min",             cgroup_emit_text,        AT(cpu.uclamp_min), WRITE_OPTIONAL },
	{ CGROUP_CPU,      "cpu.period",          "cpu.cfs_period_us",          cgroup_emit_nonzero_u64, AT(cpu.period), WRITE_NEXT_FIRST },
	{ CGROUP_CPU,      "cpu.quota",           "cpu.cfs_quota_us",           emit_quota,              AT(cpu.quota), WRITE_NEXT_FIRST },
	{ CGROUP_CPU,      "cpu.burst",           "cpu.cfs_burst_us",           cgroup_emit_nonzero_u64, AT(cpu.burst) },
	{ CGROUP_CPU,      "cpu.realtimePeriod",  "cpu.rt_period_us",           cgroup_emit_nonzero_u64, AT(cpu.realtime_period), WRITE_NEXT_FIRST },
	{ CGROUP_CPU,      "cpu.realtimeRuntime", "cpu.rt_runtime_us",          cgroup_emit_nonzero_i64, AT(cpu.realtime_runtime) },
	{ CGROUP_MEMORY,   "memory.useHierarchy", "memory.use_hierarchy",       cgroup_emit_true,        AT(memory.use_hierarchy) },
	{ CGROUP_MEMORY,   "memory.limit",        "memory.limit_in_bytes",      cgroup_emit_nonzero_i64, AT(memory.limit), WRITE_NEXT_FIRST },
	{ CGROUP_MEMORY,   "memory.swap",         "memory.memsw.limit_in_bytes", emit_swap,              0, WRITE_OPTIONAL },
	{ CGROUP_MEMORY,   "memory.reservation",  "memory.soft_limit_in_bytes", cgroup_emit_nonzero_i64, AT(memory.reservation) },
	{ CGROUP_MEMORY,   "memory.kernel",       NULL /* no-op since 5.16 */,  cgroup_emit_nonzero_i64, AT(memory.kernel) },
	{ CGROUP_MEMORY,   "memory.kernelTCP",    "memory.kmem.tcp.limit_in_bytes", cgroup_emit_nonzero_i64, AT(memory.kernel_tcp) },
	{ CGROUP_MEMORY,   "memory.swappiness",   "memory.swappiness",          cgroup_emit_swappiness,         AT(memory.swappiness) },
	{ CGROUP_MEMORY,   "memory.disableOOMKiller", "memory.oom_control",     cgroup_emit_true,        AT(memory.disable_oom_killer) },
	{ CGROUP_PIDS,     "pids.limit",          "pids.max",                   cgroup_emit_limit,       AT(pids.limit) },
	{ CGROUP_BLKIO,    "blockIO.weight",      "blkio.bfq.weight",           emit_weight },
	{ CGROUP_BLKIO,    "blockIO.leafWeight",  "blkio.leaf_weight" /* gone in 5.0 */, cgroup_emit_nonzero_u64, AT(block_io.leaf_weight), WRITE_OPTIONAL },
	{ CGROUP_BLKIO,    "blockIO.weightDevice", "blkio.bfq.weight_device",   emit_weight_device },
	{ CGROUP_BLKIO,    "blockIO.weightDevice", "blkio.leaf_weight_device",  emit_leaf_weight_device, 0, WRITE_OPTIONAL },
	{ CGROUP_BLKIO,    "blockIO.throttleReadBpsDevice",   "blkio.throttle.read_bps_device",   emit_throttle, AT(block_io.throttle_read_bps) },
	{ CGROUP_BLKIO,    "blockIO.throttleWriteBpsDevice",  "blkio.throttle.write_bps_device",  emit_throttle, AT(block_io.throttle_write_bps) },
	{ CGROUP_BLKIO,    "blockIO.throttleReadIOPSDevice",  "blkio.throttle.read_iops_device",  emit_throttle, AT(block_io.throttle_read_iops) },
	{ CGROUP_BLKIO,    "blockIO.throttleWriteIOPSDevice", "blkio.throttle.write_iops_device", emit_throttle, AT(block_io.throttle_write_iops) },
	{ CGROUP_HUGETLB,  "hugepageLimits",      "limit_in_bytes",             cgroup_emit_hugepages },
	{ CGROUP_NET_CLS,  "network.classID",     "net_cls.classid",            cgroup_emit_nonzero_u64, AT(network.class_id) },
	{ CGROUP_NET_PRIO, "network.priorities",  "net_prio.ifpriomap",         emit_priorities },
	{ CGROUP_RDMA,     "rdma",                "rdma.max",                   cgroup_emit_rdma },
};
#undef AT
/* clang-format on */

const struct cgroup_knobs cgroup_v1_knobs = { rows, sizeof(rows) / sizeof(rows[0]) };
