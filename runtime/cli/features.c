/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu features: what this build supports, as JSON. */
#include "runtime/cli/cli.h"

#include <stdlib.h>

#include "runtime/cli/print.h"
#include "runtime/masu.h"

static int run_features(struct cli *cli, void *data, struct masu_error *error)
{
	char *json;

	(void)cli;
	(void)data;
	if (masu_features(&json, error) < 0)
		return -1;
	print_document(stdout, json);
	free(json);
	return 0;
}

const struct command cli_features = {
	.name = "features",
	.usage = "",
	.about = "print what this build supports as JSON",
	.flags = COMMAND_ALONE,
	.run = run_features,
};
