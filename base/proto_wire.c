/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The binary form of protobuf messages: varints and lengths. */
#include "base/proto.h"

#include <string.h>

#include "base/err.h"

enum wire_type {
	WIRE_VARINT = 0,
	WIRE_64 = 1,
	WIRE_LENGTH = 2,
	WIRE_32 = 5,
};

struct input {
	const char *source;
	const unsigned char *at, *end;
	struct arena *arena;
	struct err *err;
	int depth;
};

static int broken(const struct input *input, const char *what)
{
	return err_set(input->err, ERR_INPUT, "%s: not a binary message: %s", input->source, what);
}

static bool take_varint(struct input *input, uint64_t *value)
{
	enum { VARINT_BITS = 64, GROUP_BITS = 7 };

	*value = 0;
	for (int shift = 0; shift < VARINT_BITS && input->at < input->end; shift += GROUP_BITS) {
		unsigned char byte = *input->at++;

		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* What follows with its length in front, as an input of its own. */
static bool take_piece(struct input *input, struct input *piece)
{
	uint64_t length;

	if (!take_varint(input, &length) || length > (uint64_t)(input->end - input->at))
		return false;
	*piece = *input;
	piece->end = input->at + length;
	piece->depth++;
	input->at += length;
	return true;
}

/* A field that the table does not know; its value does not matter. */
static int skip_value(struct input *input, unsigned int type)
{
	struct input piece;
	uint64_t value;
	size_t fixed = type == WIRE_64 ? 8 : 4;

	switch (type) {
	case WIRE_VARINT:
		return take_varint(input, &value) ? 0 : broken(input, "a number is cut off");
	case WIRE_LENGTH:
		return take_piece(input, &piece) ? 0 : broken(input, "a field is cut off");
	case WIRE_64:
	case WIRE_32:
		if ((size_t)(input->end - input->at) < fixed)
			return broken(input, "a number is cut off");
		input->at += fixed;
		return 0;
	default:
		return broken(input, "a field has no known type");
	}
}

static int read_message(struct input *input, const struct proto_message *message, void *target);

static int read_number(struct input *input, const struct proto_field *field, void *target)
{
	uint64_t value;

	if (!take_varint(input, &value))
		return broken(input, "a number is cut off");
	if (field->kind == PROTO_BOOL)
		value = value != 0;
	bool negative =
		(int64_t)value < 0 && field->kind != PROTO_UINT32 && field->kind != PROTO_UINT64;

	if (!proto_in_range(field->kind, negative, negative ? -value : value))
		return broken(input, "a number is out of range");
	if (field->kind == PROTO_ENUM && !names_text(field->names, (int64_t)value))
		return broken(input, "a word is not known");
	return proto_store_number(field, target, value, input->arena) < 0
		       ? err_sys(input->err, "read %s", input->source)
		       : 0;
}

/* A text, a nested message, or numbers packed together. */
static int read_piece(struct input *input, const struct proto_field *field, void *target)
{
	struct input piece;
	void *nested;

	if (!take_piece(input, &piece))
		return broken(input, "a field is cut off");
	if (field->kind == PROTO_STRING) {
		size_t length = (size_t)(piece.end - piece.at);

		if (memchr(piece.at, 0, length))
			return broken(input, "a text holds a zero byte");
		const char *text = arena_strndup(input->arena, (const char *)piece.at, length);

		return proto_store_text(field, target, text, input->arena) < 0
			       ? err_sys(input->err, "read %s", input->source)
			       : 0;
	}
	if (field->kind == PROTO_MESSAGE) {
		nested = proto_nested(field, target, input->arena);
		return nested ? read_message(&piece, field->message, nested)
			      : err_sys(input->err, "read %s", input->source);
	}
	while (piece.at < piece.end) {
		if (read_number(&piece, field, target) < 0)
			return -1;
	}
	return 0;
}

static const struct proto_field *find_field(const struct proto_message *message, uint64_t number)
{
	for (size_t i = 0; i < message->count; i++) {
		if (message->fields[i].number == number)
			return &message->fields[i];
	}
	return NULL;
}

static int read_message(struct input *input, const struct proto_message *message, void *target)
{
	if (input->depth > PROTO_DEPTH_MAX)
		return broken(input, "nested too deeply");
	while (input->at < input->end) {
		uint64_t key;

		if (!take_varint(input, &key))
			return broken(input, "a field is cut off");
		const struct proto_field *field = find_field(message, key >> 3);
		unsigned int type = key & 7;
		bool whole = field && (field->kind == PROTO_STRING || field->kind == PROTO_MESSAGE);
		int result;

		if (!field)
			result = skip_value(input, type);
		else if (type == WIRE_LENGTH && (whole || field->repeated))
			result = read_piece(input, field, target);
		else if (type == WIRE_VARINT && !whole)
			result = read_number(input, field, target);
		else
			result = broken(input, "a field has another type");
		if (result < 0)
			return -1;
	}
	return 0;
}

int proto_read_bytes(const char *source, const void *bytes, size_t length,
		     const struct proto_message *message, void *target, struct arena *arena,
		     struct err *err)
{
	struct input input = {
		.source = source,
		.at = bytes,
		.end = (const unsigned char *)bytes + length,
		.arena = arena,
		.err = err,
	};

	if (length > PROTO_LENGTH_MAX)
		return err_set(err, ERR_INPUT, "%s: longer than %d bytes", source,
			       PROTO_LENGTH_MAX);
	return read_message(&input, message, target);
}

/* The first walk measures, the second writes. */
struct output {
	unsigned char *out;
	size_t length;
};

static void put_varint(struct output *output, uint64_t value)
{
	do {
		unsigned char byte = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));

		if (output->out)
			output->out[output->length] = byte;
		output->length++;
		value >>= 7;
	} while (value);
}

static void put_message(struct output *output, const struct proto_message *message,
			const void *from);

static void put_value(struct output *output, const struct proto_field *field, const void *from,
		      size_t index)
{
	bool whole = field->kind == PROTO_STRING || field->kind == PROTO_MESSAGE;
	struct output measure = { 0 };
	const char *text;

	put_varint(output, (uint64_t)field->number << 3 | (whole ? WIRE_LENGTH : WIRE_VARINT));
	if (!whole) {
		put_varint(output, proto_number(field, from, index));
		return;
	}
	if (field->kind == PROTO_MESSAGE) {
		put_message(&measure, field->message, proto_message_at(field, from, index));
		put_varint(output, measure.length);
		put_message(output, field->message, proto_message_at(field, from, index));
		return;
	}
	text = proto_text(field, from, index);
	put_varint(output, strlen(text));
	if (output->out)
		memcpy(output->out + output->length, text, strlen(text));
	output->length += strlen(text);
}

static void put_message(struct output *output, const struct proto_message *message,
			const void *from)
{
	for (size_t i = 0; i < message->count; i++) {
		const struct proto_field *field = &message->fields[i];

		for (size_t index = 0; index < proto_count(field, from); index++)
			put_value(output, field, from, index);
	}
}

void *proto_write_bytes(const struct proto_message *message, const void *from, size_t *length,
			struct arena *arena, struct err *err)
{
	struct output output = { 0 };

	put_message(&output, message, from);
	unsigned char *bytes = arena_alloc(arena, output.length + 1);

	if (!bytes) {
		err_sys(err, "write a message of %zu bytes", output.length);
		return NULL;
	}
	output = (struct output){ .out = bytes };
	put_message(&output, message, from);
	*length = output.length;
	return bytes;
}
