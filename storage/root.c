/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attaching and detaching a container's root. */
#include "storage/root.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "storage/candidates.h"
#include "storage/detached.h"
#include "storage/fault.h"
#include "storage/oci.h"
#include "storage/spec.h"

enum {
	NAME_LIMIT = 120, /* "snap-" ID "@" NAME ".json" must be a file name */
};

int root_check_name(const char *name, const char *what, struct err *err)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-";
	size_t length = name ? strspn(name, allowed) : 0;

	if (!length || name[length] || name[0] == '.')
		return err_set(err, ERR_INPUT, "%s %s: letters, digits and _ + . - only", what,
			       name ? name : "(none)");
	if (length > NAME_LIMIT)
		return err_set(err, ERR_INPUT, "%s %.40s...: longer than %d characters", what, name,
			       NAME_LIMIT);
	return 0;
}

static int root_key(char *key, size_t size, const char *id, struct err *err)
{
	return str_format(key, size, "root-%s", id) < 0 ? err_sys(err, "name root %s", id) : 0;
}

static int find_image(struct storage *store, const struct storage_state *state, struct arena *arena,
		      struct image_record *image, struct err *err)
{
	if (image_resolve(store, state->image, arena, image, err) < 0)
		return -1;
	if (strcmp(image->digest, state->digest) == 0)
		return 0;
	/* the name was given to another image after the plan was made */
	return image_resolve(store, state->digest, arena, image, err);
}

static int read_config(struct storage *store, const struct image_record *image, struct arena *arena,
		       struct storage_image_config *config, struct err *err)
{
	struct oci_config document;

	if (!config)
		return 0;
	if (oci_read_config(store, image, arena, &document, err) < 0)
		return -1;
	*config = document.config;
	return 0;
}

/* 1: the id has a kept root that this container may go on with; 0: it has none. */
static int find_kept(struct storage *store, const struct storage_request *request,
		     struct arena *arena, struct image_record *image, struct err *err)
{
	const struct storage_spec *spec = request->spec;
	struct root_record record;

	if (!spec->keep || !record_exists(store, &root_kind, request->id))
		return 0;
	if (record_read(store, &root_kind, request->id, arena, &record, err) < 0)
		return -1;
	/* one that is in use, or another's: storage_attach() says so */
	if (!record.keep || !record.owner || !request->owner ||
	    strcmp(record.owner, request->owner) != 0)
		return 0;
	if (strcmp(record.image, spec->image) != 0) {
		err_set(err, ERR_EXISTS, "find root of %s: it has a kept one, of the image %s",
			request->id, record.image);
		return err_hint(
			err,
			"give another id, or remove kept roots without a container: masu storage gc --kept");
	}
	*image = (struct image_record){ .name = record.image,
					.digest = record.digest,
					.config = record.config };
	return 1;
}

int storage_plan(const struct storage_request *request, struct arena *arena,
		 struct storage_state *state, struct storage_image_config *config, struct err *err)
{
	const struct storage_spec *spec = request->spec;
	struct image_record image;

	if (root_check_name(request->id, "container id", err) < 0)
		return -1;
	auto_store struct storage *store =
		storage_open(request->root, (enum storage_driver)spec->driver, 0, err);

	if (!store) {
		if (err && err->code == ERR_NOT_FOUND)
			err_hint(err, "masu image import FILE %.60s makes one", spec->image);
		return -1;
	}
	int kept = find_kept(store, request, arena, &image, err);

	if (kept < 0 || (!kept && image_resolve(store, spec->image, arena, &image, err) < 0) ||
	    read_config(store, &image, arena, config, err) < 0)
		return -1;
	*state = (struct storage_state){
		.root = arena_strdup(arena, store->path),
		.id = arena_strdup(arena, request->id),
		.image = arena_strdup(arena, spec->image),
		.digest = image.digest,
		.keep = spec->keep,
		.reused = kept,
	};
	if (!state->root || !state->id || !state->image)
		return err_sys(err, "plan the root of %s", request->id);
	return 0;
}

int root_load(struct storage *store, const char *id, struct arena *arena, struct root *root,
	      struct err *err)
{
	if (root_check_name(id, "container id", err) < 0)
		return -1;
	if (record_read(store, &root_kind, id, arena, &root->record, err) < 0) {
		if (err && err->code == ERR_NOT_FOUND)
			err_set(err, ERR_NOT_FOUND, "find root of %s: it has none in %s", id,
				store->path);
		return -1;
	}
	root->volume = (struct volume){
		.key = arena_printf(arena, "root-%s", id),
		.chain = root->record.chain.items,
		.depth = root->record.chain.count,
		.size = root->record.size.value,
		.inodes = root->record.inodes.value,
	};
	return root->volume.key ? 0 : err_sys(err, "find root of %s", id);
}

/* Under the shared lock: from the moment the record is there, nobody removes the layers that it
 * names. */
static int write_record(struct storage *store, const struct storage_request *request,
			const struct storage_state *state, struct arena *arena,
			struct intent *intent, struct err *err)
{
	struct image_record image;
	struct root_record record = {
		.id = state->id,
		.owner = request->owner,
		.image = state->image,
		.keep = state->keep,
	};
	char created[32];

	if (record_exists(store, &root_kind, state->id))
		return err_set(err, ERR_EXISTS, "make root of %s: there is one already in %s",
			       state->id, store->path);
	if (find_image(store, state, arena, &image, err) < 0 || intent_arm(intent, err) < 0)
		return -1;
	store_timestamp(created);
	record.digest = image.digest;
	record.config = image.config;
	record.chain = image.chain;
	record.created = created;
	record.inodes = request->spec->inodes;
	record.size.set =
		request->spec->size && spec_parse_size(request->spec->size, &record.size.value);
	return record_write(store, &root_kind, state->id, &record, RECORD_NEW, err);
}

static int mount_root(struct storage *store, const struct storage_request *request,
		      const struct root *root, struct err *err)
{
	const struct volume_mount how = {
		.userns_fd = request->userns_fd,
		.root_uid = request->root_uid,
		.root_gid = request->root_gid,
		.is_volatile = request->spec->is_volatile,
	};
	struct sys_mount_attr attributes;

	if (spec_mount_attributes(request->spec, &attributes, err) < 0)
		return -1;
	auto_close int mount = store->ops->mount(store, &root->volume, &how, err);

	if (mount < 0)
		return -1;
	if ((attributes.attr_set || attributes.attr_clr) &&
	    sys_mount_setattr(mount, "", AT_EMPTY_PATH, &attributes) < 0)
		return err_sys(err, "set masu.storage.mountOptions");
	return take_fd(&mount);
}

/* Directories that the image promises to its program, owned by the container's root. */
static int make_volumes(int mount, const struct storage_request *request, struct err *err)
{
	const struct volume_mount how = {
		.userns_fd = request->userns_fd,
		.root_uid = request->root_uid,
		.root_gid = request->root_gid,
	};
	struct borrowed_ids ids;
	int result = 0;

	if (borrow_ids(&ids, &how, err) < 0)
		return -1;
	for (size_t i = 0; i < request->volumes.count && result == 0; i++) {
		const char *path = JSON_ITEMS(struct storage_key, &request->volumes)[i].key;

		auto_close int dir = path_make_dir(mount, path, 0755, err);

		if (dir < 0)
			result = err_wrap(err, "make the image's volume %.100s", path);
	}
	return_ids(&ids);
	return result;
}

/* What is made here exists already as intent and record; the caller undoes both. */
static int make_root(struct storage *store, const struct storage_request *request,
		     const struct storage_state *state, struct arena *arena, struct err *err)
{
	struct root root;

	if (FAULT_POINT("attach.recorded", err) < 0 ||
	    root_load(store, state->id, arena, &root, err) < 0 ||
	    store->ops->create(store, &root.volume, err) < 0 ||
	    FAULT_POINT("attach.created", err) < 0)
		return -1;
	int mount = mount_root(store, request, &root, err);

	if (mount < 0)
		return -1;
	if ((!request->volumes.count || make_volumes(mount, request, err) == 0) &&
	    FAULT_POINT("attach.mounted", err) == 0)
		return mount;
	close(mount);
	return -1;
}

/* A kept root again; the size is what the spec says now. */
static int take_up(struct storage *store, const struct storage_request *request, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct root root;
	uint64_t bytes;

	if (root_load(store, request->id, &arena, &root, err) < 0)
		return -1;
	if (request->spec->size && spec_parse_size(request->spec->size, &bytes) &&
	    bytes != root.record.size.value) {
		if (storage_root_resize(store, request->id, bytes, err) < 0)
			return -1;
		root.volume.size = bytes;
	}
	return mount_root(store, request, &root, err);
}

int storage_attach(const struct storage_request *request, const struct storage_state *state,
		   struct err *err)
{
	auto_arena struct arena arena = { 0 };
	auto_store struct storage *store = storage_open(state->root, STORAGE_AUTO, 0, err);
	struct intent intent = INTENT_INIT;

	if (store && state->reused)
		return take_up(store, request, err);
	if (!store || intent_begin(store, INTENT_ATTACH, state->id, &intent, err) < 0)
		return -1;
	if (store_lock(store, STORE_SHARED, err) < 0) {
		intent_end(&intent);
		return -1;
	}
	int result = write_record(store, request, state, &arena, &intent, err);

	store_unlock(store);
	if (result < 0) {
		intent_end(&intent);
		return -1;
	}
	int mount = make_root(store, request, state, &arena, err);

	if (mount < 0 && root_destroy(store, state->id, NULL) < 0)
		intent_abandon(&intent);
	intent_end(&intent);
	return mount;
}

int storage_mount(const struct storage_request *request, const struct storage_state *state,
		  struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct root root;
	auto_store struct storage *store = storage_open(state->root, STORAGE_AUTO, 0, err);

	if (!store || root_load(store, state->id, &arena, &root, err) < 0)
		return -1;
	return mount_root(store, request, &root, err);
}

/* Everything of one id, whatever of it exists; the record goes last, so that the rest can be found
 * until then. */
int root_destroy(struct storage *store, const char *id, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	char **names, key[NAME_MAX], prefix[NAME_MAX];
	size_t count;
	int result = 0;

	if (record_list(store, &snapshot_kind, &arena, &names, &count, err) < 0 ||
	    root_key(key, sizeof(key), id, err) < 0)
		return -1;
	snprintf(prefix, sizeof(prefix), "%s@", id);
	for (size_t i = 0; i < count; i++) {
		if (str_starts(names[i], prefix) && snapshot_destroy(store, names[i], err) < 0)
			result = -1;
	}
	if (store->ops->release && store->ops->release(store, key, err) < 0)
		return -1;
	if (store->ops->remove(store, key, err) < 0 || FAULT_POINT("detach.removed", err) < 0)
		return -1;
	return result < 0 ? -1 : record_remove(store, &root_kind, id, err);
}

int storage_detach(const struct storage_state *state, struct err *err)
{
	struct err reason = { 0 };
	struct intent intent = INTENT_INIT;

	if (!state->root)
		return 0;
	auto_store struct storage *store = storage_open(state->root, STORAGE_AUTO, 0, &reason);

	if (!store) {
		if (reason.code == ERR_NOT_FOUND)
			return 0; /* the whole store is gone */
		if (err)
			*err = reason;
		return -1;
	}
	if (intent_begin(store, INTENT_DETACH, state->id, &intent, err) < 0)
		return -1;
	if (intent_arm(&intent, err) < 0 || root_destroy(store, state->id, err) < 0) {
		intent_abandon(&intent);
		return -1;
	}
	intent_end(&intent);
	return 0;
}

int root_view_chain(struct storage *store, const char *const *chain, size_t depth, struct err *err)
{
	const struct volume_mount view = { .userns_fd = -1, .readonly = true };
	struct volume top = { .key = chain[0], .chain = chain + 1, .depth = depth - 1 };

	return store->ops->mount(store, &top, &view, err);
}

int root_open_views(struct storage *store, const struct root *root, struct root_views *views,
		    struct err *err)
{
	const struct volume_mount view = { .userns_fd = -1, .readonly = true };

	views->base = -1;
	views->now = store->ops->mount(store, &root->volume, &view, err);
	if (views->now < 0)
		return -1;
	if (!root->volume.depth)
		return 0;
	views->base = root_view_chain(store, root->volume.chain, root->volume.depth, err);
	if (views->base >= 0)
		return 0;
	close(views->now);
	return -1;
}

int root_changes(struct storage *store, const struct volume *volume, const struct root_views *views,
		 struct change_list *changes, struct err *err)
{
	struct candidates set = { 0 };

	if (!store->ops->changes || views->base < 0)
		return tree_compare(views->base, views->now, NULL, changes, err);
	int result = store->ops->changes(store, volume, &set, err);

	if (result == 0)
		result = tree_compare(views->base, views->now, &set, changes, err);
	candidates_free(&set);
	return result;
}

int storage_root_usage(struct storage *store, const char *id, struct storage_usage *usage,
		       struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct root root;

	*usage = (struct storage_usage){ 0 };
	if (root_load(store, id, &arena, &root, err) < 0)
		return -1;
	return store->ops->usage(store, &root.volume, usage, err);
}

int storage_root_resize(struct storage *store, const char *id, uint64_t bytes, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct root root;

	if (root_load(store, id, &arena, &root, err) < 0)
		return -1;
	if (!store->ops->resize)
		return err_set(err, ERR_UNSUPPORTED,
			       "resize root of %s: the driver %s has no limits", id,
			       store->ops->name);
	if (store->ops->resize(store, &root.volume, bytes, err) < 0)
		return -1;
	root.record.size = (struct opt_u64){ bytes != 0, bytes };
	return record_write(store, &root_kind, id, &root.record, 0, err);
}
