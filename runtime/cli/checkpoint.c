/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu checkpoint and restore: known, so that engines get a clear answer; this version can do
 * neither. */
#include "runtime/cli/cli.h"

#include "runtime/masu.h"

/* Nothing looks at the values. */
struct checkpoint_values {
	const char *text;
	bool flag;
};

#define TEXT OPTION_TEXT, offsetof(struct checkpoint_values, text), "TEXT", NULL
#define FLAG OPTION_FLAG, offsetof(struct checkpoint_values, flag), NULL, NULL

/* clang-format off */
/* What engines pass, understood so that the error is about the command and not about an option of it. */
static const struct option_row checkpoint_rows[] = {
	{ 'b', "bundle",              TEXT },
	{ 'd', "detach",              FLAG },
	{ 0,   "auto-dedup",          FLAG },
	{ 0,   "console-socket",      TEXT },
	{ 0,   "empty-ns",            TEXT },
	{ 0,   "ext-unix-sk",         FLAG },
	{ 0,   "file-locks",          FLAG },
	{ 0,   "image-path",          TEXT },
	{ 0,   "lazy-pages",          FLAG },
	{ 0,   "leave-running",       FLAG },
	{ 0,   "link-remap",          FLAG },
	{ 0,   "lsm-mount-context",   TEXT },
	{ 0,   "lsm-profile",         TEXT },
	{ 0,   "manage-cgroups-mode", TEXT },
	{ 0,   "network-lock",        TEXT },
	{ 0,   "no-pivot",            FLAG },
	{ 0,   "no-subreaper",        FLAG },
	{ 0,   "page-server",         TEXT },
	{ 0,   "parent-path",         TEXT },
	{ 0,   "pid-file",            TEXT },
	{ 0,   "pre-dump",            FLAG },
	{ 0,   "shell-job",           FLAG },
	{ 0,   "status-fd",           TEXT },
	{ 0,   "tcp-close",           FLAG },
	{ 0,   "tcp-established",     FLAG },
	{ 0,   "tcp-skip-in-flight",  FLAG },
	{ 0,   "work-path",           TEXT },
	{ 0 },
};

/* clang-format on */

static int refuse(struct cli *cli, void *data, struct masu_error *error)
{
	(void)data;
	cli->subject = cli->args[0];
	return cli_fail(error, MASU_ERR_UNSUPPORTED, "masu %s cannot %s containers", masu_version(),
			cli->command->name);
}

const struct command cli_checkpoint = {
	.name = "checkpoint",
	.usage = "[option...] ID",
	.about = "not in this version: always fails",
	.options = checkpoint_rows,
	.values = sizeof(struct checkpoint_values),
	.most = 1,
	.flags = COMMAND_ALONE,
	.run = refuse,
};

const struct command cli_restore = {
	.name = "restore",
	.usage = "[option...] ID",
	.about = "not in this version: always fails",
	.options = checkpoint_rows,
	.values = sizeof(struct checkpoint_values),
	.most = 1,
	.flags = COMMAND_ALONE,
	.run = refuse,
};
