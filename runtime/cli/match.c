/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finds containers by pattern and acts on each. */
#include "runtime/cli/match.h"

#include <regex.h>

#include "runtime/cli/cli.h"
#include "runtime/cli/report.h"
#include "runtime/masu.h"

int match_each(struct cli *cli, const char *pattern, match_action *action, void *data,
	       struct masu_error *error)
{
	struct masu_container_info *first;
	regex_t regex;
	int status = 0;

	int bad = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);
	if (bad) {
		char reason[128];

		regerror(bad, &regex, reason, sizeof(reason));
		return cli_fail(error, MASU_ERR_INPUT, "pattern \"%s\": %s", pattern, reason);
	}
	if (masu_list(cli->masu, &first, error) < 0) {
		regfree(&regex);
		return -1;
	}
	for (const struct masu_container_info *each = first; each; each = each->next) {
		if (regexec(&regex, each->id, 0, NULL, 0) != 0)
			continue;
		if (action(cli, each->id, data, error) < 0) {
			report_error(cli->report, cli->command->name, each->id, error);
			status = 1;
		}
	}
	masu_list_free(first);
	regfree(&regex);
	return status;
}
