/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ns_check(): every refusal with its message, and what must be accepted. */
#include "ns/check.h"

#include "base/err.h"
#include "ns/ns.h"
#include "test/unit/unit.h"

#define LIST(array)                                                                                \
	{                                                                                          \
		.items = (void *)(array), .count = sizeof(array) / sizeof(*(array))                \
	}
#define TEXTS(...) LIST(((const char *[]){ __VA_ARGS__ }))
#define MAPS(...)  LIST(((struct ns_id_map[]){ __VA_ARGS__ }))
#define MOUNT(...)                                                                                 \
	{                                                                                          \
		.mounts = LIST(((struct ns_mount_spec[]){ { __VA_ARGS__ } }))                      \
	}
#define LINUX(...)                                                                                 \
	{                                                                                          \
		.linux_part = { __VA_ARGS__ }                                                      \
	}
#define SPACES(...)  LIST(((struct ns_namespace_spec[]){ __VA_ARGS__ }))
#define DEVICE(...)  LINUX(.devices = LIST(((struct ns_device_spec[]){ { __VA_ARGS__ } })))
#define SYSCTL(name) LIST(((struct json_pair[]){ { name, "1" } }))
#define SET(number)                                                                                \
	{                                                                                          \
		.set = true, .value = (number)                                                     \
	}

/* Everything that a row changes; the rest is a container with a mount namespace and a root. */
struct parts {
	struct ns_linux linux_part;
	struct json_list mounts;
	const char *hostname;
	bool bare;          /* no namespaces but those listed */
	bool rootless_root; /* no root.path */
};

struct row {
	const char *message; /* NULL: accepted */
	struct parts parts;
};

/* clang-format off */
static const struct row rows[] = {
	{ NULL, { .bare = false } },
	{ "root.path: it is missing", { .rootless_root = true } },

	{ "linux.namespaces[1].type: \"pid\" is there twice",
	  LINUX(.namespaces = SPACES({ NS_PID, NULL }, { NS_PID, NULL })) },
	{ "linux.namespaces[0].path: \"proc/1/ns/net\" is not an absolute path",
	  LINUX(.namespaces = SPACES({ NS_NETWORK, "proc/1/ns/net" })) },

	{ "linux.uidMappings: it needs a user namespace, which linux.namespaces does not have",
	  LINUX(.uid_maps = MAPS({ 0, 1000, 1 }), .gid_maps = MAPS({ 0, 1000, 1 })) },
	{ "linux.uidMappings: uidMappings and gidMappings must be given together",
	  LINUX(.namespaces = SPACES({ NS_USER, NULL }, { NS_MOUNT, NULL }), .uid_maps = MAPS({ 0, 1000, 1 })) },
	{ "linux.gidMappings: uidMappings and gidMappings must be given together",
	  LINUX(.namespaces = SPACES({ NS_USER, NULL }, { NS_MOUNT, NULL }), .gid_maps = MAPS({ 0, 1000, 1 })) },
	{ "linux.uidMappings[0].size: it must not be 0", LINUX(.uid_maps = MAPS({ 0, 0, 0 })) },
	{ "linux.gidMappings[1]: it overlaps linux.gidMappings[0]", LINUX(.gid_maps = MAPS({ 0, 1000, 10 }, { 9, 5000, 10 })) },
	{ "linux.gidMappings[1]: it overlaps linux.gidMappings[0]", LINUX(.gid_maps = MAPS({ 0, 1000, 10 }, { 100, 1009, 1 })) },
	{ "linux.uidMappings[0]: the range goes beyond 4294967294", LINUX(.uid_maps = MAPS({ 1, 0, 4294967295 })) },
	{ "linux.uidMappings[0]: the range goes beyond 4294967294", LINUX(.uid_maps = MAPS({ 0, 4294967295, 1 })) },
	{ NULL, LINUX(.namespaces = SPACES({ NS_USER, NULL }, { NS_MOUNT, NULL }),
		      .uid_maps = MAPS({ 0, 0, 4294967295 }), .gid_maps = MAPS({ 0, 1000, 10 }, { 10, 1010, 10 })) },

	{ "linux.timeOffsets: it needs a new time namespace in linux.namespaces",
	  LINUX(.time_offsets = LIST(((struct ns_time_offset[]){ { .clock = "boottime" } }))) },
	{ "linux.timeOffsets.realtime: the clocks are \"monotonic\" and \"boottime\"",
	  LINUX(.time_offsets = LIST(((struct ns_time_offset[]){ { .clock = "realtime" } }))) },

	{ "linux.devices[0].path: \"dev/x\" is not an absolute path of a file", DEVICE("dev/x", "c", SET(1), SET(3)) },
	{ "linux.devices[0].path: \"/dev/../x\" is not an absolute path of a file", DEVICE("/dev/../x", "c", SET(1), SET(3)) },
	{ "linux.devices[0].type: \"a\" is none of c, b, u, p", DEVICE("/dev/x", "a") },
	{ "linux.devices[0].major: it is missing, type \"c\" needs it", DEVICE("/dev/x", "c") },
	{ "linux.devices[0].minor: it is missing, type \"b\" needs it", DEVICE("/dev/x", "b", .major = SET(1)) },
	{ "linux.devices[0].major: -1 is not within 0 and 4095", DEVICE("/dev/x", "c", SET(-1), SET(3)) },
	{ "linux.devices[0].minor: 1048576 is not within 0 and 1048575", DEVICE("/dev/x", "c", SET(1), SET(1048576)) },
	{ "linux.devices[0].fileMode: 4096 is more than 07777", DEVICE("/dev/x", "c", SET(1), SET(3), SET(4096)) },
	{ "linux.devices[0].fileMode: 25008 is more than 07777", DEVICE("/dev/x", "c", SET(1), SET(3), SET(060660)) },
	{ NULL, DEVICE("/dev/x", "c", SET(1), SET(3), SET(020660)) },
	{ NULL, DEVICE("/dev/pipe", "p") },

	{ "linux.maskedPaths[0]: \"proc/kcore\" is not an absolute path", LINUX(.masked_paths = TEXTS("proc/kcore")) },
	{ "linux.readonlyPaths[1]: \"\" is not an absolute path", LINUX(.readonly_paths = TEXTS("/proc", "")) },
	{ "linux.rootfsPropagation: \"shard\" is not a propagation", LINUX(.rootfs_propagation = "shard") },
	{ NULL, LINUX(.rootfs_propagation = "rslave") },

	{ "hostname: it needs a uts namespace, which linux.namespaces does not have", { .hostname = "box" } },
	{ "hostname: it has a control character",
	  { .hostname = "a\nb", .linux_part = { .namespaces = SPACES({ NS_UTS, NULL }) } } },
	{ "hostname: it is longer than 64 bytes",
	  { .hostname = "0123456789012345678901234567890123456789012345678901234567890123x" } },
	{ NULL, { .hostname = "box", .linux_part = { .namespaces = SPACES({ NS_UTS, NULL }, { NS_MOUNT, NULL }) } } },

	{ "linux.sysctl.net.ipv4.ip_forward: it needs a network namespace, which linux.namespaces does not have",
	  LINUX(.sysctl = SYSCTL("net.ipv4.ip_forward")) },
	{ "linux.sysctl.kernel.shmmax: it needs a ipc namespace, which linux.namespaces does not have",
	  LINUX(.sysctl = SYSCTL("kernel.shmmax")) },
	{ "linux.sysctl.fs/mqueue/msg_max: it needs a ipc namespace, which linux.namespaces does not have",
	  LINUX(.sysctl = SYSCTL("fs/mqueue/msg_max")) },
	{ "linux.sysctl.kernel.hostname: not allowed", LINUX(.sysctl = SYSCTL("kernel.hostname")) },
	{ "linux.sysctl.kernel/hostname: not allowed", LINUX(.sysctl = SYSCTL("kernel/hostname")) },
	{ "linux.sysctl.kernel.core_pattern: it belongs to no namespace, so it would change the host",
	  LINUX(.sysctl = SYSCTL("kernel.core_pattern")) },
	{ "linux.sysctl.vm.overcommit_memory: it belongs to no namespace, so it would change the host",
	  LINUX(.sysctl = SYSCTL("vm.overcommit_memory")) },
	{ "linux.sysctl.user.max_pid_namespaces: it needs a user namespace, which linux.namespaces does not have",
	  LINUX(.namespaces = SPACES({ NS_USER, "/proc/1/ns/user" }), .sysctl = SYSCTL("user.max_pid_namespaces")) },
	{ "linux.sysctl.net/../kernel/core_pattern: it is not a sysctl name",
	  LINUX(.namespaces = SPACES({ NS_NETWORK, NULL }), .sysctl = SYSCTL("net/../kernel/core_pattern")) },
	{ "linux.sysctl.net..ipv4: it is not a sysctl name", LINUX(.sysctl = SYSCTL("net..ipv4")) },
	{ "linux.sysctl.net: it is not a sysctl name", LINUX(.sysctl = SYSCTL("net")) },
	{ NULL, LINUX(.namespaces = SPACES({ NS_NETWORK, NULL }, { NS_MOUNT, NULL }), .sysctl = SYSCTL("net.ipv4.ip_forward")) },
	{ NULL, LINUX(.namespaces = SPACES({ NS_IPC, NULL }, { NS_MOUNT, NULL }), .sysctl = SYSCTL("kernel/shmmax")) },
	{ NULL, LINUX(.namespaces = SPACES({ NS_UTS, NULL }, { NS_MOUNT, NULL }), .sysctl = SYSCTL("kernel.domainname")) },

	{ "mounts: it needs a new mount namespace in linux.namespaces",
	  { .bare = true, .mounts = LIST(((struct ns_mount_spec[]){ { .destination = "/proc", .type = "proc" } })) } },
	{ "linux.maskedPaths: it needs a new mount namespace in linux.namespaces",
	  { .bare = true, .linux_part = { .masked_paths = TEXTS("/proc/kcore") } } },
	{ "linux.readonlyPaths: it needs a new mount namespace in linux.namespaces",
	  { .bare = true, .linux_part = { .namespaces = SPACES({ NS_MOUNT, "/proc/1/ns/mnt" }), .readonly_paths = TEXTS("/proc") } } },
	{ NULL, { .bare = true } },

	{ NULL, MOUNT(.destination = "/proc", .type = "proc") },
	{ NULL, MOUNT(.destination = "tmp", .type = "tmpfs") },
	{ NULL, MOUNT(.destination = "/data", .source = "data", .options = TEXTS("rbind", "rprivate")) },
	{ NULL, MOUNT(.destination = "/data", .source = "data", .type = "bind") },
	{ NULL, MOUNT(.destination = "/proc/cpuinfo", .source = "/x", .options = TEXTS("bind")) },
	{ NULL, MOUNT(.destination = "//proc/./meminfo", .source = "/x", .options = TEXTS("bind")) },
	{ NULL, MOUNT(.destination = "/", .options = TEXTS("remount", "ro")) },
	{ NULL, MOUNT(.destination = "/dev/pts", .type = "devpts", .options = TEXTS("newinstance", "gid=5")) },
	{ "mounts[0].destination: \"/\" is the root itself", MOUNT(.destination = "/", .type = "tmpfs") },
	{ "mounts[0].destination: \"/a/../b\" has a \"..\"", MOUNT(.destination = "/a/../b", .type = "tmpfs") },
	{ "mounts[0].destination: nothing may be mounted on /proc/self/attr",
	  MOUNT(.destination = "/proc/self/attr", .type = "tmpfs") },
	{ "mounts[0].destination: nothing may be mounted on //proc/./sys",
	  MOUNT(.destination = "//proc/./sys", .source = "/x", .options = TEXTS("bind")) },
	{ "mounts[0].destination: nothing may be mounted on proc/stat/x", MOUNT(.destination = "proc/stat/x", .type = "tmpfs") },
	{ "mounts[0].type: /proc must be of type \"proc\", not \"tmpfs\"", MOUNT(.destination = "/proc", .type = "tmpfs") },
	{ "mounts[0].source: it is missing, a bind mount needs it", MOUNT(.destination = "/a", .options = TEXTS("bind")) },
	{ "mounts[0].type: it is missing, and the options have no \"bind\"", MOUNT(.destination = "/a", .source = "/b") },
	{ "mounts[0].options: \"rslav\" is not an option of a bind mount (/a)",
	  MOUNT(.destination = "/a", .source = "/b", .options = TEXTS("bind", "rslav")) },
	{ "mounts[0].options: \"tmpcopyup\" is for type \"tmpfs\"",
	  MOUNT(.destination = "/a", .type = "ramfs", .options = TEXTS("tmpcopyup")) },
	{ "mounts[0].options: \"idmap\" without uidMappings, gidMappings or a user namespace",
	  MOUNT(.destination = "/a", .source = "/b", .options = TEXTS("bind", "idmap")) },
	{ "mounts[0].uidMappings: uidMappings and gidMappings must be given together",
	  MOUNT(.destination = "/a", .source = "/b", .options = TEXTS("bind", "idmap"), .uid_maps = MAPS({ 0, 1, 1 })) },
	{ "mounts[0].gidMappings[0].size: it must not be 0",
	  MOUNT(.destination = "/a", .source = "/b", .options = TEXTS("bind"), .uid_maps = MAPS({ 0, 1, 1 }),
		.gid_maps = MAPS({ 0, 1, 0 })) },
	{ NULL, MOUNT(.destination = "/a", .source = "/b", .options = TEXTS("bind", "idmap"), .uid_maps = MAPS({ 0, 1, 1 }),
		      .gid_maps = MAPS({ 0, 1, 1 })) },
};

static const struct {
	const char *key, *path; /* NULL: not a key */
} keys[] = {
	{ "net.ipv4.ip_forward", "net/ipv4/ip_forward" },
	{ "net/ipv4/ip_forward", "net/ipv4/ip_forward" },
	{ "net.ipv4.conf.eth0/1.forwarding", "net/ipv4/conf/eth0.1/forwarding" },
	{ "net/ipv4/conf/eth0.1/forwarding", "net/ipv4/conf/eth0.1/forwarding" },
	{ "kernel.a\nb", NULL }, { "", NULL }, { "net", NULL }, { ".net.a", NULL }, { "/net/a", NULL },
	{ "net.a.", NULL }, { "net/../a", NULL }, { "net/./a", NULL }, { "net.//.a", NULL },
};

/* clang-format on */

static void test_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		struct ns_namespace_spec spaces[] = { { NS_MOUNT, NULL } };
		struct ns_linux linux_part = row->parts.linux_part;
		struct ns_root_spec root = { .path = row->parts.rootless_root ? NULL : "rootfs" };
		struct ns_request request = { .linux_part = &linux_part,
					      .root = &root,
					      .mounts = &row->parts.mounts,
					      .hostname = row->parts.hostname,
					      .bundle = "/bundle",
					      .rootfs_fd = -1 };
		struct err err = { 0 };
		const char *name = row->message ? row->message : "accepted";

		if (!linux_part.namespaces.count && !row->parts.bare)
			linux_part.namespaces = (struct json_list){ .items = spaces, .count = 1 };
		int result = ns_check(&request, &err);

		CHECK_ROW(name, result == (row->message ? -1 : 0));
		if (result < 0) {
			CHECK_TEXT(err.text, name);
			CHECK_ROW(name, err.code == ERR_INPUT);
		}
	}
}

static void test_many_maps(void)
{
	struct ns_id_map maps[341];
	struct json_list list = { .items = maps, .count = 340 };
	struct err err;

	for (uint32_t i = 0; i < 341; i++)
		maps[i] = (struct ns_id_map){ 2 * i, 2 * i + 100000, 1 };
	CHECK_INT(ns_check_id_maps("m", &list, &err), 0);
	list.count = 341;
	CHECK_INT(ns_check_id_maps("m", &list, &err), -1);
	CHECK_TEXT(err.text, "m: 341 mappings, the kernel takes at most 340");
}

static void test_keys(void)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		bool valid = ns_sysctl_path(keys[i].key, path);

		CHECK_ROW(keys[i].key, valid == (keys[i].path != NULL));
		CHECK_ROW(keys[i].key, !valid || !keys[i].path || strcmp(path, keys[i].path) == 0);
	}
}

int main(void)
{
	test_rows();
	test_many_maps();
	test_keys();
	return unit_done("ns_check");
}
