/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text for programs and for people: JSON strings and aligned tables. */
#pragma once

#include <stddef.h>
#include <stdio.h>

/* The text as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void print_json_text(FILE *out, const char *text);

/* The text, with one newline at its end whether or not it has one. */
void print_document(FILE *out, const char *text);

/* One row is `columns` texts; the first row is the heading. */
struct print_table {
	size_t columns;
	size_t count;
	char **cells; /* count * columns, each from malloc */
};

/* Add one cell, formatted; -1 on lack of memory. */
int print_table_add(struct print_table *table, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Print it with the columns aligned, and free the cells. */
void print_table_end(FILE *out, struct print_table *table);
