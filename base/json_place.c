/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the decoder is, for messages; and what its texts must be. */
#include "base/json_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum {
	TEXT_BLOCK = 2048, /* texts are packed into blocks of this size */
};

size_t json_line(const struct json_decoder *decoder, size_t offset)
{
	const char *at = decoder->text;
	const char *end = at + (offset < decoder->length ? offset : decoder->length);
	size_t line = 1;

	while ((at = memchr(at, '\n', (size_t)(end - at)))) {
		line++;
		at++;
	}
	return line;
}

void json_show(const char *text, size_t length, char shown[JSON_SHOWN_MAX + 4])
{
	size_t kept = length < JSON_SHOWN_MAX ? length : JSON_SHOWN_MAX;

	for (size_t i = 0; i < kept; i++)
		shown[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? '?' : text[i];
	memcpy(shown + kept, kept < length ? "..." : "", kept < length ? 4 : 1);
}

void json_write_path(const struct json_decoder *decoder, char path[JSON_PATH_MAX])
{
	size_t used = 0;

	path[0] = '\0';
	for (size_t i = 0; i < decoder->depth && used + JSON_SHOWN_MAX + 8 < JSON_PATH_MAX; i++) {
		const struct json_frame *frame = &decoder->frames[i];
		char shown[JSON_SHOWN_MAX + 4];
		char *end = path + used;
		size_t room = JSON_PATH_MAX - used;

		if (frame->key) {
			json_show(frame->key, frame->key_length, shown);
			snprintf(end, room, "%s%s", used ? "." : "", shown);
		} else if (frame->begun) {
			snprintf(end, room, "[%zu]", frame->begun - 1);
		}
		used += strlen(end);
	}
	if (used)
		snprintf(path + used, JSON_PATH_MAX - used, ": ");
}

int json_fail_at(struct json_decoder *decoder, size_t offset, const char *format, ...)
{
	char path[JSON_PATH_MAX], reason[256];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	json_write_path(decoder, path);
	err_set(decoder->err, ERR_INPUT, "%s:%zu: %s%s", decoder->source,
		json_line(decoder, offset), path, reason);
	return 0;
}

int json_fail_memory(struct json_decoder *decoder)
{
	err_sys(decoder->err, "decode %s", decoder->source);
	return 0;
}

static bool is_utf8(const char *text, size_t length)
{
	while (length) {
		uint64_t eight = 0x80;
		size_t step = 8;

		if (length >= step)
			memcpy(&eight, text, step);
		if (eight &
		    0x8080808080808080u) /* else eight of ASCII at once: nearly all there is */
			step = json_utf8_length(text, length);
		if (!step)
			return false;
		text += step;
		length -= step;
	}
	return true;
}

/* The code unit of a \uXXXX escape, or 0 when there is none at `raw`. */
static unsigned int escape_unit(const char *raw)
{
	char digits[5] = "";

	if (raw[0] != '\\' || raw[1] != 'u')
		return 0;
	memcpy(digits, raw + 2, 4);
	return (unsigned int)strtoul(digits, NULL, 16);
}

/* `end`: behind the closing quote of a string that yajl has accepted. It turns lone surrogates into
 * '?', which is not what was written. */
static bool has_lone_surrogate(const char *end)
{
	const char *raw = end - 2;

	for (;; raw--) { /* back to the opening quote: the one without a backslash of its own */
		size_t slashes = 0;

		while (*raw == '"' && raw[-1 - (ptrdiff_t)slashes] == '\\')
			slashes++;
		if (*raw == '"' && slashes % 2 == 0)
			break;
	}
	for (raw++; raw < end - 1; raw += raw[0] == '\\' ? 2 : 1) {
		unsigned int unit = escape_unit(raw);

		if (unit < 0xd800 || unit > 0xdfff)
			continue;
		unsigned int low = unit < 0xdc00 ? escape_unit(raw + 6) : 0;

		if (low < 0xdc00 || low > 0xdfff)
			return true;
		raw += 10; /* the loop takes the last two */
	}
	return false;
}

int json_check_text(struct json_decoder *decoder, const char *text, size_t length)
{
	if (!json_in_document(decoder, text)) { /* it has escapes */
		if (memchr(text, '\0', length))
			return json_fail(decoder, "a NUL character is not allowed");
		if (has_lone_surrogate(decoder->text + json_offset(decoder)))
			return json_fail(decoder, "half of a surrogate pair is not allowed");
	}
	if (!is_utf8(text, length))
		return json_fail(decoder, "not valid UTF-8");
	return 1;
}

const char *json_copy_text(struct json_decoder *decoder, const char *text, size_t length)
{
	if (length >= TEXT_BLOCK / 4)
		return arena_strndup(decoder->arena, text, length);
	if (decoder->block_left < length + 1) {
		decoder->block = arena_alloc(decoder->arena, TEXT_BLOCK);
		decoder->block_left = decoder->block ? TEXT_BLOCK : 0;
		if (!decoder->block)
			return NULL;
	}
	char *copy = memcpy(decoder->block, text, length);

	copy[length] = '\0';
	decoder->block += length + 1;
	decoder->block_left -= length + 1;
	return copy;
}
