/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The encoder: walks the rows of a table over a struct, once to measure and once to write. */
#include "base/json_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* Counts all bytes; keeps those that fit, up to the first piece that does not. */
struct writer {
	char *out;
	size_t room;
	size_t written;
	size_t length;
	int indent;
	int depth;
};

static void put(struct writer *writer, const char *bytes, size_t count)
{
	writer->length += count;
	if (!writer->out || writer->length > writer->room)
		return;
	memcpy(writer->out + writer->written, bytes, count);
	writer->written += count;
}

static void put_text(struct writer *writer, const char *text)
{
	put(writer, text, strlen(text));
}

static void put_line(struct writer *writer)
{
	static const char blanks[] = "                                ";

	if (!writer->indent)
		return;
	put(writer, "\n", 1);
	for (int left = writer->indent * writer->depth; left > 0;) {
		int step = left < (int)sizeof(blanks) - 1 ? left : (int)sizeof(blanks) - 1;

		put(writer, blanks, (size_t)step);
		left -= step;
	}
}

/* What stands for a byte that JSON does not allow as it is; NULL when it may stand for itself. */
static const char *escape_of(unsigned char byte, char buffer[8])
{
	switch (byte) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	case 0x7f: /* allowed by JSON, but terminals are not to see it */
		return "\\u007f";
	default:
		if (byte >= 0x20)
			return NULL;
		snprintf(buffer, 8, "\\u%04x", byte);
		return buffer;
	}
}

static void put_string(struct writer *writer, const char *text)
{
	size_t left = strlen(text);
	char buffer[8];

	put(writer, "\"", 1);
	while (left) {
		size_t length = json_utf8_length(text, left);
		const char *escape = length == 1 ? escape_of((unsigned char)*text, buffer) : NULL;

		if (escape)
			put_text(writer, escape);
		else if (length)
			put(writer, text, length);
		else
			put(writer, "\xef\xbf\xbd", 3); /* U+FFFD */
		text += length ? length : 1;
		left -= length ? length : 1;
	}
	put(writer, "\"", 1);
}

static void put_i64(struct writer *writer, int64_t value)
{
	char buffer[24];

	snprintf(buffer, sizeof(buffer), "%" PRId64, value);
	put_text(writer, buffer);
}

static void put_u64(struct writer *writer, uint64_t value)
{
	char buffer[24];

	snprintf(buffer, sizeof(buffer), "%" PRIu64, value);
	put_text(writer, buffer);
}

/* Opens an object or list, and closes it: `empty` ones stay on one line. */
static void put_open(struct writer *writer, const char *bracket)
{
	put(writer, bracket, 1);
	writer->depth++;
}

static void put_close(struct writer *writer, const char *bracket, bool empty)
{
	writer->depth--;
	if (!empty)
		put_line(writer);
	put(writer, bracket, 1);
}

static void put_separator(struct writer *writer, bool *empty)
{
	if (!*empty)
		put(writer, ",", 1);
	*empty = false;
	put_line(writer);
}

static void put_key(struct writer *writer, const char *key)
{
	put_string(writer, key);
	put_text(writer, writer->indent ? ": " : ":");
}

static bool is_empty(const struct json_object *object, const void *target)
{
	if (object->present)
		return !*(const bool *)((const char *)target + object->present - 1);
	for (size_t i = 0; i < object->row_count; i++) {
		const struct json_row *row = &object->rows[i];

		if (!json_is_absent(row, (const char *)target + row->offset))
			return false;
	}
	return true;
}

bool json_is_absent(const struct json_row *row, const void *member)
{
	switch (row->kind) {
	case JSON_TEXT:
	case JSON_OBJECT_PTR:
		return !*(const void *const *)member;
	case JSON_BOOL:
		return !*(const bool *)member;
	case JSON_OPT_BOOL:
	case JSON_I64:
	case JSON_AMOUNT:
		return !((const struct opt_i64 *)member)->set;
	case JSON_U64:
		return !((const struct opt_u64 *)member)->set;
	case JSON_INT:
	case JSON_UINT:
	case JSON_NAME:
		return !*(const int *)member;
	case JSON_OBJECT:
	case JSON_EMBED:
		return is_empty(row->nested, member);
	case JSON_RAW:
		return !((const struct json_raw *)member)->text;
	default:
		return !((const struct json_list *)member)->items;
	}
}

static void put_object(struct writer *writer, const struct json_object *object, const void *source);

static void put_item(struct writer *writer, const struct json_row *row, const void *item)
{
	switch (row->kind) {
	case JSON_TEXTS:
		put_string(writer, *(const char *const *)item);
		break;
	case JSON_NAMES:
		put_string(writer, names_text(row->names, *(const int *)item));
		break;
	case JSON_I64S:
		put_i64(writer, *(const int64_t *)item);
		break;
	case JSON_U64S:
		put_u64(writer, *(const uint64_t *)item);
		break;
	case JSON_MAP_TEXT:
		put_key(writer, ((const struct json_pair *)item)->key);
		put_string(writer, ((const struct json_pair *)item)->value);
		break;
	case JSON_MAP:
		put_key(writer, *(const char *const *)item);
		put_object(writer, row->nested, item);
		break;
	default:
		put_object(writer, row->nested, item);
	}
}

size_t json_item_size(const struct json_row *row)
{
	switch (row->kind) {
	case JSON_TEXTS:
		return sizeof(char *);
	case JSON_NAMES:
		return sizeof(int);
	case JSON_I64S:
	case JSON_U64S:
		return sizeof(int64_t);
	case JSON_MAP_TEXT:
		return sizeof(struct json_pair);
	default:
		return row->nested->size;
	}
}

static void put_list(struct writer *writer, const struct json_row *row,
		     const struct json_list *list)
{
	bool map = row->kind == JSON_MAP || row->kind == JSON_MAP_TEXT;
	const char *item = list->items;
	bool empty = true;

	put_open(writer, map ? "{" : "[");
	for (size_t i = 0; i < list->count; i++, item += json_item_size(row)) {
		/* a number without a word cannot come from a document */
		if (row->kind == JSON_NAMES && !names_text(row->names, *(const int *)item))
			continue;
		put_separator(writer, &empty);
		put_item(writer, row, item);
	}
	put_close(writer, map ? "}" : "]", empty);
}

static void put_amount(struct writer *writer, const struct json_row *row, int64_t value)
{
	char text[JSON_AMOUNT_MAX];

	if (row->unit->print(value, text))
		put_string(writer, text);
	else
		put_i64(writer, value);
}

static void put_member(struct writer *writer, const struct json_row *row, const void *member)
{
	const char *text;

	switch (row->kind) {
	case JSON_TEXT:
		text = *(const char *const *)member;
		put_string(writer, text ? text : "");
		break;
	case JSON_BOOL:
		put_text(writer, *(const bool *)member ? "true" : "false");
		break;
	case JSON_OPT_BOOL:
		put_text(writer, ((const struct opt_i64 *)member)->value ? "true" : "false");
		break;
	case JSON_I64:
		put_i64(writer, ((const struct opt_i64 *)member)->value);
		break;
	case JSON_U64:
		put_u64(writer, ((const struct opt_u64 *)member)->value);
		break;
	case JSON_INT:
		put_i64(writer, *(const int *)member);
		break;
	case JSON_UINT:
		put_u64(writer, *(const unsigned int *)member);
		break;
	case JSON_NAME:
		put_string(writer, names_text(row->names, *(const int *)member));
		break;
	case JSON_AMOUNT:
		put_amount(writer, row, ((const struct opt_i64 *)member)->value);
		break;
	case JSON_OBJECT:
		put_object(writer, row->nested, member);
		break;
	case JSON_OBJECT_PTR:
		put_object(writer, row->nested, *(const void *const *)member);
		break;
	case JSON_RAW:
		text = ((const struct json_raw *)member)->text;
		put_text(writer, text ? text : "null");
		break;
	default:
		put_list(writer, row, member);
	}
}

static bool is_wanted(const struct json_row *row, const void *member)
{
	if (row->kind == JSON_NAME)
		return names_text(row->names, *(const int *)member) != NULL;
	if (!json_is_absent(row, member))
		return true;
	return row->flags & (JSON_ALWAYS | JSON_REQUIRED) && row->kind != JSON_OBJECT_PTR;
}

static void put_rows(struct writer *writer, const struct json_object *object, const void *source,
		     bool *empty)
{
	for (size_t i = 0; i < object->row_count; i++) {
		const struct json_row *row = &object->rows[i];
		const void *member = (const char *)source + row->offset;

		if (row->kind == JSON_EMBED) {
			put_rows(writer, row->nested, member, empty);
		} else if (is_wanted(row, member)) {
			put_separator(writer, empty);
			put_key(writer, row->name);
			put_member(writer, row, member);
		}
	}
}

static void put_object(struct writer *writer, const struct json_object *object, const void *source)
{
	bool empty = true;

	put_open(writer, "{");
	put_rows(writer, object, source, &empty);
	put_close(writer, "}", empty);
}

static char *encode(const struct json_row *row, const void *source, int indent, struct arena *arena,
		    struct err *err)
{
	struct writer measure = { .indent = indent };

	put_member(&measure, row, source);
	char *text = arena_alloc(arena, measure.length + 1);

	if (!text) {
		err_sys(err, "encode JSON of %zu bytes", measure.length);
		return NULL;
	}
	struct writer writer = { .out = text, .room = measure.length, .indent = indent };

	put_member(&writer, row, source);
	return text;
}

char *json_encode(const struct json_object *object, const void *source, int indent,
		  struct arena *arena, struct err *err)
{
	const struct json_row row = { .kind = JSON_OBJECT, .nested = object };

	return encode(&row, source, indent, arena, err);
}

char *json_encode_list(const struct json_object *object, const struct json_list *list, int indent,
		       struct arena *arena, struct err *err)
{
	const struct json_row row = { .kind = JSON_LIST, .nested = object };

	return encode(&row, list, indent, arena, err);
}

size_t json_quote(const char *text, char *buffer, size_t size)
{
	struct writer writer = { .out = buffer, .room = size ? size - 1 : 0 };

	put_string(&writer, text);
	if (size)
		buffer[writer.written] = '\0';
	return writer.length;
}

size_t json_utf8_length(const char *text, size_t size)
{
	const unsigned char *byte = (const unsigned char *)text;

	if (!size || byte[0] < 0x80)
		return size ? 1 : 0;
	size_t length = byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : 2;

	/* 0x80..0xc1: a continuation or an overlong form; above 0xf4: beyond U+10FFFF */
	if (byte[0] < 0xc2 || byte[0] > 0xf4 || length > size)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((byte[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((byte[0] == 0xe0 && byte[1] < 0xa0) || (byte[0] == 0xf0 && byte[1] < 0x90) ||
	    (byte[0] == 0xed && byte[1] > 0x9f) || (byte[0] == 0xf4 && byte[1] > 0x8f))
		return 0;
	return length;
}
