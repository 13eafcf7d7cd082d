/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Detached mounts made with the host's eyes: clones of what is there, and file systems that name
 * paths or devices. */
#include "ns/init.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"
#include "base/sys.h"
#include "ns/ns.h"

enum {
	WORD_MAX = 256, /* kernel: fsconfig(2) takes values of up to 255 bytes */
};

static int clone_tree(const char *source, unsigned int flags, struct err *err)
{
	unsigned int how = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;

	how |= flags & NS_MOUNT_RECURSIVE ? AT_RECURSIVE : 0;
	how |= flags & NS_MOUNT_SOURCE_LINK ? AT_SYMLINK_NOFOLLOW : 0;
	int mount_fd = sys_open_tree(AT_FDCWD, source, how);

	if (mount_fd >= 0)
		return mount_fd;
	err_sys(err, "open %s", source);
	if (errno == EINVAL && !(flags & NS_MOUNT_RECURSIVE))
		err_hint(
			err,
			"the source may have mounts below that must not be uncovered: use \"rbind\"");
	return -1;
}

/* The kernel's own words about what it did not like ("e tmpfs: Bad value for 'size'"), or errno's.
 */
static int fs_error(int fs, const char *doing, struct err *err)
{
	char message[200];
	int code = errno;
	ssize_t length = read(fs, message, sizeof(message) - 1);

	if (length <= 2) {
		errno = code;
		return err_sys(err, "%s", doing);
	}
	message[length] = '\0';
	message[strcspn(message, "\n")] = '\0';
	return err_set(err, code, "%s: %s", doing, message + 2);
}

/* One word: "key=value" or "flag". */
static int configure(int fs, char *word, struct err *err)
{
	char *value = strchr(word, '=');
	int result;

	if (value)
		*value++ = '\0';
	if (value && *value == '"' && str_ends(value, "\"")) {
		value++;
		value[strlen(value) - 1] = '\0';
	}
	result = value ? sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, word, value, 0)
		       : sys_fsconfig(fs, SYS_FSCONFIG_SET_FLAG, word, NULL, 0);
	return result < 0 ? fs_error(fs, word, err) : 0;
}

/* Give the words to the file system one by one; a comma within double quotes does not part them. */
static int configure_all(int fs, const char *data, struct err *err)
{
	char word[2 * WORD_MAX];

	while (data && *data) {
		size_t length = 0;

		for (bool quoted = false; data[length] && (quoted || data[length] != ','); length++)
			quoted ^= data[length] == '"';
		if (str_format(word, sizeof(word), "%.*s", (int)length, data) < 0)
			return err_set(err, ENAMETOOLONG, "option %.40s...: longer than %d bytes",
				       data, WORD_MAX - 1);
		if (*word && configure(fs, word, err) < 0)
			return -1;
		data += length + (data[length] == ',');
	}
	return 0;
}

static int configure_super(int fs, uint64_t super, bool readonly)
{
	static const struct {
		uint64_t flag;
		const char *word;
	} rows[] = { { MS_SYNCHRONOUS, "sync" },  { MS_DIRSYNC, "dirsync" },
		     { MS_LAZYTIME, "lazytime" }, { MS_MANDLOCK, "mand" },
		     { MS_RDONLY, "ro" },         { MS_I_VERSION, "iversion" } };

	super |= readonly ? MS_RDONLY : 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if ((super & rows[i].flag) &&
		    sys_fsconfig(fs, SYS_FSCONFIG_SET_FLAG, rows[i].word, NULL, 0) < 0)
			return -1;
	}
	return 0;
}

static int make_filesystem(const struct flat_view *view, const struct ns_mount_plan *row,
			   struct err *err)
{
	const char *type = flat_string(view, row->type);
	const char *source = row->flags & NS_MOUNT_FALLBACK ? type : flat_string(view, row->source);
	uint64_t attributes = row->attributes.set | row->attributes.tree_set;
	auto_close int fs = sys_fsopen(type, FSOPEN_CLOEXEC);

	if (fs < 0) {
		err_sys(err, "open file system %s", type);
		return errno == ENODEV ? err_hint(err, "the kernel has no file system \"%s\"", type)
				       : -1;
	}
	if (source && sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, "source", source, 0) < 0)
		return fs_error(fs, "set source", err);
	if (configure_super(fs, row->super, attributes & MOUNT_ATTR_RDONLY) < 0)
		return fs_error(fs, "set options", err);
	if (configure_all(fs, flat_string(view, row->data), err) < 0)
		return -1;
	if (sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0) < 0)
		return fs_error(fs, "make file system", err);
	int mount_fd = sys_fsmount(fs, FSMOUNT_CLOEXEC, (unsigned int)attributes);

	return mount_fd >= 0 ? mount_fd : fs_error(fs, "make mount", err);
}

int ns_source_make(const struct flat_view *view, const struct ns_mount_plan *row, struct err *err)
{
	bool create = row->kind != NS_MOUNT_BIND;
	const uint64_t *propagation = flat_get(view, row->propagation, sizeof(*propagation));
	auto_close int mount_fd =
		create ? make_filesystem(view, row, err)
		       : clone_tree(flat_string(view, row->source), row->flags, err);

	if (mount_fd < 0)
		return -1;
	if (!ns_attributes_on_detached())
		return take_fd(&mount_fd); /* the attaching side will do it */
	for (uint32_t i = 0; propagation && i < row->propagation.count; i++) {
		if (ns_propagation_apply(mount_fd, propagation[i], err) < 0)
			return -1;
	}
	if (!create && ns_attributes_apply(mount_fd, &row->attributes, err) < 0)
		return -1;
	return take_fd(&mount_fd);
}

int ns_source_device(const char *path, uint32_t mode, uint32_t major, uint32_t minor,
		     struct err *err)
{
	auto_close int node = clone_tree(path, 0, err);
	struct stat status;

	if (node < 0)
		return err_wrap(err, "bind the host's %s, as no node can be made here", path);
	if (fstat(node, &status) < 0)
		return err_sys(err, "look at %s", path);
	if ((status.st_mode & S_IFMT) != (mode & S_IFMT) || status.st_rdev != makedev(major, minor))
		return err_set(
			err, EEXIST,
			"bind the host's %s, as no node can be made here: it is not device %u:%u",
			path, major, minor);
	if (ns_attributes_on_detached() && ns_propagation_apply(node, MS_PRIVATE, err) < 0)
		return -1;
	return take_fd(&node);
}

/* The number stays, what is behind it changes. */
static int replace(const struct flat_view *view, flat_fd_t place, int made, struct err *err)
{
	int holder = flat_get_fd(view, place);

	if (holder < 0 || dup3(made, holder, O_CLOEXEC) < 0)
		return err_sys(err, "keep the mount");
	return 0;
}

/* A file system that shows a namespace which is not ours to show: the host's mount of it instead.
 */
static int use_fallback(const struct flat_view *view, const struct ns_mount_plan *row,
			struct err *err)
{
	struct ns_mount_plan clone = *row;

	if (row->flags & NS_MOUNT_FALLBACK_READY)
		return 0;
	clone.kind = NS_MOUNT_BIND;
	auto_close int made = ns_source_make(view, &clone, err);

	return made < 0 ? -1 : replace(view, row->fd, made, err);
}

static int refused(const char *type, struct err *err)
{
	bool is_proc = strcmp(type, "proc") == 0;

	if (err && err->code == EPERM)
		err_hint(
			err,
			"in a user namespace this needs a new %s namespace and a host whose own %s is not partly covered",
			is_proc ? "pid" : "network", is_proc ? "/proc" : "/sys");
	return -1;
}

static int prepare_row(const struct flat_view *view, const struct ns_mount_plan *row,
		       struct err *err)
{
	auto_close int made = ns_source_make(view, row, err);

	if (made >= 0)
		return replace(view, row->fd, made, err);
	if ((row->flags & NS_MOUNT_FALLBACK) && (err->code == EPERM || err->code == EBUSY)) {
		if (use_fallback(view, row, err) == 0) {
			*err = (struct err){ 0 };
			return 0;
		}
	} else if (row->kind == NS_MOUNT_FS) {
		refused(flat_string(view, row->type), err);
	}
	return err_wrap(err, "mount %s on %s", flat_string(view, row->source),
			flat_string(view, row->target));
}

int ns_source_prepare(const struct flat_view *view, const struct ns_plan *plan, struct err *err)
{
	const struct ns_mount_plan *rows = flat_get(view, plan->mounts, sizeof(*rows));
	const struct ns_device_plan *devices = flat_get(view, plan->devices, sizeof(*devices));

	for (uint32_t i = 0; rows && i < plan->mounts.count; i++) {
		if ((rows[i].flags & NS_MOUNT_PREPARE) && prepare_row(view, &rows[i], err) < 0)
			return -1;
	}
	for (uint32_t i = 0; devices && i < plan->devices.count; i++) {
		const struct ns_device_plan *device = &devices[i];

		if (!device->prepare)
			continue;
		auto_close int made =
			ns_source_device(flat_string(view, device->source), device->mode,
					 device->major, device->minor, err);

		if (made < 0 || replace(view, device->fd, made, err) < 0)
			return -1;
	}
	return 0;
}
