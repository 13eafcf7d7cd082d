/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu diff: what a container has changed in its root. */
#include "runtime/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

#include "runtime/cli/output.h"
#include "runtime/cli/print.h"
#include "runtime/masu.h"

struct diff_values {
	bool json;
	const char *tar;
};

#define MEMBER(name) offsetof(struct diff_values, name)

/* clang-format off */
static const struct option_row diff_rows[] = {
	{ 0, "json", OPTION_FLAG, MEMBER(json), NULL,   "print an array of objects" },
	{ 0, "tar",  OPTION_TEXT, MEMBER(tar),  "FILE", "write the changes there as the tar of an OCI layer" },
	{ 0 },
};

/* clang-format on */

static int write_changes(int fd, const struct cli *cli, void *data, struct masu_error *error)
{
	(void)data;
	return masu_diff_tar(cli->masu, cli->args[0], fd, error);
}

static int run_diff(struct cli *cli, void *data, struct masu_error *error)
{
	const struct diff_values *values = data;
	char *text;

	cli->subject = cli->args[0];
	if (values->tar && values->json)
		return cli_fail(error, MASU_ERR_INPUT, "--tar and --json: only one of them");
	if (values->tar)
		return output_write(values->tar, write_changes, cli, NULL, error);
	if (masu_diff(cli->masu, cli->args[0], values->json ? MASU_DIFF_JSON : MASU_DIFF_LINES,
		      &text, error) < 0)
		return -1;
	if (*text)
		print_document(stdout, text);
	free(text);
	return 0;
}

const struct command cli_diff = {
	.name = "diff",
	.usage = "[option...] CONTAINER",
	.about = "print what a container has changed in its root",
	.options = diff_rows,
	.values = sizeof(struct diff_values),
	.least = 1,
	.most = 1,
	.run = run_diff,
};
