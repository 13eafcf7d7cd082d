/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What main.c and the commands share: the shape of a command, and what it is given to work with. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "runtime/cli/options.h"

struct masu;
struct masu_error;
struct report;
struct cli;

enum command_flags {
	COMMAND_STOPS = 1, /* options end at the first positional argument */
	COMMAND_ALONE = 2, /* works on no state root: cli->masu is NULL */
	COMMAND_RAW = 4,   /* understands its words by itself, options and all */
};

/* One row of the command table. */
struct command {
	const char *name;  /* "run"; of a member of a family both words, "image ls" */
	const char *usage; /* what follows the name in the help's first line */
	const char *about; /* one line */
	const struct command *const *members; /* of a family, ends with NULL; then that is all */
	const struct option_row *options;
	const struct option_row *more_options; /* a second table for the same struct, or NULL */
	size_t values;                         /* size of the struct that the options fill */
	int least, most;                       /* positional arguments; most -1: any number */
	unsigned int flags;
	int failure; /* exit status when masu itself fails; 0 stands for 1 */

	/* The exit status, or -1 with the error filled. */
	int (*run)(struct cli *cli, void *values, struct masu_error *error);
};

/* One invocation. */
struct cli {
	const struct command *command; /* NULL until it is known */
	const struct report *report;
	struct masu *masu;
	char **args; /* the positional arguments, ends with NULL */
	int arg_count;
	const char *subject; /* the container that messages are about, or NULL */
};

/* The commands, in the order of the help; ends with NULL. */
extern const struct command *const cli_commands[];

extern const struct command cli_checkpoint, cli_commit, cli_create, cli_delete, cli_diff,
	cli_doctor, cli_events, cli_notify, cli_exec, cli_explain, cli_export, cli_features, cli_gc,
	cli_group, cli_help, cli_image, cli_kill, cli_list, cli_lmctfy, cli_network, cli_pause,
	cli_ps, cli_restore, cli_resume, cli_run, cli_snapshot, cli_spec, cli_start, cli_state,
	cli_stats, cli_storage, cli_top, cli_update, cli_version;

/* The command, or a member of the family named so, of a list that ends with NULL. NULL with error.
 */
const struct command *cli_find(const struct command *const *list, const struct command *family,
			       const char *word, struct masu_error *error);

/* Print the help of a command, or of masu when NULL, on standard output. */
void cli_print_help(const struct command *command);

/* Fill the error (may not be NULL) without a hint; -1. */
int cli_fail(struct masu_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with code errno and its text behind. */
int cli_fail_sys(struct masu_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
