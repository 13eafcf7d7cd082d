/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu run: create, start and wait, in the foreground unless detached. */
#include "runtime/cli/create.h"

#include <errno.h>
#include <stdlib.h>

#include "runtime/cli/print.h"

#define MEMBER(name) offsetof(struct create_values, name)

/* clang-format off */
static const struct option_row run_rows[] = {
	{ 'd', "detach", OPTION_FLAG, MEMBER(create.detach), NULL, "do not wait for the end" },
	{ 0,   "keep",   OPTION_FLAG, MEMBER(create.keep),   NULL, "do not delete the container at its end" },
	{ 0,   "plan",   OPTION_FLAG, MEMBER(plan),          NULL, "print what would be done, and do nothing" },
	{ 0 },
};

/* clang-format on */

static int print_plan(struct cli *cli, const struct masu_create_options *options,
		      struct masu_error *error)
{
	char *text;

	if (masu_plan(cli->masu, options, &text, error) < 0)
		return -1;
	print_document(stdout, text);
	free(text);
	return 0;
}

static int run_run(struct cli *cli, void *data, struct masu_error *error)
{
	struct create_values *values = data;
	int status = 0;

	if (create_prepare(cli, values, error) < 0)
		return -1;
	if (values->plan)
		return print_plan(cli, &values->create, error);
	values->create.foreground = !values->create.detach;
	if (masu_run(cli->masu, &values->create, &status, error) < 0)
		return -1;
	if (values->create.detach && values->id[0])
		printf("%s\n", values->id);
	if (status < 0)
		return cli_fail(error, ECHILD, "the kernel does not tell how it ended");
	return status;
}

const struct command cli_run = {
	.name = "run",
	.usage = "[option...] ID | SPEC.json [ID]",
	.about = "create a container, start it and wait for its end",
	.options = create_rows,
	.more_options = run_rows,
	.values = sizeof(struct create_values),
	.least = 1,
	.most = 2,
	.run = run_run,
};
