/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu commit: make an image of a container's root. */
#include "runtime/cli/cli.h"

#include "runtime/cli/answer.h"
#include "runtime/masu.h"

struct commit_values {
	struct masu_commit_options commit;
	bool json;
};

#define MEMBER(name) offsetof(struct commit_values, name)

/* clang-format off */
static const struct option_row commit_rows[] = {
	{ 'a', "author",  OPTION_TEXT, MEMBER(commit.author),  "TEXT", "who made it, for the history" },
	{ 'm', "message", OPTION_TEXT, MEMBER(commit.comment), "TEXT", "what was done, for the history" },
	{ 0,   "json",    OPTION_FLAG, MEMBER(json),           NULL,   "print the image as JSON" },
	{ 0 },
};

/* clang-format on */

static int run_commit(struct cli *cli, void *data, struct masu_error *error)
{
	struct commit_values *values = data;
	char *json;

	cli->subject = cli->args[0];
	values->commit.size = sizeof(values->commit);
	values->commit.id = cli->args[0];
	values->commit.name = cli->args[1];
	if (masu_commit(cli->masu, &values->commit, &json, error) < 0)
		return -1;
	return answer_give_image(json, values->json, error);
}

const struct command cli_commit = {
	.name = "commit",
	.usage = "[option...] CONTAINER NAME",
	.about = "make an image of a container's root; print its digest",
	.options = commit_rows,
	.values = sizeof(struct commit_values),
	.least = 2,
	.most = 2,
	.run = run_commit,
};
