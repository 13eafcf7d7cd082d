/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Detached mounts: clones of directories and new file systems that appear in no mount table. */
#pragma once

#include <stddef.h>

#include "storage/driver.h"

/* A clone of the directory (not of what is mounted below it), id-mapped and read-only as asked. */
int detached_clone(int dir, const char *path, const struct volume_mount *how, struct err *err);

/* Apply id map and read-only to a detached mount of ours. */
int detached_apply(int mount, const struct volume_mount *how, struct err *err);

/*
 * What an overlay mount is made of: directories below the detached clone `data`, nearest lower
 * first. One clone for all of them: dropping one costs an RCU grace period (85 us), and without it
 * the host's paths could be read in the container's mount table.
 */
struct overlay_parts {
	int data;
	const char *const *lowers;
	size_t count;
	const char *top; /* holds d/ and w/; NULL for a read-only view */
	bool is_volatile;
};

/* Mount it: by descriptors where the kernel can (6.13), else in a throw-away mount namespace. */
int overlay_mount(const struct overlay_parts *parts, struct err *err);
int overlay_mount_by_fd(const struct overlay_parts *parts, struct err *err);
int overlay_mount_in_namespace(const struct overlay_parts *parts, struct err *err);

/*
 * While these are borrowed, files that this thread makes belong to the container's root. Overlay
 * keeps the mounter's credentials and makes its work directory with them; through an id-mapped
 * upper mount an unmapped owner is EOVERFLOW and the mount silently read-only.
 */
struct borrowed_ids {
	bool active;
	unsigned int uid, gid;
	unsigned int caps[6];
};

int borrow_ids(struct borrowed_ids *saved, const struct volume_mount *how, struct err *err);
void return_ids(const struct borrowed_ids *saved);
