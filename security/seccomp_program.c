/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes BPF instructions backwards: plain ones, jumps of any length, comparisons of 64-bit
 * arguments. */
#include "security/seccomp_program.h"

#include <linux/seccomp.h>

#include "security/seccomp.h"

enum {
	JUMP_MAX = 255, /* jt and jf are bytes */
	NEAR = 128,     /* leaves room for what comes between a return and the jumps to it */
	VERDICTS = 8,
};

size_t seccomp_put(struct seccomp_program *program, uint16_t code, uint32_t k)
{
	if (program->full || !program->start) {
		program->full = true;
		return program->start;
	}
	program->code[--program->start] = (struct sock_filter){ .code = code, .k = k };
	return program->start;
}

size_t seccomp_put_ret(struct seccomp_program *program, uint32_t verdict)
{
	for (size_t i = 0; i < VERDICTS; i++) {
		size_t label = program->verdicts[i];

		if (label && program->code[label].k == verdict && label - program->start < NEAR)
			return label;
	}
	size_t label = seccomp_put(program, BPF_RET | BPF_K, verdict);

	program->verdicts[program->next_verdict++ % VERDICTS] = label;
	return label;
}

/* A label that a conditional jump put in front next can reach, with `spare` more instructions in
 * between. */
static size_t reachable(struct seccomp_program *program, size_t label, size_t spare)
{
	size_t distance = label - program->start;

	if (distance + spare <= JUMP_MAX)
		return label;
	return seccomp_put(program, BPF_JMP | BPF_JA, (uint32_t)distance);
}

size_t seccomp_put_jump(struct seccomp_program *program, uint16_t condition, uint32_t k,
			size_t if_true, size_t if_false)
{
	/* the long jump for if_false, if there is one, stands between here and if_true */
	size_t yes = reachable(program, if_true, 1);
	size_t no = reachable(program, if_false, 0);
	size_t from = program->start;
	size_t at = seccomp_put(program, BPF_JMP | BPF_K | condition, k);

	if (!program->full) {
		program->code[at].jt = (uint8_t)(yes - from);
		program->code[at].jf = (uint8_t)(no - from);
	}
	return at;
}

static size_t load_half(struct seccomp_program *program, unsigned int index, bool high)
{
	const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	size_t offset = offsetof(struct seccomp_data, args) + index * sizeof(uint64_t) +
			(high == little ? sizeof(uint32_t) : 0);

	return seccomp_put(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset);
}

/* One half of an equality under a mask; a mask of 0 asks for nothing. */
static size_t put_equal_half(struct seccomp_program *program, const struct seccomp_arg *arg,
			     bool high, size_t if_true, size_t if_false)
{
	uint64_t mask = arg->op == SECCOMP_MASKED_EQ ? arg->value.value : UINT64_MAX;
	uint64_t want = arg->op == SECCOMP_MASKED_EQ ? arg->value_two.value : arg->value.value;
	unsigned int shift = high ? 32 : 0;
	uint32_t half_mask = (uint32_t)(mask >> shift);

	if (!half_mask)
		return if_true;
	seccomp_put_jump(program, BPF_JEQ, (uint32_t)((want & mask) >> shift), if_true, if_false);
	if (half_mask != UINT32_MAX)
		seccomp_put(program, BPF_ALU | BPF_AND | BPF_K, half_mask);
	return load_half(program, arg->index, high);
}

static size_t put_equal(struct seccomp_program *program, const struct seccomp_arg *arg, bool wide,
			size_t if_true, size_t if_false)
{
	size_t low = put_equal_half(program, arg, false, if_true, if_false);

	return wide ? put_equal_half(program, arg, true, low, if_false) : low;
}

/* `condition`: BPF_JGT or BPF_JGE. */
static size_t put_greater(struct seccomp_program *program, uint16_t condition,
			  const struct seccomp_arg *arg, bool wide, size_t if_true, size_t if_false)
{
	uint32_t high = (uint32_t)(arg->value.value >> 32);

	seccomp_put_jump(program, condition, (uint32_t)arg->value.value, if_true, if_false);
	size_t low = load_half(program, arg->index, false);

	if (!wide)
		return low;
	size_t same = seccomp_put_jump(program, BPF_JEQ, high, low, if_false);

	seccomp_put_jump(program, BPF_JGT, high, if_true, same);
	return load_half(program, arg->index, true);
}

size_t seccomp_put_arg(struct seccomp_program *program, const struct seccomp_arg *arg, bool wide,
		       size_t if_true, size_t if_false)
{
	switch (arg->op) {
	case SECCOMP_EQ:
	case SECCOMP_MASKED_EQ:
		return put_equal(program, arg, wide, if_true, if_false);
	case SECCOMP_NE:
		return put_equal(program, arg, wide, if_false, if_true);
	case SECCOMP_GT:
		return put_greater(program, BPF_JGT, arg, wide, if_true, if_false);
	case SECCOMP_GE:
		return put_greater(program, BPF_JGE, arg, wide, if_true, if_false);
	case SECCOMP_LE:
		return put_greater(program, BPF_JGT, arg, wide, if_false, if_true);
	default: /* SECCOMP_LT */
		return put_greater(program, BPF_JGE, arg, wide, if_false, if_true);
	}
}
