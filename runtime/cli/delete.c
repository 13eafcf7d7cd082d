/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu delete: remove a container that has stopped, or any with --force. */
#include "runtime/cli/cli.h"

#include "runtime/cli/match.h"
#include "runtime/masu.h"

struct delete_values {
	bool force;
	bool regex;
};

#define MEMBER(name) offsetof(struct delete_values, name)

/* clang-format off */
static const struct option_row delete_rows[] = {
	{ 'f', "force", OPTION_FLAG, MEMBER(force), NULL, "kill it first; no error when it does not exist" },
	{ 'r', "regex", OPTION_FLAG, MEMBER(regex), NULL, "ID is a regular expression for several containers" },
	{ 0 },
};

/* clang-format on */

static int delete_one(struct cli *cli, const char *id, void *data, struct masu_error *error)
{
	const struct delete_values *values = data;

	return masu_delete(cli->masu, id, values->force ? MASU_DELETE_FORCE : 0, error);
}

static int run_delete(struct cli *cli, void *data, struct masu_error *error)
{
	struct delete_values *values = data;

	cli->subject = cli->args[0];
	if (values->regex)
		return match_each(cli, cli->args[0], delete_one, values, error);
	return delete_one(cli, cli->args[0], values, error);
}

const struct command cli_delete = {
	.name = "delete",
	.usage = "[option...] ID",
	.about = "remove a container that has stopped",
	.options = delete_rows,
	.values = sizeof(struct delete_values),
	.least = 1,
	.most = 1,
	.run = run_delete,
};
