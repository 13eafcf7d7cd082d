/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The time of day as records have it. */
#include "runtime/clock.h"

#include <time.h>

#include "base/arena.h"

/* Decimal digits that end before `end`, over the zeros that stand there. */
static void put_digits(char *end, long value)
{
	for (; value; value /= 10)
		*--end = (char)('0' + value % 10);
}

/*
 * "2026-11-22T07:00:00.123456789Z". Counted here, in years that begin with March so that the leap
 * day is the last: gmtime_r() would read the time zone's file at every command.
 */
char *clock_timestamp(struct arena *arena)
{
	enum { DAY = 86400, ERA_DAYS = 146097, EPOCH_DAYS = 719468 /* 0000-03-01 to 1970-01-01 */ };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	long days = now.tv_sec / DAY + EPOCH_DAYS, second = now.tv_sec % DAY;
	long era = days / ERA_DAYS, day_of_era = days % ERA_DAYS;
	long year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	long day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	long month_from_march = (5 * day_of_year + 2) / 153;
	long day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
	long month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;

	char text[] = "0000-00-00T00:00:00.000000000Z";

	put_digits(text + 4, year_of_era + era * 400 + (month <= 2));
	put_digits(text + 7, month);
	put_digits(text + 10, day);
	put_digits(text + 13, second / 3600);
	put_digits(text + 16, second / 60 % 60);
	put_digits(text + 19, second % 60);
	put_digits(text + 29, now.tv_nsec);
	return arena_strdup(arena, text);
}
