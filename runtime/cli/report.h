/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one place that prints errors, warnings and debug lines: standard error, a log file, syslog or
 * the journal. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "runtime/masu.h"

enum report_place {
	REPORT_STDERR,
	REPORT_FILE,
	REPORT_SYSLOG,
	REPORT_JOURNAL,
};

struct report {
	enum report_place place;
	bool json;
	enum masu_log_level most;
	FILE *file;             /* REPORT_FILE */
	int journal;            /* REPORT_JOURNAL: a connected datagram socket */
	const char *identifier; /* REPORT_SYSLOG, REPORT_JOURNAL */
};

/*
 * `target` is the value of --log: a path, "file:PATH", "syslog:NAME", "journald:NAME", or NULL for
 * standard error. On failure the report writes to standard error, so that the failure can be told.
 */
int report_open(struct report *report, const char *target, struct masu_error *error);
void report_close(struct report *report);

/*
 * One failure: one line (or one JSON object) in the log, and the sentence with its hint on standard
 * error. `command` and `subject` may be NULL.
 */
void report_error(const struct report *report, const char *command, const char *subject,
		  const struct masu_error *error);

/* The library's log callback; `data` is the report. */
void report_line(enum masu_log_level level, const char *message, void *data);
