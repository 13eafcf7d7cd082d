/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mount options: every word of the specification, crun's extras, and what they mean to the kernel.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "ns/plan.h"

/* ns_options.special */
enum ns_option_special {
	NS_OPTION_BIND = 1,
	NS_OPTION_RECURSIVE = 2, /* rbind */
	NS_OPTION_REMOUNT = 4,
	NS_OPTION_IDMAP = 8,
	NS_OPTION_IDMAP_TREE = 16, /* ridmap */
	NS_OPTION_COPY_UP = 32,
	NS_OPTION_COPY_SYMLINK = 64,
	NS_OPTION_SOURCE_LINK = 128,
	NS_OPTION_TARGET_LINK = 256,
};

enum {
	NS_OPTIONS_PROPAGATION_MAX = 8,
};

struct ns_options {
	struct ns_attributes attributes;
	uint64_t super;                                   /* MS_... that belong to the superblock */
	unsigned int special;                             /* enum ns_option_special */
	uint64_t propagation[NS_OPTIONS_PROPAGATION_MAX]; /* MS_..., in the listed order */
	size_t propagation_count;
	const char *data; /* the first word that is for the file system, or NULL */
};

struct ns_mount_spec;

/* Read a list of words in order, later ones win. False when there are too many propagation words.
 */
bool ns_options_parse(const struct json_list *words, struct ns_options *options);

/* The same for a whole mount: type "bind" counts as the word. */
bool ns_options_of_mount(const struct ns_mount_spec *mount, struct ns_options *options);

/* The words that are in no row, joined by commas; NULL when there are none. `failed` is set when
 * memory ran out. */
const char *ns_options_data(const struct json_list *words, struct arena *arena, bool *failed);

/* The MS_... value of a propagation word ("rslave"); false for any other word. */
bool ns_propagation_find(const char *word, uint64_t *value);
