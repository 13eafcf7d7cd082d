/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records: one small JSON file each, written aside and renamed, so that a reader sees the old or
 * the new one. */
#include "storage/store.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "storage/fault.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

/* clang-format off */
static const struct json_row layer_rows[] = {
	{ "diffId",  JSON_TEXT,  offsetof(struct layer_record, diff_id), .flags = JSON_REQUIRED },
	{ "chain",   JSON_TEXTS, offsetof(struct layer_record, chain) },
	{ "size",    JSON_U64,   offsetof(struct layer_record, size) },
	{ "created", JSON_TEXT,  offsetof(struct layer_record, created) },
};
static const struct json_object layer_object = JSON_OBJECT_OF(struct layer_record, layer_rows);

static const struct json_row root_rows[] = {
	{ "id",	     JSON_TEXT,	 offsetof(struct root_record, id), .flags = JSON_REQUIRED },
	{ "owner",   JSON_TEXT,	 offsetof(struct root_record, owner) },
	{ "image",   JSON_TEXT,	 offsetof(struct root_record, image) },
	{ "digest",  JSON_TEXT,	 offsetof(struct root_record, digest) },
	{ "config",  JSON_TEXT,	 offsetof(struct root_record, config) },
	{ "created", JSON_TEXT,	 offsetof(struct root_record, created) },
	{ "chain",   JSON_TEXTS, offsetof(struct root_record, chain) },
	{ "size",    JSON_U64,	 offsetof(struct root_record, size) },
	{ "inodes",  JSON_U64,	 offsetof(struct root_record, inodes) },
	{ "keep",    JSON_BOOL,	 offsetof(struct root_record, keep) },
};
static const struct json_object root_object = JSON_OBJECT_OF(struct root_record, root_rows);

static const struct json_row snapshot_rows[] = {
	{ "id",	     JSON_TEXT, offsetof(struct snapshot_record, id), .flags = JSON_REQUIRED },
	{ "name",    JSON_TEXT, offsetof(struct snapshot_record, name), .flags = JSON_REQUIRED },
	{ "created", JSON_TEXT, offsetof(struct snapshot_record, created) },
};
static const struct json_object snapshot_object = JSON_OBJECT_OF(struct snapshot_record, snapshot_rows);

static const struct json_row image_rows[] = {
	{ "name",	  JSON_TEXT,  offsetof(struct image_record, name), .flags = JSON_REQUIRED },
	{ "digest",	  JSON_TEXT,  offsetof(struct image_record, digest), .flags = JSON_REQUIRED },
	{ "config",	  JSON_TEXT,  offsetof(struct image_record, config), .flags = JSON_REQUIRED },
	{ "created",	  JSON_TEXT,  offsetof(struct image_record, created) },
	{ "architecture", JSON_TEXT,  offsetof(struct image_record, architecture) },
	{ "os",		  JSON_TEXT,  offsetof(struct image_record, os) },
	{ "size",	  JSON_U64,   offsetof(struct image_record, size) },
	{ "layers",	  JSON_TEXTS, offsetof(struct image_record, layers) },
	{ "chain",	  JSON_TEXTS, offsetof(struct image_record, chain) },
};
static const struct json_object image_object = JSON_OBJECT_OF(struct image_record, image_rows);

const struct record_kind layer_kind = { "layers", &layer_object };
const struct record_kind root_kind = { "roots", &root_object };
const struct record_kind snapshot_kind = { "snapshots", &snapshot_object };
const struct record_kind image_kind = { "images", &image_object };

/* clang-format on */

int store_unique(char *name, size_t size, const char *prefix, struct err *err)
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return err_sys(err, "make a name for %s", prefix);
	if (str_format(name, size, "%s-%d-%016llx", prefix, (int)getpid(),
		       (unsigned long long)random) < 0)
		return err_sys(err, "make a name for %s", prefix);
	return 0;
}

bool store_is_abandoned(const char *name)
{
	int pid;

	if (sscanf(name, "%*[a-z]-%d-", &pid) != 1)
		return false;
	return kill(pid, 0) < 0 && errno == ESRCH;
}

void store_timestamp(char text[32])
{
	time_t now = time(NULL);
	struct tm parts;

	gmtime_r(&now, &parts);
	strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

/* The directory's own entry is part of the promise: without this a power cut can lose the rename.
 */
static int sync_parent(struct storage *store, const char *path, struct err *err)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (str_format(parent, sizeof(parent), "%.*s", slash ? (int)(slash - path) : 1,
		       slash ? path : ".") < 0)
		return err_sys(err, "sync %s/%s", store->path, path);
	auto_close int dir = openat(store->root, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 || fsync(dir) < 0)
		return err_sys(err, "sync %s/%s", store->path, parent);
	return 0;
}

static int place_file(struct storage *store, const char *name, const char *path, unsigned int flags,
		      struct err *err)
{
	if (FAULT_POINT("record.written", err) < 0)
		return -1;
	if (renameat2(store->tmp, name, store->root, path,
		      flags & RECORD_NEW ? RENAME_NOREPLACE : 0) < 0)
		return err_sys(err, "write %s/%s", store->path, path);
	return flags & RECORD_SYNC ? sync_parent(store, path, err) : 0;
}

int store_write_file(struct storage *store, const char *path, const void *data, size_t size,
		     unsigned int flags, struct err *err)
{
	char name[64];

	if (store_unique(name, sizeof(name), "file", err) < 0)
		return -1;
	auto_close int fd = openat(store->tmp, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(err, "make file %s/tmp/%s", store->path, name);
	int result = fd_write_all(fd, data, size);

	if (result == 0 && (flags & RECORD_SYNC))
		result = fsync(fd);
	if (result < 0)
		err_sys(err, "write %s/%s", store->path, path);
	else
		result = place_file(store, name, path, flags, err);
	if (result < 0)
		unlinkat(store->tmp, name, 0);
	return result;
}

static int record_path(char *path, size_t size, const struct record_kind *kind, const char *name,
		       struct err *err)
{
	if (str_format(path, size, "%s/%s.json", kind->dir, name) < 0)
		return err_sys(err, "name %s", name);
	return 0;
}

int record_write(struct storage *store, const struct record_kind *kind, const char *name,
		 const void *record, unsigned int flags, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	char path[PATH_MAX];
	const char *text = json_encode(kind->object, record, 2, &arena, err);

	if (!text || record_path(path, sizeof(path), kind, name, err) < 0)
		return -1;
	return store_write_file(store, path, text, strlen(text), flags, err);
}

int record_read(struct storage *store, const struct record_kind *kind, const char *name,
		struct arena *arena, void *record, struct err *err)
{
	char path[PATH_MAX], source[PATH_MAX];

	if (record_path(path, sizeof(path), kind, name, err) < 0)
		return -1;
	if (faccessat(store->root, path, F_OK, 0) < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "read %s/%s: there is none", store->path, path);
	if (str_format(source, sizeof(source), "%s/%s", store->path, path) < 0)
		return err_sys(err, "read %s", path);
	memset(record, 0, kind->object->size);
	if (json_decode_file(store->root, path, source, kind->object, record, arena, err) == 0)
		return 0;
	if (err)
		err->code = ERR_STATE;
	return err_hint(err, "masu storage check --repair looks into it");
}

bool record_exists(struct storage *store, const struct record_kind *kind, const char *name)
{
	char path[PATH_MAX];

	return record_path(path, sizeof(path), kind, name, NULL) == 0 &&
	       faccessat(store->root, path, F_OK, 0) == 0;
}

int record_remove(struct storage *store, const struct record_kind *kind, const char *name,
		  struct err *err)
{
	char path[PATH_MAX];

	if (record_path(path, sizeof(path), kind, name, err) < 0)
		return -1;
	if (unlinkat(store->root, path, 0) < 0 && errno != ENOENT)
		return err_sys(err, "remove %s/%s", store->path, path);
	return 0;
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

int store_list_dir(int dir, const char *path, struct arena *arena, char ***names, size_t *count,
		   struct err *err)
{
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_closedir DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	size_t room = 0;
	struct dirent *entry;

	*names = NULL;
	*count = 0;
	if (!stream)
		return err_sys(err, "list %s", path);
	while (errno = 0, (entry = readdir(stream))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (*count == room) {
			room = room ? 2 * room : 32;
			char **grown = arena_alloc(arena, room * sizeof(*grown));

			if (!grown)
				return err_sys(err, "list %s", path);
			if (*count)
				memcpy(grown, *names, *count * sizeof(*grown));
			*names = grown;
		}
		(*names)[*count] = arena_strdup(arena, entry->d_name);
		if (!(*names)[*count])
			return err_sys(err, "list %s", path);
		++*count;
	}
	if (errno)
		return err_sys(err, "list %s", path);
	if (*count)
		qsort(*names, *count, sizeof(**names), compare_names);
	return 0;
}

int record_list(struct storage *store, const struct record_kind *kind, struct arena *arena,
		char ***names, size_t *count, struct err *err)
{
	size_t kept = 0;

	if (store_list_dir(store->root, kind->dir, arena, names, count, err) < 0)
		return -1;
	for (size_t i = 0; i < *count; i++) {
		char *name = (*names)[i];

		if (!str_ends(name, ".json"))
			continue;
		name[strlen(name) - strlen(".json")] = '\0';
		(*names)[kept++] = name;
	}
	*count = kept;
	return 0;
}
