/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu gc: remove what crashed starts left behind. */
#include "runtime/cli/cli.h"

#include "runtime/masu.h"

struct gc_values {
	bool dry_run, kept;
};

/* clang-format off */
static const struct option_row gc_rows[] = {
	{ 'n', "dry-run", OPTION_FLAG, offsetof(struct gc_values, dry_run), NULL, "only print what would be removed" },
	{ 0,   "kept",    OPTION_FLAG, offsetof(struct gc_values, kept),    NULL, "also roots with masu.storage.keep whose container is gone" },
	{ 0 },
};

/* clang-format on */

static void print_leftover(const char *kind, const char *name, void *data)
{
	(void)data;
	printf("%s %s\n", kind, name);
}

static int run_gc(struct cli *cli, void *data, struct masu_error *error)
{
	const struct gc_values *values = data;

	unsigned int flags =
		(values->dry_run ? MASU_GC_DRY_RUN : 0U) | (values->kept ? MASU_GC_KEPT : 0U);

	return masu_gc(cli->masu, flags, print_leftover, NULL, error);
}

const struct command cli_gc = {
	.name = "gc",
	.usage = "[option...]",
	.about = "remove what crashed starts left behind",
	.options = gc_rows,
	.values = sizeof(struct gc_values),
	.run = run_gc,
};
