/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recovery: dead intents, abandoned volumes and temporary files. */
#include "storage/recover.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "storage/root.h"
#include "storage/tree.h"

struct sweep {
	struct storage *store;
	const char *prefix; /* NULL: everything abandoned */
	bool rebooted;
	struct err *err;
};

/* A layer gets its record under the lock that we hold now: one without was being committed or
 * removed when its process died. */
static bool is_garbage(const struct sweep *sweep, const char *key)
{
	if (str_starts(key, "layer-"))
		return !record_exists(sweep->store, &layer_kind, key + strlen("layer-"));
	return (str_starts(key, "build-") || str_starts(key, "trash-")) &&
	       (sweep->rebooted || store_is_abandoned(key));
}

static int sweep_volume(const char *key, void *data)
{
	struct sweep *sweep = data;

	if (sweep->prefix ? !str_starts(key, sweep->prefix) : !is_garbage(sweep, key))
		return 0;
	/* go on: one that is busy must not keep the others */
	if (sweep->store->ops->remove(sweep->store, key, sweep->err) < 0)
		log_warning("storage: %s stays in %s: %s", key, sweep->store->path,
			    sweep->err ? sweep->err->text : "");
	return 0;
}

static int remove_build(struct storage *store, const char *prefix, struct err *err)
{
	struct sweep sweep = { .store = store, .prefix = prefix, .err = err };

	return store->ops->each(store, sweep_volume, &sweep, err);
}

static int remove_root(struct storage *store, const char *id, struct err *err)
{
	return root_destroy(store, id, err);
}

static int finish_rollback(struct storage *store, const char *object, struct err *err)
{
	struct err reason = { 0 };

	if (snapshot_restore(store, object, &reason) == 0)
		return 0;
	if (reason.code == ERR_NOT_FOUND || reason.code == ENOENT)
		return 0; /* root or snapshot were removed since */
	if (err)
		*err = reason;
	return -1;
}

/* clang-format off */
static int (*const handlers[INTENT_OPS])(struct storage *store, const char *object, struct err *err) = {
	[INTENT_BUILD]	  = remove_build,
	[INTENT_ATTACH]	  = remove_root,
	[INTENT_DETACH]	  = remove_root,
	[INTENT_SNAPSHOT] = snapshot_destroy,
	[INTENT_UNSNAP]	  = snapshot_destroy,
	[INTENT_ROLLBACK] = finish_rollback,
};

/* clang-format on */

static int recover_intent(struct storage *store, enum intent_op op, const char *object,
			  struct err *err)
{
	return handlers[op](store, object, err);
}

static int sweep_tmp(struct storage *store, bool rebooted, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	char **names;
	size_t count;

	if (store_list_dir(store->tmp, ".", &arena, &names, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(names[i], "boot") == 0)
			continue;
		if ((rebooted || store_is_abandoned(names[i])) &&
		    tree_remove(store->tmp, names[i], err) < 0)
			return -1;
	}
	return 0;
}

int recover_store(struct storage *store, bool rebooted, struct err *err)
{
	struct sweep sweep = { .store = store, .rebooted = rebooted, .err = err };

	if (rebooted && store->ops->recover && store->ops->recover(store, err) < 0)
		return -1;
	if (intent_recover(store, recover_intent, err) < 0)
		return err_wrap(err, "recover store %s", store->path);
	if (store->ops->each(store, sweep_volume, &sweep, err) < 0)
		return -1;
	return sweep_tmp(store, rebooted, err);
}
