/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of base/json: the decoder's state, and what its files and the encoder share. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yajl/yajl_parse.h>

#include "base/json.h"

/* True when the member behind a row holds what absence leaves: NULL, unset, false, zero, an empty
 * object. */
bool json_is_absent(const struct json_row *row, const void *member);

/* Bytes of one item of a row that is a list or map. */
size_t json_item_size(const struct json_row *row);

/* Bytes of the first UTF-8 character of a text with `size` bytes left; 0 when it is not valid
 * (overlong, surrogate, too large, cut off). */
size_t json_utf8_length(const char *text, size_t size);

enum {
	JSON_SHOWN_MAX = 64, /* bytes of a key or value that a message shows */
	JSON_PATH_MAX = 300,
};

enum json_frame_kind {
	FRAME_STRUCT, /* an object with a table */
	FRAME_LIST,   /* a list, or an object read as a map: its items go to a json_list */
	FRAME_SKIP,   /* an object or list that is ignored or kept as text */
};

/* One open bracket. */
struct json_frame {
	enum json_frame_kind kind;
	const struct json_object *object; /* STRUCT */
	char *target;                     /* STRUCT: what the table fills */
	const struct json_row *row; /* STRUCT: the current property's, NULL for an unknown one; else
				       the frame's own */
	void *member; /* STRUCT: the current property's; LIST: the json_list; SKIP: a json_raw or
			 NULL */
	uint64_t seen, given; /* STRUCT: rows by number; `given` without those that are null */
	uint64_t bit;         /* STRUCT: the current property's */
	const char *key;      /* the current property or map key, NULL before the first */
	size_t key_length;
	size_t begun;  /* values begun, in a list */
	size_t room;   /* LIST: items that fit */
	size_t offset; /* of the bracket in the document */
	size_t keys;   /* where its keys begin in json_decoder.keys */
	size_t raw;    /* SKIP: where the text to keep begins */
};

/* A key that no row stands for, remembered until its object closes, to find duplicates. */
struct json_key {
	const char *text;
	size_t length;
	size_t offset;
};

struct json_decoder {
	yajl_handle parser;
	const char *source;
	const char *text;
	size_t length;
	const struct json_object *object;
	void *target;
	struct arena *arena;
	struct err *err;
	char *block; /* the rest of the current block of texts */
	size_t block_left;
	struct json_key *keys;
	size_t key_count, key_room;
	size_t value_offset; /* where the current property's value can begin */
	size_t depth;
	struct json_frame frames[JSON_DEPTH_MAX];
};

static inline struct json_frame *json_top(struct json_decoder *decoder)
{
	return &decoder->frames[decoder->depth - 1];
}

/* Where the decoder is: behind the current token. */
static inline size_t json_offset(const struct json_decoder *decoder)
{
	return yajl_get_bytes_consumed(decoder->parser);
}

/* Strings without escapes are given as they lie in the document; others lie in yajl's buffer until
 * the next one. */
static inline bool json_in_document(const struct json_decoder *decoder, const char *text)
{
	return text >= decoder->text && text <= decoder->text + decoder->length;
}

/* ---- json_place.c ---- */
size_t json_line(const struct json_decoder *decoder, size_t offset);

/* A piece of the document made fit for a message: short, on one line. */
void json_show(const char *text, size_t length, char shown[JSON_SHOWN_MAX + 4]);

/* "linux.resources.pids.limit: ", or nothing for the document itself. */
void json_write_path(const struct json_decoder *decoder, char path[JSON_PATH_MAX]);

/* Fill the error record with place and reason. Always 0, which tells yajl to stop. */
int json_fail_at(struct json_decoder *decoder, size_t offset, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int json_fail_memory(struct json_decoder *decoder);

#define json_fail(decoder, ...) json_fail_at(decoder, json_offset(decoder), __VA_ARGS__)

/* What every string of the document must be, keys and ignored ones too. 1, or 0 after json_fail().
 */
int json_check_text(struct json_decoder *decoder, const char *text, size_t length);

/* A NUL-terminated copy in the arena; small ones share blocks, to save its alignment. NULL when
 * memory is short. */
const char *json_copy_text(struct json_decoder *decoder, const char *text, size_t length);

/* ---- json_key.c; 1, or 0 after json_fail() ---- */
int json_enter_key(struct json_decoder *decoder, const char *text, size_t length);

/* When the top frame closes: keys given twice, required properties that are missing. */
int json_check_keys(struct json_decoder *decoder);
