/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The folders and records of groups; finding a group by its name or by one of its tasks. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/group.h"
#include "runtime/state.h"

#define AT(member) offsetof(struct group_record, member)

/* clang-format off */
static const struct json_row record_rows[] = {
	{ "version", JSON_UINT,   AT(version), .flags = JSON_REQUIRED | JSON_ALWAYS },
	{ "name",    JSON_TEXT,   AT(name), .flags = JSON_REQUIRED },
	{ "created", JSON_TEXT,   AT(created) },
	{ "parts",   JSON_NAMES,  AT(parts), .names = cgroup_part_names, .flags = JSON_ALWAYS },
	{ "spec",    JSON_OBJECT, AT(spec), .nested = &group_spec_object, .flags = JSON_ALWAYS },
	{ "cgroup",  JSON_OBJECT, AT(cgroup), .nested = &cgroup_state_object, .flags = JSON_ALWAYS },
};
/* clang-format on */

static const struct json_object record_object = JSON_OBJECT_OF(struct group_record, record_rows);

static int not_there(const char *name, struct err *err)
{
	return err_set(err, ERR_NOT_FOUND, "group %s does not exist", name);
}

/* The folder of all groups; -1 with ENOENT in err->code when it does not exist and `make` is off.
 */
static int open_folder(const struct masu *masu, bool make, struct err *err)
{
	auto_close int root = state_open_root(masu->root, make, err);

	if (root < 0)
		return -1;
	int folder = openat(root, GROUP_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (folder >= 0 || errno != ENOENT || !make)
		return folder < 0 ? err_sys(err, "open %s/" GROUP_FOLDER, masu->root) : folder;
	if (mkdirat(root, GROUP_FOLDER, 0700) < 0 && errno != EEXIST)
		return err_sys(err, "make %s/" GROUP_FOLDER, masu->root);
	folder = openat(root, GROUP_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return folder < 0 ? err_sys(err, "open %s/" GROUP_FOLDER, masu->root) : folder;
}

/* The folder of one group; "/" has that of all. -1 with ERR_NOT_FOUND. */
static int open_dir(int folder, const char *name, struct err *err)
{
	int dir = openat(folder, name[1] ? name + 1 : ".",
			 O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (dir < 0 && (errno == ENOENT || errno == ENOTDIR))
		return not_there(name, err);
	return dir < 0 ? err_sys(err, "open the record of group %s", name) : dir;
}

static int read_record(struct group *group, const char *file, struct err *err)
{
	size_t size;
	auto_free char *text = fd_slurp(group->dir_fd, file, STATE_RECORD_MAX, &size, err);

	memset(&group->record, 0, sizeof(group->record));
	if (!text ||
	    json_decode(file, text, size, &record_object, &group->record, &group->arena, err) < 0)
		return -1;
	if (group->record.version != GROUP_VERSION)
		return err_set(err, ERR_INPUT, "%s: version %u is not known", file,
			       group->record.version);
	return strcmp(group->record.name, group->name) == 0
		       ? 0
		       : err_set(err, ERR_INPUT, "%s: it is the record of %s", file,
				 group->record.name);
}

/* "/" has no record: all that it is stands in the kernel. */
static int become_root(struct group *group)
{
	group->is_root = true;
	group->record.name = "/";
	group->record.cgroup = group->top;
	return 0;
}

/* Everything up to the record. 1: it is "/", and done. */
static int open_named(struct masu *masu, const char *name, struct group *group, struct err *err)
{
	struct err why = { 0 };
	const char *base = "/";

	group->masu = masu;
	if (cgroup_plan_top(&group->arena, &group->top, err) < 0)
		return -1;
	if (name[0] != '/') {
		base = group_detect(masu, getpid(), &group->arena, err);
		if (!base)
			return -1;
	}
	group->name = group_resolve_name(base, name, &group->arena, err);
	if (!group->name)
		return -1;
	group->folder = open_folder(masu, false, &why);
	if (strcmp(group->name, "/") == 0)
		return become_root(group) == 0;
	if (group->folder >= 0)
		return 0;
	if (why.code == ENOENT)
		return not_there(group->name, err);
	if (err)
		*err = why;
	return -1;
}

static int open_locked(struct group *group, enum group_lock lock, struct err *err)
{
	group->dir_fd = open_dir(group->folder, group->name, err);
	if (group->dir_fd < 0)
		return -1;
	if (lock == GROUP_LOCKED)
		return state_lock(group->dir_fd, "group", group->name, err);
	return 0;
}

int group_open(struct masu *masu, const char *name, enum group_lock lock, struct group *group,
	       struct err *err)
{
	struct err why = { 0 };
	int opened = open_named(masu, name, group, err);

	if (opened)
		return opened < 0 ? -1 : 0;
	if (open_locked(group, lock, err) < 0)
		return -1;
	if (read_record(group, GROUP_RECORD, &why) == 0)
		return 0;
	if (why.code == ENOENT)
		return not_there(group->name, err);
	if (err)
		*err = why;
	if (state_is_unread(&why))
		return -1;
	err_wrap(err, "group %s: its record is broken", group->name);
	return err_hint(err, "`masu group destroy -f` removes the record and what is left");
}

int group_open_wreck(struct masu *masu, const char *name, struct group *group, struct err *err)
{
	struct err why = { 0 };
	int opened = open_named(masu, name, group, err);

	if (opened)
		return opened < 0 ? -1 : 0;
	if (open_locked(group, GROUP_LOCKED, err) < 0)
		return -1;
	if (read_record(group, GROUP_RECORD, &why) == 0 ||
	    (why.code == ENOENT && read_record(group, GROUP_CREATING, &why) == 0))
		return 0;
	memset(&group->record, 0, sizeof(group->record));
	if (!state_is_unread(&why))
		return 0;
	if (err)
		*err = why;
	return -1;
}

bool group_is_wreck(struct masu *masu, const char *name)
{
	auto_group struct group group = GROUP_INIT;
	struct err why = { 0 };

	if (group_open(masu, name, GROUP_UNLOCKED, &group, &why) == 0)
		return group_open_cgroup(&group, &why) < 0 && why.code == ERR_STATE;
	/* a create that is at work holds the lock */
	return why.code == ERR_NOT_FOUND && group.dir_fd >= 0 && !state_is_locked(group.dir_fd);
}

void group_close(struct group *group)
{
	if (group->cgroup)
		cgroup_close(group->cgroup);
	if (group->dir_fd >= 0) {
		/* a child that another thread has just forked holds the descriptor too */
		state_unlock(group->dir_fd);
		close(group->dir_fd);
	}
	if (group->folder >= 0)
		close(group->folder);
	arena_free(&group->arena);
	*group = (struct group)GROUP_INIT;
}

int group_open_cgroup(struct group *group, struct err *err)
{
	const char *dir;

	if (!group->cgroup)
		group->cgroup = cgroup_open(&group->record.cgroup, &group->arena, err);
	if (!group->cgroup)
		return -1;
	if (!cgroup_group_is_broken(group->cgroup, &dir))
		return 0;
	err_set(err, ERR_STATE, "group %s: somebody has removed its cgroup %s", group->name, dir);
	return err_hint(err, "`masu group destroy -f %s` removes what is left of it", group->name);
}

/* A file of the group's folder written whole or not at all. */
static int write_record(const struct group *group, const char *file, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	char *text = json_encode(&record_object, &group->record, 0, &arena, err);
	char temporary[64];

	if (!text || str_format(temporary, sizeof(temporary), ".new.%d", (int)getpid()) < 0)
		return -1;
	if (state_write_file(group->dir_fd, temporary, text, strlen(text), err) < 0)
		return err_wrap(err, "group %s", group->name);
	if (renameat(group->dir_fd, temporary, group->dir_fd, file) == 0)
		return 0;
	err_sys(err, "write the record of group %s", group->name);
	unlinkat(group->dir_fd, temporary, 0);
	return -1;
}

/* The last group that goes takes the folder of all with it: then that is made again. */
static int make_dir(struct group *group, struct err *err)
{
	struct stat status;

	for (;;) {
		if (group->folder < 0)
			group->folder = open_folder(group->masu, true, err);
		if (group->folder < 0)
			return -1;
		if (mkdirat(group->folder, group->name + 1, 0700) == 0)
			return 0;
		if (errno == EEXIST)
			return err_set(err, ERR_EXISTS, "group %s exists already", group->name);
		if (errno != ENOENT || fstat(group->folder, &status) < 0 || status.st_nlink)
			return err_sys(err, "make the record of group %s", group->name);
		close(take_fd(&group->folder));
	}
}

int group_begin(struct group *group, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	char *text = json_encode(&record_object, &group->record, 0, &arena, err);

	if (!text)
		return -1;
	if (make_dir(group, err) < 0)
		return -1;
	if (open_locked(group, GROUP_LOCKED, err) < 0 ||
	    state_write_file(group->dir_fd, GROUP_CREATING, text, strlen(text), err) < 0) {
		group_forget(group, NULL);
		return -1;
	}
	return 0;
}

static int rename_record(const struct group *group, const char *from, const char *to,
			 struct err *err)
{
	if (renameat(group->dir_fd, from, group->dir_fd, to) == 0)
		return 0;
	return err_sys(err, "write the record of group %s", group->name);
}

int group_finish(const struct group *group, struct err *err)
{
	return rename_record(group, GROUP_CREATING, GROUP_RECORD, err);
}

int group_retire(const struct group *group, struct err *err)
{
	if (faccessat(group->dir_fd, GROUP_RECORD, F_OK, 0) < 0 && errno == ENOENT)
		return 0;
	return rename_record(group, GROUP_RECORD, GROUP_CREATING, err);
}

int group_write(const struct group *group, struct err *err)
{
	return write_record(group, GROUP_RECORD, err);
}

/* Fails as long as there are groups, and that is right. */
static void remove_folder(const struct masu *masu)
{
	auto_close int root = state_open_root(masu->root, false, NULL);

	if (root >= 0)
		unlinkat(root, GROUP_FOLDER, AT_REMOVEDIR);
}

int group_forget(const struct group *group, struct err *err)
{
	int copy = openat(group->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_closedir DIR *stream = copy < 0 ? NULL : fdopendir(copy);

	for (struct dirent *entry; stream && (entry = readdir(stream));) {
		if (entry->d_type != DT_DIR)
			unlinkat(group->dir_fd, entry->d_name, 0);
	}
	if (unlinkat(group->folder, group->name + 1, AT_REMOVEDIR) == 0 || errno == ENOENT) {
		remove_folder(group->masu);
		return 0;
	}
	if (errno == ENOTEMPTY || errno == EEXIST)
		return err_set(err, ERR_STATE, "group %s has groups below it", group->name);
	return err_sys(err, "remove the record of group %s", group->name);
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static bool is_there(int dir, const char *part, bool wrecks)
{
	char record[GROUP_PART_MAX + sizeof(GROUP_RECORD) + 2];

	if (wrecks)
		return true;
	return str_format(record, sizeof(record), "%s/" GROUP_RECORD, part) == 0 &&
	       faccessat(dir, record, F_OK, 0) == 0;
}

int group_children(struct masu *masu, const char *name, bool wrecks, struct arena *arena,
		   struct json_list *names, struct err *err)
{
	struct err why = { 0 };
	auto_close int folder = open_folder(masu, false, &why);
	int dir = folder < 0 ? -1 : open_dir(folder, name, &why);
	auto_closedir DIR *stream = dir < 0 ? NULL : fdopendir(dir);

	names->count = 0;
	if (folder < 0 && why.code == ENOENT)
		return 0;
	if (!stream) {
		if (err)
			*err = why;
		return -1;
	}
	for (struct dirent *entry; (entry = readdir(stream));) {
		if (entry->d_name[0] == '.' || entry->d_type != DT_DIR ||
		    !is_there(dirfd(stream), entry->d_name, wrecks))
			continue;
		const char **item = json_grow(arena, names, sizeof(*item));

		if (item)
			*item = arena_printf(arena, "%s/%s", name[1] ? name : "", entry->d_name);
		if (!item || !*item)
			return err_sys(err, "list groups");
	}
	if (names->count)
		qsort(names->items, names->count, sizeof(char *), compare_names);
	return 0;
}

int group_descendants(struct masu *masu, const char *name, bool wrecks, struct arena *arena,
		      struct json_list *names, struct err *err)
{
	struct json_list children = { 0 };

	if (group_children(masu, name, wrecks, arena, &children, err) < 0)
		return -1;
	for (size_t i = 0; i < children.count; i++) {
		const char *child = JSON_ITEMS(const char *, &children)[i];
		const char **item = json_grow(arena, names, sizeof(*item));
		struct err why = { 0 };

		if (!item)
			return err_sys(err, "list groups");
		*item = child;
		/* one that has gone meanwhile has nothing below it */
		if (group_descendants(masu, child, wrecks, arena, names, &why) < 0 &&
		    why.code != ERR_NOT_FOUND) {
			if (err)
				*err = why;
			return -1;
		}
	}
	return 0;
}

/* Is there a group of this name, and is this its directory? */
static bool is_at(struct masu *masu, const char *name, const char *path)
{
	auto_group struct group group = GROUP_INIT;

	return group_check_name(name, NULL) == 0 && strcmp(name, "/") != 0 &&
	       group_open(masu, name, GROUP_UNLOCKED, &group, NULL) == 0 &&
	       strcmp(cgroup_group_path(&group.top, &group.record.cgroup), path) == 0;
}

/* The task is in the group's directory, or in one below it that is no group: a leaf, a container,
 * or what a container made. */
const char *group_detect(struct masu *masu, pid_t tid, struct arena *arena, struct err *err)
{
	static const char batch[] = "/batch";
	struct cgroup_state top;

	if (cgroup_plan_top(arena, &top, err) < 0)
		return NULL;
	const char *found = cgroup_locate_task(&top, tid, arena, err);
	char *path = found ? arena_strdup(arena, found) : NULL;

	if (!path)
		return NULL;
	for (char *slash; (slash = strrchr(path, '/')); *slash = '\0') {
		if (is_at(masu, path, path))
			return path;
		if (str_starts(path, batch) && is_at(masu, path + strlen(batch), path))
			return path + strlen(batch);
	}
	return "/";
}
