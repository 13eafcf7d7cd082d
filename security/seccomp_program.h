/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A BPF program written from its end to its front, so that every jump knows how far it goes. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seccomp_arg;

/*
 * The instructions code[start] to code[BPF_MAXINSNS - 1] are written; the next one goes in front of
 * them. A label is the index of an instruction that stands already. Running out of room is
 * remembered in `full`, and what follows writes nothing.
 */
struct seccomp_program {
	struct sock_filter *code;
	size_t start;
	bool full;
	size_t verdicts[8]; /* labels of the latest returns, to jump to them again; 0: none */
	size_t next_verdict;
};

/* Each returns the label of the instruction (the first one of a sequence) that it put in front. */
size_t seccomp_put(struct seccomp_program *program, uint16_t code, uint32_t k);

/* A return with this verdict: a new instruction, or one that stands near. */
size_t seccomp_put_ret(struct seccomp_program *program, uint32_t verdict);

/* BPF_JEQ, BPF_JGT, BPF_JGE or BPF_JSET against `k`; a target farther than 255 instructions gets a
 * long jump in between. */
size_t seccomp_put_jump(struct seccomp_program *program, uint16_t condition, uint32_t k,
			size_t if_true, size_t if_false);

/* Load the argument and compare; `wide`: 64 bits, else the lower 32. */
size_t seccomp_put_arg(struct seccomp_program *program, const struct seccomp_arg *arg, bool wide,
		       size_t if_true, size_t if_false);
