/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzzes exec's process.json, and quoting: whatever bytes are quoted, the result is one valid JSON
 * string. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "runtime/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct wrapped {
	const char *text;
};

static const struct json_row wrapped_rows[] = {
	{ "text", JSON_TEXT, offsetof(struct wrapped, text), .flags = JSON_REQUIRED },
};
static const struct json_object wrapped_object = JSON_OBJECT_OF(struct wrapped, wrapped_rows);

static void quote(const char *text, struct arena *arena)
{
	size_t room = strlen(text) * 6 + 3;
	char *quoted = arena_alloc(arena, room);
	struct wrapped wrapped = { 0 };

	if (json_quote(text, quoted, room) >= room)
		abort();
	const char *document = arena_printf(arena, "{\"text\":%s}", quoted);

	if (json_decode("quoted", document, strlen(document), &wrapped_object, &wrapped, arena,
			NULL) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct spec_process process;
	struct err err = { 0 };

	if (spec_decode_process("process.json", (const char *)data, size, &arena, &process, &err) <
		    0 &&
	    (!err.code || !err.text[0] || strchr(err.text, '\n')))
		abort();
	quote(arena_strndup(&arena, (const char *)data, size), &arena);
	arena_free(&arena);
	return 0;
}
