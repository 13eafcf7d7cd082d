/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recognising and indexing what `image import` is given. */
#include "storage/source.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "storage/oci.h"

enum {
	MEMBERS_MAX = 100000,
	LINKS_MAX = 8,
};

static const char *clean_name(const char *name)
{
	while (name[0] == '/' || (name[0] == '.' && name[1] == '/'))
		name++;
	return name;
}

/*
 * The names that archives of images consist of. A root file system shows another name soon, mostly
 * at once, so it is not read to its end to be told apart.
 */
static bool is_archive_name(const char *name)
{
	static const char *const names[] = {
		"",      ".",     "oci-layout", "index.json", "manifest.json", "repositories",
		"blobs", "blobs/"
	};
	/* other writers than docker name the config by its digest */
	const char *digits = str_starts(name, "sha256:") ? name + strlen("sha256:") : name;
	size_t hex = strspn(digits, "0123456789abcdef");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return str_starts(name, "blobs/") ||
	       (hex == 64 && (!digits[64] || digits[64] == '/' || digits[64] == '.'));
}

static int add_member(struct source *source, const struct archive_item *item, uint64_t offset,
		      struct err *err)
{
	const char *link = item->hard_link ? item->hard_link : item->symlink;

	if (source->count == MEMBERS_MAX)
		return err_set(err, E2BIG, "read the archive: more than %d files in it",
			       MEMBERS_MAX);
	if (source->count == source->room) {
		size_t room = source->room ? 2 * source->room : 64;
		struct source_member *grown = arena_alloc(&source->arena, room * sizeof(*grown));

		if (!grown)
			return err_sys(err, "read the archive");
		if (source->count)
			memcpy(grown, source->members, source->count * sizeof(*grown));
		source->members = grown;
		source->room = room;
	}
	struct source_member *member = &source->members[source->count++];

	member->name = arena_strdup(&source->arena, clean_name(item->path));
	member->link = link ? arena_strdup(&source->arena, link) : NULL;
	member->offset = offset;
	member->length = item->size;
	return member->name && (!link || member->link) ? 0 : err_sys(err, "read the archive");
}

/* Index the tar while it looks like an archive of images. 1: it is one; 0: a root file system;
 * *packed: offsets mean nothing, it is compressed. */
static int scan(struct source *source, bool *packed, struct err *err)
{
	const struct archive_input input = { .fd = source->fd,
					     .max_size = UINT64_MAX,
					     .is_index = true };
	struct archive_reader *reader = source->archive->open(&input, err);
	struct archive_item item;
	bool index = false, manifest = false;
	int more;

	if (!reader)
		return -1;
	*packed = false;
	while ((more = source->archive->next(reader, &item, err)) > 0) {
		const char *name = clean_name(item.path);
		uint64_t offset = source->archive->data_offset(reader);

		if (!is_archive_name(name)) {
			index = manifest = false;
			break;
		}
		*packed = *packed || offset == UINT64_MAX;
		index = index || strcmp(name, "index.json") == 0;
		manifest = manifest || strcmp(name, "manifest.json") == 0;
		if (add_member(source, &item, offset, err) < 0) {
			more = -1;
			break;
		}
	}
	source->archive->close(reader);
	if (more < 0)
		return -1;
	/* newer docker writes both; the layout has the digests */
	source->kind = index ? SOURCE_OCI : manifest ? SOURCE_DOCKER : SOURCE_ROOTFS;
	return index || manifest;
}

/* An unnamed file in the store that goes when it is closed. */
static int open_spool(struct storage *store, struct err *err)
{
	int fd = openat(store->tmp, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd >= 0 ? fd : err_sys(err, "make a temporary file in %s", store->path);
}

/* One tar into another without compression: what is needed is places to read from. */
static int copy_members(const struct archive_ops *archive, struct archive_reader *reader,
			struct archive_writer *writer, struct err *err)
{
	struct archive_item item;
	const void *data;
	size_t size;
	uint64_t offset;
	int more;

	while ((more = archive->next(reader, &item, err)) > 0) {
		if (archive->put(writer, &item, err) < 0)
			return -1;
		while ((more = archive->read(reader, &data, &size, &offset, err)) > 0) {
			if (archive->write(writer, data, size, err) < 0)
				return -1;
		}
		if (more < 0)
			return -1;
	}
	return more;
}

static int decompress(struct source *source, struct storage *store, struct err *err)
{
	const struct archive_ops *archive = source->archive;
	const struct archive_input input = { .fd = source->fd,
					     .max_size = UINT64_MAX,
					     .is_index = true };
	struct archive_digests digests;
	auto_close int spool = open_spool(store, err);

	if (spool < 0)
		return -1;
	struct archive_reader *reader = archive->open(&input, err);

	if (!reader)
		return -1;
	struct archive_writer *writer =
		archive->create(&(struct archive_output){ .fd = spool }, err);
	int result = writer ? copy_members(archive, reader, writer, err) : -1;

	archive->close(reader);
	if (writer && archive->end(writer, result < 0 ? NULL : &digests, err) < 0)
		result = -1;
	if (result < 0)
		return -1;
	if (source->owns_fd)
		close(source->fd);
	source->fd = take_fd(&spool);
	source->owns_fd = true;
	source->count = 0;
	return 0;
}

/* A pipe is kept in a file, because what it is shows only after some of it was read. */
static int spool_pipe(struct source *source, struct storage *store, struct err *err)
{
	char buffer[65536];
	ssize_t got;
	auto_close int spool = open_spool(store, err);

	if (spool < 0)
		return -1;
	while ((got = fd_read_all(source->fd, buffer, sizeof(buffer))) > 0) {
		if (fd_write_all(spool, buffer, (size_t)got) < 0)
			return err_sys(err, "keep the input in %s", store->path);
	}
	if (got < 0)
		return err_sys(err, "read the input");
	source->fd = take_fd(&spool);
	source->owns_fd = true;
	return 0;
}

static int open_tar(struct source *source, struct storage *store, mode_t mode, struct err *err)
{
	bool packed;

	if (!S_ISREG(mode) && spool_pipe(source, store, err) < 0)
		return -1;
	int result = scan(source, &packed, err);

	if (result > 0 && packed) {
		if (decompress(source, store, err) < 0)
			return -1;
		result = scan(source, &packed, err);
	}
	return result < 0 ? -1 : 0;
}

int source_open(struct source *source, struct storage *store, int fd, struct err *err)
{
	struct stat st;

	*source = (struct source){ .dir = -1, .fd = fd };
	source->archive = archive_load(err);
	if (!source->archive)
		return -1;
	if (fstat(fd, &st) < 0)
		return err_sys(err, "look at the input");
	if (!S_ISDIR(st.st_mode))
		return open_tar(source, store, st.st_mode, err);
	if (faccessat(fd, "index.json", F_OK, 0) < 0)
		return err_set(err, ERR_INPUT,
			       "read the directory: it has no index.json, so it is no OCI layout");
	source->kind = SOURCE_OCI;
	source->dir = fd;
	return 0;
}

void source_close(struct source *source)
{
	if (source->owns_fd)
		close(source->fd);
	arena_free(&source->arena);
}

/* docker-archives of old say "../HEX/layer.tar" where a layer occurs twice. */
static const char *follow(struct source *source, const struct source_member *member,
			  char path[PATH_MAX])
{
	const char *link = member->link, *slash = strrchr(member->name, '/');

	(void)source;
	if (str_starts(link, "../"))
		return link + 3;
	if (strchr(link, '/') || !slash)
		return clean_name(link);
	return str_format(path, PATH_MAX, "%.*s/%s", (int)(slash - member->name), member->name,
			  link) < 0
		       ? link
		       : path;
}

static int find_member(struct source *source, const char *name, struct source_file *file,
		       struct err *err)
{
	char path[PATH_MAX];

	for (int links = 0; links < LINKS_MAX; links++) {
		const struct source_member *found = NULL;

		for (size_t i = 0; i < source->count; i++) {
			if (strcmp(source->members[i].name, clean_name(name)) == 0)
				found = &source->members[i];
		}
		if (!found)
			break;
		if (!found->link) {
			*file = (struct source_file){ source->fd, false, found->offset,
						      found->length };
			return 0;
		}
		name = follow(source, found, path);
	}
	return err_set(err, ERR_INPUT, "read the archive: it has no %s", name);
}

int source_find(struct source *source, const char *name, struct source_file *file, struct err *err)
{
	struct stat st;

	if (source->dir < 0)
		return find_member(source, name, file, err);
	auto_close int fd = path_open_beneath(source->dir, name, O_RDONLY | O_NONBLOCK, err);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_INPUT, "read %s: not a regular file", name);
	*file = (struct source_file){ take_fd(&fd), true, 0, (uint64_t)st.st_size };
	return 0;
}

void source_file_close(struct source_file *file)
{
	if (file->owned)
		close(file->fd);
	*file = (struct source_file){ .fd = -1 };
}

const char *source_read(struct source *source, const char *name, struct arena *arena, size_t *size,
			struct err *err)
{
	struct source_file file;
	char *text = NULL;

	if (source_find(source, name, &file, err) < 0)
		return NULL;
	*size = file.length;
	if (file.length > OCI_DOCUMENT_MAX)
		err_set(err, ERR_INPUT, "read %s: larger than %d bytes", name, OCI_DOCUMENT_MAX);
	else if (!(text = arena_alloc(arena, *size + 1)))
		err_sys(err, "read %s", name);
	for (size_t at = 0; text && at < *size;) {
		ssize_t got = pread(file.fd, text + at, *size - at, (off_t)(file.offset + at));

		if (got <= 0) {
			text = NULL;
			err_set(err, EBADMSG, "read %s: it is cut off", name);
			break;
		}
		at += (size_t)got;
	}
	source_file_close(&file);
	return text;
}
