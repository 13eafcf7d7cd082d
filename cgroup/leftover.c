/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is found under names of ours, for the collection of leftovers. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/host.h"
#include "cgroup/manager.h"

static const char own_prefix[] = "masu-"; /* cgroup.c chooses it */

static int each_in(const char *parent, int (*found)(const char *dir, const char *id, void *data),
		   void *data, struct err *err)
{
	auto_closedir DIR *stream = opendir(parent);

	if (!stream)
		return errno == ENOENT ? 0 : err_sys(err, "open %s", parent);
	for (const struct dirent *entry; (entry = readdir(stream));) {
		char dir[PATH_MAX];

		if (entry->d_type != DT_DIR || !str_starts(entry->d_name, own_prefix) ||
		    str_format(dir, sizeof(dir), "%s/%s", parent, entry->d_name) < 0)
			continue;
		int result = found(dir, entry->d_name + strlen(own_prefix), data);

		if (result)
			return result;
	}
	return 0;
}

int cgroup_each_leftover(int (*found)(const char *dir, const char *id, void *data), void *data,
			 struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct cgroup_host host = { 0 };

	if (cgroup_host_read(&arena, &host, err) < 0)
		return -1;
	for (size_t i = 0; i < host.count; i++) {
		const char *base =
			host.hierarchies[i].read_only
				? NULL
				: cgroup_choose_base(&host, &host.hierarchies[i], &arena);

		if (!base)
			continue;
		int result = each_in(base, found, data, err);

		if (result)
			return result;
	}
	return 0;
}

bool cgroup_dir_is_empty(const char *dir)
{
	auto_close int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int procs = fd < 0 ? -1 : openat(fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	char first;

	return procs >= 0 && read(procs, &first, 1) == 0;
}
