/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* linux.resources: its JSON rows, and the checks that need no host. */
#include "cgroup/resources.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cgroup/cgroup.h"

enum {
	MAJOR_MAX = 0xfff, /* dev_t of the kernel: 12 bits and 20 bits */
	MINOR_MAX = 0xfffff,
	WEIGHT_MIN = 10, /* blkio.weight of cgroup v1 */
	WEIGHT_MAX = 1000,
	SHARES_MIN = 2,
	SHARES_MAX = 262144,
	FIELD_MAX = 96,
};

/* clang-format off */
#define AT(type, member) offsetof(struct type, member)
static const struct json_row device_rows[] = {
	{ "allow",  JSON_BOOL,    AT(cgroup_device, allow), .flags = JSON_REQUIRED | JSON_ALWAYS },
	{ "type",   JSON_TEXT,    AT(cgroup_device, type) },
	{ "major",  JSON_I64,     AT(cgroup_device, major), .min = -1, .max = MAJOR_MAX },
	{ "minor",  JSON_I64,     AT(cgroup_device, minor), .min = -1, .max = MINOR_MAX },
	{ "access", JSON_TEXT,    AT(cgroup_device, access) },
};
static const struct json_row memory_rows[] = {
	{ "limit",             JSON_I64,      AT(cgroup_memory, limit),               .min = -1, .max = INT64_MAX },
	{ "reservation",       JSON_I64,      AT(cgroup_memory, reservation),         .min = -1, .max = INT64_MAX },
	{ "swap",              JSON_I64,      AT(cgroup_memory, swap),                .min = -1, .max = INT64_MAX },
	{ "kernel",            JSON_I64,      AT(cgroup_memory, kernel),              .min = -1, .max = INT64_MAX },
	{ "kernelTCP",         JSON_I64,      AT(cgroup_memory, kernel_tcp),          .min = -1, .max = INT64_MAX },
	{ "swappiness",        JSON_I64,      AT(cgroup_memory, swappiness),          .min = -1, .max = 100 },
	{ "disableOOMKiller",  JSON_OPT_BOOL, AT(cgroup_memory, disable_oom_killer) },
	{ "useHierarchy",      JSON_OPT_BOOL, AT(cgroup_memory, use_hierarchy) },
	{ "checkBeforeUpdate", JSON_OPT_BOOL, AT(cgroup_memory, check_before_update) },
};
static const struct json_row cpu_rows[] = {
	{ "shares",          JSON_U64,  AT(cgroup_cpu, shares) },
	{ "quota",           JSON_I64,  AT(cgroup_cpu, quota) },
	{ "burst",           JSON_U64,  AT(cgroup_cpu, burst) },
	{ "period",          JSON_U64,  AT(cgroup_cpu, period) },
	{ "realtimeRuntime", JSON_I64,  AT(cgroup_cpu, realtime_runtime) },
	{ "realtimePeriod",  JSON_U64,  AT(cgroup_cpu, realtime_period) },
	{ "cpus",            JSON_TEXT, AT(cgroup_cpu, cpus) },
	{ "mems",            JSON_TEXT, AT(cgroup_cpu, mems) },
	{ "idle",            JSON_I64,  AT(cgroup_cpu, idle), .min = 0, .max = 1 },
};
static const struct json_row pids_rows[] = {
	{ "limit", JSON_I64, AT(cgroup_pids, limit), .min = -1, .max = INT64_MAX },
};
static const struct json_row weight_device_rows[] = {
	{ "major",      JSON_INT, AT(cgroup_weight_device, major), .flags = JSON_REQUIRED | JSON_ALWAYS, .min = 0, .max = MAJOR_MAX },
	{ "minor",      JSON_INT, AT(cgroup_weight_device, minor), .flags = JSON_REQUIRED | JSON_ALWAYS, .min = 0, .max = MINOR_MAX },
	{ "weight",     JSON_U64, AT(cgroup_weight_device, weight),      .min = 0, .max = WEIGHT_MAX },
	{ "leafWeight", JSON_U64, AT(cgroup_weight_device, leaf_weight), .min = 0, .max = WEIGHT_MAX },
};
static const struct json_row throttle_device_rows[] = {
	{ "major", JSON_INT, AT(cgroup_throttle_device, major), .flags = JSON_REQUIRED | JSON_ALWAYS, .min = 0, .max = MAJOR_MAX },
	{ "minor", JSON_INT, AT(cgroup_throttle_device, minor), .flags = JSON_REQUIRED | JSON_ALWAYS, .min = 0, .max = MINOR_MAX },
	{ "rate",  JSON_U64, AT(cgroup_throttle_device, rate),  .flags = JSON_REQUIRED },
};
static const struct json_row hugepage_rows[] = {
	{ "pageSize", JSON_TEXT, AT(cgroup_hugepage, page_size), .flags = JSON_REQUIRED | JSON_NOT_EMPTY },
	{ "limit",    JSON_U64,  AT(cgroup_hugepage, limit),     .flags = JSON_REQUIRED },
};
static const struct json_row priority_rows[] = {
	{ "name",     JSON_TEXT, AT(cgroup_priority, name),     .flags = JSON_REQUIRED | JSON_CLEAN | JSON_NOT_EMPTY },
	{ "priority", JSON_UINT, AT(cgroup_priority, priority), .flags = JSON_REQUIRED | JSON_ALWAYS },
};
static const struct json_row rdma_rows[] = {
	{ "hcaHandles", JSON_U64, AT(cgroup_rdma, handles), .min = 0, .max = UINT32_MAX },
	{ "hcaObjects", JSON_U64, AT(cgroup_rdma, objects), .min = 0, .max = UINT32_MAX },
};

static const struct json_object weight_device_object = JSON_OBJECT_OF(struct cgroup_weight_device, weight_device_rows);
static const struct json_object throttle_device_object = JSON_OBJECT_OF(struct cgroup_throttle_device, throttle_device_rows);
static const struct json_object priority_object = JSON_OBJECT_OF(struct cgroup_priority, priority_rows);

static const struct json_row block_io_rows[] = {
	{ "weight",                  JSON_U64,  AT(cgroup_block_io, weight),      .min = 0, .max = WEIGHT_MAX },
	{ "leafWeight",              JSON_U64,  AT(cgroup_block_io, leaf_weight), .min = 0, .max = WEIGHT_MAX },
	{ "weightDevice",            JSON_LIST, AT(cgroup_block_io, weight_device),       &weight_device_object },
	{ "throttleReadBpsDevice",   JSON_LIST, AT(cgroup_block_io, throttle_read_bps),   &throttle_device_object },
	{ "throttleWriteBpsDevice",  JSON_LIST, AT(cgroup_block_io, throttle_write_bps),  &throttle_device_object },
	{ "throttleReadIOPSDevice",  JSON_LIST, AT(cgroup_block_io, throttle_read_iops),  &throttle_device_object },
	{ "throttleWriteIOPSDevice", JSON_LIST, AT(cgroup_block_io, throttle_write_iops), &throttle_device_object },
};
static const struct json_row network_rows[] = {
	{ "classID",    JSON_U64,  AT(cgroup_network, class_id),   .min = 0, .max = UINT32_MAX },
	{ "priorities", JSON_LIST, AT(cgroup_network, priorities), &priority_object },
};

static const struct json_object device_object = JSON_OBJECT_OF(struct cgroup_device, device_rows);
static const struct json_object memory_object = JSON_OBJECT_OF(struct cgroup_memory, memory_rows);
static const struct json_object cpu_object = JSON_OBJECT_OF(struct cgroup_cpu, cpu_rows);
static const struct json_object pids_object = JSON_OBJECT_OF(struct cgroup_pids, pids_rows);
static const struct json_object block_io_object = JSON_OBJECT_OF(struct cgroup_block_io, block_io_rows);
static const struct json_object hugepage_object = JSON_OBJECT_OF(struct cgroup_hugepage, hugepage_rows);
static const struct json_object network_object = JSON_OBJECT_OF(struct cgroup_network, network_rows);
static const struct json_object rdma_object = JSON_OBJECT_OF(struct cgroup_rdma, rdma_rows);

static const struct json_row resources_rows[] = {
	{ "devices",        JSON_LIST,     AT(cgroup_resources, devices),   &device_object },
	{ "memory",         JSON_OBJECT,   AT(cgroup_resources, memory),    &memory_object },
	{ "cpu",            JSON_OBJECT,   AT(cgroup_resources, cpu),       &cpu_object },
	{ "pids",           JSON_OBJECT,   AT(cgroup_resources, pids),      &pids_object },
	{ "blockIO",        JSON_OBJECT,   AT(cgroup_resources, block_io),  &block_io_object },
	{ "hugepageLimits", JSON_LIST,     AT(cgroup_resources, hugepages), &hugepage_object },
	{ "network",        JSON_OBJECT,   AT(cgroup_resources, network),   &network_object },
	{ "rdma",           JSON_MAP,      AT(cgroup_resources, rdma),      &rdma_object, .flags = JSON_CLEAN },
	{ "unified",        JSON_MAP_TEXT, AT(cgroup_resources, unified) },
};
#undef AT
/* clang-format on */

const struct json_object cgroup_resources_object =
	JSON_OBJECT_OF(struct cgroup_resources, resources_rows);

static int invalid(struct err *err, const char *field, const char *reason)
{
	return err_set(err, ERR_INPUT, "linux.resources.%s: %s", field, reason);
}

static int check_devices(const struct cgroup_resources *resources, struct err *err)
{
	const struct cgroup_device *devices = resources->devices.items;

	for (size_t i = 0; i < resources->devices.count; i++) {
		const char *type = devices[i].type, *access = devices[i].access;

		if (type && (strlen(type) != 1 || !strchr("abc", type[0])))
			return err_set(err, ERR_INPUT,
				       "linux.resources.devices[%zu].type: \"%s\" is not a, b or c",
				       i, type);
		if (access && (!*access || strspn(access, "rwm") != strlen(access)))
			return err_set(
				err, ERR_INPUT,
				"linux.resources.devices[%zu].access: \"%s\" is not made of r, w and m",
				i, access);
	}
	return 0;
}

static int check_memory(const struct cgroup_memory *memory, struct err *err)
{
	int64_t limit = memory->limit.value, swap = memory->swap.value;

	if (swap > 0 && !limit)
		return invalid(err, "memory.swap", "needs memory.limit, whose value it includes");
	if (swap > 0 && swap < limit)
		return err_set(err, ERR_INPUT,
			       "linux.resources.memory.swap: %lld is less than memory.limit %lld, "
			       "which it includes",
			       (long long)swap, (long long)limit);
	return 0;
}

static int check_cpu(const struct cgroup_cpu *cpu, struct err *err)
{
	uint64_t shares = cpu->shares.value;

	if (shares && (shares < SHARES_MIN || shares > SHARES_MAX))
		return err_set(err, ERR_INPUT, "linux.resources.cpu.shares: %llu is outside %d..%d",
			       (unsigned long long)shares, SHARES_MIN, SHARES_MAX);
	if (cpu->cpus && *cpu->cpus && !str_is_cpu_list(cpu->cpus))
		return invalid(err, "cpu.cpus", "is not a list such as \"0-3,7\"");
	if (cpu->mems && *cpu->mems && !str_is_cpu_list(cpu->mems))
		return invalid(err, "cpu.mems", "is not a list such as \"0-3,7\"");
	if (cpu->burst.value && cpu->quota.value > 0 &&
	    cpu->burst.value > (uint64_t)cpu->quota.value)
		return invalid(err, "cpu.burst", "is more than cpu.quota");
	return 0;
}

static bool weight_is_odd(const struct opt_u64 *weight)
{
	return weight->value && (weight->value < WEIGHT_MIN || weight->value > WEIGHT_MAX);
}

static int check_block_io(const struct cgroup_block_io *block_io, struct err *err)
{
	const struct cgroup_weight_device *devices = block_io->weight_device.items;

	if (weight_is_odd(&block_io->weight))
		return invalid(err, "blockIO.weight", "is outside 10..1000");
	if (weight_is_odd(&block_io->leaf_weight))
		return invalid(err, "blockIO.leafWeight", "is outside 10..1000");
	for (size_t i = 0; i < block_io->weight_device.count; i++) {
		char field[FIELD_MAX];

		snprintf(field, sizeof(field), "blockIO.weightDevice[%zu]", i);
		if (!devices[i].weight.set && !devices[i].leaf_weight.set)
			return invalid(err, field, "needs weight or leafWeight");
		if (weight_is_odd(&devices[i].weight) || weight_is_odd(&devices[i].leaf_weight))
			return invalid(err, field, "its weight is outside 10..1000");
	}
	return 0;
}

/* "64KB", "2MB", "1GB": the spelling of the kernel's file names. */
static bool is_page_size(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && digits <= 10 && text[0] != '0' &&
	       (strcmp(text + digits, "KB") == 0 || strcmp(text + digits, "MB") == 0 ||
		strcmp(text + digits, "GB") == 0);
}

static int check_hugepages(const struct cgroup_resources *resources, struct err *err)
{
	const struct cgroup_hugepage *pages = resources->hugepages.items;

	for (size_t i = 0; i < resources->hugepages.count; i++) {
		if (!is_page_size(pages[i].page_size))
			return err_set(
				err, ERR_INPUT,
				"linux.resources.hugepageLimits[%zu].pageSize: \"%s\" is not "
				"of the form 64KB, 2MB or 1GB",
				i, pages[i].page_size);
	}
	return 0;
}

/* A name that becomes part of a line of a kernel file. */
static bool is_word(const char *text)
{
	return *text && str_is_clean(text) && !strchr(text, ' ');
}

static int check_names(const struct cgroup_resources *resources, struct err *err)
{
	const struct cgroup_priority *priorities = resources->network.priorities.items;
	const struct cgroup_rdma *rdma = resources->rdma.items;
	const struct json_pair *unified = resources->unified.items;

	for (size_t i = 0; i < resources->network.priorities.count; i++) {
		if (!is_word(priorities[i].name))
			return err_set(err, ERR_INPUT,
				       "linux.resources.network.priorities[%zu].name: not an "
				       "interface name",
				       i);
	}
	for (size_t i = 0; i < resources->rdma.count; i++) {
		if (!is_word(rdma[i].key))
			return invalid(err, "rdma", "a key is not a device name");
		if (!rdma[i].handles.set && !rdma[i].objects.set)
			return err_set(err, ERR_INPUT,
				       "linux.resources.rdma.%s: needs hcaHandles or hcaObjects",
				       rdma[i].key);
	}
	for (size_t i = 0; i < resources->unified.count; i++) {
		const char *key = unified[i].key;

		if (!is_word(key) || strchr(key, '/') || key[0] == '.' || !strchr(key, '.'))
			return err_set(
				err, ERR_INPUT,
				"linux.resources.unified: \"%s\" is not a cgroup v2 file name "
				"such as memory.high",
				key);
	}
	return 0;
}

int cgroup_check(const struct cgroup_resources *resources, struct err *err)
{
	if (check_devices(resources, err) < 0 || check_memory(&resources->memory, err) < 0 ||
	    check_cpu(&resources->cpu, err) < 0 || check_block_io(&resources->block_io, err) < 0 ||
	    check_hugepages(resources, err) < 0)
		return -1;
	return check_names(resources, err);
}

static bool asks_memory(const struct cgroup_memory *memory)
{
	return memory->limit.value || memory->reservation.value || memory->swap.value ||
	       memory->kernel.value || memory->kernel_tcp.value || memory->use_hierarchy.value ||
	       memory->disable_oom_killer.value ||
	       (memory->swappiness.set && memory->swappiness.value >= 0);
}

static bool asks_cpu(const struct cgroup_cpu *cpu)
{
	return cpu->shares.value || cpu->quota.value || cpu->period.value || cpu->burst.value ||
	       cpu->realtime_runtime.value || cpu->realtime_period.value ||
	       (cpu->cpus && *cpu->cpus) || (cpu->mems && *cpu->mems) || cpu->idle.value ||
	       cpu->uclamp_min;
}

static bool asks_block_io(const struct cgroup_block_io *block_io)
{
	return block_io->weight.value || block_io->leaf_weight.value ||
	       block_io->weight_device.count || block_io->throttle_read_bps.count ||
	       block_io->throttle_write_bps.count || block_io->throttle_read_iops.count ||
	       block_io->throttle_write_iops.count;
}

bool cgroup_asks_limits(const struct cgroup_resources *resources)
{
	return asks_memory(&resources->memory) || asks_cpu(&resources->cpu) ||
	       resources->pids.limit.set || asks_block_io(&resources->block_io) ||
	       resources->hugepages.count || resources->network.class_id.value ||
	       resources->network.priorities.count || resources->rdma.count ||
	       resources->unified.count;
}

bool cgroup_asks(const struct cgroup_resources *resources)
{
	return cgroup_asks_limits(resources) || resources->devices.count;
}
