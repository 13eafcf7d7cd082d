/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copies of trees, with shared data where the file system can share it. */
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "storage/tree.h"

struct copier {
	int top; /* of the copy */
	bool no_reflink;
	bool plain; /* leave overlay's private marks behind */
	struct inode_map links;
	char path[PATH_MAX]; /* of the entry in hand, relative to the top */
	struct err *err;
};

static int fail(struct copier *copier, const char *verb)
{
	return err_sys(copier->err, "%s %s", verb, *copier->path ? copier->path : ".");
}

static int copy_xattrs(struct copier *copier, int from, int to, const char *name)
{
	auto_arena struct arena arena = { 0 };
	struct xattr *xattrs;
	size_t count;

	if (xattrs_read(from, name, &arena, &xattrs, &count, copier->err) < 0)
		return err_wrap(copier->err, "copy %s", copier->path);
	for (size_t i = 0; i < count; i++) {
		if (copier->plain && str_starts(xattrs[i].name, "trusted.overlay."))
			continue;
		if (xattr_write(to, name, &xattrs[i], copier->err) < 0)
			return err_wrap(copier->err, "copy %s", copier->path);
	}
	return 0;
}

/* Owner first: it clears set-id bits and file capabilities. Times last: everything else changes
 * them. */
static int copy_attributes(struct copier *copier, int from, int to, const char *name,
			   const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	const char *at = *name ? name : ".";

	if (fchownat(to, at, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(copier, "set the owner of");
	if (!S_ISLNK(st->st_mode) && fchmodat(to, at, st->st_mode & 07777, 0) < 0)
		return fail(copier, "set the mode of");
	if (copy_xattrs(copier, from, to, name) < 0)
		return -1;
	if (utimensat(to, at, times, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(copier, "set the times of");
	return 0;
}

static int copy_range(int from, int to, off_t start, off_t end)
{
	char buffer[65536];

	while (start < end) {
		off_t in = start, out = start;
		ssize_t got = copy_file_range(from, &in, to, &out, (size_t)(end - start), 0);

		if (got <= 0) {
			size_t want = end - start < (off_t)sizeof(buffer) ? (size_t)(end - start)
									  : sizeof(buffer);

			got = pread(from, buffer, want, start);
			if (got <= 0)
				return got < 0 ? -1 : 0;
			if (pwrite(to, buffer, (size_t)got, start) != got)
				return -1;
		}
		start += got;
	}
	return 0;
}

static int copy_data(struct copier *copier, int from, int to, off_t size)
{
	if (!size)
		return 0;
	if (!copier->no_reflink) {
		if (ioctl(to, FICLONE, from) == 0)
			return 0;
		copier->no_reflink = errno == EOPNOTSUPP || errno == EXDEV || errno == ENOTTY;
	}
	for (off_t at = 0; at < size;) {
		off_t data = lseek(from, at, SEEK_DATA);

		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0)
			return -1;
		off_t hole = lseek(from, data, SEEK_HOLE);

		if (hole < 0 || copy_range(from, to, data, hole) < 0)
			return -1;
		at = hole;
	}
	return ftruncate(to, size);
}

static int copy_file(struct copier *copier, int from, int to, const char *name,
		     const struct stat *st)
{
	/* O_NONBLOCK: should it have become a FIFO meanwhile, do not hang */
	auto_close int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	auto_close int out =
		openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (in < 0 || out < 0 || copy_data(copier, in, out, st->st_size) < 0)
		return fail(copier, "copy");
	return 0;
}

static int copy_symlink(struct copier *copier, int from, int to, const char *name)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(from, name, target, sizeof(target) - 1);

	if (length < 0)
		return fail(copier, "copy");
	target[length] = '\0';
	return symlinkat(target, to, name) < 0 ? fail(copier, "copy") : 0;
}

static int copy_dir(struct copier *copier, int from, int to, size_t length);

static int copy_subdir(struct copier *copier, int from, int to, const char *name)
{
	if (mkdirat(to, name, 0700) < 0)
		return fail(copier, "copy");
	auto_close int in = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_close int out = openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (in < 0 || out < 0)
		return fail(copier, "copy");
	return copy_dir(copier, in, out, strlen(copier->path));
}

/* 1 when the entry is another name of a file that was copied already. */
static int copy_link(struct copier *copier, int to, const char *name, const struct stat *st)
{
	bool failed;

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return 0;
	const char *first = inode_map_note(&copier->links, st, copier->path, &failed);

	if (failed)
		return fail(copier, "copy");
	if (!first)
		return 0;
	return linkat(copier->top, first, to, name, 0) < 0 ? fail(copier, "link") : 1;
}

static int copy_entry(struct copier *copier, int from, int to, const char *name)
{
	struct stat st;
	int result;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(copier, "look at");
	result = copy_link(copier, to, name, &st);
	if (result)
		return result < 0 ? -1 : 0;
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		return copy_subdir(copier, from, to, name);
	case S_IFREG:
		result = copy_file(copier, from, to, name, &st);
		break;
	case S_IFLNK:
		result = copy_symlink(copier, from, to, name);
		break;
	case S_IFSOCK:
		return 0; /* means nothing without the process that listens */
	default:
		result = mknodat(to, name, (st.st_mode & S_IFMT) | 0600, st.st_rdev);
		if (result < 0)
			fail(copier, "copy");
	}
	return result < 0 ? -1 : copy_attributes(copier, from, to, name, &st);
}

/* `length`: of the directory's own path in copier->path. */
static int copy_dir(struct copier *copier, int from, int to, size_t length)
{
	int copy = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_closedir DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	struct stat st;

	if (!stream || fstat(from, &st) < 0)
		return fail(copier, "open");
	while (errno = 0, (entry = readdir(stream))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (str_format(copier->path + length, sizeof(copier->path) - length, "%s%s",
			       length ? "/" : "", entry->d_name) < 0)
			return fail(copier, "name");
		if (copy_entry(copier, from, to, entry->d_name) < 0)
			return -1;
		copier->path[length] = '\0';
	}
	if (errno)
		return fail(copier, "read");
	return copy_attributes(copier, from, to, "", &st);
}

int tree_copy_attributes(int from, int to, const char *name, struct err *err)
{
	struct copier copier = { .top = to, .plain = true, .err = err };
	struct stat st;

	snprintf(copier.path, sizeof(copier.path), "%s", name);
	if (fstatat(from, *name ? name : ".", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(&copier, "look at");
	return copy_attributes(&copier, from, to, name, &st);
}

int tree_copy(int from, int to, struct err *err)
{
	struct copier copier = { .top = to, .err = err };
	int result = copy_dir(&copier, from, to, 0);

	inode_map_free(&copier.links);
	return result;
}

struct measure {
	dev_t dev;
	uint64_t bytes, inodes;
	struct inode_map links;
};

static int measure_dir(struct measure *measure, int dir)
{
	auto_closedir DIR *stream = fdopendir(dir);
	struct dirent *entry;
	struct stat st;

	if (!stream) {
		close(dir);
		return -1;
	}
	while (errno = 0, (entry = readdir(stream))) {
		bool failed = false;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (fstatat(dirfd(stream), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (!S_ISDIR(st.st_mode) && st.st_nlink > 1 &&
		    inode_map_note(&measure->links, &st, "", &failed))
			continue;
		if (failed)
			return -1;
		measure->bytes += (uint64_t)st.st_blocks * 512;
		measure->inodes++;
		if (!S_ISDIR(st.st_mode) || st.st_dev != measure->dev)
			continue;
		int child = openat(dirfd(stream), entry->d_name,
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (child >= 0 && measure_dir(measure, child) < 0)
			return -1;
	}
	return errno ? -1 : 0;
}

int tree_usage(int dir, uint64_t *bytes, uint64_t *inodes, struct err *err)
{
	struct measure measure = { 0 };
	struct stat st;
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (copy < 0 || fstat(dir, &st) < 0)
		return err_sys(err, "measure a tree");
	measure.dev = st.st_dev;
	int result = measure_dir(&measure, copy);

	inode_map_free(&measure.links);
	*bytes = measure.bytes;
	*inodes = measure.inodes;
	return result < 0 ? err_sys(err, "measure a tree") : 0;
}
