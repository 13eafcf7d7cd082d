/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public promise of masu.h, thin: images, the roots made from them, and the store. */
#include "runtime/api.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/names.h"
#include "runtime/container.h"
#include "runtime/gc.h"
#include "runtime/masu.h"
#include "storage/storage.h"

_Static_assert((int)MASU_COMPRESSION_ZSTD == (int)STORAGE_ZSTD, "one numbering");

/* Closed on every way out. */
static void close_store(struct storage **store)
{
	if (*store)
		storage_close(*store);
}

#define auto_store __attribute__((cleanup(close_store)))

static struct storage *open_store(const struct masu *masu, unsigned int flags, struct err *err)
{
	return storage_open(masu->storage_root, STORAGE_AUTO, flags, err);
}

/*
 * The store that holds the container's root. Without a record (a reboot takes it) a kept root can
 * still be asked for. With `stopped` nothing may run on it; the container then stays locked.
 */
static struct storage *open_root(struct masu *masu, const char *id, struct container *container,
				 bool stopped, struct err *err)
{
	struct err reason = { 0 };

	if (container_open(masu, id, stopped ? STATE_LOCKED : STATE_UNLOCKED, false, container,
			   &reason) < 0) {
		struct storage *store = NULL;
		struct storage_usage usage;

		if (reason.code == ERR_NOT_FOUND)
			store = open_store(masu, 0, NULL);
		if (store && storage_root_usage(store, id, &usage, NULL) == 0)
			return store;
		if (err)
			*err = reason;
		close_store(&store);
		return NULL;
	}
	if (!container->state.storage.root) {
		err_set(err, ERR_STATE, "its root file system is not from an image");
		err_hint(err, "masu.storage.image in the spec gives it one");
		return NULL;
	}
	if (stopped && container_status(container) != CONTAINER_STOPPED) {
		err_set(err, ERR_STATE, "it is %s",
			names_text(container_status_names, container_status(container)));
		err_hint(err, "`masu kill %s KILL` first", id);
		return NULL;
	}
	return storage_open(container->state.storage.root, STORAGE_AUTO, 0, err);
}

/* ---- JSON ---- */

static int give_object(const struct json_object *object, const void *source, char **json,
		       struct err *err)
{
	auto_arena struct arena arena = { 0 };
	const char *text = json_encode(object, source, 0, &arena, err);

	if (!text)
		return -1;
	*json = strdup(text);
	return *json ? 0 : err_sys(err, "make the answer");
}

/* An array of objects. */
static int give_list(const struct json_object *object, const void *items, size_t count, char **json,
		     struct err *err)
{
	auto_arena struct arena arena = { 0 };
	const char *at = items;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return err_sys(err, "make the answer");
	putc('[', out);
	for (size_t i = 0; i < count; i++, at += object->size) {
		const char *item = json_encode(object, at, 0, &arena, NULL);

		fprintf(out, "%s%s", i ? "," : "", item ? item : "");
	}
	putc(']', out);
	if (fclose(out) != 0) {
		free(text);
		return err_sys(err, "make the answer");
	}
	*json = text;
	return 0;
}

/* An image as masu_images() has it. */
static int give_image(const struct storage_image *image, char **json, struct err *err)
{
	struct storage_image plain = *image;

	plain.config = (struct storage_image_config){ 0 };
	return json ? give_object(&storage_image_object, &plain, json, err) : 0;
}

/* ---- images ---- */

int masu_image_import(struct masu *masu, const struct masu_import_options *given, char **json,
		      struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_arena struct arena arena = { 0 };
	struct masu_import_options options;
	struct storage_image image;

	if (api_options(&options, sizeof(options), given, err) < 0)
		return -1;
	if (!options.name)
		return err_set(err, ERR_INPUT, "import an image: no name given");
	if (storage_load_archive(err) < 0)
		return -1;
	auto_close int own =
		options.path ? open(options.path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;

	if (options.path && own < 0)
		return err_sys(err, "open %s", options.path);
	auto_store struct storage *store = open_store(masu, STORAGE_CREATE, err);

	if (!store)
		return -1;
	const struct storage_import import = {
		.name = options.name,
		.fd = options.path ? own : options.fd,
		.reference = options.reference,
		.max_bytes = options.max_bytes,
		.max_entries = options.max_entries,
		.progress = options.progress,
		.data = options.data,
	};

	if (storage_import(store, &import, &arena, &image, err) < 0)
		return -1;
	return give_image(&image, json, err);
}

int masu_images(struct masu *masu, char **json, struct masu_error *error)
{
	struct err *err = api_error(error), why = { 0 };
	auto_arena struct arena arena = { 0 };
	auto_store struct storage *store = open_store(masu, STORAGE_READONLY, &why);
	struct storage_image *images = NULL;
	size_t count = 0;

	/* where no store is yet, there are no images: no error */
	if (!store && why.code != ERR_NOT_FOUND) {
		if (err)
			*err = why;
		return -1;
	}
	if (store && storage_images(store, &arena, &images, &count, err) < 0)
		return -1;
	return give_list(&storage_image_object, images, count, json, err);
}

int masu_image_inspect(struct masu *masu, const char *name, char **json, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_arena struct arena arena = { 0 };
	auto_store struct storage *store = open_store(masu, STORAGE_READONLY, err);
	struct storage_image image;

	if (!store || storage_image_find(store, name, &arena, &image, err) < 0)
		return -1;
	return give_object(&storage_image_object, &image, json, err);
}

int masu_image_history(struct masu *masu, const char *name, char **json, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_arena struct arena arena = { 0 };
	auto_store struct storage *store = open_store(masu, STORAGE_READONLY, err);
	struct storage_history *rows;
	size_t count;

	if (!store || storage_image_history(store, name, &arena, &rows, &count, err) < 0)
		return -1;
	return give_list(&storage_history_object, rows, count, json, err);
}

int masu_image_tag(struct masu *masu, const char *name, const char *new_name,
		   struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_store struct storage *store = open_store(masu, 0, err);

	return store ? storage_image_tag(store, name, new_name, err) : -1;
}

int masu_image_remove(struct masu *masu, const char *name, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_store struct storage *store = open_store(masu, 0, err);

	return store ? storage_image_remove(store, name, err) : -1;
}

int masu_image_export(struct masu *masu, const struct masu_export_options *given,
		      struct masu_error *error)
{
	struct err *err = api_error(error);
	struct masu_export_options options;

	if (api_options(&options, sizeof(options), given, err) < 0)
		return -1;
	if (!options.name)
		return err_set(err, ERR_INPUT, "export an image: no name given");
	if (storage_load_archive(err) < 0)
		return -1;
	auto_store struct storage *store = open_store(masu, 0, err);

	if (!store)
		return -1;
	if (options.directory && mkdir(options.directory, 0777) < 0 && errno != EEXIST)
		return err_sys(err, "make directory %s", options.directory);
	auto_close int own = options.directory
				     ? open(options.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
				     : -1;

	if (options.directory && own < 0)
		return err_sys(err, "open %s", options.directory);
	const struct storage_export export_options = {
		.name = options.name,
		.fd = options.directory ? own : options.fd,
		.is_directory = options.directory,
		.compression = (enum storage_compression)options.compression,
	};

	return storage_image_export(store, &export_options, err);
}

/* ---- a container's root ---- */

int masu_commit(struct masu *masu, const struct masu_commit_options *given, char **json,
		struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;
	auto_arena struct arena arena = { 0 };
	struct masu_commit_options options;
	struct storage_image image;

	if (api_options(&options, sizeof(options), given, err) < 0)
		return -1;
	if (!options.id || !options.name)
		return err_set(err, ERR_INPUT, "commit: container and image must be named");
	auto_store struct storage *store = open_root(masu, options.id, &container, false, err);
	const struct storage_commit commit = {
		.id = options.id,
		.name = options.name,
		.author = options.author,
		.comment = options.comment,
	};

	if (!store || storage_commit(store, &commit, &arena, &image, err) < 0)
		return -1;
	return give_image(&image, json, err);
}

struct diff_row {
	const char *kind, *path;
};

static const struct json_row diff_rows[] = {
	{ "kind", JSON_TEXT, offsetof(struct diff_row, kind) },
	{ "path", JSON_TEXT, offsetof(struct diff_row, path) },
};

static const struct json_object diff_object = JSON_OBJECT_OF(struct diff_row, diff_rows);

static int give_diff_json(const struct storage_change *changes, size_t count, char **text,
			  struct err *err)
{
	static const char *const words[] = { ['A'] = "A", ['C'] = "C", ['D'] = "D" };
	auto_free struct diff_row *rows = calloc(count + 1, sizeof(*rows));

	if (!rows)
		return err_sys(err, "make the answer");
	for (size_t i = 0; i < count; i++)
		rows[i] =
			(struct diff_row){ words[(unsigned char)changes[i].kind], changes[i].path };
	return give_list(&diff_object, rows, count, text, err);
}

/* A name may hold any byte: what would make a second line, or drive a terminal, is written in
 * octal. */
static int give_diff_lines(const struct storage_change *changes, size_t count, char **text,
			   struct err *err)
{
	char *lines = NULL;
	size_t size;
	FILE *out = open_memstream(&lines, &size);

	if (!out)
		return err_sys(err, "make the answer");
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "%c ", changes[i].kind);
		for (const char *at = changes[i].path; *at; at++)
			fprintf(out,
				(unsigned char)*at < ' ' || *at == 0x7f || *at == '\\' ? "\\%03o"
										       : "%c",
				(unsigned char)*at);
		putc('\n', out);
	}
	if (fclose(out) != 0) {
		free(lines);
		return err_sys(err, "make the answer");
	}
	*text = lines;
	return 0;
}

int masu_diff(struct masu *masu, const char *id, enum masu_diff_form form, char **text,
	      struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;
	auto_arena struct arena arena = { 0 };
	auto_store struct storage *store = open_root(masu, id, &container, false, err);
	struct storage_change *changes;
	size_t count;

	if (!store || storage_diff(store, id, &arena, &changes, &count, err) < 0)
		return -1;
	return form == MASU_DIFF_JSON ? give_diff_json(changes, count, text, err)
				      : give_diff_lines(changes, count, text, err);
}

int masu_diff_tar(struct masu *masu, const char *id, int fd, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;
	auto_store struct storage *store = open_root(masu, id, &container, false, err);

	return store ? storage_diff_tar(store, id, fd, err) : -1;
}

int masu_export(struct masu *masu, const char *id, int fd, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;
	auto_store struct storage *store = open_root(masu, id, &container, false, err);

	return store ? storage_export_root(store, id, fd, err) : -1;
}

struct usage_answer {
	struct opt_u64 bytes, inodes, limit;
};

static const struct json_row usage_rows[] = {
	{ "bytes", JSON_U64, offsetof(struct usage_answer, bytes) },
	{ "inodes", JSON_U64, offsetof(struct usage_answer, inodes) },
	{ "limit", JSON_U64, offsetof(struct usage_answer, limit) },
};

static const struct json_object usage_object = JSON_OBJECT_OF(struct usage_answer, usage_rows);

int masu_usage(struct masu *masu, const char *id, char **json, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;
	auto_store struct storage *store = open_root(masu, id, &container, false, err);
	struct storage_usage usage;

	if (!store || storage_root_usage(store, id, &usage, err) < 0)
		return -1;
	const struct usage_answer answer = {
		.bytes = { true, usage.bytes },
		.inodes = { usage.inodes != 0, usage.inodes },
		.limit = { usage.limit != 0, usage.limit },
	};

	return give_object(&usage_object, &answer, json, err);
}

int masu_snapshot_create(struct masu *masu, const char *id, const char *name,
			 struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;
	auto_store struct storage *store = open_root(masu, id, &container, false, err);

	return store ? storage_snapshot_create(store, id, name, err) : -1;
}

int masu_snapshot_remove(struct masu *masu, const char *id, const char *name,
			 struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;
	auto_store struct storage *store = open_root(masu, id, &container, false, err);

	return store ? storage_snapshot_remove(store, id, name, err) : -1;
}

int masu_snapshot_rollback(struct masu *masu, const char *id, const char *name,
			   struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;
	auto_store struct storage *store = open_root(masu, id, &container, true, err);

	return store ? storage_snapshot_rollback(store, id, name, err) : -1;
}

int masu_snapshots(struct masu *masu, const char *id, char **json, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;
	auto_arena struct arena arena = { 0 };
	auto_store struct storage *store = open_root(masu, id, &container, false, err);
	struct storage_snapshot *snapshots;
	size_t count;

	if (!store || storage_snapshots(store, id, &arena, &snapshots, &count, err) < 0)
		return -1;
	return give_list(&storage_snapshot_object, snapshots, count, json, err);
}

/* ---- the store ---- */

int masu_storage_init(struct masu *masu, const struct masu_storage_options *given,
		      struct masu_error *error)
{
	struct err *err = api_error(error);
	struct masu_storage_options options;
	int64_t driver = STORAGE_AUTO;

	if (api_options(&options, sizeof(options), given, err) < 0)
		return -1;
	if (options.driver && !names_find(storage_driver_names, options.driver, &driver))
		return err_set(err, ERR_INPUT, "storage driver %s: unknown", options.driver);
	const struct storage_init init = {
		.driver = (enum storage_driver)driver,
		.loop_size = options.loop_size,
		.sparse = options.sparse,
		.data_device = options.data_device,
		.metadata_device = options.metadata_device,
		.volume_size = options.volume_size,
	};

	return storage_init_store(masu->storage_root, &init, err);
}

int masu_storage_info(struct masu *masu, char **json, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_arena struct arena arena = { 0 };
	struct storage_info info;

	if (storage_get_info(masu->storage_root, &arena, &info, err) < 0)
		return -1;
	return give_object(&storage_info_object, &info, json, err);
}

struct check {
	masu_finding_callback *found;
	void *data;
};

static int tell_finding(const struct storage_finding *finding, void *data)
{
	const struct check *check = data;
	const struct masu_storage_finding outside = {
		.kind = finding->kind,
		.name = finding->name,
		.problem = finding->problem,
		.repaired = finding->repaired,
	};

	if (check->found)
		check->found(&outside, check->data);
	return 0;
}

int masu_storage_check(struct masu *masu, unsigned int flags, masu_finding_callback *found,
		       void *data, struct masu_error *error)
{
	struct err *err = api_error(error);
	struct check check = { found, data };
	auto_store struct storage *store = open_store(masu, 0, err);

	return store ? storage_fsck(store, flags & MASU_CHECK_REPAIR, tell_finding, &check, err)
		     : -1;
}

int masu_storage_gc(struct masu *masu, unsigned int flags, masu_gc_callback *report, void *data,
		    struct masu_error *error)
{
	return gc_run_storage(masu, flags, report, data, api_error(error));
}

int masu_storage_trim(struct masu *masu, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_store struct storage *store = open_store(masu, 0, err);

	return store ? storage_trim(store, err) : -1;
}

int masu_storage_grow(struct masu *masu, uint64_t bytes, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_store struct storage *store = open_store(masu, 0, err);

	return store ? storage_grow(store, bytes, err) : -1;
}

int masu_resize(struct masu *masu, const char *id, uint64_t bytes, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;
	auto_store struct storage *store = open_root(masu, id, &container, false, err);

	return store ? storage_root_resize(store, id, bytes, err) : -1;
}
