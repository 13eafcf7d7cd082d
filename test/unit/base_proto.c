/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protocol buffers by tables: what is read, every refusal with its place, and the way back in both
 * forms. */
#include "base/proto.h"

#include <stdlib.h>

#include "base/err.h"
#include "test/unit/unit.h"

static const struct name latencies[] = {
	{ "BEST_EFFORT", 1 },
	{ "NORMAL", 2 },
	{ NULL, 0 },
};

struct mask {
	struct json_list data; /* uint64_t */
};

struct cpu {
	struct opt_i64 latency;
	struct opt_u64 limit;
	struct mask *mask;
};

struct rule {
	struct opt_i64 major;
	struct json_list access; /* int64_t */
};

struct box {
	struct opt_i64 owner;
	struct cpu *cpu;
	struct opt_i64 ratio;
	struct opt_u64 share;
	struct opt_i64 charged;
	const char *root;
	struct json_list paths; /* const char * */
	struct json_list rules; /* struct rule */
	struct box *inner;
};

extern const struct proto_message box_message;

/* clang-format off */
static const struct proto_field mask_fields[] = {
	{ "data", 1, PROTO_UINT64, offsetof(struct mask, data), .repeated = true },
};
static const struct proto_message mask_message = PROTO_MESSAGE_OF(struct mask, mask_fields);
static const struct proto_field cpu_fields[] = {
	{ "scheduling_latency", 1, PROTO_ENUM,    offsetof(struct cpu, latency), .names = latencies },
	{ "limit",              2, PROTO_UINT64,  offsetof(struct cpu, limit) },
	{ "mask",               4, PROTO_MESSAGE, offsetof(struct cpu, mask), &mask_message },
};
static const struct proto_message cpu_message = PROTO_MESSAGE_OF(struct cpu, cpu_fields);
static const struct proto_field rule_fields[] = {
	{ "major",  1, PROTO_INT64, offsetof(struct rule, major) },
	{ "access", 2, PROTO_ENUM,  offsetof(struct rule, access), .names = latencies, .repeated = true },
};
static const struct proto_message rule_message = PROTO_MESSAGE_OF(struct rule, rule_fields);
static const struct proto_field box_fields[] = {
	{ "owner",   1,   PROTO_INT64,   offsetof(struct box, owner) },
	{ "cpu",     2,   PROTO_MESSAGE, offsetof(struct box, cpu), &cpu_message },
	{ "ratio",   3,   PROTO_INT32,   offsetof(struct box, ratio) },
	{ "share",   4,   PROTO_UINT32,  offsetof(struct box, share) },
	{ "charged", 5,   PROTO_BOOL,    offsetof(struct box, charged) },
	{ "root",    6,   PROTO_STRING,  offsetof(struct box, root) },
	{ "path",    7,   PROTO_STRING,  offsetof(struct box, paths), .repeated = true },
	{ "rules",   8,   PROTO_MESSAGE, offsetof(struct box, rules), &rule_message, .repeated = true },
	{ "inner",   300, PROTO_MESSAGE, offsetof(struct box, inner), &box_message },
};
const struct proto_message box_message = PROTO_MESSAGE_OF(struct box, box_fields);

/* What is read, and how it is written again. */
static const struct {
	const char *text, *again;
} good[] = {
	{ "", "" },
	{ " # nothing but a comment", "" },
	{ "cpu:{ limit:100 }", "cpu {\n  limit: 100\n}\n" },
	{ "cpu { limit: 100 }", "cpu {\n  limit: 100\n}\n" },
	{ "cpu <limit:100>", "cpu {\n  limit: 100\n}\n" },
	{ "cpu {}", "cpu {\n}\n" },
	{ "owner: -1", "owner: -1\n" },
	{ "owner: - 1", "owner: -1\n" },
	{ "owner: -9223372036854775808", "owner: -9223372036854775808\n" },
	{ "cpu { limit: 18446744073709551615 }", "cpu {\n  limit: 18446744073709551615\n}\n" },
	{ "owner: 0x1F", "owner: 31\n" },
	{ "owner: 017", "owner: 15\n" },
	{ "owner: 0", "owner: 0\n" },
	{ "ratio:1,share:2;charged:true", "ratio: 1\nshare: 2\ncharged: true\n" },
	{ "charged: False", "charged: false\n" },
	{ "charged: 1", "charged: true\n" },
	{ "cpu { scheduling_latency: NORMAL }", "cpu {\n  scheduling_latency: NORMAL\n}\n" },
	{ "cpu { scheduling_latency: 1 }", "cpu {\n  scheduling_latency: BEST_EFFORT\n}\n" },
	{ "cpu { mask { data: 1 data: 2 } }", "cpu {\n  mask {\n    data: 1\n    data: 2\n  }\n}\n" },
	{ "cpu { mask { data: [1, 2] data: 3 } }", "cpu {\n  mask {\n    data: 1\n    data: 2\n    data: 3\n  }\n}\n" },
	{ "cpu { mask { data: [] } }", "cpu {\n  mask {\n  }\n}\n" },
	{ "root: \"/a b\"", "root: \"/a b\"\n" },
	{ "root: '/a' \"/b\"", "root: \"/a/b\"\n" },
	{ "root: \"\\x41\\102\\n\\\"\\\\'\"", "root: \"AB\\n\\\"\\\\'\"\n" },
	{ "root: \"\\303\\244\"", "root: \"\\303\\244\"\n" },
	{ "path: 'a' path: 'b'", "path: \"a\"\npath: \"b\"\n" },
	{ "rules { major: 1 access: [NORMAL, BEST_EFFORT] } rules {}",
	  "rules {\n  major: 1\n  access: NORMAL\n  access: BEST_EFFORT\n}\nrules {\n}\n" },
	{ "rules: [{ major: 1 }, < major: 2 >]", "rules {\n  major: 1\n}\nrules {\n  major: 2\n}\n" },
	{ "inner { inner { owner: 1 } }", "inner {\n  inner {\n    owner: 1\n  }\n}\n" },
	{ "owner:1#x\nratio:2", "owner: 1\nratio: 2\n" },
};

static const struct {
	const char *text, *message;
} bad[] = {
	{ "cpu:{ max:1 }", "spec:1:7: cpu: there is no field \"max\" here" },
	{ "cpu:{\n  limit: x\n}", "spec:2:10: cpu.limit: want a whole number, not x" },
	{ "cpu:{ limit: -1 }", "spec:1:14: cpu.limit: -1 is out of range" },
	{ "cpu:{ limit: 1.5 }", "spec:1:14: cpu.limit: want a whole number, not 1" },
	{ "cpu:{ limit: 18446744073709551616 }", "spec:1:14: cpu.limit: 18446744073709551616 is out of range" },
	{ "cpu:{ limit: 1", "spec:1:15: cpu: a closing } is missing" },
	{ "cpu:{ limit: 1 >", "spec:1:16: cpu: want the name of a field, not >" },
	{ "cpu: 5", "spec:1:6: cpu: want {, not 5" },
	{ "cpu", "spec:1:4: cpu: want {, not the end" },
	{ "owner 5", "spec:1:7: owner: want a colon, not 5" },
	{ "owner:", "spec:1:7: owner: want a whole number, not the end" },
	{ "owner: 08", "spec:1:8: owner: want a whole number, not 08" },
	{ "owner: 0x", "spec:1:8: owner: want a whole number, not 0x" },
	{ "owner: 9223372036854775808", "spec:1:8: owner: 9223372036854775808 is out of range" },
	{ "owner: 1 owner: 2", "spec:1:10: owner: given twice" },
	{ "cpu {} cpu {}", "spec:1:8: cpu: given twice" },
	{ "owner: [1]", "spec:1:8: owner: want a whole number, not [" },
	{ "ratio: 2147483648", "spec:1:8: ratio: 2147483648 is out of range" },
	{ "share: 4294967296", "spec:1:8: share: 4294967296 is out of range" },
	{ "charged: yes", "spec:1:10: charged: want true or false, not yes" },
	{ "cpu { scheduling_latency: FAST }", "spec:1:27: cpu.scheduling_latency: want BEST_EFFORT, NORMAL, not FAST" },
	{ "cpu { scheduling_latency: 9 }", "spec:1:27: cpu.scheduling_latency: want BEST_EFFORT, NORMAL, not 9" },
	{ "cpu { mask { data: [1 2] } }", "spec:1:23: cpu.mask.data: want ] or a comma, not 2" },
	{ "root: /a", "spec:1:7: root: want a text in quotes, not /" },
	{ "root: \"a", "spec:1:9: root: the text has no closing quote" },
	{ "root: \"a\n\"", "spec:1:9: root: the text has no closing quote" },
	{ "root: \"\\q\"", "spec:1:8: root: the escape is not known" },
	{ "root: \"\\400\"", "spec:1:8: root: the escape is not known" },
	{ "root: \"\\0\"", "spec:1:8: root: a text cannot hold a zero byte" },
	{ "}", "spec:1:1: want the name of a field, not }" },
	{ "\x01", "spec:1:1: want the name of a field, not a byte that does not belong there" },
	{ "owner: 1,, ratio: 2", "spec:1:10: want the name of a field, not ," },
};

/* Bytes that are no message of this table. */
static const struct {
	const char *bytes;
	size_t length;
	const char *message;
} broken[] = {
	{ "\x08", 1, "spec: not a binary message: a number is cut off" },
	{ "\x08\x80", 2, "spec: not a binary message: a number is cut off" },
	{ "\x12\x05\x10", 3, "spec: not a binary message: a field is cut off" },
	{ "\x10\x01", 2, "spec: not a binary message: a field has another type" },
	{ "\x0b", 1, "spec: not a binary message: a field has another type" },
	{ "\x7b", 1, "spec: not a binary message: a field has no known type" },
	{ "\x12\x02\x08\x07", 4, "spec: not a binary message: a word is not known" },
	{ "\x20\xff\xff\xff\xff\xff\x01", 7, "spec: not a binary message: a number is out of range" },
	{ "\x32\x01\x00", 3, "spec: not a binary message: a text holds a zero byte" },
};

/* clang-format on */

static void check_good(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct arena arena = { 0 };
		struct box box = { 0 }, copy = { 0 };
		struct err err = { 0 };
		size_t length = 0;

		CHECK_ROW(good[i].text, proto_read_text("spec", good[i].text, strlen(good[i].text),
							&box_message, &box, &arena, &err) == 0);
		CHECK_TEXT(err.text, "");
		CHECK_TEXT(proto_write_text(&box_message, &box, &arena, &err), good[i].again);
		const void *bytes = proto_write_bytes(&box_message, &box, &length, &arena, &err);

		CHECK_ROW(good[i].text,
			  bytes && proto_read_bytes("spec", bytes, length, &box_message, &copy,
						    &arena, &err) == 0);
		CHECK_TEXT(proto_write_text(&box_message, &copy, &arena, &err), good[i].again);
		arena_free(&arena);
	}
}

static void check_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct arena arena = { 0 };
		struct box box = { 0 };
		struct err err = { 0 };

		CHECK_ROW(bad[i].text, proto_read_text("spec", bad[i].text, strlen(bad[i].text),
						       &box_message, &box, &arena, &err) == -1);
		CHECK_TEXT(err.text, bad[i].message);
		CHECK_INT(err.code, ERR_INPUT);
		arena_free(&arena);
	}
}

static void check_broken(void)
{
	for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
		struct arena arena = { 0 };
		struct box box = { 0 };
		struct err err = { 0 };

		CHECK_ROW(broken[i].message,
			  proto_read_bytes("spec", broken[i].bytes, broken[i].length, &box_message,
					   &box, &arena, &err) == -1);
		CHECK_TEXT(err.text, broken[i].message);
		arena_free(&arena);
	}
}

/* Fields that a newer program writes are passed over; packed numbers are read. */
static void check_foreign_bytes(void)
{
	static const unsigned char bytes[] = { 0xa0, 0x06, 0x01,                /* 100: 1 */
					       0xa5, 0x06, 1,    2,    3,    4, /* 32 bits */
					       0xaa, 0x06, 0x02, 'h',  'i',     /* a text */
					       0x12, 0x05, 0x22, 0x03, 0x0a, 0x01,
					       0x07, /* packed */
					       0x08, 0x05 };
	struct arena arena = { 0 };
	struct box box = { 0 };
	struct err err = { 0 };

	CHECK_INT(proto_read_bytes("spec", bytes, sizeof(bytes), &box_message, &box, &arena, &err),
		  0);
	CHECK_TEXT(proto_write_text(&box_message, &box, &arena, &err),
		   "owner: 5\ncpu {\n  mask {\n    data: 7\n  }\n}\n");
	arena_free(&arena);
}

static void check_depth(void)
{
	struct arena arena = { 0 };
	struct box box = { 0 };
	struct err err = { 0 };
	char text[9 * 40 + 1] = "";

	for (int i = 0; i < 40; i++)
		memcpy(text + 7 * i, "inner {", 8);
	CHECK_INT(proto_read_text("spec", text, strlen(text), &box_message, &box, &arena, &err),
		  -1);
	CHECK(strstr(err.text, "nested too deeply"));
	arena_free(&arena);
}

int main(void)
{
	check_good();
	check_bad();
	check_broken();
	check_foreign_bytes();
	check_depth();
	return unit_done("base_proto");
}
