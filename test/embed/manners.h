/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks of the embedding program, and what a library has to leave alone in its caller's process.
 */
#pragma once

#include <masu.h>

#include <stdio.h>
#include <string.h>

/* Failures so far, of all threads. */
extern _Atomic int failures;

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			failures++;                                                                \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);  \
		}                                                                                  \
	} while (0)

/* CALL succeeds; what it says is shown where it does not. */
#define WORKS(call)                                                                                \
	do {                                                                                       \
		struct masu_error error = { 0 };                                                   \
		if ((call) < 0) {                                                                  \
			failures++;                                                                \
			fprintf(stderr, "%s:%d: %s: %s (%d)\n", __FILE__, __LINE__, #call,         \
				error.text, error.code);                                           \
		}                                                                                  \
	} while (0)

/* CALL fails with that code, in one line that says something. */
#define FAILS(wanted, call)                                                                        \
	do {                                                                                       \
		struct masu_error error = { 0 };                                                   \
		int result = (call);                                                               \
		if (result != -1 || error.code != (wanted) || !error.text[0] ||                    \
		    strchr(error.text, '\n')) {                                                    \
			failures++;                                                                \
			fprintf(stderr, "%s:%d: %s: %d, code %d, want %d: %s\n", __FILE__,         \
				__LINE__, #call, result, error.code, wanted, error.text);          \
		}                                                                                  \
	} while (0)

struct manners;

/* Set unusual values in the process, and note down all that the library has no business with. */
struct manners *manners_note(void);

/* Check that it is as it was; frees the note. */
void manners_check(struct manners *before);
