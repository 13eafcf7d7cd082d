/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The properties of config.json that ns/ owns, as rows, and questions about the namespaces asked
 * for. */
#include <stddef.h>

#include "ns/ns.h"

const struct name ns_type_names[] = {
	{ "user", NS_USER },       { "pid", NS_PID },   { "mount", NS_MOUNT },
	{ "network", NS_NETWORK }, { "ipc", NS_IPC },   { "uts", NS_UTS },
	{ "cgroup", NS_CGROUP },   { "time", NS_TIME }, { NULL, 0 },
};

#define ID_MAX    4294967295
#define NANOS_MAX 999999999
#define SECS_MAX  9223372036854775807

/* clang-format off */
static const struct json_row id_map_rows[] = {
	{ "containerID", JSON_UINT, offsetof(struct ns_id_map, container_id), .flags = JSON_REQUIRED, .max = ID_MAX },
	{ "hostID",      JSON_UINT, offsetof(struct ns_id_map, host_id),      .flags = JSON_REQUIRED, .max = ID_MAX },
	{ "size",        JSON_UINT, offsetof(struct ns_id_map, size),         .flags = JSON_REQUIRED, .max = ID_MAX },
};
static const struct json_object id_map_object = JSON_OBJECT_OF(struct ns_id_map, id_map_rows);

static const struct json_row namespace_rows[] = {
	{ "type", JSON_NAME, offsetof(struct ns_namespace_spec, type), .names = ns_type_names, .flags = JSON_REQUIRED },
	{ "path", JSON_TEXT, offsetof(struct ns_namespace_spec, path), .flags = JSON_CLEAN },
};
static const struct json_object namespace_object = JSON_OBJECT_OF(struct ns_namespace_spec, namespace_rows);

static const struct json_row time_offset_rows[] = {
	{ "secs",     JSON_I64, offsetof(struct ns_time_offset, secs), .min = -SECS_MAX, .max = SECS_MAX },
	{ "nanosecs", JSON_U64, offsetof(struct ns_time_offset, nanosecs), .max = NANOS_MAX },
};
static const struct json_object time_offset_object = JSON_OBJECT_OF(struct ns_time_offset, time_offset_rows);

static const struct json_row device_rows[] = {
	{ "path",     JSON_TEXT, offsetof(struct ns_device_spec, path), .flags = JSON_REQUIRED | JSON_CLEAN | JSON_NOT_EMPTY },
	{ "type",     JSON_TEXT, offsetof(struct ns_device_spec, type), .flags = JSON_REQUIRED | JSON_CLEAN },
	{ "major",    JSON_I64,  offsetof(struct ns_device_spec, major) },
	{ "minor",    JSON_I64,  offsetof(struct ns_device_spec, minor) },
	{ "fileMode", JSON_U64,  offsetof(struct ns_device_spec, mode), .max = ID_MAX },
	{ "uid",      JSON_U64,  offsetof(struct ns_device_spec, uid),  .max = ID_MAX - 1 },
	{ "gid",      JSON_U64,  offsetof(struct ns_device_spec, gid),  .max = ID_MAX - 1 },
};
static const struct json_object device_object = JSON_OBJECT_OF(struct ns_device_spec, device_rows);

static const struct json_row mount_rows[] = {
	{ "destination", JSON_TEXT,  offsetof(struct ns_mount_spec, destination), .flags = JSON_REQUIRED | JSON_NOT_EMPTY },
	{ "source",      JSON_TEXT,  offsetof(struct ns_mount_spec, source) },
	{ "type",        JSON_TEXT,  offsetof(struct ns_mount_spec, type),    .flags = JSON_CLEAN },
	{ "options",     JSON_TEXTS, offsetof(struct ns_mount_spec, options), .flags = JSON_CLEAN },
	{ "uidMappings", JSON_LIST,  offsetof(struct ns_mount_spec, uid_maps), &id_map_object },
	{ "gidMappings", JSON_LIST,  offsetof(struct ns_mount_spec, gid_maps), &id_map_object },
};
const struct json_object ns_mount_object = JSON_OBJECT_OF(struct ns_mount_spec, mount_rows);

static const struct json_row root_rows[] = {
	{ "path",     JSON_TEXT, offsetof(struct ns_root_spec, path) },
	{ "readonly", JSON_BOOL, offsetof(struct ns_root_spec, readonly) },
};
const struct json_object ns_root_object = JSON_OBJECT_OF(struct ns_root_spec, root_rows);

static const struct json_row linux_rows[] = {
	{ "namespaces",        JSON_LIST,     offsetof(struct ns_linux, namespaces),   &namespace_object },
	{ "uidMappings",       JSON_LIST,     offsetof(struct ns_linux, uid_maps),     &id_map_object },
	{ "gidMappings",       JSON_LIST,     offsetof(struct ns_linux, gid_maps),     &id_map_object },
	{ "timeOffsets",       JSON_MAP,      offsetof(struct ns_linux, time_offsets), &time_offset_object },
	{ "devices",           JSON_LIST,     offsetof(struct ns_linux, devices),      &device_object },
	{ "rootfsPropagation", JSON_TEXT,     offsetof(struct ns_linux, rootfs_propagation), .flags = JSON_CLEAN },
	{ "maskedPaths",       JSON_TEXTS,    offsetof(struct ns_linux, masked_paths) },
	{ "readonlyPaths",     JSON_TEXTS,    offsetof(struct ns_linux, readonly_paths) },
	{ "mountLabel",        JSON_TEXT,     offsetof(struct ns_linux, mount_label),  .flags = JSON_CLEAN },
	{ "sysctl",            JSON_MAP_TEXT, offsetof(struct ns_linux, sysctl),       .flags = JSON_CLEAN },
};
const struct json_object ns_linux_object = JSON_OBJECT_OF(struct ns_linux, linux_rows);

/* clang-format on */

static const struct ns_namespace_spec *find(const struct ns_linux *linux_part, enum ns_type type)
{
	const struct json_list *list = &linux_part->namespaces;

	for (size_t i = 0; i < list->count; i++) {
		const struct ns_namespace_spec *one =
			&JSON_ITEMS(struct ns_namespace_spec, list)[i];

		if (one->type == (int)type)
			return one;
	}
	return NULL;
}

bool ns_is_new(const struct ns_linux *linux_part, enum ns_type type)
{
	const struct ns_namespace_spec *found = find(linux_part, type);

	return found && (!found->path || !*found->path);
}

bool ns_is_joined(const struct ns_linux *linux_part, enum ns_type type)
{
	const struct ns_namespace_spec *found = find(linux_part, type);

	return found && found->path && *found->path;
}
