/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu explain: each kernel file that a spec's limits would be written to, and why. */
#include "runtime/cli/create.h"

#include <stdlib.h>

#include "runtime/cli/answer.h"
#include "runtime/cli/print.h"

struct explain_values {
	struct create_values create;
	bool json;
};

/* clang-format off */
static const struct option_row explain_rows[] = {
	{ 'b', "bundle", OPTION_TEXT, offsetof(struct explain_values, create.create.bundle),    "DIR",  "where config.json and relative paths are (.)" },
	{ 'f', "config", OPTION_TEXT, offsetof(struct explain_values, create.create.spec_file), "FILE", "the spec, when it is not DIR/config.json" },
	{ 0,   "json",   OPTION_FLAG, offsetof(struct explain_values, json),                    NULL,   "print JSON" },
	{ 0 },
};
static const struct answer_column columns[] = {
	{ "field", "FIELD", ANSWER_TEXT },
	{ "file",  "FILE",  ANSWER_TEXT },
	{ "value", "VALUE", ANSWER_TEXT },
	{ "note",  "NOTE",  ANSWER_TEXT },
	{ 0 },
};

/* clang-format on */

static int run_explain(struct cli *cli, void *data, struct masu_error *error)
{
	struct explain_values *values = data;
	char *json;
	int result = 0;

	if (create_prepare(cli, &values->create, error) < 0 ||
	    masu_explain(cli->masu, &values->create.create, &json, error) < 0)
		return -1;
	if (values->json)
		print_document(stdout, json);
	else
		result = answer_print_table(json, "rows", columns, error);
	free(json);
	return result;
}

const struct command cli_explain = {
	.name = "explain",
	.usage = "[option...] ID | SPEC.json [ID]",
	.about = "print the kernel files and values that a spec's limits come to",
	.options = explain_rows,
	.values = sizeof(struct explain_values),
	.least = 1,
	.most = 2,
	.run = run_explain,
};
