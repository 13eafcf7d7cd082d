/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protocol buffers by tables: the same rows read and write a message as text and as bytes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/names.h"
#include "base/str.h"

struct err;

/*
 * The C member behind each kind, alone and repeated:
 *   INT32, INT64    struct opt_i64          struct json_list of int64_t
 *   UINT32, UINT64  struct opt_u64          struct json_list of uint64_t
 *   BOOL, ENUM      struct opt_i64          struct json_list of int64_t
 *   STRING          const char *, or NULL   struct json_list of const char *
 *   MESSAGE         pointer, or NULL        struct json_list of structs
 */
enum proto_kind {
	PROTO_INT32,
	PROTO_INT64,
	PROTO_UINT32,
	PROTO_UINT64,
	PROTO_BOOL,
	PROTO_ENUM,
	PROTO_STRING,
	PROTO_MESSAGE,
};

struct proto_message;

struct proto_field {
	const char *name;
	uint32_t number;
	enum proto_kind kind;
	size_t offset;
	const struct proto_message *message; /* MESSAGE */
	const struct name *names;            /* ENUM */
	bool repeated;
};

struct proto_message {
	const struct proto_field *fields;
	size_t count;
	size_t size; /* of the struct that the rows fill */
};

#define PROTO_MESSAGE_OF(type, table)                                                              \
	{                                                                                          \
		.fields = (table), .count = sizeof(table) / sizeof((table)[0]),                    \
		.size = sizeof(type)                                                               \
	}

enum {
	PROTO_DEPTH_MAX = 32,
	PROTO_LENGTH_MAX = 1 << 20, /* bytes of a document */
	PROTO_FIELDS_MAX = 64,      /* rows of one message */
};

/*
 * Read the text form ("cpu: { max_limit: 100 } # comment") into `target`, zeroed by the caller;
 * what it then points to lives in the arena. Strict: a field that the table does not know, one that
 * is not repeated given twice, and a number out of range are errors. They read "spec:1:8:
 * cpu.max_limit: ..." with line and column, code ERR_INPUT.
 */
int proto_read_text(const char *source, const char *text, size_t length,
		    const struct proto_message *message, void *target, struct arena *arena,
		    struct err *err);

/* The text form, one field a line, nested ones indented by two. NULL with err. */
char *proto_write_text(const struct proto_message *message, const void *from, struct arena *arena,
		       struct err *err);

/* The same two for the binary form; unknown fields are skipped there, as protobuf asks. */
int proto_read_bytes(const char *source, const void *bytes, size_t length,
		     const struct proto_message *message, void *target, struct arena *arena,
		     struct err *err);
void *proto_write_bytes(const struct proto_message *message, const void *from, size_t *length,
			struct arena *arena, struct err *err);

/* ---- the members behind the rows ---- */

/* Put a value where the row says; behind those that are there when it is repeated. Signed numbers
 * travel as two's complement. -1 without memory. */
int proto_store_number(const struct proto_field *field, void *target, uint64_t value,
		       struct arena *arena);
int proto_store_text(const struct proto_field *field, void *target, const char *text,
		     struct arena *arena);

/* Room for a nested message: the one that is there, a new one, or the next item. NULL without
 * memory. */
void *proto_nested(const struct proto_field *field, void *target, struct arena *arena);

/* How many values the member holds, and one of them. */
size_t proto_count(const struct proto_field *field, const void *from);
uint64_t proto_number(const struct proto_field *field, const void *from, size_t index);
const char *proto_text(const struct proto_field *field, const void *from, size_t index);
const void *proto_message_at(const struct proto_field *field, const void *from, size_t index);

/* Does a number of this kind hold that value? */
bool proto_in_range(enum proto_kind kind, bool negative, uint64_t magnitude);
