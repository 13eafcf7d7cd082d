/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzzes both readers of lmctfy's ContainerSpec: what is read must come back the same from both
 * writers. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/proto.h"
#include "runtime/lmctfy_proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refusal(const struct err *err)
{
	if (!err->code || !err->text[0] || strchr(err->text, '\n'))
		abort();
}

/* Text and bytes written from a message are read as the same message. */
static void go_round(const struct lmctfy_spec *spec, struct arena *arena)
{
	struct lmctfy_spec from_text = { 0 }, from_bytes = { 0 };
	size_t length;
	const char *text = proto_write_text(&lmctfy_spec_message, spec, arena, NULL);
	const void *bytes = proto_write_bytes(&lmctfy_spec_message, spec, &length, arena, NULL);

	if (!text || !bytes ||
	    proto_read_text("text", text, strlen(text), &lmctfy_spec_message, &from_text, arena,
			    NULL) < 0 ||
	    proto_read_bytes("bytes", bytes, length, &lmctfy_spec_message, &from_bytes, arena,
			     NULL) < 0)
		abort();
	if (strcmp(text, proto_write_text(&lmctfy_spec_message, &from_text, arena, NULL)) != 0 ||
	    strcmp(text, proto_write_text(&lmctfy_spec_message, &from_bytes, arena, NULL)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct lmctfy_spec spec = { 0 }, binary = { 0 };
	struct err err = { 0 };

	if (proto_read_text("spec", (const char *)data, size, &lmctfy_spec_message, &spec, &arena,
			    &err) == 0)
		go_round(&spec, &arena);
	else
		check_refusal(&err);
	if (proto_read_bytes("spec", data, size, &lmctfy_spec_message, &binary, &arena, &err) == 0)
		go_round(&binary, &arena);
	else
		check_refusal(&err);
	arena_free(&arena);
	return 0;
}
