/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu help: the commands, or one command's options. */
#include "runtime/cli/cli.h"

#include "runtime/masu.h"

static int run_help(struct cli *cli, void *data, struct masu_error *error)
{
	const struct command *const *list = cli_commands;
	const struct command *found = NULL;

	(void)data;
	for (int i = 0; i < cli->arg_count; i++) {
		if (!list)
			return cli_fail(error, MASU_ERR_INPUT, "unexpected argument \"%s\"",
					cli->args[i]);
		found = cli_find(list, found, cli->args[i], error);
		if (!found)
			return -1;
		list = found->members;
	}
	cli_print_help(found);
	return 0;
}

const struct command cli_help = {
	.name = "help",
	.usage = "[COMMAND]",
	.about = "print the commands, or the options of one",
	.most = 2,
	.flags = COMMAND_ALONE,
	.run = run_help,
};
