/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Giving a container its own cgroup in v2, as config-linux.md, "Cgroup ownership" allows. */
#include "runtime/delegate.h"

#include <string.h>

#include "base/err.h"
#include "runtime/startup.h"

static bool has_option(const struct ns_mount_spec *mount, const char *option)
{
	for (size_t i = 0; i < mount->options.count; i++) {
		if (strcmp(JSON_ITEMS(const char *, &mount->options)[i], option) == 0)
			return true;
	}
	return false;
}

/* Only what it sees as the root of cgroups, and may write to, can be its own. */
static bool is_asked(const struct spec *spec)
{
	const struct ns_mount_spec *mounts = spec->mounts.items;

	if (!ns_is_new(&spec->linux_part.ns, NS_CGROUP))
		return false;
	for (size_t i = 0; i < spec->mounts.count; i++) {
		const char *type = mounts[i].type;

		if (strcmp(mounts[i].destination, "/sys/fs/cgroup") == 0 && type &&
		    (strcmp(type, "cgroup") == 0 || strcmp(type, "cgroup2") == 0))
			return !has_option(&mounts[i], "ro");
	}
	return false;
}

bool delegate_host_id(const struct json_list *maps, uint32_t id, uint32_t *host_id)
{
	const struct ns_id_map *map = maps->items;

	for (size_t i = 0; i < maps->count; i++) {
		if (id - map[i].container_id < map[i].size && id >= map[i].container_id) {
			*host_id = map[i].host_id + (id - map[i].container_id);
			return true;
		}
	}
	return false;
}

int delegate_cgroup(const struct startup *startup, struct err *err)
{
	const struct spec *spec = startup->spec;
	const struct ns_linux *ns = &spec->linux_part.ns;
	uint32_t uid, gid;

	/* the ids of a user namespace that is joined are not ours to guess */
	if (!is_asked(spec) || !ns_is_new(ns, NS_USER) || !spec->process)
		return 0;
	if (!delegate_host_id(&ns->uid_maps, spec->process->security.user.uid, &uid) ||
	    !delegate_host_id(&ns->gid_maps, spec->process->security.user.gid, &gid))
		return 0;
	return cgroup_delegate(startup->container->cgroup, uid, gid, err);
}
