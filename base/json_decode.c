/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The decoder: yajl's tokens drive an explicit stack of frames, each of which knows the table that
 * it fills. */
#include "base/json_private.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"

enum token {
	TOKEN_NULL,
	TOKEN_BOOL,
	TOKEN_NUMBER,
	TOKEN_STRING,
	TOKEN_OBJECT,
	TOKEN_LIST,
};

static const char *const token_words[] = {
	[TOKEN_NULL] = "null",       [TOKEN_BOOL] = "a boolean",   [TOKEN_NUMBER] = "a number",
	[TOKEN_STRING] = "a string", [TOKEN_OBJECT] = "an object", [TOKEN_LIST] = "a list",
};

/* What each kind takes as a property, and as an item where it is a list or map. */
/* clang-format off */
static const struct {
	enum token value, item;
} accepted[] = {
	[JSON_TEXT]	  = { TOKEN_STRING },
	[JSON_BOOL]	  = { TOKEN_BOOL },
	[JSON_OPT_BOOL]	  = { TOKEN_BOOL },
	[JSON_I64]	  = { TOKEN_NUMBER },
	[JSON_U64]	  = { TOKEN_NUMBER },
	[JSON_INT]	  = { TOKEN_NUMBER },
	[JSON_UINT]	  = { TOKEN_NUMBER },
	[JSON_NAME]	  = { TOKEN_STRING },
	[JSON_NAMES]	  = { TOKEN_LIST, TOKEN_STRING },
	[JSON_OBJECT]	  = { TOKEN_OBJECT },
	[JSON_OBJECT_PTR] = { TOKEN_OBJECT },
	[JSON_LIST]	  = { TOKEN_LIST, TOKEN_OBJECT },
	[JSON_TEXTS]	  = { TOKEN_LIST, TOKEN_STRING },
	[JSON_I64S]	  = { TOKEN_LIST, TOKEN_NUMBER },
	[JSON_U64S]	  = { TOKEN_LIST, TOKEN_NUMBER },
	[JSON_MAP]	  = { TOKEN_OBJECT, TOKEN_OBJECT },
	[JSON_MAP_TEXT]	  = { TOKEN_OBJECT, TOKEN_STRING },
	[JSON_AMOUNT]	  = { TOKEN_NUMBER },
};

/* clang-format on */

/* Where the next value goes. */
struct slot {
	const struct json_row *row; /* NULL: nowhere (or the document itself, when `root`) */
	void *member;
	bool item;
	bool root;
};

/* ---- frames ---- */

static struct json_frame *push(struct json_decoder *decoder, enum json_frame_kind kind,
			       void *member)
{
	if (decoder->depth == JSON_DEPTH_MAX) {
		json_fail(decoder, "nested deeper than %d levels", JSON_DEPTH_MAX);
		return NULL;
	}
	struct json_frame *frame = &decoder->frames[decoder->depth++];

	*frame = (struct json_frame){ .kind = kind,
				      .member = member,
				      .offset = json_offset(decoder),
				      .keys = decoder->key_count };
	return frame;
}

static int push_skip(struct json_decoder *decoder)
{
	return push(decoder, FRAME_SKIP, NULL) != NULL;
}

static int push_struct(struct json_decoder *decoder, const struct json_object *object, void *target)
{
	struct json_frame *frame = push(decoder, FRAME_STRUCT, NULL);

	if (!frame)
		return 0;
	frame->object = object;
	frame->target = target;
	if (object->present)
		*(bool *)(frame->target + object->present - 1) = true;
	return 1;
}

static int push_list(struct json_decoder *decoder, const struct slot *slot)
{
	struct json_list *list = slot->member;
	struct json_frame *frame = push(decoder, FRAME_LIST, list);

	if (!frame)
		return 0;
	frame->row = slot->row;
	list->items = arena_alloc(decoder->arena, 0);
	list->count = 0;
	return list->items ? 1 : json_fail_memory(decoder);
}

static int push_raw(struct json_decoder *decoder, const struct slot *slot)
{
	size_t from = decoder->value_offset;
	struct json_frame *frame = push(decoder, FRAME_SKIP, slot->member);

	if (!frame)
		return 0;
	frame->raw = from;
	return 1;
}

/* A zeroed item at the end of the list; doubling keeps long lists linear. */
static void *add_item(struct json_decoder *decoder, struct json_frame *frame)
{
	struct json_list *list = frame->member;
	size_t size = json_item_size(frame->row);

	if (list->count == frame->room) {
		size_t room = frame->room ? frame->room * 2 : 4;
		void *items = arena_alloc(decoder->arena, room * size);

		if (!items) {
			json_fail_memory(decoder);
			return NULL;
		}
		memcpy(items, list->items, list->count * size);
		list->items = items;
		frame->room = room;
	}
	return (char *)list->items + list->count++ * size;
}

static bool is_map(const struct json_row *row)
{
	return row->kind == JSON_MAP || row->kind == JSON_MAP_TEXT;
}

/* A number or text where an object may stand: the slot becomes the property that it is short for.
 * False when memory ran out. */
static bool shorten(struct json_decoder *decoder, struct slot *slot)
{
	const struct json_object *object = slot->row->nested;
	char *target = slot->member;

	if (slot->item) {
		target = add_item(decoder, json_top(decoder));
		if (!target)
			return false;
		if (is_map(slot->row))
			*(const char **)target = json_top(decoder)->key;
	}
	if (object->present)
		*(bool *)(target + object->present - 1) = true;
	slot->item = false;
	slot->row = &object->rows[object->scalar - 1];
	slot->member = target + slot->row->offset;
	return true;
}

/* Kinds whose values, or whose items, are objects in place. */
static bool is_short(const struct slot *slot, enum token token)
{
	const struct json_row *row = slot->row;
	bool is_object = slot->item ? row->kind == JSON_LIST || row->kind == JSON_MAP
				    : row->kind == JSON_OBJECT;

	return is_object && row->nested->scalar && (token == TOKEN_NUMBER || token == TOKEN_STRING);
}

/* Find where a value goes, and see that its type is right there. */
static int begin_value(struct json_decoder *decoder, enum token token, struct slot *slot)
{
	*slot = (struct slot){ .root = !decoder->depth };
	struct json_frame *frame = slot->root ? NULL : json_top(decoder);
	enum token want = TOKEN_OBJECT;

	if (frame) {
		frame->begun++;
		if (frame->kind == FRAME_SKIP || !frame->row)
			return 1;
		slot->item = frame->kind == FRAME_LIST;
		slot->row = frame->row;
		slot->member = frame->member;
		if (!slot->item && token == TOKEN_NULL) {
			slot->row = NULL;
			return 1;
		}
		frame->given |= frame->bit;
		if (slot->row->kind == JSON_RAW)
			return 1;
		if (is_short(slot, token) && !shorten(decoder, slot))
			return 0;
		if (slot->row->kind == JSON_AMOUNT && token == TOKEN_STRING)
			return 1;
		want = slot->item ? accepted[slot->row->kind].item
				  : accepted[slot->row->kind].value;
	}
	if (token == want)
		return 1;
	json_fail(decoder, "did not expect %s here", token_words[token]);
	err_hint(decoder->err, "%s is wanted", token_words[want]);
	return 0;
}

static int keep_raw(struct json_decoder *decoder, struct json_raw *raw, size_t from)
{
	raw->length = json_offset(decoder) - from;
	raw->text = json_copy_text(decoder, decoder->text + from, raw->length);
	return raw->text ? 1 : json_fail_memory(decoder);
}

/* ---- scalars ---- */

static int on_null(void *context)
{
	struct slot slot;

	return begin_value(context, TOKEN_NULL, &slot);
}

static int on_boolean(void *context, int value)
{
	struct json_decoder *decoder = context;
	struct slot slot;

	if (!begin_value(decoder, TOKEN_BOOL, &slot))
		return 0;
	if (!slot.row)
		return 1;
	if (slot.row->kind == JSON_RAW)
		return keep_raw(decoder, slot.member, decoder->value_offset);
	if (slot.row->kind == JSON_OPT_BOOL)
		*(struct opt_i64 *)slot.member = (struct opt_i64){ true, value };
	else
		*(bool *)slot.member = value;
	return 1;
}

static int store_unsigned(struct json_decoder *decoder, const struct json_row *row, void *member,
			  const char *text)
{
	bool ranged = row->max > row->min;
	uint64_t min = ranged && row->min > 0 ? (uint64_t)row->min : 0;
	uint64_t max = ranged ? (uint64_t)row->max : UINT64_MAX;
	uint64_t value;

	if (!str_parse_u64(text, &value) || value < min || value > max)
		return json_fail(decoder, "%s is out of range (%" PRIu64 " to %" PRIu64 ")", text,
				 min, max);
	if (row->kind == JSON_U64)
		*(struct opt_u64 *)member = (struct opt_u64){ true, value };
	else
		*(uint64_t *)member = value;
	return 1;
}

static int store_signed(struct json_decoder *decoder, const struct json_row *row, void *member,
			const char *text)
{
	int64_t min = row->kind == JSON_INT ? INT_MIN : row->kind == JSON_UINT ? 0 : INT64_MIN;
	int64_t max = row->kind == JSON_INT    ? INT_MAX
		      : row->kind == JSON_UINT ? UINT_MAX
					       : INT64_MAX;
	int64_t value;

	if (row->max > row->min) {
		min = row->min;
		max = row->max;
	}
	if (!str_parse_i64(text, &value) || value < min || value > max)
		return json_fail(decoder, "%s is out of range (%" PRId64 " to %" PRId64 ")", text,
				 min, max);
	if (row->kind == JSON_I64)
		*(struct opt_i64 *)member = (struct opt_i64){ true, value };
	else if (row->kind == JSON_I64S)
		*(int64_t *)member = value;
	else if (row->kind == JSON_INT)
		*(int *)member = (int)value;
	else
		*(unsigned int *)member = (unsigned int)value;
	return 1;
}

static int store_amount(struct json_decoder *decoder, const struct slot *slot, const char *text)
{
	const struct json_row *row = slot->row;
	char shown[JSON_SHOWN_MAX + 4];
	int64_t value = 0;
	const char *reason = row->unit->parse(text, &value);

	if (!reason && row->max > row->min && (value < row->min || value > row->max))
		reason = "is out of range";
	if (!reason) {
		*(struct opt_i64 *)slot->member = (struct opt_i64){ true, value };
		return 1;
	}
	json_show(text, strlen(text), shown);
	json_fail(decoder, "\"%s\" %s", shown, reason);
	err_hint(decoder->err, "%s", row->unit->hint);
	return 0;
}

/* Numbers come as text, so that nothing is ever rounded. */
static int on_number(void *context, const char *digits, size_t length)
{
	struct json_decoder *decoder = context;
	char text[JSON_SHOWN_MAX + 4];
	struct slot slot;

	if (!begin_value(decoder, TOKEN_NUMBER, &slot))
		return 0;
	if (!slot.row)
		return 1;
	if (slot.row->kind == JSON_RAW)
		return keep_raw(decoder, slot.member, decoder->value_offset);
	json_show(digits, length, text);
	if (slot.row->kind == JSON_AMOUNT)
		return store_amount(decoder, &slot, text);
	if (memchr(digits, '.', length) || memchr(digits, 'e', length) ||
	    memchr(digits, 'E', length))
		return json_fail(decoder, "%s is not a whole number", text);
	void *member = slot.item ? add_item(decoder, json_top(decoder)) : slot.member;

	if (!member)
		return 0;
	if (slot.row->kind == JSON_U64 || slot.row->kind == JSON_U64S)
		return store_unsigned(decoder, slot.row, member, text);
	return store_signed(decoder, slot.row, member, text);
}

/* "did you mean", or the words themselves when they fit. */
static void hint_names(struct err *err, const struct name *names, const char *text)
{
	const char *near = names_nearest(names, text);
	char words[sizeof(err->hint)] = "";
	size_t used = 0;

	if (near) {
		err_hint(err, "did you mean \"%s\"?", near);
		return;
	}
	for (; names->text; names++) {
		int length = snprintf(words + used, sizeof(words) - used, "%s%s", used ? ", " : "",
				      names->text);

		used += (size_t)length;
		if (used + 10 > sizeof(words))
			return; /* too many to show */
	}
	err_hint(err, "one of: %s", words);
}

static int store_name(struct json_decoder *decoder, const struct json_row *row, int *member,
		      const char *text)
{
	char shown[JSON_SHOWN_MAX + 4];
	int64_t value;

	if (names_find(row->names, text, &value)) {
		*member = (int)value;
		return 1;
	}
	json_show(text, strlen(text), shown);
	json_fail(decoder, "\"%s\" is not a known value", shown);
	if (decoder->err)
		hint_names(decoder->err, row->names, text);
	return 0;
}

static int store_text(struct json_decoder *decoder, const struct slot *slot, const char *text)
{
	const struct json_row *row = slot->row;

	if (row->flags & JSON_CLEAN && !str_is_clean(text))
		return json_fail(decoder, "control characters are not allowed");
	if (row->kind == JSON_TEXT && row->flags & JSON_NOT_EMPTY && !*text)
		return json_fail(decoder, "must not be empty");
	void *member = slot->item ? add_item(decoder, json_top(decoder)) : slot->member;

	if (!member)
		return 0;
	if (row->names)
		return store_name(decoder, row, member, text);
	if (row->kind == JSON_MAP_TEXT)
		*(struct json_pair *)member = (struct json_pair){ json_top(decoder)->key, text };
	else
		*(const char **)member = text;
	return 1;
}

static int on_string(void *context, const unsigned char *bytes, size_t length)
{
	struct json_decoder *decoder = context;
	const char *text = (const char *)bytes;
	struct slot slot;

	if (!begin_value(decoder, TOKEN_STRING, &slot) || !json_check_text(decoder, text, length))
		return 0;
	if (!slot.row)
		return 1;
	if (slot.row->kind == JSON_RAW)
		return keep_raw(decoder, slot.member, decoder->value_offset);
	text = json_copy_text(decoder, text, length);
	if (text && slot.row->kind == JSON_AMOUNT)
		return store_amount(decoder, &slot, text);
	return text ? store_text(decoder, &slot, text) : json_fail_memory(decoder);
}

/* ---- keys and brackets ---- */

static int on_key(void *context, const unsigned char *bytes, size_t length)
{
	return json_enter_key(context, (const char *)bytes, length);
}

static int open_item(struct json_decoder *decoder, const struct slot *slot)
{
	const char *key = json_top(decoder)->key;
	void *item = add_item(decoder, json_top(decoder));

	if (!item)
		return 0;
	if (is_map(slot->row))
		*(const char **)item = key;
	return push_struct(decoder, slot->row->nested, item);
}

static int open_pointer(struct json_decoder *decoder, const struct slot *slot)
{
	void **pointer = slot->member;

	if (!*pointer || !(slot->row->flags & JSON_MERGE))
		*pointer = arena_alloc(decoder->arena, slot->row->nested->size);
	if (!*pointer)
		return json_fail_memory(decoder);
	return push_struct(decoder, slot->row->nested, *pointer);
}

static int on_start_object(void *context)
{
	struct json_decoder *decoder = context;
	struct slot slot;

	if (!begin_value(decoder, TOKEN_OBJECT, &slot))
		return 0;
	if (slot.root)
		return push_struct(decoder, decoder->object, decoder->target);
	if (!slot.row)
		return push_skip(decoder);
	if (slot.item)
		return open_item(decoder, &slot);
	if (slot.row->kind == JSON_RAW)
		return push_raw(decoder, &slot);
	if (is_map(slot.row))
		return push_list(decoder, &slot);
	if (slot.row->kind == JSON_OBJECT_PTR)
		return open_pointer(decoder, &slot);
	return push_struct(decoder, slot.row->nested, slot.member);
}

static int on_start_list(void *context)
{
	struct json_decoder *decoder = context;
	struct slot slot;

	if (!begin_value(decoder, TOKEN_LIST, &slot))
		return 0;
	if (!slot.row)
		return push_skip(decoder);
	if (slot.row->kind == JSON_RAW)
		return push_raw(decoder, &slot);
	return push_list(decoder, &slot);
}

static int close_list(struct json_decoder *decoder, const struct json_frame *frame)
{
	const struct json_list *list = frame->member;

	if (!(frame->row->flags & JSON_NOT_EMPTY) || is_map(frame->row) || list->count)
		return 1;
	decoder->depth--; /* the path is the list's own */
	return json_fail(decoder, "must not be empty");
}

static int on_end(void *context)
{
	struct json_decoder *decoder = context;
	struct json_frame *frame = json_top(decoder);

	if (!json_check_keys(decoder))
		return 0;
	if (frame->kind == FRAME_LIST && !close_list(decoder, frame))
		return 0;
	if (frame->kind == FRAME_SKIP && frame->member &&
	    !keep_raw(decoder, frame->member, frame->raw))
		return 0;
	decoder->depth--;
	return 1;
}

/* ---- documents ---- */

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_object,
	.yajl_map_key = on_key,
	.yajl_end_map = on_end,
	.yajl_start_array = on_start_list,
	.yajl_end_array = on_end,
};

/* yajl's reason, which reads "lexical error: ..." or "parse error: ..." with a newline. */
static int fail_syntax(struct json_decoder *decoder, size_t offset)
{
	unsigned char *text = yajl_get_error(decoder->parser, 0, NULL, 0);
	const char *reason = text ? (const char *)text : "";
	const char *colon = strstr(reason, ": ");

	if (colon)
		reason = colon + 2;
	json_fail_at(decoder, offset, "not valid JSON: %.*s", (int)strcspn(reason, ".\n"), reason);
	if (text)
		yajl_free_error(decoder->parser, text);
	return -1;
}

static int parse(struct json_decoder *decoder)
{
	const unsigned char *text = (const unsigned char *)decoder->text;
	yajl_status status = yajl_parse(decoder->parser, text, decoder->length);

	size_t offset = json_offset(decoder);

	if (status == yajl_status_ok) {
		status = yajl_complete_parse(decoder->parser);
		offset = decoder->length;
	}
	if (status == yajl_status_error)
		return fail_syntax(decoder, offset);
	return status == yajl_status_ok ? 0 : -1;
}

int json_decode(const char *source, const char *text, size_t length,
		const struct json_object *object, void *target, struct arena *arena,
		struct err *err)
{
	struct json_decoder decoder;

	if (length > JSON_LENGTH_MAX)
		return err_set(err, ERR_INPUT, "%s: larger than %d bytes", source, JSON_LENGTH_MAX);
	memset(&decoder, 0, offsetof(struct json_decoder, frames));
	decoder.source = source;
	decoder.text = text;
	decoder.length = length;
	decoder.object = object;
	decoder.target = target;
	decoder.arena = arena;
	decoder.err = err;
	decoder.parser = yajl_alloc(&callbacks, NULL, &decoder);
	if (!decoder.parser)
		return err_sys(err, "decode %s", source);
	yajl_config(decoder.parser, yajl_dont_validate_strings,
		    1); /* json_check_text() is stricter */
	int result = parse(&decoder);

	yajl_free(decoder.parser);
	free(decoder.keys);
	return result;
}

int json_decode_file(int dir, const char *path, const char *source,
		     const struct json_object *object, void *target, struct arena *arena,
		     struct err *err)
{
	size_t length;
	auto_free char *text = fd_slurp(dir, path, JSON_LENGTH_MAX, &length, err);

	if (!text)
		return -1;
	return json_decode(source, text, length, object, target, arena, err);
}
