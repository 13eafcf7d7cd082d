/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From linux.seccomp to BPF: names become numbers, numbers become ranges, ranges become a search
 * tree. */
#include "security/seccomp.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/names.h"
#include "security/seccomp_multiplex.h"
#include "security/seccomp_program.h"
#include "security/security.h"

/*
 * Why not libseccomp's own generator: it compares with every name in turn (or in groups of four),
 * which makes filters of a thousand instructions and takes milliseconds, and versions before 2.6.1
 * merge some 64-bit comparisons wrongly. Profiles name nearly all system calls: as ranges of
 * numbers with the same verdict they are short. libseccomp gives the numbers.
 */

enum {
	X32_BIT = 0x40000000,
	ZONES_MAX = 3,
};

/* What a tracer leaves to skip a call: no x32 call, though the bit is set. */
#define NO_SYSCALL UINT32_MAX

/* What one machine can execute; only architectures of the running kernel's family can ever be met.
 */
enum family {
	FAMILY_NONE, /* unknown to libseccomp 2.5.4, so never native here */
	FAMILY_X86,
	FAMILY_ARM,
	FAMILY_MIPS,
	FAMILY_MIPSEL,
	FAMILY_PPC,
	FAMILY_PPCLE,
	FAMILY_S390,
	FAMILY_PARISC,
	FAMILY_RISCV,
};

static const struct seccomp_arch {
	uint32_t token; /* libseccomp's SCMP_ARCH_..., the kernel's AUDIT_ARCH_... but for x32 */
	enum family family;
	bool wide; /* system call arguments have 64 bits */
} seccomp_archs[] = {
	/* clang-format off */
	{ SCMP_ARCH_X86,         FAMILY_X86,    false },
	{ SCMP_ARCH_X86_64,      FAMILY_X86,    true },
	{ SCMP_ARCH_X32,         FAMILY_X86,    false },
	{ SCMP_ARCH_ARM,         FAMILY_ARM,    false },
	{ SCMP_ARCH_AARCH64,     FAMILY_ARM,    true },
	{ SCMP_ARCH_MIPS,        FAMILY_MIPS,   false },
	{ SCMP_ARCH_MIPS64,      FAMILY_MIPS,   true },
	{ SCMP_ARCH_MIPS64N32,   FAMILY_MIPS,   false },
	{ SCMP_ARCH_MIPSEL,      FAMILY_MIPSEL, false },
	{ SCMP_ARCH_MIPSEL64,    FAMILY_MIPSEL, true },
	{ SCMP_ARCH_MIPSEL64N32, FAMILY_MIPSEL, false },
	{ SCMP_ARCH_PPC,         FAMILY_PPC,    false },
	{ SCMP_ARCH_PPC64,       FAMILY_PPC,    true },
	{ SCMP_ARCH_PPC64LE,     FAMILY_PPCLE,  true },
	{ SCMP_ARCH_S390,        FAMILY_S390,   false },
	{ SCMP_ARCH_S390X,       FAMILY_S390,   true },
	{ SCMP_ARCH_PARISC,      FAMILY_PARISC, false },
	{ SCMP_ARCH_PARISC64,    FAMILY_PARISC, true },
	{ SCMP_ARCH_RISCV64,     FAMILY_RISCV,  true },
	{ 0,                     FAMILY_NONE,   false },
	/* clang-format on */
};

enum {
	ARCH_COUNT = sizeof(seccomp_archs) / sizeof(seccomp_archs[0]),
	ARCH_UNKNOWN = ARCH_COUNT - 1,
};

/* clang-format off: the value is the row above */
const struct name security_seccomp_archs[] = {
	{ "SCMP_ARCH_X86", 0 },
	{ "SCMP_ARCH_X86_64", 1 },
	{ "SCMP_ARCH_X32", 2 },
	{ "SCMP_ARCH_ARM", 3 },
	{ "SCMP_ARCH_AARCH64", 4 },
	{ "SCMP_ARCH_MIPS", 5 },
	{ "SCMP_ARCH_MIPS64", 6 },
	{ "SCMP_ARCH_MIPS64N32", 7 },
	{ "SCMP_ARCH_MIPSEL", 8 },
	{ "SCMP_ARCH_MIPSEL64", 9 },
	{ "SCMP_ARCH_MIPSEL64N32", 10 },
	{ "SCMP_ARCH_PPC", 11 },
	{ "SCMP_ARCH_PPC64", 12 },
	{ "SCMP_ARCH_PPC64LE", 13 },
	{ "SCMP_ARCH_S390", 14 },
	{ "SCMP_ARCH_S390X", 15 },
	{ "SCMP_ARCH_PARISC", 16 },
	{ "SCMP_ARCH_PARISC64", 17 },
	{ "SCMP_ARCH_RISCV64", 18 },
	{ "SCMP_ARCH_LOONGARCH64", ARCH_UNKNOWN },
	{ "SCMP_ARCH_M68K", ARCH_UNKNOWN },
	{ "SCMP_ARCH_SH", ARCH_UNKNOWN },
	{ "SCMP_ARCH_SHEB", ARCH_UNKNOWN },
	{ NULL, 0 },
};

/* clang-format on */

/* One way to reach one action: a number, and what must hold besides. */
struct clause {
	uint32_t number;
	uint32_t ret;
	const struct seccomp_arg *args;
	uint32_t arg_count;
	int32_t multiplexed; /* the first argument must be this; -1: no multiplexer */
	uint32_t order;      /* position in the profile */
};

/* From `first` to the next range's first - 1. Without clauses `ret` is the verdict, else the one
 * when no clause holds. */
struct range {
	uint32_t first;
	uint32_t ret;
	const struct clause *clauses;
	size_t clause_count;
};

/* System call numbers of one AUDIT_ARCH: x86-64 has two architectures in it, and a hole. */
struct zone {
	uint32_t first, last;
	const struct seccomp_arch *arch; /* NULL: not in the filter */
	uint32_t newest; /* the highest number that the profile names; valid if `named` */
	bool named;
};

struct compiler {
	const struct security_seccomp *seccomp;
	uint32_t default_ret;
	bool answer_enosys; /* for calls newer than the profile */
	struct seccomp_program program;
	struct clause *clauses; /* of the AUDIT_ARCH at work */
	size_t clause_count, clause_room;
	struct range *ranges;
	size_t range_count;
};

static void add_clause(struct compiler *compiler, struct clause clause)
{
	clause.order = (uint32_t)compiler->clause_count;
	if (compiler->clause_count < compiler->clause_room)
		compiler->clauses[compiler->clause_count++] = clause;
}

/* One clause, or one for each arg where an argument is named twice. */
static void add_number(struct compiler *compiler, const struct seccomp_rule *rule, int number)
{
	const struct seccomp_arg *args = rule->args.items;
	struct clause clause = { .number = (uint32_t)number,
				 .ret = seccomp_ret(rule->action, rule->errno_ret),
				 .args = args,
				 .arg_count = (uint32_t)rule->args.count,
				 .multiplexed = -1 };
	unsigned int seen = 0, twice = 0;

	for (size_t i = 0; i < rule->args.count; i++) {
		twice |= seen & 1U << args[i].index;
		seen |= 1U << args[i].index;
	}
	if (!twice) {
		add_clause(compiler, clause);
		return;
	}
	clause.arg_count = 1;
	for (size_t i = 0; i < rule->args.count; i++) {
		clause.args = &args[i];
		add_clause(compiler, clause);
	}
}

/* True when `ret` is something that only lets a call through (the order of the values is the
 * kernel's: lower ones win). */
static bool is_permissive(uint32_t ret)
{
	return (ret & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW ||
	       (ret & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_LOG;
}

/*
 * The way in through a multiplexer. Its first argument tells the call; the call's own arguments are
 * behind a pointer, where no filter sees them.
 */
static void add_multiplexed(struct compiler *compiler, const struct seccomp_rule *rule,
			    const struct seccomp_ways *ways)
{
	uint32_t ret = seccomp_ret(rule->action, rule->errno_ret);

	if (rule->args.count && is_permissive(ret))
		return;
	add_clause(compiler, (struct clause){ .number = (uint32_t)ways->through,
					      .ret = ret,
					      .multiplexed = ways->call });
}

/* The number that a name has of its own, or -1; covers the way through a multiplexer by the way. */
static int find_number(struct compiler *compiler, uint32_t token, const struct seccomp_rule *rule,
		       const char *name, bool decides)
{
	struct seccomp_ways ways;
	int number = seccomp_syscall_resolve_name_arch(token, name);

	if (number >= 0)
		return number;
	if (number == __NR_SCMP_ERROR)
		log_debug("seccomp: no system call %s", name);
	if (!seccomp_find_ways(token, number, &ways))
		return -1;
	if (decides)
		add_multiplexed(compiler, rule, &ways);
	return ways.direct;
}

/* All names of a rule, on one architecture. */
static void add_rule(struct compiler *compiler, struct zone *zone, const struct seccomp_rule *rule)
{
	const uint32_t token = zone->arch->token;
	const char *const *names = rule->names.items;
	bool decides = seccomp_ret(rule->action, rule->errno_ret) != compiler->default_ret;

	for (size_t i = 0; i < rule->names.count; i++) {
		int number = find_number(compiler, token, rule, names[i], decides);

		if (number < 0)
			continue;
		if (!zone->named || (uint32_t)number > zone->newest)
			zone->newest = (uint32_t)number;
		zone->named = true;
		if (decides)
			add_number(compiler, rule, number);
	}
}

static int compare_clauses(const void *left, const void *right)
{
	const struct clause *a = left, *b = right;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static void add_range(struct compiler *compiler, struct range range)
{
	struct range *ranges = compiler->ranges;
	size_t count = compiler->range_count;

	/* a range without a single number gives way to the one that begins there too */
	if (count && ranges[count - 1].first == range.first)
		count--;
	if (!count || ranges[count - 1].clause_count || range.clause_count ||
	    ranges[count - 1].ret != range.ret)
		ranges[count++] = range;
	compiler->range_count = count;
}

/* The verdict for one number: an entry without args settles it, else the clauses are asked in turn.
 */
static struct range decide(const struct clause *clauses, size_t count, uint32_t otherwise)
{
	struct range range = { .first = clauses[0].number, .ret = otherwise };

	for (size_t i = 0; i < count; i++) {
		if (!clauses[i].arg_count && clauses[i].multiplexed < 0) {
			range.ret = clauses[i].ret;
			return range;
		}
	}
	range.clauses = clauses;
	range.clause_count = count;
	return range;
}

/* The ranges of one zone, from the sorted clauses that lie in it; returns the first clause behind
 * it. */
static size_t add_zone(struct compiler *compiler, const struct zone *zone, size_t at)
{
	uint32_t ret = zone->arch ? compiler->default_ret : SECCOMP_RET_KILL_PROCESS;
	const uint32_t enosys = SECCOMP_RET_ERRNO | ENOSYS;
	bool newer = zone->arch && zone->named && compiler->answer_enosys;

	add_range(compiler, (struct range){ .first = zone->first, .ret = ret });
	if (newer && zone->arch->family == FAMILY_S390) {
		/* its kernel passes numbers that it does not know as 0 */
		add_range(compiler, (struct range){ .first = 0, .ret = enosys });
		add_range(compiler, (struct range){ .first = 1, .ret = ret });
	}
	while (at < compiler->clause_count && compiler->clauses[at].number <= zone->last) {
		const struct clause *clauses = compiler->clauses + at;
		size_t count = 1;

		while (at + count < compiler->clause_count &&
		       clauses[count].number == clauses[0].number)
			count++;
		add_range(compiler, decide(clauses, count, ret));
		if (clauses[0].number < zone->last)
			add_range(compiler,
				  (struct range){ .first = clauses[0].number + 1, .ret = ret });
		at += count;
	}
	if (newer && zone->newest < zone->last)
		add_range(compiler, (struct range){ .first = zone->newest + 1, .ret = enosys });
	return at;
}

/* A clause's checks in front; what follows when they fail is `next`. */
static size_t put_clause(struct compiler *compiler, const struct clause *clause, bool wide,
			 size_t next)
{
	struct seccomp_program *program = &compiler->program;
	size_t label = seccomp_put_ret(program, clause->ret);

	for (uint32_t i = clause->arg_count; i > 0; i--)
		label = seccomp_put_arg(program, &clause->args[i - 1], wide, label, next);
	if (clause->multiplexed >= 0) {
		struct seccomp_arg call = { .op = SECCOMP_EQ,
					    .value = { true, (uint64_t)clause->multiplexed } };

		label = seccomp_put_arg(program, &call, false, label, next);
	}
	return label;
}

static size_t put_leaf(struct compiler *compiler, const struct range *range, bool wide)
{
	size_t label = seccomp_put_ret(&compiler->program, range->ret);

	for (size_t i = range->clause_count; i > 0; i--)
		label = put_clause(compiler, &range->clauses[i - 1], wide, label);
	return label;
}

/* A balanced search: depth log2 of the number of ranges. The accumulator holds the system call
 * number. */
static size_t put_tree(struct compiler *compiler, const struct range *ranges, size_t count,
		       const struct zone *zones)
{
	if (count == 1) {
		const struct zone *zone = zones;

		while (ranges->first > zone->last)
			zone++;
		return put_leaf(compiler, ranges, zone->arch && zone->arch->wide);
	}
	size_t half = count / 2;
	size_t upper = put_tree(compiler, ranges + half, count - half, zones);
	size_t lower = put_tree(compiler, ranges, half, zones);

	return seccomp_put_jump(&compiler->program, BPF_JGE, ranges[half].first, upper, lower);
}

/* The zones of an AUDIT_ARCH; x32 shares x86-64's. `included` tells which rows of seccomp_archs are
 * in the filter. */
static size_t fill_zones(struct zone zones[ZONES_MAX], size_t row, const bool *included)
{
	const struct seccomp_arch *arch = &seccomp_archs[row];

	if (arch->token != SCMP_ARCH_X86_64) {
		zones[0] = (struct zone){ .last = UINT32_MAX, .arch = arch };
		return 1;
	}
	const struct seccomp_arch *x32 = included[row + 1] ? arch + 1 : NULL;

	zones[0] = (struct zone){ .last = X32_BIT - 1, .arch = arch };
	zones[1] = (struct zone){ .first = X32_BIT, .last = NO_SYSCALL - 1, .arch = x32 };
	zones[2] = (struct zone){ .first = NO_SYSCALL, .last = NO_SYSCALL, .arch = arch };
	return ZONES_MAX;
}

/* The part of the filter for one AUDIT_ARCH; returns its label. */
static size_t put_arch(struct compiler *compiler, size_t row, const bool *included)
{
	const struct seccomp_rule *rules = compiler->seccomp->rules.items;
	struct zone zones[ZONES_MAX];
	size_t count = fill_zones(zones, row, included), at = 0;

	compiler->clause_count = 0;
	compiler->range_count = 0;
	for (size_t z = 0; z < count; z++) {
		if (zones[z].first == NO_SYSCALL || !zones[z].arch)
			continue;
		for (size_t i = 0; i < compiler->seccomp->rules.count; i++)
			add_rule(compiler, &zones[z], &rules[i]);
	}
	qsort(compiler->clauses, compiler->clause_count, sizeof(*compiler->clauses),
	      compare_clauses);
	for (size_t z = 0; z < count; z++)
		at = add_zone(compiler, &zones[z], at);
	put_tree(compiler, compiler->ranges, compiler->range_count, zones);
	return seccomp_put(&compiler->program, BPF_LD | BPF_W | BPF_ABS,
			   offsetof(struct seccomp_data, nr));
}

/* Native, and what is listed of its family. */
static int include_archs(const struct security_seccomp *seccomp, uint32_t native,
			 bool included[ARCH_COUNT], struct err *err)
{
	const int *listed = seccomp->archs.items;
	size_t row = 0;

	while (row < ARCH_UNKNOWN && seccomp_archs[row].token != native)
		row++;
	if (row == ARCH_UNKNOWN)
		return err_set(err, ERR_UNSUPPORTED,
			       "compile linux.seccomp: unknown machine architecture %#x", native);
	included[row] = true;
	for (size_t i = 0; i < seccomp->archs.count; i++) {
		if (seccomp_archs[listed[i]].family == seccomp_archs[row].family)
			included[listed[i]] = true;
		else if (listed[i] == ARCH_UNKNOWN)
			log_warning("linux.seccomp.architectures[%zu]: unknown to libseccomp %s, "
				    "so not this machine's: skipped",
				    i, security_seccomp_version());
	}
	return 0;
}

/* Room for every name of every rule, on two architectures that share numbers, and behind
 * multiplexers. */
static int reserve(struct compiler *compiler, struct arena *arena, struct err *err)
{
	const struct seccomp_rule *rules = compiler->seccomp->rules.items;

	for (size_t i = 0; i < compiler->seccomp->rules.count; i++)
		compiler->clause_room += 2 * rules[i].names.count * (rules[i].args.count + 1);
	compiler->clauses = arena_alloc(arena, (compiler->clause_room + 1) * sizeof(struct clause));
	compiler->ranges = arena_alloc(arena, (2 * compiler->clause_room + 3 * ZONES_MAX) *
						      sizeof(struct range));
	return compiler->clauses && compiler->ranges ? 0 : err_sys(err, "compile linux.seccomp");
}

int seccomp_compile(const struct security_seccomp *seccomp, uint32_t native, struct arena *arena,
		    struct sock_filter *room, struct err *err)
{
	uint32_t ret = seccomp_ret(seccomp->default_action, seccomp->default_errno);
	struct compiler compiler = {
		.seccomp = seccomp,
		.default_ret = ret,
		.answer_enosys = !is_permissive(ret) &&
				 seccomp->default_action != SECCOMP_ACTION_TRACE &&
				 ret != (SECCOMP_RET_ERRNO | ENOSYS),
		.program = { .code = room, .start = BPF_MAXINSNS },
	};
	bool included[ARCH_COUNT] = { false };
	struct seccomp_program *program = &compiler.program;

	if (include_archs(seccomp, native, included, err) < 0 || reserve(&compiler, arena, err) < 0)
		return -1;
	size_t label = seccomp_put_ret(program, SECCOMP_RET_KILL_PROCESS);

	for (size_t row = 0; row < ARCH_UNKNOWN; row++) {
		/* x32 lives inside x86-64's part */
		if (!included[row] || seccomp_archs[row].token == SCMP_ARCH_X32)
			continue;
		size_t part = put_arch(&compiler, row, included);

		label = seccomp_put_jump(program, BPF_JEQ, seccomp_archs[row].token, part, label);
	}
	seccomp_put(program, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	if (program->full)
		return err_set(err, ERR_INPUT,
			       "compile linux.seccomp: the filter is longer than the kernel's %d "
			       "instructions",
			       BPF_MAXINSNS);
	size_t count = BPF_MAXINSNS - program->start;

	for (size_t i = 0; i < count; i++)
		room[i] = room[program->start + i];
	return (int)count;
}
