/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container's writable layer made into an image. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "storage/diff.h"
#include "storage/fault.h"
#include "storage/import.h"
#include "storage/layer.h"
#include "storage/reference.h"

static int read_base_config(struct storage *store, const struct root *root, struct arena *arena,
			    struct oci_config *config, struct err *err)
{
	const struct image_record image = { .name = root->record.image,
					    .config = root->record.config };

	return oci_read_config(store, &image, arena, config, err);
}

static int extend_history(const struct storage_commit *commit, struct arena *arena,
			  struct oci_config *config, struct err *err)
{
	size_t count = config->history.count;
	struct storage_history *rows = arena_alloc(arena, (count + 1) * sizeof(*rows));
	char created[32];

	store_timestamp(created);
	config->created = arena_strdup(arena, created);
	if (!rows || !config->created)
		return err_sys(err, "commit %s", commit->id);
	if (count)
		memcpy(rows, config->history.items, count * sizeof(*rows));
	rows[count] = (struct storage_history){
		.created = config->created,
		.created_by = "masu commit",
		.author = commit->author,
		.comment = commit->comment,
	};
	config->history = (struct json_list){ rows, count + 1 };
	if (commit->author)
		config->author = commit->author;
	if (commit->config)
		config->config = *commit->config;
	if (!config->architecture)
		config->architecture = import_architecture();
	if (!config->os)
		config->os = "linux";
	config->rootfs.type = "layers";
	return 0;
}

/* The DiffID is the digest of the layer as a tar, so the changes are read once; the tar itself goes
 * nowhere. */
static int digest_changes(struct storage *store, const struct volume *volume,
			  struct layer_stack *stack, struct layer_build *build, struct err *err)
{
	auto_close int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	const struct archive_output output = { .fd = null };
	struct archive_digests digests;

	if (null < 0)
		return err_sys(err, "open /dev/null");
	if (diff_write(store, volume, &output, &digests, err) < 0)
		return -1;
	build->diff_id = arena_printf(stack->arena, "sha256:%s", digests.plain);
	build->bytes = digests.plain_size;
	return build->diff_id ? 0 : err_sys(err, "commit a layer");
}

/* A copy first: the container may go on writing. */
static int add_layer(struct storage *store, const struct root *root, struct layer_stack *stack,
		     struct err *err)
{
	struct layer_build build = { .tree = -1 };
	struct volume copy = root->volume;

	build.key = arena_printf(stack->arena, "%s-%zu", stack->prefix, stack->count);
	if (!build.key)
		return err_sys(err, "commit a layer");
	copy.key = build.key;
	copy.size = copy.inodes = 0;
	int result = store->ops->clone(store, &root->volume, build.key, err);

	if (result == 0)
		result = FAULT_POINT("commit.cloned", err);
	if (result == 0)
		result = digest_changes(store, &copy, stack, &build, err);
	return layer_end(store, stack, &build, result, err);
}

static int build_image(struct storage *store, const struct root *root, struct layer_stack *stack,
		       struct err *err)
{
	if (layer_push_chain(store, stack, &root->record.chain, err) < 0)
		return -1;
	return add_layer(store, root, stack, err);
}

int storage_commit(struct storage *store, const struct storage_commit *commit, struct arena *arena,
		   struct storage_image *image, struct err *err)
{
	struct reference reference;
	struct layer_stack stack;
	struct oci_config config;
	struct root root;

	if (reference_parse(commit->name, &reference, err) < 0)
		return -1;
	if (!*reference.name)
		return err_set(err, ERR_INPUT, "image name %s: a digest is not a name",
			       commit->name);
	if (root_load(store, commit->id, arena, &root, err) < 0 ||
	    read_base_config(store, &root, arena, &config, err) < 0 ||
	    extend_history(commit, arena, &config, err) < 0 ||
	    layer_stack_begin(store, &stack, arena, err) < 0)
		return -1;
	struct layer_image result = { .name = reference.name, .config = &config };
	int done = build_image(store, &root, &stack, err);

	if (done == 0)
		done = layer_commit(store, &stack, &result, arena, image, err);
	layer_stack_end(store, &stack);
	return done < 0 ? err_wrap(err, "commit %s", commit->id) : 0;
}
