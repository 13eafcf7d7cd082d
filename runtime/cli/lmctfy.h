/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lmctfy's command line: what its verbs share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct masu;
struct masu_error;

enum lmctfy_style {
	LMCTFY_PAIRS,
	LMCTFY_VALUES,
	LMCTFY_LONG,
};

/* One invocation. */
struct lmctfy {
	struct masu *masu;
	FILE *out;
	enum lmctfy_style style;
	const char *config; /* -c */
	bool force, no_wait, recursive, binary;
	bool batch;  /* a spec without a latency class is NORMAL, as in version 0.1 */
	char **args; /* behind the verb; ends with NULL */
	int arg_count;
};

/* One row of the verbs' table: `words` are one to three, "list containers". */
struct lmctfy_verb {
	const char *words;
	const char *usage;
	const char *about;
	int least, most; /* arguments; most -1: any number */
	int (*run)(struct lmctfy *lmctfy, struct masu_error *error);
};

/* Sorted, ends with a row without words. */
extern const struct lmctfy_verb lmctfy_verbs[];

/* One answer in the style that was asked for. */
void lmctfy_print(const struct lmctfy *lmctfy, const char *key, const char *value);
