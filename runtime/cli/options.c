/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parses command lines by tables; knows no command. */
#include "runtime/cli/options.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cli/cli.h"
#include "runtime/masu.h"

/* A row that was found, and the struct that its offset counts in. */
struct match {
	const struct option_row *row;
	void *target;
};

static bool match_long(const struct option_scan *scan, const char *name, size_t length,
		       struct match *match)
{
	for (int i = 0; i < OPTION_SETS; i++) {
		const struct option_row *row = scan->sets[i].rows;

		for (; row && row->name; row++) {
			if (strlen(row->name) != length || memcmp(row->name, name, length) != 0)
				continue;
			*match = (struct match){ row, scan->sets[i].target };
			return true;
		}
	}
	return false;
}

static bool match_letter(const struct option_scan *scan, char letter, struct match *match)
{
	for (int i = 0; i < OPTION_SETS; i++) {
		const struct option_row *row = scan->sets[i].rows;

		for (; row && row->name; row++) {
			if (row->letter != letter)
				continue;
			*match = (struct match){ row, scan->sets[i].target };
			return true;
		}
	}
	return false;
}

static int store_flag(const struct option_row *row, const char *value, bool *flag,
		      struct masu_error *error)
{
	if (value && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		return cli_fail(error, MASU_ERR_INPUT,
				"option --%s: takes no value but true or false", row->name);
	*flag = !value || strcmp(value, "true") == 0;
	return 0;
}

static int store_unsigned(const struct option_row *row, const char *value, unsigned int *number,
			  struct masu_error *error)
{
	char *end;

	errno = 0;
	unsigned long parsed = strtoul(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || errno || parsed > INT_MAX)
		return cli_fail(error, MASU_ERR_INPUT, "option --%s: \"%s\" is not a number",
				row->name, value);
	*number = (unsigned int)parsed;
	return 0;
}

bool options_read_size(const char *value, uint64_t *bytes)
{
	static const char letters[] = "KMGTkmgt";
	char *end;

	errno = 0;
	unsigned long long number = strtoull(value, &end, 10);
	const char *letter = *end ? strchr(letters, *end) : NULL;
	unsigned int shift = letter ? 10 * (unsigned int)((letter - letters) % 4 + 1) : 0;

	if (value[0] < '0' || value[0] > '9' || errno || (*end && (!letter || end[1])) ||
	    number > UINT64_MAX >> shift)
		return false;
	*bytes = (uint64_t)number << shift;
	return true;
}

static int store_size(const struct option_row *row, const char *value, uint64_t *bytes,
		      struct masu_error *error)
{
	if (options_read_size(value, bytes))
		return 0;
	return cli_fail(error, MASU_ERR_INPUT, "option --%s: \"%s\" is not a size", row->name,
			value);
}

static int store_word(const struct option_row *row, const char *value, int *place,
		      struct masu_error *error)
{
	size_t length = strlen(value);
	const char *word = row->value;

	for (int i = 0;; i++) {
		size_t end = strcspn(word, "|");

		if (end == length && memcmp(word, value, length) == 0) {
			*place = i;
			return 0;
		}
		if (!word[end])
			break;
		word += end + 1;
	}
	return cli_fail(error, MASU_ERR_INPUT, "option --%s: \"%s\" is none of %s", row->name,
			value, row->value);
}

/* The list gets room for as many texts as there are arguments: no option is given more often. */
static int store_text(const struct option_scan *scan, const char *value, const char ***list,
		      struct masu_error *error)
{
	size_t used = 0;

	if (!*list)
		*list = calloc((size_t)scan->count + 1, sizeof(**list));
	if (!*list)
		return cli_fail(error, ENOMEM, "out of memory");
	while ((*list)[used])
		used++;
	(*list)[used] = value;
	return 0;
}

static int store(const struct option_scan *scan, const struct match *match, const char *value,
		 struct masu_error *error)
{
	void *member = (char *)match->target + match->row->offset;

	switch (match->row->kind) {
	case OPTION_FLAG:
		return store_flag(match->row, value, member, error);
	case OPTION_TEXT:
		*(const char **)member = value;
		return 0;
	case OPTION_TEXTS:
		return store_text(scan, value, member, error);
	case OPTION_UNSIGNED:
		return store_unsigned(match->row, value, member, error);
	case OPTION_SIZE:
		return store_size(match->row, value, member, error);
	case OPTION_WORD:
		return store_word(match->row, value, member, error);
	}
	return 0;
}

/* `text` is the option without its dashes. Moves *at on when the value is the next argument. */
static int parse_long(const struct option_scan *scan, const char *text, int *at,
		      struct masu_error *error)
{
	struct match match;
	size_t length = strcspn(text, "=");
	const char *value = text[length] ? text + length + 1 : NULL;

	if (!match_long(scan, text, length, &match))
		return cli_fail(error, MASU_ERR_INPUT, "unknown option --%.*s", (int)length, text);
	if (!value && match.row->kind != OPTION_FLAG) {
		value = scan->args[*at + 1];
		if (!value)
			return cli_fail(error, MASU_ERR_INPUT, "option --%s requires an argument",
					match.row->name);
		++*at;
	}
	return store(scan, &match, value, error);
}

/* A cluster such as "-qf" or "-fjson". */
static int parse_letters(struct option_scan *scan, const char *letters, int *at,
			 struct masu_error *error)
{
	for (; *letters; letters++) {
		struct match match;
		const char *value = NULL;

		if (*letters == 'h') {
			scan->help = true;
			return 0;
		}
		if (!match_letter(scan, *letters, &match))
			return cli_fail(error, MASU_ERR_INPUT, "unknown option -%c", *letters);
		if (match.row->kind == OPTION_FLAG) {
			if (store(scan, &match, NULL, error) < 0)
				return -1;
			continue;
		}
		value = letters[1] ? letters + 1 : scan->args[*at + 1];
		if (!value)
			return cli_fail(error, MASU_ERR_INPUT, "option -%c requires an argument",
					*letters);
		if (!letters[1])
			++*at;
		return store(scan, &match, value, error);
	}
	return 0;
}

/* go-runc passes "-no-subreaper": a word behind one dash is a long option if there is one. */
static bool is_long(const struct option_scan *scan, const char *arg)
{
	struct match match;

	return arg[1] == '-' ||
	       (arg[2] && match_long(scan, arg + 1, strcspn(arg + 1, "="), &match));
}

static int parse_option(struct option_scan *scan, int *at, struct masu_error *error)
{
	const char *arg = scan->args[*at];

	if (strcmp(arg, "--help") == 0 || strcmp(arg, "-help") == 0) {
		scan->help = true;
		return 0;
	}
	if (is_long(scan, arg))
		return parse_long(scan, arg + (arg[1] == '-' ? 2 : 1), at, error);
	return parse_letters(scan, arg + 1, at, error);
}

int options_parse(struct option_scan *scan, struct masu_error *error)
{
	int kept = 0, at = 0;

	for (; at < scan->count && !scan->help; at++) {
		char *arg = scan->args[at];

		if (arg[0] != '-' || !arg[1]) {
			scan->args[kept++] = arg;
			if (!scan->stop_at_first)
				continue;
			at++;
			break;
		}
		if (strcmp(arg, "--") == 0) {
			at++;
			break;
		}
		if (parse_option(scan, &at, error) < 0)
			return -1;
	}
	while (at < scan->count)
		scan->args[kept++] = scan->args[at++];
	scan->args[kept] = NULL;
	scan->count = kept;
	return 0;
}

void options_release(const struct option_set *set)
{
	const struct option_row *row = set->rows;

	for (; row && row->name; row++) {
		if (row->kind == OPTION_TEXTS)
			free(*(const char ***)((char *)set->target + row->offset));
	}
}

/* Where a help text goes whose option fills its column. */
#define LINE_BREAK "\n                                   "

void options_print(FILE *out, const struct option_row *rows)
{
	for (; rows && rows->name; rows++) {
		char left[64];

		if (!rows->help)
			continue;
		snprintf(left, sizeof(left), "%c%c%c --%s%s%s", rows->letter ? '-' : ' ',
			 rows->letter ? rows->letter : ' ', rows->letter ? ',' : ' ', rows->name,
			 rows->value ? " " : "", rows->value ? rows->value : "");
		fprintf(out, "  %-32s%s%s\n", left, strlen(left) > 31 ? LINE_BREAK : " ",
			rows->help);
	}
}
