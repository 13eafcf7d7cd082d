/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where in a hierarchy a container's directory can be: what is ours to write, by privilege or by
 * delegation. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"
#include "cgroup/manager.h"

static bool is_writable(const char *dir, const char *file)
{
	char path[PATH_MAX];

	return str_format(path, sizeof(path), "%s/%s", dir, file) == 0 &&
	       faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0;
}

/* Our own directory; NULL when it lies outside what the mount shows. */
static const char *own_dir(struct cgroup_host *host, struct cgroup_hierarchy *hierarchy,
			   struct arena *arena)
{
	if (!hierarchy->own[0] && cgroup_host_read_own(arena, host, NULL) < 0)
		return NULL;
	return cgroup_host_own_dir(hierarchy, arena);
}

/* The part of two paths that both begin with, whole names only. */
static const char *common_dir(const char *left, const char *right, struct arena *arena)
{
	size_t length = 0, end = 0;

	for (; left[length] && left[length] == right[length]; length++) {
		if (left[length] == '/')
			end = length;
	}
	if ((!left[length] || left[length] == '/') && (!right[length] || right[length] == '/'))
		end = length;
	return arena_strndup(arena, left, end);
}

/* In v2 a process comes in only when the directory above both its old and its new one is ours to
 * write, too. */
static bool may_enter(struct cgroup_host *host, struct cgroup_hierarchy *hierarchy, const char *dir,
		      struct arena *arena)
{
	if (!hierarchy->v2 || is_writable(hierarchy->mount, "cgroup.procs"))
		return true;
	const char *own = own_dir(host, hierarchy, arena);
	const char *common = own ? common_dir(own, dir, arena) : NULL;

	return common && is_writable(common, "cgroup.procs");
}

const char *cgroup_choose_base(struct cgroup_host *host, struct cgroup_hierarchy *hierarchy,
			       struct arena *arena)
{
	if (is_writable(hierarchy->mount, "") &&
	    may_enter(host, hierarchy, hierarchy->mount, arena))
		return hierarchy->mount;
	const char *own = own_dir(host, hierarchy, arena);

	if (!own || strlen(own) <= strlen(hierarchy->mount))
		return NULL;
	const char *slash = strrchr(own, '/');
	const char *parent = arena_strndup(arena, own, (size_t)(slash - own));

	if (parent && is_writable(parent, "") && may_enter(host, hierarchy, parent, arena))
		return parent;
	return is_writable(own, "") && may_enter(host, hierarchy, own, arena) ? own : NULL;
}

bool cgroup_may_make(struct cgroup_host *host, struct cgroup_hierarchy *hierarchy, const char *path,
		     struct arena *arena)
{
	char *dir = arena_printf(arena, "%s%s", hierarchy->mount, path);
	size_t mount = strlen(hierarchy->mount);

	if (!dir || !may_enter(host, hierarchy, dir, arena))
		return false;
	/* the nearest directory that there is */
	while (strlen(dir) > mount && access(dir, F_OK) < 0)
		*strrchr(dir, '/') = '\0';
	return is_writable(dir, "");
}
