/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* POSIX ACLs between their entries and the bytes of the kernel's xattr. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Tags as in the xattr (linux/posix_acl_xattr.h). */
enum acl_tag {
	ACL_TAG_USER_OBJ = 0x01,
	ACL_TAG_USER = 0x02,
	ACL_TAG_GROUP_OBJ = 0x04,
	ACL_TAG_GROUP = 0x08,
	ACL_TAG_MASK = 0x10,
	ACL_TAG_OTHER = 0x20,
};

struct acl_entry {
	uint16_t tag, permissions;
	uint32_t id; /* of a user or group, else ignored */
};

#define ACL_XATTR_ACCESS  "system.posix_acl_access"
#define ACL_XATTR_DEFAULT "system.posix_acl_default"

/* Bytes that acl_encode() writes for `count` entries. */
size_t acl_size(size_t count);

/* Sorts the entries as the kernel wants them. */
void acl_encode(struct acl_entry *entries, size_t count, void *bytes);

/* The number of entries in these bytes; 0 when they are not an ACL. */
size_t acl_count(const void *bytes, size_t size);
struct acl_entry acl_get(const void *bytes, size_t index);
