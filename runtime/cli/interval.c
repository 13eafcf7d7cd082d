/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading "1m30s"; sleeping from round to round. */
#include "runtime/cli/interval.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/cli/cli.h"
#include "runtime/masu.h"

/* clang-format off */
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

int interval_parse(const char *text, unsigned int *interval_ms, struct masu_error *error)
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

int64_t interval_clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void interval_sleep(int64_t *next_ms, unsigned int interval_ms)
{
	struct timespec until = { *next_ms / 1000, *next_ms % 1000 * 1000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
	/* rounds that were slept through, by a stopped process for one, are not made up for */
	do {
		*next_ms += interval_ms;
	} while (*next_ms <= interval_clock_ms());
}
