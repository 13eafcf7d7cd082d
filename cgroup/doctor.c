/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which controllers this host has and where, and what is known to surprise there, for `masu
 * doctor`. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/doctor.h"
#include "base/fd.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/host.h"
#include "cgroup/knobs.h"

/* The v1 hierarchy with the controller, or NULL. */
static const struct cgroup_hierarchy *find_v1(const struct cgroup_host *host, int controller)
{
	for (size_t i = 0; i < host->count; i++) {
		if (host->hierarchies[i].mask & CGROUP_BIT(controller))
			return &host->hierarchies[i];
	}
	return NULL;
}

static const struct cgroup_hierarchy *find_v2(const struct cgroup_host *host)
{
	/* always the last */
	return host->count && host->hierarchies[host->count - 1].v2
		       ? &host->hierarchies[host->count - 1]
		       : NULL;
}

/* The directory below which we would make a container's: the mount, or what a user was given. NULL
 * when we may write to neither. */
static const char *base_of(const struct cgroup_hierarchy *hierarchy, struct arena *arena)
{
	struct cgroup_state state = { 0 };

	if (cgroup_plan(CGROUP_FS, NULL, "doctor", false, arena, &state, NULL) < 0)
		return NULL;
	for (size_t i = 0; i < state.hierarchies.count; i++) {
		const struct cgroup_hierarchy_state *planned =
			&JSON_ITEMS(struct cgroup_hierarchy_state, &state.hierarchies)[i];

		if (strcmp(planned->mount, hierarchy->mount) == 0)
			return arena_strndup(arena, planned->dir,
					     (size_t)(strrchr(planned->dir, '/') - planned->dir));
	}
	return NULL;
}

static bool v2_has(const char *dir, int controller)
{
	char path[512], list[512];

	/* in v2 these are no controllers: a BPF program and cgroup.freeze do what they did */
	if (controller == CGROUP_DEVICES || controller == CGROUP_FREEZER)
		return true;
	return str_format(path, sizeof(path), "%s/cgroup.controllers", dir) == 0 &&
	       fd_read_file(AT_FDCWD, path, list, sizeof(list)) >= 0 &&
	       cgroup_controllers_parse(list, ' ', true) & CGROUP_BIT(controller);
}

/* Why it is nowhere. */
static const char *absence(int controller, struct arena *arena)
{
	const char *text = cgroup_read_text("/proc/cgroups", arena, NULL);

	return text && cgroup_host_knows(text, cgroup_controller_name(controller, false))
		       ? "in the kernel, but in no mounted hierarchy"
		       : "not in this kernel, or disabled at its start";
}

static enum doctor_state look_controller(int controller, struct doctor_note *note)
{
	auto_arena struct arena arena = { 0 };
	struct cgroup_host host = { 0 };

	if (cgroup_host_read(&arena, &host, NULL) < 0)
		return doctor_say(note, DOCTOR_WARN, "cannot be seen");
	const struct cgroup_hierarchy *v1 = find_v1(&host, controller), *v2 = find_v2(&host);
	const struct cgroup_hierarchy *has = v1                                    ? v1
					     : v2 && v2_has(v2->mount, controller) ? v2
										   : NULL;

	if (!has)
		return doctor_say(note, DOCTOR_WARN, "%s", absence(controller, &arena));
	const char *version = has->v2 ? "v2" : "v1", *base = base_of(has, &arena);

	if (has->read_only)
		return doctor_say(note, DOCTOR_WARN, "%s at %s, read-only", version, has->mount);
	if (!base || (has->v2 && !v2_has(base, controller)))
		return doctor_say(note, DOCTOR_WARN, "%s at %s, not delegated to us", version,
				  has->mount);
	return doctor_say(note, DOCTOR_OK, "%s at %s", version, has->mount);
}

static enum doctor_state look_layout(int about, struct doctor_note *note)
{
	auto_arena struct arena arena = { 0 };
	struct cgroup_host host = { 0 };

	(void)about;
	if (cgroup_host_read(&arena, &host, NULL) < 0 || !host.count)
		return doctor_say(note, DOCTOR_WARN, "no hierarchy is mounted");
	const struct cgroup_hierarchy *v2 = find_v2(&host);

	if (v2 && host.count == 1)
		return doctor_say(note, DOCTOR_OK, "v2 at %s", v2->mount);
	if (!v2)
		return doctor_say(note, DOCTOR_OK, "v1, %zu hierarchies", host.count);
	return doctor_say(note, DOCTOR_WARN, "hybrid: %zu hierarchies of v1, v2 at %s",
			  host.count - 1, v2->mount);
}

/* A plan for a container that is never made tells where its cgroups would be. */
static enum doctor_state look_delegation(int about, struct doctor_note *note)
{
	auto_arena struct arena arena = { 0 };
	struct cgroup_host host = { 0 };
	struct cgroup_state state = { 0 };

	(void)about;
	if (cgroup_host_read(&arena, &host, NULL) < 0 ||
	    cgroup_plan(CGROUP_FS, NULL, "doctor", false, &arena, &state, NULL) < 0)
		return doctor_say(note, DOCTOR_WARN, "cannot be seen");
	return doctor_say(
		note, host.count && state.hierarchies.count == host.count ? DOCTOR_OK : DOCTOR_WARN,
		"cgroups can be made in %zu of %zu hierarchies", state.hierarchies.count,
		host.count);
}

static enum doctor_state look_pressure(int about, struct doctor_note *note)
{
	char text[256];

	(void)about;
	if (fd_read_file(AT_FDCWD, "/proc/pressure/memory", text, sizeof(text)) > 0)
		return doctor_say(note, DOCTOR_OK, "/proc/pressure");
	return doctor_say(note, DOCTOR_WARN, "%s",
			  errno == EOPNOTSUPP ? "in the kernel, but off" : "not in this kernel");
}

/* Every cgroup but the root has the file where swap is counted. */
static enum doctor_state look_swap(int about, struct doctor_note *note)
{
	auto_arena struct arena arena = { 0 };
	struct cgroup_host host = { 0 };
	char path[512];

	(void)about;
	if (cgroup_host_read(&arena, &host, NULL) < 0 ||
	    cgroup_host_read_own(&arena, &host, NULL) < 0)
		return doctor_say(note, DOCTOR_WARN, "cannot be seen");
	const struct cgroup_hierarchy *v1 = find_v1(&host, CGROUP_MEMORY), *v2 = find_v2(&host);
	const char *own = v2 ? cgroup_host_own_dir(v2, &arena) : NULL;

	if (v1)
		str_format(path, sizeof(path), "%s/memory.memsw.limit_in_bytes", v1->mount);
	else if (own && strcmp(own, v2->mount) != 0)
		str_format(path, sizeof(path), "%s/memory.swap.max", own);
	else
		return doctor_say(note, DOCTOR_OK, "cannot be seen from the root cgroup");
	return doctor_say(note, access(path, F_OK) == 0 ? DOCTOR_OK : DOCTOR_WARN, "%s%s",
			  access(path, F_OK) == 0 ? "" : "no ", path);
}

/* A number in a file of /proc/sys that is 0 on an ordinary host. */
static enum doctor_state look_zone_reclaim(int about, struct doctor_note *note)
{
	char text[32] = "0";

	(void)about;
	if (fd_read_file(AT_FDCWD, "/proc/sys/vm/zone_reclaim_mode", text, sizeof(text)) < 0)
		return doctor_say(note, DOCTOR_OK, "one memory node");
	return doctor_say(note, strcmp(text, "0") == 0 ? DOCTOR_OK : DOCTOR_WARN,
			  "vm.zone_reclaim_mode is %s", text);
}

/* With CONFIG_RT_GROUP_SCHED every cgroup of the v1 hierarchy has a real-time budget, at first 0.
 */
static enum doctor_state look_realtime(int about, struct doctor_note *note)
{
	auto_arena struct arena arena = { 0 };
	struct cgroup_host host = { 0 };
	char path[512];

	(void)about;
	const struct cgroup_hierarchy *v1 =
		cgroup_host_read(&arena, &host, NULL) == 0 ? find_v1(&host, CGROUP_CPU) : NULL;

	if (v1 && str_format(path, sizeof(path), "%s/cpu.rt_runtime_us", v1->mount) == 0 &&
	    access(path, F_OK) == 0)
		return doctor_say(note, DOCTOR_WARN, "%s", path);
	return doctor_say(note, DOCTOR_OK, "not bound to cgroups");
}

static enum doctor_state look_resctrl(int about, struct doctor_note *note)
{
	(void)about;
	if (cgroup_rdt_available())
		return doctor_say(note, DOCTOR_OK, "mounted");
	return doctor_say(note, DOCTOR_WARN, "not mounted");
}

/* clang-format off */
#define CONTROLLER(name, controller, field) \
	{ "cgroup " name, look_controller, controller, field " is refused", "see cgroup_disable= on the kernel's command line; v1 needs a mount, v2 a word in cgroup.subtree_control of the cgroups above, a user delegation" }

const struct doctor_row cgroup_doctor_rows[] = {
	{ "cgroup layout",     look_layout, 0,
	  "a controller is in one version only: linux.resources.unified reaches those in v2", "start the kernel with cgroup_no_v1=all (systemd: systemd.unified_cgroup_hierarchy=1)" },
	{ "cgroup delegation", look_delegation, 0,
	  "no limits, statistics and freezing in the others", "root: mount them read-write; a user: `systemd-run --user --scope -p Delegate=yes`, or own the parent of the shell's cgroup" },
	CONTROLLER("cpu",        CGROUP_CPU,        "linux.resources.cpu"),
	CONTROLLER("cpuset",     CGROUP_CPUSET,     "linux.resources.cpu.cpus and mems"),
	CONTROLLER("memory",     CGROUP_MEMORY,     "linux.resources.memory"),
	CONTROLLER("pids",       CGROUP_PIDS,       "linux.resources.pids"),
	CONTROLLER("io",         CGROUP_BLKIO,      "linux.resources.blockIO"),
	CONTROLLER("devices",    CGROUP_DEVICES,    "linux.resources.devices"),
	CONTROLLER("freezer",    CGROUP_FREEZER,    "masu pause"),
	CONTROLLER("hugetlb",    CGROUP_HUGETLB,    "linux.resources.hugepageLimits"),
	CONTROLLER("rdma",       CGROUP_RDMA,       "linux.resources.rdma"),
	{ "swap accounting", look_swap, 0, "linux.resources.memory.swap is left out, with a warning", "start the kernel with swapaccount=1" },
	{ "pressure (PSI)",  look_pressure, 0, "statistics without pressure, no notifications of it", "start the kernel with psi=1" },
	{ "zone reclaim",    look_zone_reclaim, 0, "memory of the nearest node is reclaimed before another is used: containers get slow far below their limits", "sysctl vm.zone_reclaim_mode=0" },
	{ "real-time groups", look_realtime, 0, "a container has no real-time budget: process.scheduler SCHED_FIFO and SCHED_RR fail", "set linux.resources.cpu.realtimeRuntime, and a budget in the cgroups above" },
	{ "resctrl",         look_resctrl, 0, "linux.intelRdt is refused", "mount -t resctrl resctrl /sys/fs/resctrl, on processors that have it" },
	{ 0 },
};

/* clang-format on */

int cgroup_each_need(const struct cgroup_resources *resources, struct arena *arena,
		     cgroup_need *tell, void *data, struct err *err)
{
	struct cgroup_writes writes = { .arena = arena };
	char check[32];

	/* the table of v2 has a row for every property; what is of v1 alone has no file there */
	if (cgroup_knobs_compile(&cgroup_v2_knobs, UINT32_MAX, resources, &writes, err) < 0)
		return -1;
	for (size_t i = 0; i < writes.count; i++) {
		const char *name = cgroup_controller_name(writes.items[i].controller, true);

		if (name && writes.items[i].file &&
		    str_format(check, sizeof(check), "cgroup %s", name) == 0)
			tell(writes.items[i].field, check, data);
	}
	return 0;
}
