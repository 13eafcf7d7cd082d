/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON by tables: every kind, every message with its place, the malformed documents, the way back.
 */
#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "base/log.h"
#include "test/unit/unit.h"

enum { COLOUR_RED = 0, COLOUR_GREEN = 7 };

static const struct name colours[] = {
	{ "red", COLOUR_RED },
	{ "green", COLOUR_GREEN },
	{ "verde", COLOUR_GREEN },
	{ NULL, 0 },
};

struct wheel {
	bool present;
	unsigned int size;
	const char *brand;
};

struct part {
	const char *key;
	struct opt_i64 weight;
};

struct engine {
	struct opt_u64 power;
	bool turbo;
};

struct car {
	const char *name;
	bool fast;
	struct opt_i64 towed;
	struct opt_i64 height;
	struct opt_u64 mileage;
	int doors;
	unsigned int seats;
	int colour;
	struct json_list stripes;
	struct wheel spare;
	struct wheel *trailer;
	struct json_list wheels;
	struct json_list owners;
	struct json_list lanes;
	struct json_list stamps;
	struct json_list parts;
	struct json_list notes;
	struct engine engine;
	struct json_raw extra;
	struct engine *second;
};

/* clang-format off */
static const struct json_row wheel_rows[] = {
	{ "size", JSON_UINT, offsetof(struct wheel, size), .flags = JSON_REQUIRED, .min = 10, .max = 30 },
	{ "brand", JSON_TEXT, offsetof(struct wheel, brand) },
};
static const struct json_object wheel_object = {
	.rows = wheel_rows, .row_count = 2, .size = sizeof(struct wheel), .present = offsetof(struct wheel, present) + 1,
};
static const struct json_row part_rows[] = {
	{ "weight", JSON_I64, offsetof(struct part, weight) },
};
static const struct json_object part_object = JSON_OBJECT_OF(struct part, part_rows);
static const struct json_row engine_rows[] = {
	{ "power", JSON_U64, offsetof(struct engine, power), .min = 0, .max = 1000 },
	{ "turbo", JSON_BOOL, offsetof(struct engine, turbo) },
};
static const struct json_object engine_object = JSON_OBJECT_OF(struct engine, engine_rows);
static const struct json_row car_rows[] = {
	{ "name", JSON_TEXT, offsetof(struct car, name), .flags = JSON_REQUIRED | JSON_CLEAN | JSON_NOT_EMPTY },
	{ "fast", JSON_BOOL, offsetof(struct car, fast) },
	{ "towed", JSON_OPT_BOOL, offsetof(struct car, towed) },
	{ "height", JSON_I64, offsetof(struct car, height) },
	{ "mileage", JSON_U64, offsetof(struct car, mileage) },
	{ "doors", JSON_INT, offsetof(struct car, doors) },
	{ "seats", JSON_UINT, offsetof(struct car, seats) },
	{ "colour", JSON_NAME, offsetof(struct car, colour), .names = colours },
	{ "stripes", JSON_NAMES, offsetof(struct car, stripes), .names = colours },
	{ "spare", JSON_OBJECT, offsetof(struct car, spare), .nested = &wheel_object },
	{ "trailer", JSON_OBJECT_PTR, offsetof(struct car, trailer), .nested = &wheel_object },
	{ "wheels", JSON_LIST, offsetof(struct car, wheels), .nested = &wheel_object },
	{ "owners", JSON_TEXTS, offsetof(struct car, owners), .flags = JSON_NOT_EMPTY },
	{ "lanes", JSON_I64S, offsetof(struct car, lanes), .min = -5, .max = 5 },
	{ "stamps", JSON_U64S, offsetof(struct car, stamps) },
	{ "parts", JSON_MAP, offsetof(struct car, parts), .nested = &part_object },
	{ "notes", JSON_MAP_TEXT, offsetof(struct car, notes), .flags = JSON_CLEAN | JSON_NOT_EMPTY },
	{ NULL, JSON_EMBED, offsetof(struct car, engine), .nested = &engine_object },
	{ "extra", JSON_RAW, offsetof(struct car, extra) },
	{ "second", JSON_OBJECT_PTR, offsetof(struct car, second), .nested = &engine_object, .flags = JSON_MERGE },
};
/* clang-format on */
static const struct json_object car_object = JSON_OBJECT_OF(struct car, car_rows);

static int decode(const char *text, size_t length, struct car *car, struct arena *arena,
		  struct err *err)
{
	char *exact = malloc(length ? length : 1); /* so that ASan sees a read behind the end */

	memcpy(exact, text, length);
	int result = json_decode("car.json", exact, length, &car_object, car, arena, err);

	free(exact);
	return result;
}

static const char full[] =
	"{ \"name\": \"b\\u00fcs \\ud83d\\ude8c\", \"fast\": true, \"towed\": false,\n"
	"  \"height\": -9223372036854775808, \"mileage\": 18446744073709551615,\n"
	"  \"doors\": -2147483648, \"seats\": 4294967295, \"colour\": \"verde\",\n"
	"  \"stripes\": [\"red\", \"green\"], \"spare\": {\"size\": 10}, \"trailer\": {\"size\": 30, \"brand\": \"x\"},\n"
	"  \"wheels\": [{\"size\": 11}, {\"size\": 12}, {\"size\": 13}, {\"size\": 14}, {\"size\": 15}],\n"
	"  \"owners\": [\"ann\", \"\"], \"lanes\": [-5, 5], \"stamps\": [0, 18446744073709551615],\n"
	"  \"parts\": {\"door\": {\"weight\": 3}, \"seat\": {}}, \"notes\": {\"a\": \"b\", \"c\": \"\"},\n"
	"  \"power\": 150, \"turbo\": true, \"unknown\": {\"deep\": [1, {\"x\": null}]},\n"
	"  \"extra\" : { \"k\": [1, \"]\"], \"l\": null } , \"second\": {\"power\": 1} }\n";

static void check_full(const struct car *car)
{
	CHECK_TEXT(car->name, "b\xc3\xbcs \xf0\x9f\x9a\x8c");
	CHECK(car->fast && car->towed.set && !car->towed.value);
	CHECK(car->height.set && car->height.value == INT64_MIN);
	CHECK(car->mileage.set && car->mileage.value == UINT64_MAX);
	CHECK(car->doors == -2147483647 - 1 && car->seats == 4294967295u);
	CHECK_INT(car->colour, COLOUR_GREEN);
	CHECK_INT(car->stripes.count, 2);
	CHECK_INT(JSON_ITEMS(int, &car->stripes)[1], COLOUR_GREEN);
	CHECK(car->spare.present && car->spare.size == 10 && !car->spare.brand);
	CHECK(car->trailer && car->trailer->size == 30);
	CHECK_TEXT(car->trailer->brand, "x");
	CHECK_INT(car->wheels.count, 5);
	for (unsigned int i = 0; i < 5; i++)
		CHECK_INT(JSON_ITEMS(struct wheel, &car->wheels)[i].size, 11 + i);
	CHECK_INT(car->owners.count, 2);
	CHECK_TEXT(JSON_ITEMS(const char *, &car->owners)[0], "ann");
	CHECK_TEXT(JSON_ITEMS(const char *, &car->owners)[1], "");
	CHECK_INT(JSON_ITEMS(int64_t, &car->lanes)[0], -5);
	CHECK(JSON_ITEMS(uint64_t, &car->stamps)[1] == UINT64_MAX);
	CHECK_INT(car->parts.count, 2);
	CHECK_TEXT(JSON_ITEMS(struct part, &car->parts)[0].key, "door");
	CHECK_INT(JSON_ITEMS(struct part, &car->parts)[0].weight.value, 3);
	CHECK_TEXT(JSON_ITEMS(struct part, &car->parts)[1].key, "seat");
	CHECK(!JSON_ITEMS(struct part, &car->parts)[1].weight.set);
	CHECK_INT(car->notes.count, 2);
	CHECK_TEXT(JSON_ITEMS(struct json_pair, &car->notes)[0].value, "b");
	CHECK(car->engine.power.value == 150 && car->engine.turbo);
	CHECK_TEXT(car->extra.text, "{ \"k\": [1, \"]\"], \"l\": null }");
	CHECK_INT(car->extra.length, strlen(car->extra.text));
	CHECK(car->second && car->second->power.value == 1);
}

static void test_every_kind_and_back(void)
{
	struct arena arena = { 0 };
	struct car car = { 0 }, again = { 0 };
	struct err err = { 0 };

	CHECK_INT(decode(full, strlen(full), &car, &arena, &err), 0);
	check_full(&car);
	for (int indent = 0; indent <= 4; indent += 4) {
		const char *text = json_encode(&car_object, &car, indent, &arena, &err);

		CHECK(text != NULL);
		memset(&again, 0, sizeof(again));
		CHECK_INT(decode(text, strlen(text), &again, &arena, &err), 0);
		check_full(&again);
		CHECK(!strchr(text, '\n') == !indent);
	}
	arena_free(&arena);
}

static void test_encoded_text(void)
{
	struct arena arena = { 0 };
	struct wheel wheels[] = { { true, 11, NULL }, { true, 12, "a\"b\\c\n\x01\x7f" } };
	struct car car = { .name = "x", .wheels = { wheels, 2 } };

	CHECK_TEXT(json_encode(&car_object, &car, 0, &arena, NULL),
		   "{\"name\":\"x\",\"colour\":\"red\",\"wheels\":[{\"size\":11},"
		   "{\"size\":12,\"brand\":\"a\\\"b\\\\c\\n\\u0001\\u007f\"}]}");
	CHECK_TEXT(json_encode(&wheel_object, &wheels[0], 2, &arena, NULL), "{\n  \"size\": 11\n}");
	car = (struct car){ .owners = { wheels, 0 } };
	CHECK_TEXT(json_encode(&car_object, &car, 1, &arena, NULL),
		   "{\n \"name\": \"\",\n \"colour\": \"red\",\n \"owners\": []\n}");
	arena_free(&arena);
}

/* clang-format off */
static const struct bad {
	const char *text;
	const char *want;
	const char *hint;
} bad[] = {
	/* types, each at its place */
	{ "{\"name\":\"x\",\n\"height\":\n\"1\"}", "car.json:3: height: did not expect a string here", "a number is wanted" },
	{ "{\"name\": 5}", "car.json:1: name: did not expect a number here", "a string is wanted" },
	{ "{\"name\": [\"x\"]}", "car.json:1: name: did not expect a list here", "a string is wanted" },
	{ "{\"spare\": true}", "car.json:1: spare: did not expect a boolean here", "an object is wanted" },
	{ "{\"fast\": \"yes\"}", "car.json:1: fast: did not expect a string here", "a boolean is wanted" },
	{ "{\"fast\": {}}", "car.json:1: fast: did not expect an object here", "a boolean is wanted" },
	{ "{\"wheels\": {}}", "car.json:1: wheels: did not expect an object here", "a list is wanted" },
	{ "{\"wheels\": [{\"size\":10},\n 3]}", "car.json:2: wheels[1]: did not expect a number here", "an object is wanted" },
	{ "{\"owners\": [\"a\", null]}", "car.json:1: owners[1]: did not expect null here", "a string is wanted" },
	{ "{\"owners\": [[]]}", "car.json:1: owners[0]: did not expect a list here", "a string is wanted" },
	{ "{\"parts\": {\"door\": null}}", "car.json:1: parts.door: did not expect null here", "an object is wanted" },
	{ "{\"parts\": {\"door\": {\"weight\": true}}}", "car.json:1: parts.door.weight: did not expect a boolean here", "a number is wanted" },
	{ "{\"notes\": {\"a\": 1}}", "car.json:1: notes.a: did not expect a number here", "a string is wanted" },
	{ "{\"stamps\": [\"1\"]}", "car.json:1: stamps[0]: did not expect a string here", "a number is wanted" },
	{ "[]", "car.json:1: did not expect a list here", "an object is wanted" },
	{ "null", "car.json:1: did not expect null here", "an object is wanted" },
	{ "\"x\"", "car.json:1: did not expect a string here", "an object is wanted" },
	{ "1", "car.json:1: did not expect a number here", "an object is wanted" },
	/* numbers */
	{ "{\"height\": 1e3}", "car.json:1: height: 1e3 is not a whole number", "" },
	{ "{\"height\": 1.0}", "car.json:1: height: 1.0 is not a whole number", "" },
	{ "{\"height\": 9223372036854775808}", "car.json:1: height: 9223372036854775808 is out of range (-9223372036854775808 to 9223372036854775807)", "" },
	{ "{\"mileage\": -1}", "car.json:1: mileage: -1 is out of range (0 to 18446744073709551615)", "" },
	{ "{\"mileage\": -0}", "car.json:1: mileage: -0 is out of range (0 to 18446744073709551615)", "" },
	{ "{\"mileage\": 18446744073709551616}", "car.json:1: mileage: 18446744073709551616 is out of range (0 to 18446744073709551615)", "" },
	{ "{\"doors\": 2147483648}", "car.json:1: doors: 2147483648 is out of range (-2147483648 to 2147483647)", "" },
	{ "{\"seats\": 4294967296}", "car.json:1: seats: 4294967296 is out of range (0 to 4294967295)", "" },
	{ "{\"seats\": -1}", "car.json:1: seats: -1 is out of range (0 to 4294967295)", "" },
	{ "{\"power\": 1001}", "car.json:1: power: 1001 is out of range (0 to 1000)", "" },
	{ "{\"lanes\": [0, 6]}", "car.json:1: lanes[1]: 6 is out of range (-5 to 5)", "" },
	{ "{\"spare\": {\"size\": 9}}", "car.json:1: spare.size: 9 is out of range (10 to 30)", "" },
	{ "{\"mileage\": 1111111111111111111111111111111111111111111111111111111111111111111111111}",
	  "car.json:1: mileage: 1111111111111111111111111111111111111111111111111111111111111111... is out of range (0 to 18446744073709551615)", "" },
	{ "{\"height\": 01}", "car.json:1: height: not valid JSON: after key and value, inside map, I expect ',' or '}'", "" },
	{ "{\"height\": +1}", "car.json:1: height: not valid JSON: invalid char in json text", "" },
	{ "{\"height\": NaN}", "car.json:1: height: not valid JSON: invalid char in json text", "" },
	{ "{\"height\": 0x10}", "car.json:1: height: not valid JSON: invalid char in json text", "" },
	/* words */
	{ "{\"colour\": \"Green\"}", "car.json:1: colour: \"Green\" is not a known value", "did you mean \"green\"?" },
	{ "{\"stripes\": [\"red\", \"pink\\n\"]}", "car.json:1: stripes[1]: \"pink?\" is not a known value", "one of: red, green, verde" },
	/* texts */
	{ "{\"name\": \"\"}", "car.json:1: name: must not be empty", "" },
	{ "{\"name\": \"a\\nb\"}", "car.json:1: name: control characters are not allowed", "" },
	{ "{\"name\": \"a\nb\"}", "car.json:1: name: not valid JSON: invalid character inside string", "" },
	{ "{\"name\": \"a\\u0000\"}", "car.json:1: name: a NUL character is not allowed", "" },
	{ "{\"x\": [\"a\\u0000\"]}", "car.json:1: x[0]: a NUL character is not allowed", "" },
	{ "{\"na\\u0000me\": 1}", "car.json:1: na?me: a NUL character is not allowed", "" },
	{ "{\"name\": \"\\ud83d\"}", "car.json:1: name: half of a surrogate pair is not allowed", "" },
	{ "{\"name\": \"\\ud83dxxxxx\"}", "car.json:1: name: half of a surrogate pair is not allowed", "" },
	{ "{\"name\": \"\\ud83d\\u0041\"}", "car.json:1: name: half of a surrogate pair is not allowed", "" },
	{ "{\"name\": \"\\\"\\\\\\ude8c\"}", "car.json:1: name: half of a surrogate pair is not allowed", "" },
	{ "{\"name\": \"\\ud83d\\ud83d\\ude8c\"}", "car.json:1: name: half of a surrogate pair is not allowed", "" },
	{ "{\"name\": \"\xff\"}", "car.json:1: name: not valid UTF-8", "" },
	{ "{\"name\": \"\xc0\x80\"}", "car.json:1: name: not valid UTF-8", "" },
	{ "{\"name\": \"\xed\xa0\x80\"}", "car.json:1: name: not valid UTF-8", "" },
	{ "{\"name\": \"\xf4\x90\x80\x80\"}", "car.json:1: name: not valid UTF-8", "" },
	{ "{\"name\": \"aaaaaaaaaaa\xe2\x82\"}", "car.json:1: name: not valid UTF-8", "" },
	{ "{\"\x80\": 1}", "car.json:1: \x80: not valid UTF-8", "" },
	{ "{\"owners\": []}", "car.json:1: owners: must not be empty", "" },
	{ "{\"notes\": {\"\": \"x\"}}", "car.json:1: notes: an empty name is not allowed", "" },
	{ "{\"notes\": {\"a\\tb\": \"x\"}}", "car.json:1: notes.a?b: control characters are not allowed in a name", "" },
	{ "{\"notes\": {\"a\": \"\\r\"}}", "car.json:1: notes.a: control characters are not allowed", "" },
	/* keys */
	{ "{\"name\": \"x\",\n\"fast\": true,\n\"name\": \"y\"}", "car.json:3: name: given twice", "" },
	{ "{\"name\": null,\n\"name\": \"y\"}", "car.json:2: name: given twice", "" },
	{ "{\"turbo\": true, \"turbo\": false}", "car.json:1: turbo: given twice", "" },
	{ "{\"name\": \"x\",\n\"what\": true,\n\"other\": 1,\n\"what\": \"y\"}", "car.json:4: what: given twice", "" },
	{ "{\"name\": \"x\", \"what\": [{\"a\": 1,\n\"\\u0061\": 2}]}", "car.json:2: what[0].a: given twice", "" },
	{ "{\"name\": \"x\", \"extra\": {\"a\": {\"b\": 1, \"b\": 2}}}", "car.json:1: extra.a.b: given twice", "" },
	{ "{\"parts\": {\"a\": {},\n\"a\": {}}}", "car.json:2: parts.a: given twice", "" },
	{ "{\"notes\": {\"a\": \"1\", \"b\": \"1\", \"a\": \"1\"}}", "car.json:1: notes.a: given twice", "" },
	{ "{}", "car.json:1: name: missing", "" },
	{ "{\"name\": null}", "car.json:1: name: missing", "" },
	{ "{\"name\":\"x\",\n\"wheels\":[\n{\"size\":10},\n{\"brand\":\"z\"\n}\n]}", "car.json:4: wheels[1].size: missing", "" },
	/* the document */
	{ "", "car.json:1: not valid JSON: premature EOF", "" },
	{ " \n ", "car.json:2: not valid JSON: premature EOF", "" },
	{ "{\"name\": \"x\"", "car.json:1: name: not valid JSON: premature EOF", "" },
	{ "{\"name\": \"x\"} x", "car.json:1: not valid JSON: trailing garbage", "" },
	{ "{\"name\": \"x\"}\n{}", "car.json:2: not valid JSON: trailing garbage", "" },
	{ "{\"name\": \"x\"} \xff", "car.json:1: not valid JSON: trailing garbage", "" },
	{ "{\"name\": \"x\",}", "car.json:1: name: not valid JSON: invalid object key (must be a string)", "" },
	{ "{'name': \"x\"}", "car.json:1: not valid JSON: invalid char in json text", "" },
	{ "{\"name\": \"x\" /* c */}", "car.json:1: name: not valid JSON: probable comment found in input text, comments are not enabled", "" },
	{ "// c\n{\"name\": \"x\"}", "car.json:1: not valid JSON: probable comment found in input text, comments are not enabled", "" },
	{ "\xef\xbb\xbf{\"name\": \"x\"}", "car.json:1: not valid JSON: invalid char in json text", "" },
};

/* clang-format on */

static void test_bad_documents(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena arena = { 0 };
		struct car car = { 0 };
		struct err err = { 0 };

		CHECK_ROW(bad[i].text,
			  decode(bad[i].text, strlen(bad[i].text), &car, &arena, &err) == -1);
		CHECK_INT(err.code, ERR_INPUT);
		CHECK_TEXT(err.text, bad[i].want);
		CHECK_TEXT(err.hint, bad[i].hint ? bad[i].hint : "");
		arena_free(&arena);
	}
}

/* Every cut of a good document is an error and never a crash. */
static void test_cut_documents(void)
{
	for (size_t length = 0; length + 2 < strlen(full); length++) {
		struct arena arena = { 0 };
		struct car car = { 0 };
		struct err err = { 0 };

		CHECK_INT(decode(full, length, &car, &arena, &err), -1);
		CHECK(err.code == ERR_INPUT && err.text[0]);
		arena_free(&arena);
	}
}

static void test_depth(void)
{
	char text[300];

	for (int depth = 62; depth <= 64; depth++) {
		struct arena arena = { 0 };
		struct car car = { 0 };
		struct err err = { 0 };
		int used = sprintf(text, "{\"name\":\"x\",\"deep\":");

		memset(text + used, '[', (size_t)depth);
		memset(text + used + depth, ']', (size_t)depth);
		strcpy(text + used + 2 * depth, "}");
		CHECK_INT(decode(text, strlen(text), &car, &arena, &err), depth == 64 ? -1 : 0);
		if (depth == 64)
			CHECK(strstr(err.text, "nested deeper than 64 levels") != NULL);
		arena_free(&arena);
	}
}

static void test_null_is_absent(void)
{
	static const char *const names[] = { "fast",   "towed",  "height",  "mileage", "doors",
					     "seats",  "colour", "stripes", "spare",   "trailer",
					     "wheels", "owners", "lanes",   "stamps",  "parts",
					     "notes",  "power",  "turbo",   "extra",   "second" };
	char text[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct arena arena = { 0 };
		struct car car = { 0 }, empty = { 0 };

		sprintf(text, "{\"name\":\"x\",\"%s\":null}", names[i]);
		CHECK_ROW(names[i], decode(text, strlen(text), &car, &arena, NULL) == 0);
		car.name = NULL;
		CHECK_ROW(names[i], memcmp(&car, &empty, sizeof(car)) == 0);
		arena_free(&arena);
	}
}

static void test_defaults_stay(void)
{
	static const char text[] = "{\"spare\":{\"brand\":\"b\"},\"trailer\":{\"size\":12},"
				   "\"second\":{\"turbo\":true},\"wheels\":[]}";
	struct arena arena = { 0 };
	struct wheel trailer = { true, 20, "old" };
	struct engine second = { { true, 9 }, false };
	struct car car = { .name = "default",
			   .colour = COLOUR_GREEN,
			   .spare = { true, 15, "a" },
			   .trailer = &trailer,
			   .second = &second,
			   .wheels = { &trailer, 1 } };

	CHECK_INT(decode(text, strlen(text), &car, &arena, NULL), 0);
	CHECK_TEXT(car.name, "default"); /* required, but there is a default */
	CHECK_INT(car.colour, COLOUR_GREEN);
	CHECK(car.spare.size == 15);
	CHECK_TEXT(car.spare.brand, "b");
	CHECK(car.trailer != &trailer && !car.trailer->brand); /* a new struct */
	CHECK(car.second == &second && second.power.value == 9 && second.turbo);
	CHECK(car.wheels.count == 0 && car.wheels.items);
	CHECK(!car.owners.items);
	arena_free(&arena);
}

static char warned[4][256];
static int warnings;

static void keep_warning(enum log_level level, const char *message, void *data)
{
	(void)level;
	(void)data;
	if (warnings < 4)
		snprintf(warned[warnings++], sizeof(warned[0]), "%s", message);
}

static void test_near_misses_warn(void)
{
	static const char text[] = "{\"name\":\"x\",\n\"Height\":1,\n\"trubo\":true,\"zebra\":1,"
				   "\"spare\":{\"size\":10,\n\"brands\":\"x\"}}";
	struct arena arena = { 0 };
	struct car car = { 0 };

	log_set(keep_warning, NULL, LOG_WARNING);
	CHECK_INT(decode(text, strlen(text), &car, &arena, NULL), 0);
	log_set(NULL, NULL, LOG_WARNING);
	CHECK_INT(warnings, 3);
	CHECK_TEXT(warned[0],
		   "car.json:2: Height: unknown property, ignored; did you mean \"height\"?");
	CHECK_TEXT(warned[1],
		   "car.json:3: trubo: unknown property, ignored; did you mean \"turbo\"?");
	CHECK_TEXT(warned[2],
		   "car.json:4: spare.brands: unknown property, ignored; did you mean \"brand\"?");
	CHECK(!car.height.set);
	arena_free(&arena);
}

static double decode_seconds(const char *text, size_t length, struct car *car)
{
	struct arena arena = { 0 };
	struct timespec from, to;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	CHECK_INT(json_decode("big", text, length, &car_object, car, &arena, NULL), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	arena_free(&arena);
	return (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);
}

/* Ten times the size may take ten times as long, and some noise, but not a hundred times. */
static void test_linear_time(void)
{
	static const char *const forms[][3] = {
		{ "{\"name\":\"x\",\"owners\":[", "\"owner-%zu\",", "\"\"]}" },
		{ "{\"name\":\"x\",\"wheels\":[", "{\"size\":11,\"zz%zu\":1},", "{\"size\":11}]}" },
		{ "{\"name\":\"x\",\"notes\":{", "\"note-%zu\":\"x\",", "\"\\u00e9\":\"\"}}" },
		{ "{\"name\":\"x\",\"zz\":{", "\"note-%zu\":\"x\",", "\"\\u00e9\":\"\"}}" },
	};

	enum { MANY = 100000 };

	char *text = malloc(MANY * 32);

	for (size_t form = 0; form < sizeof(forms) / sizeof(forms[0]); form++) {
		double seconds[2];

		for (size_t run = 0; run < 2; run++) {
			size_t count = run ? MANY : MANY / 10, used;
			struct car car = { 0 };

			used = (size_t)sprintf(text, "%s", forms[form][0]);
			for (size_t i = 0; i < count; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
				used += (size_t)sprintf(text + used, forms[form][1], i);
#pragma GCC diagnostic pop
			}
			used += (size_t)sprintf(text + used, "%s", forms[form][2]);
			seconds[run] = decode_seconds(text, used, &car);
		}
		CHECK_ROW(forms[form][1], seconds[1] < 50 * seconds[0] + 0.01);
		CHECK_ROW(forms[form][1], seconds[1] < 2.0);
	}
	free(text);
}

static void test_quote(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "\"\"" },
		{ "plain", "\"plain\"" },
		{ "q\"b\\n\n\t\r", "\"q\\\"b\\\\n\\n\\t\\r\"" },
		{ "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"" },
		{ "\xc3\xbc\xe2\x82\xac", "\"\xc3\xbc\xe2\x82\xac\"" },
		{ "a\xff\xc3", "\"a\xef\xbf\xbd\xef\xbf\xbd\"" },
	};

	char buffer[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_INT(json_quote(rows[i].text, buffer, sizeof(buffer)), strlen(rows[i].want));
		CHECK_TEXT(buffer, rows[i].want);
	}
	CHECK_INT(json_quote("ab\xe2\x82\xac", buffer, 6), 7); /* does not cut a character */
	CHECK_TEXT(buffer, "\"ab");
	CHECK_INT(json_quote("abc", buffer, 1), 5);
	CHECK_TEXT(buffer, "");
	CHECK_INT(json_quote("abc", NULL, 0), 5);
}

static void test_limits(void)
{
	struct arena arena = { 0 };
	struct car car = { 0 };
	struct err err = { 0 };

	CHECK_INT(json_decode("big.json", "", JSON_LENGTH_MAX + 1, &car_object, &car, &arena, &err),
		  -1);
	CHECK_TEXT(err.text, "big.json: larger than 16777216 bytes");
}

int main(void)
{
	test_every_kind_and_back();
	test_encoded_text();
	test_bad_documents();
	test_cut_documents();
	test_depth();
	test_null_is_absent();
	test_defaults_stay();
	test_near_misses_warn();
	test_linear_time();
	test_quote();
	test_limits();
	return unit_done("base_json");
}
