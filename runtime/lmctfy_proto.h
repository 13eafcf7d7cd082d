/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The messages of lmctfy 0.5 that its command line reads and writes, as structs. */
#pragma once

#include "base/proto.h"

/* ---- ContainerSpec: what `create` and `update` are given, and `spec` prints ---- */

enum lmctfy_latency {
	LMCTFY_BEST_EFFORT = 1,
	LMCTFY_NORMAL,
	LMCTFY_PRIORITY,
	LMCTFY_PREMIER,
};

struct lmctfy_mask {
	struct json_list data; /* uint64_t; the LAST one has CPUs 0 to 63 */
};

/* Thousandths of a CPU. */
struct lmctfy_cpu {
	struct opt_i64 latency; /* enum lmctfy_latency */
	struct opt_u64 limit, max_limit;
	struct lmctfy_mask *mask;
};

struct lmctfy_tmpfs {
	struct json_list paths; /* const char * */
};

struct lmctfy_dirty {
	struct opt_i64 ratio, limit, background_ratio, background_limit;
};

/* Bytes; -1 is no limit. */
struct lmctfy_memory {
	struct opt_i64 eviction_priority;
	struct opt_i64 limit, max_limit, reservation;
	const char *hugetlbfs_path;
	struct lmctfy_tmpfs *tmpfs;
	struct opt_i64 swap_limit;
	struct opt_i64 compression_sampling_ratio, stale_page_age;
	struct lmctfy_dirty *dirty;
	struct opt_i64 kmem_charge_usage;
};

struct lmctfy_block_device {
	struct opt_i64 major, minor;
};

struct lmctfy_device_limit {
	struct lmctfy_block_device *device;
	struct opt_u64 limit;
};

struct lmctfy_device_limit_set {
	struct opt_u64 default_limit;
	struct json_list device_limits; /* struct lmctfy_device_limit */
};

enum lmctfy_op_type {
	LMCTFY_OP_READ = 1,
	LMCTFY_OP_WRITE,
};

enum lmctfy_limit_type {
	LMCTFY_BYTES_PER_SECOND = 1,
	LMCTFY_IO_PER_SECOND,
};

struct lmctfy_max_limit {
	struct json_list limits; /* struct lmctfy_device_limit */
	struct opt_i64 op_type, limit_type;
};

struct lmctfy_max_limit_set {
	struct json_list max_limits; /* struct lmctfy_max_limit */
};

struct lmctfy_blockio {
	struct lmctfy_device_limit_set *device_limit_set;
	struct lmctfy_max_limit_set *max_device_limit_set;
};

struct lmctfy_empty {
	char nothing;
};

struct lmctfy_monitoring {
	struct opt_i64 enable_perf_counters;
};

struct lmctfy_filesystem {
	struct opt_u64 fd_limit;
	const char *rootfs;
};

enum lmctfy_permission {
	LMCTFY_ALLOW = 1,
	LMCTFY_DENY,
};

enum lmctfy_device_type {
	LMCTFY_CHAR,
	LMCTFY_BLOCK,
	LMCTFY_ALL,
};

enum lmctfy_access {
	LMCTFY_READ = 1,
	LMCTFY_WRITE,
	LMCTFY_MKNOD,
};

struct lmctfy_restriction {
	struct opt_i64 permission, type;
	struct json_list access; /* int64_t: enum lmctfy_access */
	struct opt_i64 major, minor;
};

struct lmctfy_restrictions {
	struct json_list restrictions; /* struct lmctfy_restriction */
};

struct lmctfy_device {
	struct lmctfy_restrictions *restrictions_set;
};

struct lmctfy_profile {
	const char *name;
};

struct lmctfy_security {
	struct lmctfy_profile *apparmor_profile;
};

struct lmctfy_spec {
	struct opt_i64 owner, owner_group, children_limit;
	struct lmctfy_cpu *cpu;
	struct lmctfy_memory *memory;
	struct lmctfy_empty *network;
	struct lmctfy_blockio *blockio;
	struct lmctfy_monitoring *monitoring;
	struct lmctfy_filesystem *filesystem;
	struct lmctfy_device *device;
	struct lmctfy_empty *virtual_host;
	struct lmctfy_security *security_spec;
};
extern const struct proto_message lmctfy_spec_message;

/* ---- InitSpec ---- */

struct lmctfy_mount {
	const char *mount_path;
	struct json_list hierarchies; /* int64_t, see lmctfy_hierarchy_names */
};

struct lmctfy_init {
	struct lmctfy_empty *parts[6];
	struct json_list cgroup_mounts; /* struct lmctfy_mount */
};
extern const struct proto_message lmctfy_init_message;

/* v1's names of the controllers behind the numbers of InitSpec. */
extern const struct name lmctfy_hierarchy_controllers[];

/* ---- ContainerStats ---- */

struct lmctfy_cpu_usage {
	struct opt_u64 total;
	struct json_list per_cpu; /* int64_t */
	struct opt_i64 user, system;
};

struct lmctfy_throttling {
	struct opt_i64 periods, throttled_periods, throttled_time;
};

struct lmctfy_cpu_stats {
	struct lmctfy_cpu_usage *usage;
	struct opt_i64 load;
	struct lmctfy_throttling *throttling_data;
};

struct lmctfy_kernel_memory {
	struct opt_i64 memory, slab_memory, stack_memory, pgtable_memory, vmalloc_memory;
};

struct lmctfy_memory_data {
	struct opt_i64 cache, rss, rss_huge, mapped_file, pgpgin, pgpgout, pgfault, pgmajfault;
	struct opt_i64 dirty, writeback, inactive_anon, active_anon, inactive_file, active_file;
	struct opt_i64 unevictable;
	struct lmctfy_kernel_memory *kernel;
};

struct lmctfy_memory_stats {
	struct opt_i64 limit, effective_limit, reservation, usage, max_usage, working_set;
	struct lmctfy_memory_data *container_data, *hierarchical_data;
	struct opt_i64 hierarchical_memory_limit, fail_count;
};

struct lmctfy_filesystem_stats {
	struct opt_i64 fd_usage;
};

struct lmctfy_stats {
	struct lmctfy_cpu_stats *cpu;
	struct lmctfy_memory_stats *memory;
	struct lmctfy_filesystem_stats *filesystem;
};
extern const struct proto_message lmctfy_stats_message;
