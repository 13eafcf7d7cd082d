/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that commands write, and the bar that shows how far a long one is. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cli;
struct masu_error;

typedef int output_writer(int fd, const struct cli *cli, void *data, struct masu_error *error);

/* Have a file written as a whole or not at all; "-" is standard output, unless that is a terminal.
 */
int output_write(const char *path, output_writer *writer, const struct cli *cli, void *data,
		 struct masu_error *error);

struct progress_bar {
	bool on;
	int percent;    /* as shown last */
	uint64_t shown; /* bytes, where the total is not known */
};

/* For masu_progress_callback; `data` is the bar. On standard error. */
void progress_show(const char *layer, uint64_t done, uint64_t total, void *data);
void progress_clear(const struct progress_bar *bar);
