/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seccomp compiler: its programs are run by a small BPF interpreter and compared with rows and
 * with libseccomp's own. */
#include "security/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "security/security.h"
#include "test/unit/unit.h"

#define ALLOW       SECCOMP_RET_ALLOW
#define FAIL(code)  (SECCOMP_RET_ERRNO | (code))
#define KILL        SECCOMP_RET_KILL_PROCESS
#define X86         AUDIT_ARCH_I386
#define X86_64      AUDIT_ARCH_X86_64
#define ARM         AUDIT_ARCH_ARM
#define AARCH64     AUDIT_ARCH_AARCH64
#define X32(number) (0x40000000 | (number))
#define BROKEN                                                                                     \
	0xdeadbeef /* what the interpreter says about a program that the kernel would refuse */

/* ---- the interpreter: the instructions that the kernel accepts in a filter ---- */
static bool jump_holds(uint16_t code, uint32_t a, uint32_t k)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return a == k;
	case BPF_JGT:
		return a > k;
	case BPF_JGE:
		return a >= k;
	default:
		return a & k;
	}
}

static uint32_t run(const struct sock_filter *code, size_t count, const struct seccomp_data *data)
{
	uint32_t a = 0, scratch[BPF_MEMWORDS] = { 0 };

	for (size_t pc = 0; pc < count; pc++) {
		const struct sock_filter *at = &code[pc];

		switch (BPF_CLASS(at->code)) {
		case BPF_RET:
			return at->k;
		case BPF_ST:
			scratch[at->k % BPF_MEMWORDS] = a;
			break;
		case BPF_LD:
			if (BPF_MODE(at->code) == BPF_MEM)
				a = scratch[at->k % BPF_MEMWORDS];
			else if (at->k % 4 || at->k >= sizeof(*data))
				return BROKEN;
			else
				memcpy(&a, (const char *)data + at->k, sizeof(a));
			break;
		case BPF_ALU:
			if (BPF_OP(at->code) != BPF_AND)
				return BROKEN;
			a &= at->k;
			break;
		case BPF_JMP:
			if (BPF_OP(at->code) == BPF_JA)
				pc += at->k;
			else
				pc += jump_holds(at->code, a, at->k) ? at->jt : at->jf;
			break;
		default:
			return BROKEN;
		}
	}
	return BROKEN; /* ran over the end */
}

/* ---- programs ---- */
struct filter {
	struct sock_filter code[BPF_MAXINSNS];
	int count;
};

static bool compile(const char *json, uint32_t native, struct filter *filter, struct arena *arena,
		    struct err *err)
{
	struct security_seccomp seccomp = { 0 };

	if (json_decode("profile", json, strlen(json), &security_seccomp_object, &seccomp, arena,
			err) < 0)
		return false;
	if (seccomp_check(&seccomp, err) < 0)
		return false;
	filter->count = seccomp_compile(&seccomp, native, arena, filter->code, err);
	return filter->count > 0;
}

static uint32_t verdict(const struct filter *filter, uint32_t arch, uint32_t number,
			const uint64_t args[6])
{
	struct seccomp_data data = { .nr = (int)number, .arch = arch };

	memcpy(data.args, args, sizeof(data.args));
	return run(filter->code, (size_t)filter->count, &data);
}

/* ---- rows: profile, native architecture, a call, the verdict ---- */
static const char allow_list[] =
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"],"
	"\"syscalls\":[{\"names\":[\"read\",\"write\",\"socket\",\"no_such_call\",\"openat2\"],"
	"\"action\":\"SCMP_ACT_ALLOW\"},"
	"{\"names\":[\"clone\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,"
	"\"value\":2114060288,\"valueTwo\":0,\"op\":\"SCMP_CMP_MASKED_EQ\"}]},"
	"{\"names\":[\"clone3\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":38},"
	"{\"names\":[\"ptrace\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":1}]}";

static const char no_x32[] =
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":13,\"architectures\":"
	"[\"SCMP_ARCH_X86_64\",\"SCMP_ARCH_AARCH64\",\"SCMP_ARCH_LOONGARCH64\",\"SCMP_ARCH_M68K\"],"
	"\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"}]}";

static const char default_enosys[] =
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,"
	"\"syscalls\":[{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"}]}";

static const char deny_list[] =
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"architectures\":[\"SCMP_ARCH_X86\"],\"syscalls\":["
	"{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":97,\"args\":"
	"[{\"index\":0,\"value\":38,\"op\":\"SCMP_CMP_EQ\"}]},"
	"{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_KILL_PROCESS\"},"
	"{\"names\":[\"umount2\"],\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":7},"
	"{\"names\":[\"chroot\"],\"action\":\"SCMP_ACT_TRAP\"},"
	"{\"names\":[\"kexec_load\"],\"action\":\"SCMP_ACT_LOG\"},"
	"{\"names\":[\"reboot\"],\"action\":\"SCMP_ACT_KILL\"}]}";

/* two args are AND; the same argument twice is OR; the first entry that holds decides; one without
 * args wins */
static const char conditions[] =
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
	"{\"names\":[\"dup3\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	"{\"index\":0,\"value\":1,\"op\":\"SCMP_CMP_EQ\"},{\"index\":1,\"value\":2,\"op\":\"SCMP_CMP_EQ\"}]},"
	"{\"names\":[\"dup2\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	"{\"index\":0,\"value\":1,\"op\":\"SCMP_CMP_EQ\"},{\"index\":0,\"value\":2,\"op\":\"SCMP_CMP_EQ\"}]},"
	"{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_LOG\",\"args\":[{\"index\":1,\"value\":5,\"op\":\"SCMP_CMP_LT\"}]},"
	"{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":1,\"value\":9,\"op\":\"SCMP_CMP_LE\"}]},"
	"{\"names\":[\"fcntl\"],\"action\":\"SCMP_ACT_LOG\",\"args\":[{\"index\":1,\"value\":5,\"op\":\"SCMP_CMP_LT\"}]},"
	"{\"names\":[\"fcntl\"],\"action\":\"SCMP_ACT_ALLOW\"},"
	"{\"names\":[\"lseek\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	"{\"index\":1,\"value\":4294967296,\"op\":\"SCMP_CMP_GT\"}]},"
	"{\"names\":[\"mmap\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	"{\"index\":2,\"value\":18446744069414584320,\"valueTwo\":0,\"op\":\"SCMP_CMP_MASKED_EQ\"}]},"
	"{\"names\":[\"close\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":[{\"index\":0,\"value\":7,\"op\":\"SCMP_CMP_NE\"}]},"
	"{\"names\":[\"close_range\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":22}]}";

static const struct verdict_row {
	const char *what, *profile;
	uint32_t native, arch, number;
	uint64_t args[3];
	uint32_t want;
} verdict_rows[] = {
	/* clang-format off */
	{ "named call",                 allow_list, X86_64, X86_64, 0, { 0 }, ALLOW },
	{ "call in a hole",             allow_list, X86_64, X86_64, 165, { 0 }, FAIL(EPERM) },
	{ "entry like the default",     allow_list, X86_64, X86_64, 101, { 0 }, FAIL(EPERM) },
	{ "newest that is named",       allow_list, X86_64, X86_64, 437, { 0 }, ALLOW },
	{ "newer than the profile",     allow_list, X86_64, X86_64, 438, { 0 }, FAIL(ENOSYS) },
	{ "no call at all",             allow_list, X86_64, X86_64, 0xffffffff, { 0 }, FAIL(EPERM) },
	{ "masked flags clear",         allow_list, X86_64, X86_64, 56, { 0x11 }, ALLOW },
	{ "masked flags set",           allow_list, X86_64, X86_64, 56, { 0x10000011 }, FAIL(EPERM) },
	{ "masked, high bits set",      allow_list, X86_64, X86_64, 56, { 0xffffffff00000011 }, ALLOW },
	{ "clone3 by its errnoRet",     allow_list, X86_64, X86_64, 435, { 0 }, FAIL(ENOSYS) },
	{ "x32 read",                   allow_list, X86_64, X86_64, X32(0), { 0 }, ALLOW },
	{ "x32 mount",                  allow_list, X86_64, X86_64, X32(165), { 0 }, FAIL(EPERM) },
	{ "x32 newer",                  allow_list, X86_64, X86_64, X32(0x1000), { 0 }, FAIL(ENOSYS) },
	{ "i386 read",                  allow_list, X86_64, X86, 3, { 0 }, ALLOW },
	{ "i386 0 is another call",     allow_list, X86_64, X86, 0, { 0 }, FAIL(EPERM) },
	{ "i386 socket",                allow_list, X86_64, X86, 359, { 0 }, ALLOW },
	{ "i386 socket multiplexed",    allow_list, X86_64, X86, 102, { 1 }, ALLOW },
	{ "i386 bind multiplexed",      allow_list, X86_64, X86, 102, { 2 }, FAIL(EPERM) },
	{ "i386 newer",                 allow_list, X86_64, X86, 438, { 0 }, FAIL(ENOSYS) },
	{ "foreign architecture",       allow_list, X86_64, AARCH64, 0, { 0 }, KILL },
	{ "x32 not listed",             no_x32, X86_64, X86_64, X32(0), { 0 }, KILL },
	{ "i386 not listed",            no_x32, X86_64, X86, 3, { 0 }, KILL },
	{ "-1 is no x32 call",          no_x32, X86_64, X86_64, 0xffffffff, { 0 }, FAIL(EACCES) },
	{ "other native read",          no_x32, AARCH64, AARCH64, 63, { 0 }, ALLOW },
	{ "other native newer",         no_x32, AARCH64, AARCH64, 64, { 0 }, FAIL(ENOSYS) },
	{ "other native hole",          no_x32, AARCH64, AARCH64, 62, { 0 }, FAIL(EACCES) },
	{ "x86 cannot run there",       no_x32, AARCH64, X86_64, 0, { 0 }, KILL },
	{ "arm not listed there",       no_x32, AARCH64, ARM, 3, { 0 }, KILL },
	{ "default is ENOSYS",          default_enosys, X86_64, X86_64, 9999, { 0 }, FAIL(ENOSYS) },
	{ "deny list lets new pass",    deny_list, X86_64, X86_64, 9999, { 0 }, ALLOW },
	{ "deny list, arg holds",       deny_list, X86_64, X86_64, 41, { 38 }, FAIL(97) },
	{ "deny list, arg differs",     deny_list, X86_64, X86_64, 41, { 2 }, ALLOW },
	{ "deny list, i386 direct",     deny_list, X86_64, X86, 359, { 38 }, FAIL(97) },
	{ "no way round by socketcall", deny_list, X86_64, X86, 102, { 1 }, FAIL(97) },
	{ "other socketcalls go on",    deny_list, X86_64, X86, 102, { 3 }, ALLOW },
	{ "kill process",               deny_list, X86_64, X86_64, 165, { 0 }, KILL },
	{ "trace with data",            deny_list, X86_64, X86_64, 166, { 0 }, SECCOMP_RET_TRACE | 7 },
	{ "trap",                       deny_list, X86_64, X86_64, 161, { 0 }, SECCOMP_RET_TRAP },
	{ "log",                        deny_list, X86_64, X86_64, 246, { 0 }, SECCOMP_RET_LOG },
	{ "kill thread",                deny_list, X86_64, X86_64, 169, { 0 }, SECCOMP_RET_KILL_THREAD },
	{ "both args hold",             conditions, X86_64, X86_64, 292, { 1, 2 }, ALLOW },
	{ "only the first holds",       conditions, X86_64, X86_64, 292, { 1, 3 }, FAIL(EPERM) },
	{ "only the second holds",      conditions, X86_64, X86_64, 292, { 3, 2 }, FAIL(EPERM) },
	{ "neither holds",              conditions, X86_64, X86_64, 292, { 3, 3 }, FAIL(EPERM) },
	{ "EQ sees high bits",          conditions, X86_64, X86_64, 292, { 0x100000001, 2 }, FAIL(EPERM) },
	{ "one argument twice, first",  conditions, X86_64, X86_64, 33, { 1 }, ALLOW },
	{ "one argument twice, second", conditions, X86_64, X86_64, 33, { 2 }, ALLOW },
	{ "one argument twice, none",   conditions, X86_64, X86_64, 33, { 3 }, FAIL(EPERM) },
	{ "first entry that holds",     conditions, X86_64, X86_64, 16, { 0, 4 }, SECCOMP_RET_LOG },
	{ "second entry",               conditions, X86_64, X86_64, 16, { 0, 9 }, ALLOW },
	{ "no entry",                   conditions, X86_64, X86_64, 16, { 0, 10 }, FAIL(EPERM) },
	{ "LT sees high bits",          conditions, X86_64, X86_64, 16, { 0, 0x100000001 }, FAIL(EPERM) },
	{ "entry without args wins",    conditions, X86_64, X86_64, 72, { 0, 1 }, ALLOW },
	{ "GT of 64 bits, equal",       conditions, X86_64, X86_64, 8, { 0, 0x100000000 }, FAIL(EPERM) },
	{ "GT of 64 bits, above",       conditions, X86_64, X86_64, 8, { 0, 0x100000001 }, ALLOW },
	{ "GT of 64 bits, low only",    conditions, X86_64, X86_64, 8, { 0, 0xffffffff }, FAIL(EPERM) },
	{ "mask of high bits, clear",   conditions, X86_64, X86_64, 9, { 0, 0, 0xffffffff }, ALLOW },
	{ "mask of high bits, set",     conditions, X86_64, X86_64, 9, { 0, 0, 0x100000000 }, FAIL(EPERM) },
	{ "NE, equal",                  conditions, X86_64, X86_64, 3, { 7 }, FAIL(EPERM) },
	{ "NE, high bits differ",       conditions, X86_64, X86_64, 3, { 0x100000007 }, ALLOW },
	/* clang-format on */
};

static void test_verdicts(void)
{
	for (size_t i = 0; i < sizeof(verdict_rows) / sizeof(verdict_rows[0]); i++) {
		const struct verdict_row *row = &verdict_rows[i];
		auto_arena struct arena arena = { 0 };
		struct filter filter = { 0 };
		struct err err = { 0 };
		uint64_t args[6] = { row->args[0], row->args[1], row->args[2] };

		CHECK_ROW(row->what, compile(row->profile, row->native, &filter, &arena, &err));
		uint32_t have = verdict(&filter, row->arch, row->number, args);

		CHECK_ROW(row->what, have == row->want);
		if (have != row->want)
			fprintf(stderr, "have %#x, want %#x %s\n", have, row->want, err.text);
	}
}

#define DENY(text)    "{\"defaultAction\":\"SCMP_ACT_ERRNO\"," text "}"
#define SYSCALL(text) DENY("\"syscalls\":[{" text "}]")

static const struct {
	const char *profile, *text;
} bad_rows[] = {
	/* clang-format off */
	{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"defaultErrnoRet\":1}", "linux.seccomp.defaultErrnoRet" },
	{ DENY("\"defaultErrnoRet\":4096"), "linux.seccomp.defaultErrnoRet" },
	{ "{\"defaultAction\":\"SCMP_ACT_NOTIFY\",\"listenerPath\":\"/a\"}", "linux.seccomp.defaultAction" },
	{ "{\"defaultAction\":\"SCMP_ACT_NONE\"}", "defaultAction" },
	{ "{}", "defaultAction" },
	{ DENY("\"architectures\":[\"SCMP_ARCH_Z80\"]"), "architectures" },
	{ DENY("\"flags\":[\"X\"]"), "flags" },
	{ DENY("\"listenerMetadata\":\"x\""), "linux.seccomp.listenerMetadata" },
	{ DENY("\"listenerPath\":\"x\""), "linux.seccomp.listenerPath" },
	{ SYSCALL("\"names\":[],\"action\":\"SCMP_ACT_LOG\""), "names" },
	{ SYSCALL("\"names\":[\"\"],\"action\":\"SCMP_ACT_LOG\""), "names" },
	{ SYSCALL("\"names\":[\"read\"]"), "action" },
	{ SYSCALL("\"names\":[\"read\"],\"action\":\"SCMP_ACT_LOG\",\"errnoRet\":1"), "linux.seccomp.syscalls[0].errnoRet" },
	{ SYSCALL("\"names\":[\"read\"],\"action\":\"SCMP_ACT_NOTIFY\""), "linux.seccomp.listenerPath" },
	{ DENY("\"listenerPath\":\"/a\",\"syscalls\":[{\"names\":[\"write\"],\"action\":\"SCMP_ACT_NOTIFY\"}]"), "linux.seccomp.syscalls[0]" },
	{ SYSCALL("\"names\":[\"read\"],\"action\":\"SCMP_ACT_LOG\",\"args\":[{\"index\":6,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}]"), "index" },
	/* clang-format on */
};

static void test_bad_profiles(void)
{
	for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
		auto_arena struct arena arena = { 0 };
		struct filter filter = { 0 };
		struct err err = { 0 };

		CHECK_ROW(bad_rows[i].profile,
			  !compile(bad_rows[i].profile, X86_64, &filter, &arena, &err));
		CHECK_ROW(err.text, strstr(err.text, bad_rows[i].text) && err.code == ERR_INPUT);
	}
}

/* ---- what is asked about a profile besides ---- */
static void test_questions(void)
{
	auto_arena struct arena arena = { 0 };
	struct security_seccomp all = { .default_action = SECCOMP_ACTION_ALLOW };
	struct err err = { 0 };
	void *program = &arena;
	size_t size = 1;

	CHECK(seccomp_allows_all(&all));
	CHECK_INT(security_seccomp_compile(&all, &arena, &program, &size, &err), 0);
	CHECK(!program && !size);
	CHECK_INT(seccomp_flags(&all), SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	int flags[] = { SECCOMP_FILTER_FLAG_TSYNC, SECCOMP_FILTER_FLAG_LOG,
			SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV };
	struct seccomp_rule rule = { .action = SECCOMP_ACTION_NOTIFY };
	struct security_seccomp notify = { .flags = { flags, 3 },
					   .rules = { &rule, 1 },
					   .listener_path = "/run/agent",
					   .listener_metadata = "m" };

	CHECK_INT(seccomp_flags(&notify),
		  SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
	CHECK_TEXT(security_seccomp_notify(&notify).path, "/run/agent");
	CHECK_TEXT(security_seccomp_notify(&notify).metadata, "m");
	rule.action = SECCOMP_ACTION_LOG;
	CHECK_INT(seccomp_flags(&notify), SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_TSYNC);
	CHECK(!security_seccomp_notify(&notify).path && !security_seccomp_notify(NULL).path);
	CHECK_TEXT(security_seccomp_version(), "2.5.4");
}

/* ---- against libseccomp's generator: random profiles, every number, many arguments ---- */
struct random_profile {
	struct security_seccomp seccomp;
	struct seccomp_rule rules[64];
	struct seccomp_arg args[64][3];
	const char *names[64];
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static const uint64_t interesting[] = { 0,
					1,
					5,
					38,
					0xffffffff,
					0x100000000,
					0x100000005,
					0x7fffffffffffffff,
					0x8000000000000000,
					UINT64_MAX };

enum {
	INTERESTING = sizeof(interesting) / sizeof(interesting[0]),
};

/* One entry a name: with several, libseccomp's answer depends on how its tree happens to be merged.
 */
static void make_random(struct random_profile *profile, uint64_t *seed, struct arena *arena)
{
	int archs[] = { 0, 1, 2 };

	*profile = (struct random_profile){ 0 };
	profile->seccomp.default_action =
		next_random(seed) % 2 ? SECCOMP_ACTION_ALLOW : SECCOMP_ACTION_KILL_PROCESS;
	profile->seccomp.archs = (struct json_list){ arena_copy(arena, archs, sizeof(archs)), 2 };
	for (size_t i = 0; i < 64; i++) {
		struct seccomp_rule *rule = &profile->rules[i];
		/* numbers of their own, each named once; not the sockets and System V calls, which
		 * i386 multiplexes */
		uint32_t number = (uint32_t)(i * 5 + next_random(seed) % 5);
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, (int)number);

		if (!name || (number >= 29 && number <= 31) || (number >= 41 && number <= 71) ||
		    number == 220 || number == 240 || number == 288 || number == 299 ||
		    number == 307) {
			free(name);
			continue;
		}
		rule = &profile->rules[profile->seccomp.rules.count];
		size_t at = profile->seccomp.rules.count++;

		profile->names[at] = arena_strdup(arena, name);
		free(name);
		rule->names = (struct json_list){ &profile->names[at], 1 };
		rule->action = SECCOMP_ACTION_ERRNO;
		rule->errno_ret = (struct opt_u64){ true, 1 + next_random(seed) % 100 };
		rule->args.items = profile->args[at];
		rule->args.count = next_random(seed) % 4;
		for (unsigned int a = 0; a < rule->args.count; a++)
			profile->args[at][a] = (struct seccomp_arg){
				.index = a * 2,
				.op = (int)(next_random(seed) % 7),
				.value = { true, interesting[next_random(seed) % INTERESTING] },
				.value_two = { true, interesting[next_random(seed) % INTERESTING] },
			};
	}
	profile->seccomp.rules.items = profile->rules;
}

static const enum scmp_compare reference_operators[] = {
	[SECCOMP_NE] = SCMP_CMP_NE,
	[SECCOMP_LT] = SCMP_CMP_LT,
	[SECCOMP_LE] = SCMP_CMP_LE,
	[SECCOMP_EQ] = SCMP_CMP_EQ,
	[SECCOMP_GE] = SCMP_CMP_GE,
	[SECCOMP_GT] = SCMP_CMP_GT,
	[SECCOMP_MASKED_EQ] = SCMP_CMP_MASKED_EQ,
};

static bool reference_compile(const struct random_profile *profile, struct filter *filter)
{
	auto_close int file = memfd_create("reference", MFD_CLOEXEC);
	scmp_filter_ctx context = seccomp_init(
		profile->seccomp.default_action == SECCOMP_ACTION_ALLOW ? SCMP_ACT_ALLOW
									: SCMP_ACT_KILL_PROCESS);
	bool good = seccomp_arch_add(context, SCMP_ARCH_X86) == 0 &&
		    seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0;

	for (size_t i = 0; good && i < profile->seccomp.rules.count; i++) {
		const struct seccomp_rule *rule = &profile->rules[i];
		struct scmp_arg_cmp args[3];

		for (size_t a = 0; a < rule->args.count; a++)
			args[a] = (struct scmp_arg_cmp){
				.arg = profile->args[i][a].index,
				.op = reference_operators[profile->args[i][a].op],
				.datum_a = profile->args[i][a].value.value,
				.datum_b = profile->args[i][a].value_two.value,
			};
		good = seccomp_rule_add_array(context, SCMP_ACT_ERRNO(rule->errno_ret.value),
					      seccomp_syscall_resolve_name(profile->names[i]),
					      (unsigned int)rule->args.count, args) == 0;
	}
	good = good && seccomp_export_bpf(context, file) == 0 && lseek(file, 0, SEEK_SET) == 0;
	seccomp_release(context);
	ssize_t size = good ? read(file, filter->code, sizeof(filter->code)) : -1;

	filter->count = (int)(size / (ssize_t)sizeof(filter->code[0]));
	return good && size > 0;
}

static void compare(const struct random_profile *profile, const struct filter *ours,
		    const struct filter *reference, uint64_t *seed)
{
	static const uint32_t archs[] = { X86_64, X86, AARCH64 };
	bool stub = profile->seccomp.default_action != SECCOMP_ACTION_ALLOW;
	int differ = 0;

	for (uint32_t i = 0; i < 3 * 480 * 24; i++) {
		uint32_t arch = archs[i % 3], number = i / 3 % 480;
		uint64_t args[6];

		for (int a = 0; a < 6; a++)
			args[a] = interesting[next_random(seed) % INTERESTING];
		if (arch == X86) /* its registers have 32 bits */
			for (int a = 0; a < 6; a++)
				args[a] &= 0xffffffff;
		if (arch == X86_64 && i % 7 == 0)
			number |= 0x40000000;
		uint32_t have = verdict(ours, arch, number, args);
		uint32_t want = verdict(reference, arch, number, args);

		if (have == want || (stub && have == FAIL(ENOSYS) && want == KILL))
			continue;
		if (!differ++)
			fprintf(stderr, "arch %#x call %#x args %#llx %#llx: %#x, libseccomp %#x\n",
				arch, number, (unsigned long long)args[0],
				(unsigned long long)args[2], have, want);
	}
	CHECK_INT(differ, 0);
}

static void test_against_libseccomp(void)
{
	uint64_t seed = 0x6d617375;

	for (int round = 0; round < 40; round++) {
		auto_arena struct arena arena = { 0 };
		struct random_profile profile;
		struct filter ours = { 0 }, reference = { 0 };
		struct err err = { 0 };

		make_random(&profile, &seed, &arena);
		ours.count = seccomp_compile(&profile.seccomp, X86_64, &arena, ours.code, &err);
		CHECK(ours.count > 0);
		CHECK(reference_compile(&profile, &reference));
		if (!round)
			printf("random profile: %d instructions, libseccomp %d\n", ours.count,
			       reference.count);
		compare(&profile, &ours, &reference, &seed);
	}
}

/* ---- size: many names make few ranges, many conditions a clear error ---- */
static void test_size(void)
{
	auto_arena struct arena arena = { 0 };
	const char **names = arena_alloc(&arena, 512 * sizeof(*names));
	struct seccomp_arg args[6];
	struct seccomp_rule rule = { .names = { names, 0 }, .action = SECCOMP_ACTION_ALLOW };
	int archs[] = { 0, 1, 2 };
	struct security_seccomp seccomp = { .default_action = SECCOMP_ACTION_ERRNO,
					    .archs = { archs, 3 },
					    .rules = { &rule, 1 } };
	struct filter filter = { 0 };
	struct err err = { 0 };

	for (int number = 0; number < 450; number++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number);

		if (name && number % 6)
			names[rule.names.count++] = arena_strdup(&arena, name);
		free(name);
	}
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	filter.count = seccomp_compile(&seccomp, X86_64, &arena, filter.code, &err);
	clock_gettime(CLOCK_MONOTONIC, &to);
	CHECK(filter.count > 0 && filter.count < 1200);
	printf("%zu names, 3 architectures: %d instructions in %ld us\n", rule.names.count,
	       filter.count,
	       (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000);
	for (unsigned int i = 0; i < 6; i++)
		args[i] =
			(struct seccomp_arg){ .index = i, .value = { true, i }, .op = SECCOMP_GT };
	rule.args = (struct json_list){ args, 6 };
	CHECK_INT(seccomp_compile(&seccomp, X86_64, &arena, filter.code, &err), -1);
	CHECK_INT(err.code, ERR_INPUT);
	CHECK(strstr(err.text, "linux.seccomp") && strstr(err.text, "4096"));
}

int main(void)
{
	test_verdicts();
	test_bad_profiles();
	test_questions();
	test_against_libseccomp();
	test_size();
	return unit_done("security_seccomp");
}
