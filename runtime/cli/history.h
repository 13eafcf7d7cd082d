/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What changed from one reading of the counters to the next: rates, and the past of some. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/masu-watch.h"

enum {
	HISTORY_LENGTH = 32,
};

/* One container. A rate is below 0 where it is not known (yet). */
struct history_entry {
	struct history_entry *next; /* by name, as readings are */
	char *name;                 /* owned */
	struct masu_reading last;   /* its `name` is ours */

	double cpu_percent; /* of one CPU */
	double throttled_percent;
	double read, written, received, sent; /* bytes a second */
	double past[HISTORY_LENGTH];          /* cpu_percent, the newest last */
	size_t past_count;
};

struct history {
	struct history_entry *first;
	size_t count;
};

/* Take a reading in; what it no longer has is dropped. */
int history_update(struct history *history, const struct masu_reading *first,
		   struct masu_error *error);
void history_free(struct history *history);
