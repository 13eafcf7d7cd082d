/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The documents of the OCI image specification, and blobs named by digest. */
#pragma once

#include "storage/store.h"

struct oci_platform {
	const char *architecture, *os, *variant;
};

struct oci_descriptor {
	const char *media_type, *digest;
	struct opt_u64 size;
	struct oci_platform *platform;
	struct json_list annotations; /* struct json_pair */
};

struct oci_index {
	struct opt_i64 schema_version;
	const char *media_type;
	struct json_list manifests; /* struct oci_descriptor */
};

struct oci_manifest {
	struct opt_i64 schema_version;
	const char *media_type;
	struct oci_descriptor config;
	struct json_list layers; /* struct oci_descriptor */
	struct json_list annotations;
};

struct oci_rootfs {
	const char *type;
	struct json_list diff_ids; /* const char * */
};

struct oci_config {
	const char *created, *author, *architecture, *os, *variant;
	struct storage_image_config config;
	struct oci_rootfs rootfs;
	struct json_list history; /* struct storage_history */
};

/* docker-archive: manifest.json is a list of these. */
struct docker_manifest {
	const char *config;
	struct json_list repo_tags, layers; /* const char * */
};

struct docker_manifests {
	struct json_list images; /* struct docker_manifest */
};

extern const struct json_object oci_index_object, oci_manifest_object, oci_config_object,
	docker_manifests_object;

#define OCI_MEDIA_INDEX    "application/vnd.oci.image.index.v1+json"
#define OCI_MEDIA_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_MEDIA_CONFIG   "application/vnd.oci.image.config.v1+json"
#define OCI_MEDIA_LAYER    "application/vnd.oci.image.layer.v1.tar"

enum {
	OCI_DOCUMENT_MAX = 4 << 20, /* the distribution specification's own limit on manifests */
};

/* Store bytes under their digest; `digest` gets "sha256:HEX". */
int blob_write(struct storage *store, const void *data, size_t size, char digest[72],
	       struct err *err);
/* Read a blob of at most OCI_DOCUMENT_MAX bytes; the text ends with a NUL and lives in the arena.
 */
const char *blob_read(struct storage *store, const char *digest, struct arena *arena, size_t *size,
		      struct err *err);

int oci_decode(const char *source, const char *text, size_t size, const struct json_object *object,
	       void *target, struct arena *arena, struct err *err);

/* The config of a stored image. */
int oci_read_config(struct storage *store, const struct image_record *image, struct arena *arena,
		    struct oci_config *config, struct err *err);

/* ChainID of `diff_id` on top of `parent` (NULL: it is the lowest): both "sha256:HEX"; `chain` gets
 * HEX. */
int oci_chain_id(const char *parent, const char *diff_id, char chain[65], struct err *err);
