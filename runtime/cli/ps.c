/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu ps: the processes of a container. */
#include "runtime/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/cli/print.h"
#include "runtime/masu.h"

enum ps_format {
	PS_TABLE,
	PS_JSON,
};

struct ps_values {
	int format; /* enum ps_format */
};

/* clang-format off */
static const struct option_row ps_rows[] = {
	{ 'f', "format", OPTION_WORD, offsetof(struct ps_values, format), "table|json", "how to print (table); json: the host's pids" },
	{ 0 },
};
/* clang-format on */

extern char **environ;

struct pid_list {
	pid_t *pids;
	size_t count;
};

static bool has_pid(const struct pid_list *list, pid_t pid)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->pids[i] == pid)
			return true;
	}
	return false;
}

static void print_json(const struct pid_list *list)
{
	printf("[");
	for (size_t i = 0; i < list->count; i++)
		printf("%s%d", i ? "," : "", (int)list->pids[i]);
	printf("]\n");
}

/* A process's arguments separated by spaces; its name in brackets when it has none. */
static void read_command(int dir, const char *name, char *text, size_t size)
{
	int fd = openat(dir, "cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, text, size - 1) : 0;

	if (fd >= 0)
		close(fd);
	while (length > 0 && !text[length - 1])
		length--;
	if (length <= 0) {
		snprintf(text, size, "[%s]", name);
		return;
	}
	for (ssize_t i = 0; i < length; i++) {
		if ((unsigned char)text[i] < ' ')
			text[i] = ' ';
	}
	text[length] = '\0';
}

/* One row from /proc (proc(5)); a process that has gone meanwhile is left out. */
static int add_process(struct print_table *table, pid_t pid)
{
	char path[32], stat[1024], name[64], command[512], state;
	struct stat owner;
	int parent, bad = 0;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	int dir = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (dir < 0)
		return 0;
	int fd = openat(dir, "stat", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd >= 0 ? read(fd, stat, sizeof(stat) - 1) : -1;
	if (fd >= 0)
		close(fd);
	stat[length > 0 ? length : 0] = '\0';
	char *open_bracket = strchr(stat, '('), *close_bracket = strrchr(stat, ')');
	if (open_bracket && close_bracket && fstat(dir, &owner) == 0 &&
	    sscanf(close_bracket + 1, " %c %d", &state, &parent) == 2) {
		snprintf(name, sizeof(name), "%.*s", (int)(close_bracket - open_bracket - 1),
			 open_bracket + 1);
		read_command(dir, name, command, sizeof(command));
		bad |= print_table_add(table, "%u", owner.st_uid);
		bad |= print_table_add(table, "%d", (int)pid);
		bad |= print_table_add(table, "%d", parent);
		bad |= print_table_add(table, "%c", state);
		bad |= print_table_add(table, "%s", command);
	}
	close(dir);
	return bad;
}

static int print_rows(const struct pid_list *list, struct masu_error *error)
{
	struct print_table table = { .columns = 5 };
	const char *const heading[] = { "UID", "PID", "PPID", "STATE", "COMMAND" };
	int bad = 0;

	for (size_t i = 0; i < table.columns; i++)
		bad |= print_table_add(&table, "%s", heading[i]);
	for (size_t i = 0; i < list->count; i++)
		bad |= add_process(&table, list->pids[i]);
	print_table_end(stdout, &table);
	return bad ? cli_fail_sys(error, "print the table") : 0;
}

/* The number of the column whose heading is PID, -1 for none. */
static int pid_column(const char *heading)
{
	char copy[1024], *rest = copy;
	int column = 0;

	snprintf(copy, sizeof(copy), "%s", heading);
	for (char *word; (word = strtok_r(rest, " \t\n", &rest)); column++) {
		if (strcmp(word, "PID") == 0)
			return column;
	}
	return -1;
}

/* Copy the lines of ps(1) that are about the container's processes. */
static int filter_lines(FILE *in, const struct pid_list *list, struct masu_error *error)
{
	char *line = NULL;
	size_t room = 0;
	int column = -1;

	while (getline(&line, &room, in) > 0) {
		const char *at = line;

		if (column < 0) {
			column = pid_column(line);
			if (column < 0)
				break;
			fputs(line, stdout);
			continue;
		}
		for (int i = 0; i < column; i++) {
			at += strspn(at, " \t");
			at += strcspn(at, " \t");
		}
		if (has_pid(list, (pid_t)strtol(at, NULL, 10)))
			fputs(line, stdout);
	}
	free(line);
	return column < 0 ? cli_fail(error, MASU_ERR_INPUT, "ps prints no PID column") : 0;
}

/* Start ps(1) with the user's arguments; args[0] is a place for its name meanwhile. */
static FILE *open_ps(char **args, pid_t *pid, struct masu_error *error)
{
	posix_spawn_file_actions_t actions;
	char name[] = "ps", *place = args[0];
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0) {
		cli_fail_sys(error, "make a pipe");
		return NULL;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	args[0] = name;
	errno = posix_spawnp(pid, "ps", &actions, NULL, args, environ);
	args[0] = place;
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (errno) {
		cli_fail_sys(error, "run ps");
		close(ends[0]);
		return NULL;
	}
	return fdopen(ends[0], "r");
}

static int run_host_ps(struct cli *cli, const struct pid_list *list, struct masu_error *error)
{
	pid_t pid;
	int status;
	FILE *in = open_ps(cli->args, &pid, error);

	if (!in)
		return -1;
	int result = filter_lines(in, list, error);
	fclose(in);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return result;
}

static int run_ps(struct cli *cli, void *data, struct masu_error *error)
{
	const struct ps_values *values = data;
	struct pid_list list;
	int status = 0;

	cli->subject = cli->args[0];
	if (masu_pids(cli->masu, cli->args[0], &list.pids, &list.count, error) < 0)
		return -1;
	if (values->format == PS_JSON)
		print_json(&list);
	else if (cli->arg_count > 1)
		status = run_host_ps(cli, &list, error);
	else
		status = print_rows(&list, error);
	free(list.pids);
	return status;
}

const struct command cli_ps = {
	.name = "ps",
	.usage = "[option...] ID [argument of ps(1)...]",
	.about = "print the processes of a container",
	.options = ps_rows,
	.values = sizeof(struct ps_values),
	.least = 1,
	.most = -1,
	.flags = COMMAND_STOPS,
	.run = run_ps,
};
