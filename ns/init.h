/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the init side share. The host side uses the makers of detached mounts, too. */
#pragma once

#include <stdbool.h>

#include "base/flat.h"
#include "ns/plan.h"

struct err;
struct ns_plan;

/* ---- detached mounts (init_source.c) ---- */

/* Make what a BIND, NEW or FALLBACK row asks for, with its attributes and propagation. */
int ns_source_make(const struct flat_view *view, const struct ns_mount_plan *row, struct err *err);

/* Make all that the host side left to init, and put it into the place holders. */
int ns_source_prepare(const struct flat_view *view, const struct ns_plan *plan, struct err *err);

/* A clone of one device node of the host, checked to be the one that is meant. */
int ns_source_device(const char *path, uint32_t mode, uint32_t major, uint32_t minor,
		     struct err *err);

/* ---- attributes (init_attributes.c) ---- */

/* False on Linux before 5.12: attributes can then be changed only once a mount is attached. */
bool ns_attributes_on_detached(void);
int ns_attributes_apply(int mount, const struct ns_attributes *attributes, struct err *err);

/* One MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE, with MS_REC or not. */
int ns_propagation_apply(int mount, uint64_t propagation, struct err *err);

/* ---- the rest ---- */

/* move_mount(2) from one descriptor to another. 0 or -1 with errno. */
int ns_move(int mount, int target);

/* Copy a directory's content into another directory: tmpcopyup. */
int ns_copy_tree(int from, int to, struct err *err);

/* Unmount every whole procfs and sysfs that a chroot alone would leave within reach, but not those
 * below `keep` (may be NULL). */
int ns_drop_host_views(const char *keep, struct err *err);
