/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MEMORY_PRESSURE_WATCH and MEMORY_PRESSURE_WRITE, as systemd documents them for its services. */
#include "runtime/pressure.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "runtime/delegate.h"

enum {
	STALL_MS = 200,
	WINDOW_MS = 2000, /* multiples of this need no privilege (psi.rst) */
};

/* RFC 4648; `text` has room for 4 characters for each 3 bytes begun, and a NUL. */
static void encode(const char *data, size_t size, char *text)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < size; i += 3) {
		size_t have = size - i < 3 ? size - i : 3;
		unsigned int bits = 0;

		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 | (k < have ? (unsigned char)data[i + k] : 0U);
		for (size_t k = 0; k < 4; k++)
			*text++ = k <= have ? letters[bits >> (18 - 6 * k) & 63] : '=';
	}
	*text = '\0';
}

/* Where the spec mounts the container's cgroups; the topmost one counts. */
static const char *find_mount(const struct spec *spec)
{
	const struct ns_mount_spec *mounts = spec->mounts.items;

	for (size_t i = spec->mounts.count; i--;) {
		const char *type = mounts[i].type;

		if (type && (strcmp(type, "cgroup") == 0 || strcmp(type, "cgroup2") == 0))
			return mounts[i].destination;
	}
	return NULL;
}

/* The v2 directory on the host, and its name below the container's mount ("unified" on a hybrid
 * host, else ""). */
static int find_directory(struct creation *creation, const struct cgroup_mount **found,
			  struct err *err)
{
	struct container *container = &creation->container;
	struct cgroup_mount *mounts;
	size_t count;

	if (container_open_cgroup(container, err) < 0 ||
	    cgroup_mounts(container->cgroup, &container->arena, &mounts, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (!mounts[i].v2)
			continue;
		*found = &mounts[i];
		return 0;
	}
	return err_set(err, ERR_UNSUPPORTED,
		       "masu.memoryPressure: this host has no cgroup v2, which measures it");
}

static int add_mount(struct creation *creation, const char *source, const char *destination,
		     struct err *err)
{
	static const char *options[] = { "bind", "rw", "nosuid", "noexec", "nodev", "private" };
	struct ns_mount_spec *mount =
		json_grow(&creation->container.arena, &creation->spec.mounts, sizeof(*mount));

	if (!mount || !source || !destination)
		return err_sys(err, "masu.memoryPressure");
	*mount = (struct ns_mount_spec){
		.destination = destination,
		.source = source,
		.type = "bind",
		.options = { options, sizeof(options) / sizeof(*options) },
	};
	return 0;
}

static int add_environment(struct creation *creation, const char *watched,
			   const struct spec_pressure *pressure, struct err *err)
{
	struct arena *arena = &creation->container.arena;
	unsigned int stall_ms = pressure->stall_ms ? pressure->stall_ms : STALL_MS;
	unsigned int window_ms = pressure->window_ms ? pressure->window_ms : WINDOW_MS;
	char trigger[64], text[sizeof(trigger) / 3 * 4 + 8];

	/* the NUL at its end belongs to what is written */
	int length = snprintf(trigger, sizeof(trigger), "%s %u000 %u000",
			      pressure->full ? "full" : "some", stall_ms, window_ms);

	encode(trigger, (size_t)length + 1, text);
	const char *texts[] = {
		arena_printf(arena, "MEMORY_PRESSURE_WATCH=%s", watched),
		arena_printf(arena, "MEMORY_PRESSURE_WRITE=%s", text),
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		const char **entry = json_grow(arena, &creation->spec.process->env, sizeof(*entry));

		if (!entry || !texts[i])
			return err_sys(err, "masu.memoryPressure");
		*entry = texts[i];
	}
	return 0;
}

int pressure_prepare(struct creation *creation, struct err *err)
{
	const struct spec_pressure *pressure = &creation->spec.masu.memory_pressure;
	struct arena *arena = &creation->container.arena;
	const struct cgroup_mount *directory;

	if (!pressure->present || !creation->spec.process)
		return 0;
	const char *mount = find_mount(&creation->spec);

	if (!mount) {
		err_set(err, ERR_INPUT,
			"masu.memoryPressure: the container does not see its cgroup");
		return err_hint(err, "add a mount of type cgroup on /sys/fs/cgroup");
	}
	if (find_directory(creation, &directory, err) < 0)
		return -1;
	const char *source = arena_printf(arena, "%s/memory.pressure", directory->host_path);
	const char *watched = arena_printf(arena, "%s%s%s/memory.pressure", mount,
					   *directory->name ? "/" : "", directory->name);

	if (add_mount(creation, source, watched, err) < 0)
		return -1;
	return add_environment(creation, watched, pressure, err);
}

int pressure_give(struct startup *startup, struct err *err)
{
	const struct spec *spec = startup->spec;
	const struct ns_linux *ns = &spec->linux_part.ns;

	if (!spec->masu.memory_pressure.present || !spec->process)
		return 0;
	uint32_t uid = spec->process->security.user.uid, gid = spec->process->security.user.gid;

	if (ns_is_new(ns, NS_USER) && (!delegate_host_id(&ns->uid_maps, uid, &uid) ||
				       !delegate_host_id(&ns->gid_maps, gid, &gid)))
		return 0;
	return cgroup_give_pressure(startup->container->cgroup, uid, gid, err);
}
