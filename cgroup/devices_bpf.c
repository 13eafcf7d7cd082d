/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device rules as a BPF program: generated, loaded, attached to a v2 directory. */
#include "cgroup/devices.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"

enum {
	PROLOGUE = 6,
	EPILOGUE = 2,
	PROGRAMS_MAX = 64, /* the kernel's BPF_CGROUP_MAX_PROGS */
};

/* Registers: what the access is about, and which of its bits no rule has granted yet. */
enum {
	RESULT = BPF_REG_0,
	CONTEXT = BPF_REG_1,
	TYPE = BPF_REG_2,
	MAJOR = BPF_REG_3,
	MINOR = BPF_REG_4,
	OPEN_BITS = BPF_REG_5,
};

static struct bpf_insn insn(int code, int dst, int src, int off, int imm)
{
	return (struct bpf_insn){
		.code = (__u8)code,
		.dst_reg = (__u8)(dst & 0xf),
		.src_reg = (__u8)(src & 0xf),
		.off = (__s16)off,
		.imm = imm,
	};
}

static struct bpf_insn load(int dst, size_t offset)
{
	return insn(BPF_LDX | BPF_MEM | BPF_W, dst, CONTEXT, (int)offset, 0);
}

static struct bpf_insn set_result(bool allow)
{
	return insn(BPF_ALU64 | BPF_MOV | BPF_K, RESULT, 0, 0, allow);
}

static struct bpf_insn leave(void)
{
	return insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/*
 * One rule, last rule first. An allowing one takes its bits off the open ones and ends the program
 * when none is left; a denying one ends it when any of its bits is open. So each bit is decided by
 * the last rule that speaks of it.
 */
static size_t emit_rule(const struct device_rule *rule, struct bpf_insn *out)
{
	const struct {
		int64_t value;
		int reg;
	} tests[] = {
		{ rule->type == DEVICE_ANY ? -1 : (int64_t)rule->type, TYPE },
		{ rule->major, MAJOR },
		{ rule->minor, MINOR },
	};

	size_t count = 0, tested = 0;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tested += tests[i].value >= 0;
	/* behind the tests come four instructions that a mismatch skips */
	size_t length = tested + 4;

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (tests[i].value < 0)
			continue;
		out[count] = insn(BPF_JMP | BPF_JNE | BPF_K, tests[i].reg, 0,
				  (int)(length - count - 1), (int)tests[i].value);
		count++;
	}
	if (rule->allow) {
		out[count++] =
			insn(BPF_ALU64 | BPF_AND | BPF_K, OPEN_BITS, 0, 0, (int)~rule->access);
		out[count++] = insn(BPF_JMP | BPF_JNE | BPF_K, OPEN_BITS, 0, 2, 0);
	} else {
		out[count++] = insn(BPF_JMP | BPF_JSET | BPF_K, OPEN_BITS, 0, 1, (int)rule->access);
		out[count++] = insn(BPF_JMP | BPF_JA, 0, 0, 2, 0);
	}
	out[count++] = set_result(rule->allow);
	out[count++] = leave();
	return count;
}

struct bpf_insn *device_program(const struct device_rules *rules, struct arena *arena,
				size_t *length)
{
	enum { ONE_RULE = 3 + 4 }; /* tests and the longest body */
	struct bpf_insn *program = arena_alloc(
		arena, (PROLOGUE + rules->count * ONE_RULE + EPILOGUE) * sizeof(*program));
	size_t count = 0;

	if (!program)
		return NULL;
	/* access_type: the device's type in the low half, the access in the high one */
	program[count++] = load(TYPE, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	program[count++] = insn(BPF_ALU64 | BPF_MOV | BPF_X, OPEN_BITS, TYPE, 0, 0);
	program[count++] = insn(BPF_ALU64 | BPF_AND | BPF_K, TYPE, 0, 0, 0xffff);
	program[count++] = insn(BPF_ALU64 | BPF_RSH | BPF_K, OPEN_BITS, 0, 0, 16);
	program[count++] = load(MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	program[count++] = load(MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
	for (size_t i = rules->count; i > 0; i--)
		count += emit_rule(&rules->items[i - 1], program + count);
	program[count++] = set_result(rules->allow);
	program[count++] = leave();
	*length = count;
	return program;
}

static int sys_bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int load_program(const struct bpf_insn *program, size_t length, struct err *err)
{
	static const char license[] = "LGPL";
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insns = (uint64_t)(uintptr_t)program;
	attr.insn_cnt = (uint32_t)length;
	attr.license = (uint64_t)(uintptr_t)license;
	memcpy(attr.prog_name, "masu_devices", sizeof("masu_devices"));
	int fd = sys_bpf(BPF_PROG_LOAD, &attr);

	if (fd >= 0)
		return fd;
	int failed = errno;

	err_sys(err, "linux.resources.devices: load a BPF program of %zu instructions", length);
	if (failed == EPERM)
		err_hint(err, "device rules need CAP_BPF or CAP_SYS_ADMIN outside user namespaces, "
			      "and before Linux 5.11 room in RLIMIT_MEMLOCK");
	errno = failed;
	return -1;
}

/* The ids of the programs attached to this very directory. */
static int query(int cgroup, uint32_t ids[PROGRAMS_MAX], uint32_t *count, struct err *err)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)cgroup;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uint64_t)(uintptr_t)ids;
	attr.query.prog_cnt = PROGRAMS_MAX;
	if (sys_bpf(BPF_PROG_QUERY, &attr) < 0)
		return err_sys(err, "linux.resources.devices: list the cgroup's BPF programs");
	*count = attr.query.prog_cnt;
	return 0;
}

static int program_by_id(uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id;
	return sys_bpf(BPF_PROG_GET_FD_BY_ID, &attr);
}

static int attach(int cgroup, int program, int replaced)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (replaced >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)replaced;
	}
	return sys_bpf(BPF_PROG_ATTACH, &attr);
}

/* One program off the directory; one that has gone in between is fine. */
static int detach(int cgroup, uint32_t id, struct err *err)
{
	auto_close int program = program_by_id(id);
	union bpf_attr attr;

	if (program < 0)
		return errno == ENOENT ? 0 : err_sys(err, "open BPF program %u", id);
	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = BPF_CGROUP_DEVICE;
	if (sys_bpf(BPF_PROG_DETACH, &attr) < 0 && errno != ENOENT)
		return err_sys(err, "detach BPF program %u", id);
	return 0;
}

int device_program_attach(int cgroup, const struct device_rules *rules, bool live,
			  struct arena *arena, struct err *err)
{
	uint32_t ids[PROGRAMS_MAX], count = 0;
	size_t length;
	const struct bpf_insn *code = device_program(rules, arena, &length);

	if (!code)
		return err_sys(err, "linux.resources.devices: make a BPF program");
	if (live && query(cgroup, ids, &count, err) < 0)
		return -1;
	auto_close int program = load_program(code, length, err);
	auto_close int replaced = count == 1 ? program_by_id(ids[0]) : -1;

	if (program < 0)
		return -1;
	if (attach(cgroup, program, replaced) < 0)
		return err_sys(err, "linux.resources.devices: attach a BPF program");
	for (uint32_t i = 0; replaced < 0 && i < count; i++) {
		if (detach(cgroup, ids[i], err) < 0)
			return -1;
	}
	return 0;
}

int device_program_detach(int cgroup, struct err *err)
{
	uint32_t ids[PROGRAMS_MAX], count = 0;

	if (query(cgroup, ids, &count, err) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		if (detach(cgroup, ids[i], err) < 0)
			return -1;
	}
	return 0;
}
