/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* User namespaces made and looked at through a short-lived child, because only a process can hold a
 * fresh one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct json_list;

/* What a user namespace lets its first process be. */
struct userns_identity {
	bool denied_groups;          /* setgroups(2) is switched off for good */
	bool root_mapped;            /* id 0 exists, for users and groups */
	uint32_t uid, gid;           /* 0, or the first mapped ids */
	uint32_t host_uid, host_gid; /* the same as we see them */
};

/*
 * A new user namespace with these maps (struct ns_id_map), written by ourselves when we may, else
 * by newuidmap(1) and newgidmap(1). Returns its descriptor; *identity (may be NULL) tells about it.
 */
int userns_create(const struct json_list *uid_maps, const struct json_list *gid_maps,
		  struct userns_identity *identity, struct err *err);

/* The same facts about an existing one. */
int userns_inspect(int userns, struct userns_identity *identity, struct err *err);

/* Where newuidmap(1) and newgidmap(1) may be; end with NULL. */
extern const char *const userns_uid_helpers[], *const userns_gid_helpers[];
