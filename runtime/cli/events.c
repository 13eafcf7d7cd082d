/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu events: statistics and out-of-memory kills of a container, one JSON object a line. */
#include "runtime/cli/cli.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static const struct {
	const char *name;
	unsigned int ms;
} units[] = {
	{ "ms", 1 },
	{ "s",  1000 },
	{ "m",  60 * 1000 },
	{ "h",  60 * 60 * 1000 },
};

/* clang-format on */

/* The milliseconds of a unit; 0 when it is none. */
static unsigned int unit_ms(const char *text, size_t length)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strlen(units[i].name) == length && strncmp(units[i].name, text, length) == 0)
			return units[i].ms;
	}
	return 0;
}

/* Numbers with units, one behind the other, as Go's time.Duration is written: "1m30s". */
static int parse_interval(const char *text, unsigned int *interval_ms, struct masu_error *error)
{
	unsigned long long sum = 0;
	const char *at = text;

	do {
		size_t digits = strspn(at, "0123456789");
		size_t length = strcspn(at + digits, "0123456789");
		unsigned int unit = unit_ms(at + digits, length);

		/* nine digits of hours fit into the sum */
		if (!digits || digits > 9 || !unit)
			return cli_fail(error, MASU_ERR_INPUT,
					"option --interval: \"%s\" is not a time like 5s", text);
		sum += strtoull(at, NULL, 10) * unit;
		at += digits + length;
	} while (*at && sum <= UINT_MAX);
	if (!sum || sum > UINT_MAX)
		return cli_fail(error, MASU_ERR_INPUT, "option --interval: \"%s\" is too %s", text,
				sum ? "long" : "short");
	*interval_ms = (unsigned int)sum;
	return 0;
}

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
	if (parse_interval(values->interval ? values->interval : "5s", &interval_ms, error) < 0)
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
