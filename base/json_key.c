/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keys: which row they stand for, which were given twice, which are missing. */
#include "base/json_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* The search for a row: rows are numbered through all embedded tables. */
struct found {
	const struct json_row *row;
	void *member;
	unsigned int number;
};

/* EMBED nests as deep as our tables do, not as the document does. */
static bool find_row(const struct json_object *object, char *target, const struct json_key *key,
		     struct found *found)
{
	for (size_t i = 0; i < object->row_count; i++) {
		const struct json_row *row = &object->rows[i];

		if (row->kind == JSON_EMBED) {
			if (find_row(row->nested, target + row->offset, key, found))
				return true;
			continue;
		}
		if (strncmp(row->name, key->text, key->length) == 0 && !row->name[key->length]) {
			found->row = row;
			found->member = target + row->offset;
			return true;
		}
		found->number++;
	}
	return false;
}

static const char *nearest_row(const struct json_object *object, const char *key)
{
	for (size_t i = 0; i < object->row_count; i++) {
		const struct json_row *row = &object->rows[i];
		const char *near = row->kind == JSON_EMBED      ? nearest_row(row->nested, key)
				   : names_near(row->name, key) ? row->name
								: NULL;

		if (near)
			return near;
	}
	return NULL;
}

static void warn_near(struct json_decoder *decoder, const struct json_frame *frame)
{
	char key[JSON_SHOWN_MAX + 4], path[JSON_PATH_MAX];

	if (frame->object->partial || frame->key_length >= JSON_SHOWN_MAX)
		return;
	json_show(frame->key, frame->key_length, key);
	const char *near = nearest_row(frame->object, key);

	if (!near)
		return;
	json_write_path(decoder, path);
	log_warning("%s:%zu: %sunknown property, ignored; did you mean \"%s\"?", decoder->source,
		    json_line(decoder, json_offset(decoder)), path, near);
}

static int remember_key(struct json_decoder *decoder, const struct json_key *key)
{
	if (decoder->key_count == decoder->key_room) {
		size_t room = decoder->key_room ? decoder->key_room * 2 : 64;
		struct json_key *keys = reallocarray(decoder->keys, room, sizeof(*keys));

		if (!keys)
			return json_fail_memory(decoder);
		decoder->keys = keys;
		decoder->key_room = room;
	}
	decoder->keys[decoder->key_count++] = *key;
	return 1;
}

static int compare_texts(const struct json_key *left, const struct json_key *right)
{
	if (left->length != right->length)
		return left->length < right->length ? -1 : 1;
	return memcmp(left->text, right->text, left->length);
}

static int compare_keys(const void *left, const void *right)
{
	const struct json_key *one = left, *two = right;
	int order = compare_texts(one, two);

	return order ? order : (one->offset > two->offset) - (one->offset < two->offset);
}

/* The remembered keys of the frame that closes: sorted, so that a million of them take no longer
 * than they should. */
static int check_duplicates(struct json_decoder *decoder, struct json_frame *frame)
{
	size_t count = decoder->key_count - frame->keys;

	decoder->key_count = frame->keys;
	if (count < 2)
		return 1;
	struct json_key *keys = decoder->keys + frame->keys;

	qsort(keys, count, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < count; i++) {
		if (compare_texts(&keys[i - 1], &keys[i]) != 0)
			continue;
		frame->key = keys[i].text;
		frame->key_length = keys[i].length;
		return json_fail_at(decoder, keys[i].offset, "given twice");
	}
	return 1;
}

static int enter_struct_key(struct json_decoder *decoder, struct json_frame *frame,
			    const struct json_key *key)
{
	struct found found = { 0 };

	frame->row = NULL;
	frame->bit = 0;
	if (!find_row(frame->object, frame->target, key, &found)) {
		warn_near(decoder, frame);
		return remember_key(decoder, key);
	}
	frame->row = found.row;
	frame->member = found.member;
	frame->bit = found.number < JSON_ROWS_MAX ? UINT64_C(1) << found.number : 0;
	if (frame->seen & frame->bit)
		return json_fail(decoder, "given twice");
	frame->seen |= frame->bit;
	return 1;
}

static int enter_map_key(struct json_decoder *decoder, struct json_frame *frame,
			 const struct json_key *key)
{
	frame->key = json_copy_text(decoder, key->text, key->length);
	if (!frame->key)
		return json_fail_memory(decoder);
	if (frame->row->flags & JSON_CLEAN && !str_is_clean(frame->key))
		return json_fail(decoder, "control characters are not allowed in a name");
	if (frame->row->flags & JSON_NOT_EMPTY && !key->length) {
		decoder->depth--; /* the path is the map's own */
		return json_fail(decoder, "an empty name is not allowed");
	}
	return remember_key(decoder, key);
}

/* The value begins behind the colon. */
static size_t value_after(const struct json_decoder *decoder, size_t offset)
{
	while (offset < decoder->length && strchr(" \t\r\n:", decoder->text[offset]))
		offset++;
	return offset;
}

int json_enter_key(struct json_decoder *decoder, const char *text, size_t length)
{
	struct json_frame *frame = json_top(decoder);
	struct json_key key = { text, length, json_offset(decoder) };

	if (!json_in_document(decoder, text))
		key.text = arena_strndup(decoder->arena, text, length);
	if (!key.text)
		return json_fail_memory(decoder);
	frame->key = key.text;
	frame->key_length = length;
	if (!json_check_text(decoder, text, length))
		return 0;
	decoder->value_offset = value_after(decoder, key.offset);
	if (frame->kind == FRAME_STRUCT)
		return enter_struct_key(decoder, frame, &key);
	if (frame->kind == FRAME_LIST)
		return enter_map_key(decoder, frame, &key);
	return remember_key(decoder, &key);
}

static int check_required(struct json_decoder *decoder, const struct json_object *object,
			  char *target, unsigned int *number)
{
	struct json_frame *frame = json_top(decoder);

	for (size_t i = 0; i < object->row_count; i++) {
		const struct json_row *row = &object->rows[i];
		void *member = target + row->offset;

		if (row->kind == JSON_EMBED) {
			if (!check_required(decoder, row->nested, member, number))
				return 0;
			continue;
		}
		uint64_t bit = *number < JSON_ROWS_MAX ? UINT64_C(1) << *number : 0;

		(*number)++;
		if (!(row->flags & JSON_REQUIRED) || frame->given & bit ||
		    !json_is_absent(row, member))
			continue;
		frame->key = row->name;
		frame->key_length = strlen(row->name);
		return json_fail_at(decoder, frame->offset, "missing");
	}
	return 1;
}

int json_check_keys(struct json_decoder *decoder)
{
	struct json_frame *frame = json_top(decoder);
	unsigned int number = 0;

	if (!check_duplicates(decoder, frame))
		return 0;
	return frame->kind != FRAME_STRUCT ||
	       check_required(decoder, frame->object, frame->target, &number);
}
