/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu group: resource-only containers; here those that make, change and show one. */
#include "runtime/cli/group.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cli/input.h"
#include "runtime/cli/print.h"
#include "runtime/masu-resources.h"

struct group_values {
	struct masu_group_options options;
	const char *file;
	bool force, wanted, proto;
};

#define MEMBER(name) offsetof(struct group_values, name)

/* clang-format off */
static const struct option_row create_rows[] = {
	{ 'f', "file",     OPTION_TEXT, MEMBER(file),                 "FILE",      "the spec; - is standard input" },
	{ 0,   "owner",    OPTION_TEXT, MEMBER(options.owner),        "UID[:GID]", "who may make groups below it" },
	{ 0,   "unsafe",   OPTION_FLAG, MEMBER(options.v1_owner_too), NULL,        "the owner gets directories of cgroup v1, too" },
	{ 0,   "threaded", OPTION_FLAG, MEMBER(options.threaded),     NULL,        "cgroup v2: for threads of processes in the group above" },
	{ 0,   "strict",   OPTION_FLAG, MEMBER(options.strict),       NULL,        "what this host cannot do is an error" },
	{ 0 },
};

static const struct option_row update_rows[] = {
	{ 'f', "file",   OPTION_TEXT, MEMBER(file),           "FILE", "the spec; - is standard input" },
	{ 0,   "strict", OPTION_FLAG, MEMBER(options.strict), NULL,   "what this host cannot do is an error" },
	{ 0 },
};

static const struct option_row destroy_rows[] = {
	{ 'f', "force", OPTION_FLAG, MEMBER(force), NULL, "kill and remove what is in it and below" },
	{ 0 },
};

static const struct option_row spec_rows[] = {
	{ 0, "wanted", OPTION_FLAG, MEMBER(wanted), NULL, "what was asked for, not what is in force" },
	{ 0, "proto",  OPTION_FLAG, MEMBER(proto),  NULL, "as lmctfy prints it" },
	{ 0 },
};

/* clang-format on */

bool group_is_inline(const char *spec)
{
	/* a message and an object have one of these; a short file's name seldom has */
	return !*spec || strpbrk(spec, "{:");
}

/* The spec that is meant, as an argument or in a file; free(). NULL without one, or with an error.
 */
static char *read_spec(struct group_values *values, const char *argument, struct masu_error *error)
{
	const char *file = values->file;

	if (file && argument) {
		cli_fail(error, MASU_ERR_INPUT, "give the spec once: --file, or as an argument");
		return NULL;
	}
	if (argument && !group_is_inline(argument))
		file = argument;
	if (file)
		values->options.source = file;
	return file ? input_read(file, error) : strdup(argument ? argument : "");
}

static int run_create(struct cli *cli, void *data, struct masu_error *error)
{
	struct group_values *values = data;
	char *spec = read_spec(values, cli->args[1], error);

	cli->subject = cli->args[0];
	if (!spec)
		return -1;
	values->options.size = sizeof(values->options);
	values->options.name = cli->args[0];
	values->options.spec = spec;
	int result = masu_group_create(cli->masu, &values->options, error);

	free(spec);
	return result;
}

static int run_update(struct cli *cli, void *data, struct masu_error *error)
{
	struct group_values *values = data;
	bool diff = strcmp(cli->args[0], "diff") == 0;

	if (!diff && strcmp(cli->args[0], "replace") != 0)
		return cli_fail(error, MASU_ERR_INPUT, "\"%s\": want diff or replace",
				cli->args[0]);
	cli->subject = cli->args[1];
	if (cli->arg_count < 3 && !values->file)
		return cli_fail(error, MASU_ERR_INPUT, "no spec given");
	char *spec = read_spec(values, cli->args[2], error);

	if (!spec)
		return -1;
	values->options.size = sizeof(values->options);
	values->options.name = cli->args[1];
	values->options.spec = spec;
	int result = masu_group_update(cli->masu, diff ? MASU_GROUP_DIFF : MASU_GROUP_REPLACE,
				       &values->options, error);

	free(spec);
	return result;
}

static int run_destroy(struct cli *cli, void *data, struct masu_error *error)
{
	const struct group_values *values = data;

	for (int i = 0; i < cli->arg_count; i++) {
		cli->subject = cli->args[i];
		if (masu_group_destroy(cli->masu, cli->args[i],
				       values->force ? MASU_GROUP_FORCE : 0, error) < 0)
			return -1;
	}
	return 0;
}

static int run_spec(struct cli *cli, void *data, struct masu_error *error)
{
	const struct group_values *values = data;
	char *text;

	cli->subject = cli->args[0] ? cli->args[0] : ".";
	if (masu_group_spec(cli->masu, cli->subject,
			    values->proto ? MASU_GROUP_PROTO : MASU_GROUP_JSON,
			    values->wanted ? MASU_GROUP_WANTED : 0, &text, NULL, error) < 0)
		return -1;
	if (values->proto)
		printf("%s", text);
	else
		print_document(stdout, text);
	free(text);
	return 0;
}

static const struct command create_command = {
	.name = "group create",
	.usage = "[option...] NAME [SPEC]",
	.about = "make a group: /a/b is below /a",
	.options = create_rows,
	.values = sizeof(struct group_values),
	.least = 1,
	.most = 2,
	.run = run_create,
};

static const struct command update_command = {
	.name = "group update",
	.usage = "[option...] diff|replace NAME [SPEC]",
	.about = "change a group's limits: those given, or all",
	.options = update_rows,
	.values = sizeof(struct group_values),
	.least = 2,
	.most = 3,
	.run = run_update,
};

static const struct command destroy_command = {
	.name = "group destroy",
	.usage = "[-f] NAME...",
	.about = "remove groups",
	.options = destroy_rows,
	.values = sizeof(struct group_values),
	.least = 1,
	.most = -1,
	.run = run_destroy,
};

static const struct command spec_command = {
	.name = "group spec",
	.usage = "[option...] [NAME]",
	.about = "print a group's limits",
	.options = spec_rows,
	.values = sizeof(struct group_values),
	.most = 1,
	.run = run_spec,
};

static const struct command *const members[] = {
	&create_command,        &group_run_command,   &group_exec_command,
	&group_enter_command,   &group_list_command,  &group_detect_command,
	&spec_command,          &update_command,      &group_pause_command,
	&group_resume_command,  &group_stats_command, &group_killall_command,
	&group_reclaim_command, &destroy_command,     NULL,
};

const struct command cli_group = {
	.name = "group",
	.about = "resource-only containers with names like paths",
	.members = members,
};
