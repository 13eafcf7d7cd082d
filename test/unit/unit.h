/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The unit tests' few macros: checks that name their place and go on, and a closing line. */
#pragma once

#include <stdio.h>
#include <string.h>

static int unit_checks, unit_failures;

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		unit_checks++;                                                                     \
		if (!(condition)) {                                                                \
			unit_failures++;                                                           \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);  \
		}                                                                                  \
	} while (0)

#define CHECK_INT(have, want)                                                                      \
	do {                                                                                       \
		long long have_ = (long long)(have), want_ = (long long)(want);                    \
		unit_checks++;                                                                     \
		if (have_ != want_) {                                                              \
			unit_failures++;                                                           \
			fprintf(stderr, "%s:%d: %s is %lld, want %lld\n", __FILE__, __LINE__,      \
				#have, have_, want_);                                              \
		}                                                                                  \
	} while (0)

#define CHECK_TEXT(have, want)                                                                     \
	do {                                                                                       \
		const char *have_ = (have), *want_ = (want);                                       \
		unit_checks++;                                                                     \
		if (!have_ || strcmp(have_, want_) != 0) {                                         \
			unit_failures++;                                                           \
			fprintf(stderr, "%s:%d: %s is \"%s\", want \"%s\"\n", __FILE__, __LINE__,  \
				#have, have_ ? have_ : "(null)", want_);                           \
		}                                                                                  \
	} while (0)

/* For table-driven tests: names the row in the failures that follow. */
#define CHECK_ROW(row, condition)                                                                  \
	do {                                                                                       \
		unit_checks++;                                                                     \
		if (!(condition)) {                                                                \
			unit_failures++;                                                           \
			fprintf(stderr, "%s:%d: row \"%s\": not true: %s\n", __FILE__, __LINE__,   \
				row, #condition);                                                  \
		}                                                                                  \
	} while (0)

/* The last line of every test program's main(). A program that checked nothing has failed. */
static inline int unit_done(const char *name)
{
	printf("%s: %d passed, %d failed\n", name, unit_checks - unit_failures, unit_failures);
	return unit_failures || !unit_checks;
}
