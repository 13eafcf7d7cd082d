/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu events: statistics and out-of-memory kills of a container, one JSON object a line. */
#include "runtime/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

#include "runtime/cli/interval.h"
#include "runtime/masu.h"

struct events_values {
	bool stats;
	const char *interval;
};

#define MEMBER(name) offsetof(struct events_values, name)

/* clang-format off */
static const struct option_row events_rows[] = {
	{ 0, "stats",    OPTION_FLAG, MEMBER(stats),    NULL,   "print the statistics once, and end" },
	{ 0, "interval", OPTION_TEXT, MEMBER(interval), "TIME", "time between two lines of statistics, like 500ms or 1m30s (5s)" },
	{ 0 },
};

/* clang-format on */

/* Each line at once, also into a pipe; no more of them when nobody takes them. */
static bool print_line(const char *json, void *data)
{
	(void)data;
	return puts(json) >= 0 && fflush(stdout) == 0;
}

static int run_events(struct cli *cli, void *data, struct masu_error *error)
{
	const struct events_values *values = data;
	unsigned int interval_ms;
	char *json;

	cli->subject = cli->args[0];
	if (interval_parse(values->interval ? values->interval : "5s", &interval_ms, error) < 0)
		return -1;
	if (!values->stats)
		return masu_events(cli->masu, cli->args[0], interval_ms, print_line, NULL, error);
	if (masu_stats(cli->masu, cli->args[0], &json, error) < 0)
		return -1;
	print_line(json, NULL);
	free(json);
	return 0;
}

const struct command cli_events = {
	.name = "events",
	.usage = "[option...] ID",
	.about = "print statistics and out-of-memory kills of a container",
	.options = events_rows,
	.values = sizeof(struct events_values),
	.least = 1,
	.most = 1,
	.run = run_events,
};
