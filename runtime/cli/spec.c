/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu spec: write a config.json to start from, or show the limits in force. */
#include "runtime/cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cli/print.h"
#include "runtime/masu.h"

struct spec_values {
	const char *bundle;
	const char *file;
	bool rootless;
	bool effective;
};

#define MEMBER(name) offsetof(struct spec_values, name)

/* clang-format off */
static const struct option_row spec_rows[] = {
	{ 'b', "bundle",   OPTION_TEXT, MEMBER(bundle),   "DIR",  "write config.json there (.)" },
	{ 'f', "file",     OPTION_TEXT, MEMBER(file),     "FILE", "write this file; - is standard output" },
	{ 0,   "rootless", OPTION_FLAG, MEMBER(rootless), NULL,   "for a user who is not root" },
	{ 0,   "effective", OPTION_FLAG, MEMBER(effective), NULL, "print the limits in force in container ID, as masu.resources says them" },
	{ 0 },
};

/* clang-format on */

static int write_new_file(int dir, const char *path, const char *json, struct masu_error *error)
{
	int fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		return cli_fail_sys(error, "create %s", path);
	FILE *out = fdopen(fd, "w");
	if (!out) {
		close(fd);
		return cli_fail_sys(error, "write %s", path);
	}
	print_document(out, json);
	bool bad = ferror(out);
	if (fclose(out) != 0 || bad)
		return cli_fail_sys(error, "write %s", path);
	return 0;
}

static int write_spec(const struct spec_values *values, const char *json, struct masu_error *error)
{
	const char *bundle = values->bundle ? values->bundle : ".";

	if (values->file && strcmp(values->file, "-") == 0) {
		print_document(stdout, json);
		return 0;
	}
	int dir = open(bundle, O_DIRECTORY | O_PATH | O_CLOEXEC);
	if (dir < 0)
		return cli_fail_sys(error, "open %s", bundle);
	int result = write_new_file(dir, values->file ? values->file : "config.json", json, error);
	close(dir);
	return result;
}

static int print_effective(struct cli *cli, const struct spec_values *values,
			   struct masu_error *error)
{
	char *json;

	if (!cli->arg_count || values->bundle || values->file || values->rootless)
		return cli_fail(error, MASU_ERR_INPUT,
				"option --effective: takes a container and no other option");
	cli->subject = cli->args[0];
	if (masu_effective(cli->masu, cli->args[0], &json, error) < 0)
		return -1;
	print_document(stdout, json);
	free(json);
	return 0;
}

static int run_spec(struct cli *cli, void *data, struct masu_error *error)
{
	const struct spec_values *values = data;
	char *json;

	if (values->effective)
		return print_effective(cli, values, error);
	if (cli->arg_count)
		return cli_fail(error, MASU_ERR_INPUT, "unexpected argument \"%s\"", cli->args[0]);
	if (masu_spec_template(values->rootless ? MASU_SPEC_ROOTLESS : 0, &json, error) < 0)
		return -1;
	int result = write_spec(values, json, error);
	free(json);
	return result;
}

const struct command cli_spec = {
	.name = "spec",
	.usage = "[option...] | --effective ID",
	.about = "write a config.json to start from, or show the limits in force",
	.options = spec_rows,
	.values = sizeof(struct spec_values),
	.most = 1,
	.run = run_spec,
};
