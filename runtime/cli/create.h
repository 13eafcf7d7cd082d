/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `create` and `run` share: their common options, and how they read their arguments. */
#pragma once

#include "runtime/cli/cli.h"
#include "runtime/masu.h"

struct create_values {
	struct masu_create_options create;
	bool plan;    /* run only */
	char id[256]; /* made up for a spec file without a name */
};

extern const struct option_row create_rows[];

/*
 * Complete the options from the positional arguments and the environment. Two forms: "[--bundle
 * DIR] ID", and "SPEC [NAME]" where SPEC ends in .json or holds a slash.
 */
int create_prepare(struct cli *cli, struct create_values *values, struct masu_error *error);
