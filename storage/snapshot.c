/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Snapshots of a container's root: volumes "snap-ID@NAME" beside it. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "storage/fault.h"
#include "storage/root.h"

/* clang-format off */
static const struct json_row snapshot_rows[] = {
	{ "name",    JSON_TEXT, offsetof(struct storage_snapshot, name) },
	{ "created", JSON_TEXT, offsetof(struct storage_snapshot, created) },
};
const struct json_object storage_snapshot_object = JSON_OBJECT_OF(struct storage_snapshot, snapshot_rows);

/* clang-format on */

static int make_object(char object[NAME_MAX + 1], const char *id, const char *name, struct err *err)
{
	if (root_check_name(id, "container id", err) < 0 ||
	    root_check_name(name, "snapshot", err) < 0)
		return -1;
	return str_format(object, NAME_MAX + 1, "%s@%s", id, name) < 0
		       ? err_sys(err, "name snapshot %s", name)
		       : 0;
}

/* Copy first, then rename: a snapshot is there as a whole or not at all. */
static int copy_volume(struct storage *store, const struct volume *from, const char *key,
		       struct err *err)
{
	char copy[64];

	if (store_unique(copy, sizeof(copy), "trash", err) < 0)
		return -1;
	if (store->ops->clone(store, from, copy, err) == 0 &&
	    FAULT_POINT("snapshot.cloned", err) == 0 &&
	    store->ops->commit(store, copy, key, err) == 0)
		return 0;
	store->ops->remove(store, copy, NULL);
	return -1;
}

static int create_snapshot(struct storage *store, const char *object, const char *id,
			   const char *name, struct intent *intent, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct snapshot_record record = { .id = id, .name = name };
	struct root root;
	char created[32], key[NAME_MAX + 1];

	if (record_exists(store, &snapshot_kind, object))
		return err_set(err, ERR_EXISTS, "make snapshot %s of %s: there is one already",
			       name, id);
	if (root_load(store, id, &arena, &root, err) < 0 || intent_arm(intent, err) < 0)
		return -1;
	store_timestamp(created);
	record.created = created;
	snprintf(key, sizeof(key), "snap-%s", object);
	if (copy_volume(store, &root.volume, key, err) == 0 &&
	    record_write(store, &snapshot_kind, object, &record, RECORD_NEW | RECORD_SYNC, err) ==
		    0)
		return 0;
	store->ops->remove(store, key, NULL);
	return -1;
}

int storage_snapshot_create(struct storage *store, const char *id, const char *name,
			    struct err *err)
{
	struct intent intent = INTENT_INIT;
	char object[NAME_MAX + 1];

	if (make_object(object, id, name, err) < 0 ||
	    intent_begin(store, INTENT_SNAPSHOT, object, &intent, err) < 0)
		return -1;
	int result = create_snapshot(store, object, id, name, &intent, err);

	intent_end(&intent);
	return result;
}

int snapshot_destroy(struct storage *store, const char *object, struct err *err)
{
	char key[NAME_MAX + 1];

	if (str_format(key, sizeof(key), "snap-%s", object) < 0)
		return err_sys(err, "name snapshot %s", object);
	if (store->ops->remove(store, key, err) < 0 || FAULT_POINT("unsnap.removed", err) < 0)
		return -1;
	return record_remove(store, &snapshot_kind, object, err);
}

int storage_snapshot_remove(struct storage *store, const char *id, const char *name,
			    struct err *err)
{
	struct intent intent = INTENT_INIT;
	char object[NAME_MAX + 1];

	if (make_object(object, id, name, err) < 0)
		return -1;
	if (!record_exists(store, &snapshot_kind, object))
		return err_set(err, ERR_NOT_FOUND, "remove snapshot %s of %s: there is none", name,
			       id);
	if (intent_begin(store, INTENT_UNSNAP, object, &intent, err) < 0)
		return -1;
	if (intent_arm(&intent, err) < 0 || snapshot_destroy(store, object, err) < 0) {
		intent_abandon(&intent);
		return -1;
	}
	intent_end(&intent);
	return 0;
}

/* Always forward: the snapshot stays whole until the end, so doing it again after a crash is right
 * at every step. */
int snapshot_restore(struct storage *store, const char *object, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	const char *at = strchr(object, '@');
	char *id = arena_strndup(&arena, object, at ? (size_t)(at - object) : strlen(object));
	struct root root;
	char copy[64];

	if (!id || root_load(store, id, &arena, &root, err) < 0)
		return -1;
	struct volume from = root.volume;

	from.key = arena_printf(&arena, "snap-%s", object);
	if (!from.key || store_unique(copy, sizeof(copy), "trash", err) < 0)
		return -1;
	if (store->ops->clone(store, &from, copy, err) < 0 ||
	    FAULT_POINT("rollback.cloned", err) < 0 ||
	    (store->ops->release && store->ops->release(store, root.volume.key, err) < 0) ||
	    store->ops->remove(store, root.volume.key, err) < 0 ||
	    FAULT_POINT("rollback.removed", err) < 0 ||
	    store->ops->commit(store, copy, root.volume.key, err) < 0)
		return -1;
	return root.volume.size && store->ops->resize
		       ? store->ops->resize(store, &root.volume, root.volume.size, err)
		       : 0;
}

int storage_snapshot_rollback(struct storage *store, const char *id, const char *name,
			      struct err *err)
{
	struct intent intent = INTENT_INIT;
	char object[NAME_MAX + 1];

	if (make_object(object, id, name, err) < 0)
		return -1;
	if (!record_exists(store, &snapshot_kind, object))
		return err_set(err, ERR_NOT_FOUND, "roll %s back to %s: there is no such snapshot",
			       id, name);
	if (intent_begin(store, INTENT_ROLLBACK, object, &intent, err) < 0)
		return -1;
	if (intent_arm(&intent, err) < 0 || snapshot_restore(store, object, err) < 0) {
		intent_abandon(&intent);
		return -1;
	}
	intent_end(&intent);
	return 0;
}

int storage_snapshots(struct storage *store, const char *id, struct arena *arena,
		      struct storage_snapshot **snapshots, size_t *count, struct err *err)
{
	char **names, prefix[NAME_MAX + 1];
	size_t all;

	*count = 0;
	if (root_check_name(id, "container id", err) < 0 ||
	    record_list(store, &snapshot_kind, arena, &names, &all, err) < 0)
		return -1;
	*snapshots = arena_alloc(arena, (all + 1) * sizeof(**snapshots));
	if (!*snapshots)
		return err_sys(err, "list the snapshots of %s", id);
	snprintf(prefix, sizeof(prefix), "%s@", id);
	for (size_t i = 0; i < all; i++) {
		struct snapshot_record record;

		if (!str_starts(names[i], prefix))
			continue;
		if (record_read(store, &snapshot_kind, names[i], arena, &record, err) < 0)
			return -1;
		(*snapshots)[(*count)++] = (struct storage_snapshot){ record.name, record.created };
	}
	return 0;
}
