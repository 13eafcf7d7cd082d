/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows of lmctfy's messages: names and numbers as its clients know them. */
#include "runtime/lmctfy_proto.h"

/* clang-format off */
#define AT(type, member) offsetof(struct type, member)

static const struct name latency_names[] = {
	{ "BEST_EFFORT", LMCTFY_BEST_EFFORT }, { "NORMAL", LMCTFY_NORMAL }, { "PRIORITY", LMCTFY_PRIORITY },
	{ "PREMIER", LMCTFY_PREMIER }, { NULL, 0 },
};
static const struct name op_names[] = { { "READ", LMCTFY_OP_READ }, { "WRITE", LMCTFY_OP_WRITE }, { NULL, 0 } };
static const struct name limit_names[] = {
	{ "BYTES_PER_SECOND", LMCTFY_BYTES_PER_SECOND }, { "IO_PER_SECOND", LMCTFY_IO_PER_SECOND }, { NULL, 0 },
};
static const struct name permission_names[] = { { "ALLOW", LMCTFY_ALLOW }, { "DENY", LMCTFY_DENY }, { NULL, 0 } };
static const struct name type_names[] = {
	{ "DEVICE_CHAR", LMCTFY_CHAR }, { "DEVICE_BLOCK", LMCTFY_BLOCK }, { "DEVICE_ALL", LMCTFY_ALL }, { NULL, 0 },
};
static const struct name access_names[] = {
	{ "READ", LMCTFY_READ }, { "WRITE", LMCTFY_WRITE }, { "MKNOD", LMCTFY_MKNOD }, { NULL, 0 },
};

static const struct proto_message empty_message = { .size = sizeof(struct lmctfy_empty) };

/* ---- ContainerSpec ---- */
static const struct proto_field mask_fields[] = {
	{ "data", 1, PROTO_UINT64, AT(lmctfy_mask, data), .repeated = true },
};
static const struct proto_message mask_message = PROTO_MESSAGE_OF(struct lmctfy_mask, mask_fields);

static const struct proto_field cpu_fields[] = {
	{ "scheduling_latency", 1, PROTO_ENUM,    AT(lmctfy_cpu, latency), .names = latency_names },
	{ "limit",              2, PROTO_UINT64,  AT(lmctfy_cpu, limit) },
	{ "max_limit",          3, PROTO_UINT64,  AT(lmctfy_cpu, max_limit) },
	{ "mask",               4, PROTO_MESSAGE, AT(lmctfy_cpu, mask), &mask_message },
};
static const struct proto_message cpu_message = PROTO_MESSAGE_OF(struct lmctfy_cpu, cpu_fields);

static const struct proto_field tmpfs_fields[] = {
	{ "path", 1, PROTO_STRING, AT(lmctfy_tmpfs, paths), .repeated = true },
};
static const struct proto_message tmpfs_message = PROTO_MESSAGE_OF(struct lmctfy_tmpfs, tmpfs_fields);

static const struct proto_field dirty_fields[] = {
	{ "ratio",            1, PROTO_INT32, AT(lmctfy_dirty, ratio) },
	{ "limit",            2, PROTO_INT32, AT(lmctfy_dirty, limit) },
	{ "background_ratio", 3, PROTO_INT32, AT(lmctfy_dirty, background_ratio) },
	{ "background_limit", 4, PROTO_INT32, AT(lmctfy_dirty, background_limit) },
};
static const struct proto_message dirty_message = PROTO_MESSAGE_OF(struct lmctfy_dirty, dirty_fields);

static const struct proto_field memory_fields[] = {
	{ "eviction_priority",          1,  PROTO_INT32,   AT(lmctfy_memory, eviction_priority) },
	{ "limit",                      2,  PROTO_INT64,   AT(lmctfy_memory, limit) },
	{ "max_limit",                  3,  PROTO_INT64,   AT(lmctfy_memory, max_limit) },
	{ "reservation",                4,  PROTO_INT64,   AT(lmctfy_memory, reservation) },
	{ "hugetlbfs_path",             5,  PROTO_STRING,  AT(lmctfy_memory, hugetlbfs_path) },
	{ "tmpfs",                      6,  PROTO_MESSAGE, AT(lmctfy_memory, tmpfs), &tmpfs_message },
	{ "swap_limit",                 7,  PROTO_INT64,   AT(lmctfy_memory, swap_limit) },
	{ "compression_sampling_ratio", 8,  PROTO_INT32,   AT(lmctfy_memory, compression_sampling_ratio) },
	{ "stale_page_age",             9,  PROTO_INT32,   AT(lmctfy_memory, stale_page_age) },
	{ "dirty",                      10, PROTO_MESSAGE, AT(lmctfy_memory, dirty), &dirty_message },
	{ "kmem_charge_usage",          11, PROTO_BOOL,    AT(lmctfy_memory, kmem_charge_usage) },
};
static const struct proto_message memory_message = PROTO_MESSAGE_OF(struct lmctfy_memory, memory_fields);

static const struct proto_field block_device_fields[] = {
	{ "major", 1, PROTO_INT64, AT(lmctfy_block_device, major) },
	{ "minor", 2, PROTO_INT64, AT(lmctfy_block_device, minor) },
};
static const struct proto_message block_device_message = PROTO_MESSAGE_OF(struct lmctfy_block_device, block_device_fields);

static const struct proto_field device_limit_fields[] = {
	{ "device", 1, PROTO_MESSAGE, AT(lmctfy_device_limit, device), &block_device_message },
	{ "limit",  2, PROTO_UINT64,  AT(lmctfy_device_limit, limit) },
};
static const struct proto_message device_limit_message = PROTO_MESSAGE_OF(struct lmctfy_device_limit, device_limit_fields);

static const struct proto_field device_limit_set_fields[] = {
	{ "default_limit", 1, PROTO_UINT32,  AT(lmctfy_device_limit_set, default_limit) },
	{ "device_limits", 2, PROTO_MESSAGE, AT(lmctfy_device_limit_set, device_limits), &device_limit_message, .repeated = true },
};
static const struct proto_message device_limit_set_message = PROTO_MESSAGE_OF(struct lmctfy_device_limit_set, device_limit_set_fields);

static const struct proto_field max_limit_fields[] = {
	{ "limits",     1, PROTO_MESSAGE, AT(lmctfy_max_limit, limits), &device_limit_message, .repeated = true },
	{ "op_type",    2, PROTO_ENUM,    AT(lmctfy_max_limit, op_type), .names = op_names },
	{ "limit_type", 3, PROTO_ENUM,    AT(lmctfy_max_limit, limit_type), .names = limit_names },
};
static const struct proto_message max_limit_message = PROTO_MESSAGE_OF(struct lmctfy_max_limit, max_limit_fields);

static const struct proto_field max_limit_set_fields[] = {
	{ "max_limits", 1, PROTO_MESSAGE, AT(lmctfy_max_limit_set, max_limits), &max_limit_message, .repeated = true },
};
static const struct proto_message max_limit_set_message = PROTO_MESSAGE_OF(struct lmctfy_max_limit_set, max_limit_set_fields);

static const struct proto_field blockio_fields[] = {
	{ "device_limit_set",     1, PROTO_MESSAGE, AT(lmctfy_blockio, device_limit_set), &device_limit_set_message },
	{ "max_device_limit_set", 2, PROTO_MESSAGE, AT(lmctfy_blockio, max_device_limit_set), &max_limit_set_message },
};
static const struct proto_message blockio_message = PROTO_MESSAGE_OF(struct lmctfy_blockio, blockio_fields);

static const struct proto_field monitoring_fields[] = {
	{ "enable_perf_counters", 1, PROTO_BOOL, AT(lmctfy_monitoring, enable_perf_counters) },
};
static const struct proto_message monitoring_message = PROTO_MESSAGE_OF(struct lmctfy_monitoring, monitoring_fields);

static const struct proto_field filesystem_fields[] = {
	{ "fd_limit", 1, PROTO_UINT64, AT(lmctfy_filesystem, fd_limit) },
	{ "rootfs",   2, PROTO_STRING, AT(lmctfy_filesystem, rootfs) },
};
static const struct proto_message filesystem_message = PROTO_MESSAGE_OF(struct lmctfy_filesystem, filesystem_fields);

static const struct proto_field restriction_fields[] = {
	{ "permission", 1, PROTO_ENUM,  AT(lmctfy_restriction, permission), .names = permission_names },
	{ "type",       2, PROTO_ENUM,  AT(lmctfy_restriction, type), .names = type_names },
	{ "access",     3, PROTO_ENUM,  AT(lmctfy_restriction, access), .names = access_names, .repeated = true },
	{ "major",      4, PROTO_INT64, AT(lmctfy_restriction, major) },
	{ "minor",      5, PROTO_INT64, AT(lmctfy_restriction, minor) },
};
static const struct proto_message restriction_message = PROTO_MESSAGE_OF(struct lmctfy_restriction, restriction_fields);

static const struct proto_field restrictions_fields[] = {
	{ "restrictions", 1, PROTO_MESSAGE, AT(lmctfy_restrictions, restrictions), &restriction_message, .repeated = true },
};
static const struct proto_message restrictions_message = PROTO_MESSAGE_OF(struct lmctfy_restrictions, restrictions_fields);

static const struct proto_field device_fields[] = {
	{ "restrictions_set", 1, PROTO_MESSAGE, AT(lmctfy_device, restrictions_set), &restrictions_message },
};
static const struct proto_message device_message = PROTO_MESSAGE_OF(struct lmctfy_device, device_fields);

static const struct proto_field profile_fields[] = {
	{ "name", 1, PROTO_STRING, AT(lmctfy_profile, name) },
};
static const struct proto_message profile_message = PROTO_MESSAGE_OF(struct lmctfy_profile, profile_fields);

static const struct proto_field security_fields[] = {
	{ "apparmor_profile", 1, PROTO_MESSAGE, AT(lmctfy_security, apparmor_profile), &profile_message },
};
static const struct proto_message security_message = PROTO_MESSAGE_OF(struct lmctfy_security, security_fields);

static const struct proto_field spec_fields[] = {
	{ "owner",          1,  PROTO_INT64,   AT(lmctfy_spec, owner) },
	{ "owner_group",    8,  PROTO_INT64,   AT(lmctfy_spec, owner_group) },
	{ "children_limit", 9,  PROTO_INT64,   AT(lmctfy_spec, children_limit) },
	{ "cpu",            2,  PROTO_MESSAGE, AT(lmctfy_spec, cpu), &cpu_message },
	{ "memory",         3,  PROTO_MESSAGE, AT(lmctfy_spec, memory), &memory_message },
	{ "network",        5,  PROTO_MESSAGE, AT(lmctfy_spec, network), &empty_message },
	{ "blockio",        12, PROTO_MESSAGE, AT(lmctfy_spec, blockio), &blockio_message },
	{ "monitoring",     6,  PROTO_MESSAGE, AT(lmctfy_spec, monitoring), &monitoring_message },
	{ "filesystem",     7,  PROTO_MESSAGE, AT(lmctfy_spec, filesystem), &filesystem_message },
	{ "device",         11, PROTO_MESSAGE, AT(lmctfy_spec, device), &device_message },
	{ "virtual_host",   10, PROTO_MESSAGE, AT(lmctfy_spec, virtual_host), &empty_message },
	{ "security_spec",  13, PROTO_MESSAGE, AT(lmctfy_spec, security_spec), &security_message },
};
const struct proto_message lmctfy_spec_message = PROTO_MESSAGE_OF(struct lmctfy_spec, spec_fields);

/* ---- InitSpec ---- */
static const struct name hierarchy_names[] = {
	{ "CGROUP_CPU", 1 }, { "CGROUP_CPUACCT", 2 }, { "CGROUP_CPUSET", 3 }, { "CGROUP_FREEZER", 4 }, { "CGROUP_JOB", 6 },
	{ "CGROUP_MEMORY", 7 }, { "CGROUP_NET", 8 }, { "CGROUP_PERF_EVENT", 9 }, { "CGROUP_RLIMIT", 10 }, { "CGROUP_DEVICE", 11 },
	{ "CGROUP_BLOCKIO", 12 }, { NULL, 0 },
};
/* "job" and "rlimit" were in Google's kernel only. */
const struct name lmctfy_hierarchy_controllers[] = {
	{ "cpu", 1 }, { "cpuacct", 2 }, { "cpuset", 3 }, { "freezer", 4 }, { "memory", 7 }, { "net_cls", 8 }, { "perf_event", 9 },
	{ "devices", 11 }, { "blkio", 12 }, { NULL, 0 },
};

static const struct proto_field mount_fields[] = {
	{ "mount_path", 1, PROTO_STRING, AT(lmctfy_mount, mount_path) },
	{ "hierarchy",  2, PROTO_ENUM,   AT(lmctfy_mount, hierarchies), .names = hierarchy_names, .repeated = true },
};
static const struct proto_message mount_message = PROTO_MESSAGE_OF(struct lmctfy_mount, mount_fields);

static const struct proto_field init_fields[] = {
	{ "cpu",          1, PROTO_MESSAGE, AT(lmctfy_init, parts[0]), &empty_message },
	{ "memory",       2, PROTO_MESSAGE, AT(lmctfy_init, parts[1]), &empty_message },
	{ "network",      4, PROTO_MESSAGE, AT(lmctfy_init, parts[2]), &empty_message },
	{ "monitoring",   5, PROTO_MESSAGE, AT(lmctfy_init, parts[3]), &empty_message },
	{ "filesystem",   6, PROTO_MESSAGE, AT(lmctfy_init, parts[4]), &empty_message },
	{ "blockio",      8, PROTO_MESSAGE, AT(lmctfy_init, parts[5]), &empty_message },
	{ "cgroup_mount", 7, PROTO_MESSAGE, AT(lmctfy_init, cgroup_mounts), &mount_message, .repeated = true },
};
const struct proto_message lmctfy_init_message = PROTO_MESSAGE_OF(struct lmctfy_init, init_fields);

/* ---- ContainerStats ---- */
static const struct proto_field cpu_usage_fields[] = {
	{ "total",   1, PROTO_UINT64, AT(lmctfy_cpu_usage, total) },
	{ "per_cpu", 2, PROTO_INT64,  AT(lmctfy_cpu_usage, per_cpu), .repeated = true },
	{ "user",    3, PROTO_INT64,  AT(lmctfy_cpu_usage, user) },
	{ "system",  4, PROTO_INT64,  AT(lmctfy_cpu_usage, system) },
};
static const struct proto_message cpu_usage_message = PROTO_MESSAGE_OF(struct lmctfy_cpu_usage, cpu_usage_fields);

static const struct proto_field throttling_fields[] = {
	{ "periods",           1, PROTO_INT64, AT(lmctfy_throttling, periods) },
	{ "throttled_periods", 2, PROTO_INT64, AT(lmctfy_throttling, throttled_periods) },
	{ "throttled_time",    3, PROTO_INT64, AT(lmctfy_throttling, throttled_time) },
};
static const struct proto_message throttling_message = PROTO_MESSAGE_OF(struct lmctfy_throttling, throttling_fields);

static const struct proto_field cpu_stats_fields[] = {
	{ "usage",           1, PROTO_MESSAGE, AT(lmctfy_cpu_stats, usage), &cpu_usage_message },
	{ "load",            2, PROTO_INT32,   AT(lmctfy_cpu_stats, load) },
	{ "throttling_data", 3, PROTO_MESSAGE, AT(lmctfy_cpu_stats, throttling_data), &throttling_message },
};
static const struct proto_message cpu_stats_message = PROTO_MESSAGE_OF(struct lmctfy_cpu_stats, cpu_stats_fields);

static const struct proto_field kernel_memory_fields[] = {
	{ "memory",         1, PROTO_INT64, AT(lmctfy_kernel_memory, memory) },
	{ "slab_memory",    2, PROTO_INT64, AT(lmctfy_kernel_memory, slab_memory) },
	{ "stack_memory",   3, PROTO_INT64, AT(lmctfy_kernel_memory, stack_memory) },
	{ "pgtable_memory", 4, PROTO_INT64, AT(lmctfy_kernel_memory, pgtable_memory) },
	{ "vmalloc_memory", 5, PROTO_INT64, AT(lmctfy_kernel_memory, vmalloc_memory) },
};
static const struct proto_message kernel_memory_message = PROTO_MESSAGE_OF(struct lmctfy_kernel_memory, kernel_memory_fields);

static const struct proto_field memory_data_fields[] = {
	{ "cache",         1,  PROTO_INT64,   AT(lmctfy_memory_data, cache) },
	{ "rss",           2,  PROTO_INT64,   AT(lmctfy_memory_data, rss) },
	{ "rss_huge",      3,  PROTO_INT64,   AT(lmctfy_memory_data, rss_huge) },
	{ "mapped_file",   4,  PROTO_INT64,   AT(lmctfy_memory_data, mapped_file) },
	{ "pgpgin",        5,  PROTO_INT64,   AT(lmctfy_memory_data, pgpgin) },
	{ "pgpgout",       6,  PROTO_INT64,   AT(lmctfy_memory_data, pgpgout) },
	{ "pgfault",       7,  PROTO_INT64,   AT(lmctfy_memory_data, pgfault) },
	{ "pgmajfault",    8,  PROTO_INT64,   AT(lmctfy_memory_data, pgmajfault) },
	{ "dirty",         9,  PROTO_INT64,   AT(lmctfy_memory_data, dirty) },
	{ "writeback",     10, PROTO_INT64,   AT(lmctfy_memory_data, writeback) },
	{ "inactive_anon", 11, PROTO_INT64,   AT(lmctfy_memory_data, inactive_anon) },
	{ "active_anon",   12, PROTO_INT64,   AT(lmctfy_memory_data, active_anon) },
	{ "inactive_file", 13, PROTO_INT64,   AT(lmctfy_memory_data, inactive_file) },
	{ "active_file",   14, PROTO_INT64,   AT(lmctfy_memory_data, active_file) },
	{ "unevictable",   15, PROTO_INT64,   AT(lmctfy_memory_data, unevictable) },
	{ "kernel",        17, PROTO_MESSAGE, AT(lmctfy_memory_data, kernel), &kernel_memory_message },
};
static const struct proto_message memory_data_message = PROTO_MESSAGE_OF(struct lmctfy_memory_data, memory_data_fields);

static const struct proto_field memory_stats_fields[] = {
	{ "limit",                     1,  PROTO_INT64,   AT(lmctfy_memory_stats, limit) },
	{ "effective_limit",           2,  PROTO_INT64,   AT(lmctfy_memory_stats, effective_limit) },
	{ "reservation",               3,  PROTO_INT64,   AT(lmctfy_memory_stats, reservation) },
	{ "usage",                     4,  PROTO_INT64,   AT(lmctfy_memory_stats, usage) },
	{ "max_usage",                 5,  PROTO_INT64,   AT(lmctfy_memory_stats, max_usage) },
	{ "working_set",               6,  PROTO_INT64,   AT(lmctfy_memory_stats, working_set) },
	{ "container_data",            7,  PROTO_MESSAGE, AT(lmctfy_memory_stats, container_data), &memory_data_message },
	{ "hierarchical_data",         8,  PROTO_MESSAGE, AT(lmctfy_memory_stats, hierarchical_data), &memory_data_message },
	{ "hierarchical_memory_limit", 9,  PROTO_INT64,   AT(lmctfy_memory_stats, hierarchical_memory_limit) },
	{ "fail_count",                13, PROTO_INT64,   AT(lmctfy_memory_stats, fail_count) },
};
static const struct proto_message memory_stats_message = PROTO_MESSAGE_OF(struct lmctfy_memory_stats, memory_stats_fields);

static const struct proto_field filesystem_stats_fields[] = {
	{ "fd_usage", 1, PROTO_INT64, AT(lmctfy_filesystem_stats, fd_usage) },
};
static const struct proto_message filesystem_stats_message = PROTO_MESSAGE_OF(struct lmctfy_filesystem_stats, filesystem_stats_fields);

static const struct proto_field stats_fields[] = {
	{ "cpu",        1, PROTO_MESSAGE, AT(lmctfy_stats, cpu), &cpu_stats_message },
	{ "memory",     2, PROTO_MESSAGE, AT(lmctfy_stats, memory), &memory_stats_message },
	{ "filesystem", 6, PROTO_MESSAGE, AT(lmctfy_stats, filesystem), &filesystem_stats_message },
};
const struct proto_message lmctfy_stats_message = PROTO_MESSAGE_OF(struct lmctfy_stats, stats_fields);
/* clang-format on */
