/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line's way from argv to a command and from its outcome to an exit status. */
#include "runtime/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cli/report.h"
#include "runtime/masu.h"

struct globals {
	const char *root, *storage_root;
	const char *log;
	int log_format; /* text, json */
	int log_level;  /* enum masu_log_level, -1: not given */
	bool debug;
	bool systemd_cgroup;
	int cgroup_manager; /* enum masu_cgroup_manager */
	unsigned int systemd_timeout;
	int rootless; /* enum masu_rootless */
	bool strict;
	bool version;
};

#define MEMBER(name) offsetof(struct globals, name)

/* clang-format off */
/* These are understood after the command's name, too. */
static const struct option_row global_rows[] = {
	{ 0, "root",           OPTION_TEXT, MEMBER(root),           "DIR", "state directory (/run/masu, $XDG_RUNTIME_DIR/masu)" },
	{ 0, "storage-root",   OPTION_TEXT, MEMBER(storage_root),   "DIR", "images, their roots and networks (/var/lib/masu)" },
	{ 0, "log",            OPTION_TEXT, MEMBER(log),            "FILE", "log there; also syslog:NAME, journald:NAME" },
	{ 0, "log-format",     OPTION_WORD, MEMBER(log_format),     "text|json", "form of the log's lines" },
	{ 0, "log-level",      OPTION_WORD, MEMBER(log_level),      "error|warning|debug", "what is logged" },
	{ 0, "debug",          OPTION_FLAG, MEMBER(debug),          NULL, "the same as --log-level debug" },
	{ 0, "systemd-cgroup", OPTION_FLAG, MEMBER(systemd_cgroup), NULL, "the same as --cgroup-manager systemd" },
	{ 0, "cgroup-manager", OPTION_WORD, MEMBER(cgroup_manager), "cgroupfs|disabled|systemd", "who makes cgroups" },
	{ 0, "systemd-timeout", OPTION_UNSIGNED, MEMBER(systemd_timeout), "SECONDS", "how long systemd may take to answer (30)" },
	{ 0, "rootless",       OPTION_WORD, MEMBER(rootless),       "auto|false|true", "run without root's privileges" },
	{ 0, "strict",         OPTION_FLAG, MEMBER(strict),         NULL, "a limit that this kernel lacks is an error, not a warning" },
	{ 0 },
};

static const struct option_row version_rows[] = {
	{ 'v', "version", OPTION_FLAG, MEMBER(version), NULL, "print the version" },
	{ 'V', "version", OPTION_FLAG, MEMBER(version), NULL, NULL },
	{ 0 },
};
/* clang-format on */

const struct command *const cli_commands[] = {
	&cli_run,        &cli_create,  &cli_start,    &cli_state,   &cli_kill,    &cli_delete,
	&cli_list,       &cli_exec,    &cli_ps,       &cli_pause,   &cli_resume,  &cli_update,
	&cli_stats,      &cli_top,     &cli_events,   &cli_notify,  &cli_image,   &cli_commit,
	&cli_diff,       &cli_export,  &cli_snapshot, &cli_storage, &cli_network, &cli_group,
	&cli_lmctfy,     &cli_doctor,  &cli_spec,     &cli_explain, &cli_gc,      &cli_features,
	&cli_checkpoint, &cli_restore, &cli_version,  &cli_help,    NULL,
};

int cli_fail(struct masu_error *error, int code, const char *format, ...)
{
	va_list args;

	*error = (struct masu_error){ .code = code };
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return -1;
}

int cli_fail_sys(struct masu_error *error, const char *format, ...)
{
	int code = errno;
	va_list args;

	*error = (struct masu_error){ .code = code };
	va_start(args, format);
	int length = vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	if (length >= 0 && (size_t)length < sizeof(error->text))
		snprintf(error->text + length, sizeof(error->text) - (size_t)length, ": %s",
			 strerror(code));
	return -1;
}

/* `skip` bytes of each name are the family's. */
static void print_commands(const struct command *const *list, size_t skip)
{
	for (; *list; list++)
		printf("  %-12s %s\n", (*list)->name + skip, (*list)->about);
}

void cli_print_help(const struct command *command)
{
	if (command && command->members) {
		printf("Usage: masu %s COMMAND [option...] [argument...]\n%s\n\nCommands:\n",
		       command->name, command->about);
		print_commands(command->members, strlen(command->name) + 1);
		printf("\nmasu %s COMMAND --help for a command\n", command->name);
		return;
	}
	if (command) {
		printf("Usage: masu %s%s%s\n%s\n\nOptions:\n", command->name,
		       command->usage[0] ? " " : "", command->usage, command->about);
		options_print(stdout, command->options);
		options_print(stdout, command->more_options);
		printf("  %-32s %s\n", "-h, --help", "print this text");
		printf("\nGlobal options: see masu --help\n");
		return;
	}
	printf("Usage: masu [global option...] COMMAND [option...] [argument...]\n"
	       "Make, run, change and remove containers.\n\nCommands:\n");
	print_commands(cli_commands, 0);
	printf("\nGlobal options:\n");
	options_print(stdout, global_rows);
	options_print(stdout, version_rows);
	printf("  %-32s %s\n", "-h, --help", "print this text; masu COMMAND --help for a command");
}

const struct command *cli_find(const struct command *const *list, const struct command *family,
			       const char *word, struct masu_error *error)
{
	size_t prefix = family ? strlen(family->name) + 1 : 0;

	for (; *list; list++) {
		if (strcmp((*list)->name + prefix, word) == 0)
			return *list;
	}
	cli_fail(error, MASU_ERR_INPUT, "unknown command \"%s%s%s\"", family ? family->name : "",
		 family ? " " : "", word);
	snprintf(error->hint, sizeof(error->hint), "masu %s%s--help lists the commands",
		 family ? family->name : "", family ? " " : "");
	return NULL;
}

static int check_count(const struct cli *cli, struct masu_error *error)
{
	const struct command *command = cli->command;
	bool many = command->most >= 0 && cli->arg_count > command->most;

	if (!many && cli->arg_count >= command->least)
		return 0;
	if (many)
		cli_fail(error, MASU_ERR_INPUT, "unexpected argument \"%s\"",
			 cli->args[command->most]);
	else
		cli_fail(error, MASU_ERR_INPUT, "too few arguments");
	snprintf(error->hint, sizeof(error->hint), "usage: masu %s %s", command->name,
		 command->usage);
	return -1;
}

static int open_masu(const struct globals *globals, struct masu **masu, struct masu_error *error)
{
	const struct masu_options options = {
		.size = sizeof(options),
		.root = globals->root,
		.storage_root = globals->storage_root,
		.cgroup_manager = globals->systemd_cgroup
					  ? MASU_CGROUP_SYSTEMD
					  : (enum masu_cgroup_manager)globals->cgroup_manager,
		.rootless = (enum masu_rootless)globals->rootless,
		.systemd_timeout_s = globals->systemd_timeout,
		.strict = globals->strict,
	};

	return masu_open(&options, masu, error);
}

/*
 * Without --log, warnings go to standard error. With it only errors are written unless more is
 * asked for: podman reads the whole log as one JSON object.
 */
static int open_report(const struct globals *globals, struct report *report,
		       struct masu_error *error)
{
	int level = globals->log ? MASU_LOG_ERROR : MASU_LOG_WARNING;

	if (globals->log_level >= 0)
		level = globals->log_level;
	if (globals->debug)
		level = MASU_LOG_DEBUG;
	report->json = globals->log_format == 1;
	report->most = (enum masu_log_level)level;
	masu_set_log(report_line, report, report->most);
	return report_open(report, globals->log, error);
}

/* The command's own options, and global ones that stand behind its name. */
static int parse_command(struct cli *cli, struct globals *globals, void *values, bool *help,
			 struct masu_error *error)
{
	const struct command *command = cli->command;
	struct option_scan scan = {
		.sets = { { command->options, values },
			  { command->more_options, values },
			  { global_rows, globals } },
		.stop_at_first = command->flags & COMMAND_STOPS,
		.args = cli->args,
		.count = cli->arg_count,
	};

	if (options_parse(&scan, error) < 0) {
		snprintf(error->hint, sizeof(error->hint), "masu %s --help lists the options",
			 command->name);
		return -1;
	}
	cli->arg_count = scan.count;
	*help = scan.help;
	return 0;
}

static int run_command(struct cli *cli, struct globals *globals, void *values,
		       struct report *report, struct masu_error *error)
{
	bool help = false;
	bool raw = cli->command->flags & COMMAND_RAW;
	int parsed = raw ? 0 : parse_command(cli, globals, values, &help, error);
	struct masu_error log_error;

	/* The log first: also a wrong option is told there. Its own failure is the lesser one. */
	if (open_report(globals, report, &log_error) < 0 && parsed == 0) {
		*error = log_error;
		return -1;
	}
	if (parsed < 0)
		return -1;
	if (help) {
		cli_print_help(cli->command);
		return 0;
	}
	if (check_count(cli, error) < 0)
		return -1;
	if (!(cli->command->flags & COMMAND_ALONE) && open_masu(globals, &cli->masu, error) < 0)
		return -1;
	return cli->command->run(cli, values, error);
}

/* Give the command room for its options, run it, take everything back. */
static int dispatch(struct cli *cli, struct globals *globals, struct report *report,
		    struct masu_error *error)
{
	const struct command *command = cli->command;
	void *values = calloc(1, command->values + 1);

	if (!values)
		return cli_fail(error, ENOMEM, "out of memory");
	int status = run_command(cli, globals, values, report, error);
	if (status >= 0 && (fflush(stdout) != 0 || ferror(stdout)))
		status = cli_fail_sys(error, "write standard output");
	options_release(&(struct option_set){ command->options, values });
	options_release(&(struct option_set){ command->more_options, values });
	free(values);
	masu_close(cli->masu);
	return status;
}

/* The word that names the command, or the two of a family's member; global options may stand
 * between them. `scan` is what came before. */
static int choose_command(struct cli *cli, struct globals *globals, struct option_scan *scan,
			  struct masu_error *error)
{
	const struct command *found = cli_find(cli_commands, NULL, scan->args[0], error);

	if (!found)
		return -1;
	cli->command = found;
	cli->args = scan->args + 1;
	cli->arg_count = scan->count - 1;
	if (!found->members)
		return 0;
	*scan = (struct option_scan){
		.sets = { { global_rows, globals } },
		.stop_at_first = true,
		.args = cli->args,
		.count = cli->arg_count,
	};
	if (options_parse(scan, error) < 0)
		return -1;
	if (scan->help)
		return 0;
	if (!scan->count) {
		cli_fail(error, MASU_ERR_INPUT, "no command given");
		snprintf(error->hint, sizeof(error->hint), "masu %s --help lists the commands",
			 found->name);
		return -1;
	}
	found = cli_find(found->members, found, scan->args[0], error);
	if (!found) {
		cli->command = NULL; /* the message has both words */
		return -1;
	}
	cli->command = found;
	cli->args = scan->args + 1;
	cli->arg_count = scan->count - 1;
	return 0;
}

/* Everything before the command's name; then the command. */
static int interpret(struct cli *cli, struct globals *globals, struct report *report,
		     struct masu_error *error)
{
	struct option_scan scan = {
		.sets = { { global_rows, globals }, { version_rows, globals } },
		.stop_at_first = true,
		.args = cli->args,
		.count = cli->arg_count,
	};
	int parsed = options_parse(&scan, error);

	if (parsed == 0 && scan.count > 0 && !scan.help && !globals->version) {
		parsed = choose_command(cli, globals, &scan, error);
		if (parsed == 0 && !scan.help)
			return dispatch(cli, globals, report, error);
	}
	struct masu_error log_error; /* said only when there is nothing else to say */
	if (open_report(globals, report, &log_error) < 0 && parsed == 0) {
		*error = log_error;
		return -1;
	}
	if (parsed < 0)
		return -1;
	if (scan.help) {
		cli_print_help(cli->command);
		return 0;
	}
	if (globals->version)
		return cli_version.run(cli, NULL, error);
	cli_fail(error, MASU_ERR_INPUT, "no command given");
	snprintf(error->hint, sizeof(error->hint), "masu --help lists the commands");
	return -1;
}

/* A caller may have closed standard descriptors; what we open must not take their numbers. */
static void fill_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	} while (fd >= 0 && fd <= 2 && fcntl(fd, F_SETFD, 0) == 0);
	if (fd > 2)
		close(fd);
}

/*
 * The command needs a plug-in (everything it did so far is undone): run it once more as masu-full,
 * which lies beside us in the build tree and in ../lib/masu where installed. Returns when there is
 * none.
 */
static void become_full(char **argv)
{
	static const char *const places[] = { "masu-full", "../lib/masu/masu-full" };
	char self[PATH_MAX], path[PATH_MAX + 32];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length <= 0)
		return;
	self[length] = '\0';
	*strrchr(self, '/') = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		snprintf(path, sizeof(path), "%s/%s", self, places[i]);
		execv(path, argv);
	}
}

/* Installed under a second name, masu is lmctfy. */
static bool is_lmctfy(const char *name)
{
	const char *slash = strrchr(name, '/');

	return strcmp(slash ? slash + 1 : name, cli_lmctfy.name) == 0;
}

int main(int argc, char **argv)
{
	struct globals globals = { .log_level = -1 };
	struct report report = { .most = MASU_LOG_WARNING };
	struct cli cli = { .report = &report, .args = argv + (argc > 0), .arg_count = argc - 1 };
	struct masu_error error = { 0 };

	/* the parser moves operands to the front of the list */
	char **as_given = calloc((size_t)argc + 1, sizeof(*as_given));

	if (as_given)
		memcpy(as_given, argv, (size_t)argc * sizeof(*as_given));
	fill_standard_descriptors();
	/* a file size limit of ours shall be an error that undoes, not the end; masu-init resets it
	 */
	signal(SIGXFSZ, SIG_IGN);
	/* a caller that ignores it hands that on, and no child of ours would have a status */
	signal(SIGCHLD, SIG_DFL);
	if (argc < 1)
		return 1;
	if (is_lmctfy(argv[0])) {
		/* as `masu lmctfy ...`, whatever path it was called by */
		argv[0] = (char *)cli_lmctfy.name;
		cli.args = argv;
		cli.arg_count = argc;
	}
	int status = interpret(&cli, &globals, &report, &error);
	if (status < 0 && error.code == MASU_ERR_PLUGIN && as_given)
		become_full(as_given);
	if (status < 0) {
		report_error(&report, cli.command ? cli.command->name : NULL, cli.subject, &error);
		status = cli.command && cli.command->failure ? cli.command->failure : 1;
	}
	report_close(&report);
	free(as_given);
	return status;
}
