/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tables and lines from JSON texts of the library. */
#include "runtime/cli/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

#include "runtime/cli/cli.h"
#include "runtime/cli/print.h"
#include "runtime/masu.h"

void answer_format_size(char *buffer, size_t size, unsigned long long bytes)
{
	static const char units[] = "KMGTPE";
	double value = (double)bytes;
	int unit = -1;

	while (value >= 1024 && units[unit + 1]) {
		value /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(buffer, size, "%llu B", bytes);
	else
		snprintf(buffer, size, "%.*f %ciB", value < 10 ? 1 : 0, value, units[unit]);
}

static yajl_val parse(const char *json, struct masu_error *error)
{
	char why[256] = "";
	yajl_val value = yajl_tree_parse(json, why, sizeof(why));

	if (!value)
		cli_fail(error, MASU_ERR_PEER, "read the library's answer: %s", why);
	return value;
}

static yajl_val member(yajl_val object, const char *key)
{
	const char *const path[] = { key, NULL };

	return yajl_tree_get(object, (const char **)path, yajl_t_any);
}

/* What a terminal would take for a command is not shown. */
static void copy_clean(char *buffer, size_t size, const char *text)
{
	size_t at = 0;

	for (; *text && at + 1 < size; text++)
		buffer[at++] = (unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text;
	buffer[at] = '\0';
}

static void join_words(char *buffer, size_t size, yajl_val list)
{
	size_t used = 0;

	for (size_t i = 0; i < YAJL_GET_ARRAY(list)->len && used + 1 < size; i++) {
		const char *word = YAJL_GET_STRING(YAJL_GET_ARRAY(list)->values[i]);

		if (i)
			buffer[used++] = ' ';
		copy_clean(buffer + used, size - used, word ? word : "");
		used += strlen(buffer + used);
	}
}

static void format_value(char *buffer, size_t size, yajl_val value, enum answer_form form)
{
	const char *text = value ? YAJL_GET_STRING(value) : NULL;

	buffer[0] = '\0';
	if (!value)
		return;
	if (YAJL_IS_ARRAY(value) && form == ANSWER_WORDS)
		join_words(buffer, size, value);
	else if (YAJL_IS_ARRAY(value))
		snprintf(buffer, size, "%zu", YAJL_GET_ARRAY(value)->len);
	else if (YAJL_IS_NUMBER(value) && form == ANSWER_SIZE)
		answer_format_size(buffer, size, strtoull(YAJL_GET_NUMBER(value), NULL, 10));
	else if (YAJL_IS_NUMBER(value))
		snprintf(buffer, size, "%s", YAJL_GET_NUMBER(value));
	else if (YAJL_IS_TRUE(value) || YAJL_IS_FALSE(value))
		snprintf(buffer, size, "%s", YAJL_IS_TRUE(value) ? "yes" : "no");
	else if (text && form == ANSWER_SHORT)
		snprintf(buffer, size, "%.12s", strchr(text, ':') ? strchr(text, ':') + 1 : text);
	else if (text)
		copy_clean(buffer, size, text);
}

static size_t count_columns(const struct answer_column *columns)
{
	size_t count = 0;

	while (columns[count].key)
		count++;
	return count;
}

static int print_table(yajl_val list, const struct answer_column *columns)
{
	struct print_table table = { .columns = count_columns(columns) };
	char cell[1024];
	int bad = 0;

	for (size_t i = 0; i < table.columns; i++)
		bad |= print_table_add(&table, "%s", columns[i].heading);
	for (size_t row = 0; row < YAJL_GET_ARRAY(list)->len; row++) {
		for (size_t i = 0; i < table.columns; i++) {
			yajl_val value = member(YAJL_GET_ARRAY(list)->values[row], columns[i].key);

			format_value(cell, sizeof(cell), value, columns[i].form);
			bad |= print_table_add(&table, "%s", cell);
		}
	}
	print_table_end(stdout, &table);
	return bad;
}

int answer_print_table(const char *json, const char *key, const struct answer_column *columns,
		       struct masu_error *error)
{
	yajl_val document = parse(json, error);
	yajl_val list = document && key ? member(document, key) : document;

	if (!document)
		return -1;
	int bad = YAJL_IS_ARRAY(list) ? print_table(list, columns) : 0;

	yajl_tree_free(document);
	return bad ? cli_fail_sys(error, "print the table") : 0;
}

int answer_give(char *json, bool as_json, const struct answer_column *columns,
		struct masu_error *error)
{
	int result = 0;

	if (as_json)
		print_document(stdout, json);
	else
		result = answer_print_table(json, NULL, columns, error);
	free(json);
	return result;
}

int answer_print_fields(const char *json, const struct answer_column *columns,
			struct masu_error *error)
{
	yajl_val document = parse(json, error);
	char text[1024];

	if (!document)
		return -1;
	for (; columns->key; columns++) {
		yajl_val value = member(document, columns->key);

		format_value(text, sizeof(text), value, columns->form);
		if (value)
			printf("%s%s%s\n", columns->heading, *columns->heading ? ": " : "", text);
	}
	yajl_tree_free(document);
	return 0;
}

int answer_print_map(const char *json, const char *key, struct masu_error *error)
{
	yajl_val document = parse(json, error);
	yajl_val map = document ? member(document, key) : NULL;
	char text[1024];

	if (!document)
		return -1;
	for (size_t i = 0; YAJL_IS_OBJECT(map) && i < YAJL_GET_OBJECT(map)->len; i++) {
		format_value(text, sizeof(text), YAJL_GET_OBJECT(map)->values[i], ANSWER_TEXT);
		printf("%s: %s\n", YAJL_GET_OBJECT(map)->keys[i], text);
	}
	yajl_tree_free(document);
	return 0;
}

int answer_give_image(char *json, bool as_json, struct masu_error *error)
{
	static const struct answer_column digest[] = { { "digest", "", ANSWER_TEXT }, { 0 } };
	int result = 0;

	if (as_json)
		print_document(stdout, json);
	else
		result = answer_print_fields(json, digest, error);
	free(json);
	return result;
}
