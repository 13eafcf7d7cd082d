/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unpacking of one layer's tar, which nobody trusts, into a tree. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "storage/archive.h"

/* What is left to use, shared by all layers of one import. */
struct unpack_limits {
	uint64_t bytes, entries;
};

struct unpack {
	int root;        /* the tree's top directory */
	bool has_lowers; /* whiteouts have something to remove */
	struct unpack_limits *limits;
	uint64_t bytes; /* out: sizes of the regular files unpacked */
};

/*
 * Unpack everything that `reader` still has. Nothing outside `root` is touched whatever the names
 * and links say: ".." is refused, absolute names begin at `root`, links on the way are resolved as
 * if `root` were "/". A later entry replaces an earlier one of the same name. On failure the tree
 * is half done and only good for removal.
 */
int unpack_layer(struct unpack *unpack, const struct archive_ops *archive,
		 struct archive_reader *reader, struct err *err);
