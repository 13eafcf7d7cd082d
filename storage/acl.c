/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* POSIX ACLs in the xattr's form: a version and 8 bytes an entry, little-endian. */
#include "storage/acl.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum {
	VERSION = 2,
	HEADER = 4,
	ENTRY = 8,
};

size_t acl_size(size_t count)
{
	return HEADER + ENTRY * count;
}

static int compare_entries(const void *left, const void *right)
{
	const struct acl_entry *l = left, *r = right;

	if (l->tag != r->tag)
		return l->tag < r->tag ? -1 : 1;
	return l->id < r->id ? -1 : l->id > r->id;
}

void acl_encode(struct acl_entry *entries, size_t count, void *bytes)
{
	uint32_t version = htole32(VERSION);
	char *at = bytes;

	if (count)
		qsort(entries, count, sizeof(*entries), compare_entries);
	memcpy(at, &version, HEADER);
	at += HEADER;
	for (size_t i = 0; i < count; i++, at += ENTRY) {
		bool named = entries[i].tag == ACL_TAG_USER || entries[i].tag == ACL_TAG_GROUP;
		uint16_t tag = htole16(entries[i].tag);
		uint16_t permissions = htole16(entries[i].permissions);
		uint32_t id = htole32(named ? entries[i].id : UINT32_MAX);

		memcpy(at, &tag, 2);
		memcpy(at + 2, &permissions, 2);
		memcpy(at + 4, &id, 4);
	}
}

size_t acl_count(const void *bytes, size_t size)
{
	uint32_t version;

	if (size < HEADER || (size - HEADER) % ENTRY)
		return 0;
	memcpy(&version, bytes, HEADER);
	return le32toh(version) == VERSION ? (size - HEADER) / ENTRY : 0;
}

struct acl_entry acl_get(const void *bytes, size_t index)
{
	const char *at = (const char *)bytes + HEADER + ENTRY * index;
	struct acl_entry entry;

	memcpy(&entry.tag, at, 2);
	memcpy(&entry.permissions, at + 2, 2);
	memcpy(&entry.id, at + 4, 4);
	entry.tag = le16toh(entry.tag);
	entry.permissions = le16toh(entry.permissions);
	entry.id = le32toh(entry.id);
	return entry;
}
