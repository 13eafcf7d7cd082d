/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The members of `masu group`, and what they share. */
#pragma once

#include "runtime/cli/cli.h"

extern const struct command group_run_command, group_exec_command, group_enter_command,
	group_list_command, group_detect_command, group_pause_command, group_resume_command,
	group_stats_command, group_killall_command, group_reclaim_command;

/* Is the argument a spec itself, and not the name of a file with one? */
bool group_is_inline(const char *spec);

/* Numbers of tasks from words; free(). NULL with error. */
int *group_parse_tasks(char **words, int count, struct masu_error *error);
