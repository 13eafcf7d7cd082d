/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of scopes from linux.cgroupsPath, limits and annotations as properties of a unit. */
#include "cgroup/unit.h"

#include <inttypes.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "cgroup/cgroup.h"
#include "cgroup/resources.h"
#include "test/unit/unit.h"

/* "slice scope dir", or what the message has. */
struct name_row {
	const char *path, *id;
	const char *want;
};

/* "Name=value;" for each property; a mask in hexadecimal, byte after byte. */
struct limit_row {
	const char *json, *want;
};

struct annotation_row {
	const char *key, *value;
	const char *want; /* as above; or what the message has */
};

/* clang-format off */
static const struct name_row names[] = {
	{ NULL, "web1", "system.slice masu-web1.scope /system.slice/masu-web1.scope" },
	{ "", "web1", "system.slice masu-web1.scope /system.slice/masu-web1.scope" },
	{ NULL, "a+b", "system.slice masu-a\\x2bb.scope /system.slice/masu-a\\x2bb.scope" },
	{ ":cri:ab12", "x", "system.slice cri-ab12.scope /system.slice/cri-ab12.scope" },
	{ "machine.slice:libpod:1", "x", "machine.slice libpod-1.scope /machine.slice/libpod-1.scope" },
	{ "kube-pod-a_b.slice:p:n", "x", "kube-pod-a_b.slice p-n.scope /kube.slice/kube-pod.slice/kube-pod-a_b.slice/p-n.scope" },
	{ "a.b-c.slice:p:n", "x", "a.b-c.slice p-n.scope /a.b.slice/a.b-c.slice/p-n.scope" },
	{ "-:p:n", "x", "-.slice p-n.scope /p-n.scope" },
	{ "-.slice:p:n", "x", "-.slice p-n.scope /p-n.scope" },
	{ "::memory", "x", "system.slice memory.scope /system.slice/_memory.scope" },
	{ "cpu.slice::n.scope", "x", "cpu.slice n.scope /_cpu.slice/n.scope" },
	{ "::_n", "x", "system.slice _n.scope /system.slice/__n.scope" },
	{ "/a/b", "x", "is not slice:prefix:name" },
	{ "a:b", "x", "is not slice:prefix:name" },
	{ "a:b:c:d", "x", "is not slice:prefix:name" },
	{ "system:p:n", "x", "the slice's name" },
	{ "a--b.slice:p:n", "x", "the slice's name" },
	{ "-a.slice:p:n", "x", "the slice's name" },
	{ "a-.slice:p:n", "x", "the slice's name" },
	{ ".slice:p:n", "x", "the slice's name" },
	{ "a/b.slice:p:n", "x", "the slice's name" },
	{ "..slice:p:n", "x", "..slice p-n.scope /_..slice/p-n.scope" },
	{ "a.slice:p:", "x", "needs a scope's name" },
	{ "a.slice:p:n.slice", "x", "needs a scope's name" },
	{ "a.slice:p:n/../../m", "x", "has a character" },
	{ "a.slice:p/q:n", "x", "has a character" },
	{ "a.slice:p:n\nm", "x", "has a character" },
};

static const struct limit_row limits[] = {
	{ "{}", "" },
	{ "{\"memory\":{\"limit\":67108864,\"reservation\":1048576,\"swap\":67108865}}", "MemoryMax=67108864;MemorySwapMax=1;MemoryLow=1048576;" },
	{ "{\"memory\":{\"limit\":-1}}", "MemoryMax=18446744073709551615;MemorySwapMax=18446744073709551615;" },
	{ "{\"cpu\":{\"shares\":512}}", "CPUWeight=59;" },
	{ "{\"cpu\":{\"shares\":512,\"idle\":1}}", "CPUWeight=0;" },
	{ "{\"cpu\":{\"quota\":50000,\"period\":100000}}", "CPUQuotaPerSecUSec=500000;CPUQuotaPeriodUSec=100000;" },
	{ "{\"cpu\":{\"quota\":33333,\"period\":100000}}", "CPUQuotaPerSecUSec=340000;CPUQuotaPeriodUSec=100000;" },
	{ "{\"cpu\":{\"quota\":33333}}", "CPUQuotaPerSecUSec=340000;" },
	{ "{\"cpu\":{\"quota\":-1}}", "CPUQuotaPerSecUSec=18446744073709551615;" },
	{ "{\"cpu\":{\"cpus\":\"0-1,9\",\"mems\":\"0\"}}", "AllowedCPUs=0302;AllowedMemoryNodes=01;" },
	{ "{\"pids\":{\"limit\":100}}", "TasksMax=100;" },
	{ "{\"pids\":{\"limit\":-1}}", "TasksMax=18446744073709551615;" },
	{ "{\"pids\":{\"limit\":0}}", "" },
	{ "{\"blockIO\":{\"weight\":500}}", "IOWeight=4950;" },
	{ "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":0,\"minor\":0,\"rate\":5}]}}", "" },
	{ "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":0}]}", "" },
	{ "{\"unified\":{\"memory.high\":\"1G\",\"memory.min\":\"12k\",\"cpu.max\":\"max 50000\",\"io.weight\":\"default 77\"}}",
	  "MemoryHigh=1073741824;MemoryMin=12288;CPUQuotaPerSecUSec=18446744073709551615;CPUQuotaPeriodUSec=50000;IOWeight=77;" },
	{ "{\"unified\":{\"memory.oom.group\":\"1\",\"pids.max\":\"max\"}}", "OOMPolicy=kill;TasksMax=18446744073709551615;" },
	{ "{\"unified\":{\"memory.max\":\"lots\",\"memory.low\":\"1X\",\"memory.high\":\"99999999999T\",\"cpu.max\":\"1 0\",\"cpu.weight\":\"\"}}", "" },
};

static const struct annotation_row annotations[] = {
	{ "com.example.note", "'x'", "" },
	{ "org.systemd.property.CollectMode", "'inactive'", "CollectMode=inactive;" },
	{ "org.systemd.property.TimeoutStopUSec", "uint64 5000000", "TimeoutStopUSec=5000000;" },
	{ "org.systemd.property.TimeoutStopSec", "7", "TimeoutStopUSec=7000000;" },
	{ "org.systemd.property.SendSIGKILL", "false", "SendSIGKILL=0;" },
	{ "org.systemd.property.TimeoutStopSec", "99999999999999999", "is not a value" },
	{ "org.systemd.property.TimeoutStopSec", "'soon'", "is not a value" },
	{ "org.systemd.property.CollectMode", "inactive", "is not a value" },
	{ "org.systemd.property.CollectMode", "'a' 'b'", "is not a value" },
	{ "org.systemd.property.CollectMode", "'", "is not a value" },
	{ "org.systemd.property.SendSIGKILL", "maybe", "is not a value" },
	{ "org.systemd.property.MemoryMax", "uint64 1", "may not set this property" },
	{ "org.systemd.property.ExecStopPost", "'/bin/sh'", "may not set this property" },
	{ "org.systemd.property.", "''", "may not set this property" },
};

/* clang-format on */

static void check_name(const struct name_row *row)
{
	auto_arena struct arena arena = { 0 };
	struct unit_name name = { 0 };
	struct err err = { 0 };
	char text[512];

	if (unit_name_parse(row->path, row->id, "system.slice", &arena, &name, &err) == 0) {
		snprintf(text, sizeof(text), "%s %s %s", name.slice, name.scope, name.dir);
		CHECK_TEXT(text, row->want);
	} else {
		CHECK_INT(err.code, ERR_INPUT);
		CHECK_ROW(row->want, strstr(err.text, row->want));
		CHECK_ROW(row->want, strncmp(err.text, "linux.cgroupsPath: ", 19) == 0);
	}
}

static void show(const struct unit_properties *properties, char *text, size_t size)
{
	const struct unit_property *items = properties->list.items;
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < properties->list.count; i++) {
		length += (size_t)snprintf(text + length, size - length, "%s=", items[i].name);
		if (items[i].type == UNIT_TEXT)
			length +=
				(size_t)snprintf(text + length, size - length, "%s", items[i].text);
		else if (items[i].type != UNIT_MASK)
			length += (size_t)snprintf(text + length, size - length, "%" PRIu64,
						   items[i].number);
		for (size_t byte = 0; byte < items[i].length; byte++)
			length += (size_t)snprintf(text + length, size - length, "%02x",
						   items[i].bytes[byte]);
		length += (size_t)snprintf(text + length, size - length, ";");
	}
}

static void check_limit(const struct limit_row *row)
{
	auto_arena struct arena arena = { 0 };
	struct unit_properties properties = { .arena = &arena };
	struct cgroup_resources resources = { 0 };
	char text[1024];

	CHECK_INT(json_decode("row", row->json, strlen(row->json), &cgroup_resources_object,
			      &resources, &arena, NULL),
		  0);
	CHECK_INT(unit_limits(&resources, NULL, &properties, NULL), 0);
	show(&properties, text, sizeof(text));
	CHECK_TEXT(text, row->want);
}

static void check_annotation(const struct annotation_row *row)
{
	auto_arena struct arena arena = { 0 };
	struct unit_properties properties = { .arena = &arena };
	struct json_pair pair = { row->key, row->value };
	const struct json_list list = { &pair, 1 };
	struct err err = { 0 };
	char text[256];

	if (unit_annotations(&list, &properties, &err) == 0) {
		show(&properties, text, sizeof(text));
		CHECK_TEXT(text, row->want);
	} else {
		CHECK_INT(err.code, ERR_INPUT);
		CHECK_ROW(row->value, strstr(err.text, row->want));
		CHECK_ROW(row->value, strstr(err.text, row->key));
	}
}

static void check_long_names(void)
{
	auto_arena struct arena arena = { 0 };
	struct unit_name name;
	struct err err = { 0 };
	char id[257];

	memset(id, 'n', sizeof(id));
	id[255 - strlen("masu-.scope")] = '\0';
	CHECK_INT(unit_name_parse(NULL, id, "system.slice", &arena, &name, &err), 0);
	id[255 - strlen("masu-.scope")] = 'n';
	id[256 - strlen("masu-.scope")] = '\0';
	CHECK_INT(unit_name_parse(NULL, id, "system.slice", &arena, &name, &err), -1);
	CHECK(strstr(err.text, "255 bytes"));
}

int main(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		check_name(&names[i]);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		check_limit(&limits[i]);
	for (size_t i = 0; i < sizeof(annotations) / sizeof(annotations[0]); i++)
		check_annotation(&annotations[i]);
	check_long_names();
	return unit_done("cgroup_unit");
}
