/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Statistics and events of a container as lines of JSON. */
#pragma once

#include "runtime/masu.h"
#include "runtime/subject.h"

/* The line of masu_stats(), in the arena; NULL with err. */
const char *stats_line(const struct subject *subject, struct arena *arena, struct err *err);

/* masu_events(). */
int stats_events(const struct subject *subject, unsigned int interval_ms,
		 masu_event_callback *report, void *data, struct err *err);
