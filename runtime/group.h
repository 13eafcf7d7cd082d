/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups: cgroups with names like paths that last while they are empty; their names and records. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/json.h"
#include "runtime/context.h"
#include "runtime/group_spec.h"

struct err;

/*
 * The records are in the folder ".groups" of the state root, one folder a group, nested as the
 * names are. A group exists when its folder has GROUP_RECORD; until it is made, and from when it is
 * unmade, the file has the other name, and only `masu gc` and `destroy --force` look at it.
 */
#define GROUP_FOLDER   ".groups"
#define GROUP_RECORD   ".group.json"
#define GROUP_CREATING ".creating.json"

enum {
	GROUP_VERSION = 1,
	GROUP_NAME_MAX = 1024, /* bytes of a whole name: its cgroup's path must stay a path */
	GROUP_PART_MAX = 128,  /* and of each part, as for a container's id */
	GROUP_DEPTH_MAX = 32,
};

struct group_record {
	unsigned int version;
	const char *name;
	const char *created;    /* RFC 3339 */
	struct json_list parts; /* int: enum cgroup_part, what it isolates */
	struct group_spec spec; /* as it was last asked for */
	struct cgroup_state cgroup;
};

/* Zero-initialise with GROUP_INIT, release with group_close(). */
struct group {
	struct masu *masu;
	struct arena arena;
	int folder; /* GROUP_FOLDER; -1 when there is none */
	int dir_fd; /* the group's folder; carries the lock; -1 for "/" */
	bool is_root;
	const char *name;
	struct cgroup_state top; /* what stands above all groups */
	struct group_record record;
	struct cgroup *cgroup; /* NULL until group_open_cgroup() */
};

#define GROUP_INIT                                                                                 \
	{                                                                                          \
		.folder = -1, .dir_fd = -1                                                         \
	}

/* ---- names (group_name.c) ---- */

/* "/", or parts of [A-Za-z0-9_.-] that begin with a letter or digit, each behind a slash. */
int group_check_name(const char *name, struct err *err);

/*
 * The name that is meant: cleaned of "//", "." and "..", a relative one taken from `base` ("/a").
 * ERR_INPUT for one that leaves "/". NULL with err.
 */
const char *group_resolve_name(const char *base, const char *name, struct arena *arena,
			       struct err *err);

/* The group above: "/a" of "/a/b", "/" of "/a". */
const char *group_parent_name(const char *name, struct arena *arena);

/* ---- records (group_record.c) ---- */

enum group_lock {
	GROUP_UNLOCKED,
	GROUP_LOCKED, /* waits up to 10 s for other commands on the same group */
};

/* Open a group by a name as given: relative ones start at the caller's own group. ERR_NOT_FOUND. */
int group_open(struct masu *masu, const char *name, enum group_lock lock, struct group *group,
	       struct err *err);

/* The same for a record in any state, for who takes it away; `record` is empty when it cannot be
 * read. */
int group_open_wreck(struct masu *masu, const char *name, struct group *group, struct err *err);
void group_close(struct group *group);

/* Has a command died half way through making or unmaking it, or is its cgroup gone? */
bool group_is_wreck(struct masu *masu, const char *name);

#define auto_group __attribute__((cleanup(group_close)))

/* Open its cgroup once. ERR_STATE when somebody has removed it. */
int group_open_cgroup(struct group *group, struct err *err);

/* The folder of a group that is to be: made and locked, its record in it. ERR_EXISTS. */
int group_begin(struct group *group, struct err *err);

/* The group is there. */
int group_finish(const struct group *group, struct err *err);

/* It is there no longer: from now on nobody finds it, nor makes another below it. */
int group_retire(const struct group *group, struct err *err);

/* A new record in the place of the old one. */
int group_write(const struct group *group, struct err *err);

/* Remove the folder; ERR_STATE when there is one below it. */
int group_forget(const struct group *group, struct err *err);

/* The names right below a group, sorted; `wrecks` takes those that are half made as well. */
int group_children(struct masu *masu, const char *name, bool wrecks, struct arena *arena,
		   struct json_list *names, struct err *err);

/* The same with all below, each before its own children. */
int group_descendants(struct masu *masu, const char *name, bool wrecks, struct arena *arena,
		      struct json_list *names, struct err *err);

/* The group that a task is in, in the arena. ESRCH. */
const char *group_detect(struct masu *masu, pid_t tid, struct arena *arena, struct err *err);

/* What it isolates (enum cgroup_part); "/" has everything. */
unsigned int group_parts(const struct group *group);

/* ---- what can be done with them (group.c, group_members.c) ---- */

struct group_creation {
	const char *name;
	const struct spec_text *spec;
	const char *owner; /* "uid" or "uid:gid", or NULL */
	bool threaded;
	bool v1_owner_too;     /* give directories of cgroup v1 to the owner as well */
	bool batch_by_default; /* a spec with cpu and without a class means class normal */
	bool strict;           /* what this host cannot do is an error, not a warning */
};

int group_create(struct masu *masu, const struct group_creation *creation, struct err *err);

enum group_update_mode {
	GROUP_UPDATE_DIFF,    /* what is absent stays */
	GROUP_UPDATE_REPLACE, /* what is absent returns to its default */
};

int group_update(struct group *group, enum group_update_mode mode, const struct spec_text *spec,
		 bool strict, struct err *err);

/* Kill and remove what is in it and below with `force`; without it ERR_STATE when there is any. */
int group_destroy(struct masu *masu, const char *name, bool force, struct err *err);

/* What is in force, read back; the parts that it isolates only. */
int group_read_effective(struct group *group, struct cgroup_intent *effective, struct err *err);

/* Where a container is to be. */
struct group_place {
	const char *group; /* the group's name, or NULL */
	const char *path; /* linux.cgroupsPath, or NULL: one that is right below a group is in it */
	const char *id;   /* the container's */
};

/* Plan a container's cgroups below a group's. 1: done; 0: it has no group. */
int group_place_container(struct masu *masu, const struct group_place *place, struct arena *arena,
			  struct cgroup_state *state, struct err *err);

/* A group's state by its name, for what only wants to read: *parts is what it isolates. 1: found;
 * 0: there is no such group. */
int group_find_state(struct masu *masu, const char *name, struct arena *arena,
		     struct cgroup_state *state, unsigned int *parts);

/* Move tasks into it: whole processes, or with `threads` each thread alone where the kernel can. */
int group_enter(struct group *group, const pid_t *tids, size_t count, bool threads,
		struct err *err);

/* Become `args` in the group; returns only when that failed. */
int group_exec(struct group *group, const char *const *args, struct err *err);

/* A new process in the group, in a session of its own, with descriptors `stdio` (three, or NULL:
 * /dev/null). Its pid, once it has executed `args`. */
pid_t group_run(struct group *group, const char *const *args, const int *stdio, struct err *err);
