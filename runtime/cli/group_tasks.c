/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu group run, exec, enter, list, detect, killall: who is in a group. */
#include "runtime/cli/group.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/masu-resources.h"

struct task_values {
	bool detach, recursive, threads;
};

#define MEMBER(name) offsetof(struct task_values, name)

/* clang-format off */
static const struct option_row run_rows[] = {
	{ 'd', "detach", OPTION_FLAG, MEMBER(detach), NULL, "in the background, on /dev/null; print the pid" },
	{ 0 },
};

static const struct option_row enter_rows[] = {
	{ 't', "threads", OPTION_FLAG, MEMBER(threads), NULL, "each thread alone, where the kernel can" },
	{ 0 },
};

static const struct option_row below_rows[] = {
	{ 'r', "recursive", OPTION_FLAG, MEMBER(recursive), NULL, "with all groups below" },
	{ 0 },
};

/* clang-format on */

/* The words behind the name; one "--" may stand between. */
static char **program_of(const struct cli *cli)
{
	char **args = cli->args + 1;

	return args[0] && strcmp(args[0], "--") == 0 ? args + 1 : args;
}

static int run_exec(struct cli *cli, void *data, struct masu_error *error)
{
	(void)data;
	cli->subject = cli->args[0];
	return masu_group_exec(cli->masu, cli->args[0], (const char *const *)program_of(cli),
			       error);
}

static int run_run(struct cli *cli, void *data, struct masu_error *error)
{
	const struct task_values *values = data;
	pid_t pid;

	if (!values->detach)
		return run_exec(cli, data, error);
	cli->subject = cli->args[0];
	if (masu_group_run(cli->masu, cli->args[0], (const char *const *)program_of(cli), NULL,
			   &pid, error) < 0)
		return -1;
	printf("%d\n", (int)pid);
	return 0;
}

int *group_parse_tasks(char **words, int count, struct masu_error *error)
{
	int *tasks = calloc((size_t)count + 1, sizeof(*tasks));

	for (int i = 0; tasks && i < count; i++) {
		char *end;

		errno = 0;
		long task = strtol(words[i], &end, 10);

		if (errno || *end || task <= 0 || task > INT_MAX) {
			cli_fail(error, MASU_ERR_INPUT, "\"%s\" is not the number of a task",
				 words[i]);
			free(tasks);
			return NULL;
		}
		tasks[i] = (int)task;
	}
	if (!tasks)
		cli_fail_sys(error, "read tasks");
	return tasks;
}

static int run_enter(struct cli *cli, void *data, struct masu_error *error)
{
	const struct task_values *values = data;
	const pid_t shell = getppid();

	cli->subject = cli->args[0];
	if (cli->arg_count == 1)
		return masu_group_enter(cli->masu, cli->args[0], &shell, 1, 0, error);
	int *tasks = group_parse_tasks(cli->args + 1, cli->arg_count - 1, error);

	if (!tasks)
		return -1;
	int result = masu_group_enter(cli->masu, cli->args[0], tasks, (size_t)cli->arg_count - 1,
				      values->threads ? MASU_GROUP_THREADS : 0, error);

	free(tasks);
	return result;
}

static void print_name(const char *name, void *data)
{
	(void)data;
	printf("%s\n", name);
}

static int list_tasks(struct cli *cli, const char *name, unsigned int flags,
		      struct masu_error *error)
{
	pid_t *pids;
	size_t count;

	if (masu_group_tasks(cli->masu, name, flags, &pids, &count, error) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		printf("%d\n", (int)pids[i]);
	free(pids);
	return 0;
}

/* "list", "list /a", "list pids", "list pids /a". */
static int run_list(struct cli *cli, void *data, struct masu_error *error)
{
	const struct task_values *values = data;
	unsigned int flags = values->recursive ? MASU_GROUP_RECURSIVE : 0;
	const char *kind = cli->args[0] ? cli->args[0] : "containers", *name = cli->args[1];
	bool pids = strcmp(kind, "pids") == 0, tids = strcmp(kind, "tids") == 0;

	if (!pids && !tids && strcmp(kind, "containers") != 0) {
		if (cli->arg_count == 2)
			return cli_fail(error, MASU_ERR_INPUT,
					"\"%s\": want containers, pids or tids", kind);
		name = kind;
	}
	name = name ? name : ".";
	cli->subject = name;
	if (pids || tids)
		return list_tasks(cli, name, flags | (tids ? MASU_GROUP_THREADS : 0), error);
	return masu_groups(cli->masu, name, flags, print_name, NULL, error);
}

static int run_detect(struct cli *cli, void *data, struct masu_error *error)
{
	pid_t tid = getppid();
	char *name;

	(void)data;
	if (cli->arg_count) {
		int *tasks = group_parse_tasks(cli->args, 1, error);

		if (!tasks)
			return -1;
		tid = tasks[0];
		free(tasks);
	}
	if (masu_group_detect(cli->masu, tid, &name, error) < 0)
		return -1;
	printf("%s\n", name);
	free(name);
	return 0;
}

static int run_killall(struct cli *cli, void *data, struct masu_error *error)
{
	const struct task_values *values = data;

	cli->subject = cli->args[0];
	return masu_group_kill(cli->masu, cli->args[0],
			       values->recursive ? MASU_GROUP_RECURSIVE : 0, error);
}

const struct command group_run_command = {
	.name = "group run",
	.usage = "[-d] NAME PROGRAM [ARGUMENT...]",
	.about = "run a program in a group",
	.options = run_rows,
	.values = sizeof(struct task_values),
	.least = 2,
	.most = -1,
	.flags = COMMAND_STOPS,
	.failure = 255,
	.run = run_run,
};

const struct command group_exec_command = {
	.name = "group exec",
	.usage = "NAME PROGRAM [ARGUMENT...]",
	.about = "become a program in a group",
	.least = 2,
	.most = -1,
	.flags = COMMAND_STOPS,
	.failure = 255,
	.run = run_exec,
};

const struct command group_enter_command = {
	.name = "group enter",
	.usage = "[-t] NAME [PID...]",
	.about = "move processes into a group: the shell, if none is given",
	.options = enter_rows,
	.values = sizeof(struct task_values),
	.least = 1,
	.most = -1,
	.run = run_enter,
};

const struct command group_list_command = {
	.name = "group list",
	.usage = "[-r] [containers|pids|tids] [NAME]",
	.about = "list groups below one, or the processes or threads in it",
	.options = below_rows,
	.values = sizeof(struct task_values),
	.most = 2,
	.run = run_list,
};

const struct command group_detect_command = {
	.name = "group detect",
	.usage = "[PID]",
	.about = "tell which group a process or thread is in: the shell's, if none is given",
	.most = 1,
	.run = run_detect,
};

const struct command group_killall_command = {
	.name = "group killall",
	.usage = "[-r] NAME",
	.about = "kill the processes in a group",
	.options = below_rows,
	.values = sizeof(struct task_values),
	.least = 1,
	.most = 1,
	.run = run_killall,
};
