/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What cgroup hierarchies this host has: for each one its mount, its controllers, and whether we
 * may write there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

/* Every controller that Linux has or had in either version; the bit in a mask is 1 << value. */
enum cgroup_controller {
	CGROUP_CPU,
	CGROUP_CPUACCT,
	CGROUP_CPUSET,
	CGROUP_MEMORY,
	CGROUP_DEVICES, /* v2: a BPF program instead */
	CGROUP_FREEZER, /* v2: cgroup.freeze instead */
	CGROUP_BLKIO,   /* v2: "io" */
	CGROUP_PIDS,
	CGROUP_HUGETLB,
	CGROUP_RDMA,
	CGROUP_NET_CLS,
	CGROUP_NET_PRIO,
	CGROUP_PERF_EVENT,
	CGROUP_MISC,
	CGROUP_DMEM,
	CGROUP_CORE, /* not a controller: the cgroup.* files that every v2 directory has */
	CGROUP_CONTROLLERS,
};

#define CGROUP_BIT(controller) (UINT32_C(1) << (controller))

/* "memory"; the v2 word where it differs ("io"). NULL when that version has no such controller. */
const char *cgroup_controller_name(enum cgroup_controller controller, bool v2);

/* Mask of the controllers in a list separated by `separator`; words that are no controllers are
 * passed over. */
uint32_t cgroup_controllers_parse(const char *list, char separator, bool v2);

struct cgroup_hierarchy {
	const char *controllers; /* "cpu,cpuacct", "name=systemd"; "" for v2 */
	uint32_t mask;           /* v1 only */
	const char *mount;
	const char *root; /* which directory of the hierarchy the mount shows: "/" unless bound or
			     namespaced */
	const char *own;  /* our own directory in it, as /proc/self/cgroup says; "" until
			     cgroup_host_locate() */
	bool v2;
	bool read_only;
};

struct cgroup_host {
	struct cgroup_hierarchy *hierarchies; /* in the order of the mount table, v2 last */
	size_t count;
};

/* From the text of /proc/self/mountinfo; it is changed while it is read and stays referred to. */
int cgroup_host_parse(char *mountinfo, struct arena *arena, struct cgroup_host *host,
		      struct err *err);

/* Fill `own` from the text of /proc/self/cgroup, which is changed and stays referred to. */
void cgroup_host_locate(char *self_cgroup, struct cgroup_host *host);

/* The absolute path of our own cgroup in one hierarchy, or NULL when it lies outside what the mount
 * shows. */
const char *cgroup_host_own_dir(const struct cgroup_hierarchy *hierarchy, struct arena *arena);

/* True when the text of /proc/cgroups lists the controller as compiled in and enabled. */
bool cgroup_host_knows(const char *proc_cgroups, const char *controller);

/* Which version takes each controller's limits: what a writable v1 hierarchy holds, and what is
 * left in v2 of what its mount lists. */
struct cgroup_support {
	uint32_t v1, v2;
};

int cgroup_host_support(struct arena *arena, struct cgroup_support *support, struct err *err);

/* The three above on this host's files; one read each. */
int cgroup_host_read(struct arena *arena, struct cgroup_host *host, struct err *err);
int cgroup_host_read_own(struct arena *arena, struct cgroup_host *host, struct err *err);

/* A kernel-made file of unknown length as text in the arena. */
char *cgroup_read_text(const char *path, struct arena *arena, struct err *err);
