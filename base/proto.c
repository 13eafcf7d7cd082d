/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The C members behind the rows of a protobuf table. */
#include "base/proto.h"

#include <string.h>

static void *member_of(const struct proto_field *field, const void *target)
{
	return (char *)target + field->offset;
}

static bool is_signed(enum proto_kind kind)
{
	return kind == PROTO_INT32 || kind == PROTO_INT64 || kind == PROTO_ENUM;
}

bool proto_in_range(enum proto_kind kind, bool negative, uint64_t magnitude)
{
	bool small = kind == PROTO_INT32 || kind == PROTO_UINT32 || kind == PROTO_ENUM;
	uint64_t most = is_signed(kind) ? (small ? INT32_MAX : INT64_MAX)
					: (small ? UINT32_MAX : UINT64_MAX);

	if (kind == PROTO_BOOL)
		return !negative && magnitude <= 1;
	if (!negative || !magnitude)
		return magnitude <= most;
	return is_signed(kind) && magnitude <= most + 1;
}

int proto_store_number(const struct proto_field *field, void *target, uint64_t value,
		       struct arena *arena)
{
	struct opt_u64 *one = member_of(field, target);
	uint64_t *item;

	if (!field->repeated) {
		*one = (struct opt_u64){ true, value };
		return 0;
	}
	item = json_grow(arena, member_of(field, target), sizeof(*item));
	if (!item)
		return -1;
	*item = value;
	return 0;
}

int proto_store_text(const struct proto_field *field, void *target, const char *text,
		     struct arena *arena)
{
	const char **item = field->repeated
				    ? json_grow(arena, member_of(field, target), sizeof(*item))
				    : member_of(field, target);

	if (!item || !text)
		return -1;
	*item = text;
	return 0;
}

void *proto_nested(const struct proto_field *field, void *target, struct arena *arena)
{
	void **one = member_of(field, target);

	if (field->repeated)
		return json_grow(arena, member_of(field, target), field->message->size);
	if (!*one)
		*one = arena_alloc(arena, field->message->size);
	return *one;
}

size_t proto_count(const struct proto_field *field, const void *from)
{
	const void *member = member_of(field, from);

	if (field->repeated)
		return ((const struct json_list *)member)->count;
	if (field->kind == PROTO_STRING || field->kind == PROTO_MESSAGE)
		return *(const void *const *)member != NULL;
	return ((const struct opt_u64 *)member)->set;
}

static size_t item_size(const struct proto_field *field)
{
	if (field->kind == PROTO_MESSAGE)
		return field->message->size;
	return field->kind == PROTO_STRING ? sizeof(char *) : sizeof(uint64_t);
}

/* The index'th value itself, as it lies in its member or list. */
static const void *value_at(const struct proto_field *field, const void *from, size_t index)
{
	const void *member = member_of(field, from);

	if (field->repeated)
		return (const char *)((const struct json_list *)member)->items +
		       index * item_size(field);
	if (field->kind == PROTO_STRING)
		return member;
	if (field->kind == PROTO_MESSAGE)
		return *(const void *const *)member;
	return &((const struct opt_u64 *)member)->value;
}

uint64_t proto_number(const struct proto_field *field, const void *from, size_t index)
{
	return *(const uint64_t *)value_at(field, from, index);
}

const char *proto_text(const struct proto_field *field, const void *from, size_t index)
{
	return *(const char *const *)value_at(field, from, index);
}

const void *proto_message_at(const struct proto_field *field, const void *from, size_t index)
{
	return value_at(field, from, index);
}
