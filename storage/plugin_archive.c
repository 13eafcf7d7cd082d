/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plug-in "archive": tar streams by libarchive, digests by libcrypto. */
/* link: -larchive -lcrypto */
/* with: storage/acl.c storage/archive/digest.c */
#include "storage/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fd.h"
#include "storage/acl.h"
#include "storage/archive/digest.h"
#include "storage/tree.h"

enum {
	CHUNK = 256 * 1024,
};

/*
 * Two readers in a row: `raw` takes the compression off, `tar` reads what comes out. Between them
 * pass the bytes whose digest is the DiffID; libarchive alone never shows them.
 */
struct archive_reader {
	struct archive_input input;
	uint64_t at; /* stored bytes read so far */
	uint64_t plain_size;
	struct archive *raw, *tar;
	struct digest *stored, *plain;
	bool same;  /* nothing is compressed: one digest for both */
	bool ended; /* the tar's end was seen */
	locale_t locale;
	struct arena arena; /* of the entry in hand */
	char buffer[CHUNK];
};

struct archive_writer {
	struct archive *tar;
	struct archive_entry *entry;
	struct archive *filter; /* compresses what tar writes; NULL: plain */
	struct digest *stored, *plain;
	uint64_t stored_size, plain_size;
	locale_t locale;
	int fd;
	bool failed;
};

/* Names in a tar are UTF-8; libarchive converts them to the thread's locale and fails on "ä" in
 * "C". */
static locale_t enter_locale(locale_t *locale)
{
	if (!*locale)
		*locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	return *locale ? uselocale(*locale) : (locale_t)0;
}

static void leave_locale(locale_t before)
{
	if (before)
		uselocale(before);
}

static ssize_t read_stored(struct archive *archive, void *data, const void **bytes)
{
	struct archive_reader *reader = data;
	size_t want = sizeof(reader->buffer);
	ssize_t got;

	if (reader->input.length && reader->input.length - reader->at < want)
		want = reader->input.length - reader->at;
	do {
		got = reader->input.length || reader->input.is_index
			      ? pread(reader->input.fd, reader->buffer, want,
				      (off_t)(reader->input.offset + reader->at))
			      : read(reader->input.fd, reader->buffer, want);
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		archive_set_error(archive, errno, "%s", strerror(errno));
		return -1;
	}
	*bytes = reader->buffer;
	reader->at += (uint64_t)got;
	if (!reader->input.is_index && !reader->same)
		digest_add(reader->stored, reader->buffer, (size_t)got);
	if (reader->input.progress)
		reader->input.progress(reader->at, reader->input.data);
	return got;
}

/* Only for an index of an uncompressed archive: nothing is hashed, so nothing need be read. */
static la_int64_t skip_stored(struct archive *archive, void *data, la_int64_t count)
{
	struct archive_reader *reader = data;

	(void)archive;
	reader->at += (uint64_t)count;
	return count;
}

static ssize_t read_plain(struct archive *archive, void *data, const void **bytes)
{
	struct archive_reader *reader = data;
	size_t got = 0;
	la_int64_t offset;
	int result = archive_read_data_block(reader->raw, bytes, &got, &offset);

	if (result == ARCHIVE_EOF)
		return 0;
	if (result < ARCHIVE_WARN) {
		archive_set_error(archive, archive_errno(reader->raw), "%s",
				  archive_error_string(reader->raw));
		return -1;
	}
	reader->plain_size += got;
	if (reader->plain_size > reader->input.max_size) {
		archive_set_error(archive, EFBIG, "more than %llu bytes unpacked",
				  (unsigned long long)reader->input.max_size);
		return -1;
	}
	digest_add(reader->plain, *bytes, got);
	return (ssize_t)got;
}

static int fail(struct archive *archive, const char *what, struct err *err)
{
	const char *reason = archive ? archive_error_string(archive) : NULL;
	int code = archive ? archive_errno(archive) : ENOMEM;

	return err_set(err, code > 0 && code != ENOMEM ? EBADMSG : ENOMEM, "%s: %s", what,
		       reason ? reason : "out of memory");
}

static void close_reader(struct archive_reader *reader)
{
	archive_read_free(reader->tar);
	archive_read_free(reader->raw);
	digest_free(reader->stored);
	digest_free(reader->plain);
	if (reader->locale)
		freelocale(reader->locale);
	arena_free(&reader->arena);
	free(reader);
}

/* Only what is decompressed in this process: libarchive would start programs for some of the
 * others. */
static int open_raw(struct archive_reader *reader, struct err *err)
{
	struct archive_entry *entry;

	archive_read_support_filter_gzip(reader->raw);
	archive_read_support_filter_zstd(reader->raw);
	archive_read_support_filter_xz(reader->raw);
	archive_read_support_filter_bzip2(reader->raw);
	archive_read_support_format_raw(reader->raw);
	archive_read_support_format_empty(reader->raw);
	archive_read_set_callback_data(reader->raw, reader);
	archive_read_set_read_callback(reader->raw, read_stored);
	if (archive_read_open1(reader->raw) != ARCHIVE_OK)
		return fail(reader->raw, "read archive", err);
	int result = archive_read_next_header(reader->raw, &entry);

	if (result == ARCHIVE_EOF)
		return err_set(err, EBADMSG, "read archive: it is empty");
	if (result < ARCHIVE_WARN)
		return fail(reader->raw, "read archive", err);
	if (archive_filter_code(reader->raw, 0) == ARCHIVE_FILTER_NONE)
		reader->same = true;
	return 0;
}

static int open_tar(struct archive_reader *reader, struct err *err)
{
	archive_read_support_format_tar(reader->tar);
	archive_read_set_callback_data(reader->tar, reader);
	if (reader->input.is_index && reader->same) {
		reader->at = 0;
		archive_read_set_read_callback(reader->tar, read_stored);
		archive_read_set_skip_callback(reader->tar, skip_stored);
	} else {
		archive_read_set_read_callback(reader->tar, read_plain);
	}
	if (archive_read_open1(reader->tar) != ARCHIVE_OK)
		return fail(reader->tar, "read tar", err);
	return 0;
}

static struct archive_reader *open_reader(const struct archive_input *input, struct err *err)
{
	struct archive_reader *reader = calloc(1, sizeof(*reader));

	if (!reader) {
		err_sys(err, "read archive");
		return NULL;
	}
	reader->input = *input;
	reader->raw = archive_read_new();
	reader->tar = archive_read_new();
	reader->stored = digest_start();
	reader->plain = digest_start();
	locale_t before = enter_locale(&reader->locale);
	int result = -1;

	if (!reader->raw || !reader->tar || !reader->stored || !reader->plain)
		err_set(err, ENOMEM, "read archive: out of memory");
	else if (open_raw(reader, err) == 0)
		result = open_tar(reader, err);
	leave_locale(before);
	if (result == 0)
		return reader;
	close_reader(reader);
	return NULL;
}

/* clang-format off */
static const struct { int archive; enum acl_tag tag; } acl_rows[] = {
	{ ARCHIVE_ENTRY_ACL_USER_OBJ,  ACL_TAG_USER_OBJ },
	{ ARCHIVE_ENTRY_ACL_USER,      ACL_TAG_USER },
	{ ARCHIVE_ENTRY_ACL_GROUP_OBJ, ACL_TAG_GROUP_OBJ },
	{ ARCHIVE_ENTRY_ACL_GROUP,     ACL_TAG_GROUP },
	{ ARCHIVE_ENTRY_ACL_MASK,      ACL_TAG_MASK },
	{ ARCHIVE_ENTRY_ACL_OTHER,     ACL_TAG_OTHER },
};

/* clang-format on */

enum {
	ACL_ROWS = sizeof(acl_rows) / sizeof(acl_rows[0]),
};

/* An ACL of one kind as one more xattr; nothing when the entry has only the mode's three. */
static int append_acl(struct archive_entry *entry, int type, const char *name, struct arena *arena,
		      struct archive_item *item, struct xattr *list)
{
	int kind, permissions, tag, id, count = archive_entry_acl_reset(entry, type);
	const char *who;
	size_t used = 0;

	if (count <= 3 && type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS)
		return 0;
	if (count <= 0)
		return 0;
	struct acl_entry *entries = arena_alloc(arena, (size_t)count * sizeof(*entries));
	void *bytes = arena_alloc(arena, acl_size((size_t)count));

	if (!entries || !bytes)
		return -1;
	while (used < (size_t)count && archive_entry_acl_next(entry, type, &kind, &permissions,
							      &tag, &id, &who) == ARCHIVE_OK) {
		for (size_t row = 0; row < ACL_ROWS; row++) {
			if (acl_rows[row].archive == tag)
				entries[used++] = (struct acl_entry){ (uint16_t)acl_rows[row].tag,
								      (uint16_t)(permissions & 7),
								      (uint32_t)id };
		}
	}
	acl_encode(entries, used, bytes);
	list[item->xattr_count++] = (struct xattr){ name, bytes, acl_size(used) };
	return 0;
}

/* True when the xattr was an ACL and went in as one: other programs look for it there. */
static bool put_acl(struct archive_entry *entry, const struct xattr *xattr)
{
	bool is_default = strcmp(xattr->name, ACL_XATTR_DEFAULT) == 0;

	if (!is_default && strcmp(xattr->name, ACL_XATTR_ACCESS) != 0)
		return false;
	for (size_t i = 0; i < acl_count(xattr->value, xattr->size); i++) {
		struct acl_entry acl = acl_get(xattr->value, i);
		bool named = acl.tag == ACL_TAG_USER || acl.tag == ACL_TAG_GROUP;

		for (size_t row = 0; row < ACL_ROWS; row++) {
			if (acl_rows[row].tag == acl.tag)
				archive_entry_acl_add_entry(
					entry,
					is_default ? ARCHIVE_ENTRY_ACL_TYPE_DEFAULT
						   : ARCHIVE_ENTRY_ACL_TYPE_ACCESS,
					acl.permissions & 7, acl_rows[row].archive,
					named ? (int)acl.id : -1, NULL);
		}
	}
	return true;
}

static int collect_xattrs(struct archive_reader *reader, struct archive_entry *entry,
			  struct archive_item *item)
{
	int count = archive_entry_xattr_reset(entry), at = 0;
	struct xattr *list = arena_alloc(&reader->arena, ((size_t)count + 2) * sizeof(*list));

	if (!list)
		return -1;
	while (at < count && archive_entry_xattr_next(entry, &list[at].name, &list[at].value,
						      &list[at].size) == ARCHIVE_OK)
		at++;
	item->xattrs = list;
	item->xattr_count = (size_t)at;
	if (append_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, ACL_XATTR_ACCESS, &reader->arena, item,
		       list) < 0)
		return -1;
	return append_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, ACL_XATTR_DEFAULT, &reader->arena,
			  item, list);
}

static int next_item(struct archive_reader *reader, struct archive_item *item, struct err *err)
{
	struct archive_entry *entry;

	if (reader->ended)
		return 0;
	locale_t before = enter_locale(&reader->locale);
	int result = archive_read_next_header(reader->tar, &entry);

	arena_free(&reader->arena);
	leave_locale(before);
	reader->ended = result == ARCHIVE_EOF;
	if (reader->ended)
		return 0;
	if (result < ARCHIVE_WARN)
		return fail(reader->tar, "read tar", err);
	const char *path = archive_entry_pathname(entry);

	if (!path)
		return err_set(err, EBADMSG, "read tar: an entry without a readable name");
	*item = (struct archive_item){
		.path = path,
		.mode = archive_entry_mode(entry),
		.uid = (uint32_t)archive_entry_uid(entry),
		.gid = (uint32_t)archive_entry_gid(entry),
		.size = (uint64_t)archive_entry_size(entry),
		.mtime = { archive_entry_mtime(entry), archive_entry_mtime_nsec(entry) },
		.device = makedev((unsigned int)archive_entry_rdevmajor(entry),
				  (unsigned int)archive_entry_rdevminor(entry)),
		.hard_link = archive_entry_hardlink(entry),
		.symlink = archive_entry_symlink(entry),
	};
	if (archive_entry_uid(entry) < 0 || archive_entry_uid(entry) >= UINT32_MAX ||
	    archive_entry_gid(entry) < 0 || archive_entry_gid(entry) >= UINT32_MAX)
		return err_set(err, EBADMSG, "read tar: %s: owner out of range", path);
	if (collect_xattrs(reader, entry, item) < 0)
		return err_set(err, ENOMEM, "read tar: %s: out of memory", path);
	return 1;
}

static int read_block(struct archive_reader *reader, const void **data, size_t *size,
		      uint64_t *offset, struct err *err)
{
	la_int64_t at;
	int result = archive_read_data_block(reader->tar, data, size, &at);

	if (result == ARCHIVE_EOF)
		return 0;
	if (result < ARCHIVE_WARN)
		return fail(reader->tar, "read tar", err);
	*offset = (uint64_t)at;
	return 1;
}

static uint64_t data_offset(struct archive_reader *reader)
{
	return reader->same ? (uint64_t)archive_filter_bytes(reader->tar, 0) : UINT64_MAX;
}

/* The tar's end mark may be followed by padding, which belongs to the digest all the same. */
static int finish_reader(struct archive_reader *reader, struct archive_digests *digests,
			 struct err *err)
{
	struct archive_item item;
	const void *bytes;
	ssize_t got;
	int more;

	while ((more = next_item(reader, &item, err)) > 0)
		;
	if (more < 0)
		return -1;
	while ((got = read_plain(reader->tar, reader, &bytes)) > 0)
		;
	if (got < 0)
		return fail(reader->tar, "read archive", err);
	while ((got = read_stored(reader->raw, reader, &bytes)) > 0)
		;
	if (got < 0)
		return fail(reader->raw, "read archive", err);
	digest_end(reader->plain, digests->plain);
	digest_end(reader->stored, digests->stored);
	if (reader->same)
		memcpy(digests->stored, digests->plain, sizeof(digests->stored));
	digests->plain_size = reader->plain_size;
	digests->stored_size = reader->at;
	return 0;
}

static ssize_t write_stored(struct archive *archive, void *data, const void *bytes, size_t size)
{
	struct archive_writer *writer = data;

	if (fd_write_all(writer->fd, bytes, size) < 0) {
		archive_set_error(archive, errno, "%s", strerror(errno));
		return -1;
	}
	digest_add(writer->stored, bytes, size);
	writer->stored_size += size;
	return (ssize_t)size;
}

static ssize_t write_plain(struct archive *archive, void *data, const void *bytes, size_t size)
{
	struct archive_writer *writer = data;

	digest_add(writer->plain, bytes, size);
	writer->plain_size += size;
	if (!writer->filter)
		return write_stored(archive, data, bytes, size);
	if (archive_write_data(writer->filter, bytes, size) == (la_ssize_t)size)
		return (ssize_t)size;
	archive_set_error(archive, archive_errno(writer->filter), "%s",
			  archive_error_string(writer->filter));
	return -1;
}

static int open_filter(struct archive_writer *writer, enum storage_compression compression)
{
	struct archive_entry *entry = writer->entry;

	writer->filter = archive_write_new();
	if (!writer->filter || archive_write_set_format_raw(writer->filter) != ARCHIVE_OK)
		return -1;
	int result = compression == STORAGE_GZIP ? archive_write_add_filter_gzip(writer->filter)
						 : archive_write_add_filter_zstd(writer->filter);

	/* a time in the header would make every export different */
	archive_write_set_filter_option(writer->filter, "gzip", "timestamp", NULL);
	if (result != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(writer->filter, 0) != ARCHIVE_OK)
		return -1;
	archive_entry_clear(entry);
	archive_entry_set_pathname(entry, "tar");
	archive_entry_set_filetype(entry, AE_IFREG);
	if (archive_write_open(writer->filter, writer, NULL, write_stored, NULL) != ARCHIVE_OK)
		return -1;
	return archive_write_header(writer->filter, entry) == ARCHIVE_OK ? 0 : -1;
}

static int end_writer(struct archive_writer *writer, struct archive_digests *digests,
		      struct err *err)
{
	int result = 0;

	if (digests && !writer->failed && archive_write_close(writer->tar) != ARCHIVE_OK)
		result = fail(writer->tar, "write tar", err);
	if (digests && result == 0 && writer->filter &&
	    archive_write_close(writer->filter) != ARCHIVE_OK)
		result = fail(writer->filter, "compress", err);
	if (digests && result == 0) {
		digest_end(writer->plain, digests->plain);
		digest_end(writer->stored, digests->stored);
		digests->plain_size = writer->plain_size;
		digests->stored_size = writer->stored_size;
	}
	/* closing a broken archive would write more */
	if (!digests || result < 0) {
		archive_write_fail(writer->tar);
		if (writer->filter)
			archive_write_fail(writer->filter);
	}
	archive_write_free(writer->tar);
	archive_write_free(writer->filter);
	archive_entry_free(writer->entry);
	digest_free(writer->stored);
	digest_free(writer->plain);
	if (writer->locale)
		freelocale(writer->locale);
	free(writer);
	return result;
}

static struct archive_writer *create_writer(const struct archive_output *output, struct err *err)
{
	struct archive_writer *writer = calloc(1, sizeof(*writer));

	if (!writer) {
		err_sys(err, "write tar");
		return NULL;
	}
	writer->fd = output->fd;
	writer->tar = archive_write_new();
	writer->entry = archive_entry_new();
	writer->stored = digest_start();
	writer->plain = digest_start();
	if (writer->tar && writer->entry && writer->stored && writer->plain &&
	    (output->compression == STORAGE_PLAIN ||
	     open_filter(writer, output->compression) == 0) &&
	    archive_write_set_format_pax(writer->tar) == ARCHIVE_OK &&
	    archive_write_set_bytes_per_block(writer->tar, 10240) == ARCHIVE_OK &&
	    archive_write_set_bytes_in_last_block(writer->tar, 1) == ARCHIVE_OK &&
	    archive_write_open(writer->tar, writer, NULL, write_plain, NULL) == ARCHIVE_OK)
		return writer;
	fail(writer->filter ? writer->filter : writer->tar, "write tar", err);
	end_writer(writer, NULL, NULL);
	return NULL;
}

static void fill_entry(struct archive_entry *entry, const struct archive_item *item)
{
	archive_entry_clear(entry);
	archive_entry_set_pathname(entry, item->path);
	archive_entry_set_mode(entry, item->mode);
	archive_entry_set_uid(entry, item->uid);
	archive_entry_set_gid(entry, item->gid);
	archive_entry_set_size(entry, item->hard_link ? 0 : (la_int64_t)item->size);
	archive_entry_set_mtime(entry, item->mtime.tv_sec, item->mtime.tv_nsec);
	if (S_ISCHR(item->mode) || S_ISBLK(item->mode)) {
		archive_entry_set_rdevmajor(entry, major(item->device));
		archive_entry_set_rdevminor(entry, minor(item->device));
	}
	if (item->hard_link)
		archive_entry_set_hardlink(entry, item->hard_link);
	else if (item->symlink)
		archive_entry_set_symlink(entry, item->symlink);
	for (size_t i = 0; i < item->xattr_count && !item->hard_link; i++) {
		if (!put_acl(entry, &item->xattrs[i]))
			archive_entry_xattr_add_entry(entry, item->xattrs[i].name,
						      item->xattrs[i].value, item->xattrs[i].size);
	}
}

static int put_item(struct archive_writer *writer, const struct archive_item *item, struct err *err)
{
	locale_t before = enter_locale(&writer->locale);

	fill_entry(writer->entry, item);
	int result = archive_write_header(writer->tar, writer->entry);

	leave_locale(before);
	if (result >= ARCHIVE_WARN)
		return 0;
	writer->failed = true;
	return fail(writer->tar, "write tar", err);
}

static int write_data(struct archive_writer *writer, const void *data, size_t size, struct err *err)
{
	if (archive_write_data(writer->tar, data, size) == (la_ssize_t)size)
		return 0;
	writer->failed = true;
	return fail(writer->tar, "write tar", err);
}

extern const struct archive_ops masu_plugin_archive;

__attribute__((visibility("default"))) const struct archive_ops masu_plugin_archive = {
	.open = open_reader,
	.next = next_item,
	.read = read_block,
	.data_offset = data_offset,
	.finish = finish_reader,
	.close = close_reader,
	.create = create_writer,
	.put = put_item,
	.write = write_data,
	.end = end_writer,
	.hash = digest_once,
};
