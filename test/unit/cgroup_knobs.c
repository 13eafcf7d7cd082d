/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* linux.resources as JSON to the writes of both versions, row by row; and what the checks refuse.
 */
#include "cgroup/knobs.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "cgroup/cgroup.h"
#include "cgroup/resources.h"
#include "test/unit/unit.h"

/* Each write is "file=text;", with "|other=text" for the fallback; "!field;" is a warning. */
struct knob_row {
	const char *json;
	const char *v1, *v2;
};

/* clang-format off */
static const struct knob_row rows[] = {
	{ "{}", "", "" },
	{ "{\"memory\":{\"limit\":0,\"reservation\":0,\"swap\":0,\"swappiness\":-1},\"cpu\":{\"shares\":0,\"quota\":0,\"period\":0},\"blockIO\":{\"weight\":0}}", "", "" },
	{ "{\"memory\":{\"limit\":1048576}}", "memory.limit_in_bytes=1048576;", "memory.max=1048576;" },
	{ "{\"memory\":{\"limit\":-1}}", "memory.limit_in_bytes=-1;memory.memsw.limit_in_bytes=-1;", "memory.max=max;memory.swap.max=max;" },
	{ "{\"memory\":{\"limit\":100,\"swap\":150}}", "memory.limit_in_bytes=100;memory.memsw.limit_in_bytes=150;", "memory.max=100;memory.swap.max=50;" },
	{ "{\"memory\":{\"limit\":100,\"swap\":100}}", "memory.limit_in_bytes=100;memory.memsw.limit_in_bytes=100;", "memory.max=100;memory.swap.max=0;" },
	{ "{\"memory\":{\"limit\":100,\"swap\":-1}}", "memory.limit_in_bytes=100;memory.memsw.limit_in_bytes=-1;", "memory.max=100;memory.swap.max=max;" },
	{ "{\"memory\":{\"limit\":-1,\"swap\":700}}", "memory.limit_in_bytes=-1;memory.memsw.limit_in_bytes=700;", "memory.max=max;memory.swap.max=700;" },
	{ "{\"memory\":{\"reservation\":4096,\"kernel\":1,\"kernelTCP\":2,\"swappiness\":0,\"disableOOMKiller\":true,\"useHierarchy\":true}}",
	  "memory.use_hierarchy=1;memory.soft_limit_in_bytes=4096;!memory.kernel;memory.kmem.tcp.limit_in_bytes=2;memory.swappiness=0;memory.oom_control=1;",
	  "!memory.useHierarchy;memory.low=4096;!memory.kernel;!memory.kernelTCP;!memory.swappiness;!memory.disableOOMKiller;" },
	{ "{\"memory\":{\"disableOOMKiller\":false,\"useHierarchy\":false,\"swappiness\":60}}", "memory.swappiness=60;", "!memory.swappiness;" },
	{ "{\"cpu\":{\"shares\":1024,\"cpus\":\"0-1\",\"mems\":\"0\"}}", "cpuset.cpus=0-1;cpuset.mems=0;cpu.shares=1024;", "cpuset.cpus=0-1;cpuset.mems=0;cpu.weight=100;" },
	{ "{\"cpu\":{\"quota\":50000,\"period\":100000,\"burst\":1000}}", "cpu.cfs_period_us=100000;cpu.cfs_quota_us=50000;cpu.cfs_burst_us=1000;", "cpu.max=50000 100000;cpu.max.burst=1000;" },
	{ "{\"cpu\":{\"quota\":50000}}", "cpu.cfs_quota_us=50000;", "cpu.max=50000;" },
	{ "{\"cpu\":{\"quota\":-7}}", "cpu.cfs_quota_us=-1;", "cpu.max=max;" },
	{ "{\"cpu\":{\"period\":20000}}", "cpu.cfs_period_us=20000;", "cpu.max=max 20000;" },
	{ "{\"cpu\":{\"shares\":512,\"idle\":1}}", "cpu.idle=1;", "cpu.idle=1;" },
	{ "{\"cpu\":{\"shares\":512,\"idle\":0}}", "cpu.shares=512;cpu.idle=0;", "cpu.weight=59;cpu.idle=0;" },
	{ "{\"cpu\":{\"realtimeRuntime\":5000,\"realtimePeriod\":10000}}", "cpu.rt_period_us=10000;cpu.rt_runtime_us=5000;", "!cpu.realtimePeriod;!cpu.realtimeRuntime;" },
	{ "{\"pids\":{\"limit\":0}}", "pids.max=0;", "pids.max=0;" },
	{ "{\"pids\":{\"limit\":-1}}", "pids.max=max;", "pids.max=max;" },
	{ "{\"blockIO\":{\"weight\":100,\"leafWeight\":20}}", "blkio.bfq.weight=100|blkio.weight=100;blkio.leaf_weight=20;", "io.bfq.weight=100;io.weight=910|io.bfq.weight=100;!blockIO.leafWeight;" },
	{ "{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":500,\"leafWeight\":300},{\"major\":8,\"minor\":16,\"leafWeight\":10}]}}",
	  "blkio.bfq.weight_device=8:0 500|blkio.weight_device=8:0 500;blkio.leaf_weight_device=8:0 300;blkio.leaf_weight_device=8:16 10;",
	  "io.bfq.weight=8:0 500;io.weight=8:0 4950|io.bfq.weight=8:0 500;!blockIO.weightDevice.leafWeight;!blockIO.weightDevice.leafWeight;" },
	{ "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":1000},{\"major\":7,\"minor\":1,\"rate\":0}],"
	  "\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":0,\"rate\":5}],\"throttleWriteBpsDevice\":[{\"major\":9,\"minor\":0,\"rate\":6}]}}",
	  "blkio.throttle.read_bps_device=8:0 1000;blkio.throttle.read_bps_device=7:1 0;blkio.throttle.write_bps_device=9:0 6;blkio.throttle.write_iops_device=8:0 5;",
	  "io.max=8:0 rbps=1000 wiops=5;io.max=7:1 rbps=max;io.max=9:0 wbps=6;" },
	{ "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4194304},{\"pageSize\":\"1GB\",\"limit\":0}]}",
	  "hugetlb.2MB.rsvd.limit_in_bytes=4194304;hugetlb.2MB.limit_in_bytes=4194304;hugetlb.1GB.rsvd.limit_in_bytes=0;hugetlb.1GB.limit_in_bytes=0;",
	  "hugetlb.2MB.rsvd.max=4194304;hugetlb.2MB.max=4194304;hugetlb.1GB.rsvd.max=0;hugetlb.1GB.max=0;" },
	{ "{\"network\":{\"classID\":1048577,\"priorities\":[{\"name\":\"eth0\",\"priority\":5}]}}", "net_cls.classid=1048577;net_prio.ifpriomap=eth0 5;", "!network.classID;!network.priorities;" },
	{ "{\"rdma\":{\"mlx5_1\":{\"hcaHandles\":3,\"hcaObjects\":10},\"mlx4\":{\"hcaObjects\":0}}}",
	  "rdma.max=mlx5_1 hca_handle=3 hca_object=10;rdma.max=mlx4 hca_object=0;", "rdma.max=mlx5_1 hca_handle=3 hca_object=10;rdma.max=mlx4 hca_object=0;" },
	{ "{\"pids\":{\"limit\":5},\"unified\":{\"memory.high\":\"max\",\"io.max\":\"8:0 rbps=1\\n8:16 wbps=2\\n\",\"cgroup.max.depth\":\"3\"}}",
	  "pids.max=5;", "pids.max=5;memory.high=max;io.max=8:0 rbps=1;io.max=8:16 wbps=2;cgroup.max.depth=3;" },
};

static const struct {
	const char *json;
	const char *field; /* the message begins with it */
} refused[] = {
	{ "{\"memory\":{\"swap\":100}}", "linux.resources.memory.swap:" },
	{ "{\"memory\":{\"limit\":100,\"swap\":99}}", "linux.resources.memory.swap:" },
	{ "{\"cpu\":{\"shares\":1}}", "linux.resources.cpu.shares:" },
	{ "{\"cpu\":{\"shares\":262145}}", "linux.resources.cpu.shares:" },
	{ "{\"cpu\":{\"cpus\":\"zero\"}}", "linux.resources.cpu.cpus:" },
	{ "{\"cpu\":{\"mems\":\"1-0\"}}", "linux.resources.cpu.mems:" },
	{ "{\"cpu\":{\"quota\":1000,\"burst\":1001}}", "linux.resources.cpu.burst:" },
	{ "{\"blockIO\":{\"weight\":9}}", "linux.resources.blockIO.weight:" },
	{ "{\"blockIO\":{\"weightDevice\":[{\"major\":8,\"minor\":0}]}}", "linux.resources.blockIO.weightDevice[0]:" },
	{ "{\"devices\":[{\"allow\":true,\"type\":\"x\"}]}", "linux.resources.devices[0].type:" },
	{ "{\"devices\":[{\"allow\":true},{\"allow\":true,\"access\":\"rx\"}]}", "linux.resources.devices[1].access:" },
	{ "{\"hugepageLimits\":[{\"pageSize\":\"2M\",\"limit\":1}]}", "linux.resources.hugepageLimits[0].pageSize:" },
	{ "{\"hugepageLimits\":[{\"pageSize\":\"../MB\",\"limit\":1}]}", "linux.resources.hugepageLimits[0].pageSize:" },
	{ "{\"rdma\":{\"mlx\":{}}}", "linux.resources.rdma.mlx:" },
	{ "{\"unified\":{\"a/b.c\":\"1\"}}", "linux.resources.unified:" },
	{ "{\"unified\":{\"..\":\"1\"}}", "linux.resources.unified:" },
	{ "{\"network\":{\"priorities\":[{\"name\":\"a b\",\"priority\":1}]}}", "linux.resources.network.priorities[0].name:" },
};

/* clang-format on */

static bool decode(const char *json, struct arena *arena, struct cgroup_resources *resources)
{
	struct err err = { 0 };

	memset(resources, 0, sizeof(*resources));
	if (json_decode("test", json, strlen(json), &cgroup_resources_object, resources, arena,
			&err) == 0)
		return true;
	fprintf(stderr, "%s: %s\n", json, err.text);
	return false;
}

static void check_writes(const struct knob_row *row, const struct cgroup_knobs *knobs,
			 const char *want)
{
	auto_arena struct arena arena = { 0 };
	struct cgroup_writes writes = { .arena = &arena };
	struct cgroup_resources resources;
	char text[2048] = "";

	CHECK_ROW(row->json, decode(row->json, &arena, &resources));
	CHECK_INT(cgroup_check(&resources, NULL), 0);
	CHECK_INT(cgroup_asks(&resources), *row->v1 || *row->v2);
	CHECK_INT(cgroup_knobs_compile(knobs, ~UINT32_C(0), &resources, &writes, NULL), 0);
	for (size_t i = 0; i < writes.count; i++) {
		const struct cgroup_write *write = &writes.items[i];
		size_t at = strlen(text);

		if (!write->file)
			snprintf(text + at, sizeof(text) - at, "!%s;", write->field);
		else if (write->other_file)
			snprintf(text + at, sizeof(text) - at, "%s=%s|%s=%s;", write->file,
				 write->text, write->other_file, write->other_text);
		else
			snprintf(text + at, sizeof(text) - at, "%s=%s;", write->file, write->text);
	}
	CHECK_TEXT(text, want);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check_writes(&rows[i], &cgroup_v1_knobs, rows[i].v1);
		check_writes(&rows[i], &cgroup_v2_knobs, rows[i].v2);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		auto_arena struct arena arena = { 0 };
		struct cgroup_resources resources;
		struct err err = { 0 };

		CHECK_ROW(refused[i].json, decode(refused[i].json, &arena, &resources));
		CHECK_ROW(refused[i].json, cgroup_check(&resources, &err) < 0);
		CHECK_INT(err.code, ERR_INPUT);
		CHECK_ROW(err.text,
			  strncmp(err.text, refused[i].field, strlen(refused[i].field)) == 0);
	}
	return unit_done("cgroup_knobs");
}
