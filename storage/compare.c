/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The comparison of two trees: everywhere, or at the paths that a driver named. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"
#include "base/sys.h"
#include "storage/candidates.h"
#include "storage/storage.h"
#include "storage/store.h"
#include "storage/tree.h"

struct comparison {
	int base, child;
	struct change_list *changes;
	struct err *err;
};

static int emit(struct comparison *c, char kind, const char *path)
{
	struct change_list *list = c->changes;

	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		struct storage_change *grown = arena_alloc(list->arena, room * sizeof(*grown));

		if (!grown)
			return err_sys(c->err, "list changes");
		if (list->count)
			memcpy(grown, list->items, list->count * sizeof(*grown));
		list->items = grown;
		list->room = room;
	}
	const char *copy = arena_strdup(list->arena, path);

	if (!copy)
		return err_sys(c->err, "list changes");
	list->items[list->count++] = (struct storage_change){ kind, copy };
	return 0;
}

static int open_dir(int dir, const char *name)
{
	return openat(dir, *name ? name : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Returns false and keeps errno for real failures; a missing entry is all zeroes. */
static bool look(int dir, const char *name, struct stat *st)
{
	*st = (struct stat){ 0 };
	if (dir < 0 || fstatat(dir, *name ? name : ".", st, AT_SYMLINK_NOFOLLOW) == 0)
		return true;
	return errno == ENOENT;
}

static int compare_by_name(const void *left, const void *right)
{
	return strcmp(((const struct xattr *)left)->name, ((const struct xattr *)right)->name);
}

/* Overlay's own marks are how it stores a tree, not part of the tree. */
static size_t drop_private(struct xattr *xattrs, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (!str_starts(xattrs[i].name, "trusted.overlay."))
			xattrs[kept++] = xattrs[i];
	}
	if (kept)
		qsort(xattrs, kept, sizeof(*xattrs), compare_by_name);
	return kept;
}

/* 1: equal, 0: not, -1: error. */
static int same_xattrs(int base, int child, const char *name, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct xattr *old, *new;
	size_t old_count, new_count;

	if (xattrs_read(base, name, &arena, &old, &old_count, err) < 0 ||
	    xattrs_read(child, name, &arena, &new, &new_count, err) < 0)
		return -1;
	old_count = drop_private(old, old_count);
	new_count = drop_private(new, new_count);
	if (old_count != new_count)
		return 0;
	for (size_t i = 0; i < old_count; i++) {
		if (strcmp(old[i].name, new[i].name) != 0 || old[i].size != new[i].size ||
		    memcmp(old[i].value, new[i].value, old[i].size) != 0)
			return 0;
	}
	return 1;
}

static bool same_target(int base, int child, const char *name)
{
	char old[PATH_MAX], new[PATH_MAX];
	ssize_t old_length = readlinkat(base, name, old, sizeof(old));
	ssize_t new_length = readlinkat(child, name, new, sizeof(new));

	return old_length >= 0 && old_length == new_length &&
	       memcmp(old, new, (size_t)old_length) == 0;
}

static bool same_stat(const struct stat *old, const struct stat *new)
{
	bool is_device = S_ISCHR(new->st_mode) || S_ISBLK(new->st_mode);

	return old->st_mode == new->st_mode && old->st_uid == new->st_uid &&
	       old->st_gid == new->st_gid && (!is_device || old->st_rdev == new->st_rdev) &&
	       (S_ISDIR(new->st_mode) || old->st_size == new->st_size) &&
	       old->st_mtim.tv_sec == new->st_mtim.tv_sec &&
	       old->st_mtim.tv_nsec == new->st_mtim.tv_nsec;
}

static int same_entry(struct comparison *c, int base, int child, const char *name,
		      const struct stat *old, const struct stat *new)
{
	if (!same_stat(old, new) || (S_ISLNK(new->st_mode) && !same_target(base, child, name)))
		return 0;
	return same_xattrs(base, child, name, c->err);
}

static int compare_dirs(struct comparison *c, int base, int child, const char *path);

/* `deep`: go into directories that both have. Sets *whole when nothing below needs another look. */
static int compare_entry(struct comparison *c, int base, int child, const char *name,
			 const char *path, bool deep, bool *whole)
{
	struct stat old, new;
	int same = 0;

	if (!look(base, name, &old) || !look(child, name, &new))
		return err_sys(c->err, "compare %s", path);
	bool both_dirs = S_ISDIR(old.st_mode) && S_ISDIR(new.st_mode);

	*whole = !both_dirs || deep;
	if (!new.st_mode)
		return old.st_mode ? emit(c, 'D', path) : 0;
	if (old.st_mode)
		same = same_entry(c, base, child, name, &old, &new);
	if (same < 0)
		return -1;
	if (!same && emit(c, old.st_mode ? 'C' : 'A', path) < 0)
		return -1;
	if (!S_ISDIR(new.st_mode) || (both_dirs && !deep))
		return 0;
	auto_close int old_dir = both_dirs ? open_dir(base, name) : -1;
	auto_close int new_dir = open_dir(child, name);

	if (new_dir < 0 || (both_dirs && old_dir < 0))
		return err_sys(c->err, "open %s", path);
	return compare_dirs(c, old_dir, new_dir, path);
}

static int compare_dirs(struct comparison *c, int base, int child, const char *path)
{
	auto_arena struct arena arena = { 0 };
	char **old = NULL, **new, below[PATH_MAX];
	size_t old_count = 0, new_count, i = 0, j = 0;
	bool whole;

	if ((base >= 0 && store_list_dir(base, ".", &arena, &old, &old_count, c->err) < 0) ||
	    store_list_dir(child, ".", &arena, &new, &new_count, c->err) < 0)
		return err_wrap(c->err, "compare %s", path);
	while (i < old_count || j < new_count) {
		int order = i == old_count ? 1 : j == new_count ? -1 : strcmp(old[i], new[j]);
		const char *name = order <= 0 ? old[i] : new[j];

		i += order <= 0;
		j += order >= 0;
		if (str_format(below, sizeof(below), "%s%s%s", path, *path ? "/" : "", name) < 0)
			return err_sys(c->err, "compare %s", path);
		if (compare_entry(c, base, child, name, below, true, &whole) < 0)
			return -1;
	}
	return 0;
}

/* Path order in which a directory's content follows it at once: '/' sorts before every other byte.
 */
static int compare_paths(const char *left, const char *right)
{
	while (*left && *left == *right) {
		left++;
		right++;
	}
	unsigned char l = *left == '/' ? 1 : (unsigned char)*left;
	unsigned char r = *right == '/' ? 1 : (unsigned char)*right;

	return l - r;
}

static int compare_candidates(const void *left, const void *right)
{
	return compare_paths(((const struct candidate *)left)->path,
			     ((const struct candidate *)right)->path);
}

static int compare_changes(const void *left, const void *right)
{
	return compare_paths(((const struct storage_change *)left)->path,
			     ((const struct storage_change *)right)->path);
}

static bool is_below(const char *path, const char *dir)
{
	size_t length = strlen(dir);

	return strncmp(path, dir, length) == 0 && path[length] == '/';
}

/* The directory that holds `path`; -1 with ENOENT or ENOTDIR when this tree does not have it. */
static int open_parent(int root, const char *path, const char **name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX];

	*name = slash ? slash + 1 : path;
	if (!slash)
		return open_dir(root, ".");
	if (str_format(parent, sizeof(parent), "%.*s", (int)(slash - path), path) < 0)
		return -1;
	return sys_openat2(root, parent, &how);
}

static int compare_path(struct comparison *c, const struct candidate *candidate, bool *whole)
{
	const char *name;
	auto_close int child = open_parent(c->child, candidate->path, &name);

	if (child < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
		return err_sys(c->err, "open %s", candidate->path);
	if (child < 0)
		return 0; /* went with a directory above it */
	auto_close int base = open_parent(c->base, candidate->path, &name);

	if (base < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
		return err_sys(c->err, "open %s", candidate->path);
	return compare_entry(c, base, child, name, candidate->path, candidate->replaced, whole);
}

static int compare_at(struct comparison *c, struct candidates *set)
{
	const char *covered = NULL;

	if (set->count)
		qsort(set->items, set->count, sizeof(*set->items), compare_candidates);
	for (size_t i = 0; i < set->count; i++) {
		struct candidate *candidate = &set->items[i];
		bool whole = false;

		if (i + 1 < set->count && strcmp(candidate->path, candidate[1].path) == 0) {
			candidate[1].replaced |= candidate->replaced;
			continue;
		}
		if (covered && is_below(candidate->path, covered))
			continue;
		if (compare_path(c, candidate, &whole) < 0)
			return -1;
		if (whole && *candidate->path)
			covered = candidate->path;
	}
	return 0;
}

int tree_compare(int base, int child, struct candidates *set, struct change_list *changes,
		 struct err *err)
{
	struct comparison comparison = {
		.base = base, .child = child, .changes = changes, .err = err
	};
	bool whole;
	int result = set ? compare_at(&comparison, set)
			 : compare_entry(&comparison, base, child, "", "", true, &whole);

	if (result == 0 && changes->count)
		qsort(changes->items, changes->count, sizeof(*changes->items), compare_changes);
	return result;
}
