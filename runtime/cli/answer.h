/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The JSON that the library answers with, shown to a person. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct masu_error;

enum answer_form {
	ANSWER_TEXT,  /* a text, a number or a truth value as it is */
	ANSWER_SIZE,  /* bytes, as "12.3 MiB" */
	ANSWER_COUNT, /* how many items an array has */
	ANSWER_WORDS, /* an array of texts, space between */
	ANSWER_SHORT, /* a digest, as its first 12 digits */
};

/* One member of an object. A table ends with a row without a key. */
struct answer_column {
	const char *key;
	const char *heading;
	enum answer_form form;
};

/* The array of objects as a table with a line of headings; `key` names it within an object, NULL:
 * the text is the array. */
int answer_print_table(const char *json, const char *key, const struct answer_column *columns,
		       struct masu_error *error);

/* The text itself, or the same table; and free it. */
int answer_give(char *json, bool as_json, const struct answer_column *columns,
		struct masu_error *error);

/* An image: the text itself, or its digest alone; and free it. */
int answer_give_image(char *json, bool as_json, struct masu_error *error);

/* The object's members, one a line; those it does not have are left out. */
int answer_print_fields(const char *json, const struct answer_column *columns,
			struct masu_error *error);

/* The object of texts that is the member `key`, one line a text. */
int answer_print_map(const char *json, const char *key, struct masu_error *error);

/* "999 B", "12.3 MiB" */
void answer_format_size(char *buffer, size_t size, unsigned long long bytes);
