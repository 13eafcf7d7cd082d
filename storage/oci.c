/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of the OCI and docker image documents; blobs on disk. */
#include "storage/oci.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/plugin.h"
#include "base/str.h"
#include "storage/archive.h"
#include "storage/reference.h"

/* clang-format off */
static const struct json_row platform_rows[] = {
	{ "architecture", JSON_TEXT, offsetof(struct oci_platform, architecture) },
	{ "os",		  JSON_TEXT, offsetof(struct oci_platform, os) },
	{ "variant",	  JSON_TEXT, offsetof(struct oci_platform, variant) },
};
static const struct json_object platform_object = JSON_OBJECT_OF(struct oci_platform, platform_rows);

static const struct json_row descriptor_rows[] = {
	{ "mediaType",	 JSON_TEXT,	  offsetof(struct oci_descriptor, media_type) },
	{ "digest",	 JSON_TEXT,	  offsetof(struct oci_descriptor, digest), .flags = JSON_REQUIRED },
	{ "size",	 JSON_U64,	  offsetof(struct oci_descriptor, size) },
	{ "platform",	 JSON_OBJECT_PTR, offsetof(struct oci_descriptor, platform), &platform_object },
	{ "annotations", JSON_MAP_TEXT,	  offsetof(struct oci_descriptor, annotations) },
};
static const struct json_object descriptor_object = JSON_OBJECT_OF(struct oci_descriptor, descriptor_rows);

static const struct json_row index_rows[] = {
	{ "schemaVersion", JSON_I64,  offsetof(struct oci_index, schema_version) },
	{ "mediaType",	   JSON_TEXT, offsetof(struct oci_index, media_type) },
	{ "manifests",	   JSON_LIST, offsetof(struct oci_index, manifests), &descriptor_object, .flags = JSON_ALWAYS },
};
const struct json_object oci_index_object = JSON_OBJECT_OF(struct oci_index, index_rows);

static const struct json_row manifest_rows[] = {
	{ "schemaVersion", JSON_I64,	  offsetof(struct oci_manifest, schema_version) },
	{ "mediaType",	   JSON_TEXT,	  offsetof(struct oci_manifest, media_type) },
	{ "config",	   JSON_OBJECT,	  offsetof(struct oci_manifest, config), &descriptor_object, .flags = JSON_REQUIRED },
	{ "layers",	   JSON_LIST,	  offsetof(struct oci_manifest, layers), &descriptor_object, .flags = JSON_ALWAYS },
	{ "annotations",   JSON_MAP_TEXT, offsetof(struct oci_manifest, annotations) },
};
const struct json_object oci_manifest_object = JSON_OBJECT_OF(struct oci_manifest, manifest_rows);

static const struct json_object key_object = { .size = sizeof(struct storage_key) };

static const struct json_row run_rows[] = {
	{ "User",	  JSON_TEXT,	 offsetof(struct storage_image_config, user) },
	{ "WorkingDir",	  JSON_TEXT,	 offsetof(struct storage_image_config, working_dir) },
	{ "StopSignal",	  JSON_TEXT,	 offsetof(struct storage_image_config, stop_signal) },
	{ "Env",	  JSON_TEXTS,	 offsetof(struct storage_image_config, env) },
	{ "Entrypoint",	  JSON_TEXTS,	 offsetof(struct storage_image_config, entrypoint) },
	{ "Cmd",	  JSON_TEXTS,	 offsetof(struct storage_image_config, cmd) },
	{ "Volumes",	  JSON_MAP,	 offsetof(struct storage_image_config, volumes), &key_object },
	{ "ExposedPorts", JSON_MAP,	 offsetof(struct storage_image_config, exposed_ports), &key_object },
	{ "Labels",	  JSON_MAP_TEXT, offsetof(struct storage_image_config, labels) },
};
const struct json_object storage_image_config_object = JSON_OBJECT_OF(struct storage_image_config, run_rows);

static const struct json_row rootfs_rows[] = {
	{ "type",     JSON_TEXT,  offsetof(struct oci_rootfs, type) },
	{ "diff_ids", JSON_TEXTS, offsetof(struct oci_rootfs, diff_ids), .flags = JSON_ALWAYS },
};
static const struct json_object rootfs_object = JSON_OBJECT_OF(struct oci_rootfs, rootfs_rows);

static const struct json_row history_rows[] = {
	{ "created",	 JSON_TEXT, offsetof(struct storage_history, created) },
	{ "created_by",	 JSON_TEXT, offsetof(struct storage_history, created_by) },
	{ "author",	 JSON_TEXT, offsetof(struct storage_history, author) },
	{ "comment",	 JSON_TEXT, offsetof(struct storage_history, comment) },
	{ "empty_layer", JSON_BOOL, offsetof(struct storage_history, empty_layer) },
};
const struct json_object storage_history_object = JSON_OBJECT_OF(struct storage_history, history_rows);

static const struct json_row config_rows[] = {
	{ "created",	  JSON_TEXT,   offsetof(struct oci_config, created) },
	{ "author",	  JSON_TEXT,   offsetof(struct oci_config, author) },
	{ "architecture", JSON_TEXT,   offsetof(struct oci_config, architecture) },
	{ "os",		  JSON_TEXT,   offsetof(struct oci_config, os) },
	{ "variant",	  JSON_TEXT,   offsetof(struct oci_config, variant) },
	{ "config",	  JSON_OBJECT, offsetof(struct oci_config, config), &storage_image_config_object },
	{ "rootfs",	  JSON_OBJECT, offsetof(struct oci_config, rootfs), &rootfs_object, .flags = JSON_REQUIRED },
	{ "history",	  JSON_LIST,   offsetof(struct oci_config, history), &storage_history_object },
};
const struct json_object oci_config_object = JSON_OBJECT_OF(struct oci_config, config_rows);

static const struct json_row docker_rows[] = {
	{ "Config",   JSON_TEXT,  offsetof(struct docker_manifest, config), .flags = JSON_REQUIRED },
	{ "RepoTags", JSON_TEXTS, offsetof(struct docker_manifest, repo_tags) },
	{ "Layers",   JSON_TEXTS, offsetof(struct docker_manifest, layers) },
};
static const struct json_object docker_object = JSON_OBJECT_OF(struct docker_manifest, docker_rows);

/* manifest.json is a bare list; it is read with {"images": } around it */
static const struct json_row docker_list_rows[] = {
	{ "images", JSON_LIST, offsetof(struct docker_manifests, images), &docker_object },
};
const struct json_object docker_manifests_object = JSON_OBJECT_OF(struct docker_manifests, docker_list_rows);

static const struct json_row image_rows[] = {
	{ "name",	  JSON_TEXT,  offsetof(struct storage_image, name) },
	{ "digest",	  JSON_TEXT,  offsetof(struct storage_image, digest) },
	{ "created",	  JSON_TEXT,  offsetof(struct storage_image, created) },
	{ "architecture", JSON_TEXT,  offsetof(struct storage_image, architecture) },
	{ "os",		  JSON_TEXT,  offsetof(struct storage_image, os) },
	{ "layers",	  JSON_TEXTS, offsetof(struct storage_image, layers), .flags = JSON_ALWAYS },
	{ "size",	  JSON_U64,   offsetof(struct storage_image, size), .flags = JSON_ALWAYS },
	{ "config",	  JSON_OBJECT, offsetof(struct storage_image, config), &storage_image_config_object },
};
const struct json_object storage_image_object = JSON_OBJECT_OF(struct storage_image, image_rows);

/* clang-format on */

int storage_load_archive(struct err *err)
{
	return archive_load(err) ? 0 : -1;
}

const struct archive_ops *archive_load(struct err *err)
{
	return plugin_load("archive", err);
}

int oci_decode(const char *source, const char *text, size_t size, const struct json_object *object,
	       void *target, struct arena *arena, struct err *err)
{
	memset(target, 0, object->size);
	return json_decode(source, text, size, object, target, arena, err);
}

static int blob_path(const char *digest, char path[96], struct err *err)
{
	const char *hex;

	if (!reference_is_digest(digest, &hex))
		return err_set(err, ERR_INPUT, "digest %.90s: not sha256: and 64 digits", digest);
	return str_format(path, 96, "blobs/sha256/%s", hex);
}

int blob_write(struct storage *store, const void *data, size_t size, char digest[72],
	       struct err *err)
{
	const struct archive_ops *archive = archive_load(err);
	char hex[65], path[96];

	if (!archive)
		return -1;
	archive->hash(data, size, hex);
	snprintf(digest, 72, "sha256:%s", hex);
	if (blob_path(digest, path, err) < 0)
		return -1;
	if (faccessat(store->root, path, F_OK, 0) == 0)
		return 0;
	return store_write_file(store, path, data, size, RECORD_SYNC, err);
}

const char *blob_read(struct storage *store, const char *digest, struct arena *arena, size_t *size,
		      struct err *err)
{
	char path[96];

	if (blob_path(digest, path, err) < 0)
		return NULL;
	auto_free char *text = fd_slurp(store->root, path, OCI_DOCUMENT_MAX, size, err);

	if (!text)
		return NULL;
	const char *copy = arena_copy(arena, text, *size + 1);

	if (!copy)
		err_sys(err, "read blob %s", digest);
	return copy;
}

int oci_read_config(struct storage *store, const struct image_record *image, struct arena *arena,
		    struct oci_config *config, struct err *err)
{
	size_t size;
	const char *text = blob_read(store, image->config, arena, &size, err);

	if (!text)
		return err_wrap(err, "read the config of %s", image->name);
	return oci_decode(image->config, text, size, &oci_config_object, config, arena, err);
}

int oci_chain_id(const char *parent, const char *diff_id, char chain[65], struct err *err)
{
	const struct archive_ops *archive = archive_load(err);
	const char *hex;
	char text[160];

	if (!archive)
		return -1;
	if (!reference_is_digest(diff_id, &hex))
		return err_set(err, ERR_INPUT, "digest %.90s: not sha256: and 64 digits", diff_id);
	if (!parent) {
		memcpy(chain, hex, 65);
		return 0;
	}
	int length = snprintf(text, sizeof(text), "%s %s", parent, diff_id);

	archive->hash(text, (size_t)length, chain);
	return 0;
}
