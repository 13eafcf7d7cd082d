/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `storage check`: records against volumes and blobs, and the repairs that lose nothing that is
 * still whole. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "storage/archive.h"
#include "storage/gc.h"
#include "storage/oci.h"

struct fsck {
	struct storage *store;
	bool repair;
	storage_found *found;
	void *data;
	struct name_set volumes; /* keys on disk */
	struct name_set broken;  /* layer keys that cannot be used */
	struct name_set busy;    /* objects that somebody works on now */
	int left;                /* problems that stay */
	bool stop;
	struct err *err;
};

/* `fix` < 0: there is no repair for it, else what the repair returned. */
static void report(struct fsck *fsck, const char *kind, const char *name, const char *problem,
		   bool repaired)
{
	if (!repaired)
		fsck->left++;
	if (gc_report(fsck->found, fsck->data, kind, name, problem, repaired))
		fsck->stop = true;
}

static int add_volume(const char *key, void *data)
{
	struct fsck *fsck = data;

	return name_set_add(&fsck->volumes, key) ? 0 : err_sys(fsck->err, "check the store");
}

static int collect_busy(struct fsck *fsck)
{
	auto_arena struct arena arena = { 0 };
	char **names;
	size_t count;

	if (store_list_dir(fsck->store->root, "intents", &arena, &names, &count, fsck->err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const char *at = strchr(names[i], '@');

		if (at && !name_set_add(&fsck->busy, at + 1))
			return err_sys(fsck->err, "check the store");
	}
	return 0;
}

static bool is_chain_whole(struct fsck *fsck, const struct json_list *chain)
{
	for (size_t i = 0; i < chain->count; i++) {
		const char *key = JSON_ITEMS(const char *, chain)[i];

		if (!str_starts(key, "layer-") || name_set_has(&fsck->broken, key) ||
		    !name_set_has(&fsck->volumes, key) ||
		    !record_exists(fsck->store, &layer_kind, key + strlen("layer-")))
			return false;
	}
	return true;
}

static const char *layer_problem(struct fsck *fsck, const char *chain, const char *key,
				 struct arena *arena)
{
	struct layer_record record;

	if (record_read(fsck->store, &layer_kind, chain, arena, &record, NULL) < 0)
		return "its record cannot be read";
	if (!name_set_has(&fsck->volumes, key))
		return "its volume is gone";
	return is_chain_whole(fsck, &record.chain) ? NULL : "a layer below it is damaged";
}

/* Damage spreads upwards, and the order of names is not the order of layers: again until nothing
 * new is found. */
static int check_layers(struct fsck *fsck)
{
	auto_arena struct arena arena = { 0 };
	char **names, key[NAME_MAX];
	size_t count, before;

	if (record_list(fsck->store, &layer_kind, &arena, &names, &count, fsck->err) < 0)
		return -1;
	do {
		before = fsck->broken.count;
		for (size_t i = 0; i < count && !fsck->stop; i++) {
			snprintf(key, sizeof(key), "layer-%s", names[i]);
			const char *problem = name_set_has(&fsck->broken, key)
						      ? NULL
						      : layer_problem(fsck, names[i], key, &arena);

			if (!problem)
				continue;
			if (!name_set_add(&fsck->broken, key))
				return err_sys(fsck->err, "check the store");
			/* without its record it is garbage, which the volumes' check removes */
			bool fixed = fsck->repair && record_remove(fsck->store, &layer_kind,
								   names[i], fsck->err) == 0;

			report(fsck, "layer", names[i], problem, fixed);
		}
	} while (fsck->broken.count > before);
	return 0;
}

static bool is_blob_whole(struct fsck *fsck, const char *digest, struct arena *arena)
{
	const struct archive_ops *archive = archive_load(NULL);
	size_t size;
	const char *text = blob_read(fsck->store, digest, arena, &size, NULL);
	char hex[65];

	if (!text)
		return false;
	if (!archive)
		return true; /* it is there; more cannot be said without the plug-in */
	archive->hash(text, size, hex);
	return strcmp(digest + strlen("sha256:"), hex) == 0;
}

static int check_images(struct fsck *fsck)
{
	auto_arena struct arena arena = { 0 };
	struct image_record image;
	char **names;
	size_t count;

	if (record_list(fsck->store, &image_kind, &arena, &names, &count, fsck->err) < 0)
		return -1;
	for (size_t i = 0; i < count && !fsck->stop; i++) {
		const char *problem = NULL;

		if (record_read(fsck->store, &image_kind, names[i], &arena, &image, NULL) < 0)
			problem = "its record cannot be read";
		else if (!is_chain_whole(fsck, &image.chain))
			problem = "a layer of it is damaged: import it again";
		else if (!is_blob_whole(fsck, image.digest, &arena) ||
			 !is_blob_whole(fsck, image.config, &arena))
			problem = "its manifest or config is damaged: import it again";
		if (!problem)
			continue;
		bool fixed = fsck->repair &&
			     record_remove(fsck->store, &image_kind, names[i], fsck->err) == 0;

		report(fsck, "image", names[i], problem, fixed);
	}
	return 0;
}

/* A root or snapshot whose volume is gone has nothing left to lose; one on damaged layers is left
 * for the user to look at. */
static int check_owned(struct fsck *fsck, const struct record_kind *kind, const char *word,
		       const char *prefix)
{
	auto_arena struct arena arena = { 0 };
	char **names, key[NAME_MAX + 8];
	size_t count;

	if (record_list(fsck->store, kind, &arena, &names, &count, fsck->err) < 0)
		return -1;
	for (size_t i = 0; i < count && !fsck->stop; i++) {
		struct root_record root;

		snprintf(key, sizeof(key), "%s%s", prefix, names[i]);
		if (name_set_has(&fsck->busy, names[i]))
			continue;
		if (!name_set_has(&fsck->volumes, key)) {
			bool fixed = fsck->repair &&
				     record_remove(fsck->store, kind, names[i], fsck->err) == 0;

			report(fsck, word, names[i], "its volume is gone", fixed);
			continue;
		}
		if (kind != &root_kind)
			continue;
		if (record_read(fsck->store, kind, names[i], &arena, &root, NULL) < 0)
			report(fsck, word, names[i], "its record cannot be read", false);
		else if (!is_chain_whole(fsck, &root.chain))
			report(fsck, word, names[i], "a layer below it is damaged", false);
	}
	return 0;
}

/* clang-format off */
static const struct { const char *prefix; const struct record_kind *kind; } volume_rows[] = {
	{ "layer-", &layer_kind },
	{ "root-",  &root_kind },
	{ "snap-",  &snapshot_kind },
};

/* clang-format on */

static const char *volume_problem(struct fsck *fsck, const char *key)
{
	for (size_t i = 0; i < sizeof(volume_rows) / sizeof(volume_rows[0]); i++) {
		const char *name = key + strlen(volume_rows[i].prefix);

		if (!str_starts(key, volume_rows[i].prefix))
			continue;
		if (name_set_has(&fsck->busy, name) ||
		    record_exists(fsck->store, volume_rows[i].kind, name))
			return NULL;
		return "no record knows it";
	}
	bool temporary = str_starts(key, "build-") || str_starts(key, "trash-");

	if (!temporary)
		return "not a name of masu's";
	return store_is_abandoned(key) ? "left by a command that was killed" : NULL;
}

static void check_volumes(struct fsck *fsck)
{
	for (size_t i = 0; i < fsck->volumes.count && !fsck->stop; i++) {
		const char *key = fsck->volumes.items[i];
		const char *problem = volume_problem(fsck, key);

		if (!problem)
			continue;
		/* what is not ours is shown, never removed */
		bool ours = strcmp(problem, "not a name of masu's") != 0;
		bool fixed = fsck->repair && ours &&
			     fsck->store->ops->remove(fsck->store, key, fsck->err) == 0;

		report(fsck, "volume", key, problem, fixed);
	}
}

static int check_blobs(struct fsck *fsck)
{
	auto_arena struct arena arena = { 0 };
	char **names, digest[NAME_MAX + 8], path[NAME_MAX + 16];
	size_t count;

	if (store_list_dir(fsck->store->root, "blobs/sha256", &arena, &names, &count, fsck->err) <
	    0)
		return -1;
	for (size_t i = 0; i < count && !fsck->stop; i++) {
		snprintf(digest, sizeof(digest), "sha256:%s", names[i]);
		snprintf(path, sizeof(path), "blobs/sha256/%s", names[i]);
		if (is_blob_whole(fsck, digest, &arena))
			continue;
		bool fixed = fsck->repair && unlinkat(fsck->store->root, path, 0) == 0;

		report(fsck, "blob", names[i], "its content is not what its name says", fixed);
	}
	return 0;
}

static int check_all(struct fsck *fsck)
{
	struct storage *store = fsck->store;

	if (store->ops->each(store, add_volume, fsck, fsck->err) < 0 || collect_busy(fsck) < 0 ||
	    check_layers(fsck) < 0 || check_images(fsck) < 0 ||
	    check_owned(fsck, &root_kind, "root", "root-") < 0 ||
	    check_owned(fsck, &snapshot_kind, "snapshot", "snap-") < 0)
		return -1;
	check_volumes(fsck);
	return check_blobs(fsck);
}

int storage_fsck(struct storage *store, bool repair, storage_found *found, void *data,
		 struct err *err)
{
	struct fsck fsck = {
		.store = store, .repair = repair, .found = found, .data = data, .err = err
	};

	struct err reason = { 0 };

	/* a static program must not pass over the digests: another one can look at them */
	if (!archive_load(&reason) && reason.code == ERR_PLUGIN) {
		if (err)
			*err = reason;
		return -1;
	}
	if (store_lock(store, STORE_EXCLUSIVE, err) < 0)
		return -1;
	int result = check_all(&fsck);

	store_unlock(store);
	name_set_free(&fsck.volumes);
	name_set_free(&fsck.broken);
	name_set_free(&fsck.busy);
	return result < 0 ? -1 : fsck.left;
}
