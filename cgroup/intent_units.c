/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Amounts as people write them ("1500m", "1.5G", "20M/s", "100mbit", "max"), exactly or not at all.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cgroup/intent_private.h"

enum {
	FRACTION_DIGITS_MAX = 18,
};

/* A number with this word behind it counts `times` of the smallest unit, or a `part` of one. */
struct unit {
	const char *word;
	uint64_t times;
	unsigned int part;
};

/* clang-format off */
static const struct unit cpu_units[] = {
	{ "", 1000, 1 }, { "m", 1, 1 }, { NULL, 0, 0 },
};
static const struct unit count_units[] = {
	{ "", 1, 1 }, { NULL, 0, 0 },
};

/* "2G", "2Gi" and "2GiB" are one size here as in the rest of the program; "2GB" is left out because
 * people disagree on it. */
#define BINARY(letter, shift) \
	{ letter, 1ULL << (shift), 1 }, { letter "i", 1ULL << (shift), 1 }, { letter "iB", 1ULL << (shift), 1 }
#define BINARY_SIZES \
	{ "", 1, 1 }, BINARY("K", 10), { "k", 1 << 10, 1 }, BINARY("M", 20), BINARY("G", 30), BINARY("T", 40), BINARY("P", 50)
static const struct unit byte_units[] = { BINARY_SIZES, { NULL, 0, 0 } };

/* Line speeds are in bits and powers of 1000, by everybody's habit. */
static const struct unit rate_units[] = {
	BINARY_SIZES,
	{ "bit", 1, 8 }, { "kbit", 1000, 8 }, { "mbit", 1000000, 8 }, { "gbit", 1000000000, 8 }, { "tbit", 1000000000000, 8 },
	{ NULL, 0, 0 },
};

/* clang-format on */

static const struct unit *find_unit(const struct unit *units, const char *word)
{
	while (units->word && strcmp(units->word, word) != 0)
		units++;
	return units->word ? units : NULL;
}

/* "12.5": 125 and one digit behind the point. False when it is no number. */
static bool read_decimal(const char **text, unsigned __int128 *digits, int *behind)
{
	const char *at = *text;
	bool point = false;

	*digits = 0;
	*behind = 0;
	for (; (*at >= '0' && *at <= '9') || (*at == '.' && !point); at++) {
		if (*at == '.') {
			point = true;
			continue;
		}
		if (*digits > UINT64_MAX || *behind == FRACTION_DIGITS_MAX)
			return false;
		*digits = *digits * 10 + (unsigned int)(*at - '0');
		*behind += point;
	}
	if (at == *text || (*text)[0] == '.' || at[-1] == '.')
		return false;
	*text = at;
	return true;
}

static const char *parse(const char *text, const struct unit *units, int64_t *value)
{
	unsigned __int128 number;
	int behind;

	if (strcmp(text, "max") == 0) {
		*value = CGROUP_UNLIMITED;
		return NULL;
	}
	if (*text == '-')
		return "is negative";
	if (!read_decimal(&text, &number, &behind))
		return "is not a number that can be read here";
	const struct unit *unit = find_unit(units, text);

	if (!unit)
		return "has an unknown unit";
	unsigned __int128 divisor = unit->part;

	while (behind--)
		divisor *= 10;
	number *= unit->times;
	if (number % divisor)
		return "is not a whole number of the smallest unit";
	number /= divisor;
	if (number > INT64_MAX)
		return "is too large";
	*value = (int64_t)number;
	return NULL;
}

static bool print_max(int64_t value, char text[JSON_AMOUNT_MAX])
{
	if (value != CGROUP_UNLIMITED)
		return false;
	memcpy(text, "max", sizeof("max"));
	return true;
}

static bool print_cpu(int64_t value, char text[JSON_AMOUNT_MAX])
{
	if (!print_max(value, text))
		snprintf(text, JSON_AMOUNT_MAX, "%lldm", (long long)value);
	return true;
}

static const char *parse_cpu(const char *text, int64_t *value)
{
	return parse(text, cpu_units, value);
}

static const char *parse_bytes(const char *text, int64_t *value)
{
	return parse(text, byte_units, value);
}

static const char *parse_count(const char *text, int64_t *value)
{
	return parse(text, count_units, value);
}

/* "20M/s" is "20M". */
static const char *parse_rate(const char *text, int64_t *value)
{
	char number[JSON_AMOUNT_MAX];
	size_t length = strlen(text);

	if (str_ends(text, "/s"))
		length -= strlen("/s");
	if (str_format(number, sizeof(number), "%.*s", (int)length, text) < 0)
		return "is too long";
	return parse(number, rate_units, value);
}

const struct json_unit cgroup_unit_cpu = {
	parse_cpu,
	print_cpu,
	"CPUs, such as 1.5 or \"1500m\"",
};
const struct json_unit cgroup_unit_bytes = {
	parse_bytes,
	print_max,
	"bytes, or a number with K, M, G or T (Ki, Mi, Gi, Ti), such as \"512M\"; \"max\" is no limit",
};
const struct json_unit cgroup_unit_rate = {
	parse_rate,
	print_max,
	"bytes a second such as \"20M\", or bits such as \"100mbit\"; \"max\" is no limit",
};
const struct json_unit cgroup_unit_count = {
	parse_count,
	print_max,
	"a whole number, or \"max\" for no limit",
};

bool cgroup_page_name(const char *size, char name[CGROUP_PAGE_NAME_MAX])
{
	static const struct {
		unsigned int shift;
		const char *word;
	} words[] = { { 30, "GB" }, { 20, "MB" }, { 10, "KB" } };

	int64_t bytes;

	if (parse_bytes(size, &bytes) || bytes < 4096 || bytes & (bytes - 1))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (bytes >> words[i].shift)
			return str_format(name, CGROUP_PAGE_NAME_MAX, "%lld%s",
					  (long long)(bytes >> words[i].shift), words[i].word) == 0;
	}
	return false;
}
