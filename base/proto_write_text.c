/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The writer of the protobuf text format: one field a line. */
#include "base/proto.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* Counts all bytes; keeps them where there is room: the first walk measures, the second writes. */
struct writer {
	char *out;
	size_t length;
	int depth;
};

static void put(struct writer *writer, const char *bytes, size_t count)
{
	if (writer->out)
		memcpy(writer->out + writer->length, bytes, count);
	writer->length += count;
}

static void put_text(struct writer *writer, const char *text)
{
	put(writer, text, strlen(text));
}

static void put_quoted(struct writer *writer, const char *text)
{
	char escape[8];

	put_text(writer, "\"");
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte == '"' || byte == '\\')
			snprintf(escape, sizeof(escape), "\\%c", byte);
		else if (byte == '\n')
			snprintf(escape, sizeof(escape), "\\n");
		else if (byte < ' ' || byte >= 0x7f)
			snprintf(escape, sizeof(escape), "\\%03o", byte);
		else
			snprintf(escape, sizeof(escape), "%c", byte);
		put_text(writer, escape);
	}
	put_text(writer, "\"");
}

static void put_number(struct writer *writer, const struct proto_field *field, uint64_t value)
{
	const char *word = field->kind == PROTO_ENUM   ? names_text(field->names, (int64_t)value)
			   : field->kind == PROTO_BOOL ? (value ? "true" : "false")
						       : NULL;
	char digits[24];

	if (field->kind == PROTO_UINT32 || field->kind == PROTO_UINT64)
		snprintf(digits, sizeof(digits), "%" PRIu64, value);
	else
		snprintf(digits, sizeof(digits), "%" PRId64, (int64_t)value);
	put_text(writer, word ? word : digits);
}

static void put_fields(struct writer *writer, const struct proto_message *message,
		       const void *from);

static void put_value(struct writer *writer, const struct proto_field *field, const void *from,
		      size_t index)
{
	for (int i = 0; i < writer->depth; i++)
		put_text(writer, "  ");
	put_text(writer, field->name);
	if (field->kind == PROTO_MESSAGE) {
		put_text(writer, " {\n");
		writer->depth++;
		put_fields(writer, field->message, proto_message_at(field, from, index));
		writer->depth--;
		for (int i = 0; i < writer->depth; i++)
			put_text(writer, "  ");
		put_text(writer, "}\n");
		return;
	}
	put_text(writer, ": ");
	if (field->kind == PROTO_STRING)
		put_quoted(writer, proto_text(field, from, index));
	else
		put_number(writer, field, proto_number(field, from, index));
	put_text(writer, "\n");
}

static void put_fields(struct writer *writer, const struct proto_message *message, const void *from)
{
	for (size_t i = 0; i < message->count; i++) {
		const struct proto_field *field = &message->fields[i];

		for (size_t index = 0; index < proto_count(field, from); index++)
			put_value(writer, field, from, index);
	}
}

char *proto_write_text(const struct proto_message *message, const void *from, struct arena *arena,
		       struct err *err)
{
	struct writer writer = { 0 };

	put_fields(&writer, message, from);
	char *text = arena_alloc(arena, writer.length + 1);

	if (!text) {
		err_sys(err, "write a protobuf text of %zu bytes", writer.length);
		return NULL;
	}
	writer = (struct writer){ .out = text };
	put_fields(&writer, message, from);
	return text;
}
