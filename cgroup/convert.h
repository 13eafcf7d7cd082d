/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Conversions of numbers from the words of cgroup v1, which config.json speaks, to those of v2. */
#pragma once

#include <stdint.h>

/*
 * cpu.shares (2..262144) to cpu.weight (1..10000) as runc 1.3.2 and crun 1.23 do: ceil(10^((L*L +
 * 125*L)/612 - 7/34)) with L = log2(shares), which maps 2, 1024 and 262144 to 1, 100 and 10000. 0
 * stays 0: not asked for.
 */
uint64_t cgroup_weight_of_shares(uint64_t shares);

/* The weight that keeps the proportions of shares, 1024 to 100: for limits said as intent, where
 * half of a CPU is half of it in every version. */
uint64_t cgroup_weight_in_proportion(uint64_t shares);

/* blkio.weight (10..1000) to io.weight (1..10000), linear. */
uint64_t cgroup_io_weight(uint64_t weight);

/* memory.swap.max from the v1 pair, where the total includes memory. -1 is unlimited. */
int64_t cgroup_swap_of_total(int64_t limit, int64_t total);
