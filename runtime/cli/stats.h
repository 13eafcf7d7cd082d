/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What masu stats and masu top share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "runtime/cli/history.h"

struct cli;
struct masu_error;

/* A meter of the containers on the command line, or of all. May raise this process's limit of open
 * files as far as it is allowed to. */
int stats_open_meter(struct cli *cli, unsigned int flags, struct masu_meter **meter,
		     struct masu_error *error);

/* One line a container; with rates in place of sums. */
int stats_print_table(const struct history *history, bool rates, struct masu_error *error);

/* "12.3 MiB", or "-" for what is not known. */
void stats_format_size(char *text, size_t size, uint64_t bytes);
/* "1.2 MiB/s", or "-" for what is below 0. */
void stats_format_rate(char *text, size_t size, double bytes_per_second);
