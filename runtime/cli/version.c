/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu version: the version, the specification it implements and what was built in. */
#include "runtime/cli/cli.h"

#include "runtime/masu.h"

static int run_version(struct cli *cli, void *data, struct masu_error *error)
{
	(void)cli;
	(void)data;
	(void)error;
	printf("masu version %s\n", masu_version());
	printf("commit: %s\n", masu_about(MASU_ABOUT_COMMIT));
	printf("spec: %s\n", masu_about(MASU_ABOUT_SPEC));
	printf("libseccomp: %s\n", masu_about(MASU_ABOUT_LIBSECCOMP));
	printf("%s\n", masu_about(MASU_ABOUT_FEATURES));
	return 0;
}

const struct command cli_version = {
	.name = "version",
	.usage = "",
	.about = "print the version and what was built in",
	.flags = COMMAND_ALONE,
	.run = run_version,
};
