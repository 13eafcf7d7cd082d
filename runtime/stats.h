/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Statistics and events of a container as lines of JSON. */
#pragma once

#include "runtime/container.h"
#include "runtime/masu.h"

/* The line of masu_stats(), in the arena; NULL with err. */
const char *container_stats(struct container *container, struct arena *arena, struct err *err);

/* masu_events(). */
int container_events(struct container *container, unsigned int interval_ms,
		     masu_event_callback *report, void *data, struct err *err);
