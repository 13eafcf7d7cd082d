/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Intent: amounts with their units, what is refused and why, and the writes that it comes to in
 * either version. */
#include "cgroup/intent.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "cgroup/cgroup.h"
#include "cgroup/intent_private.h"
#include "cgroup/knobs.h"
#include "cgroup/resources.h"
#include "test/unit/unit.h"

#define ALL (~UINT32_C(0))

/* Spec in, spec out: every unit, and the short forms. */
static const struct {
	const char *json, *encoded;
} amounts[] = {
	/* clang-format off */
	{ "{}", "{}" },
	{ "{\"cpu\":1.5}", "{\"cpu\":{\"max\":\"1500m\"}}" },
	{ "{\"cpu\":\"1.5\"}", "{\"cpu\":{\"max\":\"1500m\"}}" },
	{ "{\"cpu\":\"1500m\"}", "{\"cpu\":{\"max\":\"1500m\"}}" },
	{ "{\"cpu\":2}", "{\"cpu\":{\"max\":\"2000m\"}}" },
	{ "{\"cpu\":\"max\"}", "{\"cpu\":{\"max\":\"max\"}}" },
	{ "{\"cpu\":{\"share\":0.25,\"class\":\"premier\",\"mask\":\"0-1\"}}", "{\"cpu\":{\"share\":\"250m\",\"class\":\"premier\",\"mask\":\"0-1\"}}" },
	{ "{\"cpu\":{\"pin\":2}}", "{\"cpu\":{\"pin\":{\"cpus\":2,\"order\":\"compact\"}}}" },
	{ "{\"cpu\":{\"pin\":{\"cpus\":1,\"order\":\"spread\"}}}", "{\"cpu\":{\"pin\":{\"cpus\":1,\"order\":\"spread\"}}}" },
	{ "{\"memory\":1048576}", "{\"memory\":{\"max\":1048576}}" },
	{ "{\"memory\":\"1K\"}", "{\"memory\":{\"max\":1024}}" },
	{ "{\"memory\":\"1k\"}", "{\"memory\":{\"max\":1024}}" },
	{ "{\"memory\":\"1.5Mi\"}", "{\"memory\":{\"max\":1572864}}" },
	{ "{\"memory\":{\"max\":\"2G\",\"soft\":\"1Gi\",\"guarantee\":\"512M\",\"swap\":\"max\"}}",
	  "{\"memory\":{\"max\":2147483648,\"soft\":1073741824,\"guarantee\":536870912,\"swap\":\"max\"}}" },
	{ "{\"pids\":64}", "{\"pids\":{\"max\":64}}" },
	{ "{\"pids\":{\"max\":\"max\"}}", "{\"pids\":{\"max\":\"max\"}}" },
	{ "{\"network\":{\"egress\":\"100mbit\",\"ingress\":\"1M/s\",\"priority\":5}}", "{\"network\":{\"egress\":12500000,\"ingress\":1048576,\"priority\":5}}" },
	{ "{\"hugepages\":{\"2M\":\"1G\",\"1G\":0}}", "{\"hugepages\":{\"2M\":{\"max\":1073741824},\"1G\":{\"max\":0}}}" },
	{ "{\"disk\":\"2G\"}", "{\"disk\":{\"size\":2147483648}}" },
	{ "{\"disk\":{\"size\":\"1T\",\"inodes\":1000}}", "{\"disk\":{\"size\":1099511627776,\"inodes\":1000}}" },
	{ "{\"io\":{\"weight\":300,\"devices\":[{\"device\":\"8:0\",\"read\":\"20M/s\",\"write\":\"max\",\"readOps\":100,\"weight\":50}]}}",
	  "{\"io\":{\"weight\":300,\"devices\":[{\"device\":\"8:0\",\"weight\":50,\"read\":20971520,\"write\":\"max\",\"readOps\":100}]}}" },
	/* clang-format on */
};

/* What the decoder refuses; the message has the word. */
static const struct {
	const char *json, *word;
} undecodable[] = {
	/* clang-format off */
	{ "{\"memory\":\"1X\"}", "memory: \"1X\" has an unknown unit" },
	{ "{\"memory\":\"1GB\"}", "memory: \"1GB\" has an unknown unit" },
	{ "{\"memory\":\"1 G\"}", "unknown unit" },
	{ "{\"memory\":{\"max\":\"1m\"}}", "memory.max: \"1m\" has an unknown unit" },
	{ "{\"memory\":-1}", "memory: \"-1\" is negative" },
	{ "{\"memory\":\"-5M\"}", "is negative" },
	{ "{\"memory\":\"+5M\"}", "is not a number" },
	{ "{\"memory\":\"\"}", "is not a number" },
	{ "{\"memory\":\".5G\"}", "is not a number" },
	{ "{\"memory\":\"5.G\"}", "is not a number" },
	{ "{\"memory\":\"1.2.3G\"}", "unknown unit" },
	{ "{\"memory\":0.5}", "is not a whole number" },
	{ "{\"memory\":1e6}", "unknown unit" },
	{ "{\"memory\":\"9223372036854775808\"}", "is too large" },
	{ "{\"memory\":\"8388608T\"}", "is too large" },
	{ "{\"memory\":99999999999999999999999999}", "is not a number" },
	{ "{\"memory\":true}", "did not expect a boolean" },
	{ "{\"memory\":[1]}", "did not expect a list" },
	{ "{\"cpu\":\"0.0005\"}", "is not a whole number" },
	{ "{\"cpu\":\"1k\"}", "unknown unit" },
	{ "{\"cpu\":{\"share\":\"max\"}}", "is out of range" },
	{ "{\"cpu\":{\"share\":257}}", "is out of range" },
	{ "{\"cpu\":{\"class\":\"Premier\"}}", "not a known value" },
	{ "{\"cpu\":{\"pin\":0}}", "is out of range" },
	{ "{\"cpu\":{\"pin\":{\"order\":\"spread\"}}}", "cpus" },
	{ "{\"pids\":4194305}", "is out of range" },
	{ "{\"pids\":1.5}", "is not a whole number" },
	{ "{\"io\":{\"weight\":9}}", "is out of range" },
	{ "{\"io\":\"5\"}", "did not expect a string" },
	{ "{\"disk\":\"1K\"}", "is out of range" },
	{ "{\"network\":{\"egress\":\"5bit\"}}", "is not a whole number" },
	/* clang-format on */
};

/* What the check refuses: the whole message. */
static const struct {
	const char *json, *text;
} refused[] = {
	/* clang-format off */
	{ "{\"cpu\":\"3m\"}", "masu.resources.cpu.max: 3m is below 4m, the least that the kernel can hold to" },
	{ "{\"cpu\":{\"max\":1,\"share\":2}}", "masu.resources.cpu.max: 1000m is below cpu.share, 2000m" },
	{ "{\"cpu\":{\"burst\":1}}", "masu.resources.cpu.burst: needs cpu.max, above which it is" },
	{ "{\"cpu\":{\"max\":1,\"burst\":2}}", "masu.resources.cpu.burst: 2000m is above cpu.max, 1000m" },
	{ "{\"cpu\":{\"class\":\"best-effort\",\"share\":1}}", "masu.resources.cpu.share: class best-effort has none: it takes what is left" },
	{ "{\"cpu\":{\"mask\":\"one\"}}", "masu.resources.cpu.mask: \"one\" is not a list such as \"0-3,7\"" },
	{ "{\"cpu\":{\"mask\":\"0\",\"pin\":1}}", "masu.resources.cpu.pin: chooses CPUs, which cpu.mask names already" },
	{ "{\"memory\":{\"max\":\"1M\",\"guarantee\":\"2M\"}}", "masu.resources.memory.max: 1048576 is below memory.guarantee, 2097152" },
	{ "{\"memory\":{\"soft\":\"1M\",\"guarantee\":\"2M\"}}", "masu.resources.memory.soft: 1048576 is below memory.guarantee, 2097152" },
	{ "{\"memory\":{\"max\":\"1M\",\"soft\":\"2M\"}}", "masu.resources.memory.max: 1048576 is below memory.soft, 2097152" },
	{ "{\"memory\":0}", "masu.resources.memory.max: nothing runs in 0 bytes" },
	{ "{\"memory\":{\"swap\":\"1M\"}}", "masu.resources.memory.swap: needs memory.max: cgroup v1 limits both together" },
	{ "{\"memory\":{\"max\":9223372036854775807,\"swap\":1}}", "masu.resources.memory.swap: too large with memory.max" },
	{ "{\"io\":{\"devices\":[{\"device\":\"8:0\"}]}}", "masu.resources.io.devices[0]: needs weight, read, write, readOps or writeOps" },
	{ "{\"io\":{\"devices\":[{\"device\":\"8:0\",\"read\":0}]}}", "masu.resources.io.devices[0]: nothing moves at a rate of 0" },
	{ "{\"io\":{\"devices\":[{\"device\":\"8:0\",\"read\":1},{\"device\":\"8:0\",\"write\":1}]}}", "masu.resources.io.devices[1].device: 8:0 is listed twice" },
	{ "{\"network\":{\"ingress\":0}}", "masu.resources.network.ingress: nothing moves at a rate of 0" },
	{ "{\"hugepages\":{\"3M\":1}}", "masu.resources.hugepages: \"3M\" is not a page size such as 2M" },
	/* clang-format on */
};

/*
 * The writes of a host that has everything in one version. Each is "file=text;", "!field;" stands
 * for a row without a file and "?field;" for a warning of the compilation.
 */
static const struct {
	const char *json, *v1, *v2;
} compiled[] = {
	/* clang-format off */
	{ "{}", "", "" },
	{ "{\"cpu\":\"100m\"}", "cpu.cfs_period_us=250000;cpu.cfs_quota_us=25000;", "cpu.max=25000 250000;" },
	{ "{\"cpu\":{\"max\":\"4m\",\"burst\":\"4m\"}}", "cpu.cfs_period_us=250000;cpu.cfs_quota_us=1000;cpu.cfs_burst_us=1000;", "cpu.max=1000 250000;cpu.max.burst=1000;" },
	{ "{\"cpu\":\"max\"}", "cpu.cfs_quota_us=-1;", "cpu.max=max;" },
	{ "{\"cpu\":{\"share\":\"100m\"}}", "cpu.shares=102;", "cpu.weight=10;" },
	{ "{\"cpu\":{\"share\":\"500m\"}}", "cpu.shares=512;", "cpu.weight=50;" },
	{ "{\"cpu\":{\"share\":1}}", "cpu.shares=1024;", "cpu.weight=100;" },
	{ "{\"cpu\":{\"share\":1.5}}", "cpu.shares=1536;", "cpu.weight=150;" },
	{ "{\"cpu\":{\"share\":\"1m\"}}", "cpu.shares=2;", "cpu.weight=1;" },
	{ "{\"cpu\":{\"share\":256}}", "cpu.shares=262144;", "cpu.weight=10000;" },
	{ "{\"cpu\":{\"class\":\"best-effort\"}}", "cpu.idle=1;", "cpu.idle=1;" },
	{ "{\"cpu\":{\"class\":\"premier\"}}", "cpu.uclamp.min=max;", "cpu.uclamp.min=max;" },
	{ "{\"cpu\":{\"class\":\"normal\"}}", "", "" },
	{ "{\"cpu\":{\"mask\":\"0\"}}", "cpuset.cpus=0;", "cpuset.cpus=0;" },
	{ "{\"memory\":\"1M\"}", "memory.limit_in_bytes=1048576;", "memory.max=1048576;" },
	{ "{\"memory\":{\"max\":\"1M\",\"swap\":\"1M\"}}", "memory.limit_in_bytes=1048576;memory.memsw.limit_in_bytes=2097152;", "memory.max=1048576;memory.swap.max=1048576;" },
	{ "{\"memory\":{\"max\":\"1M\",\"swap\":0}}", "memory.limit_in_bytes=1048576;memory.memsw.limit_in_bytes=1048576;", "memory.max=1048576;memory.swap.max=0;" },
	{ "{\"memory\":{\"max\":\"1M\",\"swap\":\"max\"}}", "memory.limit_in_bytes=1048576;memory.memsw.limit_in_bytes=-1;", "memory.max=1048576;memory.swap.max=max;" },
	{ "{\"memory\":{\"soft\":\"1M\"}}", "memory.soft_limit_in_bytes=1048576;", "memory.high=1048576;" },
	{ "{\"memory\":{\"guarantee\":\"1M\"}}", "memory.soft_limit_in_bytes=1048576;?memory.guarantee;", "memory.low=1048576;" },
	{ "{\"memory\":{\"guarantee\":\"1M\",\"soft\":\"2M\"}}", "memory.soft_limit_in_bytes=2097152;?memory.guarantee;", "memory.low=1048576;memory.high=2097152;" },
	{ "{\"io\":{\"weight\":300}}", "blkio.bfq.weight=300;", "io.bfq.weight=300;io.weight=300;" },
	{ "{\"io\":{\"devices\":[{\"device\":\"8:0\",\"read\":\"1M\",\"writeOps\":5,\"weight\":50}]}}",
	  "blkio.bfq.weight_device=8:0 50;blkio.throttle.read_bps_device=8:0 1048576;blkio.throttle.write_iops_device=8:0 5;?io.devices;",
	  "io.bfq.weight=8:0 50;io.weight=8:0 50;io.max=8:0 rbps=1048576 wiops=5;" },
	{ "{\"io\":{\"devices\":[{\"device\":\"8:0\",\"read\":\"max\"}]}}", "blkio.throttle.read_bps_device=8:0 0;", "io.max=8:0 rbps=max;" },
	{ "{\"pids\":0}", "pids.max=0;", "pids.max=0;" },
	{ "{\"pids\":\"max\"}", "pids.max=max;", "pids.max=max;" },
	{ "{\"hugepages\":{\"2M\":\"4M\"}}", "hugetlb.2MB.rsvd.limit_in_bytes=4194304;hugetlb.2MB.limit_in_bytes=4194304;", "hugetlb.2MB.rsvd.max=4194304;hugetlb.2MB.max=4194304;" },
	/* clang-format on */
};

/* With linux.resources beside it: NULL when that goes, else what the message is about. */
static const struct {
	const char *intent, *resources, *field;
} together[] = {
	/* clang-format off */
	{ "{\"memory\":\"1M\"}", "{\"memory\":{\"limit\":1048576}}", NULL },
	{ "{\"memory\":\"1M\"}", "{\"memory\":{\"limit\":0,\"swappiness\":10},\"pids\":{\"limit\":7}}", NULL },
	{ "{\"memory\":\"1M\"}", "{\"memory\":{\"limit\":1048577}}", "masu.resources.memory.max: linux.resources.memory.limit " },
	{ "{\"cpu\":1}", "{\"cpu\":{\"quota\":5}}", "masu.resources.cpu.max: linux.resources.cpu.quota " },
	{ "{\"cpu\":1}", "{\"cpu\":{\"period\":50000}}", NULL },
	{ "{\"cpu\":\"10m\"}", "{\"cpu\":{\"period\":50000}}", "masu.resources.cpu.max: 10m of linux.resources.cpu.period" },
	{ "{\"cpu\":{\"share\":1}}", "{\"cpu\":{\"shares\":2048}}", "masu.resources.cpu.share: linux.resources.cpu.shares " },
	{ "{\"cpu\":{\"class\":\"best-effort\"}}", "{\"cpu\":{\"shares\":2048}}", "masu.resources.cpu.class: linux.resources.cpu.shares " },
	{ "{\"cpu\":{\"mask\":\"0\"}}", "{\"cpu\":{\"cpus\":\"0-1\"}}", "masu.resources.cpu.mask: linux.resources.cpu.cpus " },
	{ "{\"pids\":5}", "{\"pids\":{\"limit\":6}}", "masu.resources.pids.max: linux.resources.pids.limit " },
	{ "{\"memory\":{\"soft\":\"1M\"}}", "{\"unified\":{\"memory.high\":\"5\"}}", "masu.resources.memory.soft: linux.resources.unified.memory.high " },
	{ "{\"cpu\":{\"mask\":\"0,8000\"}}", "{}", "masu.resources.cpu.mask: CPU 8000 does not exist" },
	{ "{\"cpu\":{\"pin\":8000}}", "{}", "masu.resources.cpu.pin: 8000 CPUs do not exist" },
	{ "{\"io\":{\"devices\":[{\"device\":\"sda\",\"read\":1}]}}", "{}", "masu.resources.io.devices[0].device: \"sda\" is neither a path nor MAJOR:MINOR" },
	{ "{\"io\":{\"devices\":[{\"device\":\"/dev/null\",\"read\":1}]}}", "{}", "masu.resources.io.devices[0].device: /dev/null is not a block device" },
	{ "{\"io\":{\"devices\":[{\"device\":\"/nowhere\",\"read\":1}]}}", "{}", "masu.resources.io.devices[0].device: open /nowhere: " },
	/* clang-format on */
};

static int decode(const char *json, const struct json_object *object, void *target,
		  struct arena *arena, struct err *err)
{
	memset(target, 0, object->size);
	return json_decode("test", json, strlen(json), object, target, arena, err);
}

static const struct cgroup_intent_options lenient = { .prefix = "masu.resources." };
static const struct cgroup_intent_options strict = { .prefix = "masu.resources.", .strict = true };

/* The intent on a host with these controllers, after `resources`. */
static int compile(const char *json, const struct cgroup_support *support,
		   const struct cgroup_intent_options *options, struct arena *arena,
		   struct cgroup_compilation *to)
{
	struct cgroup_intent intent;

	CHECK_ROW(json, decode(json, &cgroup_intent_object, &intent, arena, NULL) == 0);
	CHECK_ROW(json, cgroup_intent_check(&intent, "", NULL) == 0);
	to->options = options;
	to->arena = arena;
	to->support = *support;
	to->io_weights = true;
	return cgroup_intent_compile_on(to, &intent);
}

static void check_compiled(const char *json, const struct cgroup_support *support,
			   const struct cgroup_knobs *knobs, const char *want)
{
	auto_arena struct arena arena = { 0 };
	struct cgroup_writes writes = { .arena = &arena };
	struct cgroup_resources resources = { 0 };
	struct json_list warnings = { 0 };
	struct err err = { 0 };
	struct cgroup_compilation to = { .resources = &resources,
					 .warnings = &warnings,
					 .err = &err };
	char text[1024] = "";

	CHECK_ROW(json, compile(json, support, &lenient, &arena, &to) == 0);
	CHECK_INT(cgroup_check(&resources, NULL), 0);
	CHECK_INT(cgroup_knobs_compile(knobs, ALL, &resources, &writes, NULL), 0);
	for (size_t i = 0; i < writes.count; i++) {
		const struct cgroup_write *write = &writes.items[i];
		size_t at = strlen(text);

		CHECK_ROW(json, write->from && str_starts(write->from, "masu.resources."));
		snprintf(text + at, sizeof(text) - at, write->file ? "%s=%s;" : "!%s;",
			 write->file ? write->file : write->field, write->text);
	}
	for (size_t i = 0; i < warnings.count; i++) {
		size_t at = strlen(text);

		snprintf(text + at, sizeof(text) - at, "?%s;",
			 JSON_ITEMS(struct cgroup_warning, &warnings)[i].field +
				 strlen("masu.resources."));
	}
	CHECK_TEXT(text, want);
}

static void check_together(const char *json, const char *resources_json, const char *field)
{
	static const struct cgroup_support v2 = { .v2 = ALL };
	auto_arena struct arena arena = { 0 };
	struct cgroup_resources resources;
	struct json_list warnings = { 0 };
	struct err err = { 0 };
	struct cgroup_compilation to = { .resources = &resources,
					 .warnings = &warnings,
					 .err = &err };

	CHECK_ROW(resources_json,
		  decode(resources_json, &cgroup_resources_object, &resources, &arena, NULL) == 0);
	int result = compile(json, &v2, &lenient, &arena, &to);

	CHECK_ROW(json, result == (field ? -1 : 0));
	CHECK_ROW(err.text, !field || str_starts(err.text, field));
}

/* A host without the controller: named in a warning, an error when strict, and dropped. */
static void check_missing(void)
{
	static const struct cgroup_support none = { 0 };

	static const struct {
		const char *json, *field;
	} asked[] = {
		{ "{\"cpu\":1}", "cpu.max" },
		{ "{\"cpu\":{\"share\":1}}", "cpu.share" },
		{ "{\"cpu\":{\"class\":\"best-effort\"}}", "cpu.class" },
		{ "{\"cpu\":{\"mask\":\"0\"}}", "cpu.mask" },
		{ "{\"cpu\":{\"pin\":1}}", "cpu.pin" },
		{ "{\"memory\":\"1M\"}", "memory" },
		{ "{\"io\":{\"weight\":10}}", "io" },
		{ "{\"pids\":1}", "pids.max" },
		{ "{\"hugepages\":{\"2M\":0}}", "hugepages" },
		{ "{\"network\":{\"priority\":1}}", "network.priority" },
	};

	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		auto_arena struct arena arena = { 0 };
		struct cgroup_resources resources = { 0 };
		struct json_list warnings = { 0 };
		struct err err = { 0 };
		struct cgroup_compilation to = { .resources = &resources,
						 .warnings = &warnings,
						 .err = &err };

		CHECK_ROW(asked[i].json, compile(asked[i].json, &none, &lenient, &arena, &to) == 0);
		CHECK_INT(warnings.count, 1);
		CHECK_TEXT(JSON_ITEMS(struct cgroup_warning, &warnings)[0].field +
				   strlen("masu.resources."),
			   asked[i].field);
		CHECK_INT(cgroup_asks(&resources), false);
		CHECK_INT(compile(asked[i].json, &none, &strict, &arena, &to), -1);
		CHECK_INT(err.code, ERR_UNSUPPORTED);
	}
}

int main(void)
{
	static const struct cgroup_support v1 = { .v1 = ALL }, v2 = { .v2 = ALL };

	for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++) {
		auto_arena struct arena arena = { 0 };
		struct cgroup_intent intent;
		struct err err = { 0 };

		CHECK_ROW(amounts[i].json, decode(amounts[i].json, &cgroup_intent_object, &intent,
						  &arena, &err) == 0);
		CHECK_TEXT(json_encode(&cgroup_intent_object, &intent, 0, &arena, NULL),
			   amounts[i].encoded);
	}
	for (size_t i = 0; i < sizeof(undecodable) / sizeof(undecodable[0]); i++) {
		auto_arena struct arena arena = { 0 };
		struct cgroup_intent intent;
		struct err err = { 0 };

		CHECK_ROW(undecodable[i].json, decode(undecodable[i].json, &cgroup_intent_object,
						      &intent, &arena, &err) < 0);
		CHECK_INT(err.code, ERR_INPUT);
		CHECK_ROW(err.text, strstr(err.text, undecodable[i].word));
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		auto_arena struct arena arena = { 0 };
		struct cgroup_intent intent;
		struct err err = { 0 };

		CHECK_ROW(refused[i].json, decode(refused[i].json, &cgroup_intent_object, &intent,
						  &arena, &err) == 0);
		CHECK_INT(cgroup_intent_check(&intent, "masu.resources.", &err), -1);
		CHECK_TEXT(err.text, refused[i].text);
	}
	for (size_t i = 0; i < sizeof(compiled) / sizeof(compiled[0]); i++) {
		check_compiled(compiled[i].json, &v1, &cgroup_v1_knobs, compiled[i].v1);
		check_compiled(compiled[i].json, &v2, &cgroup_v2_knobs, compiled[i].v2);
	}
	for (size_t i = 0; i < sizeof(together) / sizeof(together[0]); i++)
		check_together(together[i].intent, together[i].resources, together[i].field);
	check_missing();
	return unit_done("cgroup_intent");
}
