/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Carries out the mounts of the plan, in order, each onto a target that is resolved once and then
 * held by descriptor. */
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "ns/init.h"
#include "ns/ns.h"

enum {
	DATA_MAX = 4096, /* mount(2): one page */
};

/* What a row and its surroundings mean to the functions below. */
struct place {
	const struct flat_view *view;
	const struct ns_mount_plan *row;
	const char *path; /* of the target, in the root */
	int root;
	bool detached; /* attributes were set before the attachment */
};

/* The last part may be a link here: it is the link itself that is mounted on. */
static int open_link(const struct place *place, struct err *err)
{
	const char *last;
	auto_close int parent = path_open_parent(place->root, place->path, &last, err);

	if (parent < 0)
		return -1;
	if (mknodat(parent, last, S_IFREG | 0644, 0) < 0 && errno != EEXIST)
		return err_sys(err, "make file %s in the root file system", place->path);
	int target = openat(parent, last, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return target >= 0 ? target : err_sys(err, "open %s in the root file system", place->path);
}

/* The usual case in four calls: only the last part is missing, as /dev/pts is in a fresh /dev. */
static int make_last(const struct place *place, struct err *err)
{
	const char *last;

	if (str_ends(place->path, "/"))
		return path_make_dir(place->root, place->path, 0755, err);
	auto_close int parent = path_open_parent(place->root, place->path, &last, err);

	if (parent < 0)
		return -1;
	/* what is there although it could not be opened as a directory is a link to nowhere: made
	 * inside */
	bool made = mkdirat(parent, last, 0755) == 0;

	if (!made && errno == EEXIST)
		return path_make_dir(place->root, place->path, 0755, err);
	if (!made)
		return err_sys(err, "make directory %s in the root file system", place->path);
	int target = openat(parent, last, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return target >= 0 ? target : err_sys(err, "open %s in the root file system", place->path);
}

/*
 * For /proc and /sys a link would let an image choose where the kernel's files appear
 * (CVE-2019-19921, CVE-2023-27561).
 */
static int open_directory(const struct place *place, bool ordinary, struct err *err)
{
	int flags = O_PATH | O_DIRECTORY | (ordinary ? O_NOFOLLOW : 0);
	int target = path_open_in_root(place->root, place->path, flags, NULL);

	if (target >= 0)
		return target;
	if (errno == ENOENT)
		return make_last(place, err);
	if (!ordinary || (errno != ENOTDIR && errno != ELOOP))
		return err_sys(err, "open %s in the root file system", place->path);
	return err_set(err, ENOTDIR,
		       "it is a link or a file in the root file system, it must be a directory");
}

static int open_target(const struct place *place, bool is_file, struct err *err)
{
	uint32_t flags = place->row->flags;
	struct statfs fs;
	auto_close int target = -1;

	if (flags & NS_MOUNT_TARGET_LINK)
		target = open_link(place, err);
	else if (is_file)
		target = path_make_file(place->root, place->path, 0644, err);
	else
		target = open_directory(place, flags & NS_MOUNT_ORDINARY_DIR, err);

	if (target < 0 || (flags & NS_MOUNT_PROC_ALLOWED))
		return take_fd(&target);
	/* a link in the image may lead to where ns_check() would not let the mount go */
	if (fstatfs(target, &fs) < 0)
		return err_sys(err, "look at %s in the root file system", place->path);
	if (fs.f_type == PROC_SUPER_MAGIC)
		return err_set(err, EPERM, "%s in the root file system leads into a procfs",
			       place->path);
	return take_fd(&target);
}

/* Where attributes could not be set on the detached mount. */
static int finish_old(const struct place *place, int mount_fd, struct err *err)
{
	const struct ns_mount_plan *row = place->row;
	const uint64_t *propagation = flat_get(place->view, row->propagation, sizeof(*propagation));

	for (uint32_t i = 0; propagation && i < row->propagation.count; i++) {
		if (ns_propagation_apply(mount_fd, propagation[i], err) < 0)
			return -1;
	}
	return row->kind != NS_MOUNT_BIND ? 0
					  : ns_attributes_apply(mount_fd, &row->attributes, err);
}

static int attach(const struct place *place, struct err *err)
{
	const struct ns_mount_plan *row = place->row;
	int mount_fd = flat_get_fd(place->view, row->fd);
	bool is_file = row->flags & NS_MOUNT_FILE;
	struct stat status;

	if (row->flags & NS_MOUNT_PREPARE) {
		if (fstat(mount_fd, &status) < 0)
			return err_sys(err, "look at the source");
		is_file = !S_ISDIR(status.st_mode);
	}
	auto_close int target = open_target(place, is_file, err);

	if (target < 0)
		return -1;
	if (ns_move(mount_fd, target) < 0) {
		err_sys(err, "attach");
		return errno == ENOTDIR
			       ? err_hint(
					 err,
					 "a directory can be mounted on a directory only, a file on a file")
			       : -1;
	}
	return place->detached ? 0 : finish_old(place, mount_fd, err);
}

/* The flags of mount(2) for a new file system. */
static unsigned long mount_flags(const struct ns_mount_plan *row)
{
	static const struct {
		uint64_t attribute;
		unsigned long flag;
	} rows[] = {
		{ MOUNT_ATTR_RDONLY, MS_RDONLY },
		{ MOUNT_ATTR_NOSUID, MS_NOSUID },
		{ MOUNT_ATTR_NODEV, MS_NODEV },
		{ MOUNT_ATTR_NOEXEC, MS_NOEXEC },
		{ MOUNT_ATTR_NOATIME, MS_NOATIME },
		{ MOUNT_ATTR_STRICTATIME, MS_STRICTATIME },
		{ MOUNT_ATTR_NODIRATIME, MS_NODIRATIME },
		{ MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW },
	};

	uint64_t attributes = row->attributes.set | row->attributes.tree_set;
	unsigned long flags = (unsigned long)row->super;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		flags |= attributes & rows[i].attribute ? rows[i].flag : 0;
	return flags;
}

/* The data of mount(2): the words, and for a tmpfs without mode= that of the directory beneath. */
static int join_data(const struct place *place, int target, char data[DATA_MAX], struct err *err)
{
	const char *words = flat_string(place->view, place->row->data);
	struct stat status;
	char mode[16] = "";

	if (place->row->flags & NS_MOUNT_KEEP_MODE) {
		if (fstat(target, &status) < 0)
			return err_sys(err, "look at %s in the root file system", place->path);
		snprintf(mode, sizeof(mode), "mode=%o", (unsigned int)status.st_mode & 07777);
	}
	if (str_format(data, DATA_MAX, "%s%s%s", words ? words : "", words && *mode ? "," : "",
		       mode) < 0)
		return err_sys(err, "options");
	return 0;
}

/* What takes effect on the mount that is now on top of the target. */
static int finish_new(const struct place *place, int beneath, bool readonly_later, struct err *err)
{
	const struct ns_mount_plan *row = place->row;
	const uint64_t *propagation = flat_get(place->view, row->propagation, sizeof(*propagation));
	const struct ns_attributes readonly = { .set = MOUNT_ATTR_RDONLY };

	if (!propagation && !(row->flags & NS_MOUNT_COPY_UP))
		return 0;
	auto_close int top = path_open_in_root(place->root, place->path, O_PATH | O_DIRECTORY, err);

	if (top < 0)
		return -1;
	for (uint32_t i = 0; propagation && i < row->propagation.count; i++) {
		if (ns_propagation_apply(top, propagation[i], err) < 0)
			return -1;
	}
	if ((row->flags & NS_MOUNT_COPY_UP) && ns_copy_tree(beneath, top, err) < 0)
		return -1;
	return readonly_later ? ns_attributes_apply(top, &readonly, err) : 0;
}

/* The kernel tells more by the newer calls: its words, when they fail in the same way. */
static int mount_error(const struct place *place, struct err *err)
{
	const char *type = flat_string(place->view, place->row->type);
	int code = errno;

	if (code == EINVAL) {
		auto_close int made = ns_source_make(place->view, place->row, err);

		if (made < 0)
			return strcmp(type, "devpts") != 0
				       ? -1
				       : err_hint(
						 err,
						 "gid= and uid= must be mapped in the user namespace");
	}
	err_set(err, code, "%s", strerror(code));
	return code == ENODEV ? err_hint(err, "the kernel has no file system \"%s\"", type) : -1;
}

/*
 * mount(2) on "." after fchdir(2) is as safe as move_mount(2) to a descriptor, needs no procfs, and
 * costs a fifth less than fsopen(2) and its kin.
 */
static int mount_new(const struct place *place, struct err *err)
{
	const struct ns_mount_plan *row = place->row;
	const char *type = flat_string(place->view, row->type);
	const char *source = flat_string(place->view, row->source);
	unsigned long flags = mount_flags(row);
	bool readonly_later = (row->flags & NS_MOUNT_COPY_UP) && (flags & MS_RDONLY);
	char data[DATA_MAX];
	auto_close int target = open_target(place, false, err);

	if (target < 0 || join_data(place, target, data, err) < 0)
		return -1;
	if (fchdir(target) < 0)
		return err_sys(err, "enter it");
	if (readonly_later)
		flags &= ~(unsigned long)MS_RDONLY;
	if (mount(source, ".", type, flags, *data ? data : NULL) < 0)
		return mount_error(place, err);
	return finish_new(place, target, readonly_later, err);
}

/* "remount": the mount's own options; words for the file system only where there are some. */
static int remount(const struct place *place, struct err *err)
{
	const struct ns_mount_plan *row = place->row;
	const char *data = flat_string(place->view, row->data);
	auto_close int target = path_open_in_root(place->root, place->path, O_PATH, err);

	if (target < 0)
		return -1;
	if (!row->super && !data)
		return ns_attributes_apply(target, &row->attributes, err);
	if (fchdir(target) < 0 || mount(NULL, ".", NULL, mount_flags(row) | MS_REMOUNT, data) < 0)
		return err_sys(err, "remount");
	return 0;
}

static int make_link(const struct place *place, struct err *err)
{
	const char *content = flat_string(place->view, place->row->source), *last;
	auto_close int parent = path_open_parent(place->root, place->path, &last, err);
	char have[4096];

	if (parent < 0)
		return -1;
	if (symlinkat(content, parent, last) == 0)
		return 0;
	int code = errno;
	ssize_t length = code == EEXIST ? readlinkat(parent, last, have, sizeof(have) - 1) : -1;

	have[length > 0 ? length : 0] = '\0';
	if (strcmp(have, content) == 0)
		return 0;
	errno = code;
	return err_sys(err, "make link");
}

static int mount_row(const struct place *place, struct err *err)
{
	switch (place->row->kind) {
	case NS_MOUNT_BIND:
	case NS_MOUNT_NEW:
		return attach(place, err);
	case NS_MOUNT_FS:
		return place->row->flags & NS_MOUNT_PREPARE ? attach(place, err)
							    : mount_new(place, err);
	case NS_MOUNT_REMOUNT:
		return remount(place, err);
	case NS_MOUNT_LINK:
		return make_link(place, err);
	default:
		return err_set(err, EINVAL, "unknown kind %u", place->row->kind);
	}
}

int ns_mount(const struct flat_view *view, const struct ns_plan *plan, int root, struct err *err)
{
	const struct ns_mount_plan *rows = flat_get(view, plan->mounts, sizeof(*rows));
	bool detached = rows && ns_attributes_on_detached();

	for (uint32_t i = 0; rows && i < plan->mounts.count; i++) {
		struct place place = { view, &rows[i], flat_string(view, rows[i].target), root,
				       detached };
		const char *source = flat_string(view, rows[i].source);

		if (!place.path)
			return err_set(err, EINVAL, "mount: the plan is damaged");
		if (mount_row(&place, err) < 0)
			return err_wrap(err, "mount %s on %s",
					source ? source : flat_string(view, rows[i].type),
					place.path);
	}
	/* mount_new() has gone into directories that are covered now */
	return rows && fchdir(root) < 0 ? err_sys(err, "enter root file system") : 0;
}
