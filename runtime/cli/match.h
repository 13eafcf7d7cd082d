/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands that act on every container whose name matches a pattern. */
#pragma once

struct cli;
struct masu_error;

typedef int match_action(struct cli *cli, const char *id, void *data, struct masu_error *error);

/*
 * Call the action for each container whose name the extended regular expression matches. A failure
 * is reported and does not stop the others. Returns the exit status: 0, or 1 when one failed; -1
 * when none was tried.
 */
int match_each(struct cli *cli, const char *pattern, match_action *action, void *data,
	       struct masu_error *error);
