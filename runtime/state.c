/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading, writing, locking and removing state folders. */
#include "runtime/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"

enum {
	MAKE_RACES_MAX = 10,
};

#define AT(member) offsetof(struct state, member)

/* clang-format off */
static const struct json_row state_rows[] = {
	{ "version",          JSON_UINT,     AT(version), .flags = JSON_REQUIRED | JSON_ALWAYS },
	{ "id",               JSON_TEXT,     AT(id), .flags = JSON_REQUIRED },
	{ "ociVersion",       JSON_TEXT,     AT(oci_version) },
	{ "bundle",           JSON_TEXT,     AT(bundle) },
	{ "specFile",         JSON_TEXT,     AT(spec_file) },
	{ "rootfs",           JSON_TEXT,     AT(rootfs) },
	{ "created",          JSON_TEXT,     AT(created) },
	{ "owner",            JSON_UINT,     AT(owner), .flags = JSON_ALWAYS },
	{ "annotations",      JSON_MAP_TEXT, AT(annotations) },
	{ "pid",              JSON_I64,      AT(pid), .min = 0, .max = 1 << 22 },
	{ "startTime",        JSON_U64,      AT(start_time) },
	{ "bootId",           JSON_TEXT,     AT(boot_id) },
	{ "namespaces",       JSON_U64,      AT(namespaces) },
	{ "ownRoot",          JSON_BOOL,     AT(own_root) },
	{ "ownPids",          JSON_BOOL,     AT(own_pids) },
	{ "deniedGroups",     JSON_BOOL,     AT(denied_groups) },
	{ "rootUnmapped",     JSON_BOOL,     AT(root_unmapped) },
	{ "rootUid",          JSON_UINT,     AT(root_uid) },
	{ "rootGid",          JSON_UINT,     AT(root_gid) },
	{ "noKeyring",        JSON_BOOL,     AT(no_keyring) },
	{ "notifySocket",     JSON_TEXT,     AT(notify_socket) },
	{ "seccompFlags",     JSON_U64,      AT(seccomp_flags) },
	{ "seccompListener",  JSON_TEXT,     AT(seccomp_listener) },
	{ "seccompMetadata",  JSON_TEXT,     AT(seccomp_metadata) },
	{ "cgroup",           JSON_OBJECT,   AT(cgroup), .nested = &cgroup_state_object },
	{ "intelRdt",         JSON_OBJECT,   AT(rdt), .nested = &cgroup_rdt_state_object },
	{ "storage",          JSON_OBJECT,   AT(storage), .nested = &storage_state_object },
	{ "network",          JSON_OBJECT,   AT(network), .nested = &net_state_object },
	{ "hooks",            JSON_OBJECT,   AT(hooks), .nested = &spec_hooks_object },
};
/* clang-format on */

const struct json_object state_object = JSON_OBJECT_OF(struct state, state_rows);

/* The mode counts whatever the caller's umask is: without root's privileges it would lock us out.
 */
static int make_dir(int at, const char *path, mode_t mode)
{
	return mkdirat(at, path, mode) < 0 ? -1 : fchmodat(at, path, mode, 0);
}

/* mkdir -p for the state root: each part 0700 but the first ones that exist are left as they are.
 */
static int make_path(const char *path, struct err *err)
{
	char part[4096];

	if (str_format(part, sizeof(part), "%s", path) < 0)
		return err_sys(err, "make state directory %.60s...", path);
	for (char *slash = part + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (make_dir(AT_FDCWD, part, 0711) < 0 && errno != EEXIST)
			return err_sys(err, "make state directory %s", part);
		*slash = '/';
	}
	if (make_dir(AT_FDCWD, part, 0700) < 0 && errno != EEXIST)
		return err_sys(err, "make state directory %s", part);
	return 0;
}

/* A user without a directory of his own ends up in root's. Always -1. */
static int explain_denied(int code, struct err *err)
{
	if ((code != EACCES && code != EPERM) || geteuid() == 0)
		return -1;
	return err_hint(err, "set XDG_RUNTIME_DIR to a directory of your own, or give --root");
}

int state_open_root(const char *path, bool make, struct err *err)
{
	struct stat status;
	auto_close int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0 && errno == ENOENT && make) {
		if (make_path(path, err) < 0)
			return explain_denied(err ? err->code : 0, err);
		root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (root < 0) {
		int code = errno;

		err_sys(err, "open state directory %s", path);
		return explain_denied(code, err);
	}
	if (fstat(root, &status) < 0)
		return err_sys(err, "stat state directory %s", path);
	if (status.st_uid != geteuid() && status.st_uid != 0) {
		err_set(err, ERR_INPUT, "open state directory %s: it belongs to user %u", path,
			status.st_uid);
		return err_hint(err, "give another one with --root");
	}
	if (status.st_mode & 022) {
		err_set(err, ERR_INPUT,
			"open state directory %s: group or others may write to it (mode %04o)",
			path, status.st_mode & 07777);
		return err_hint(err, "chmod 0700 %s, or give another one with --root", path);
	}
	return take_fd(&root);
}

static int not_there(struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "container does not exist");
}

int state_lock(int dir, const char *kind, const char *name, struct err *err)
{
	enum { PATIENCE_MS = 10000 };
	struct stat status;
	long pause_us = 200;

	for (long waited_us = 0; flock(dir, LOCK_EX | LOCK_NB) < 0; waited_us += pause_us) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(err, "lock %s %s", kind, name);
		if (waited_us > PATIENCE_MS * 1000L)
			return err_set(err, EBUSY,
				       "%s is busy: another command has held it for %d s", kind,
				       PATIENCE_MS / 1000);
		struct timespec pause = { .tv_nsec = pause_us * 1000 };

		nanosleep(&pause, NULL);
		if (pause_us < 10000)
			pause_us *= 2;
	}
	/* whoever had the lock may have deleted it */
	if (fstat(dir, &status) < 0 || status.st_nlink == 0)
		return err_set(err, ERR_NOT_FOUND, "%s does not exist", kind);
	return 0;
}

int state_open_dir(int root, const char *id, enum state_lock lock, struct err *err)
{
	auto_close int dir = openat(root, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (dir < 0 && (errno == ENOENT || errno == ENOTDIR))
		return not_there(err);
	if (dir < 0)
		return err_sys(err, "open state folder of %s", id);
	if (lock == STATE_LOCKED && state_lock(dir, "container", id, err) < 0)
		return -1;
	return take_fd(&dir);
}

int state_make_dir(int root, const char *id, struct err *err)
{
	/* between the two calls a `delete --force` or `gc` may take the empty folder for a wreck
	 * and remove it: once more, then */
	for (int races = 0; races < MAKE_RACES_MAX; races++) {
		struct err why = { 0 };

		if (make_dir(root, id, 0700) < 0) {
			int code = errno;

			if (code != EEXIST) {
				err_sys(err, "make state folder of %s", id);
				return explain_denied(code, err);
			}
			err_set(err, ERR_EXISTS, "container with given ID already exists");
			return err_hint(err, "`masu list` shows it, `masu delete %s` removes it",
					id);
		}
		int dir = state_open_dir(root, id, STATE_LOCKED, &why);

		if (dir >= 0)
			return dir;
		if (why.code == ERR_NOT_FOUND)
			continue;
		unlinkat(root, id, AT_REMOVEDIR);
		if (err)
			*err = why;
		return -1;
	}
	return err_set(err, EBUSY, "make state folder of %s: others keep removing it", id);
}

void state_unlock(int dir)
{
	flock(dir, LOCK_UN);
}

int state_relock(int dir, const char *id, struct err *err)
{
	return state_lock(dir, "container", id, err);
}

bool state_is_locked(int dir)
{
	if (flock(dir, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	flock(dir, LOCK_UN);
	return false;
}

/* Writes a new file and nothing else: for what nobody reads before the record says that it is
 * there. */
static int write_new(int dir, const char *name, const void *data, size_t size, struct err *err)
{
	auto_close int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	/* whatever the umask is, see make_dir() */
	if (fd < 0 || fchmod(fd, 0600) < 0 || fd_write_all(fd, data, size) < 0)
		return err_sys(err, "write %s in the state folder", name);
	return 0;
}

int state_write_file(int dir, const char *name, const void *data, size_t size, struct err *err)
{
	return write_new(dir, name, data, size, err);
}

int state_begin(int dir, const struct state *state, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	char *text = json_encode(&state_object, state, 0, &arena, err);

	return text ? write_new(dir, STATE_CREATING, text, strlen(text), err) : -1;
}

int state_write(int dir, const struct state *state, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	char *text = json_encode(&state_object, state, 0, &arena, err);
	char temporary[64];

	/* the lock leaves at most one writer, but an earlier one may have died half way: its pid
	 * keeps them apart */
	if (!text ||
	    str_format(temporary, sizeof(temporary), ".%s.%d", STATE_RECORD, (int)getpid()) < 0)
		return text ? err_sys(err, "write %s", STATE_RECORD) : -1;
	if (write_new(dir, temporary, text, strlen(text), err) < 0 ||
	    renameat(dir, temporary, dir, STATE_RECORD) < 0) {
		err_sys(err, "write %s in the state folder", STATE_RECORD);
		unlinkat(dir, temporary, 0);
		return -1;
	}
	return 0;
}

bool state_is_unread(const struct err *why)
{
	return why->code == EMFILE || why->code == ENFILE || why->code == ENOMEM ||
	       why->code == EINTR;
}

int state_read(int dir, struct arena *arena, struct state *state, struct err *err)
{
	const char *name =
		faccessat(dir, STATE_RECORD, F_OK, 0) == 0 ? STATE_RECORD : STATE_CREATING;
	size_t size;
	struct err why = { 0 };
	auto_free char *text = fd_slurp(dir, name, STATE_RECORD_MAX, &size, &why);

	memset(state, 0, sizeof(*state));
	if (text && json_decode(name, text, size, &state_object, state, arena, &why) == 0) {
		if (state->version == STATE_VERSION)
			return 0;
		err_set(&why, ERR_INPUT, "%s: version %u is not known", name, state->version);
	}
	if (err)
		*err = why;
	if (state_is_unread(&why))
		return -1;
	err_wrap(err, "its record is broken");
	return err_hint(err, "`masu delete --force` removes the container and what is left of it");
}

/* Removes the files of a folder, and those of folders in it (one level: notify/). */
static void empty_dir(int dir, int depth)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_closedir DIR *stream = copy < 0 ? NULL : fdopendir(copy);

	for (struct dirent *entry; stream && (entry = readdir(stream));) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(dir, entry->d_name, 0) == 0 || !depth ||
		    (errno != EISDIR && errno != EPERM))
			continue;
		auto_close int below =
			openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

		if (below >= 0)
			empty_dir(below, depth - 1);
		unlinkat(dir, entry->d_name, AT_REMOVEDIR);
	}
}

int state_remove_dir(int root, const char *id, struct err *err)
{
	auto_close int dir = openat(root, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (dir < 0)
		return errno == ENOENT ? 0 : err_sys(err, "open state folder of %s", id);
	/* what could not be removed below shows here: the folder is not empty */
	empty_dir(dir, 2);
	if (unlinkat(root, id, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_sys(err, "remove state folder of %s", id);
	return 0;
}
