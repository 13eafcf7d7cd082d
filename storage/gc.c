/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Garbage collection: references are counted from the records each time, never stored. */
#include "storage/gc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "storage/fault.h"
#include "storage/recover.h"
#include "storage/root.h"

/* Sorted insertion: thousands of names at most, and lookups are many. */
static size_t find_place(const struct name_set *set, const char *name, bool *found)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(set->items[middle], name);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = false;
	return low;
}

bool name_set_has(const struct name_set *set, const char *name)
{
	bool found;

	find_place(set, name, &found);
	return found;
}

bool name_set_add(struct name_set *set, const char *name)
{
	bool found;
	size_t place = find_place(set, name, &found);

	if (found)
		return true;
	if (set->count == set->room) {
		size_t room = set->room ? 2 * set->room : 64;
		void *grown = realloc(set->items, room * sizeof(*set->items));

		if (!grown)
			return false;
		set->items = grown;
		set->room = room;
	}
	const char *copy = arena_strdup(&set->arena, name);

	if (!copy)
		return false;
	memmove(&set->items[place + 1], &set->items[place],
		(set->count - place) * sizeof(*set->items));
	set->items[place] = copy;
	set->count++;
	return true;
}

void name_set_free(struct name_set *set)
{
	free(set->items);
	arena_free(&set->arena);
	*set = (struct name_set){ 0 };
}

static bool add_chain(struct name_set *layers, const struct json_list *chain)
{
	for (size_t i = 0; i < chain->count; i++) {
		if (!name_set_add(layers, JSON_ITEMS(const char *, chain)[i]))
			return false;
	}
	return true;
}

int gc_collect_used(struct storage *store, struct name_set *layers, struct name_set *blobs,
		    struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct image_record image;
	struct root_record root;
	char **names;
	size_t count;

	if (record_list(store, &image_kind, &arena, &names, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (record_read(store, &image_kind, names[i], &arena, &image, err) < 0)
			return -1;
		if (!add_chain(layers, &image.chain) || !name_set_add(blobs, image.digest) ||
		    !name_set_add(blobs, image.config))
			return err_sys(err, "list what images use");
	}
	if (record_list(store, &root_kind, &arena, &names, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (record_read(store, &root_kind, names[i], &arena, &root, err) < 0)
			return -1;
		/* the image's config too: commit needs it after the name is gone */
		if (!add_chain(layers, &root.chain) ||
		    (root.digest && !name_set_add(blobs, root.digest)) ||
		    (root.config && !name_set_add(blobs, root.config)))
			return err_sys(err, "list what roots use");
	}
	return 0;
}

int gc_report(storage_found *found, void *data, const char *kind, const char *name,
	      const char *problem, bool repaired)
{
	const struct storage_finding finding = { kind, name, problem, repaired };

	return found ? found(&finding, data) : 0;
}

/* Under the exclusive lock: take the record away and the volume aside; deleting it can wait until
 * the lock is free. */
static int set_aside(struct storage *store, const char *chain, const char *trash,
		     unsigned int *number, struct err *err)
{
	char key[NAME_MAX], aside[NAME_MAX];
	struct err reason = { 0 };

	snprintf(key, sizeof(key), "layer-%s", chain);
	snprintf(aside, sizeof(aside), "%s-%u", trash, *number);
	if (record_remove(store, &layer_kind, chain, err) < 0 ||
	    FAULT_POINT("gc.record-removed", err) < 0)
		return -1;
	if (store->ops->commit(store, key, aside, &reason) == 0) {
		++*number;
		return 0;
	}
	if (reason.code == ENOENT)
		return 0;
	if (err)
		*err = reason;
	return -1;
}

static int collect_layers(struct storage *store, const struct storage_gc *gc,
			  const struct name_set *used, const char *trash, unsigned int *number,
			  struct err *err)
{
	auto_arena struct arena arena = { 0 };
	char **names, key[NAME_MAX];
	size_t count;
	int found = 0;

	if (record_list(store, &layer_kind, &arena, &names, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "layer-%s", names[i]);
		if (name_set_has(used, key))
			continue;
		found++;
		if (!gc->dry_run && set_aside(store, names[i], trash, number, err) < 0)
			return -1;
		if (gc_report(gc->found, gc->data, "layer", names[i], "no image or root uses it",
			      !gc->dry_run))
			break;
	}
	return found;
}

static int collect_blobs(struct storage *store, const struct storage_gc *gc,
			 const struct name_set *used, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	char **names, digest[NAME_MAX + 8], path[NAME_MAX + 16];
	size_t count;
	int found = 0;

	if (store_list_dir(store->root, "blobs/sha256", &arena, &names, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		snprintf(digest, sizeof(digest), "sha256:%s", names[i]);
		if (name_set_has(used, digest))
			continue;
		found++;
		snprintf(path, sizeof(path), "blobs/sha256/%s", names[i]);
		if (!gc->dry_run && unlinkat(store->root, path, 0) < 0 && errno != ENOENT)
			return err_sys(err, "remove %s/%s", store->path, path);
		if (gc_report(gc->found, gc->data, "blob", names[i], "no image uses it",
			      !gc->dry_run))
			break;
	}
	return found;
}

static int collect(struct storage *store, const struct storage_gc *gc, const char *trash,
		   unsigned int *number, struct err *err)
{
	struct name_set layers = { 0 }, blobs = { 0 };
	int found = -1, more = -1;

	if (gc_collect_used(store, &layers, &blobs, err) == 0)
		found = collect_layers(store, gc, &layers, trash, number, err);
	if (found >= 0)
		more = collect_blobs(store, gc, &blobs, err);
	name_set_free(&layers);
	name_set_free(&blobs);
	return more < 0 ? -1 : found + more;
}

int gc_layers(struct storage *store, const struct storage_gc *gc, struct err *err)
{
	struct intent intent = INTENT_INIT;
	char trash[64], aside[NAME_MAX];
	unsigned int number = 0;
	int result = 0;

	if (store_unique(trash, sizeof(trash), "trash", err) < 0 ||
	    intent_begin(store, INTENT_BUILD, trash, &intent, err) < 0)
		return -1;
	if (intent_arm(&intent, err) < 0 || store_lock(store, STORE_EXCLUSIVE, err) < 0) {
		intent_end(&intent);
		return -1;
	}
	int found = collect(store, gc, trash, &number, err);

	store_unlock(store);
	for (unsigned int i = 0; i < number; i++) {
		snprintf(aside, sizeof(aside), "%s-%u", trash, i);
		if (store->ops->remove(store, aside, err) < 0)
			result = -1;
	}
	/* then recovery finds the volumes that have lost their record */
	if (result < 0 || found < 0)
		intent_abandon(&intent);
	intent_end(&intent);
	return result < 0 ? -1 : found;
}

/* A record that cannot be read is for storage_fsck(). */
static bool is_garbage(struct storage *store, const struct storage_gc *gc, const char *id,
		       struct arena *arena)
{
	struct root_record root;

	if (record_read(store, &root_kind, id, arena, &root, NULL) < 0 ||
	    (root.keep && !gc->kept_too))
		return false;
	if (gc->owner && (!root.owner || strcmp(gc->owner, root.owner) != 0))
		return false;
	return !gc->is_alive(id, gc->data);
}

static int collect_roots(struct storage *store, const struct storage_gc *gc, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	char **names;
	size_t count;
	int found = 0;

	if (!gc->is_alive)
		return 0;
	if (record_list(store, &root_kind, &arena, &names, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct storage_state state = { .root = store->path, .id = names[i] };

		if (!is_garbage(store, gc, names[i], &arena))
			continue;
		found++;
		if (!gc->dry_run && storage_detach(&state, err) < 0)
			return -1;
		if (gc_report(gc->found, gc->data, "root", names[i], "its container is gone",
			      !gc->dry_run))
			break;
	}
	return found;
}

/* What killed commands left, and what was still in use when it was removed. */
static int sweep(struct storage *store, struct err *err)
{
	if (store_lock(store, STORE_EXCLUSIVE, err) < 0)
		return -1;
	int result = recover_store(store, false, err);

	store_unlock(store);
	return result;
}

int storage_gc(struct storage *store, const struct storage_gc *gc, struct err *err)
{
	int roots = collect_roots(store, gc, err);
	int layers = roots < 0 ? -1 : gc_layers(store, gc, err);

	if (layers < 0 || (!gc->dry_run && sweep(store, err) < 0))
		return -1;
	return roots + layers;
}

int storage_trim(struct storage *store, struct err *err)
{
	return store->ops->trim ? store->ops->trim(store, err) : 0;
}

int storage_grow(struct storage *store, uint64_t bytes, struct err *err)
{
	if (store->ops->grow)
		return store->ops->grow(store, bytes, err);
	err_set(err, ERR_UNSUPPORTED, "grow store %s: it has no file or pool of its own",
		store->path);
	return err_hint(err, "it has the space of the file system that it is on");
}
