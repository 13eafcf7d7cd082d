/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups without a kernel: names, specs in JSON and in lmctfy's words, what replacing sets back. */
#include "runtime/group.h"

#include "base/err.h"
#include "runtime/lmctfy_spec.h"
#include "test/unit/unit.h"

/* clang-format off */
static const struct {
	const char *base, *given, *meant; /* NULL: refused */
} names[] = {
	{ "/", "/", "/" },
	{ "/", "/a", "/a" },
	{ "/", "//a///b/", "/a/b" },
	{ "/", "/a/./b/../c", "/a/c" },
	{ "/", "a", "/a" },
	{ "/a", "b", "/a/b" },
	{ "/a", ".", "/a" },
	{ "/a", "", "/a" },
	{ "/a/b", "..", "/a" },
	{ "/a/b", "../../c", "/c" },
	{ "/a", "..", "/" },
	{ "/", "/A0_.-x", "/A0_.-x" },
	{ "/", "..", NULL },
	{ "/a", "../..", NULL },
	{ "/", "/a/../..", NULL },
	{ "/", "/.a", NULL },
	{ "/", "/-a", NULL },
	{ "/", "/_a", NULL },
	{ "/", "/a b", NULL },
	{ "/", "/a\n", NULL },
	{ "/", "/a:b", NULL },
	{ "/", "/batch", NULL },
	{ "/", "/batch/a", NULL },
	{ "/", "/a/batch", "/a/batch" },
	{ "/", "/batches", "/batches" },
	{ "/", "/masu-a", NULL },
	{ "/", "/a/masu-b", NULL },
	{ "/", "/masua", "/masua" },
};

/* What lmctfy's words come to, as JSON, and which parts they name. */
static const struct {
	const char *text;
	unsigned int parts;
	const char *json;
} specs[] = {
	{ "", 0, "{}" },
	{ "{}", 0, "{}" },
	{ "cpu {}", CGROUP_PART_CPU, "{}" },
	{ "{\"cpu\": {}}", CGROUP_PART_CPU, "{}" },
	{ "{\"memory\": {}, \"pids\": 5}", CGROUP_PART_MEMORY | CGROUP_PART_PIDS, "{\"pids\":{\"max\":5}}" },
	{ "cpu:{ max_limit:100 }", CGROUP_PART_CPU, "{\"cpu\":{\"max\":\"100m\"}}" },
	{ "cpu { limit: 500 scheduling_latency: NORMAL }", CGROUP_PART_CPU, "{\"cpu\":{\"share\":\"500m\",\"class\":\"normal\"}}" },
	{ "cpu { mask { data: 5 } }", CGROUP_PART_CPU | CGROUP_PART_CPUSET, "{\"cpu\":{\"mask\":\"0,2\"}}" },
	/* the last word has the first CPUs */
	{ "cpu { mask { data: 1 data: 2 } }", CGROUP_PART_CPU | CGROUP_PART_CPUSET, "{\"cpu\":{\"mask\":\"1,64\"}}" },
	{ "memory { limit: 1048577 }", CGROUP_PART_MEMORY, "{\"memory\":{\"max\":1048577}}" },
	{ "memory { limit: 1048577 max_limit: 2097153 }", CGROUP_PART_MEMORY, "{\"memory\":{\"max\":2097153,\"soft\":1048577}}" },
	{ "memory { limit: 1048577 swap_limit: 1048578 reservation: 7 }", CGROUP_PART_MEMORY,
	  "{\"memory\":{\"max\":1048577,\"guarantee\":7,\"swap\":1}}" },
	{ "memory { eviction_priority: 9 }", CGROUP_PART_MEMORY, "{\"evictionPriority\":9}" },
	{ "blockio { device_limit_set { default_limit: 50 } }", CGROUP_PART_IO, "{\"io\":{\"weight\":500}}" },
	{ "blockio { max_device_limit_set { max_limits { op_type: READ limit_type: BYTES_PER_SECOND "
	  "limits { device { major: 8 minor: 0 } limit: 1023 } } max_limits { op_type: WRITE limit_type: IO_PER_SECOND "
	  "limits { device { major: 8 minor: 0 } limit: 7 } } } }", CGROUP_PART_IO,
	  "{\"io\":{\"devices\":[{\"device\":\"8:0\",\"read\":1023,\"writeOps\":7}]}}" },
	{ "device { restrictions_set { restrictions { permission: DENY type: DEVICE_ALL } "
	  "restrictions { permission: ALLOW type: DEVICE_CHAR access: READ access: WRITE major: 1 } } }", CGROUP_PART_DEVICES,
	  "{\"devices\":[{\"allow\":false,\"type\":\"a\"},{\"allow\":true,\"type\":\"c\",\"access\":\"rw\",\"major\":1}]}" },
	{ "owner: 5 owner_group: 6 children_limit: 7 filesystem { fd_limit: 8 } monitoring { enable_perf_counters: true }",
	  CGROUP_PART_PERF, "{\"owner\":5,\"ownerGroup\":6,\"children\":7,\"openFiles\":8,\"perf\":true}" },
};

static const struct {
	const char *text, *message;
	int code;
} refused[] = {
	{ "cpu { max_limit: 3 }", "cpu.max: 3m is below 4m", ERR_INPUT },
	{ "cpu { max_limit: 4294967296 }", "cpu.max_limit: 4294967296 is out of range", ERR_INPUT },
	{ "cpu { limit: 200 max_limit: 100 }", "cpu.max: 100m is below cpu.share, 200m", ERR_INPUT },
	{ "cpu { mask {} }", "no CPU is in it", ERR_INPUT },
	{ "memory { limit: -2 }", "memory.limit: -2 is out of range", ERR_INPUT },
	{ "memory { swap_limit: 5 }", "memory.swap_limit", ERR_INPUT },
	{ "memory { limit: 10 swap_limit: 5 }", "memory.swap_limit", ERR_INPUT },
	{ "memory { eviction_priority: 10001 }", "memory.eviction_priority", ERR_INPUT },
	{ "memory { dirty {} }", "memory.dirty", ERR_UNSUPPORTED },
	{ "memory { stale_page_age: 1 }", "memory.stale_page_age", ERR_UNSUPPORTED },
	{ "memory { kmem_charge_usage: false }", "kmem_charge_usage", ERR_UNSUPPORTED },
	{ "blockio { device_limit_set { default_limit: 101 } }", "within 1 to 100", ERR_INPUT },
	{ "blockio { device_limit_set { device_limits { limit: 5 } } }", "needs major and minor", ERR_INPUT },
	{ "blockio { max_device_limit_set { max_limits { op_type: READ } } }", "op_type and limit_type", ERR_INPUT },
	{ "device { restrictions_set { restrictions { type: DEVICE_CHAR } } }", "permission and type", ERR_INPUT },
	{ "device { restrictions_set { restrictions { type: DEVICE_CHAR permission: ALLOW } } }", "access is needed", ERR_INPUT },
	{ "device { restrictions_set { restrictions { type: DEVICE_CHAR permission: ALLOW access: READ access: READ } } }", "each once", ERR_INPUT },
	{ "owner: -1", "owner: -1 is out of range", ERR_INPUT },
	{ "filesystem { fd_limit: 0 }", "fd_limit", ERR_INPUT },
	{ "virtual_host {}", "virtual_host", ERR_UNSUPPORTED },
	{ "{\"disk\": 5}", "disk", ERR_INPUT },
	{ "{\"cpu\": \"1x\"}", "unknown unit", ERR_INPUT },
	{ "{\"evictionPriority\": 10001}", "evictionPriority", ERR_INPUT },
	{ "{\"openFiles\": 0}", "openFiles", ERR_INPUT },
};

/* Before, what replaces it, and what the kernel is then told. */
static const struct {
	const char *before, *now, *told;
} resets[] = {
	{ "{\"cpu\": \"500m\"}", "{\"cpu\": {}}", "{\"cpu\":{\"max\":\"max\"}}" },
	{ "{\"cpu\": {\"share\": \"2\"}}", "{\"cpu\": \"3\"}", "{\"cpu\":{\"max\":\"3000m\",\"share\":\"1000m\"}}" },
	{ "{\"memory\": {\"max\": 1048577, \"guarantee\": 7}}", "{\"memory\": {\"guarantee\": 5}}", "{\"memory\":{\"max\":\"max\",\"guarantee\":5}}" },
	{ "{\"pids\": 5}", "{\"pids\": 6}", "{\"pids\":{\"max\":6}}" },
	{ "{\"io\": {\"devices\": [{\"device\": \"8:0\", \"read\": 1023}]}}", "{\"io\": {}}",
	  "{\"io\":{\"devices\":[{\"device\":\"8:0\",\"read\":\"max\"}]}}" },
};

/* clang-format on */

static void check_names(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct arena arena = { 0 };
		struct err err = { 0 };
		const char *meant = group_resolve_name(names[i].base, names[i].given, &arena, &err);

		CHECK_ROW(names[i].given, !meant == !names[i].meant);
		if (meant && names[i].meant)
			CHECK_TEXT(meant, names[i].meant);
		if (!meant)
			CHECK_INT(err.code, ERR_INPUT);
		arena_free(&arena);
	}
}

static int read_spec(const char *text, struct arena *arena, struct group_spec *spec,
		     unsigned int *parts, struct err *err)
{
	const struct spec_text given = { "spec", text, strlen(text) };

	return group_spec_read(&given, arena, spec, parts, err);
}

static void check_specs(void)
{
	for (size_t i = 0; i < sizeof(specs) / sizeof(*specs); i++) {
		struct arena arena = { 0 };
		struct group_spec spec = { 0 };
		struct err err = { 0 };
		unsigned int parts = 0;

		CHECK_ROW(specs[i].text,
			  read_spec(specs[i].text, &arena, &spec, &parts, &err) == 0);
		CHECK_TEXT(err.text, "");
		CHECK_INT(parts, specs[i].parts);
		CHECK_TEXT(json_encode(&group_spec_object, &spec, 0, &arena, &err), specs[i].json);
		arena_free(&arena);
	}
}

static void check_refused(void)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct arena arena = { 0 };
		struct group_spec spec = { 0 };
		struct err err = { 0 };
		unsigned int parts;

		CHECK_ROW(refused[i].text,
			  read_spec(refused[i].text, &arena, &spec, &parts, &err) == -1);
		CHECK_ROW(refused[i].text, strstr(err.text, refused[i].message));
		CHECK_INT(err.code, refused[i].code);
		arena_free(&arena);
	}
}

static void check_resets(void)
{
	for (size_t i = 0; i < sizeof(resets) / sizeof(*resets); i++) {
		struct arena arena = { 0 };
		struct group_spec before = { 0 }, now = { 0 };
		struct err err = { 0 };
		unsigned int parts;

		CHECK_INT(read_spec(resets[i].before, &arena, &before, &parts, &err), 0);
		CHECK_INT(read_spec(resets[i].now, &arena, &now, &parts, &err), 0);
		CHECK_INT(group_spec_reset(&now, &before, &arena, &err), 0);
		CHECK_TEXT(json_encode(&group_spec_object, &now, 0, &arena, &err), resets[i].told);
		arena_free(&arena);
	}
}

/* What is described is what was asked for, where lmctfy has a word for it. */
static void check_way_back(void)
{
	static const char text[] =
		"cpu {\n  scheduling_latency: NORMAL\n  limit: 500\n  max_limit: 700\n  mask {\n"
		"    data: 1\n    data: 2\n  }\n}\nmemory {\n  limit: 10\n  max_limit: 20\n"
		"  reservation: 5\n  swap_limit: 25\n}\nblockio {\n  device_limit_set {\n"
		"    default_limit: 50\n  }\n}\n";
	struct arena arena = { 0 };
	struct group_spec spec = { 0 };
	struct err err = { 0 };
	unsigned int parts = 0;

	CHECK_INT(read_spec(text, &arena, &spec, &parts, &err), 0);
	const struct lmctfy_spec *described = lmctfy_describe_spec(&spec, parts, &arena, &err);

	CHECK(described);
	if (described)
		CHECK_TEXT(proto_write_text(&lmctfy_spec_message, described, &arena, &err), text);
	arena_free(&arena);
}

int main(void)
{
	check_names();
	check_specs();
	check_refused();
	check_resets();
	check_way_back();
	return unit_done("runtime_group");
}
