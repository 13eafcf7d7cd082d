/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* linux.intelRdt in an ordinary directory: what is made, compared, written, and removed. */
#include "cgroup/resctrl.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/json.h"
#include "cgroup/cgroup.h"
#include "test/unit/unit.h"

static const struct {
	const char *json;
	const char *field; /* "" for acceptable */
} checks[] = {
	{ "{}", "" },
	{ "{\"closID\":\"/\"}", "" },
	{ "{\"closID\":\"gold\",\"l3CacheSchema\":\"L3:0=ff\"}", "" },
	{ "{\"closID\":\"..\"}", "linux.intelRdt.closID:" },
	{ "{\"closID\":\"a/b\"}", "linux.intelRdt.closID:" },
	{ "{\"closID\":\"\"}", "linux.intelRdt.closID:" },
	{ "{\"memBwSchema\":\"L3:0=1\"}", "linux.intelRdt.memBwSchema:" },
	{ "{\"memBwSchema\":\"MB:0=1\\nMB:1=2\"}", "linux.intelRdt.memBwSchema:" },
	{ "{\"schemata\":[\"L3:0=1\",\"L2:0=1\\nMB:0=1\"]}", "linux.intelRdt.schemata[1]:" },
};

static void decode(const char *json, struct arena *arena, struct cgroup_rdt_spec *spec)
{
	memset(spec, 0, sizeof(*spec));
	CHECK_INT(json_decode("test", json, strlen(json), &cgroup_rdt_object, spec, arena, NULL),
		  0);
	CHECK(spec->present);
}

/* The file that a real group has from the start. */
static void put_file(int root, const char *path, const char *text)
{
	auto_close int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0);
}

static void check_file(int root, const char *path, const char *want)
{
	char text[256] = "";

	CHECK(fd_read_file(root, path, text, sizeof(text)) >= 0);
	CHECK_TEXT(text, want);
}

/* A class of our own: made, its process put in, removed with its monitoring group. */
static void test_own_class(int root, struct arena *arena)
{
	struct cgroup_rdt_spec spec;
	struct cgroup_rdt_state state;
	struct err err = { 0 };

	decode("{\"l3CacheSchema\":\"L3:0=f\",\"enableMonitoring\":true}", arena, &spec);
	CHECK_INT(resctrl_plan_at(root, &spec, "web1", arena, &state, &err), 0);
	CHECK_TEXT(state.group, "/sys/fs/resctrl/web1");
	CHECK_TEXT(state.monitor, "/sys/fs/resctrl/web1/mon_groups/web1");
	CHECK(faccessat(root, "web1", F_OK, 0) < 0); /* planning makes nothing */
	/* an ordinary directory has no files in a new group: that failure is told */
	CHECK_INT(resctrl_create_at(root, &spec, &state, "web1", &err), -1);
	CHECK_TEXT(err.text, "linux.intelRdt: open schemata: No such file or directory");
	put_file(root, "web1/schemata", "");
	put_file(root, "web1/tasks", "");
	CHECK_INT(mkdirat(root, "web1/mon_groups", 0700), 0);
	CHECK_INT(resctrl_create_at(root, &spec, &state, "web1", &err), 0);
	check_file(root, "web1/schemata", "L3:0=f");
	put_file(root, "web1/mon_groups/web1/tasks", "");
	CHECK_INT(resctrl_enter_at(root, &spec, "web1", 4711, &err), 0);
	check_file(root, "web1/tasks", "4711");
	check_file(root, "web1/mon_groups/web1/tasks", "4711");
	unlinkat(root, "web1/mon_groups/web1/tasks", 0);
	unlinkat(root, "web1/tasks", 0);
	unlinkat(root, "web1/schemata", 0);
	state.group = NULL; /* a real group goes with its mon_groups in it, this one does not */
	CHECK_INT(resctrl_destroy_at(root, &state, &err), 0);
	CHECK_INT(unlinkat(root, "web1/mon_groups", AT_REMOVEDIR), 0);
	state = (struct cgroup_rdt_state){ .group = "/sys/fs/resctrl/web1" };
	CHECK_INT(resctrl_destroy_at(root, &state, &err), 0);
	CHECK_INT(resctrl_destroy_at(root, &state, &err), 0); /* gone already */
	CHECK(faccessat(root, "web1", F_OK, 0) < 0);
}

static const struct {
	const char *json;
	int result;
} named[] = {
	{ "{\"closID\":\"gold\"}", 0 },
	{ "{\"closID\":\"gold\",\"l3CacheSchema\":\"L3:0=ff\"}", 0 },
	{ "{\"closID\":\"gold\",\"l3CacheSchema\":\"L3:1=0f0;0=ff\\nMB:0=99\",\"memBwSchema\":\"MB:0=50\"}",
	  0 },
	{ "{\"closID\":\"gold\",\"schemata\":[\"MB:0=50;1=100\"]}", 0 },
	{ "{\"closID\":\"gold\",\"l3CacheSchema\":\"L3:0=f\"}", -1 },
	{ "{\"closID\":\"gold\",\"schemata\":[\"L2:0=f\"]}", -1 },
	{ "{\"closID\":\"gold\",\"schemata\":[\"L3:2=ff\"]}", -1 },
};

/* A class with a name: compared where it exists, never removed. */
static void test_named_class(int root, struct arena *arena)
{
	struct cgroup_rdt_spec spec;
	struct cgroup_rdt_state state;
	struct err err = { 0 };

	decode("{\"closID\":\"gold\"}", arena, &spec);
	CHECK_INT(resctrl_plan_at(root, &spec, "web1", arena, &state, &err), -1);
	CHECK_INT(err.code, ERR_INPUT);
	CHECK_INT(mkdirat(root, "gold", 0700), 0);
	put_file(root, "gold/schemata", "    MB:0= 50;1= 100\n    L3:0=00ff;1=f0\n");
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		decode(named[i].json, arena, &spec);
		CHECK_INT(resctrl_plan_at(root, &spec, "web1", arena, &state, &err), 0);
		CHECK(!state.group && !state.monitor);
		CHECK_ROW(named[i].json,
			  resctrl_create_at(root, &spec, &state, "web1", &err) == named[i].result);
	}
	unlinkat(root, "gold/schemata", 0);
	CHECK_INT(unlinkat(root, "gold", AT_REMOVEDIR), 0);
}

/* What a machine with two sockets tells; a monitor of its own goes before the class's. */
static void test_stats(int root, struct arena *arena)
{
	static const char *const dirs[] = { "info",
					    "info/L3",
					    "info/MB",
					    "gold",
					    "gold/mon_data",
					    "gold/mon_data/mon_L3_00",
					    "gold/mon_data/mon_L3_01" };

	static const struct {
		const char *path, *text;
	} files[] = {
		{ "schemata", "    MB:0=100;1=100\n    L3:0=fff;1=fff\n" },
		{ "info/L3/cbm_mask", "fff\n" },
		{ "info/L3/min_cbm_bits", "2\n" },
		{ "info/L3/num_closids", "16\n" },
		{ "info/MB/bandwidth_gran", "10\n" },
		{ "gold/schemata", "L3:0=f;1=f\nMB:0=20;1=30\n" },
		{ "gold/mon_data/mon_L3_00/llc_occupancy", "4096\n" },
		{ "gold/mon_data/mon_L3_00/mbm_total_bytes", "77\n" },
		{ "gold/mon_data/mon_L3_01/llc_occupancy", "Unavailable\n" },
		{ "gold/mon_data/mon_L3_01/mbm_local_bytes", "88\n" },
	};

	static const size_t dir_count = sizeof(dirs) / sizeof(dirs[0]);
	static const size_t file_count = sizeof(files) / sizeof(files[0]);
	const struct cgroup_rdt_state gold = { .group = RESCTRL_ROOT "/gold" }, none = { NULL };
	struct cgroup_rdt_stats stats;

	for (size_t i = 0; i < dir_count; i++)
		CHECK_INT(mkdirat(root, dirs[i], 0700), 0);
	for (size_t i = 0; i < file_count; i++)
		put_file(root, files[i].path, files[i].text);
	CHECK_INT(resctrl_stats_at(root, &gold, arena, &stats, NULL), 0);
	CHECK_TEXT(
		json_encode(&cgroup_rdt_stats_object, &stats, 0, arena, NULL),
		"{\"l3_cache_info\":{\"cbm_mask\":\"fff\",\"min_cbm_bits\":2,\"num_closids\":16},"
		"\"l3_cache_schema_root\":\"L3:0=fff;1=fff\",\"l3_cache_schema\":\"L3:0=f;1=f\","
		"\"mem_bw_info\":{\"bandwidth_gran\":10},\"mem_bw_schema_root\":\"MB:0=100;1=100\","
		"\"mem_bw_schema\":\"MB:0=20;1=30\",\"mbm_stats\":[{\"mbm_total_bytes\":77},"
		"{\"mbm_local_bytes\":88}],\"cmt_stats\":[{\"llc_occupancy\":4096}]}");
	CHECK_INT(resctrl_stats_at(root, &none, arena, &stats, NULL), 0);
	CHECK(!stats.l3_schema && !stats.cmt.count);
	for (size_t i = file_count; i--;)
		CHECK_INT(unlinkat(root, files[i].path, 0), 0);
	for (size_t i = dir_count; i--;)
		CHECK_INT(unlinkat(root, dirs[i], AT_REMOVEDIR), 0);
}

int main(void)
{
	auto_arena struct arena arena = { 0 };
	char path[] = "/tmp/masu-resctrl-XXXXXX";
	struct cgroup_rdt_spec spec;

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		struct err err = { 0 };

		decode(checks[i].json, &arena, &spec);
		CHECK_INT(cgroup_rdt_check(&spec, &err), *checks[i].field ? -1 : 0);
		CHECK_ROW(err.text,
			  strncmp(err.text, checks[i].field, strlen(checks[i].field)) == 0);
	}
	CHECK(mkdtemp(path) != NULL);
	auto_close int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	test_own_class(root, &arena);
	test_named_class(root, &arena);
	test_stats(root, &arena);
	CHECK_INT(rmdir(path), 0);
	return unit_done("cgroup_resctrl");
}
