/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images by name: finding, listing, tagging, removing, history. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/names.h"
#include "base/str.h"
#include "storage/gc.h"
#include "storage/oci.h"
#include "storage/reference.h"

static int read_image(struct storage *store, const char *name, struct arena *arena,
		      struct image_record *record, struct err *err)
{
	char file[REFERENCE_MAX + 1];

	reference_to_file(name, file);
	return record_read(store, &image_kind, file, arena, record, err);
}

/* "did you mean": the names there are, compared without their tags. */
static int not_found(struct storage *store, const char *name, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	char **names;
	size_t count;
	const char *near = NULL;

	err_set(err, ERR_NOT_FOUND, "find image %s: there is none in %s", name, store->path);
	if (record_list(store, &image_kind, &arena, &names, &count, NULL) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		for (char *at = names[i]; *at; at++)
			*at = *at == '%' ? '/' : *at;
		char *tag = strrchr(names[i], ':');

		if (names_near(names[i], name) ||
		    (tag && strncmp(names[i], name, (size_t)(tag - names[i])) == 0))
			near = names[i];
	}
	if (near)
		return err_hint(err, "there is %.120s", near);
	return err_hint(err, "masu image import FILE %.100s", name);
}

static bool has_digest(const struct image_record *record, const char *digits)
{
	const char *hex;

	if (reference_is_digest(record->digest, &hex) && str_starts(hex, digits))
		return true;
	return reference_is_digest(record->config, &hex) && str_starts(hex, digits);
}

static int find_by_digest(struct storage *store, const char *digits, struct arena *arena,
			  struct image_record *record, struct err *err)
{
	struct image_record other;
	const char *found = NULL;
	char **names;
	size_t count;

	if (record_list(store, &image_kind, arena, &names, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (record_read(store, &image_kind, names[i], arena, &other, NULL) < 0 ||
		    !has_digest(&other, digits))
			continue;
		if (found && strcmp(found, other.digest) != 0)
			return err_set(err, ERR_INPUT, "find image %s: several begin so", digits);
		found = other.digest;
		*record = other;
	}
	return found ? 0
		     : err_set(err, ERR_NOT_FOUND, "find image %s: there is none in %s", digits,
			       store->path);
}

int image_resolve(struct storage *store, const char *name, struct arena *arena,
		  struct image_record *record, struct err *err)
{
	struct reference reference;
	struct err reason = { 0 };

	if (reference_parse(name, &reference, err) < 0)
		return -1;
	if (*reference.name) {
		if (read_image(store, reference.name, arena, record, &reason) == 0)
			return 0;
		if (reason.code != ERR_NOT_FOUND) {
			if (err)
				*err = reason;
			return -1;
		}
	}
	if (!*reference.digest)
		return not_found(store, reference.name, err);
	return find_by_digest(store, reference.digest, arena, record, err);
}

static void fill_image(const struct image_record *record, struct storage_image *image)
{
	*image = (struct storage_image){
		.name = record->name,
		.digest = record->digest,
		.created = record->created,
		.architecture = record->architecture,
		.os = record->os,
		.size = record->size,
		.layers = record->layers,
	};
}

int storage_images(struct storage *store, struct arena *arena, struct storage_image **images,
		   size_t *count, struct err *err)
{
	struct image_record record;
	char **names;

	if (record_list(store, &image_kind, arena, &names, count, err) < 0)
		return -1;
	*images = arena_alloc(arena, (*count + 1) * sizeof(**images));
	if (!*images)
		return err_sys(err, "list images");
	for (size_t i = 0; i < *count; i++) {
		if (record_read(store, &image_kind, names[i], arena, &record, err) < 0)
			return -1;
		fill_image(&record, &(*images)[i]);
	}
	return 0;
}

int storage_image_find(struct storage *store, const char *name, struct arena *arena,
		       struct storage_image *image, struct err *err)
{
	struct image_record record;
	struct oci_config config;

	if (image_resolve(store, name, arena, &record, err) < 0 ||
	    oci_read_config(store, &record, arena, &config, err) < 0)
		return -1;
	fill_image(&record, image);
	image->config = config.config;
	return 0;
}

int storage_image_history(struct storage *store, const char *name, struct arena *arena,
			  struct storage_history **history, size_t *count, struct err *err)
{
	struct image_record record;
	struct oci_config config;

	if (image_resolve(store, name, arena, &record, err) < 0 ||
	    oci_read_config(store, &record, arena, &config, err) < 0)
		return -1;
	*history = config.history.items;
	*count = config.history.count;
	return 0;
}

int storage_image_tag(struct storage *store, const char *name, const char *new_name,
		      struct err *err)
{
	auto_arena struct arena arena = { 0 };
	auto_unlock struct storage *locked = NULL;
	struct image_record record;
	struct reference reference;
	char file[REFERENCE_MAX + 1];

	if (reference_parse(new_name, &reference, err) < 0)
		return -1;
	if (!*reference.name)
		return err_set(err, ERR_INPUT, "tag %s: the new name is a digest", name);
	/* so that the layers cannot go between reading the old name and writing the new one */
	if (store_lock(store, STORE_SHARED, err) < 0)
		return -1;
	locked = store;
	if (image_resolve(store, name, &arena, &record, err) < 0)
		return -1;
	record.name = reference.name;
	reference_to_file(reference.name, file);
	return record_write(store, &image_kind, file, &record, RECORD_SYNC, err);
}

int storage_image_remove(struct storage *store, const char *name, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct image_record record;
	char file[REFERENCE_MAX + 1];

	if (image_resolve(store, name, &arena, &record, err) < 0)
		return -1;
	reference_to_file(record.name, file);
	if (record_remove(store, &image_kind, file, err) < 0)
		return -1;
	return gc_layers(store, &(struct storage_gc){ 0 }, err) < 0 ? -1 : 0;
}
