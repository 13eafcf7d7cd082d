/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares records, processes, cgroups and roots, and removes what has no owner. */
#include "runtime/gc.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "runtime/container.h"
#include "runtime/group.h"
#include "runtime/lifecycle.h"
#include "runtime/listing.h"
#include "runtime/masu.h"
#include "runtime/network.h"
#include "storage/storage.h"

struct collection {
	struct masu *masu;
	unsigned int flags; /* enum masu_gc_flags */
	gc_report *report;
	void *data;
	struct err *err;
	int result;
	struct arena arena;
	struct json_list cgroups; /* const char *: candidates */
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
	if (collection->flags & MASU_GC_DRY_RUN)
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

/* Asked now, not of the list: a create that came since has made its folder before its cgroup
 * and its root. */
static bool has_record(const char *id, void *data)
{
	const struct collection *collection = data;
	struct err why = { 0 };
	auto_close int root = state_open_root(collection->masu->root, false, &why);

	if (root < 0)
		return why.code != ENOENT;
	return faccessat(root, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/* A cgroup with a name of ours, empty, of which no record of this state root speaks: a candidate.
 */
static int note_cgroup(const char *dir, const char *id, void *data)
{
	struct collection *collection = data;
	const char **entry = NULL;

	if (has_record(id, collection) || !cgroup_dir_is_empty(dir))
		return 0;
	entry = json_grow(&collection->arena, &collection->cgroups, sizeof(*entry));
	if (entry)
		*entry = arena_strdup(&collection->arena, dir);
	return 0;
}

/*
 * Of other state roots there is no telling: a create of theirs may be about to fill what is empty
 * now. That takes it a few milliseconds; what is empty a second later is left over.
 */
static void collect_cgroups(struct collection *collection)
{
	const struct timespec patience = { .tv_sec = 1 };
	struct err why = { 0 };

	if (cgroup_each_leftover(note_cgroup, collection, &why) < 0)
		keep(collection, &why);
	if (collection->cgroups.count)
		nanosleep(&patience, NULL);
	for (size_t i = 0; i < collection->cgroups.count; i++) {
		const char *dir = JSON_ITEMS(const char *, &collection->cgroups)[i];

		if (!dir || !cgroup_dir_is_empty(dir))
			continue;
		tell(collection, "cgroup", dir);
		if (!(collection->flags & MASU_GC_DRY_RUN) && cgroup_remove_dir(dir, &why) < 0)
			keep(collection, &why);
	}
	arena_free(&collection->arena);
}

/*
 * Groups that were half made or half unmade when the command died, and those whose cgroup is gone:
 * by a reboot, or because somebody removed it. From below, since each name stands before its
 * children's.
 */
static void collect_groups(struct collection *collection)
{
	struct json_list names = { 0 };
	struct err why = { 0 };

	if (group_descendants(collection->masu, "/", true, &collection->arena, &names, &why) < 0)
		keep(collection, &why);
	for (size_t i = names.count; i > 0; i--) {
		const char *name = JSON_ITEMS(const char *, &names)[i - 1];

		if (!group_is_wreck(collection->masu, name))
			continue;
		tell(collection, "group", name);
		if (!(collection->flags & MASU_GC_DRY_RUN) &&
		    group_destroy(collection->masu, name, true, &why) < 0 &&
		    why.code != ERR_NOT_FOUND)
			keep(collection, &why);
	}
	arena_free(&collection->arena);
}

static int tell_finding(const struct storage_finding *finding, void *data)
{
	tell(data, finding->kind, finding->name);
	return 0;
}

static void collect_storage(struct collection *collection)
{
	const struct storage_gc gc = {
		.dry_run = collection->flags & MASU_GC_DRY_RUN,
		.kept_too = collection->flags & MASU_GC_KEPT,
		.owner = collection->masu->root,
		.is_alive = has_record,
		.found = tell_finding,
		.data = collection,
	};
	struct err why = { 0 };
	struct storage *store = storage_open(collection->masu->storage_root, STORAGE_AUTO,
					     gc.dry_run ? STORAGE_READONLY : 0, &why);

	if (!store) {
		if (why.code != ERR_NOT_FOUND)
			keep(collection, &why);
		return;
	}
	if (storage_gc(store, &gc, &why) < 0)
		keep(collection, &why);
	storage_close(store);
}

/* Does one of the records need what the static program lacks? Known before anything is told. */
static int reach_all(struct masu *masu, const struct masu_container_info *known, struct err *err)
{
	for (const struct masu_container_info *info = known; info; info = info->next) {
		auto_container struct container container = CONTAINER_INIT;

		if (container_open(masu, info->id, STATE_UNLOCKED, true, &container, NULL) == 0 &&
		    !container.state.start_time.set &&
		    cgroup_reach(&container.state.cgroup, err) < 0)
			return -1;
	}
	return 0;
}

int gc_run_storage(struct masu *masu, unsigned int flags, gc_report *report, void *data,
		   struct err *err)
{
	struct collection collection = {
		.masu = masu,
		.flags = flags,
		.report = report,
		.data = data,
		.err = err,
	};

	collect_storage(&collection);
	return collection.result;
}

int gc_run(struct masu *masu, unsigned int flags, gc_report *report, void *data, struct err *err)
{
	struct collection collection = {
		.masu = masu,
		.flags = flags,
		.report = report,
		.data = data,
		.err = err,
	};
	struct masu_container_info *known;
	struct err why = { 0 };

	/* first: the static program goes on as the full one here, before it has told anything */
	if (network_collect(masu, flags & MASU_GC_DRY_RUN, report, data, &why) < 0) {
		keep(&collection, &why);
		if (why.code == ERR_PLUGIN)
			return -1;
	}
	if (listing_make(masu, &known, &why) < 0) {
		keep(&collection, &why);
		return -1;
	}
	if (reach_all(masu, known, &why) < 0) {
		listing_free(known);
		keep(&collection, &why);
		return -1;
	}
	for (const struct masu_container_info *info = known; info; info = info->next)
		collect_record(&collection, info);
	listing_free(known);
	collect_groups(&collection);
	collect_cgroups(&collection);
	collect_storage(&collection);
	return collection.result;
}
