/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layers being made: volumes on top of each other that become visible all at once, together with
 * the image's name. */
#pragma once

#include "storage/oci.h"

/* One layer of the stack: there already, or built by us under a temporary key. */
struct layer_part {
	const char *key;     /* volume: "layer-CHAINID" or "build-..." */
	const char *chain;   /* ChainID, hex */
	const char *diff_id; /* "sha256:HEX" */
	uint64_t bytes;
	bool built;
};

struct layer_stack {
	struct arena *arena;
	struct layer_part *parts; /* lowest first */
	size_t count, room;
	char prefix[64]; /* of the temporary keys */
	struct intent intent;
	bool half_committed; /* recovery has to look for layers without a record */
};

int layer_stack_begin(struct storage *store, struct layer_stack *stack, struct arena *arena,
		      struct err *err);
/* Also after a success: what was built and not committed is removed. */
void layer_stack_end(struct storage *store, struct layer_stack *stack);

/* 1: the layer with this DiffID exists on top of the stack and was put there; 0: it has to be
 * built. */
int layer_reuse(struct storage *store, struct layer_stack *stack, const char *diff_id,
		struct err *err);

/* Start from an image's layers (keys, topmost first). */
int layer_push_chain(struct storage *store, struct layer_stack *stack,
		     const struct json_list *chain, struct err *err);

/* A new writable volume on top of the stack. */
struct layer_build {
	const char *key;
	int tree;            /* its mount: to be filled */
	const char *diff_id; /* to be set by the caller: texts live in the stack's arena */
	uint64_t bytes;
};

int layer_begin(struct storage *store, struct layer_stack *stack, struct layer_build *build,
		struct err *err);
/* `result` of the filling: with -1 the volume is removed and -1 returned. */
int layer_end(struct storage *store, struct layer_stack *stack, struct layer_build *build,
	      int result, struct err *err);

/* What the stack becomes. */
struct layer_image {
	const char *name; /* with its tag */
	struct oci_config
		*config; /* rootfs.diff_ids are set from the stack when config_text is NULL */
	const char *config_text; /* kept byte for byte; NULL: encoded from `config` */
	size_t config_size;
};

/*
 * Sync, then make layers, blobs and the name visible. Killed anywhere in between, the next command
 * finds either the old or the new image under the name, and layers that are whole.
 */
int layer_commit(struct storage *store, struct layer_stack *stack, struct layer_image *result,
		 struct arena *arena, struct storage_image *image, struct err *err);
