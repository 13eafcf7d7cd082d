/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tar streams, compression and digests: the contract of the plug-in "archive" (libarchive,
 * libcrypto). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "storage/storage.h"

struct err;
struct xattr;
struct archive_reader;
struct archive_writer;

/* One entry. Its texts are valid until the next call on the same stream. */
struct archive_item {
	const char *path;
	mode_t mode; /* with the type */
	uint32_t uid, gid;
	uint64_t size;
	struct timespec mtime;
	dev_t device;
	const char *hard_link; /* path of the entry that this is another name of, or NULL */
	const char *symlink;
	const struct xattr *xattrs; /* ACLs are among them, in the kernel's form */
	size_t xattr_count;
};

/* Lower-case hex of SHA-256, and sizes: of the tar itself, and of the bytes as stored. */
struct archive_digests {
	char plain[65], stored[65];
	uint64_t plain_size, stored_size;
};

struct archive_input {
	int fd;            /* stays the caller's */
	uint64_t offset;   /* of the stream in a file that can seek */
	uint64_t length;   /* 0: until the end, read in order (a pipe will do) */
	uint64_t max_size; /* plain bytes before the stream is refused */
	bool is_index;     /* digests are not wanted: data may be skipped by seeking */
	void (*progress)(uint64_t stored_bytes, void *data); /* may be NULL */
	void *data;
};

struct archive_output {
	int fd;
	enum storage_compression compression;
};

struct archive_ops {
	struct archive_reader *(*open)(const struct archive_input *input, struct err *err);
	/* 1: an entry, 0: the end, -1. */
	int (*next)(struct archive_reader *reader, struct archive_item *item, struct err *err);
	/* The entry's data piece by piece with its place in the file: 1, 0 at the end, -1. */
	int (*read)(struct archive_reader *reader, const void **data, size_t *size,
		    uint64_t *offset, struct err *err);
	/* Where the data of the entry begins in an uncompressed stream; UINT64_MAX in a compressed
	 * one. */
	uint64_t (*data_offset)(struct archive_reader *reader);
	/* Read what is left, so that the digests cover every byte. */
	int (*finish)(struct archive_reader *reader, struct archive_digests *digests,
		      struct err *err);
	void (*close)(struct archive_reader *reader);

	/* A pax tar, the same bytes for the same entries. */
	struct archive_writer *(*create)(const struct archive_output *output, struct err *err);
	int (*put)(struct archive_writer *writer, const struct archive_item *item, struct err *err);
	int (*write)(struct archive_writer *writer, const void *data, size_t size, struct err *err);
	/* Closes too, also when it fails; `digests` may be NULL (only close). */
	int (*end)(struct archive_writer *writer, struct archive_digests *digests, struct err *err);

	void (*hash)(const void *data, size_t size, char hex[65]);
};

/* The plug-in, loaded on first use. */
const struct archive_ops *archive_load(struct err *err);
