/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the probe can tell and do: two tables. */
#pragma once

#include <stddef.h>

struct out;

/* Writes one property `name` with what is in force. */
struct probe_report {
	const char *name;
	void (*write)(struct out *out, const char *name, char **argv);
};
extern const struct probe_report probe_reports[]; /* a NULL name ends it */

/* `probe NAME ARGUMENTS...`; returns the exit status. */
struct probe_action {
	const char *name;
	int arguments; /* how many at least */
	int (*run)(char **arguments);
};
extern const struct probe_action probe_actions[]; /* a NULL name ends it */
