/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What statistics and notifications are about: a container by its id, or a cgroup by its path. */
#pragma once

#include "runtime/container.h"

struct subject {
	const char *name;           /* as it was asked for */
	struct container container; /* its record is empty for a cgroup by path */
	struct cgroup *cgroup;      /* owned by the container */
};

#define SUBJECT_INIT                                                                               \
	{                                                                                          \
		.container = CONTAINER_INIT                                                        \
	}

/*
 * Open by name: "/a/b" is a cgroup below each hierarchy that has it, anything else a container.
 * ERR_NOT_FOUND. Keeps few descriptors: not the container's folder, and no lock.
 */
int subject_open(struct masu *masu, const char *name, struct subject *subject, struct err *err);
void subject_close(struct subject *subject);

#define auto_subject __attribute__((cleanup(subject_close)))

/* Its first process has ended; a cgroup by path has none. */
bool subject_has_ended(const struct subject *subject);

/* The kernel's table of interfaces in its network namespace, opened; -1 when it has none of its
 * own. Valid until the process ends. */
int subject_open_network(const struct subject *subject);
