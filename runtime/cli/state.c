/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu state: one container's state as JSON. */
#include "runtime/cli/cli.h"

#include <stdlib.h>

#include "runtime/cli/print.h"
#include "runtime/masu.h"

static int run_state(struct cli *cli, void *data, struct masu_error *error)
{
	char *json;

	(void)data;
	cli->subject = cli->args[0];
	if (masu_state(cli->masu, cli->args[0], &json, error) < 0)
		return -1;
	print_document(stdout, json);
	free(json);
	return 0;
}

const struct command cli_state = {
	.name = "state",
	.usage = "ID",
	.about = "print a container's state as JSON",
	.least = 1,
	.most = 1,
	.run = run_state,
};
