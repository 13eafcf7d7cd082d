/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts, words, errors and the arena. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/names.h"
#include "base/str.h"
#include "test/unit/unit.h"

static void test_numbers(void)
{
	static const struct {
		const char *text;
		bool is_unsigned, is_signed;
		uint64_t value;
	} rows[] = {
		{ "0", true, true, 0 },
		{ "007", true, true, 7 },
		{ "18446744073709551615", true, false, UINT64_MAX },
		{ "18446744073709551616", false, false, 0 },
		{ "9223372036854775807", true, true, INT64_MAX },
		{ "-9223372036854775808", false, true, (uint64_t)INT64_MIN },
		{ "-9223372036854775809", false, false, 0 },
		{ "-0", false, true, 0 },
		{ "-1", false, true, UINT64_MAX },
		{ "", false, false, 0 },
		{ "-", false, false, 0 },
		{ "+1", false, false, 0 },
		{ " 1", false, false, 0 },
		{ "1 ", false, false, 0 },
		{ "0x1", false, false, 0 },
		{ "1e3", false, false, 0 },
		{ "--1", false, false, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t number = 1;
		int64_t whole = 1;

		CHECK_ROW(rows[i].text,
			  str_parse_u64(rows[i].text, &number) == rows[i].is_unsigned);
		CHECK_ROW(rows[i].text, !rows[i].is_unsigned || number == rows[i].value);
		CHECK_ROW(rows[i].text, str_parse_i64(rows[i].text, &whole) == rows[i].is_signed);
		CHECK_ROW(rows[i].text, !rows[i].is_signed || (uint64_t)whole == rows[i].value);
	}
}

static void test_cpu_lists(void)
{
	static const struct {
		const char *text;
		bool good;
		unsigned long mask; /* of 64 bits; 0: a bit lies beyond */
	} rows[] = {
		{ "0", true, 1 },     { "0-3,7", true, 0x8f }, { "63", true, 1UL << 63 },
		{ "64", true, 0 },    { "0-64", true, 0 },     { "", false, 0 },
		{ ",", false, 0 },    { "1,", false, 0 },      { "3-1", false, 0 },
		{ "-1", false, 0 },   { "1-", false, 0 },      { "1-2-3", false, 0 },
		{ "a", false, 0 },    { "0 ", false, 0 },      { "12345678901", false, 0 },
		{ "0\n1", false, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned long mask = 0;
		bool fits = str_parse_cpu_list(rows[i].text, &mask, 64);

		CHECK_ROW(rows[i].text, str_is_cpu_list(rows[i].text) == rows[i].good);
		CHECK_ROW(rows[i].text, fits == (rows[i].mask != 0));
		CHECK_ROW(rows[i].text, !fits || mask == rows[i].mask);
	}
}

static void test_pieces(void)
{
	char buffer[8];

	CHECK_INT(str_format(buffer, sizeof(buffer), "%s", "1234567"), 0);
	CHECK_TEXT(buffer, "1234567");
	CHECK_INT(str_format(buffer, sizeof(buffer), "%s", "12345678"), -1);
	CHECK_INT(errno, ENAMETOOLONG);
	CHECK_TEXT(buffer, "");
	CHECK(str_starts("abc", "ab") && str_starts("abc", "") && !str_starts("ab", "abc"));
	CHECK(str_ends("abc", "bc") && str_ends("abc", "") && !str_ends("bc", "abc"));
	CHECK(str_is_clean("a b\xc3\xa9") && str_is_clean(""));
	CHECK(!str_is_clean("a\nb") && !str_is_clean("\x7f") && !str_is_clean("\x01"));
}

static void test_names(void)
{
	static const struct name table[] = {
		{ "pid", 1 }, { "network", 2 }, { "net", 2 }, { "cgroup", -3 }, { NULL, 0 }
	};

	static const struct {
		const char *left, *right;
		bool near;
	} rows[] = {
		{ "network", "networks", true }, { "network", "netwrok", true },
		{ "network", "netwurk", true },  { "network", "Network", true },
		{ "network", "etwork", true },   { "network", "network", false },
		{ "network", "netty", false },   { "pid", "pad", false },
		{ "pid", "PID", true },          { "args", "arg", false },
		{ "mounts", "mount", true },     { "", "a", false },
	};

	int64_t value = 0;

	CHECK(names_find(table, "cgroup", &value) && value == -3);
	CHECK(!names_find(table, "Cgroup", &value) && !names_find(table, "", &value));
	CHECK_TEXT(names_text(table, 2), "network");
	CHECK(!names_text(table, 9));
	CHECK_TEXT(names_nearest(table, "cgroups"), "cgroup");
	CHECK(!names_nearest(table, "zebra"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_ROW(rows[i].right, names_near(rows[i].left, rows[i].right) == rows[i].near);
		CHECK_ROW(rows[i].right, names_near(rows[i].right, rows[i].left) == rows[i].near);
	}
}

static void test_errors(void)
{
	struct err err = { 0 };
	char big[2048];

	CHECK_INT(err_set(&err, ERR_STATE, "stop %s: it is %s", "a", "stopped"), -1);
	CHECK_INT(err.code, ERR_STATE);
	CHECK_TEXT(err.text, "stop a: it is stopped");
	CHECK_INT(err_hint(&err, "try %d", 1), -1);
	CHECK_TEXT(err.hint, "try 1");
	CHECK_INT(err_wrap(&err, "delete %d", 2), -1);
	CHECK_TEXT(err.text, "delete 2: stop a: it is stopped");
	CHECK_TEXT(err.hint, "try 1"); /* stays */
	errno = ENOENT;
	CHECK_INT(err_sys(&err, "open %s", "/x"), -1);
	CHECK_INT(err.code, ENOENT);
	CHECK_TEXT(err.text, "open /x: No such file or directory");
	CHECK_TEXT(err.hint, ""); /* it was about something else */
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	CHECK_INT(err_set(&err, 1, "%s", big), -1);
	CHECK_INT(strlen(err.text), sizeof(err.text) - 1);
	CHECK_INT(err_sys(&err, "%s", big), -1);
	CHECK_INT(err_wrap(&err, "%s", big), -1);
	CHECK_INT(err_wrap(&err, "a"), -1);
	CHECK_INT(strlen(err.text), sizeof(err.text) - 1);
	CHECK(strncmp(err.text, "a: xxx", 6) == 0);
	CHECK_INT(err_hint(&err, "%s", big), -1);
	CHECK_INT(strlen(err.hint), sizeof(err.hint) - 1);
	CHECK_INT(err_set(NULL, 1, "%s", big), -1); /* no record wanted */
	CHECK_INT(err_sys(NULL, "a") + err_wrap(NULL, "a") + err_hint(NULL, "a"), -3);
}

static void test_arena(void)
{
	struct arena arena = { 0 };
	size_t sizes[] = { 0, 1, 15, 16, 17, 4096, 16384, 16385, 100000, 3 };
	bool zeroed = true;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *bytes = arena_alloc(&arena, sizes[i]);

		CHECK(bytes && (uintptr_t)bytes % 16 == 0);
		for (size_t j = 0; j < sizes[i]; j++) {
			zeroed &= !bytes[j];
			bytes[j] = 'x';
		}
	}
	CHECK(zeroed);
	CHECK_TEXT(arena_strdup(&arena, "text"), "text");
	CHECK_TEXT(arena_strndup(&arena, "text", 2), "te");
	CHECK_TEXT(arena_printf(&arena, "%d-%s", 5, "x"), "5-x");
	CHECK(memcmp(arena_copy(&arena, "a\0b", 3), "a\0b", 3) == 0);
	CHECK(!arena_alloc(&arena, SIZE_MAX) && errno == ENOMEM);
	arena_free(&arena);
	CHECK(!arena.chunks);
	CHECK(arena_alloc(&arena, 8)); /* good for another round */
	arena_free(&arena);
}

int main(void)
{
	test_numbers();
	test_cpu_lists();
	test_pieces();
	test_names();
	test_errors();
	test_arena();
	return unit_done("base_text");
}
