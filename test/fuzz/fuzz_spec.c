/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzzes config.json: decoded and checked; what is accepted is encoded, and must then be accepted
 * again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "runtime/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int decode(const char *text, size_t length, struct arena *arena, struct spec *spec)
{
	struct err err = { 0 };
	int result = spec_decode("config.json", text, length, arena, spec, &err);

	/* a failure always says something, on one line */
	if (result < 0 && (!err.code || !err.text[0] || strchr(err.text, '\n')))
		abort();
	return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct spec spec, again;

	if (decode((const char *)data, size, &arena, &spec) == 0) {
		spec.masu.preset = NULL; /* it has been applied */
		const char *text = json_encode(&spec_object, &spec, 2, &arena, NULL);

		if (!text || decode(text, strlen(text), &arena, &again) < 0)
			abort();
		const char *second = json_encode(&spec_object, &again, 2, &arena, NULL);

		if (!second || strcmp(text, second) != 0)
			abort();
	}
	arena_free(&arena);
	return 0;
}
