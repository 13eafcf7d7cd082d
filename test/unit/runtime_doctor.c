/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The answers of `masu doctor` as JSON, and that the rows of all folders are fit to be printed. */
#include "runtime/doctor.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "net/net.h"
#include "ns/ns.h"
#include "security/security.h"
#include "storage/storage.h"
#include "test/unit/unit.h"

static const struct {
	enum doctor_state state;
	struct doctor_answer answer;
	const char *json;
} answers[] = {
	{ DOCTOR_OK,
	  { "a", NULL, "here", "worse", "better" },
	  "[{\"check\":\"a\",\"state\":\"ok\",\"found\":\"here\"}]" },
	{ DOCTOR_WARN,
	  { "a", NULL, "half", "worse", "better" },
	  "[{\"check\":\"a\",\"state\":\"warn\",\"found\":\"half\",\"consequence\":\"worse\","
	  "\"remedy\":\"better\"}]" },
	{ DOCTOR_MISSING,
	  { "a", NULL, "a \"quote\"", "worse", NULL },
	  "[{\"check\":\"a\",\"state\":\"missing\",\"found\":\"a \\\"quote\\\"\","
	  "\"consequence\":\"worse\"}]" },
};

static void test_answers(void)
{
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		auto_arena struct arena arena = { 0 };
		struct doctor doctor = { .arena = &arena };

		CHECK(doctor_add(&doctor, answers[i].state, &answers[i].answer, NULL) == 0);
		CHECK_INT(doctor.missing, answers[i].state == DOCTOR_MISSING);
		CHECK_TEXT(
			json_encode_list(&doctor_answer_object, &doctor.answers, 0, &arena, NULL),
			answers[i].json);
	}
}

/* Only a row that is always ok may say neither what follows nor what to do. */
static void test_rows(void)
{
	static const struct doctor_row *const tables[] = {
		base_doctor_rows,     cgroup_doctor_rows, ns_doctor_rows,
		security_doctor_rows, net_doctor_rows,    storage_doctor_rows,
	};

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		for (const struct doctor_row *row = tables[i]; row->check; row++) {
			CHECK_ROW(row->check, doctor_find(row->check) == row);
			CHECK_ROW(row->check, row->look && str_is_clean(row->check));
			CHECK_ROW(row->check, !row->consequence == !row->remedy);
		}
	}
	CHECK(!doctor_find("none such"));
}

static void test_note(void)
{
	struct doctor_note note;
	char long_text[400];

	CHECK_INT(doctor_say(&note, DOCTOR_WARN, "%d of %d", 1, 2), DOCTOR_WARN);
	CHECK_TEXT(note.text, "1 of 2");
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	doctor_say(&note, DOCTOR_OK, "%s", long_text);
	CHECK_INT(strlen(note.text), sizeof(note.text) - 1);
}

int main(void)
{
	test_answers();
	test_rows();
	test_note();
	return unit_done("runtime_doctor");
}
