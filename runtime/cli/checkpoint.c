/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu checkpoint and restore: known by name, so that engines get a clear answer; this version has
 * neither. */
#include "runtime/cli/cli.h"

#include "runtime/masu.h"

static int refuse(struct cli *cli, void *data, struct masu_error *error)
{
	(void)data;
	return cli_fail(error, MASU_ERR_UNSUPPORTED, "masu %s cannot %s containers", masu_version(),
			cli->command->name);
}

const struct command cli_checkpoint = {
	.name = "checkpoint",
	.usage = "[option...] ID",
	.about = "not in this version: always fails",
	.most = -1,
	.flags = COMMAND_ALONE | COMMAND_RAW,
	.run = refuse,
};

const struct command cli_restore = {
	.name = "restore",
	.usage = "[option...] ID",
	.about = "not in this version: always fails",
	.most = -1,
	.flags = COMMAND_ALONE | COMMAND_RAW,
	.run = refuse,
};
