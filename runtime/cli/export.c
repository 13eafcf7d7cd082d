/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu export: a container's whole root as a tar. */
#include "runtime/cli/cli.h"

#include "runtime/cli/output.h"
#include "runtime/masu.h"

struct export_values {
	const char *output;
};

/* clang-format off */
static const struct option_row export_rows[] = {
	{ 'o', "output", OPTION_TEXT, offsetof(struct export_values, output), "FILE", "write there (standard output)" },
	{ 0 },
};

/* clang-format on */

static int write_root(int fd, const struct cli *cli, void *data, struct masu_error *error)
{
	(void)data;
	return masu_export(cli->masu, cli->args[0], fd, error);
}

static int run_export(struct cli *cli, void *data, struct masu_error *error)
{
	const struct export_values *values = data;

	cli->subject = cli->args[0];
	return output_write(values->output ? values->output : "-", write_root, cli, NULL, error);
}

const struct command cli_export = {
	.name = "export",
	.usage = "[option...] CONTAINER",
	.about = "write a container's whole root as a tar",
	.options = export_rows,
	.values = sizeof(struct export_values),
	.least = 1,
	.most = 1,
	.run = run_export,
};
