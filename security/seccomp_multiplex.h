/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls that some architectures also (or only) offer through one multiplexing call. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct seccomp_ways {
	int direct;  /* number of its own, or -1 */
	int through; /* number of socketcall(2) or ipc(2) */
	int call;    /* what the multiplexer's first argument is then */
};

/*
 * `pseudo` is the negative number by which libseccomp tells a name that `token` (SCMP_ARCH_...) has
 * no plain number for. False: the architecture does not have the call at all.
 */
bool seccomp_find_ways(uint32_t token, int pseudo, struct seccomp_ways *ways);
