/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The time of day as records have it. */
#pragma once

struct arena;

/* Now, as "2026-11-22T07:00:00.123456789Z" (RFC 3339); NULL without memory. */
char *clock_timestamp(struct arena *arena);
