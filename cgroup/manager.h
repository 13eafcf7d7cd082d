/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who makes a container's cgroups: masu itself, nobody, or systemd. Chosen once, by the driver in
 * the record. */
#pragma once

#include "cgroup/cgroup.h"
#include "cgroup/host.h"

struct cgroup_place;

/* What a plan is made from. */
struct cgroup_request {
	const char *path; /* linux.cgroupsPath; NULL or "": none */
	const char *id;
	bool required; /* something must be enforced */
};

/* A member that is NULL means that there is nothing to do. */
struct cgroup_manager {
	/* Fills the record, makes nothing. */
	int (*plan)(const struct cgroup_request *request, struct arena *arena,
		    struct cgroup_state *state, struct err *err);

	/* Take up what the spec's annotations (struct json_pair) ask of it. */
	int (*annotate)(const struct json_list *annotations, struct arena *arena,
			struct cgroup_state *state, struct err *err);

	/* Is what update and end need at hand? ERR_PLUGIN in the static program. */
	int (*reach)(struct err *err);

	/* Can processes not be born in it, nor move into it by themselves? Asked when it is opened.
	 */
	bool (*is_foreign)(const struct cgroup_state *state);

	/* Before the container's directories are made. */
	int (*begin)(struct cgroup *cgroup, const struct cgroup_resources *resources,
		     struct err *err);

	/* A directory was made, and hands nothing down yet. */
	int (*made)(struct cgroup *cgroup, struct cgroup_place *place, struct err *err);

	/* Move a process into a foreign cgroup. */
	int (*adopt)(struct cgroup *cgroup, pid_t pid, struct err *err);

	/* New limits of a live container, before they are written to its directories. */
	int (*update)(struct cgroup *cgroup, const struct cgroup_resources *resources,
		      struct err *err);

	/* Take back what begin did, and end what lives in it. Nothing there is success. */
	int (*end)(struct cgroup *cgroup, struct err *err);
};

extern const struct cgroup_manager cgroup_fs_manager, cgroup_no_manager, cgroup_systemd_manager;

/* For plan: the directory that holds a path of our own choice: the mount's root, or for a user who
 * may not write there the directory of our own cgroup's neighbours, or our own. NULL when none of
 * them is ours to use. */
const char *cgroup_choose_base(struct cgroup_host *host, struct cgroup_hierarchy *hierarchy,
			       struct arena *arena);

/* The same for a path that the spec chose, below the mount's root. */
bool cgroup_may_make(struct cgroup_host *host, struct cgroup_hierarchy *hierarchy, const char *path,
		     struct arena *arena);

/* For plan: fill in the hierarchies, each with the directory in `bases` that the path begins in.
 * Those without one, and read-only ones, are left out. */
int cgroup_plan_hierarchies(const struct cgroup_host *host, const char *const *bases, bool required,
			    struct arena *arena, struct cgroup_state *state, struct err *err);
