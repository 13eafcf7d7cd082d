/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits as intent: what a user wants of CPU, memory, devices, network and disk, in one form for
 * every version of cgroups. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/str.h"

enum {
	CGROUP_UNLIMITED = -1, /* as an amount: "max" */
};

/* How soon a waiting task is to run. */
enum cgroup_class {
	CGROUP_CLASS_NONE,  /* nothing said */
	CGROUP_BEST_EFFORT, /* only when nobody else wants the CPU */
	CGROUP_NORMAL,
	CGROUP_PRIORITY,
	CGROUP_PREMIER, /* and on a CPU that runs fast */
};

enum cgroup_pin_order {
	CGROUP_PIN_COMPACT, /* near to each other: threads of a core, cores of a package */
	CGROUP_PIN_SPREAD,  /* far from each other */
};

/* That many CPUs of its own, chosen where the fewest other cgroups have theirs. */
struct cgroup_pin {
	struct opt_i64 cpus;
	int order; /* enum cgroup_pin_order */
};

/* Amounts in thousandths of a CPU. */
struct cgroup_intent_cpu {
	struct opt_i64 share; /* what it gets when all want the CPU, against the shares of others */
	struct opt_i64 max;
	struct opt_i64 burst; /* above max, what was saved in the periods before */
	int class;            /* enum cgroup_class */
	const char *mask;     /* "0-3,7" */
	struct cgroup_pin pin;
};

/* In bytes. */
struct cgroup_intent_memory {
	struct opt_i64 guarantee; /* not taken away while others can give */
	struct opt_i64 soft;      /* beyond it, it is slowed down and reclaimed from */
	struct opt_i64 max;       /* beyond it, the kernel kills within */
	struct opt_i64 swap;      /* swap space alone */
};

/* Rates in bytes or operations a second. */
struct cgroup_intent_device {
	const char *device; /* "/dev/sda" or "8:0" */
	struct opt_i64 weight;
	struct opt_i64 read, write, read_ops, write_ops;
};

struct cgroup_intent_io {
	struct opt_i64 weight;    /* 10..1000, and 100 is what others have */
	struct json_list devices; /* struct cgroup_intent_device */
};

struct cgroup_intent_pids {
	struct opt_i64 max;
};

/* Applied to the container's link by net/ (the rates, in bytes a second) and by the v1 controller
 * net_prio. */
struct cgroup_intent_network {
	struct opt_i64 egress, ingress;
	struct opt_i64 priority;
};

struct cgroup_intent_hugepage {
	const char *size; /* "2M" */
	struct opt_i64 max;
};

/* Applied by storage/. */
struct cgroup_intent_disk {
	struct opt_i64 size, inodes;
};

struct cgroup_intent {
	struct cgroup_intent_cpu cpu;
	struct cgroup_intent_memory memory;
	struct cgroup_intent_io io;
	struct cgroup_intent_pids pids;
	struct cgroup_intent_network network;
	struct json_list hugepages; /* struct cgroup_intent_hugepage */
	struct cgroup_intent_disk disk;
};

extern const struct name cgroup_class_names[];

/* How the amounts are written; parse() and print() are free for other forms of the same spec. */
extern const struct json_unit cgroup_unit_cpu, cgroup_unit_bytes, cgroup_unit_rate,
	cgroup_unit_count;
