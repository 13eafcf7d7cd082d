/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu pause: freeze all processes of a container. */
#include "runtime/cli/cli.h"

#include "runtime/masu.h"

static int run_pause(struct cli *cli, void *data, struct masu_error *error)
{
	(void)data;
	cli->subject = cli->args[0];
	return masu_pause(cli->masu, cli->args[0], error);
}

const struct command cli_pause = {
	.name = "pause",
	.usage = "ID",
	.about = "freeze all processes of a container",
	.least = 1,
	.most = 1,
	.run = run_pause,
};
