/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where an image comes from: an OCI layout directory, or a tar that is a layout, a docker-archive
 * or a root file system. */
#pragma once

#include "storage/archive.h"
#include "storage/store.h"

enum source_kind {
	SOURCE_ROOTFS,
	SOURCE_OCI,
	SOURCE_DOCKER,
};

/* A file inside of the source: bytes of an open descriptor. */
struct source_file {
	int fd; /* owned when `owned` */
	bool owned;
	uint64_t offset, length;
};

struct source_member {
	const char *name, *link; /* link: name of the member that this one stands for */
	uint64_t offset, length;
};

struct source {
	enum source_kind kind;
	int dir; /* a layout directory, else -1 */
	int fd;  /* the tar: the caller's, or a spooled copy */
	bool owns_fd;
	const struct archive_ops *archive;
	struct source_member *members;
	size_t count, room;
	struct arena arena;
};

/* Tell what it is, and index it. A compressed archive of images is unpacked to a temporary file of
 * the store first. */
int source_open(struct source *source, struct storage *store, int fd, struct err *err);
void source_close(struct source *source);

/* A member by name ("index.json", "blobs/sha256/..."). */
int source_find(struct source *source, const char *name, struct source_file *file, struct err *err);
void source_file_close(struct source_file *file);

/* A whole small member as text with a NUL behind it, in the arena. */
const char *source_read(struct source *source, const char *name, struct arena *arena, size_t *size,
			struct err *err);
