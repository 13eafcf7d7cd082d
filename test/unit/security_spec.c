/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* security/'s part of the spec: words, decoder rows, checks, signals, and the plan that is compiled
 * from them. */
#include "security/security.h"

#include <linux/capability.h>
#include <linux/mempolicy.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/names.h"
#include "test/unit/unit.h"

/* process and linux stand side by side here; in config.json the decoder embeds each in its own
 * object */
struct spec {
	struct security_process process;
	struct security_linux linux_part;
};

static const struct json_row spec_rows[] = {
	{ "process", JSON_OBJECT, offsetof(struct spec, process),
	  .nested = &security_process_object },
	{ "linux", JSON_OBJECT, offsetof(struct spec, linux_part),
	  .nested = &security_linux_object },
};
static const struct json_object spec_object = JSON_OBJECT_OF(struct spec, spec_rows);

static int read_spec(const char *json, struct spec *spec, struct arena *arena, struct err *err)
{
	*spec = (struct spec){ 0 };
	if (json_decode("spec", json, strlen(json), &spec_object, spec, arena, err) < 0)
		return -1;
	return security_check(&spec->process, &spec->linux_part, err);
}

/* ---- words ---- */
static void test_words(void)
{
	static const struct {
		const struct name *table;
		const char *word;
		int64_t value;
	} rows[] = {
		/* clang-format off */
		{ security_capability_names, "CAP_CHOWN", 0 },
		{ security_capability_names, "CAP_SYS_ADMIN", 21 },
		{ security_capability_names, "CAP_CHECKPOINT_RESTORE", 40 },
		{ security_signal_names, "TERM", SIGTERM },
		{ security_memory_modes, "MPOL_PREFERRED_MANY", 5 },
		{ security_memory_modes, "MPOL_WEIGHTED_INTERLEAVE", 6 },
		{ security_memory_flags, "MPOL_F_STATIC_NODES", 1 << 15 },
		{ security_seccomp_flags, "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", 1 << 5 },
		/* clang-format on */
	};

	int64_t value;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK_ROW(rows[i].word, names_find(rows[i].table, rows[i].word, &value) &&
						value == rows[i].value);
	/* every capability, with libcap as the reference, and no gap */
	for (int cap = 0; cap <= 40; cap++) {
		const char *name = names_text(security_capability_names, cap);
		cap_value_t number = -1;

		CHECK(name && cap_from_name(name, &number) == 0 && number == cap);
	}
	CHECK_TEXT(names_text(security_seccomp_actions, 1), "SCMP_ACT_KILL_PROCESS");
	CHECK(names_find(security_seccomp_archs, "SCMP_ARCH_LOONGARCH64", &value));
	CHECK(names_find(security_seccomp_operators, "SCMP_CMP_MASKED_EQ", &value));
}

/* ---- signals ---- */
static void test_signals(void)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		/* clang-format off */
		{ "TERM", 15 }, { "SIGTERM", 15 }, { "sigterm", 15 }, { "Term", 15 }, { "15", 15 },
		{ "KILL", 9 }, { "9", 9 }, { "1", 1 }, { "64", 64 }, { "SIGIOT", 6 }, { "poll", 29 },
		{ "CLD", 17 }, { "RTMIN", 34 }, { "SIGRTMIN+3", 37 }, { "rtmin+30", 64 }, { "RTMAX", 64 },
		{ "RTMAX-14", 50 }, { "sigrtmax-0", 64 }, { "WINCH", 28 }, { "SIGSTKFLT", 16 },
		{ "0", -1 }, { "65", -1 }, { "-1", -1 }, { "", -1 }, { "SIG", -1 }, { "FOO", -1 },
		{ "SIGSIGTERM", -1 }, { "RTMIN+31", -1 }, { "RTMIN-1", -1 }, { "RTMAX+1", -1 },
		{ "RTMIN+", -1 }, { " 15", -1 }, { "15 ", -1 }, { "0x9", -1 }, { "4294967305", -1 },
		{ "TERMTERMTERMTERMTERM", -1 },
		/* clang-format on */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = { 0 };
		int have = security_parse_signal(rows[i].text, &err);

		CHECK_ROW(rows[i].text, have == rows[i].want);
		CHECK_ROW(rows[i].text,
			  have > 0 || (err.code == ERR_INPUT && strstr(err.text, "invalid") &&
				       strstr(err.text, "unknown signal")));
	}
}

/* ---- decoding ---- */
static const char full[] =
	"{\"process\":{\"user\":{\"uid\":4294967294,\"gid\":7,\"umask\":63,\"additionalGids\":[5,6]},"
	"\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":0,\"hard\":18446744073709551615},"
	"{\"type\":\"RLIMIT_NOFILE\",\"soft\":10,\"hard\":20}],"
	"\"capabilities\":{\"bounding\":[\"CAP_KILL\"],\"ambient\":[]},"
	"\"noNewPrivileges\":true,\"apparmorProfile\":\"p\",\"selinuxLabel\":\"l\",\"oomScoreAdj\":-5,"
	"\"scheduler\":{\"policy\":\"SCHED_DEADLINE\",\"flags\":[\"SCHED_FLAG_RESET_ON_FORK\"],"
	"\"runtime\":1000000,\"deadline\":2000000,\"period\":3000000},"
	"\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":4},"
	"\"execCPUAffinity\":{\"initial\":\"0-1\",\"final\":\"1\"}},"
	"\"linux\":{\"personality\":{\"domain\":\"LINUX32\"},"
	"\"memoryPolicy\":{\"mode\":\"MPOL_INTERLEAVE\",\"nodes\":\"0-1\",\"flags\":[\"MPOL_F_STATIC_NODES\"]}}}";

static void test_decode(void)
{
	auto_arena struct arena arena = { 0 };
	struct spec spec;
	struct err err = { 0 };

	CHECK_INT(read_spec(full, &spec, &arena, &err), 0);
	CHECK_TEXT(err.text, "");
	const struct security_process *process = &spec.process;

	CHECK_INT(process->user.uid, 4294967294);
	CHECK_INT(process->user.umask.value, 077);
	CHECK_INT(process->user.additional_gids.count, 2);
	CHECK_INT(process->rlimits.count, 2);
	CHECK(JSON_ITEMS(struct security_rlimit, &process->rlimits)[0].hard.value == UINT64_MAX);
	CHECK_INT(JSON_ITEMS(struct security_rlimit, &process->rlimits)[1].type, RLIMIT_NOFILE);
	CHECK_INT(process->capabilities->sets[CAPS_BOUNDING].count, 1);
	CHECK_INT(process->oom_score_adj.value, -5);
	CHECK_INT(process->scheduler->policy, 6);
	CHECK_INT(process->io_priority->class, 2);
	CHECK_TEXT(process->exec_cpu_affinity->final, "1");
	CHECK_INT(spec.linux_part.personality->domain, 8);
	CHECK_INT(spec.linux_part.memory_policy->mode, MPOL_INTERLEAVE);
	CHECK(!spec.linux_part.seccomp);
}

/* ---- what must be refused, and by which field ---- */
#define PROCESS(text)   "{\"process\":{" text "}}"
#define LINUX(text)     "{\"linux\":{" text "}}"
#define SCHEDULER(text) PROCESS("\"scheduler\":{" text "}")
#define MEMORY(text)    LINUX("\"memoryPolicy\":{" text "}")

static const struct {
	const char *json, *field; /* field NULL: fine */
} check_rows[] = {
	/* clang-format off */
	{ PROCESS("\"user\":{\"uid\":4294967295}"), "process.user.uid" },
	{ PROCESS("\"user\":{\"uid\":-1}"), "process.user.uid" },
	{ PROCESS("\"user\":{\"uid\":\"0\"}"), "process.user.uid" },
	{ PROCESS("\"user\":{\"umask\":512}"), "process.user.umask" },
	{ PROCESS("\"user\":{\"additionalGids\":[4294967295]}"), "process.user.additionalGids" },
	{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_X\",\"soft\":1,\"hard\":1}]"), "process.rlimits" },
	{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":1}]"), "process.rlimits" },
	{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":2,\"hard\":1}]"), "process.rlimits[0]" },
	{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":1,\"hard\":1},{\"type\":\"RLIMIT_AS\",\"soft\":1,\"hard\":1}]"), "process.rlimits[1]" },
	{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_AS\",\"soft\":-1,\"hard\":1}]"), "process.rlimits" },
	{ PROCESS("\"oomScoreAdj\":1001"), "process.oomScoreAdj" },
	{ PROCESS("\"apparmorProfile\":\"a\\nb\""), "process.apparmorProfile" },
	{ PROCESS("\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":8}"), "process.ioPriority.priority" },
	{ PROCESS("\"ioPriority\":{\"priority\":1}"), "process.ioPriority" },
	{ PROCESS("\"ioPriority\":{\"class\":\"IOPRIO_CLASS_NONE\"}"), "process.ioPriority.class" },
	{ PROCESS("\"execCPUAffinity\":{\"initial\":\"0-\"}"), "process.execCPUAffinity.initial" },
	{ PROCESS("\"execCPUAffinity\":{\"final\":\"x\"}"), "process.execCPUAffinity.final" },
	{ SCHEDULER("\"policy\":\"SCHED_FIFO\""), "process.scheduler.priority" },
	{ SCHEDULER("\"policy\":\"SCHED_FIFO\",\"priority\":100"), "process.scheduler.priority" },
	{ SCHEDULER("\"policy\":\"SCHED_RR\",\"priority\":1"), NULL },
	{ SCHEDULER("\"policy\":\"SCHED_OTHER\",\"priority\":1"), "process.scheduler.priority" },
	{ SCHEDULER("\"policy\":\"SCHED_OTHER\",\"nice\":20"), "process.scheduler.nice" },
	{ SCHEDULER("\"policy\":\"SCHED_BATCH\",\"nice\":-20"), NULL },
	{ SCHEDULER("\"policy\":\"SCHED_RR\",\"priority\":1,\"nice\":3"), "process.scheduler.nice" },
	{ SCHEDULER("\"policy\":\"SCHED_BATCH\",\"runtime\":3"), "process.scheduler" },
	{ SCHEDULER("\"policy\":\"SCHED_DEADLINE\",\"runtime\":3"), "process.scheduler" },
	{ SCHEDULER("\"policy\":\"SCHED_DEADLINE\",\"runtime\":3,\"deadline\":2"), "process.scheduler" },
	{ SCHEDULER("\"policy\":\"SCHED_DEADLINE\",\"runtime\":2,\"deadline\":3"), NULL },
	{ SCHEDULER("\"policy\":\"SCHED_DEADLINE\",\"runtime\":2,\"deadline\":3,\"period\":2"), "process.scheduler" },
	{ SCHEDULER("\"policy\":\"SCHED_EXT\""), "process.scheduler.policy" },
	{ SCHEDULER("\"nice\":1"), "process.scheduler" },
	{ SCHEDULER("\"policy\":\"SCHED_OTHER\",\"flags\":[\"X\"]"), "process.scheduler.flags" },
	{ LINUX("\"personality\":{\"domain\":\"LINUX\"}"), NULL },
	{ LINUX("\"personality\":{\"domain\":\"BSD\"}"), "linux.personality.domain" },
	{ LINUX("\"personality\":{\"domain\":\"LINUX\",\"flags\":[\"X\"]}"), "linux.personality.flags" },
	{ MEMORY("\"mode\":\"MPOL_BIND\""), "linux.memoryPolicy.nodes" },
	{ MEMORY("\"mode\":\"MPOL_BIND\",\"nodes\":\"0,a\""), "linux.memoryPolicy.nodes" },
	{ MEMORY("\"mode\":\"MPOL_LOCAL\",\"nodes\":\"0\""), "linux.memoryPolicy.nodes" },
	{ MEMORY("\"mode\":\"MPOL_PREFERRED\""), NULL },
	{ MEMORY("\"mode\":\"MPOL_DEFAULT\",\"flags\":[\"MPOL_F_STATIC_NODES\"]"), "linux.memoryPolicy.flags" },
	{ MEMORY("\"mode\":\"MPOL_BIND\",\"nodes\":\"0\",\"flags\":[\"MPOL_F_STATIC_NODES\",\"MPOL_F_RELATIVE_NODES\"]"), "linux.memoryPolicy.flags" },
	{ MEMORY("\"mode\":\"MPOL_INTERLEAVE\",\"nodes\":\"0\",\"flags\":[\"MPOL_F_NUMA_BALANCING\"]"), "linux.memoryPolicy.flags" },
	{ MEMORY("\"mode\":\"MPOL_BIND\",\"nodes\":\"0\",\"flags\":[\"MPOL_F_NUMA_BALANCING\"]"), NULL },
	{ LINUX("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_LOG\",\"listenerMetadata\":\"x\"}"), "linux.seccomp.listenerMetadata" },
	/* clang-format on */
};

static void test_checks(void)
{
	for (size_t i = 0; i < sizeof(check_rows) / sizeof(check_rows[0]); i++) {
		auto_arena struct arena arena = { 0 };
		struct spec spec;
		struct err err = { 0 };
		int result = read_spec(check_rows[i].json, &spec, &arena, &err);

		if (!check_rows[i].field) {
			CHECK_ROW(check_rows[i].json, result == 0);
			continue;
		}
		CHECK_ROW(check_rows[i].json, result == -1 && err.code == ERR_INPUT);
		CHECK_ROW(err.text, strstr(err.text, check_rows[i].field));
	}
}

/* ---- compiling ---- */
static unsigned int warnings;

static void count_warning(enum log_level level, const char *message, void *data)
{
	(void)message;
	(void)data;
	warnings += level == LOG_WARNING;
}

static int compile(const char *json, unsigned int flags, struct flat *flat,
		   struct security_plan *plan, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct spec spec;

	warnings = 0;
	if (read_spec(json, &spec, &arena, err) < 0)
		return -1;
	return security_compile(&spec.process, &spec.linux_part, flags, flat, plan, err);
}

#define CAPS(text) PROCESS("\"capabilities\":{" text "}")
#define BIT(cap)   (1ULL << (cap))
#define ALL_SETS(cap)                                                                              \
	"\"bounding\":[\"" cap "\"],\"effective\":[\"" cap "\"],\"inheritable\":[\"" cap           \
	"\"],\"permitted\":[\"" cap "\"],\"ambient\":[\"" cap "\"]"

static const struct {
	const char *json;
	unsigned int flags;
	uint64_t want[5]; /* bounding, effective, inheritable, permitted, ambient */
	unsigned int warnings;
} capability_rows[] = {
	/* clang-format off: SECURITY_USER_NAMESPACE makes the answers independent of who runs this test */
	{ PROCESS(""), 2, { 0 }, 0 },
	{ CAPS(""), 2, { 0 }, 0 },
	{ CAPS(ALL_SETS("CAP_KILL")), 2, { BIT(5), BIT(5), BIT(5), BIT(5), BIT(5) }, 0 },
	{ CAPS("\"bounding\":[\"CAP_BOGUS\",\"CAP_KILL\"]"), 2, { BIT(5) }, 1 },
	{ CAPS("\"bounding\":[\"cap_kill\"]"), 2, { 0 }, 1 },
	{ CAPS("\"effective\":[\"CAP_KILL\"]"), 2, { 0 }, 1 },
	{ CAPS("\"inheritable\":[\"CAP_KILL\"]"), 2, { 0 }, 1 },
	{ CAPS("\"permitted\":[\"CAP_KILL\"],\"ambient\":[\"CAP_KILL\"]"),
	  2,
	  { 0, 0, 0, BIT(5), 0 },
	  1 },
	{ CAPS(ALL_SETS("CAP_SYS_RESOURCE")),
	  2,
	  { BIT(24), BIT(24), BIT(24), BIT(24), BIT(24) },
	  0 },
	/* clang-format on */
};

static void test_capabilities(void)
{
	for (size_t i = 0; i < sizeof(capability_rows) / sizeof(capability_rows[0]); i++) {
		struct flat flat = FLAT_INIT;
		struct security_plan plan;
		struct err err = { 0 };
		const char *json = capability_rows[i].json;

		CHECK_ROW(json, compile(json, capability_rows[i].flags, &flat, &plan, &err) == 0);
		CHECK_ROW(json, memcmp(plan.capabilities, capability_rows[i].want,
				       sizeof(plan.capabilities)) == 0);
		CHECK_ROW(json, warnings == capability_rows[i].warnings);
		flat_free(&flat);
	}
}

/* A capability that this process lacks is left out when there is no user namespace to have it in.
 */
static void test_not_granted(void)
{
	struct flat flat = FLAT_INIT;
	struct security_plan plan;
	struct err err = { 0 };
	bool has = prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE, 0, 0, 0) == 1;

	CHECK_INT(compile(CAPS("\"bounding\":[\"CAP_SYS_RESOURCE\"]"), 0, &flat, &plan, &err), 0);
	CHECK_INT(plan.capabilities[CAPS_BOUNDING], has ? BIT(CAP_SYS_RESOURCE) : 0);
	CHECK_INT(warnings, has ? 0 : 1);
	flat_free(&flat);
}

#define FILTER "\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\"}"

static const struct {
	const char *json;
	int want;
} seccomp_rows[] = {
	/* clang-format off */
	{ PROCESS(""), 0 },
	{ LINUX("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\"}"), 0 },
	{ LINUX(FILTER), 1 },
	{ "{\"process\":{\"noNewPrivileges\":true},\"linux\":{" FILTER "}}", 2 },
	{ "{\"process\":{\"noNewPrivileges\":false},\"linux\":{" FILTER "}}", 1 },
	{ "{\"process\":{\"capabilities\":{" ALL_SETS("CAP_SYS_ADMIN") "}},\"linux\":{" FILTER "}}", 2 },
	/* clang-format on */
};

static void test_plan(void)
{
	struct flat flat = FLAT_INIT;
	struct security_plan plan;
	struct err err = { 0 };

	for (size_t i = 0; i < sizeof(seccomp_rows) / sizeof(seccomp_rows[0]); i++) {
		CHECK_INT(
			compile(seccomp_rows[i].json, SECURITY_USER_NAMESPACE, &flat, &plan, &err),
			0);
		CHECK_ROW(seccomp_rows[i].json, plan.seccomp == seccomp_rows[i].want);
	}
	CHECK_INT(plan.seccomp_flags, SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	CHECK_INT(plan.umask, -1);
	CHECK(plan.personality == -1 && plan.memory_mode == -1 && plan.set_groups);
	CHECK_INT(compile(PROCESS("\"user\":{\"additionalGids\":[3]}"), SECURITY_DENIED_GROUPS,
			  &flat, &plan, &err),
		  -1);
	CHECK(strstr(err.text, "process.user.additionalGids"));
	CHECK_INT(compile(PROCESS(""), SECURITY_DENIED_GROUPS, &flat, &plan, &err), 0);
	CHECK(!plan.set_groups);
	if (!security_apparmor_enabled()) {
		CHECK_INT(compile(PROCESS("\"apparmorProfile\":\"p\""), 0, &flat, &plan, &err), -1);
		CHECK_INT(err.code, ERR_UNSUPPORTED);
		CHECK_INT(compile(PROCESS("\"apparmorProfile\":\"unconfined\""), 0, &flat, &plan,
				  &err),
			  0);
	}
	if (!security_selinux_enabled()) {
		CHECK_INT(compile(PROCESS("\"selinuxLabel\":\"l\""), 0, &flat, &plan, &err), -1);
		CHECK(strstr(err.text, "process.selinuxLabel"));
	}
	CHECK_INT(
		compile(MEMORY("\"mode\":\"MPOL_BIND\",\"nodes\":\"1024\""), 0, &flat, &plan, &err),
		-1);
	CHECK_INT(
		compile(MEMORY("\"mode\":\"MPOL_BIND\",\"nodes\":\"0,64\""), 0, &flat, &plan, &err),
		0);
	struct flat_view view = { .data = flat.data, .size = flat.size };
	const unsigned long *nodes = flat_get(&view, plan.memory_nodes, sizeof(*nodes));

	CHECK(nodes && nodes[0] == 1 && nodes[1] == 1 && plan.memory_bits == 1024);
	CHECK_INT(flat_finish(&flat, &err), 0);
	flat_free(&flat);
}

int main(void)
{
	log_set(count_warning, NULL, LOG_WARNING);
	test_words();
	test_signals();
	test_decode();
	test_checks();
	test_capabilities();
	test_not_granted();
	test_plan();
	return unit_done("security_spec");
}
