/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu doctor: what this host gives and lacks, or whether a spec can run here. */
#include "runtime/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <yajl/yajl_tree.h>

#include "runtime/cli/print.h"
#include "runtime/masu.h"

struct doctor_values {
	const char *bundle;
	bool json;
};

#define MEMBER(name) offsetof(struct doctor_values, name)

/* clang-format off */
static const struct option_row doctor_rows[] = {
	{ 'b', "bundle", OPTION_TEXT, MEMBER(bundle), "DIR", "examine the bundle's config.json" },
	{ 0,   "json",   OPTION_FLAG, MEMBER(json),   NULL,  "print an array" },
	{ 0 },
};

/* clang-format on */

static const char *text_of(yajl_val object, const char *key)
{
	const char *const path[] = { key, NULL };
	const char *text =
		YAJL_GET_STRING(yajl_tree_get(object, (const char **)path, yajl_t_string));

	return text ? text : "";
}

/* One line an answer; what follows from it and what to do about it below. */
static void print_answer(yajl_val answer)
{
	static const char *const below[] = { "consequence", "remedy" };

	printf("%-8s %-26s %s\n", text_of(answer, "state"), text_of(answer, "check"),
	       text_of(answer, "found"));
	for (size_t i = 0; i < sizeof(below) / sizeof(*below); i++) {
		if (text_of(answer, below[i])[0])
			printf("%-8s %s: %s\n", "", below[i], text_of(answer, below[i]));
	}
}

static int print_answers(const char *json, struct masu_error *error)
{
	char why[256] = "";
	yajl_val document = yajl_tree_parse(json, why, sizeof(why));

	if (!document)
		return cli_fail(error, MASU_ERR_PEER, "read the library's answer: %s", why);
	for (size_t i = 0; YAJL_IS_ARRAY(document) && i < YAJL_GET_ARRAY(document)->len; i++)
		print_answer(YAJL_GET_ARRAY(document)->values[i]);
	yajl_tree_free(document);
	return 0;
}

static int run_doctor(struct cli *cli, void *data, struct masu_error *error)
{
	const struct doctor_values *values = data;
	const struct masu_create_options create = {
		.size = sizeof(create),
		.id = "doctor",
		.bundle = values->bundle,
		.spec_file = cli->args[0],
	};
	bool spec = values->bundle || cli->args[0];
	char *json;
	int missing = spec ? masu_doctor_spec(cli->masu, &create, &json, error)
			   : masu_doctor(cli->masu, &json, error);

	int result = missing > 0;

	if (missing < 0)
		return -1;
	if (values->json)
		print_document(stdout, json);
	else if (print_answers(json, error) < 0)
		result = -1;
	free(json);
	return result;
}

const struct command cli_doctor = {
	.name = "doctor",
	.usage = "[option...] [SPEC.json]",
	.about =
		"tell what this host gives and lacks, or whether a spec can run here; status 1 if not",
	.options = doctor_rows,
	.values = sizeof(struct doctor_values),
	.most = 1,
	.run = run_doctor,
};
