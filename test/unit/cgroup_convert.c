/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Conversion vectors: the same numbers that runc and crun publish for theirs. */
#include "cgroup/convert.h"

#include "test/unit/unit.h"

static const struct {
	uint64_t shares, weight;
} weights[] = {
	{ 0, 0 },       { 1, 1 },        { 2, 1 },          { 3, 2 },          { 10, 4 },
	{ 51, 11 },     { 100, 17 },     { 102, 17 },       { 256, 35 },       { 512, 59 },
	{ 1024, 100 },  { 2048, 174 },   { 4096, 303 },     { 8192, 532 },     { 10240, 639 },
	{ 16384, 942 }, { 65536, 3023 }, { 262143, 10000 }, { 262144, 10000 }, { 1 << 20, 10000 },
};

static const struct {
	uint64_t v1, v2;
} io_weights[] = {
	{ 0, 0 }, { 10, 1 }, { 100, 910 }, { 300, 2930 }, { 500, 4950 }, { 1000, 10000 },
};

static const struct {
	int64_t limit, total, swap;
} swaps[] = {
	{ 100, 150, 50 }, { 100, 100, 0 }, { 100, -1, -1 }, { -1, 700, 700 }, { -1, -1, -1 },
};

int main(void)
{
	for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++)
		CHECK_INT(cgroup_weight_of_shares(weights[i].shares), weights[i].weight);
	for (uint64_t shares = 3, before = 1; shares < 262144; shares += 7) {
		uint64_t weight = cgroup_weight_of_shares(shares);

		if (weight < before)
			CHECK(weight >= before); /* more shares never weigh less */
		before = weight;
	}
	for (size_t i = 0; i < sizeof(io_weights) / sizeof(io_weights[0]); i++)
		CHECK_INT(cgroup_io_weight(io_weights[i].v1), io_weights[i].v2);
	for (size_t i = 0; i < sizeof(swaps) / sizeof(swaps[0]); i++)
		CHECK_INT(cgroup_swap_of_total(swaps[i].limit, swaps[i].total), swaps[i].swap);
	return unit_done("cgroup_convert");
}
