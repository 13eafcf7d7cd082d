/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON by tables: the same rows decode a document into structs and encode structs into a document.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/names.h"
#include "base/str.h"

struct err;

/*
 * The C member behind each kind:
 *   TEXT        const char *		 NULL when absent
 *   BOOL        bool
 *   OPT_BOOL    struct opt_i64		 value 0 or 1
 *   I64, U64    struct opt_i64 / opt_u64 (range: min/max of the row when max > min)
 *   INT         int / UINT unsigned int, plain, 0 when absent; range checked by min/max or the type
 *   NAME        int			 a word of the row's `names`; absent leaves the member as
 * initialised NAMES       struct json_list of int	 words of `names` OBJECT      nested struct
 * in place	 rows: `nested`; `present` (see below) tells an empty object from none OBJECT_PTR
 * pointer to nested struct, NULL when absent or null; a new struct each time (but see JSON_MERGE)
 *   LIST        struct json_list of nested structs
 *   TEXTS       struct json_list of const char *
 *   I64S, U64S  struct json_list of int64_t / uint64_t
 *   MAP         struct json_list of nested structs; the first member of each is `const char *key`
 *   MAP_TEXT    struct json_list of struct json_pair
 *   AMOUNT      struct opt_i64		 a number, or a text with a unit, as the row's `unit` reads
 * it EMBED       rows of another table for the SAME JSON object, stored at `offset` (how runtime/
 * composes the folders' parts) RAW         struct json_raw: any value, kept as its text in the
 * document Absent properties leave the member as it was: zeroed, or a default. null counts as
 * absent, but not as an item of a list or map. A list that was written, even as [], has `items` !=
 * NULL and replaces what was there. Unknown properties are ignored; one whose name is a near miss
 * of a known one gives a warning with its place.
 */
enum json_kind {
	JSON_TEXT,
	JSON_BOOL,
	JSON_OPT_BOOL,
	JSON_I64,
	JSON_U64,
	JSON_INT,
	JSON_UINT,
	JSON_NAME,
	JSON_NAMES,
	JSON_OBJECT,
	JSON_OBJECT_PTR,
	JSON_LIST,
	JSON_TEXTS,
	JSON_I64S,
	JSON_U64S,
	JSON_MAP,
	JSON_MAP_TEXT,
	JSON_AMOUNT,
	JSON_EMBED,
	JSON_RAW,
};

struct json_list {
	void *items;
	size_t count;
};

/* Room for one more element of `size` bytes behind a list; it moves to the arena. NULL without
 * memory. */
static inline void *json_grow(struct arena *arena, struct json_list *list, size_t size)
{
	char *items = arena_alloc(arena, (list->count + 1) * size);

	if (!items)
		return NULL;
	if (list->count)
		memcpy(items, list->items, list->count * size);
	list->items = items;
	return items + list->count++ * size;
}

struct json_pair {
	const char *key;
	const char *value;
};

struct json_raw {
	const char *text; /* NUL-terminated copy */
	size_t length;
};

enum json_flags {
	JSON_REQUIRED =
		1,      /* an error when absent and the member holds no default; always encoded */
	JSON_CLEAN = 2, /* no control characters in the text, the list's texts, or the map's keys
			   and values */
	JSON_NOT_EMPTY = 4, /* "" or an empty list is an error; for maps: an empty key */
	JSON_ALWAYS = 8,    /* encode even when false, zero or empty */
	JSON_MERGE = 16,    /* OBJECT_PTR: decode over the struct that the pointer already holds */
};

struct json_object;

enum {
	JSON_AMOUNT_MAX = 48, /* bytes of an amount as text */
};

/* How amounts of one kind are written: sizes, rates, fractions of a CPU. */
struct json_unit {
	/* NULL when it is one, else why not: "has an unknown unit". */
	const char *(*parse)(const char *text, int64_t *value);
	/* The text that parse() takes back; false: the number as it is. */
	bool (*print)(int64_t value, char text[JSON_AMOUNT_MAX]);
	const char *hint; /* what is wanted, with an example */
};

/* One row: a property. `name` is NULL only for EMBED. */
struct json_row {
	const char *name;
	enum json_kind kind;
	size_t offset;
	const struct json_object *nested; /* OBJECT, OBJECT_PTR, LIST, MAP, EMBED */
	const struct name *names;         /* NAME, NAMES */
	unsigned int flags;
	int64_t min, max;             /* numbers, when max > min */
	const struct json_unit *unit; /* AMOUNT */
};

enum {
	JSON_ROWS_MAX = 64, /* properties of one JSON object, those of EMBED included */
};

/* A table: its rows, and the size of the struct they fill. */
struct json_object {
	const struct json_row *rows;
	size_t row_count;
	size_t size;
	size_t present; /* offset of a bool set when the object was there, plus 1; 0 for none */
	bool partial;   /* knows some of the document's properties only: no near-miss warnings */
	size_t scalar;  /* the row, counted from 1, that a number or text in place of the object
			   stands for (an AMOUNT); 0 for none */
};

/*	static const struct json_row rlimit_rows[] = { ... };
 *	const struct json_object rlimit_object = JSON_OBJECT_OF(struct rlimit_spec, rlimit_rows);
 */
#define JSON_OBJECT_OF(type, table)                                                                \
	{                                                                                          \
		.rows = (table), .row_count = sizeof(table) / sizeof((table)[0]),                  \
		.size = sizeof(type)                                                               \
	}

/* Items of a list with their type: JSON_ITEMS(struct mount_spec, &spec->mounts)[i] */
#define JSON_ITEMS(type, list) ((type *)(list)->items)

enum {
	JSON_DEPTH_MAX = 64,        /* open brackets */
	JSON_LENGTH_MAX = 16 << 20, /* bytes of a document */
};

/*
 * Decode `text` into `target` (object->size bytes, zeroed or holding defaults by the caller).
 * `source` names the document in messages ("config.json"). Everything that the target then points
 * to lives in `arena`. Strict: one value, no trailing data, no comments, valid UTF-8, no duplicate
 * keys, no NUL escapes, depth and length limits, integers only where integers are asked, exact
 * ranges. Errors: "config.json:12: linux.resources.pids.limit: did not expect a string here" with
 * code ERR_INPUT.
 */
int json_decode(const char *source, const char *text, size_t length,
		const struct json_object *object, void *target, struct arena *arena,
		struct err *err);

/* Read the file (fd_slurp rules, at most 16 MiB) and decode it. */
int json_decode_file(int dir, const char *path, const char *source,
		     const struct json_object *object, void *target, struct arena *arena,
		     struct err *err);

/* Encode; absent members are left out. The text is NUL-terminated, in the arena; `indent` 0 gives
 * one line. NULL with err on lack of memory. */
char *json_encode(const struct json_object *object, const void *source, int indent,
		  struct arena *arena, struct err *err);

/* The same for an array of such objects. */
char *json_encode_list(const struct json_object *object, const struct json_list *list, int indent,
		       struct arena *arena, struct err *err);

/*
 * Write one text as a JSON string with quotes and escapes into a buffer; for the few places that
 * print JSON by hand. Always NUL-terminated; bad UTF-8 becomes U+FFFD. Returns the length of the
 * whole string: `size` or more means that it was cut off (between characters).
 */
size_t json_quote(const char *text, char *buffer, size_t size);
