/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Number conversions, in integers: the shares formula needs logarithms, but not a mathematics
 * library. */
#include "cgroup/convert.h"

enum {
	SHARES_MIN = 2,
	SHARES_MAX = 262144,
	WEIGHT_MAX = 10000,
	FRACTION = 40, /* fixed point: bits behind the point */
};

static const uint64_t log2_of_10 = 3652498566964; /* log2(10) * 2^40 */
static const uint64_t rounding = 1 << 8;          /* what the logarithms may be off by */

/* log2 in fixed point: the digits come out one by one as the mantissa is squared. */
static uint64_t log2_fixed(uint64_t value)
{
	unsigned int whole = 63 - (unsigned int)__builtin_clzll(value);
	uint64_t mantissa = value << (63 - whole); /* [1, 2), 63 bits behind the point */
	uint64_t result = (uint64_t)whole << FRACTION;

	for (int bit = FRACTION - 1; bit >= 0; bit--) {
		unsigned __int128 square = (unsigned __int128)mantissa * mantissa >> 63;

		if (square >> 64) {
			result |= 1ULL << bit;
			square >>= 1;
		}
		mantissa = (uint64_t)square;
	}
	return result;
}

uint64_t cgroup_weight_of_shares(uint64_t shares)
{
	uint64_t low = 1, high = WEIGHT_MAX;

	if (!shares)
		return 0;
	if (shares <= SHARES_MIN)
		return 1;
	if (shares >= SHARES_MAX)
		return WEIGHT_MAX;
	uint64_t log = log2_fixed(shares);
	uint64_t square = (uint64_t)((unsigned __int128)log * log >> FRACTION);
	/* 612 times the decimal exponent: L*L + 125*L - 126 */
	unsigned __int128 exponent = square + 125 * log - (126ULL << FRACTION);
	uint64_t wanted = (uint64_t)((exponent * log2_of_10 / 612) >> FRACTION);

	/* the exponential is avoided: the smallest weight whose own logarithm is not below the
	 * wanted one */
	while (low < high) {
		uint64_t middle = (low + high) / 2;

		if (log2_fixed(middle) + rounding >= wanted)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

uint64_t cgroup_weight_in_proportion(uint64_t shares)
{
	uint64_t weight = (shares * 100 + 512) / 1024;

	if (!shares)
		return 0;
	return weight < 1 ? 1 : weight > WEIGHT_MAX ? WEIGHT_MAX : weight;
}

uint64_t cgroup_io_weight(uint64_t weight)
{
	return weight ? 1 + (weight - 10) * 9999 / 990 : 0;
}

int64_t cgroup_swap_of_total(int64_t limit, int64_t total)
{
	if (total < 0)
		return -1;
	return limit < 0 ? total : total - limit;
}
