/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader of the protobuf text format. */
#include "base/proto.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

enum {
	PATH_SIZE = 200,
	SHOWN_MAX = 40, /* bytes of a word that a message shows */
};

struct reader {
	const char *source, *text, *at, *end;
	struct arena *arena;
	struct err *err;
	const char *names[PROTO_DEPTH_MAX]; /* of the fields that are open */
	int depth;
};

/* A name, number or punctuation mark: a piece of the document. */
struct word {
	const char *text;
	size_t length;
};

static const char blanks[] = " \t\r\n\v\f";
static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

static void write_path(const struct reader *reader, char path[PATH_SIZE])
{
	size_t length = 0;

	path[0] = '\0';
	for (int i = 0; i < reader->depth && length < PATH_SIZE; i++)
		length += (size_t)snprintf(path + length, PATH_SIZE - length, "%s%s", i ? "." : "",
					   reader->names[i]);
}

/* "spec:1:8: cpu.max_limit: REASON". Always -1. */
__attribute__((format(printf, 3, 4))) static int fail(const struct reader *reader, const char *at,
						      const char *format, ...)
{
	char path[PATH_SIZE], reason[256];
	int line = 1, column = 1;
	va_list args;

	for (const char *byte = reader->text; byte < at; byte++) {
		column = *byte == '\n' ? 1 : column + 1;
		line += *byte == '\n';
	}
	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	write_path(reader, path);
	return err_set(reader->err, ERR_INPUT, "%s:%d:%d: %s%s%s", reader->source, line, column,
		       path, path[0] ? ": " : "", reason);
}

static int fail_memory(const struct reader *reader)
{
	return err_sys(reader->err, "read %s", reader->source);
}

static void skip_blanks(struct reader *reader)
{
	while (reader->at < reader->end) {
		if (*reader->at == '#') {
			while (reader->at < reader->end && *reader->at != '\n')
				reader->at++;
		} else if (*reader->at && strchr(blanks, *reader->at)) {
			reader->at++;
		} else {
			return;
		}
	}
}

/* True when the next mark is this one, which is then passed. */
static bool take(struct reader *reader, char mark)
{
	skip_blanks(reader);
	if (reader->at == reader->end || *reader->at != mark)
		return false;
	reader->at++;
	return true;
}

static bool is_name_byte(char byte)
{
	return byte && strchr(name_bytes, byte);
}

static struct word take_word(struct reader *reader)
{
	struct word word;

	skip_blanks(reader);
	word.text = reader->at;
	while (reader->at < reader->end && is_name_byte(*reader->at))
		reader->at++;
	word.length = (size_t)(reader->at - word.text);
	return word;
}

static bool is_word(struct word word, const char *text)
{
	return strlen(text) == word.length && memcmp(text, word.text, word.length) == 0;
}

/* What stands here, for a message: printable and short. */
static const char *show(const struct reader *reader, const char *at, char shown[SHOWN_MAX + 1])
{
	size_t length = 0;

	if (at == reader->end)
		return "the end";
	while (at < reader->end && length < SHOWN_MAX && is_name_byte(*at))
		shown[length++] = *at++;
	if (!length && *at > ' ' && *at < 0x7f)
		shown[length++] = *at;
	shown[length] = '\0';
	return length ? shown : "a byte that does not belong there";
}

static int unexpected(const struct reader *reader, const char *wanted)
{
	char shown[SHOWN_MAX + 1];

	return fail(reader, reader->at, "want %s, not %s", wanted, show(reader, reader->at, shown));
}

static int digit_of(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : 16;
}

/* Decimal, 0x hexadecimal, 0 octal. false: no number; *overflow: one too large for any kind. */
static bool parse_magnitude(struct word word, uint64_t *value, bool *overflow)
{
	unsigned int base = 10;
	size_t from = 0;

	if (word.length > 1 && word.text[0] == '0') {
		base = word.text[1] == 'x' || word.text[1] == 'X' ? 16 : 8;
		from = base == 16 ? 2 : 1;
	}
	*value = 0;
	*overflow = false;
	for (size_t i = from; i < word.length; i++) {
		unsigned int digit = (unsigned int)digit_of(word.text[i]);

		if (digit >= base)
			return false;
		*overflow |= *value > (UINT64_MAX - digit) / base;
		*value = *value * base + digit;
	}
	return word.length > from;
}

static int read_number(struct reader *reader, const struct proto_field *field, void *target)
{
	skip_blanks(reader);
	const char *start = reader->at;
	bool negative = take(reader, '-'), overflow;
	struct word word = take_word(reader);
	uint64_t value;

	if (!parse_magnitude(word, &value, &overflow) ||
	    (reader->at < reader->end && *reader->at == '.')) {
		reader->at = start;
		return unexpected(reader, "a whole number");
	}
	if (overflow || !proto_in_range(field->kind, negative, value))
		return fail(reader, start, "%s%.*s is out of range", negative ? "-" : "",
			    (int)word.length, word.text);
	return proto_store_number(field, target, negative ? -value : value, reader->arena) < 0
		       ? fail_memory(reader)
		       : 0;
}

static int read_bool(struct reader *reader, const struct proto_field *field, void *target)
{
	static const struct name words[] = { { "true", 1 },  { "t", 1 },     { "True", 1 },
					     { "1", 1 },     { "false", 0 }, { "f", 0 },
					     { "False", 0 }, { "0", 0 },     { NULL, 0 } };
	struct word word = take_word(reader);

	for (const struct name *row = words; row->text; row++) {
		if (is_word(word, row->text))
			return proto_store_number(field, target, (uint64_t)row->value,
						  reader->arena) < 0
				       ? fail_memory(reader)
				       : 0;
	}
	reader->at = word.text;
	return unexpected(reader, "true or false");
}

/* The words of an enum, for a message. */
static void list_words(const struct name *names, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (const struct name *row = names; row->text && length < size; row++)
		length += (size_t)snprintf(text + length, size - length, "%s%s",
					   row == names ? "" : ", ", row->text);
}

static int read_enum(struct reader *reader, const struct proto_field *field, void *target)
{
	struct word word = take_word(reader);
	char known[160];
	uint64_t number = 0;
	bool overflow, numeric = parse_magnitude(word, &number, &overflow) && !overflow;

	for (const struct name *row = field->names; row->text; row++) {
		if (is_word(word, row->text) || (numeric && number == (uint64_t)row->value))
			return proto_store_number(field, target, (uint64_t)row->value,
						  reader->arena) < 0
				       ? fail_memory(reader)
				       : 0;
	}
	list_words(field->names, known, sizeof(known));
	reader->at = word.text;
	return unexpected(reader, known);
}

/* One escape behind a backslash; the byte, or -1. */
static int read_escape(struct reader *reader)
{
	static const char letters[] = "abfnrtv\\'\"?", bytes[] = "\a\b\f\n\r\t\v\\'\"?";
	const char *letter;
	int value = 0, digits = 0;

	if (reader->at == reader->end || !*reader->at)
		return -1;
	letter = strchr(letters, *reader->at);
	if (letter) {
		reader->at++;
		return (unsigned char)bytes[letter - letters];
	}
	int base = *reader->at == 'x' || *reader->at == 'X' ? 16 : 8;
	int most = base == 16 ? 2 : 3;

	reader->at += base == 16;
	for (; digits < most && reader->at < reader->end && digit_of(*reader->at) < base; digits++)
		value = value * base + digit_of(*reader->at++);
	return digits && value <= 0xff ? value : -1;
}

/* The inside of one pair of quotes, behind what `out` holds already. */
static int read_quoted(struct reader *reader, char quote, char *out, size_t *length)
{
	while (reader->at < reader->end && *reader->at != quote) {
		const char *start = reader->at++;
		int byte = (unsigned char)*start;

		if (byte == '\n')
			return fail(reader, start, "the text has no closing quote");
		if (byte == '\\')
			byte = read_escape(reader);
		if (byte < 0)
			return fail(reader, start, "the escape is not known");
		if (byte == 0)
			return fail(reader, start, "a text cannot hold a zero byte");
		out[(*length)++] = (char)byte;
	}
	if (reader->at == reader->end)
		return fail(reader, reader->at, "the text has no closing quote");
	reader->at++;
	return 0;
}

static int read_string(struct reader *reader, const struct proto_field *field, void *target)
{
	/* an escape is longer than its byte: what is left of the document is room enough */
	char *out = arena_alloc(reader->arena, (size_t)(reader->end - reader->at) + 1);
	size_t length = 0;
	bool any = false;

	if (!out)
		return fail_memory(reader);
	for (;;) {
		char quote = take(reader, '"') ? '"' : take(reader, '\'') ? '\'' : '\0';

		if (!quote)
			break;
		any = true;
		if (read_quoted(reader, quote, out, &length) < 0)
			return -1;
	}
	if (!any)
		return unexpected(reader, "a text in quotes");
	const char *text = arena_strndup(reader->arena, out, length);

	return proto_store_text(field, target, text, reader->arena) < 0 ? fail_memory(reader) : 0;
}

static int read_fields(struct reader *reader, const struct proto_message *message, void *target,
		       char close);

static int read_nested(struct reader *reader, const struct proto_field *field, void *target)
{
	char close = take(reader, '{') ? '}' : take(reader, '<') ? '>' : '\0';
	void *nested;

	if (!close)
		return unexpected(reader, "{");
	nested = proto_nested(field, target, reader->arena);
	return nested ? read_fields(reader, field->message, nested, close) : fail_memory(reader);
}

static int read_value(struct reader *reader, const struct proto_field *field, void *target)
{
	switch (field->kind) {
	case PROTO_MESSAGE:
		return read_nested(reader, field, target);
	case PROTO_STRING:
		return read_string(reader, field, target);
	case PROTO_ENUM:
		return read_enum(reader, field, target);
	case PROTO_BOOL:
		return read_bool(reader, field, target);
	default:
		return read_number(reader, field, target);
	}
}

/* "[1, 2]": several values of a repeated field at once. */
static int read_values(struct reader *reader, const struct proto_field *field, void *target)
{
	if (!field->repeated || !take(reader, '['))
		return read_value(reader, field, target);
	if (take(reader, ']'))
		return 0;
	do {
		if (read_value(reader, field, target) < 0)
			return -1;
	} while (take(reader, ','));
	return take(reader, ']') ? 0 : unexpected(reader, "] or a comma");
}

static const struct proto_field *find_field(const struct proto_message *message, struct word word)
{
	for (size_t i = 0; i < message->count; i++) {
		if (is_word(word, message->fields[i].name))
			return &message->fields[i];
	}
	return NULL;
}

static int read_field(struct reader *reader, const struct proto_message *message, void *target)
{
	struct word word = take_word(reader);
	const struct proto_field *field = find_field(message, word);
	int result;

	if (!word.length)
		return unexpected(reader, "the name of a field");
	if (!field)
		return fail(reader, word.text, "there is no field \"%.*s\" here",
			    word.length < SHOWN_MAX ? (int)word.length : SHOWN_MAX, word.text);
	if (reader->depth == PROTO_DEPTH_MAX)
		return fail(reader, word.text, "nested too deeply");
	reader->names[reader->depth++] = field->name;
	if (!field->repeated && proto_count(field, target))
		return fail(reader, word.text, "given twice");
	if (!take(reader, ':') && field->kind != PROTO_MESSAGE)
		return unexpected(reader, "a colon");
	result = read_values(reader, field, target);
	if (result < 0)
		return -1;
	reader->depth--;
	/* one separator may follow */
	if (!take(reader, ','))
		take(reader, ';');
	return 0;
}

static int read_fields(struct reader *reader, const struct proto_message *message, void *target,
		       char close)
{
	for (;;) {
		if (close ? take(reader, close) : (skip_blanks(reader), reader->at == reader->end))
			return 0;
		if (reader->at == reader->end)
			return fail(reader, reader->at, "a closing %c is missing", close);
		if (read_field(reader, message, target) < 0)
			return -1;
	}
}

int proto_read_text(const char *source, const char *text, size_t length,
		    const struct proto_message *message, void *target, struct arena *arena,
		    struct err *err)
{
	struct reader reader = {
		.source = source,
		.text = text,
		.at = text,
		.end = text + length,
		.arena = arena,
		.err = err,
	};

	if (length > PROTO_LENGTH_MAX)
		return err_set(err, ERR_INPUT, "%s: longer than %d bytes", source,
			       PROTO_LENGTH_MAX);
	return read_fields(&reader, message, target, '\0');
}
