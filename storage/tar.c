/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing trees as tar. */
#include "storage/tar.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"
#include "base/sys.h"
#include "storage/store.h"
#include "storage/tree.h"

struct tar {
	const struct archive_ops *archive;
	struct archive_writer *writer;
	struct inode_map links;
	struct err *err;
};

/* Exactly `size` bytes, whatever happens to the file meanwhile: the header has promised them. */
static int put_data(struct tar *tar, int fd, const char *path, uint64_t size)
{
	static const char zeroes[65536];
	char buffer[65536];

	while (size) {
		size_t want = size < sizeof(buffer) ? (size_t)size : sizeof(buffer);
		ssize_t got = read(fd, buffer, want);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_sys(tar->err, "read %s", path);
		size_t have = got ? (size_t)got : want;

		if (tar->archive->write(tar->writer, got ? buffer : zeroes, have, tar->err) < 0)
			return -1;
		size -= have;
	}
	return 0;
}

/* Overlay's marks and this machine's labels are not part of the content. */
static size_t keep_portable(struct xattr *xattrs, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (!str_starts(xattrs[i].name, "trusted.overlay.") &&
		    strcmp(xattrs[i].name, "security.selinux") != 0)
			xattrs[kept++] = xattrs[i];
	}
	return kept;
}

static int put_file(struct tar *tar, int dir, const char *name, struct archive_item *item)
{
	auto_close int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return err_sys(tar->err, "open %s", item->path);
	if (tar->archive->put(tar->writer, item, tar->err) < 0)
		return -1;
	return put_data(tar, fd, item->path, item->size);
}

static int put_entry(struct tar *tar, int dir, const char *name, const char *path)
{
	auto_arena struct arena arena = { 0 };
	struct xattr *xattrs;
	struct stat st;
	char target[PATH_MAX];
	bool failed = false;

	if (fstatat(dir, *name ? name : ".", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : err_sys(tar->err, "look at %s", path);
	if (S_ISSOCK(st.st_mode))
		return 0;
	struct archive_item item = {
		.path = *path ? path : "./",
		.mode = st.st_mode,
		.uid = st.st_uid,
		.gid = st.st_gid,
		.mtime = st.st_mtim,
		.device = st.st_rdev,
	};

	if (!S_ISDIR(st.st_mode) && st.st_nlink > 1)
		item.hard_link = inode_map_note(&tar->links, &st, path, &failed);
	if (failed)
		return err_sys(tar->err, "write %s", path);
	if (item.hard_link)
		return tar->archive->put(tar->writer, &item, tar->err);
	if (xattrs_read(dir, name, &arena, &xattrs, &item.xattr_count, tar->err) < 0)
		return -1;
	item.xattr_count = keep_portable(xattrs, item.xattr_count);
	item.xattrs = xattrs;
	if (S_ISREG(st.st_mode)) {
		item.size = (uint64_t)st.st_size;
		return put_file(tar, dir, name, &item);
	}
	if (S_ISLNK(st.st_mode)) {
		ssize_t length = readlinkat(dir, name, target, sizeof(target) - 1);

		if (length < 0)
			return err_sys(tar->err, "read link %s", path);
		target[length] = '\0';
		item.symlink = target;
	}
	return tar->archive->put(tar->writer, &item, tar->err);
}

static int put_tree(struct tar *tar, int dir, const char *path)
{
	auto_arena struct arena arena = { 0 };
	char **names, below[PATH_MAX];
	size_t count;

	if (store_list_dir(dir, ".", &arena, &names, &count, tar->err) < 0)
		return err_wrap(tar->err, "read %s", path);
	for (size_t i = 0; i < count; i++) {
		if (str_format(below, sizeof(below), "%s%s%s", path, *path ? "/" : "", names[i]) <
		    0)
			return err_sys(tar->err, "write %s", path);
		if (put_entry(tar, dir, names[i], below) < 0)
			return -1;
		auto_close int child =
			openat(dir, names[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (child < 0 && errno != ENOTDIR && errno != ELOOP && errno != ENOENT)
			return err_sys(tar->err, "open %s", below);
		if (child >= 0 && put_tree(tar, child, below) < 0)
			return -1;
	}
	return 0;
}

int tar_write_tree(const struct archive_ops *archive, struct archive_writer *writer, int dir,
		   struct err *err)
{
	struct tar tar = { .archive = archive, .writer = writer, .err = err };
	int result = put_entry(&tar, dir, "", "");

	if (result == 0)
		result = put_tree(&tar, dir, "");
	inode_map_free(&tar.links);
	return result;
}

static int put_whiteout(struct tar *tar, const char *path)
{
	const char *slash = strrchr(path, '/');
	char name[PATH_MAX];
	struct archive_item item = { .path = name, .mode = S_IFREG };

	if (str_format(name, sizeof(name), "%.*s.wh.%s", slash ? (int)(slash + 1 - path) : 0, path,
		       slash ? slash + 1 : path) < 0)
		return err_sys(tar->err, "write the deletion of %s", path);
	return tar->archive->put(tar->writer, &item, tar->err);
}

static int put_change(struct tar *tar, int root, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX] = ".";

	if (slash && str_format(parent, sizeof(parent), "%.*s", (int)(slash - path), path) < 0)
		return err_sys(tar->err, "write %s", path);
	auto_close int dir = sys_openat2(root, parent, &how);

	if (dir < 0)
		return err_sys(tar->err, "open %s", parent);
	return put_entry(tar, dir, slash ? slash + 1 : path, path);
}

int tar_write_changes(const struct archive_ops *archive, struct archive_writer *writer, int dir,
		      const struct change_list *changes, struct err *err)
{
	struct tar tar = { .archive = archive, .writer = writer, .err = err };
	int result = 0;

	for (size_t i = 0; i < changes->count && result == 0; i++) {
		const struct storage_change *change = &changes->items[i];

		result = change->kind == 'D' ? put_whiteout(&tar, change->path)
					     : put_change(&tar, dir, change->path);
	}
	inode_map_free(&tar.links);
	return result;
}
