/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu start: let the program of a created container run, or that of a stopped one whose root was
 * kept once more. */
#include "runtime/cli/cli.h"

#include "runtime/masu.h"

static int run_start(struct cli *cli, void *data, struct masu_error *error)
{
	(void)data;
	cli->subject = cli->args[0];
	return masu_start(cli->masu, cli->args[0], error);
}

const struct command cli_start = {
	.name = "start",
	.usage = "ID",
	.about = "let the program of a created container run, or of a kept one again",
	.least = 1,
	.most = 1,
	.run = run_start,
};
