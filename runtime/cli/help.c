/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu help: the commands, or one command's options. */
#include "runtime/cli/cli.h"

#include <string.h>

#include "runtime/masu.h"

static int run_help(struct cli *cli, void *data, struct masu_error *error)
{
	(void)data;
	if (cli->arg_count == 0) {
		cli_print_help(NULL);
		return 0;
	}
	for (const struct command *const *each = cli_commands; *each; each++) {
		if (strcmp((*each)->name, cli->args[0]) == 0) {
			cli_print_help(*each);
			return 0;
		}
	}
	return cli_fail(error, MASU_ERR_INPUT, "unknown command \"%s\"", cli->args[0]);
}

const struct command cli_help = {
	.name = "help",
	.usage = "[COMMAND]",
	.about = "print the commands, or the options of one",
	.most = 1,
	.flags = COMMAND_ALONE,
	.run = run_help,
};
