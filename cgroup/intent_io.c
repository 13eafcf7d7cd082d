/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether weights of block devices mean anything on this host. */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/fd.h"
#include "cgroup/host.h"
#include "cgroup/intent_private.h"

enum {
	TEXT_MAX = 4096,
};

/* "8:0 enable=1 ctrl=auto ..." of the root, a line a device. */
static bool has_cost_model(struct arena *arena)
{
	struct cgroup_host host = { 0 };
	char text[TEXT_MAX];

	if (cgroup_host_read(arena, &host, NULL) < 0 || !host.count)
		return false;
	const struct cgroup_hierarchy *last = &host.hierarchies[host.count - 1];
	const char *path = arena_printf(arena, "%s/io.cost.qos", last->mount);

	return path && fd_read_file(AT_FDCWD, path, text, sizeof(text)) > 0 &&
	       strstr(text, "enable=1");
}

/* "none mq-deadline [bfq]": the one in brackets is in use. */
static bool has_bfq(void)
{
	auto_closedir DIR *disks = opendir("/sys/block");

	for (const struct dirent *entry; disks && (entry = readdir(disks));) {
		char path[sizeof(entry->d_name) + 32], text[TEXT_MAX];

		if (entry->d_name[0] != '.' &&
		    str_format(path, sizeof(path), "/sys/block/%s/queue/scheduler",
			       entry->d_name) == 0 &&
		    fd_read_file(AT_FDCWD, path, text, sizeof(text)) > 0 && strstr(text, "[bfq]"))
			return true;
	}
	return false;
}

bool cgroup_io_has_weights(struct arena *arena)
{
	return has_bfq() || has_cost_model(arena);
}
