/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON strings and aligned tables on a stream. */
#include "runtime/cli/print.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Length of the well-formed UTF-8 sequence at `text`, 0 when it is not one (RFC 3629). */
static size_t sequence_length(const unsigned char *text)
{
	static const struct {
		unsigned char first, last, low, high;
		size_t length;
	} forms[] = {
		{ 0x01, 0x7f, 0x00, 0xff, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t have = 1;

		if (text[0] < forms[i].first || text[0] > forms[i].last)
			continue;
		if (forms[i].length > 1 && (text[1] < forms[i].low || text[1] > forms[i].high))
			return 0;
		while (have < forms[i].length && (text[have] & 0xc0) == 0x80)
			have++;
		return have == forms[i].length ? have : 0;
	}
	return 0;
}

void print_json_text(FILE *out, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	fputc('"', out);
	while (*at) {
		size_t length = sequence_length(at);

		if (length == 0)
			fputs("\\ufffd", out);
		else if (*at == '"' || *at == '\\')
			fprintf(out, "\\%c", *at);
		else if (*at == '\n')
			fputs("\\n", out);
		else if (*at < 0x20 || *at == 0x7f)
			fprintf(out, "\\u%04x", *at);
		else
			fwrite(at, 1, length, out);
		at += length ? length : 1;
	}
	fputc('"', out);
}

void print_document(FILE *out, const char *text)
{
	size_t length = strlen(text);

	while (length && text[length - 1] == '\n')
		length--;
	fwrite(text, 1, length, out);
	fputc('\n', out);
}

int print_table_add(struct print_table *table, const char *format, ...)
{
	va_list args;

	if (!(table->count & (table->count - 1))) { /* room for twice as many */
		size_t room = table->count ? table->count * 2 : 1;
		char **cells = realloc(table->cells, room * sizeof(*cells));

		if (!cells)
			return -1;
		table->cells = cells;
	}
	va_start(args, format);
	int length = vasprintf(&table->cells[table->count], format, args);
	va_end(args);
	if (length < 0)
		return -1;
	table->count++;
	return 0;
}

static int column_width(const struct print_table *table, size_t column)
{
	size_t widest = 0;

	for (size_t i = column; i < table->count; i += table->columns) {
		size_t width = strlen(table->cells[i]);

		widest = width > widest ? width : widest;
	}
	return (int)widest;
}

void print_table_end(FILE *out, struct print_table *table)
{
	int *widths = calloc(table->columns, sizeof(*widths)); /* without memory: not aligned */

	for (size_t column = 0; widths && column < table->columns; column++)
		widths[column] = column_width(table, column);
	for (size_t i = 0; i < table->count; i++) {
		size_t column = i % table->columns;

		if (column + 1 == table->columns)
			fprintf(out, "%s\n", table->cells[i]);
		else
			fprintf(out, "%-*s  ", widths ? widths[column] : 0, table->cells[i]);
	}
	free(widths);
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct print_table){ .columns = table->columns };
}
