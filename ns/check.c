/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ns_check(): what can be refused by looking at the specification alone. */
#include "ns/check.h"

#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "ns/ns.h"
#include "ns/options.h"

enum {
	ID_MAP_LINES_MAX = 340, /* kernel: UID_GID_MAP_MAX_EXTENTS */
	HOST_NAME_MAX_BYTES = 64,
	DEVICE_MAJOR_MAX = 4095,
	DEVICE_MINOR_MAX = 1048575,
};

static int check_namespaces(const struct ns_linux *linux_part, struct err *err)
{
	const struct json_list *list = &linux_part->namespaces;
	unsigned int seen = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct ns_namespace_spec *one =
			&JSON_ITEMS(struct ns_namespace_spec, list)[i];
		const char *name = names_text(ns_type_names, one->type);

		if (seen & (1u << one->type))
			return err_set(err, ERR_INPUT,
				       "linux.namespaces[%zu].type: \"%s\" is there twice", i,
				       name);
		seen |= 1u << one->type;
		if (one->path && *one->path && *one->path != '/')
			return err_set(
				err, ERR_INPUT,
				"linux.namespaces[%zu].path: \"%.200s\" is not an absolute path", i,
				one->path);
	}
	return 0;
}

static bool overlaps(uint32_t left, uint32_t left_size, uint32_t right, uint32_t right_size)
{
	return left < (uint64_t)right + right_size && right < (uint64_t)left + left_size;
}

int ns_check_id_maps(const char *field, const struct json_list *maps, struct err *err)
{
	const struct ns_id_map *map = maps->items;

	if (maps->count > ID_MAP_LINES_MAX)
		return err_set(err, ERR_INPUT, "%s: %zu mappings, the kernel takes at most %d",
			       field, maps->count, ID_MAP_LINES_MAX);
	for (size_t i = 0; i < maps->count; i++) {
		if (!map[i].size)
			return err_set(err, ERR_INPUT, "%s[%zu].size: it must not be 0", field, i);
		if ((uint64_t)map[i].container_id + map[i].size > UINT32_MAX ||
		    (uint64_t)map[i].host_id + map[i].size > UINT32_MAX)
			return err_set(err, ERR_INPUT, "%s[%zu]: the range goes beyond 4294967294",
				       field, i);
		for (size_t j = 0; j < i; j++) {
			if (overlaps(map[i].container_id, map[i].size, map[j].container_id,
				     map[j].size) ||
			    overlaps(map[i].host_id, map[i].size, map[j].host_id, map[j].size))
				return err_set(err, ERR_INPUT, "%s[%zu]: it overlaps %s[%zu]",
					       field, i, field, j);
		}
	}
	return 0;
}

static int check_user(const struct ns_linux *linux_part, struct err *err)
{
	const char *other = linux_part->uid_maps.count ? "uidMappings" : "gidMappings";

	if (ns_check_id_maps("linux.uidMappings", &linux_part->uid_maps, err) < 0 ||
	    ns_check_id_maps("linux.gidMappings", &linux_part->gid_maps, err) < 0)
		return -1;
	if (!linux_part->uid_maps.count && !linux_part->gid_maps.count)
		return 0;
	if (!ns_is_new(linux_part, NS_USER) && !ns_is_joined(linux_part, NS_USER))
		return err_set(
			err, ERR_INPUT,
			"linux.%s: it needs a user namespace, which linux.namespaces does not have",
			other);
	if (!linux_part->uid_maps.count || !linux_part->gid_maps.count)
		return err_set(err, ERR_INPUT,
			       "linux.%s: uidMappings and gidMappings must be given together",
			       other);
	return 0;
}

static int check_time(const struct ns_linux *linux_part, struct err *err)
{
	const struct json_list *list = &linux_part->time_offsets;

	for (size_t i = 0; i < list->count; i++) {
		const struct ns_time_offset *offset = &JSON_ITEMS(struct ns_time_offset, list)[i];

		if (strcmp(offset->clock, "monotonic") != 0 &&
		    strcmp(offset->clock, "boottime") != 0)
			return err_set(
				err, ERR_INPUT,
				"linux.timeOffsets.%.60s: the clocks are \"monotonic\" and \"boottime\"",
				offset->clock);
	}
	if (list->count && !ns_is_new(linux_part, NS_TIME))
		return err_set(
			err, ERR_INPUT,
			"linux.timeOffsets: it needs a new time namespace in linux.namespaces");
	return 0;
}

uint32_t ns_device_type(char letter)
{
	static const struct {
		char letter;
		uint32_t type;
	} types[] = { { 'c', S_IFCHR }, { 'u', S_IFCHR }, { 'b', S_IFBLK }, { 'p', S_IFIFO } };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (types[i].letter == letter)
			return types[i].type;
	return 0;
}

static int check_device(const struct ns_device_spec *device, size_t number, struct err *err)
{
	if (*device->path != '/' || path_has_dotdot(device->path) || str_ends(device->path, "/"))
		return err_set(
			err, ERR_INPUT,
			"linux.devices[%zu].path: \"%.200s\" is not an absolute path of a file",
			number, device->path);
	if (strlen(device->type) != 1 || !strchr("cbup", *device->type))
		return err_set(err, ERR_INPUT,
			       "linux.devices[%zu].type: \"%.20s\" is none of c, b, u, p", number,
			       device->type);
	/* podman writes the whole st_mode: type bits that say what `type` says are welcome */
	if (device->mode.value > 07777 &&
	    (device->mode.value & ~07777ULL) != ns_device_type(*device->type))
		return err_set(err, ERR_INPUT,
			       "linux.devices[%zu].fileMode: %llu is more than 07777", number,
			       (unsigned long long)device->mode.value);
	if (*device->type == 'p')
		return 0;
	if (!device->major.set || !device->minor.set)
		return err_set(err, ERR_INPUT,
			       "linux.devices[%zu].%s: it is missing, type \"%s\" needs it", number,
			       device->major.set ? "minor" : "major", device->type);
	if (device->major.value < 0 || device->major.value > DEVICE_MAJOR_MAX)
		return err_set(err, ERR_INPUT,
			       "linux.devices[%zu].major: %lld is not within 0 and %d", number,
			       (long long)device->major.value, DEVICE_MAJOR_MAX);
	if (device->minor.value < 0 || device->minor.value > DEVICE_MINOR_MAX)
		return err_set(err, ERR_INPUT,
			       "linux.devices[%zu].minor: %lld is not within 0 and %d", number,
			       (long long)device->minor.value, DEVICE_MINOR_MAX);
	return 0;
}

static int check_devices(const struct ns_linux *linux_part, struct err *err)
{
	for (size_t i = 0; i < linux_part->devices.count; i++) {
		if (check_device(&JSON_ITEMS(struct ns_device_spec, &linux_part->devices)[i], i,
				 err) < 0)
			return -1;
	}
	return 0;
}

static int check_paths(const char *field, const struct json_list *paths, struct err *err)
{
	for (size_t i = 0; i < paths->count; i++) {
		const char *path = JSON_ITEMS(const char *, paths)[i];

		if (*path != '/')
			return err_set(err, ERR_INPUT,
				       "linux.%s[%zu]: \"%.200s\" is not an absolute path", field,
				       i, path);
	}
	return 0;
}

static int check_root(const struct ns_request *request, struct err *err)
{
	const char *word = request->linux_part->rootfs_propagation;
	uint64_t value;

	if (request->rootfs_fd < 0 &&
	    (!request->root || !request->root->path || !*request->root->path))
		return err_set(err, ERR_INPUT, "root.path: it is missing");
	if (word && *word && !ns_propagation_find(word, &value)) {
		err_set(err, ERR_INPUT, "linux.rootfsPropagation: \"%.60s\" is not a propagation",
			word);
		return err_hint(
			err,
			"one of shared, slave, private, unbindable, or the same with r in front");
	}
	return 0;
}

static int check_name(const char *field, const char *name, const struct ns_linux *linux_part,
		      struct err *err)
{
	if (!name || !*name)
		return 0;
	if (strlen(name) > HOST_NAME_MAX_BYTES)
		return err_set(err, ERR_INPUT, "%s: it is longer than %d bytes", field,
			       HOST_NAME_MAX_BYTES);
	if (!str_is_clean(name))
		return err_set(err, ERR_INPUT, "%s: it has a control character", field);
	if (!ns_is_new(linux_part, NS_UTS) && !ns_is_joined(linux_part, NS_UTS))
		return err_set(err, ERR_INPUT,
			       "%s: it needs a uts namespace, which linux.namespaces does not have",
			       field);
	return 0;
}

/* Without a mount namespace of its own the container shares one: whatever we mounted would be
 * mounted there. */
static int check_shared_mounts(const struct ns_request *request, struct err *err)
{
	const struct ns_linux *linux_part = request->linux_part;

	const struct {
		const char *field;
		bool asked;
	} rows[] = {
		{ "mounts", request->mounts && request->mounts->count },
		{ "linux.maskedPaths", linux_part->masked_paths.count },
		{ "linux.readonlyPaths", linux_part->readonly_paths.count },
		{ "linux.devices", linux_part->devices.count },
		{ "linux.rootfsPropagation",
		  linux_part->rootfs_propagation && *linux_part->rootfs_propagation },
		{ "root.readonly", request->root && request->root->readonly },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (rows[i].asked)
			return err_set(err, ERR_INPUT,
				       "%s: it needs a new mount namespace in linux.namespaces",
				       rows[i].field);
	}
	return 0;
}

int ns_check(const struct ns_request *request, struct err *err)
{
	const struct ns_linux *linux_part = request->linux_part;

	if (check_namespaces(linux_part, err) < 0 || check_user(linux_part, err) < 0 ||
	    check_time(linux_part, err) < 0 || check_devices(linux_part, err) < 0)
		return -1;
	if (check_paths("maskedPaths", &linux_part->masked_paths, err) < 0 ||
	    check_paths("readonlyPaths", &linux_part->readonly_paths, err) < 0)
		return -1;
	if (check_root(request, err) < 0 ||
	    check_name("hostname", request->hostname, linux_part, err) < 0 ||
	    check_name("domainname", request->domainname, linux_part, err) < 0)
		return -1;
	if (ns_check_sysctls(linux_part, err) < 0)
		return -1;
	if (!ns_is_new(linux_part, NS_MOUNT))
		return check_shared_mounts(request, err);
	return ns_check_mounts(request, err);
}
