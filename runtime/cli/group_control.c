/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu group pause, resume, stats, reclaim. */
#include "runtime/cli/group.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "runtime/cli/print.h"
#include "runtime/masu-resources.h"

struct control_values {
	bool proto;
	const char *swappiness;
};

#define MEMBER(name) offsetof(struct control_values, name)

/* clang-format off */
static const struct option_row stats_rows[] = {
	{ 0, "proto", OPTION_FLAG, MEMBER(proto), NULL, "as lmctfy prints it" },
	{ 0 },
};

static const struct option_row reclaim_rows[] = {
	{ 0, "swappiness", OPTION_TEXT, MEMBER(swappiness), "N", "0 to 200: from files or from programs (the kernel's choice)" },
	{ 0 },
};

/* clang-format on */

static int run_pause(struct cli *cli, void *data, struct masu_error *error)
{
	(void)data;
	cli->subject = cli->args[0];
	return masu_group_pause(cli->masu, cli->args[0], error);
}

static int run_resume(struct cli *cli, void *data, struct masu_error *error)
{
	(void)data;
	cli->subject = cli->args[0];
	return masu_group_resume(cli->masu, cli->args[0], error);
}

static int run_stats(struct cli *cli, void *data, struct masu_error *error)
{
	const struct control_values *values = data;
	char *text;

	cli->subject = cli->args[0] ? cli->args[0] : ".";
	if (masu_group_stats(cli->masu, cli->subject,
			     values->proto ? MASU_GROUP_PROTO : MASU_GROUP_JSON, 0, &text, NULL,
			     error) < 0)
		return -1;
	if (values->proto)
		printf("%s", text);
	else
		print_document(stdout, text);
	free(text);
	return 0;
}

static int run_reclaim(struct cli *cli, void *data, struct masu_error *error)
{
	enum { SWAPPINESS_MAX = 200 };
	const struct control_values *values = data;
	uint64_t bytes;
	const char *text = values->swappiness ? values->swappiness : "-1";
	char *end;
	long swappiness = strtol(text, &end, 10);

	cli->subject = cli->args[0];
	if (end == text || *end || swappiness > SWAPPINESS_MAX ||
	    (values->swappiness && swappiness < 0))
		return cli_fail(error, MASU_ERR_INPUT, "option --swappiness: \"%s\" is not 0 to %d",
				text, SWAPPINESS_MAX);
	if (!options_read_size(cli->args[1], &bytes))
		return cli_fail(error, MASU_ERR_INPUT, "\"%s\" is not a size such as 200M",
				cli->args[1]);
	return masu_group_reclaim(cli->masu, cli->args[0], bytes, (int)swappiness, error);
}

const struct command group_pause_command = {
	.name = "group pause",
	.usage = "NAME",
	.about = "freeze all processes of a group and below",
	.least = 1,
	.most = 1,
	.run = run_pause,
};

const struct command group_resume_command = {
	.name = "group resume",
	.usage = "NAME",
	.about = "thaw all processes of a group and below",
	.least = 1,
	.most = 1,
	.run = run_resume,
};

const struct command group_stats_command = {
	.name = "group stats",
	.usage = "[--proto] [NAME]",
	.about = "print what the kernel counts for a group",
	.options = stats_rows,
	.values = sizeof(struct control_values),
	.most = 1,
	.run = run_stats,
};

const struct command group_reclaim_command = {
	.name = "group reclaim",
	.usage = "[--swappiness N] NAME BYTES",
	.about = "take memory back from a group",
	.options = reclaim_rows,
	.values = sizeof(struct control_values),
	.least = 2,
	.most = 2,
	.run = run_reclaim,
};
