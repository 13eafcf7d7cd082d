/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu kill: send a signal to a container. */
#include "runtime/cli/cli.h"

#include "runtime/cli/match.h"
#include "runtime/masu.h"

struct kill_values {
	bool all;
	bool regex;
	int signal;
};

#define MEMBER(name) offsetof(struct kill_values, name)

/* clang-format off */
static const struct option_row kill_rows[] = {
	{ 'a', "all",   OPTION_FLAG, MEMBER(all),   NULL, "to all of its processes" },
	{ 'r', "regex", OPTION_FLAG, MEMBER(regex), NULL, "ID is a regular expression for several containers" },
	{ 0 },
};

/* clang-format on */

static int kill_one(struct cli *cli, const char *id, void *data, struct masu_error *error)
{
	const struct kill_values *values = data;

	return masu_kill(cli->masu, id, values->signal, values->all ? MASU_KILL_ALL : 0, error);
}

static int run_kill(struct cli *cli, void *data, struct masu_error *error)
{
	struct kill_values *values = data;

	cli->subject = cli->args[0];
	values->signal = MASU_STOP_SIGNAL;
	if (cli->arg_count > 1) {
		values->signal = masu_parse_signal(cli->args[1], error);
		if (values->signal < 0)
			return -1;
	}
	if (values->regex)
		return match_each(cli, cli->args[0], kill_one, values, error);
	return kill_one(cli, cli->args[0], values, error);
}

const struct command cli_kill = {
	.name = "kill",
	.usage = "[option...] ID [SIGNAL]",
	.about = "send a signal (the image's stop signal, or TERM) to a container",
	.options = kill_rows,
	.values = sizeof(struct kill_values),
	.least = 1,
	.most = 2,
	.run = run_kill,
};
