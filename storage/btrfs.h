/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Subvolumes by ioctl, as the btrfs driver needs them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct candidates;
struct err;

/* True when this descriptor is the root of a subvolume on btrfs. */
bool subvolume_is(int fd);

int subvolume_create(int dir, const char *name, struct err *err);
int subvolume_snapshot(int source, int dir, const char *name, bool readonly, struct err *err);
int subvolume_freeze(int fd, struct err *err);

/* With the subvolumes that somebody made inside of it. Idempotent. */
int subvolume_destroy(int dir, const char *name, struct err *err);

/* The number by which the file system knows it. */
int subvolume_id(int fd, uint64_t *id, struct err *err);

/* Limit what it may write; ERR_UNSUPPORTED when the file system does not count (`may_enable`:
 * switch simple quotas on then). */
int subvolume_limit(int fd, uint64_t bytes, bool may_enable, struct err *err);

/* Bytes written by it alone and its limit; -1 without a record when the file system does not count.
 */
int subvolume_usage(int fd, uint64_t *bytes, uint64_t *limit);

/* Paths that differ between two read-only subvolumes, from the file system's own knowledge (send
 * without data). */
int subvolume_changes(int base, int child, struct candidates *set, struct err *err);

/* Let the file system (of one device) have all of its device. */
int subvolume_grow_filesystem(int fd, struct err *err);
