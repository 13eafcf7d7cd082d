/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu snapshot: keep the present content of a container's root, and go back to it. */
#include "runtime/cli/cli.h"

#include "runtime/cli/answer.h"
#include "runtime/masu.h"

struct snapshot_values {
	bool json;
};

/* clang-format off */
static const struct option_row list_rows[] = {
	{ 0, "json", OPTION_FLAG, offsetof(struct snapshot_values, json), NULL, "print an array of objects" },
	{ 0 },
};

static const struct answer_column snapshot_columns[] = {
	{ "name",    "NAME",    ANSWER_TEXT },
	{ "created", "CREATED", ANSWER_TEXT },
	{ 0 },
};

/* clang-format on */

static int run_create(struct cli *cli, void *data, struct masu_error *error)
{
	(void)data;
	cli->subject = cli->args[0];
	return masu_snapshot_create(cli->masu, cli->args[0], cli->args[1], error);
}

static int run_list(struct cli *cli, void *data, struct masu_error *error)
{
	const struct snapshot_values *values = data;
	char *json;

	cli->subject = cli->args[0];
	if (masu_snapshots(cli->masu, cli->args[0], &json, error) < 0)
		return -1;
	return answer_give(json, values->json, snapshot_columns, error);
}

static int run_remove(struct cli *cli, void *data, struct masu_error *error)
{
	(void)data;
	cli->subject = cli->args[0];
	return masu_snapshot_remove(cli->masu, cli->args[0], cli->args[1], error);
}

static int run_rollback(struct cli *cli, void *data, struct masu_error *error)
{
	(void)data;
	cli->subject = cli->args[0];
	return masu_snapshot_rollback(cli->masu, cli->args[0], cli->args[1], error);
}

static const struct command snapshot_create = {
	.name = "snapshot create",
	.usage = "CONTAINER NAME",
	.about = "keep the present content of a root",
	.least = 2,
	.most = 2,
	.run = run_create,
};

static const struct command snapshot_ls = {
	.name = "snapshot ls",
	.usage = "[option...] CONTAINER",
	.about = "print the snapshots of a container",
	.options = list_rows,
	.values = sizeof(struct snapshot_values),
	.least = 1,
	.most = 1,
	.run = run_list,
};

static const struct command snapshot_rm = {
	.name = "snapshot rm",
	.usage = "CONTAINER NAME",
	.about = "remove a snapshot",
	.least = 2,
	.most = 2,
	.run = run_remove,
};

static const struct command snapshot_rollback = {
	.name = "snapshot rollback",
	.usage = "CONTAINER NAME",
	.about = "put the root of a stopped container back to a snapshot",
	.least = 2,
	.most = 2,
	.run = run_rollback,
};

static const struct command *const snapshot_members[] = {
	&snapshot_create, &snapshot_ls, &snapshot_rm, &snapshot_rollback, NULL,
};

const struct command cli_snapshot = {
	.name = "snapshot",
	.usage = "",
	.about = "keep the content of a container's root, and go back to it",
	.members = snapshot_members,
};
