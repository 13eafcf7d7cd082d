/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the plug-in "systemd" does: calls over D-Bus, each with a deadline. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "cgroup/unit.h"

struct arena;
struct err;
struct systemd_bus;

/*
 * Every function returns 0, or -1 with the error: ERR_NOT_FOUND when systemd knows no such unit,
 * ETIMEDOUT when it did not answer within the time given to open.
 */
struct systemd_ops {
	/* The system's manager, or the one of the calling user. NULL when it cannot be reached. */
	struct systemd_bus *(*open)(bool user, int timeout_ms, struct err *err);
	void (*close)(struct systemd_bus *bus);

	/* A property of type "s" of a unit, or with NULL of the manager itself; in the arena. */
	const char *(*get)(struct systemd_bus *bus, const char *unit, const char *property,
			   struct arena *arena, struct err *err);

	/* Make a transient unit and wait until it is active. What this systemd does not know is
	 * left out and marked as unknown. */
	int (*start)(struct systemd_bus *bus, const char *unit, struct json_list *properties,
		     struct err *err);

	/* Change properties of a unit until the next boot; unknown ones as above. */
	int (*set)(struct systemd_bus *bus, const char *unit, struct json_list *properties,
		   struct err *err);

	/* Move a process into the directory `below` of a unit's cgroup. */
	int (*attach)(struct systemd_bus *bus, const char *unit, const char *below, int pid,
		      struct err *err);

	/* Stop a unit, wait until it has gone and forget that it may have failed. */
	int (*stop)(struct systemd_bus *bus, const char *unit, struct err *err);
};
