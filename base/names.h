/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables of words and the numbers that they stand for. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One row. A table ends with a row whose text is NULL. Several words may share a value. */
struct name {
	const char *text;
	int64_t value;
};

/* The value of a word, exactly as written in the table; false when the table does not have it. */
bool names_find(const struct name *table, const char *text, int64_t *value);

/* The first word for a value, or NULL. */
const char *names_text(const struct name *table, int64_t value);

/* The table's nearest word (one edit away, or equal but for case), for "did you mean"; or NULL. */
const char *names_nearest(const struct name *table, const char *text);

/* True when two words differ by case alone or by one edit (used for near-miss warnings). */
bool names_near(const char *left, const char *right);
