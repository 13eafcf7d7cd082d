/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The work of linux.intelRdt below a directory descriptor of the resctrl file system; tests give it
 * another directory. */
#pragma once

#include <sys/types.h>

struct arena;
struct cgroup_rdt_spec;
struct cgroup_rdt_state;
struct cgroup_rdt_stats;
struct err;

#define RESCTRL_ROOT "/sys/fs/resctrl"

int resctrl_plan_at(int root, const struct cgroup_rdt_spec *spec, const char *id,
		    struct arena *arena, struct cgroup_rdt_state *state, struct err *err);
int resctrl_create_at(int root, const struct cgroup_rdt_spec *spec,
		      const struct cgroup_rdt_state *state, const char *id, struct err *err);
int resctrl_enter_at(int root, const struct cgroup_rdt_spec *spec, const char *id, pid_t pid,
		     struct err *err);
int resctrl_destroy_at(int root, const struct cgroup_rdt_state *state, struct err *err);
int resctrl_stats_at(int root, const struct cgroup_rdt_state *state, struct arena *arena,
		     struct cgroup_rdt_stats *stats, struct err *err);
