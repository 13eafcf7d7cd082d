/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Images written as OCI layouts, into a directory or as a tar. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "storage/diff.h"
#include "storage/oci.h"
#include "storage/reference.h"

struct exporter {
	struct storage *store;
	const struct storage_export *options;
	const struct archive_ops *archive;
	struct archive_writer *tar; /* NULL: into the directory */
	struct arena *arena;
	struct err *err;
};

/* clang-format off */
static const char *const layer_types[] = {
	[STORAGE_PLAIN] = OCI_MEDIA_LAYER,
	[STORAGE_GZIP]	= OCI_MEDIA_LAYER "+gzip",
	[STORAGE_ZSTD]	= OCI_MEDIA_LAYER "+zstd",
};

/* clang-format on */

static int copy_to_tar(struct exporter *ex, const char *name, int fd, uint64_t size)
{
	const struct archive_item item = { .path = name, .mode = S_IFREG | 0644, .size = size };
	char buffer[65536];

	if (ex->archive->put(ex->tar, &item, ex->err) < 0)
		return -1;
	for (uint64_t at = 0; at < size;) {
		ssize_t got = pread(fd, buffer, sizeof(buffer), (off_t)at);

		if (got <= 0)
			return err_sys(ex->err, "read %s", name);
		if (ex->archive->write(ex->tar, buffer, (size_t)got, ex->err) < 0)
			return -1;
		at += (uint64_t)got;
	}
	return 0;
}

static int copy_to_dir(struct exporter *ex, const char *name, int fd, uint64_t size)
{
	auto_close int out = openat(ex->options->fd, name,
				    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	char buffer[65536];

	if (out < 0)
		return err_sys(ex->err, "make file %s", name);
	for (uint64_t at = 0; at < size;) {
		ssize_t got = pread(fd, buffer, sizeof(buffer), (off_t)at);

		if (got <= 0 || fd_write_all(out, buffer, (size_t)got) < 0)
			return err_sys(ex->err, "write %s", name);
		at += (uint64_t)got;
	}
	return 0;
}

static int put_file(struct exporter *ex, const char *name, int fd, uint64_t size)
{
	return ex->tar ? copy_to_tar(ex, name, fd, size) : copy_to_dir(ex, name, fd, size);
}

static int put_text(struct exporter *ex, const char *name, const char *text, size_t size)
{
	auto_close int file = openat(ex->store->tmp, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (file < 0 || fd_write_all(file, text, size) < 0)
		return err_sys(ex->err, "write %s", name);
	return put_file(ex, name, file, size);
}

static int put_blob(struct exporter *ex, const char *text, size_t size,
		    struct oci_descriptor *descriptor)
{
	char hex[65], name[96];

	ex->archive->hash(text, size, hex);
	snprintf(name, sizeof(name), "blobs/sha256/%s", hex);
	descriptor->digest = arena_printf(ex->arena, "sha256:%s", hex);
	descriptor->size = (struct opt_u64){ true, size };
	if (!descriptor->digest)
		return err_sys(ex->err, "write %s", name);
	return put_text(ex, name, text, size);
}

/* A layer's digest is its name, so it is written aside first. */
static int put_layer(struct exporter *ex, const struct image_record *image, size_t above,
		     struct oci_descriptor *descriptor, const char **diff_id)
{
	const char *const *chain = image->chain.items;
	const struct volume volume = {
		.key = chain[above],
		.chain = chain + above + 1,
		.depth = image->chain.count - above - 1,
	};
	auto_close int spool = openat(ex->store->tmp, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	const struct archive_output output = { spool, ex->options->compression };
	struct archive_digests digests;
	char name[96];

	if (spool < 0)
		return err_sys(ex->err, "make a temporary file in %s", ex->store->path);
	if (diff_write(ex->store, &volume, &output, &digests, ex->err) < 0)
		return -1;
	descriptor->media_type = layer_types[ex->options->compression];
	descriptor->digest = arena_printf(ex->arena, "sha256:%s", digests.stored);
	descriptor->size = (struct opt_u64){ true, digests.stored_size };
	*diff_id = arena_printf(ex->arena, "sha256:%s", digests.plain);
	if (!descriptor->digest || !*diff_id)
		return err_sys(ex->err, "write a layer");
	snprintf(name, sizeof(name), "blobs/sha256/%s", digests.stored);
	return put_file(ex, name, spool, digests.stored_size);
}

/* The config as it was when every layer came out as it went in, else with the new DiffIDs. */
static int put_config(struct exporter *ex, const struct image_record *image,
		      const struct json_list *diff_ids, struct oci_descriptor *descriptor)
{
	struct oci_config config;
	size_t size;
	const char *text = blob_read(ex->store, image->config, ex->arena, &size, ex->err);
	bool same = diff_ids->count == image->layers.count;

	if (!text)
		return -1;
	for (size_t i = 0; i < diff_ids->count && same; i++)
		same = strcmp(JSON_ITEMS(const char *, diff_ids)[i],
			      JSON_ITEMS(const char *, &image->layers)[i]) == 0;
	if (!same) {
		if (oci_decode(image->config, text, size, &oci_config_object, &config, ex->arena,
			       ex->err) < 0)
			return -1;
		config.rootfs = (struct oci_rootfs){ "layers", *diff_ids };
		text = json_encode(&oci_config_object, &config, 0, ex->arena, ex->err);
		size = text ? strlen(text) : 0;
	}
	descriptor->media_type = OCI_MEDIA_CONFIG;
	return text ? put_blob(ex, text, size, descriptor) : -1;
}

static int put_index(struct exporter *ex, const struct image_record *image,
		     struct oci_descriptor *manifest)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	const char *tag = strrchr(image->name, ':');
	struct json_pair name = { "org.opencontainers.image.ref.name",
				  tag ? tag + 1 : image->name };
	struct oci_platform platform = { image->architecture, image->os, NULL };
	struct oci_index index = {
		.schema_version = { true, 2 },
		.media_type = OCI_MEDIA_INDEX,
		.manifests = { manifest, 1 },
	};

	manifest->media_type = OCI_MEDIA_MANIFEST;
	manifest->annotations = (struct json_list){ &name, 1 };
	if (image->architecture && image->os)
		manifest->platform = &platform;
	const char *text = json_encode(&oci_index_object, &index, 0, ex->arena, ex->err);

	if (!text || put_text(ex, "oci-layout", layout, strlen(layout)) < 0)
		return -1;
	return put_text(ex, "index.json", text, strlen(text));
}

static int export_image(struct exporter *ex, const struct image_record *image)
{
	size_t count = image->chain.count;
	struct oci_descriptor *layers = arena_alloc(ex->arena, (count + 1) * sizeof(*layers));
	const char **diff_ids = arena_alloc(ex->arena, (count + 1) * sizeof(*diff_ids));
	struct oci_manifest manifest = {
		.schema_version = { true, 2 },
		.media_type = OCI_MEDIA_MANIFEST,
		.layers = { layers, count },
	};
	struct oci_descriptor descriptor = { 0 };

	if (!layers || !diff_ids)
		return err_sys(ex->err, "export");
	for (size_t i = 0; i < count; i++) {
		if (put_layer(ex, image, count - 1 - i, &layers[i], &diff_ids[i]) < 0)
			return -1;
	}
	if (put_config(ex, image, &(struct json_list){ diff_ids, count }, &manifest.config) < 0)
		return -1;
	const char *text = json_encode(&oci_manifest_object, &manifest, 0, ex->arena, ex->err);

	if (!text || put_blob(ex, text, strlen(text), &descriptor) < 0)
		return -1;
	return put_index(ex, image, &descriptor);
}

static int make_dirs(struct exporter *ex)
{
	char **names;
	size_t count;

	if (store_list_dir(ex->options->fd, ".", ex->arena, &names, &count, ex->err) < 0)
		return -1;
	if (count)
		return err_set(ex->err, ERR_EXISTS, "write the layout: the directory is not empty");
	if ((mkdirat(ex->options->fd, "blobs", 0755) < 0 && errno != EEXIST) ||
	    (mkdirat(ex->options->fd, "blobs/sha256", 0755) < 0 && errno != EEXIST))
		return err_sys(ex->err, "make directory blobs/sha256");
	return 0;
}

int storage_image_export(struct storage *store, const struct storage_export *options,
			 struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct exporter ex = { .store = store, .options = options, .arena = &arena, .err = err };
	struct archive_digests digests;
	struct image_record image;

	ex.archive = archive_load(err);
	if (!ex.archive || image_resolve(store, options->name, &arena, &image, err) < 0)
		return -1;
	if (options->is_directory) {
		if (make_dirs(&ex) < 0)
			return -1;
	} else {
		ex.tar = ex.archive->create(&(struct archive_output){ .fd = options->fd }, err);
		if (!ex.tar)
			return -1;
	}
	int result = export_image(&ex, &image);

	if (ex.tar && ex.archive->end(ex.tar, result < 0 ? NULL : &digests, err) < 0)
		result = -1;
	return result < 0 ? err_wrap(err, "export %s", options->name) : 0;
}
