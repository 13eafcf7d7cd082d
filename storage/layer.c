/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Building a stack of layers and committing it as an image. */
#include "storage/layer.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "storage/fault.h"
#include "storage/reference.h"

int layer_stack_begin(struct storage *store, struct layer_stack *stack, struct arena *arena,
		      struct err *err)
{
	*stack = (struct layer_stack){ .arena = arena, .intent = INTENT_INIT };
	if (store_unique(stack->prefix, sizeof(stack->prefix), "build", err) < 0 ||
	    intent_begin(store, INTENT_BUILD, stack->prefix, &stack->intent, err) < 0)
		return -1;
	if (intent_arm(&stack->intent, err) == 0)
		return 0;
	intent_end(&stack->intent);
	return -1;
}

void layer_stack_end(struct storage *store, struct layer_stack *stack)
{
	bool clean = !stack->half_committed;

	for (size_t i = stack->count; i-- > 0;) {
		if (stack->parts[i].built &&
		    store->ops->remove(store, stack->parts[i].key, NULL) < 0)
			clean = false;
	}
	if (!clean)
		intent_abandon(&stack->intent);
	intent_end(&stack->intent);
}

static struct layer_part *push(struct layer_stack *stack, struct err *err)
{
	if (stack->count == stack->room) {
		size_t room = stack->room ? 2 * stack->room : 16;
		struct layer_part *grown = arena_alloc(stack->arena, room * sizeof(*grown));

		if (!grown) {
			err_sys(err, "stack layers");
			return NULL;
		}
		if (stack->count)
			memcpy(grown, stack->parts, stack->count * sizeof(*grown));
		stack->parts = grown;
		stack->room = room;
	}
	stack->parts[stack->count] = (struct layer_part){ 0 };
	return &stack->parts[stack->count];
}

/* The ChainID of a layer on top of what is there. */
static const char *next_chain(struct layer_stack *stack, const char *diff_id, struct err *err)
{
	char parent[80] = "", chain[65];

	if (stack->count)
		snprintf(parent, sizeof(parent), "sha256:%s", stack->parts[stack->count - 1].chain);
	if (oci_chain_id(stack->count ? parent : NULL, diff_id, chain, err) < 0)
		return NULL;
	const char *copy = arena_strdup(stack->arena, chain);

	if (!copy)
		err_sys(err, "stack layers");
	return copy;
}

int layer_reuse(struct storage *store, struct layer_stack *stack, const char *diff_id,
		struct err *err)
{
	struct layer_record record;
	struct err reason = { 0 };
	const char *chain = next_chain(stack, diff_id, err);

	if (!chain)
		return -1;
	/* a damaged record is built anew and replaced */
	if (record_read(store, &layer_kind, chain, stack->arena, &record, &reason) < 0)
		return 0;
	struct layer_part *part = push(stack, err);

	if (!part)
		return -1;
	part->key = arena_printf(stack->arena, "layer-%s", chain);
	part->chain = chain;
	part->diff_id = diff_id;
	part->bytes = record.size.value;
	if (!part->key)
		return err_sys(err, "stack layers");
	stack->count++;
	return 1;
}

int layer_push_chain(struct storage *store, struct layer_stack *stack,
		     const struct json_list *chain, struct err *err)
{
	for (size_t i = chain->count; i-- > 0;) {
		const char *key = JSON_ITEMS(const char *, chain)[i];
		struct layer_record record;

		if (record_read(store, &layer_kind, key + strlen("layer-"), stack->arena, &record,
				err) < 0)
			return -1;
		struct layer_part *part = push(stack, err);

		if (!part)
			return -1;
		part->key = key;
		part->chain = key + strlen("layer-");
		part->diff_id = record.diff_id;
		part->bytes = record.size.value;
		stack->count++;
	}
	return 0;
}

/* Keys from the topmost down, as volumes want them. */
static const char **keys_below(struct layer_stack *stack, size_t count)
{
	const char **keys = arena_alloc(stack->arena, (count + 1) * sizeof(*keys));

	for (size_t i = 0; keys && i < count; i++)
		keys[i] = stack->parts[count - 1 - i].key;
	return keys;
}

int layer_begin(struct storage *store, struct layer_stack *stack, struct layer_build *build,
		struct err *err)
{
	const struct volume_mount plain = { .userns_fd = -1, .is_volatile = true };

	*build = (struct layer_build){ .tree = -1 };
	build->key = arena_printf(stack->arena, "%s-%zu", stack->prefix, stack->count);
	const char **keys = keys_below(stack, stack->count);

	if (!build->key || !keys)
		return err_sys(err, "make a layer");
	struct volume volume = { .key = build->key, .chain = keys, .depth = stack->count };

	if (store->ops->create(store, &volume, err) == 0)
		build->tree = store->ops->mount(store, &volume, &plain, err);
	if (build->tree >= 0)
		return 0;
	store->ops->remove(store, build->key, NULL);
	return -1;
}

static int push_built(struct layer_stack *stack, const struct layer_build *build, struct err *err)
{
	const char *chain = next_chain(stack, build->diff_id, err);
	struct layer_part *part = chain ? push(stack, err) : NULL;

	if (!part)
		return -1;
	*part = (struct layer_part){ build->key, chain, build->diff_id, build->bytes, true };
	stack->count++;
	return 0;
}

int layer_end(struct storage *store, struct layer_stack *stack, struct layer_build *build,
	      int result, struct err *err)
{
	if (build->tree >= 0)
		close(build->tree);
	build->tree = -1;
	if (result == 0 && store->ops->release)
		result = store->ops->release(store, build->key, err);
	if (result == 0)
		result = push_built(stack, build, err);
	if (result < 0)
		store->ops->remove(store, build->key, NULL);
	return result;
}

/* Under the exclusive lock. Somebody may have made the same layer meanwhile: then his stays. */
static int commit_part(struct storage *store, struct layer_stack *stack, size_t number,
		       struct err *err)
{
	struct layer_part *part = &stack->parts[number];
	const char *key = arena_printf(stack->arena, "layer-%s", part->chain);

	if (!key)
		return err_sys(err, "commit a layer");
	if (record_exists(store, &layer_kind, part->chain)) {
		if (!part->built)
			return 0;
		struct layer_record record;

		if (record_read(store, &layer_kind, part->chain, stack->arena, &record, NULL) ==
		    0) {
			if (store->ops->remove(store, part->key, err) < 0)
				return -1;
			part->built = false;
			part->key = key;
			return 0;
		}
		if (record_remove(store, &layer_kind, part->chain, err) < 0)
			return -1;
	}
	if (!part->built) {
		err_set(err, ESTALE, "commit layer %.12s: it was removed meanwhile", part->chain);
		return err_hint(err, "do the same again");
	}
	/* without a record it is what a crash left */
	if (store->ops->remove(store, key, err) < 0 ||
	    store->ops->commit(store, part->key, key, err) < 0)
		return -1;
	part->built = false;
	part->key = key;
	return FAULT_POINT("commit.renamed", err);
}

static int write_part(struct storage *store, struct layer_stack *stack, size_t number,
		      const char *created, struct err *err)
{
	const struct layer_part *part = &stack->parts[number];
	const char **keys = keys_below(stack, number);
	struct layer_record record = {
		.diff_id = part->diff_id,
		.chain = { keys, number },
		.size = { true, part->bytes },
		.created = created,
	};

	if (!keys)
		return err_sys(err, "commit a layer");
	if (record_write(store, &layer_kind, part->chain, &record, RECORD_SYNC, err) < 0)
		return -1;
	return FAULT_POINT("commit.recorded", err);
}

static int commit_parts(struct storage *store, struct layer_stack *stack, const char *created,
			struct err *err)
{
	for (size_t i = 0; i < stack->count; i++) {
		if (commit_part(store, stack, i, err) < 0)
			return -1;
	}
	if (fsync(store->data) < 0)
		return err_sys(err, "sync %s/data", store->path);
	for (size_t i = 0; i < stack->count; i++) {
		if (record_exists(store, &layer_kind, stack->parts[i].chain))
			continue;
		if (write_part(store, stack, i, created, err) < 0)
			return -1;
	}
	return 0;
}

static int write_manifest(struct storage *store, struct layer_stack *stack,
			  const char *config_digest, size_t config_size, char digest[72],
			  struct err *err)
{
	struct oci_descriptor *layers =
		arena_alloc(stack->arena, (stack->count + 1) * sizeof(*layers));
	struct oci_manifest manifest = {
		.schema_version = { true, 2 },
		.media_type = OCI_MEDIA_MANIFEST,
		.config = { OCI_MEDIA_CONFIG, config_digest, { true, config_size } },
		.layers = { layers, stack->count },
	};

	if (!layers)
		return err_sys(err, "write the manifest");
	for (size_t i = 0; i < stack->count; i++)
		layers[i] = (struct oci_descriptor){ OCI_MEDIA_LAYER, stack->parts[i].diff_id };
	const char *text = json_encode(&oci_manifest_object, &manifest, 0, stack->arena, err);

	return text ? blob_write(store, text, strlen(text), digest, err) : -1;
}

static int fill_config(struct layer_stack *stack, struct layer_image *result, struct err *err)
{
	const char **diff_ids = arena_alloc(stack->arena, (stack->count + 1) * sizeof(*diff_ids));

	if (!diff_ids)
		return err_sys(err, "write the image config");
	for (size_t i = 0; i < stack->count; i++)
		diff_ids[i] = stack->parts[i].diff_id;
	result->config->rootfs.diff_ids = (struct json_list){ diff_ids, stack->count };
	if (result->config_text)
		return 0;
	result->config_text = json_encode(&oci_config_object, result->config, 0, stack->arena, err);
	result->config_size = result->config_text ? strlen(result->config_text) : 0;
	return result->config_text ? 0 : -1;
}

static int write_image(struct storage *store, struct layer_stack *stack, struct layer_image *result,
		       struct arena *arena, struct storage_image *image, struct err *err)
{
	char digest[72], config_digest[72], file[REFERENCE_MAX + 1];
	const char **keys = keys_below(stack, stack->count);
	uint64_t bytes = 0;

	if (!keys || fill_config(stack, result, err) < 0 ||
	    blob_write(store, result->config_text, result->config_size, config_digest, err) < 0 ||
	    write_manifest(store, stack, config_digest, result->config_size, digest, err) < 0)
		return -1;
	for (size_t i = 0; i < stack->count; i++)
		bytes += stack->parts[i].bytes;
	struct image_record record = {
		.name = arena_strdup(arena, result->name),
		.digest = arena_strdup(arena, digest),
		.config = config_digest,
		.created = result->config->created,
		.architecture = result->config->architecture,
		.os = result->config->os,
		.size = { true, bytes },
		.layers = result->config->rootfs.diff_ids,
		.chain = { keys, stack->count },
	};

	if (!record.name || !record.digest)
		return err_sys(err, "write image %s", result->name);
	reference_to_file(result->name, file);
	if (record_write(store, &image_kind, file, &record, RECORD_SYNC, err) < 0)
		return -1;
	*image = (struct storage_image){
		.name = record.name,
		.digest = record.digest,
		.created = record.created,
		.architecture = record.architecture,
		.os = record.os,
		.size = record.size,
		.layers = record.layers,
		.config = result->config->config,
	};
	return FAULT_POINT("commit.named", err);
}

int layer_commit(struct storage *store, struct layer_stack *stack, struct layer_image *result,
		 struct arena *arena, struct storage_image *image, struct err *err)
{
	char created[32];

	/* once for all layers: file by file would cost more than the unpacking */
	if (syncfs(store->data) < 0)
		return err_sys(err, "sync %s/data", store->path);
	if (FAULT_POINT("commit.synced", err) < 0 || store_lock(store, STORE_EXCLUSIVE, err) < 0)
		return -1;
	store_timestamp(created);
	int done = commit_parts(store, stack, created, err);

	stack->half_committed = done < 0;
	if (done == 0)
		done = write_image(store, stack, result, arena, image, err);
	store_unlock(store);
	return done;
}
