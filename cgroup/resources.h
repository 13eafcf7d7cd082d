/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* linux.resources as decoded: one member per property of config-linux.md, "Control groups". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/str.h"

enum {
	CGROUP_ANY_DEVICE = -1, /* major or minor of a rule: all of them, the same as absent */
};

/* devices[]: applied in the listed order. */
struct cgroup_device {
	bool allow;
	const char *type; /* "a", "b", "c"; NULL is "a" */
	struct opt_i64 major, minor;
	const char *access; /* of "rwm"; NULL is all three */
};

/* Sizes in bytes; -1 is unlimited, and 0 counts as absent (engines write zeros for what the user
 * left out). */
struct cgroup_memory {
	struct opt_i64 limit, reservation, swap, kernel, kernel_tcp;
	struct opt_i64 swappiness; /* -1 is absent: what Docker writes when nothing was chosen */
	struct opt_i64 disable_oom_killer, use_hierarchy, check_before_update; /* 0 or 1 */
};

/* Times in microseconds; 0 counts as absent, a negative quota is unlimited. */
struct cgroup_cpu {
	struct opt_u64 shares;
	struct opt_i64 quota;
	struct opt_u64 period, burst;
	struct opt_i64 realtime_runtime;
	struct opt_u64 realtime_period;
	const char *cpus, *mems;
	struct opt_i64 idle;
	/* from intent, no property of linux.resources: */
	bool proportional;      /* the weight in v2 is to keep the proportions of shares */
	const char *uclamp_min; /* "max": a task that runs wants a fast CPU */
};

/* pids: 0 is a real limit, -1 is unlimited. */
struct cgroup_pids {
	struct opt_i64 limit;
};

struct cgroup_weight_device {
	int major, minor;
	struct opt_u64 weight, leaf_weight;
};

struct cgroup_throttle_device {
	int major, minor;
	struct opt_u64 rate;
};

struct cgroup_block_io {
	struct opt_u64 weight, leaf_weight;
	struct json_list weight_device;     /* struct cgroup_weight_device */
	struct json_list throttle_read_bps; /* struct cgroup_throttle_device, as the next three */
	struct json_list throttle_write_bps;
	struct json_list throttle_read_iops;
	struct json_list throttle_write_iops;
	bool proportional; /* from intent: weights are the same numbers in both versions */
};

struct cgroup_hugepage {
	const char *page_size; /* "64KB", "2MB", "1GB" */
	struct opt_u64 limit;
};

struct cgroup_priority {
	const char *name; /* of the interface */
	unsigned int priority;
};

struct cgroup_network {
	struct opt_u64 class_id;
	struct json_list priorities; /* struct cgroup_priority */
};

struct cgroup_rdma {
	const char *key; /* the device's name */
	struct opt_u64 handles, objects;
};

/* A value that was compiled from intent, and what the user wrote. */
struct cgroup_origin {
	const char *field; /* behind "linux.resources." */
	const char *from;  /* with its prefix: "masu.resources.cpu.max" */
};

struct cgroup_resources {
	struct json_list devices; /* struct cgroup_device */
	struct cgroup_memory memory;
	struct cgroup_cpu cpu;
	struct cgroup_pids pids;
	struct cgroup_block_io block_io;
	struct json_list hugepages; /* struct cgroup_hugepage */
	struct cgroup_network network;
	struct json_list rdma;    /* struct cgroup_rdma */
	struct json_list unified; /* struct json_pair: file, text */
	struct json_list origins; /* struct cgroup_origin */
};
