/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device access: the rules of a container in order, as v1 devices.allow lines or as a BPF program.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

struct arena;
struct bpf_insn;
struct err;

/* Bits as the kernel has them: BPF_DEVCG_ACC_* and BPF_DEVCG_DEV_*. */
enum device_access {
	DEVICE_MKNOD = 1,
	DEVICE_READ = 2,
	DEVICE_WRITE = 4,
	DEVICE_ALL = 7,
};

enum device_type {
	DEVICE_ANY = 0,
	DEVICE_BLOCK = 1,
	DEVICE_CHAR = 2,
};

struct device_rule {
	bool allow;
	enum device_type type;
	int64_t major, minor; /* -1: all */
	unsigned int access;
};

/*
 * What holds for a device and one kind of access: the last rule that matches both, or `allow` when
 * none does. The rules begin behind the last one that covers every device, which is what `allow`
 * comes from; without one all is denied.
 */
struct device_rules {
	bool allow;
	struct device_rule *items;
	size_t count;
};

/*
 * The spec's devices[] (struct cgroup_device) in their order, then what every container has: mknod
 * of anything, the devices of config-linux.md "Default Devices", terminals and /dev/net/tun. The
 * latter are left out where the spec allows everything, so that what it then denies stays denied.
 */
int device_rules_build(const struct json_list *devices, struct arena *arena,
		       struct device_rules *rules, struct err *err);

/* The rule itself: may this access happen? For tests, and the definition of what both back ends do.
 */
bool device_rules_allow(const struct device_rules *rules, enum device_type type, uint32_t major,
			uint32_t minor, unsigned int access);

/*
 * The same as v1's state: each exception from `allow` once. False when v1 cannot say it: its
 * exceptions are matched by equality, so one cannot be cut out of a wildcard.
 */
bool device_rules_flatten(const struct device_rules *rules, struct device_rule *exceptions,
			  size_t *count);

/* "c 1:3 rwm" for devices.allow and devices.deny. */
enum {
	DEVICE_LINE_MAX = 48,
};

const char *device_rule_line(const struct device_rule *rule, char line[DEVICE_LINE_MAX]);

/* The program for BPF_PROG_TYPE_CGROUP_DEVICE; NULL when there is no memory. */
struct bpf_insn *device_program(const struct device_rules *rules, struct arena *arena,
				size_t *length);

/*
 * Load and attach to a cgroup directory. A live container's older programs are replaced in one step
 * where there is one, else they are detached after the new one is in force, so that there is no
 * moment without a filter.
 */
int device_program_attach(int cgroup, const struct device_rules *rules, bool live,
			  struct arena *arena, struct err *err);

/* Take all programs off that directory; having none is success. */
int device_program_detach(int cgroup, struct err *err);
