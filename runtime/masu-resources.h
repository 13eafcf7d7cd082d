/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libmasu: groups, which are resource-only containers with names like paths. */
#ifndef MASU_RESOURCES_H
#define MASU_RESOURCES_H

#include "masu.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A group limits and counts the processes in it, and has nothing else of a container: no root file
 * system, no namespaces. It lasts while nobody is in it, until it is destroyed. Names are paths:
 * "/a/b" is below "/a", and what limits "/a" bounds it. What a group's spec does not mention it
 * does not isolate: there its processes are with the nearest group above that does.
 *
 * A name that does not begin with "/" is taken from the caller's own group; "." and ".." mean what
 * they mean in paths. "/" stands for the machine, or for what was delegated to the user.
 *
 * The rules of masu.h hold here, too. Codes: MASU_ERR_NOT_FOUND when there is no such group,
 * MASU_ERR_STATE when somebody has removed its cgroup, or it is not empty where it should be.
 */

/*
 * A spec is JSON like masu.resources (masu-spec(5), docs/groups.md) when it begins with '{', else
 * lmctfy's ContainerSpec in protobuf's text format, else in its binary form.
 */
struct masu_group_options {
	size_t size;
	const char *name;   /* required; the group above it must exist */
	const char *spec;   /* NULL: isolates nothing */
	size_t spec_length; /* bytes of it; 0: up to its NUL */
	const char *source; /* what messages call the spec; NULL: "spec" */
	const char *owner;  /* "uid" or "uid:gid": in place of the spec's; create only */
	bool threaded;      /* cgroup v2: for threads of processes that are in a group above */
	bool v1_owner_too;  /* the spec's owner gets directories of cgroup v1 as well, where limits
			       of what they make there are theirs to change */
	bool batch_by_default; /* a spec with cpu and without a class means class normal */
	bool strict;           /* what this host cannot do is an error, not a warning */
};

/* Make a group. MASU_ERR_EXISTS; MASU_ERR_INPUT with the field's path in the text. */
MASU_API int masu_group_create(struct masu *masu, const struct masu_group_options *options,
			       struct masu_error *error);

enum masu_group_update_mode {
	MASU_GROUP_DIFF,    /* what is absent stays */
	MASU_GROUP_REPLACE, /* what is absent returns to its default; every isolated resource must
			       be there */
};

/*
 * Change its limits. MASU_ERR_STATE for a resource that it was not made to isolate; MASU_ERR_INPUT
 * for cpu.class and owner, which cannot change.
 */
MASU_API int masu_group_update(struct masu *masu, enum masu_group_update_mode mode,
			       const struct masu_group_options *options, struct masu_error *error);

enum masu_group_flags {
	MASU_GROUP_RECURSIVE = 1, /* with all groups below */
	MASU_GROUP_THREADS = 2,   /* threads, not processes */
	MASU_GROUP_FORCE = 4,
	MASU_GROUP_WANTED = 8,  /* what was asked for, not what the kernel has */
	MASU_GROUP_SUMMARY = 16 /* the counters that everybody asks for */
};

/*
 * Remove it. MASU_ERR_STATE when there are groups below, or processes or threads in it;
 * MASU_GROUP_FORCE kills and removes these first, and also what an interrupted create has left.
 */
MASU_API int masu_group_destroy(struct masu *masu, const char *name, unsigned int flags,
				struct masu_error *error);

/* Report the names of the groups below, sorted; of those right below without
   MASU_GROUP_RECURSIVE. */
MASU_API int masu_groups(struct masu *masu, const char *name, unsigned int flags,
			 masu_text_callback *report, void *data, struct masu_error *error);

/* Processes or, with MASU_GROUP_THREADS, threads in it, ascending. A process is listed where one of
   its threads is. */
MASU_API int masu_group_tasks(struct masu *masu, const char *name, unsigned int flags, pid_t **pids,
			      size_t *count, struct masu_error *error);

/* The name of the group that a process or thread is in; ESRCH. */
MASU_API int masu_group_detect(struct masu *masu, pid_t tid, char **name, struct masu_error *error);

/* Move processes into it. With MASU_GROUP_THREADS each thread alone; where the kernel moves whole
   processes only, the thread's process. */
MASU_API int masu_group_enter(struct masu *masu, const char *name, const pid_t *tids, size_t count,
			      unsigned int flags, struct masu_error *error);

/* Enter it and become the program `args` (ends with NULL, found as a shell would). Returns only
   when that failed, with -1; the process may then be in the group. */
MASU_API int masu_group_exec(struct masu *masu, const char *name, const char *const *args,
			     struct masu_error *error);

/* A new process in it, in a session of its own; `stdio` is as in masu_create_options, NULL:
   /dev/null. Returns when the program was executed; *pid is a child of the caller. */
MASU_API int masu_group_run(struct masu *masu, const char *name, const char *const *args,
			    const int *stdio, pid_t *pid, struct masu_error *error);

/* Freeze or thaw its processes and all below. */
MASU_API int masu_group_pause(struct masu *masu, const char *name, struct masu_error *error);
MASU_API int masu_group_resume(struct masu *masu, const char *name, struct masu_error *error);

/* SIGKILL to its processes; with MASU_GROUP_RECURSIVE to those below as well. Returns when they are
   gone; ETIMEDOUT names one that does not die. */
MASU_API int masu_group_kill(struct masu *masu, const char *name, unsigned int flags,
			     struct masu_error *error);

/* Take so many bytes of memory back from it; `swappiness` 0..200, or -1. EAGAIN when there was
   less to find. */
MASU_API int masu_group_reclaim(struct masu *masu, const char *name, uint64_t bytes, int swappiness,
				struct masu_error *error);

/* How answers are written. */
enum masu_group_form {
	MASU_GROUP_JSON,
	MASU_GROUP_PROTO,       /* lmctfy's message, as protobuf's text */
	MASU_GROUP_PROTO_BYTES, /* and in its binary form */
};

/* Its limits: those in force, or MASU_GROUP_WANTED. *length (may be NULL) is without the NUL. */
MASU_API int masu_group_spec(struct masu *masu, const char *name, enum masu_group_form form,
			     unsigned int flags, char **text, size_t *length,
			     struct masu_error *error);

/* What the kernel counts for it: like masu_stats(), or lmctfy's ContainerStats. Only of what it
   isolates. */
MASU_API int masu_group_stats(struct masu *masu, const char *name, enum masu_group_form form,
			      unsigned int flags, char **text, size_t *length,
			      struct masu_error *error);

/*
 * Prepare a host, once a boot; may be called again. `options.spec` is lmctfy's InitSpec, `name` is
 * not used: hierarchies of cgroup v1 that it names are mounted. MASU_ERR_STATE when one is mounted
 * elsewhere, or when a controller that groups need is nowhere.
 */
MASU_API int masu_group_init(struct masu *masu, const struct masu_group_options *options,
			     struct masu_error *error);

#ifdef __cplusplus
}
#endif

#endif /* MASU_RESOURCES_H */
