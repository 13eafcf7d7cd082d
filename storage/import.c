/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Import: from a source to layers, blobs and a name; all or nothing. */
#include "storage/import.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/err.h"
#include "base/str.h"
#include "storage/fault.h"
#include "storage/layer.h"
#include "storage/oci.h"
#include "storage/reference.h"
#include "storage/source.h"
#include "storage/unpack.h"

enum {
	LAYERS_MAX = 127, /* as docker; an overlay could have 500 */
	DEPTH_MAX = 8,    /* indexes in indexes */
};

static const uint64_t default_bytes = 64ULL << 30;
static const uint64_t default_entries = 4000000;

/* What the source says about the image, before a layer is read. */
struct plan {
	struct oci_config config;
	const char *config_text;
	size_t config_size;
	const char *config_digest; /* "sha256:..." to be checked, or NULL */
	const char *
		*layer_names; /* member names, lowest first; NULL: the source itself is the layer */
	const char **layer_digests; /* of the stored bytes, or NULL */
	size_t count;
};

struct importer {
	const struct storage_import *options;
	struct storage *store;
	struct source source;
	struct unpack_limits limits;
	struct arena *arena;
	struct plan plan;
	struct layer_stack stack;
	struct err *err;
};

/* clang-format off */
static const struct { const char *machine, *architecture; } machine_rows[] = {
	{ "x86_64",  "amd64" },
	{ "aarch64", "arm64" },
	{ "armv7l",  "arm" },
	{ "armv6l",  "arm" },
	{ "i686",    "386" },
	{ "ppc64le", "ppc64le" },
	{ "s390x",   "s390x" },
	{ "riscv64", "riscv64" },
};

/* clang-format on */

const char *import_architecture(void)
{
	struct utsname names;

	if (uname(&names) < 0)
		return "amd64";
	for (size_t i = 0; i < sizeof(machine_rows) / sizeof(machine_rows[0]); i++) {
		if (strcmp(machine_rows[i].machine, names.machine) == 0)
			return machine_rows[i].architecture;
	}
	return "unknown";
}

static int check_digest(struct importer *im, const char *what, const char *want, const char *hex)
{
	const char *digits;

	if (!want)
		return 0;
	if (!reference_is_digest(want, &digits))
		return err_set(im->err, ERR_INPUT, "%s: %.90s is not a sha256 digest", what, want);
	if (strcmp(digits, hex) == 0)
		return 0;
	return err_set(im->err, EBADMSG, "%s: its digest is sha256:%s, not %s", what, hex, want);
}

static const char *blob_name(struct importer *im, const char *digest)
{
	const char *hex;

	if (!reference_is_digest(digest, &hex)) {
		err_set(im->err, ERR_INPUT, "digest %.90s: not sha256: and 64 digits", digest);
		return NULL;
	}
	const char *name = arena_printf(im->arena, "blobs/sha256/%s", hex);

	if (!name)
		err_sys(im->err, "import");
	return name;
}

/* A JSON blob of the layout, its digest checked. */
static const char *read_blob(struct importer *im, const char *digest, size_t *size)
{
	const char *name = blob_name(im, digest);
	const char *text = name ? source_read(&im->source, name, im->arena, size, im->err) : NULL;
	char hex[65];

	if (!text)
		return NULL;
	im->source.archive->hash(text, *size, hex);
	return check_digest(im, name, digest, hex) < 0 ? NULL : text;
}

static const char *reference_of(const struct oci_descriptor *descriptor)
{
	for (size_t i = 0; i < descriptor->annotations.count; i++) {
		const struct json_pair *pair =
			&JSON_ITEMS(struct json_pair, &descriptor->annotations)[i];

		if (strcmp(pair->key, "org.opencontainers.image.ref.name") == 0 ||
		    strcmp(pair->key, "io.containerd.image.name") == 0)
			return pair->value;
	}
	return NULL;
}

static bool is_for_us(const struct oci_descriptor *descriptor)
{
	const struct oci_platform *platform = descriptor->platform;

	return !platform || !platform->architecture ||
	       (strcmp(platform->architecture, import_architecture()) == 0 &&
		(!platform->os || strcmp(platform->os, "linux") == 0));
}

/* By name when one was asked for, else by machine; two that fit equally well are a question for the
 * user. */
static const struct oci_descriptor *choose(struct importer *im, const struct oci_index *index)
{
	const char *want = im->options->reference;
	const struct oci_descriptor *chosen = NULL;
	size_t fitting = 0;

	for (size_t i = 0; i < index->manifests.count; i++) {
		const struct oci_descriptor *row =
			&JSON_ITEMS(struct oci_descriptor, &index->manifests)[i];
		const char *name = reference_of(row);

		if (want ? !name || strcmp(name, want) != 0 : !is_for_us(row))
			continue;
		if (!chosen || strcmp(chosen->digest, row->digest) != 0)
			fitting++;
		chosen = row;
	}
	if (fitting == 1)
		return chosen;
	if (!fitting)
		err_set(im->err, ERR_INPUT, "read index.json: no image %s%s in it",
			want ? "named " : "for this machine", want ? want : "");
	else
		err_set(im->err, ERR_INPUT, "read index.json: %zu images in it", fitting);
	err_hint(im->err, "choose one by its org.opencontainers.image.ref.name");
	return NULL;
}

static bool is_index(const char *media_type)
{
	return media_type &&
	       (strcmp(media_type, OCI_MEDIA_INDEX) == 0 || strstr(media_type, "manifest.list"));
}

static int plan_manifest(struct importer *im, const char *text, size_t size)
{
	struct oci_manifest manifest;
	struct plan *plan = &im->plan;

	if (oci_decode("manifest", text, size, &oci_manifest_object, &manifest, im->arena,
		       im->err) < 0)
		return -1;
	plan->config_digest = manifest.config.digest;
	plan->config_text = read_blob(im, manifest.config.digest, &plan->config_size);
	if (!plan->config_text)
		return -1;
	plan->count = manifest.layers.count;
	plan->layer_names = arena_alloc(im->arena, (plan->count + 1) * sizeof(char *));
	plan->layer_digests = arena_alloc(im->arena, (plan->count + 1) * sizeof(char *));
	if (!plan->layer_names || !plan->layer_digests)
		return err_sys(im->err, "import");
	for (size_t i = 0; i < plan->count; i++) {
		const struct oci_descriptor *layer =
			&JSON_ITEMS(struct oci_descriptor, &manifest.layers)[i];

		plan->layer_digests[i] = layer->digest;
		plan->layer_names[i] = blob_name(im, layer->digest);
		if (!plan->layer_names[i])
			return -1;
	}
	return 0;
}

static int plan_oci(struct importer *im)
{
	struct oci_index index;
	size_t size;
	const char *text = source_read(&im->source, "index.json", im->arena, &size, im->err);

	for (int depth = 0; text && depth < DEPTH_MAX; depth++) {
		if (oci_decode("index.json", text, size, &oci_index_object, &index, im->arena,
			       im->err) < 0)
			return -1;
		const struct oci_descriptor *chosen = choose(im, &index);

		if (!chosen)
			return -1;
		text = read_blob(im, chosen->digest, &size);
		if (text && !is_index(chosen->media_type))
			return plan_manifest(im, text, size);
	}
	return text ? err_set(im->err, ERR_INPUT, "read index.json: indexes in indexes") : -1;
}

/* Its one image, or the one tagged with the name that was asked for. */
static const struct docker_manifest *choose_docker(struct importer *im,
						   const struct docker_manifests *all)
{
	const struct docker_manifest *rows = all->images.items;

	if (!im->options->reference && all->images.count == 1)
		return rows;
	for (size_t i = 0; i < all->images.count && im->options->reference; i++) {
		for (size_t j = 0; j < rows[i].repo_tags.count; j++) {
			if (strcmp(JSON_ITEMS(const char *, &rows[i].repo_tags)[j],
				   im->options->reference) == 0)
				return &rows[i];
		}
	}
	err_set(im->err, ERR_INPUT, "read manifest.json: %zu images in it", all->images.count);
	err_hint(im->err, "choose one by its tag");
	return NULL;
}

static int plan_docker(struct importer *im)
{
	struct docker_manifests all;
	struct plan *plan = &im->plan;
	size_t size;
	const char *text = source_read(&im->source, "manifest.json", im->arena, &size, im->err);
	const char *wrapped = text ? arena_printf(im->arena, "{\"images\":%s}", text) : NULL;

	if (!wrapped)
		return text ? err_sys(im->err, "import") : -1;
	if (oci_decode("manifest.json", wrapped, strlen(wrapped), &docker_manifests_object, &all,
		       im->arena, im->err) < 0)
		return -1;
	const struct docker_manifest *chosen = choose_docker(im, &all);

	if (!chosen)
		return -1;
	plan->config_text =
		source_read(&im->source, chosen->config, im->arena, &plan->config_size, im->err);
	plan->layer_names = chosen->layers.items;
	plan->count = chosen->layers.count;
	return plan->config_text ? 0 : -1;
}

/* A bare root file system: one layer, and a config that says no more than the machine. */
static int plan_rootfs(struct importer *im)
{
	struct plan *plan = &im->plan;
	char created[32];

	store_timestamp(created);
	plan->config = (struct oci_config){
		.created = arena_strdup(im->arena, created),
		.architecture = import_architecture(),
		.os = "linux",
		.rootfs = { .type = "layers" },
	};
	plan->count = 1;
	return plan->config.created ? 0 : err_sys(im->err, "import");
}

static int make_plan(struct importer *im)
{
	struct plan *plan = &im->plan;

	if (im->source.kind == SOURCE_ROOTFS)
		return plan_rootfs(im);
	if ((im->source.kind == SOURCE_OCI ? plan_oci(im) : plan_docker(im)) < 0)
		return -1;
	if (oci_decode("image config", plan->config_text, plan->config_size, &oci_config_object,
		       &plan->config, im->arena, im->err) < 0)
		return -1;
	if (plan->config.rootfs.diff_ids.count != plan->count)
		return err_set(im->err, ERR_INPUT, "image config: %zu diff_ids for %zu layers",
			       plan->config.rootfs.diff_ids.count, plan->count);
	if (!plan->count || plan->count > LAYERS_MAX)
		return err_set(im->err, ERR_INPUT, "image: %zu layers; 1 to %d are possible",
			       plan->count, LAYERS_MAX);
	return 0;
}

struct progress {
	const struct storage_import *options;
	const char *layer;
	uint64_t total;
};

static void show_progress(uint64_t done, void *data)
{
	const struct progress *progress = data;

	progress->options->progress(progress->layer, done, progress->total,
				    progress->options->data);
}

static int unpack_stream(struct importer *im, const struct archive_input *input,
			 struct layer_build *build, struct archive_digests *digests)
{
	struct unpack unpack = {
		.root = build->tree,
		.has_lowers = im->stack.count > 0,
		.limits = &im->limits,
	};
	const struct archive_ops *archive = im->source.archive;
	struct archive_reader *reader = archive->open(input, im->err);

	if (!reader)
		return -1;
	int result = unpack_layer(&unpack, archive, reader, im->err);

	if (result == 0)
		result = archive->finish(reader, digests, im->err);
	archive->close(reader);
	build->bytes = unpack.bytes;
	return result;
}

/* The layer's own name for messages and progress. */
static const char *layer_label(const struct importer *im, size_t number)
{
	const char *digest = im->plan.layer_digests ? im->plan.layer_digests[number] : NULL;

	return digest ? digest : im->plan.layer_names ? im->plan.layer_names[number] : "rootfs";
}

static int unpack_from(struct importer *im, size_t number, const struct source_file *file,
		       struct layer_build *build)
{
	struct progress progress = { im->options, layer_label(im, number), file->length };
	const struct archive_input input = {
		.fd = file->fd,
		.offset = file->offset,
		.length = file->length,
		/* a tar is larger than what it holds by headers and padding */
		.max_size = im->limits.bytes + im->limits.bytes / 4 + (64 << 20),
		.progress = im->options->progress ? show_progress : NULL,
		.data = &progress,
	};
	const struct json_list *diff_ids = &im->plan.config.rootfs.diff_ids;
	struct archive_digests digests;

	if (unpack_stream(im, &input, build, &digests) < 0)
		return err_wrap(im->err, "layer %zu of %zu", number + 1, im->plan.count);
	if (im->plan.layer_digests &&
	    check_digest(im, progress.layer, im->plan.layer_digests[number], digests.stored) < 0)
		return -1;
	if (diff_ids->count &&
	    check_digest(im, progress.layer, JSON_ITEMS(const char *, diff_ids)[number],
			 digests.plain) < 0)
		return -1;
	build->diff_id = arena_printf(im->arena, "sha256:%s", digests.plain);
	return build->diff_id ? 0 : err_sys(im->err, "import");
}

static int open_layer(struct importer *im, size_t number, struct source_file *file)
{
	struct stat st;

	if (im->plan.layer_names)
		return source_find(&im->source, im->plan.layer_names[number], file, im->err);
	if (fstat(im->source.fd, &st) < 0)
		return err_sys(im->err, "look at the input");
	*file = (struct source_file){ im->source.fd, false, 0, (uint64_t)st.st_size };
	return 0;
}

static int import_layer(struct importer *im, size_t number)
{
	const struct json_list *diff_ids = &im->plan.config.rootfs.diff_ids;
	struct source_file file;
	struct layer_build build;

	/* a layer that is here already, under the same ones, is not read again */
	if (diff_ids->count) {
		int reused = layer_reuse(im->store, &im->stack,
					 JSON_ITEMS(const char *, diff_ids)[number], im->err);

		if (reused)
			return reused < 0 ? -1 : 0;
	}
	if (open_layer(im, number, &file) < 0)
		return -1;
	int result = layer_begin(im->store, &im->stack, &build, im->err);

	if (result == 0) {
		result = unpack_from(im, number, &file, &build);
		result = layer_end(im->store, &im->stack, &build, result, im->err);
	}
	source_file_close(&file);
	return result < 0 ? -1 : FAULT_POINT("import.unpacked", im->err);
}

static int import_layers(struct importer *im, struct storage_image *image, const char *name)
{
	for (size_t i = 0; i < im->plan.count; i++) {
		if (import_layer(im, i) < 0)
			return -1;
	}
	struct layer_image result = {
		.name = name,
		.config = &im->plan.config,
		.config_text = im->plan.config_text,
		.config_size = im->plan.config_size,
	};

	return layer_commit(im->store, &im->stack, &result, im->arena, image, im->err);
}

int storage_import(struct storage *store, const struct storage_import *options, struct arena *arena,
		   struct storage_image *image, struct err *err)
{
	struct reference reference;
	struct importer im = {
		.options = options,
		.store = store,
		.arena = arena,
		.err = err,
		.limits = { options->max_bytes ? options->max_bytes : default_bytes,
			    options->max_entries ? options->max_entries : default_entries },
	};

	if (reference_parse(options->name, &reference, err) < 0)
		return -1;
	if (!*reference.name)
		return err_set(err, ERR_INPUT, "image name %s: a digest is not a name",
			       options->name);
	if (source_open(&im.source, store, options->fd, err) < 0 || make_plan(&im) < 0 ||
	    layer_stack_begin(store, &im.stack, arena, err) < 0) {
		source_close(&im.source);
		return -1;
	}
	int result = import_layers(&im, image, reference.name);

	layer_stack_end(store, &im.stack);
	source_close(&im.source);
	return result;
}
