/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu exec: run one more process in a container. */
#include "runtime/cli/cli.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cli/input.h"
#include "runtime/masu.h"

struct exec_values {
	struct masu_exec_options exec;
	const char *process_file;
	const char **env;
	const char **capabilities;
	const char **gids;
};

#define MEMBER(name) offsetof(struct exec_values, name)

/* clang-format off */
static const struct option_row exec_rows[] = {
	{ 'p', "process",         OPTION_TEXT,     MEMBER(process_file),           "FILE",      "the process as JSON, like process in config.json" },
	{ 'd', "detach",          OPTION_FLAG,     MEMBER(exec.detach),            NULL,        "do not wait for the end" },
	{ 't', "tty",             OPTION_FLAG,     MEMBER(exec.terminal),          NULL,        "give it a terminal" },
	{ 0,   "cwd",             OPTION_TEXT,     MEMBER(exec.cwd),               "DIR",       "its working directory" },
	{ 'e', "env",             OPTION_TEXTS,    MEMBER(env),                    "KEY=VALUE", "add to its environment; may be repeated" },
	{ 'u', "user",            OPTION_TEXT,     MEMBER(exec.user),              "UID[:GID]", "whom it runs as" },
	{ 'g', "additional-gids", OPTION_TEXTS,    MEMBER(gids),                   "GID[,GID]", "more groups; may be repeated" },
	{ 'c', "cap",             OPTION_TEXTS,    MEMBER(capabilities),           "CAP",       "add a capability; may be repeated" },
	{ 0,   "no-new-privs",    OPTION_FLAG,     MEMBER(exec.no_new_privileges), NULL,        "execve gives it no privileges" },
	{ 0,   "apparmor",        OPTION_TEXT,     MEMBER(exec.apparmor_profile),  "PROFILE",   "its AppArmor profile" },
	{ 0,   "process-label",   OPTION_TEXT,     MEMBER(exec.selinux_label),     "LABEL",     "its SELinux label" },
	{ 0,   "cgroup",          OPTION_TEXT,     MEMBER(exec.cgroup),            "PATH",      "run it in a cgroup below the container's" },
	{ 0,   "ignore-paused",   OPTION_FLAG,     MEMBER(exec.ignore_paused),     NULL,        "also in a paused container" },
	{ 0,   "console-socket",  OPTION_TEXT,     MEMBER(exec.console_socket),    "PATH",      "unix socket that gets the terminal's master" },
	{ 0,   "pidfd-socket",    OPTION_TEXT,     MEMBER(exec.pidfd_socket),      "PATH",      "unix socket that gets a pidfd" },
	{ 0,   "pid-file",        OPTION_TEXT,     MEMBER(exec.pid_file),          "FILE",      "write the host's pid there" },
	{ 0,   "preserve-fds",    OPTION_UNSIGNED, MEMBER(exec.preserve_fds),      "N",         "pass N descriptors from 3 on" },
	{ 0,   "no-subreaper",    OPTION_FLAG,     MEMBER(exec.no_subreaper),      NULL,        "do not adopt orphans of the process" },
	{ 0 },
};

/* clang-format on */

/* Numbers between commas, appended to `gids`; -1 for anything else. */
static int parse_gids(const char *text, unsigned int *gids, size_t *count)
{
	for (;;) {
		char *end;

		errno = 0;
		unsigned long gid = strtoul(text, &end, 10);
		if (*text < '0' || *text > '9' || errno || gid >= UINT_MAX)
			return -1;
		gids[(*count)++] = (unsigned int)gid;
		if (!*end)
			return 0;
		if (*end != ',')
			return -1;
		text = end + 1;
	}
}

/* All of --additional-gids; free(). */
static int collect_gids(const char *const *texts, unsigned int **gids, size_t *count,
			struct masu_error *error)
{
	size_t room = 1;

	for (const char *const *each = texts; each && *each; each++)
		room += strlen(*each);
	*gids = calloc(room, sizeof(**gids));
	if (!*gids)
		return cli_fail_sys(error, "read --additional-gids");
	for (const char *const *each = texts; each && *each; each++) {
		if (parse_gids(*each, *gids, count) < 0)
			return cli_fail(error, MASU_ERR_INPUT,
					"option --additional-gids: \"%s\" is not a group number",
					*each);
	}
	return 0;
}

static int exec_process(struct cli *cli, struct exec_values *values, struct masu_error *error)
{
	struct masu_exec_options *exec = &values->exec;
	const char *listen_fds = getenv("LISTEN_FDS");
	char **args = cli->args + 1;
	int status = 0;

	if (args[0] && strcmp(args[0], "--") == 0)
		args++;
	exec->size = sizeof(*exec);
	exec->id = cli->args[0];
	exec->args = args[0] ? (const char *const *)args : NULL;
	exec->env = values->env;
	exec->capabilities = values->capabilities;
	exec->listen_fds = listen_fds ? (unsigned int)strtoul(listen_fds, NULL, 10) : 0;
	exec->foreground = !exec->detach;
	if (masu_exec(cli->masu, exec, &status, error) < 0)
		return -1;
	if (status < 0)
		return cli_fail(error, ECHILD, "the kernel does not tell how it ended");
	return status;
}

static int run_exec(struct cli *cli, void *data, struct masu_error *error)
{
	struct exec_values *values = data;
	char *process = NULL;
	unsigned int *gids = NULL;
	int status = -1;

	cli->subject = cli->args[0];
	if (values->process_file) {
		process = input_read(values->process_file, error);
		if (!process)
			return -1;
	} else if (cli->arg_count < 2) {
		return cli_fail(error, MASU_ERR_INPUT, "no program given");
	}
	values->exec.process_json = process;
	if (collect_gids(values->gids, &gids, &values->exec.additional_gid_count, error) == 0) {
		values->exec.additional_gids = gids;
		status = exec_process(cli, values, error);
	}
	free(gids);
	free(process);
	return status;
}

const struct command cli_exec = {
	.name = "exec",
	.usage = "[option...] ID [PROGRAM [ARGUMENT...]]",
	.about = "run one more process in a container",
	.options = exec_rows,
	.values = sizeof(struct exec_values),
	.least = 1,
	.most = -1,
	.flags = COMMAND_STOPS,
	.failure = 255,
	.run = run_exec,
};
