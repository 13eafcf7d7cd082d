/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layer tars to trees: names, links, whiteouts, attributes. */
#include "storage/unpack.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "storage/path_set.h"
#include "storage/tree.h"

#define WHITEOUT_PREFIX ".wh."
#define WHITEOUT_META   ".wh..wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"

/* Directories get their times at the end: everything that is put into them would change them again.
 */
struct dir_time {
	const char *path;
	struct timespec mtime;
};

struct unpacker {
	struct unpack *unpack;
	const struct archive_ops *archive;
	struct archive_reader *reader;
	const struct archive_item *item;
	char path[PATH_MAX]; /* of the item, clean */
	const char *name;    /* its last part */
	int parent;          /* the directory that holds it */
	char parent_path[PATH_MAX];
	struct path_set seen; /* unpacked from this layer */
	struct dir_time *times;
	size_t time_count, time_room;
	struct arena arena;
	struct err *err;
};

static int refuse(struct unpacker *u, const char *why)
{
	return err_set(u->err, ERR_INPUT, "unpack %.200s: %s", u->item->path, why);
}

static int fail(struct unpacker *u, const char *what)
{
	return err_sys(u->err, "unpack %.200s: %s", u->item->path, what);
}

/* Without "/" in front and behind, without "." and double slashes; empty for the root itself. */
static int clean_path(struct unpacker *u, const char *path, char clean[PATH_MAX])
{
	size_t used = 0;

	if (path_has_dotdot(path))
		return refuse(u, "a name with \"..\"");
	while (*path) {
		size_t length = strcspn(path, "/");

		if (length && !(length == 1 && *path == '.')) {
			if (used + length + 2 > PATH_MAX || length > NAME_MAX)
				return refuse(u, "the name is too long");
			if (used)
				clean[used++] = '/';
			memcpy(clean + used, path, length);
			used += length;
		}
		path += length;
		path += strspn(path, "/");
	}
	clean[used] = '\0';
	return 0;
}

static void forget_parent(struct unpacker *u)
{
	if (u->parent >= 0)
		close(u->parent);
	u->parent = -1;
}

/* Most entries follow another one of the same directory. */
static int enter_parent(struct unpacker *u)
{
	const char *slash = strrchr(u->path, '/');
	size_t length = slash ? (size_t)(slash - u->path) : 0;
	const char *last;

	u->name = slash ? slash + 1 : u->path;
	if (u->parent >= 0 && strlen(u->parent_path) == length &&
	    strncmp(u->parent_path, u->path, length) == 0)
		return 0;
	forget_parent(u);
	u->parent = path_open_parent(u->unpack->root, u->path, &last, u->err);
	if (u->parent < 0)
		return err_wrap(u->err, "unpack %.200s", u->item->path);
	memcpy(u->parent_path, u->path, length);
	u->parent_path[length] = '\0';
	return 0;
}

/* What stands where the entry goes. A directory stays for a directory. */
static int clear_place(struct unpacker *u)
{
	struct stat st;

	if (fstatat(u->parent, u->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail(u, "look at what is there");
	if (S_ISDIR(st.st_mode) && S_ISDIR(u->item->mode))
		return 0;
	if (!S_ISDIR(st.st_mode))
		return unlinkat(u->parent, u->name, 0) < 0 ? fail(u, "replace") : 0;
	auto_close int parent =
		take_fd(&u->parent); /* the next entry looks again: paths have changed */
	int result = tree_remove(parent, u->name, u->err);

	u->parent = result < 0 ? -1 : take_fd(&parent);
	if (result < 0)
		return err_wrap(u->err, "unpack %.200s", u->item->path);
	return 0;
}

static int write_block(int fd, const char *data, size_t size, uint64_t offset)
{
	while (size) {
		ssize_t put = pwrite(fd, data, size, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		data += put;
		size -= (size_t)put;
		offset += (uint64_t)put;
	}
	return 0;
}

static int take_bytes(struct unpacker *u, uint64_t bytes)
{
	struct unpack_limits *limits = u->unpack->limits;

	if (bytes > limits->bytes) {
		refuse(u, "the image is larger than the limit");
		return err_hint(u->err, "raise the limit of the import if you trust the image");
	}
	limits->bytes -= bytes;
	u->unpack->bytes += bytes;
	return 0;
}

static int write_file(struct unpacker *u, int fd)
{
	const void *data;
	size_t size;
	uint64_t offset = 0, end = 0;
	int more;

	if (take_bytes(u, u->item->size) < 0)
		return -1;
	while ((more = u->archive->read(u->reader, &data, &size, &offset, u->err)) > 0) {
		if (offset > u->item->size || size > u->item->size - offset)
			return refuse(u, "more data than its header says");
		if (write_block(fd, data, size, offset) < 0)
			return fail(u, "write");
		end = offset + size;
	}
	if (more < 0)
		return err_wrap(u->err, "unpack %.200s", u->item->path);
	/* a hole at the end */
	return end < u->item->size && ftruncate(fd, (off_t)u->item->size) < 0 ? fail(u, "write")
									      : 0;
}

/* Overlay's marks in a layer would be obeyed by the kernel: a redirect in there leads anywhere in
 * the lower layers. */
static int check_xattr(struct unpacker *u, const struct xattr *xattr)
{
	if (str_starts(xattr->name, "trusted.overlay.") || str_starts(xattr->name, "user.overlay."))
		return refuse(u, "an attribute that is overlay's own");
	return 0;
}

static int set_xattrs(struct unpacker *u, int fd)
{
	for (size_t i = 0; i < u->item->xattr_count; i++) {
		const struct xattr *xattr = &u->item->xattrs[i];

		if (check_xattr(u, xattr) < 0)
			return -1;
		if (fd >= 0 ? fsetxattr(fd, xattr->name, xattr->value, xattr->size, 0) == 0
			    : xattr_write(u->parent, u->name, xattr, u->err) == 0)
			continue;
		/* a label of the machine that made the image means nothing where there is no
		 * SELinux */
		if (errno == EOPNOTSUPP && strcmp(xattr->name, "security.selinux") == 0)
			continue;
		err_sys(u->err, "unpack %.200s: set attribute %s", u->item->path, xattr->name);
		return -1;
	}
	return 0;
}

/* Owner before mode and capabilities, which a change of owner takes away; times last. */
static int make_file(struct unpacker *u)
{
	const struct archive_item *item = u->item;
	struct timespec times[2] = { item->mtime, item->mtime };
	auto_close int fd = openat(u->parent, u->name,
				   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail(u, "create");
	if (write_file(u, fd) < 0)
		return -1;
	if ((item->uid || item->gid) && fchown(fd, item->uid, item->gid) < 0)
		return fail(u, "set the owner");
	if (fchmod(fd, item->mode & 07777) < 0)
		return fail(u, "set the mode");
	if (set_xattrs(u, fd) < 0)
		return -1;
	return futimens(fd, times) < 0 ? fail(u, "set the times") : 0;
}

static int note_time(struct unpacker *u)
{
	if (u->time_count == u->time_room) {
		size_t room = u->time_room ? 2 * u->time_room : 256;
		void *grown = realloc(u->times, room * sizeof(*u->times));

		if (!grown)
			return fail(u, "remember its times");
		u->times = grown;
		u->time_room = room;
	}
	const char *path = arena_strdup(&u->arena, u->path);

	if (!path)
		return fail(u, "remember its times");
	u->times[u->time_count++] = (struct dir_time){ path, u->item->mtime };
	return 0;
}

static int make_dir(struct unpacker *u)
{
	const struct archive_item *item = u->item;

	if (mkdirat(u->parent, u->name, 0700) < 0 && errno != EEXIST)
		return fail(u, "create");
	auto_close int fd =
		openat(u->parent, u->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fchown(fd, item->uid, item->gid) < 0 || fchmod(fd, item->mode & 07777) < 0)
		return fail(u, "set the owner and mode");
	return set_xattrs(u, fd) < 0 ? -1 : note_time(u);
}

static int finish_special(struct unpacker *u)
{
	const struct archive_item *item = u->item;
	struct timespec times[2] = { item->mtime, item->mtime };

	if (fchownat(u->parent, u->name, item->uid, item->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(u, "set the owner");
	if (!S_ISLNK(item->mode) && fchmodat(u->parent, u->name, item->mode & 07777, 0) < 0)
		return fail(u, "set the mode");
	if (set_xattrs(u, -1) < 0)
		return -1;
	return utimensat(u->parent, u->name, times, AT_SYMLINK_NOFOLLOW) < 0
		       ? fail(u, "set the times")
		       : 0;
}

static int make_symlink(struct unpacker *u)
{
	if (!u->item->symlink || !*u->item->symlink)
		return refuse(u, "a link to nothing");
	if (symlinkat(u->item->symlink, u->parent, u->name) < 0)
		return fail(u, "create");
	return finish_special(u);
}

static int make_device(struct unpacker *u)
{
	mode_t mode = u->item->mode;

	if (S_ISCHR(mode) && u->item->device == 0)
		return refuse(u, "a character device 0:0, which is overlay's whiteout");
	if (mknodat(u->parent, u->name, (mode & S_IFMT) | 0600,
		    S_ISFIFO(mode) ? 0 : u->item->device) < 0)
		return fail(u, "create");
	return finish_special(u);
}

static int make_hard_link(struct unpacker *u)
{
	char target[PATH_MAX];
	const char *last;

	if (clean_path(u, u->item->hard_link, target) < 0)
		return -1;
	if (!*target)
		return refuse(u, "a hard link to the root directory");
	if (strcmp(target, u->path) == 0)
		return refuse(u, "a hard link to itself");
	auto_close int dir = path_open_parent(u->unpack->root, target, &last, u->err);

	if (dir < 0)
		return err_wrap(u->err, "unpack %.200s", u->item->path);
	if (clear_place(u) < 0)
		return -1;
	if (linkat(dir, last, u->parent, u->name, 0) < 0)
		return err_sys(u->err, "unpack %.150s: link to %.150s", u->item->path, target);
	return 0;
}

static int make_root(struct unpacker *u)
{
	if (!S_ISDIR(u->item->mode))
		return refuse(u, "the root is not a directory");
	auto_close int fd = openat(u->unpack->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fchown(fd, u->item->uid, u->item->gid) < 0 ||
	    fchmod(fd, u->item->mode & 07777) < 0)
		return fail(u, "set the owner and mode");
	return set_xattrs(u, fd) < 0 ? -1 : note_time(u);
}

/* Remove from `dir` what came from lower layers only. */
static int hide_lower(struct unpacker *u, int dir, const char *path)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_closedir DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;
	char below[PATH_MAX];

	if (!stream)
		return fail(u, "open the directory");
	while (errno = 0, (entry = readdir(stream))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (str_format(below, sizeof(below), "%s%s%s", path, *path ? "/" : "",
			       entry->d_name) < 0)
			return fail(u, "name what is in it");
		if (!path_set_has(&u->seen, below)) {
			if (tree_remove(dir, entry->d_name, u->err) < 0)
				return err_wrap(u->err, "unpack %.200s", u->item->path);
			continue;
		}
		auto_close int child =
			openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (child < 0 && errno != ENOTDIR && errno != ELOOP)
			return fail(u, "open the directory");
		if (child >= 0 && hide_lower(u, child, below) < 0)
			return -1;
	}
	return errno ? fail(u, "read the directory") : 0;
}

/* ".wh.NAME": what lies below this layer is hidden; what this layer itself brings is not. */
static int apply_whiteout(struct unpacker *u)
{
	const char *hidden = u->name + strlen(WHITEOUT_PREFIX);
	size_t length = (size_t)(u->name - u->path);
	char path[PATH_MAX];

	if (!*hidden || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
		return refuse(u, "a whiteout of nothing");
	if (!u->unpack->has_lowers)
		return 0;
	memcpy(path, u->path, length);
	path[length] = '\0';
	auto_close int dir = path_open_in_root(u->unpack->root, length ? path : "/",
					       O_RDONLY | O_DIRECTORY, NULL);

	if (dir < 0)
		return 0; /* nothing there to hide */
	if (strcmp(u->name, WHITEOUT_OPAQUE) == 0) {
		path[length ? length - 1 : 0] = '\0';
		return hide_lower(u, dir, path);
	}
	if (str_format(path + length, sizeof(path) - length, "%s", hidden) < 0)
		return refuse(u, "the name is too long");
	forget_parent(u);
	if (path_set_has(&u->seen, path))
		return 0;
	if (tree_remove(dir, hidden, u->err) < 0)
		return err_wrap(u->err, "unpack %.200s", u->item->path);
	return 0;
}

static int unpack_item(struct unpacker *u)
{
	mode_t type = u->item->mode & S_IFMT;

	if (clean_path(u, u->item->path, u->path) < 0)
		return -1;
	if (!*u->path)
		return make_root(u);
	const char *slash = strrchr(u->path, '/');

	u->name = slash ? slash + 1 : u->path;
	/* aufs kept its own files under this name, in images of old */
	if (str_starts(u->name, WHITEOUT_META) && strcmp(u->name, WHITEOUT_OPAQUE) != 0)
		return 0;
	if (str_starts(u->path, WHITEOUT_META) && slash)
		return 0;
	if (str_starts(u->name, WHITEOUT_PREFIX))
		return apply_whiteout(u);
	if (u->unpack->has_lowers && !path_set_add(&u->seen, u->path))
		return fail(u, "remember it");
	if (enter_parent(u) < 0)
		return -1;
	if (u->item->hard_link)
		return make_hard_link(u);
	if (clear_place(u) < 0)
		return -1;
	switch (type) {
	case S_IFDIR:
		return make_dir(u);
	case S_IFREG:
		return make_file(u);
	case S_IFLNK:
		return make_symlink(u);
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
		return make_device(u);
	default:
		return refuse(u, "an entry of a kind that is not known");
	}
}

/* From the last to the first: what is inside comes after its directory. A directory that is gone or
 * has become something else is left alone. */
static int set_dir_times(struct unpacker *u)
{
	for (size_t i = u->time_count; i-- > 0;) {
		struct timespec times[2] = { u->times[i].mtime, u->times[i].mtime };
		auto_close int dir = path_open_in_root(u->unpack->root,
						       *u->times[i].path ? u->times[i].path : "/",
						       O_RDONLY | O_DIRECTORY | O_NOFOLLOW, NULL);

		if (dir >= 0 && futimens(dir, times) < 0)
			return err_sys(u->err, "unpack %.200s: set the times", u->times[i].path);
	}
	return 0;
}

static int unpack_all(struct unpacker *u)
{
	struct archive_item item;
	int more;

	u->item = &item;
	while ((more = u->archive->next(u->reader, &item, u->err)) > 0) {
		if (!u->unpack->limits->entries)
			return refuse(u, "the image has more entries than the limit");
		u->unpack->limits->entries--;
		if (unpack_item(u) < 0)
			return -1;
	}
	return more < 0 ? -1 : set_dir_times(u);
}

int unpack_layer(struct unpack *unpack, const struct archive_ops *archive,
		 struct archive_reader *reader, struct err *err)
{
	struct unpacker u = {
		.unpack = unpack, .archive = archive, .reader = reader, .parent = -1, .err = err
	};
	int result = unpack_all(&u);

	forget_parent(&u);
	path_set_free(&u.seen);
	free(u.times);
	arena_free(&u.arena);
	return result;
}
