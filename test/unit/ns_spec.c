/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The JSON rows of ns/: a document with every property is read into the structs, bad values are
 * refused by name. */
#include "ns/ns.h"

#include "base/err.h"
#include "test/unit/unit.h"

static const char document[] =
	"{ \"namespaces\": [ { \"type\": \"pid\" }, { \"type\": \"network\", \"path\": \"/run/netns/a\" } ],"
	"  \"uidMappings\": [ { \"containerID\": 0, \"hostID\": 100000, \"size\": 65536 } ],"
	"  \"gidMappings\": [ { \"containerID\": 1, \"hostID\": 4294967294, \"size\": 1 } ],"
	"  \"timeOffsets\": { \"monotonic\": { \"secs\": -5, \"nanosecs\": 7 }, \"boottime\": { \"secs\": 9 } },"
	"  \"devices\": [ { \"path\": \"/dev/fuse\", \"type\": \"c\", \"major\": 10, \"minor\": 229, \"fileMode\": 438,"
	"    \"uid\": 1, \"gid\": 2 } ],"
	"  \"rootfsPropagation\": \"slave\", \"maskedPaths\": [ \"/proc/kcore\" ], \"readonlyPaths\": [ \"/proc/sys\", \"/proc/bus\" ],"
	"  \"mountLabel\": \"a:b\", \"sysctl\": { \"net.ipv4.ip_forward\": \"1\" }, \"resources\": {} }";

static const char mount_document[] =
	"{ \"destination\": \"/data\", \"source\": \"/host\", \"type\": \"none\", \"options\": [ \"rbind\", \"ro\" ],"
	"  \"uidMappings\": [ { \"containerID\": 0, \"hostID\": 1, \"size\": 2 } ], \"gidMappings\": [] }";

/* clang-format off */
static const struct {
	const char *text, *message; /* a part of it */
} refused[] = {
	{ "{ \"namespaces\": [ { \"type\": \"net\" } ] }", "namespaces[0].type" },
	{ "{ \"namespaces\": [ { \"path\": \"/x\" } ] }", "namespaces[0].type" },
	{ "{ \"uidMappings\": [ { \"containerID\": 0, \"hostID\": 0 } ] }", "uidMappings[0].size" },
	{ "{ \"uidMappings\": [ { \"containerID\": -1, \"hostID\": 0, \"size\": 1 } ] }", "uidMappings[0].containerID" },
	{ "{ \"gidMappings\": [ { \"containerID\": 0, \"hostID\": 4294967296, \"size\": 1 } ] }", "gidMappings[0].hostID" },
	{ "{ \"devices\": [ { \"path\": \"/dev/x\" } ] }", "devices[0].type" },
	{ "{ \"timeOffsets\": { \"monotonic\": { \"nanosecs\": 1000000000 } } }", "nanosecs" },
	{ "{ \"sysctl\": { \"net.a\": 1 } }", "sysctl" },
	{ "{ \"sysctl\": { \"net.a\": \"1\\n2\" } }", "sysctl" },
	{ "{ \"maskedPaths\": \"/proc\" }", "maskedPaths" },
};

/* clang-format on */

static void test_linux(void)
{
	auto_arena struct arena arena = { 0 };
	struct ns_linux part = { 0 };
	struct err err = { 0 };

	CHECK_INT(json_decode("t", document, sizeof(document) - 1, &ns_linux_object, &part, &arena,
			      &err),
		  0);
	CHECK_TEXT(err.text, "");
	CHECK(ns_is_new(&part, NS_PID) && !ns_is_joined(&part, NS_PID));
	CHECK(!ns_is_new(&part, NS_NETWORK) && ns_is_joined(&part, NS_NETWORK));
	CHECK(!ns_is_new(&part, NS_USER) && !ns_is_joined(&part, NS_USER));
	if (part.uid_maps.count != 1 || part.gid_maps.count != 1 || part.time_offsets.count != 2 ||
	    part.devices.count != 1) {
		CHECK(!"lists are complete");
		return;
	}
	const struct ns_id_map *uid = part.uid_maps.items, *gid = part.gid_maps.items;
	const struct ns_time_offset *offsets = part.time_offsets.items;
	const struct ns_device_spec *device = part.devices.items;

	CHECK(uid->container_id == 0 && uid->host_id == 100000 && uid->size == 65536);
	CHECK(gid->container_id == 1 && gid->host_id == 4294967294 && gid->size == 1);
	CHECK_TEXT(offsets[0].clock, "monotonic");
	CHECK(offsets[0].secs.value == -5 && offsets[0].nanosecs.value == 7);
	CHECK_TEXT(offsets[1].clock, "boottime");
	CHECK(offsets[1].secs.value == 9 && !offsets[1].nanosecs.set);
	CHECK_TEXT(device->path, "/dev/fuse");
	CHECK(device->major.value == 10 && device->minor.value == 229 &&
	      device->mode.value == 0666);
	CHECK(device->uid.value == 1 && device->gid.value == 2);
	CHECK_TEXT(part.rootfs_propagation, "slave");
	CHECK_TEXT(part.mount_label, "a:b");
	CHECK_INT(part.masked_paths.count, 1);
	CHECK_INT(part.readonly_paths.count, 2);
	CHECK_INT(part.sysctl.count, 1);
	CHECK_TEXT(JSON_ITEMS(struct json_pair, &part.sysctl)[0].key, "net.ipv4.ip_forward");
}

static void test_mount(void)
{
	auto_arena struct arena arena = { 0 };
	struct ns_mount_spec mount = { 0 };
	struct ns_root_spec root = { 0 };
	struct err err = { 0 };

	CHECK_INT(json_decode("t", mount_document, sizeof(mount_document) - 1, &ns_mount_object,
			      &mount, &arena, &err),
		  0);
	CHECK_TEXT(mount.destination, "/data");
	CHECK_TEXT(mount.source, "/host");
	CHECK_TEXT(mount.type, "none");
	CHECK_INT(mount.options.count, 2);
	CHECK_INT(mount.uid_maps.count, 1);
	CHECK_INT(mount.gid_maps.count, 0);
	mount = (struct ns_mount_spec){ 0 };
	CHECK_INT(json_decode("t", "{}", 2, &ns_mount_object, &mount, &arena, &err), -1);
	CHECK(strstr(err.text, "destination") != NULL);
	CHECK_INT(json_decode("t", "{\"path\":\"r\",\"readonly\":true}", 28, &ns_root_object, &root,
			      &arena, &err),
		  0);
	CHECK(root.readonly);
	CHECK_TEXT(root.path, "r");
}

static void test_refused(void)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		auto_arena struct arena arena = { 0 };
		struct ns_linux part = { 0 };
		struct err err = { 0 };
		const char *text = refused[i].text;

		CHECK_ROW(text, json_decode("t", text, strlen(text), &ns_linux_object, &part,
					    &arena, &err) < 0);
		CHECK_ROW(text,
			  strstr(err.text, refused[i].message) != NULL && err.code == ERR_INPUT);
	}
}

int main(void)
{
	test_linux();
	test_mount();
	test_refused();
	return unit_done("ns_spec");
}
