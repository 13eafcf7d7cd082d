/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The option parser of all commands: tables of rows, each naming the struct member that it fills.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct masu_error;

/* The C type of the member behind each kind. */
enum option_kind {
	OPTION_FLAG,     /* bool; also --x=true and --x=false */
	OPTION_TEXT,     /* const char *; the last one given counts */
	OPTION_TEXTS,    /* const char **; every one given, ends with NULL; options_release() */
	OPTION_UNSIGNED, /* unsigned int, decimal */
	OPTION_SIZE,     /* uint64_t, bytes, or with K, M, G, T behind in powers of 1024 */
	OPTION_WORD,     /* int: place of the word among those of `value`, "text|json" */
};

/* One option. A table ends with a row without a name. */
struct option_row {
	char letter; /* '\0': none */
	const char *name;
	enum option_kind kind;
	size_t offset;
	const char *value; /* what the help calls the value; for OPTION_WORD the words themselves */
	const char *help;  /* NULL: understood, but not shown */
};

/* A table and the struct that it fills. */
struct option_set {
	const struct option_row *rows;
	void *target;
};

#define OPTION_SETS 3

/* What to parse, and the outcome. */
struct option_scan {
	struct option_set sets[OPTION_SETS]; /* searched in order; rows NULL: not used */
	bool stop_at_first;                  /* options end at the first positional argument */
	char **args;                         /* ends with NULL; afterwards the positional ones */
	int count;
	bool help; /* -h or --help was met; parsing has ended there */
};

/*
 * Understands `--x v`, `--x=v`, `-x v`, `-xv`, clustered letters, long names behind a single dash
 * ("-no-subreaper") and "--". MASU_ERR_INPUT names the option.
 */
int options_parse(struct option_scan *scan, struct masu_error *error);

/* A number of bytes as OPTION_SIZE understands it. */
bool options_read_size(const char *text, uint64_t *bytes);

/* Free what OPTION_TEXTS members of the set hold. */
void options_release(const struct option_set *set);

/* One line for each row that has a help text. */
void options_print(FILE *out, const struct option_row *rows);
