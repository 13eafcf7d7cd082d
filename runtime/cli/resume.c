/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu resume: let a paused container go on. */
#include "runtime/cli/cli.h"

#include "runtime/masu.h"

static int run_resume(struct cli *cli, void *data, struct masu_error *error)
{
	(void)data;
	cli->subject = cli->args[0];
	return masu_resume(cli->masu, cli->args[0], error);
}

const struct command cli_resume = {
	.name = "resume",
	.usage = "ID",
	.about = "let a paused container go on",
	.least = 1,
	.most = 1,
	.run = run_resume,
};
