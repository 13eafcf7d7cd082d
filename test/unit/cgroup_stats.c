/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Statistics from recorded files of both versions, as the JSON that leaves the house. */
#include "cgroup/cgroup.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "cgroup/place.h"
#include "test/unit/unit.h"

enum {
	ROW_FILES = 12,
};

struct recorded {
	const char *name, *text;
};

struct stats_row {
	const char *name;
	const struct cgroup_ops *ops;
	uint32_t mask;
	struct recorded files[ROW_FILES];
	const char *json;
};

/* clang-format off */
static const struct stats_row rows[] = {
	{ "an empty directory counts nothing", &cgroup_v1_ops, UINT32_MAX, { { NULL, NULL } },
	  "{\"cpu\":{},\"memory\":{},\"pids\":{},\"blkio\":{},\"hugetlb\":{}}" },
	{ "v1: processor", &cgroup_v1_ops, UINT32_MAX,
	  { { "cpuacct.usage", "1289206481008\n" },
	    { "cpuacct.stat", "user 89841\nsystem 39078\n" },
	    { "cpuacct.usage_percpu", "589014167214 700192313794 \n" },
	    { "cpuacct.usage_percpu_sys", "1 2 \n" },
	    { "cpu.stat", "nr_periods 7\nnr_throttled 3\nthrottled_time 12345\nnr_bursts 0\nburst_time 0\n" } },
	  "{\"cpu\":{\"usage\":{\"total\":1289206481008,\"percpu\":[589014167214,700192313794],\"percpu_kernel\":[1,2],"
	  "\"kernel\":390780000000,\"user\":898410000000},"
	  "\"throttling\":{\"periods\":7,\"throttledPeriods\":3,\"throttledTime\":12345}},"
	  "\"memory\":{},\"pids\":{},\"blkio\":{},\"hugetlb\":{}}" },
	{ "v1: memory, where no limit is a number", &cgroup_v1_ops, UINT32_MAX,
	  { { "memory.stat", "cache 4096\nrss 12165120\nodd line\n\nempty \nhierarchical_memory_limit 52428800\ntotal_cache 8192\ntotal_inactive_file 12000\n" },
	    { "memory.limit_in_bytes", "104857600\n" },
	    { "memory.usage_in_bytes", "12345\n" },
	    { "memory.max_usage_in_bytes", "23456\n" },
	    { "memory.failcnt", "2\n" },
	    { "memory.memsw.limit_in_bytes", "9223372036854771712\n" },
	    { "memory.memsw.usage_in_bytes", "12346\n" },
	    { "memory.kmem.limit_in_bytes", "9223372036854710272\n" },
	    { "memory.kmem.tcp.usage_in_bytes", "0\n" } },
	  "{\"cpu\":{},\"memory\":{\"cache\":8192,\"workingSet\":345,\"effectiveLimit\":52428800,\"usage\":{\"limit\":104857600,\"usage\":12345,\"max\":23456,\"failcnt\":2},"
	  "\"swap\":{\"usage\":12346},\"kernelTCP\":{\"usage\":0},"
	  "\"raw\":{\"cache\":4096,\"rss\":12165120,\"hierarchical_memory_limit\":52428800,\"total_cache\":8192,\"total_inactive_file\":12000}},"
	  "\"pids\":{},\"blkio\":{},\"hugetlb\":{}}" },
	{ "v1: what bfq does not count the throttle does", &cgroup_v1_ops, UINT32_MAX,
	  { { "blkio.bfq.io_service_bytes_recursive", "Total 0\n" },
	    { "blkio.throttle.io_service_bytes_recursive", "254:0 Read 468\n254:0 Total 468\n8:16 Write 1\nTotal 469\n" },
	    { "blkio.bfq.io_serviced_recursive", "254:0 Read 5\nTotal 5\n" },
	    { "blkio.throttle.io_serviced_recursive", "254:0 Read 6\nTotal 6\n" },
	    { "pids.current", "4\n" }, { "pids.max", "max\n" } },
	  "{\"cpu\":{},\"memory\":{},\"pids\":{\"current\":4},\"blkio\":{\"ioServiceBytesRecursive\":["
	  "{\"major\":254,\"minor\":0,\"op\":\"Read\",\"value\":468},{\"major\":254,\"minor\":0,\"op\":\"Total\",\"value\":468},"
	  "{\"major\":8,\"minor\":16,\"op\":\"Write\",\"value\":1}],"
	  "\"ioServicedRecursive\":[{\"major\":254,\"minor\":0,\"op\":\"Read\",\"value\":5}]},\"hugetlb\":{}}" },
	{ "v1: huge pages, reservations aside", &cgroup_v1_ops, UINT32_MAX,
	  { { "hugetlb.2MB.usage_in_bytes", "2097152\n" }, { "hugetlb.2MB.limit_in_bytes", "4194304\n" },
	    { "hugetlb.2MB.failcnt", "1\n" }, { "hugetlb.2MB.rsvd.usage_in_bytes", "9\n" } },
	  "{\"cpu\":{},\"memory\":{},\"pids\":{},\"blkio\":{},\"hugetlb\":{\"2MB\":{\"limit\":4194304,\"usage\":2097152,\"failcnt\":1}}}" },
	{ "v1: a controller that is elsewhere is not read here", &cgroup_v1_ops, CGROUP_BIT(CGROUP_CPU),
	  { { "pids.current", "4\n" }, { "cpuacct.usage", "5\n" } },
	  "{\"cpu\":{},\"memory\":{},\"pids\":{},\"blkio\":{},\"hugetlb\":{}}" },
	{ "v2: processor in nanoseconds, pressure as it is", &cgroup_v2_ops, UINT32_MAX,
	  { { "cpu.stat", "usage_usec 1000\nuser_usec 600\nsystem_usec 400\nnice_usec 0\ncore_sched.force_idle_usec 0\n"
			  "nr_periods 7\nnr_throttled 3\nthrottled_usec 12\n" },
	    { "cpu.pressure", "some avg10=0.12 avg60=1.00 avg300=100.00 total=5563\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n" },
	    { "io.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n" },
	    { "pids.current", "4\n" }, { "pids.max", "77\n" } },
	  "{\"cpu\":{\"usage\":{\"total\":1000000,\"kernel\":400000,\"user\":600000},"
	  "\"throttling\":{\"periods\":7,\"throttledPeriods\":3,\"throttledTime\":12000},"
	  "\"psi\":{\"some\":{\"avg10\":0.12,\"avg60\":1.00,\"avg300\":100.00,\"total\":5563},"
	  "\"full\":{\"avg10\":0.00,\"avg60\":0.00,\"avg300\":0.00,\"total\":0}}},"
	  "\"memory\":{},\"pids\":{\"current\":4,\"limit\":77},"
	  "\"blkio\":{\"psi\":{\"some\":{\"avg10\":0.00,\"avg60\":0.00,\"avg300\":0.00,\"total\":1}}},\"hugetlb\":{}}" },
	{ "v2: swap stands on top of memory", &cgroup_v2_ops, UINT32_MAX,
	  { { "memory.stat", "anon 100\nfile 8192\nkernel 300\ninactive_file 5001\n" }, { "memory.current", "5000\n" }, { "memory.peak", "6000\n" },
	    { "memory.max", "10000\n" }, { "memory.events", "low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\n" },
	    { "memory.swap.current", "70\n" }, { "memory.swap.max", "500\n" } },
	  "{\"cpu\":{},\"memory\":{\"cache\":8192,\"workingSet\":0,\"effectiveLimit\":10000,\"usage\":{\"limit\":10000,\"usage\":5000,\"max\":6000,\"failcnt\":9},"
	  "\"swap\":{\"limit\":10500,\"usage\":5070},\"kernel\":{\"usage\":300},\"raw\":{\"anon\":100,\"file\":8192,\"kernel\":300,\"inactive_file\":5001},"
	  "\"event_count\":{\"low\":0,\"high\":0,\"max\":9,\"oom\":1,\"oom_kill\":1}},"
	  "\"pids\":{},\"blkio\":{},\"hugetlb\":{}}" },
	{ "v2: half a swap limit is none", &cgroup_v2_ops, UINT32_MAX,
	  { { "memory.current", "5000\n" }, { "memory.max", "max\n" }, { "memory.swap.max", "500\n" } },
	  "{\"cpu\":{},\"memory\":{\"effectiveLimit\":@RAM@,\"usage\":{\"usage\":5000}},\"pids\":{},\"blkio\":{},\"hugetlb\":{}}" },
	{ "v2: block devices, with more words than we know", &cgroup_v2_ops, UINT32_MAX,
	  { { "io.stat", "8:0 \n254:0 rbytes=468 wbytes=0 rios=5 wios=0 dbytes=7 dios=1 cost.usage=9\n8:16 wbytes=3 wios=1\n" } },
	  "{\"cpu\":{},\"memory\":{},\"pids\":{},\"blkio\":{\"ioServiceBytesRecursive\":["
	  "{\"major\":254,\"minor\":0,\"op\":\"Read\",\"value\":468},{\"major\":254,\"minor\":0,\"op\":\"Write\",\"value\":0},"
	  "{\"major\":254,\"minor\":0,\"op\":\"Discard\",\"value\":7},{\"major\":8,\"minor\":16,\"op\":\"Write\",\"value\":3}],"
	  "\"ioServicedRecursive\":[{\"major\":254,\"minor\":0,\"op\":\"Read\",\"value\":5},"
	  "{\"major\":254,\"minor\":0,\"op\":\"Write\",\"value\":0},{\"major\":254,\"minor\":0,\"op\":\"Discard\",\"value\":1},"
	  "{\"major\":8,\"minor\":16,\"op\":\"Write\",\"value\":1}]},\"hugetlb\":{}}" },
	{ "v2: huge pages", &cgroup_v2_ops, UINT32_MAX,
	  { { "hugetlb.1GB.current", "0\n" }, { "hugetlb.1GB.max", "max\n" }, { "hugetlb.1GB.events", "max 3\n" } },
	  "{\"cpu\":{},\"memory\":{},\"pids\":{},\"blkio\":{},\"hugetlb\":{\"1GB\":{\"usage\":0,\"failcnt\":3}}}" },
	{ "v1: nodes in pages, processors as a list, kills", &cgroup_v1_ops, UINT32_MAX,
	  { { "memory.numa_stat", "total=9 N0=4 N1=5\nanon=9 N0=4 N1=5\nhierarchical_total=30 N0=10 N1=20\nhierarchical_anon=3 N0=1 N1=2\n" },
	    { "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n" },
	    { "memory.soft_limit_in_bytes", "777\n" },
	    { "cpuset.effective_cpus", "0-2,7\n" }, { "cpuset.effective_mems", "0\n" } },
	  "{\"cpu\":{},\"cpuset\":{\"cpus\":[0,1,2,7],\"mems\":[0]},\"memory\":{\"reservation\":777,"
	  "\"numa\":{\"0\":{\"total\":40960,\"anon\":4096},\"1\":{\"total\":81920,\"anon\":8192}},"
	  "\"event_count\":{\"oom_kill\":3}},\"pids\":{},\"blkio\":{},\"hugetlb\":{}}" },
	{ "v2: nodes in bytes, of three kinds", &cgroup_v2_ops, UINT32_MAX,
	  { { "memory.numa_stat", "anon N0=4096 N1=0\nfile N0=1 N1=2\nkernel_stack N0=3 N1=4\nunevictable N0=5\n" },
	    { "memory.low", "1024\n" }, { "cpuset.cpus.effective", "1\n" }, { "cpuset.mems.effective", "\n" } },
	  "{\"cpu\":{},\"cpuset\":{\"cpus\":[1]},\"memory\":{\"reservation\":1024,"
	  "\"numa\":{\"0\":{\"file\":1,\"anon\":4096,\"unevictable\":5},\"1\":{\"file\":2,\"anon\":0}}},"
	  "\"pids\":{},\"blkio\":{},\"hugetlb\":{}}" },
	{ "words where numbers should be are left out", &cgroup_v2_ops, UINT32_MAX,
	  { { "memory.current", "-5\n" }, { "pids.current", "" }, { "cpu.stat", "usage_usec many\nuser_usec 99999999999999999999999\n" },
	    { "memory.pressure", "some avg10=x\n" }, { "memory.stat", "a\"b 1\nanon -1\n" }, { "io.stat", "254:0 rbytes=x\n" },
	    { "memory.numa_stat", "anon N0=x\nanon\n\nfile N=3\n" }, { "cpuset.cpus.effective", "many\n" } },
	  "{\"cpu\":{},\"memory\":{},\"pids\":{},\"blkio\":{},\"hugetlb\":{}}" },
};

/* clang-format on */

static void write_file(const char *dir, const struct recorded *file)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, file->name);
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && fd_write_all(fd, file->text, strlen(file->text)) == 0);
}

static void remove_file(const char *dir, const struct recorded *file)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, file->name);
	unlink(path);
}

/* What the row expects, with this machine's memory in place of @RAM@. */
static const char *wanted_json(const struct stats_row *row, struct arena *arena)
{
	const char *mark = strstr(row->json, "@RAM@");
	struct sysinfo machine;

	if (!mark)
		return row->json;
	CHECK_INT(sysinfo(&machine), 0);
	return arena_printf(arena, "%.*s%llu%s", (int)(mark - row->json), row->json,
			    (unsigned long long)machine.totalram * machine.mem_unit,
			    mark + strlen("@RAM@"));
}

static void check_row(const struct stats_row *row)
{
	auto_arena struct arena arena = { 0 };
	char dir[] = "/tmp/masu-stats-XXXXXX";
	struct cgroup_place place = { .ops = row->ops, .dir = dir, .mask = row->mask, .fd = -1 };
	struct cgroup cgroup = { .arena = &arena, .places = &place, .count = 1 };
	struct cgroup_stats stats;

	CHECK(mkdtemp(dir) != NULL);
	for (size_t i = 0; row->files[i].name; i++)
		write_file(dir, &row->files[i]);
	CHECK_INT(cgroup_stats_read(&cgroup, &arena, &stats, NULL), 0);
	const char *json = json_encode(&cgroup_stats_object, &stats, 0, &arena, NULL);

	const char *want = wanted_json(row, &arena);

	CHECK_ROW(row->name, json && strcmp(json, want) == 0);
	if (json && strcmp(json, want) != 0)
		fprintf(stderr, "have %s\nwant %s\n", json, want);
	for (size_t i = 0; row->files[i].name; i++)
		remove_file(dir, &row->files[i]);
	CHECK_INT(rmdir(dir), 0);
	if (place.fd >= 0)
		close(place.fd);
}

/* On a hybrid host several directories fill one record; the first that knows a number has it. */
static void check_hybrid(void)
{
	static const struct recorded v1_file = { "cpuacct.usage", "7000\n" };
	static const struct recorded v2_file = { "cpu.stat", "usage_usec 1\nuser_usec 2\n" };
	auto_arena struct arena arena = { 0 };
	char v1[] = "/tmp/masu-stats-XXXXXX", v2[] = "/tmp/masu-stats-XXXXXX";
	uint32_t mask = CGROUP_BIT(CGROUP_CPUACCT);
	struct cgroup_place places[] = {
		{ .ops = &cgroup_v1_ops, .dir = v1, .mask = mask, .fd = -1 },
		{ .ops = &cgroup_v2_ops, .dir = v2, .mask = ~mask, .fd = -1 },
	};
	struct cgroup cgroup = { .arena = &arena, .places = places, .count = 2 };
	struct cgroup_stats stats;

	CHECK(mkdtemp(v1) && mkdtemp(v2));
	write_file(v1, &v1_file);
	write_file(v2, &v2_file);
	CHECK_INT(cgroup_stats_read(&cgroup, &arena, &stats, NULL), 0);
	CHECK_INT(stats.cpu.usage.total.value, 7000);
	CHECK_INT(stats.cpu.usage.user.value, 2000);
	remove_file(v1, &v1_file);
	remove_file(v2, &v2_file);
	CHECK(rmdir(v1) == 0 && rmdir(v2) == 0);
	cgroup_close(&cgroup);
}

/* The limits of directories above count, those of the mount's own directory do not. */
static void check_ancestors(void)
{
	static const struct recorded limits[] = { { "memory.max", "5\n" },
						  { "a/memory.max", "3000\n" },
						  { "a/b/memory.max", "max\n" },
						  { "a/b/memory.current", "70\n" } };
	auto_arena struct arena arena = { 0 };
	char mount[] = "/tmp/masu-stats-XXXXXX";

	CHECK(mkdtemp(mount) != NULL);
	const char *dirs[] = { arena_printf(&arena, "%s/a", mount),
			       arena_printf(&arena, "%s/a/b", mount) };
	struct cgroup_place place = {
		.ops = &cgroup_v2_ops, .dir = dirs[1], .mount = mount, .mask = UINT32_MAX, .fd = -1
	};
	struct cgroup cgroup = { .arena = &arena, .places = &place, .count = 1 };
	struct cgroup_stats stats;

	CHECK(mkdir(dirs[0], 0700) == 0 && mkdir(dirs[1], 0700) == 0);
	for (size_t i = 0; i < 4; i++)
		write_file(mount, &limits[i]);
	CHECK_INT(cgroup_stats_read(&cgroup, &arena, &stats, NULL), 0);
	CHECK_INT(stats.memory.effective_limit.value, 3000);
	CHECK(!stats.memory.usage.limit.set);
	for (size_t i = 0; i < 4; i++)
		remove_file(mount, &limits[i]);
	cgroup_close(&cgroup);
	CHECK(rmdir(dirs[1]) == 0 && rmdir(dirs[0]) == 0 && rmdir(mount) == 0);
}

/* A brief meter reads its open files anew each time, and only those. */
static void check_meter(void)
{
	static const struct recorded first = { "memory.current", "70\n" };
	static const struct recorded later = { "memory.current", "8000000\n" };
	static const struct recorded aside = { "memory.peak", "9000000\n" };
	auto_arena struct arena arena = { 0 };
	char dir[] = "/tmp/masu-stats-XXXXXX";
	struct cgroup_place place = {
		.ops = &cgroup_v2_ops, .dir = dir, .mask = UINT32_MAX, .fd = -1
	};
	struct cgroup cgroup = { .arena = &arena, .places = &place, .count = 1 };
	struct cgroup_stats stats;
	struct err err = { 0 };

	CHECK(mkdtemp(dir) != NULL);
	write_file(dir, &first);
	write_file(dir, &aside);
	struct cgroup_meter *meter = cgroup_meter_open(&cgroup, CGROUP_BRIEF, &err);

	CHECK(meter && cgroup_meter_read(meter, &arena, &stats, &err) == 0);
	CHECK_INT(stats.memory.usage.usage.value, 70);
	CHECK(!stats.memory.usage.max.set);
	write_file(dir, &later);
	remove_file(dir, &aside);
	CHECK_INT(cgroup_meter_read(meter, &arena, &stats, &err), 0);
	CHECK_INT(stats.memory.usage.usage.value, 8000000);
	cgroup_meter_close(meter);
	cgroup_meter_close(NULL);
	remove_file(dir, &first);
	cgroup_close(&cgroup);
	CHECK_INT(rmdir(dir), 0);
	CHECK(!cgroup_meter_open(&cgroup, CGROUP_BRIEF, &err));
	CHECK_INT(err.code, ENOENT);
}

static void check_refusals(void)
{
	auto_arena struct arena arena = { 0 };
	struct cgroup_place place = { .ops = &cgroup_v2_ops, .dir = "/nonexistent", .fd = -1 };
	struct cgroup gone = { .arena = &arena, .places = &place, .count = 1 };
	struct cgroup none = { .arena = &arena };
	struct cgroup_stats stats;
	struct err err = { 0 };

	CHECK_INT(cgroup_stats_read(&gone, &arena, &stats, &err), -1);
	CHECK_INT(err.code, ENOENT);
	CHECK_INT(cgroup_stats_read(&none, &arena, &stats, &err), -1);
	CHECK_INT(err.code, ERR_UNSUPPORTED);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
	check_hybrid();
	check_ancestors();
	check_meter();
	check_refusals();
	return unit_done("cgroup_stats");
}
