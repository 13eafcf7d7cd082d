/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container that exists: its record, its process, its cgroup; status, signals, removal. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "runtime/context.h"
#include "runtime/state.h"

struct err;

enum container_status {
	CONTAINER_CREATING,
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_PAUSED,
	CONTAINER_STOPPED,
	CONTAINER_BROKEN, /* its record cannot be read */
};

/* "creating", "created", ... as `state` and `list` print them. */
extern const struct name container_status_names[];

/* Zero-initialise with CONTAINER_INIT, release with container_close(). */
struct container {
	struct masu *masu;
	struct arena arena;
	int root_fd; /* the state root */
	int dir_fd;  /* its folder; carries the lock */
	int pidfd;   /* of the first process; -1 when there is none */
	bool locked; /* by us, when it was opened */
	bool broken;
	const char *id;
	struct state state;
	struct cgroup *cgroup; /* NULL until container_open_cgroup() */
	bool cgroup_ours;      /* what lives in its cgroup is the container, and may be killed */
};

#define CONTAINER_INIT                                                                             \
	{                                                                                          \
		.root_fd = -1, .dir_fd = -1, .pidfd = -1                                           \
	}

/* Open by id. A record that cannot be read is an error unless `broken_too`. */
int container_open(struct masu *masu, const char *id, enum state_lock lock, bool broken_too,
		   struct container *container, struct err *err);
void container_close(struct container *container);

#define auto_container __attribute__((cleanup(container_close)))

enum container_status container_status(struct container *container);

/*
 * Its first process has ended: wait for it if it is a child of ours that nobody waited for. The
 * status as masu_run() has it, or -1.
 */
int container_reap(const struct container *container);

/* Open its cgroup once; NULL state (disabled) gives a cgroup that holds nothing. */
int container_open_cgroup(struct container *container, struct err *err);

/* The OCI state as JSON text in the container's arena; `pid` as the reader sees it. */
const char *container_state_json(struct container *container, const char *status, pid_t pid,
				 struct err *err);

/*
 * Undo everything that the start table made, last row first, from the record alone; never stops
 * early, the first failure is the error. Then the poststop hooks; their failures are warnings.
 */
int container_destroy(struct container *container, struct err *err);

/* The same without a readable record: what can be guessed from the id. */
int container_destroy_broken(struct container *container, struct err *err);

/* SIGKILL to the first process and all of its cgroup, and wait until it is gone (10 s at most). */
int container_kill_all(struct container *container, struct err *err);

/* Run the hooks of a list in the runtime's namespaces. */
int container_run_hooks(struct container *container, enum spec_hook_kind kind,
			const struct json_list *hooks, const char *status, struct err *err);
