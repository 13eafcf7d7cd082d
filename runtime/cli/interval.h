/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times on the command line, and waiting for the next round. */
#pragma once

#include <stdint.h>

struct masu_error;

/* Numbers with units, one behind the other, as Go's time.Duration is written: "1m30s". More than 0.
 */
int interval_parse(const char *text, unsigned int *interval_ms, struct masu_error *error);

/* CLOCK_MONOTONIC. */
int64_t interval_clock_ms(void);

/* Sleep to the end of the round; *next_ms is then the end of the one after. The clock decides, not
 * the work that was done between. */
void interval_sleep(int64_t *next_ms, unsigned int interval_ms);
