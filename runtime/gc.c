/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares records, processes and cgroups, and removes what has no owner. */
#include "runtime/gc.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "runtime/container.h"
#include "runtime/lifecycle.h"
#include "runtime/listing.h"
#include "runtime/masu.h"

struct collection {
	struct masu *masu;
	bool dry_run;
	void (*report)(const char *kind, const char *name, void *data);
	void *data;
	const struct masu_container_info *known;
	struct err *err;
	int result;
};

static void tell(const struct collection *collection, const char *kind, const char *name)
{
	if (collection->report)
		collection->report(kind, name, collection->data);
}

/* Keeps the first failure; the rest goes on. */
static void keep(struct collection *collection, const struct err *why)
{
	if (collection->result == 0 && collection->err)
		*collection->err = *why;
	collection->result = -1;
}

/*
 * A record is left over when its create died half way (no process, nobody holds the lock) or when
 * it cannot be read. A stopped container is no garbage: its owner may still want its record.
 */
static void collect_record(struct collection *collection, const struct masu_container_info *info)
{
	auto_container struct container container = CONTAINER_INIT;
	struct err why = { 0 };

	if (container_open(collection->masu, info->id, STATE_UNLOCKED, true, &container, NULL) <
		    0 ||
	    state_is_locked(container.dir_fd))
		return;
	if (!container.broken && container.state.start_time.set)
		return;
	tell(collection, "record", info->id);
	container_close(&container);
	if (collection->dry_run)
		return;
	if (container_open(collection->masu, info->id, STATE_LOCKED, true, &container, &why) < 0) {
		if (why.code != ERR_NOT_FOUND)
			keep(collection, &why);
		return;
	}
	/* its create may have been alive, and through by now */
	if (!container.broken && container.state.start_time.set)
		return;
	if (container_delete(&container, true, &why) < 0)
		keep(collection, &why);
}

/* A cgroup below our default parent that no record of this state root speaks of, and that is empty.
 */
static int collect_cgroup(const char *dir, const char *id, void *data)
{
	struct collection *collection = data;
	struct err why = { 0 };

	for (const struct masu_container_info *info = collection->known; info; info = info->next) {
		if (strcmp(info->id, id) == 0)
			return 0;
	}
	if (!cgroup_dir_is_empty(dir))
		return 0; /* alive: of another state root */
	tell(collection, "cgroup", dir);
	if (!collection->dry_run && cgroup_remove_dir(dir, &why) < 0)
		keep(collection, &why);
	return 0;
}

int gc_run(struct masu *masu, bool dry_run,
	   void (*report)(const char *kind, const char *name, void *data), void *data,
	   struct err *err)
{
	struct collection collection = { masu, dry_run, report, data, NULL, err, 0 };
	struct masu_container_info *known;
	struct err why = { 0 };

	if (listing_make(masu, &known, err) < 0)
		return -1;
	for (const struct masu_container_info *info = known; info; info = info->next)
		collect_record(&collection, info);
	collection.known = known;
	if (cgroup_each_leftover(collect_cgroup, &collection, &why) < 0)
		keep(&collection, &why);
	listing_free(known);
	return collection.result;
}
