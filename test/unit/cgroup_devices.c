/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device rules: the BPF program and the v1 lines, each run by a small model of its kernel half
 * against the rules themselves. */
#include "cgroup/devices.h"

#include <linux/bpf.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "cgroup/cgroup.h"
#include "cgroup/resources.h"
#include "test/unit/unit.h"

/* Just the instructions that the generator uses; -1 for any other, or a jump out of the program. */
static int run_program(const struct bpf_insn *program, size_t length,
		       const struct bpf_cgroup_dev_ctx *context)
{
	uint64_t registers[11] = { 0 };

	for (size_t at = 0; at < length; at++) {
		const struct bpf_insn *insn = &program[at];
		uint64_t *dst = &registers[insn->dst_reg], imm = (uint64_t)(int64_t)insn->imm;
		bool jump = false;

		switch (insn->code) {
		case BPF_LDX | BPF_MEM | BPF_W:
			*dst = *(const uint32_t *)((const char *)context + insn->off);
			break;
		case BPF_ALU64 | BPF_MOV | BPF_X:
			*dst = registers[insn->src_reg];
			break;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			*dst = imm;
			break;
		case BPF_ALU64 | BPF_AND | BPF_K:
			*dst &= imm;
			break;
		case BPF_ALU64 | BPF_RSH | BPF_K:
			*dst >>= imm;
			break;
		case BPF_JMP | BPF_JNE | BPF_K:
			jump = *dst != imm;
			break;
		case BPF_JMP | BPF_JSET | BPF_K:
			jump = *dst & imm;
			break;
		case BPF_JMP | BPF_JA:
			jump = true;
			break;
		case BPF_JMP | BPF_EXIT:
			return (int)registers[BPF_REG_0];
		default:
			return -1;
		}
		if (jump)
			at += (size_t)insn->off;
	}
	return -1;
}

/* What security/device_cgroup.c makes of a flattened list: every bit must (or must not) be covered
 * by one exception. */
static bool run_list(const struct device_rules *rules, const struct device_rule *list, size_t count,
		     enum device_type type, uint32_t major, uint32_t minor, unsigned int access)
{
	unsigned int seen = 0;
	bool whole = false;

	for (size_t i = 0; i < count; i++) {
		if (list[i].type != type || (list[i].major >= 0 && list[i].major != major) ||
		    (list[i].minor >= 0 && list[i].minor != minor))
			continue;
		seen |= list[i].access;
		whole |= (access & ~list[i].access) == 0;
	}
	/* default deny: one exception must allow it all; default allow: none may touch any of it */
	return rules->allow ? !(seen & access) : whole;
}

struct rules_row {
	const char *json;
	bool allow;     /* what holds where no rule says a thing */
	bool flattens;  /* v1 can express it */
	const char *v1; /* "devices.allow" lines in front of the defaults' */
};

#define DENY_ALL "{\"allow\":false,\"access\":\"rwm\"}"

/* clang-format off */
static const struct rules_row rows[] = {
	{ "[" DENY_ALL "]", false, true, "" },
	{ "[{\"allow\":true,\"type\":\"c\",\"major\":10,\"minor\":229,\"access\":\"rw\"}]", false, true, "c 10:229 rw;" },
	{ "[{\"allow\":true,\"type\":\"a\",\"access\":\"rwm\"}]", true, true, "" },
	{ "[{\"allow\":true},{\"allow\":false,\"type\":\"b\",\"major\":8,\"access\":\"w\"}]", true, true, "b 8:* w;" },
	{ "[{\"allow\":true}," DENY_ALL ",{\"allow\":true,\"type\":\"b\",\"major\":8,\"minor\":0,\"access\":\"r\"},"
	  "{\"allow\":true,\"type\":\"b\",\"major\":8,\"minor\":0,\"access\":\"w\"}]", false, true, "b 8:0 rw;" },
	{ "[" DENY_ALL ",{\"allow\":true,\"type\":\"c\",\"major\":4,\"minor\":64,\"access\":\"rw\"},{\"allow\":false,\"type\":\"c\",\"major\":4,\"minor\":64,\"access\":\"w\"}]",
	  false, true, "c 4:64 r;" },
	{ "[" DENY_ALL ",{\"allow\":true,\"type\":\"b\",\"access\":\"rw\"},{\"allow\":false,\"type\":\"b\",\"major\":8,\"minor\":0,\"access\":\"rw\"}]", false, false, "" },
	{ "[" DENY_ALL ",{\"allow\":true,\"type\":\"a\",\"major\":7,\"access\":\"r\"}]", false, true, "b 7:* r;c 7:* r;" },
	{ "[" DENY_ALL ",{\"allow\":true,\"major\":-1,\"minor\":-1,\"type\":\"c\",\"access\":\"m\"}]", false, true, "c *:* m;" },
	{ "[{\"allow\":true},{\"allow\":false,\"type\":\"c\",\"major\":1,\"minor\":3,\"access\":\"rwm\"},{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":3,\"access\":\"r\"}]",
	  true, true, "c 1:3 wm;" },
};

/* clang-format on */

static void check_all(const struct rules_row *row, const struct device_rules *rules,
		      struct arena *arena)
{
	static const uint32_t majors[] = { 0, 1, 4, 7, 8, 10, 136, 0xfff };
	static const uint32_t minors[] = { 0, 3, 64, 200, 229, 0xfffff };
	struct device_rule list[64];
	size_t count = 0, length = 0;
	const struct bpf_insn *program = device_program(rules, arena, &length);
	int wrong_bpf = 0, wrong_list = 0;

	CHECK_INT(device_rules_flatten(rules, list, &count), row->flattens);
	for (unsigned int at = 0; at < 8 * 6 * 2 * 7; at++) {
		uint32_t major = majors[at % 8], minor = minors[at / 8 % 6];
		enum device_type type = at / 48 % 2 ? DEVICE_CHAR : DEVICE_BLOCK;
		unsigned int access = at / 96 + 1;
		bool want = device_rules_allow(rules, type, major, minor, access);
		struct bpf_cgroup_dev_ctx context = { access << 16 | type, major, minor };

		wrong_bpf += run_program(program, length, &context) != (int)want;
		/* v1 wants one exception to hold all of a combined access: it may be stricter
		 * there, never laxer */
		bool have = run_list(rules, list, count, type, major, minor, access);

		if (row->flattens)
			wrong_list += access & (access - 1) ? have && !want : have != want;
	}
	CHECK_INT(wrong_bpf, 0);
	CHECK_INT(wrong_list, 0);
	if (!row->flattens)
		return;
	char text[512] = "";

	for (size_t i = 0; i < count && strlen(text) < strlen(row->v1); i++) {
		char line[DEVICE_LINE_MAX];
		size_t have = strlen(text);

		snprintf(text + have, sizeof(text) - have, "%s;", device_rule_line(&list[i], line));
	}
	CHECK_TEXT(text, row->v1);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_arena struct arena arena = { 0 };
		struct cgroup_resources resources = { 0 };
		struct device_rules rules;
		struct err err = { 0 };
		const char *json = arena_printf(&arena, "{\"devices\":%s}", rows[i].json);

		CHECK_INT(json_decode("test", json, strlen(json), &cgroup_resources_object,
				      &resources, &arena, &err),
			  0);
		CHECK_TEXT(err.text, "");
		CHECK_INT(device_rules_build(&resources.devices, &arena, &rules, &err), 0);
		CHECK_INT(rules.allow, rows[i].allow);
		check_all(&rows[i], &rules, &arena);
		/* what every container has, unless everything is allowed anyway */
		CHECK_INT(device_rules_allow(&rules, DEVICE_CHAR, 5, 2, DEVICE_ALL), true);
		CHECK_INT(device_rules_allow(&rules, DEVICE_BLOCK, 8, 1, DEVICE_MKNOD), true);
	}
	return unit_done("cgroup_devices");
}
