/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu image: import, list, look at, name, remove and export images. */
#include "runtime/cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cli/answer.h"
#include "runtime/cli/output.h"
#include "runtime/masu.h"

struct image_values {
	bool json;
	struct masu_import_options import;
	int compression; /* enum masu_compression */
	bool directory;
};

#define MEMBER(name) offsetof(struct image_values, name)

/* clang-format off */
static const struct option_row import_rows[] = {
	{ 0, "reference",   OPTION_TEXT, MEMBER(import.reference),   "NAME",  "which image of the file, when it holds several" },
	{ 0, "max-size",    OPTION_SIZE, MEMBER(import.max_bytes),   "BYTES", "refuse an image that unpacks to more (64G)" },
	{ 0, "max-entries", OPTION_SIZE, MEMBER(import.max_entries), "N",     "refuse an image with more files (4000000)" },
	{ 0, "json",        OPTION_FLAG, MEMBER(json),               NULL,    "print the image as JSON" },
	{ 0 },
};

static const struct option_row list_rows[] = {
	{ 0, "json",    OPTION_FLAG, MEMBER(json),  NULL, "print an array of objects" },
	{ 0 },
};

static const struct option_row history_rows[] = {
	{ 0, "json", OPTION_FLAG, MEMBER(json), NULL, "print an array of objects" },
	{ 0 },
};

static const struct option_row export_rows[] = {
	{ 'c', "compression", OPTION_WORD, MEMBER(compression), "none|gzip|zstd", "of the layers (none)" },
	{ 'd', "directory",   OPTION_FLAG, MEMBER(directory),   NULL, "write a directory in place of a tar" },
	{ 0 },
};

static const struct answer_column image_columns[] = {
	{ "name",    "NAME",    ANSWER_TEXT },
	{ "digest",  "DIGEST",  ANSWER_SHORT },
	{ "size",    "SIZE",    ANSWER_SIZE },
	{ "layers",  "LAYERS",  ANSWER_COUNT },
	{ "created", "CREATED", ANSWER_TEXT },
	{ 0 },
};

static const struct answer_column history_columns[] = {
	{ "created",    "CREATED",    ANSWER_TEXT },
	{ "created_by", "CREATED BY", ANSWER_TEXT },
	{ "comment",    "COMMENT",    ANSWER_TEXT },
	{ 0 },
};

/* clang-format on */

static int run_import(struct cli *cli, void *data, struct masu_error *error)
{
	struct image_values *values = data;
	struct progress_bar bar = { .on = isatty(STDERR_FILENO) };
	const char *path = cli->args[0];
	char *json;

	cli->subject = cli->args[1];
	values->import.size = sizeof(values->import);
	values->import.name = cli->args[1];
	values->import.path = strcmp(path, "-") == 0 ? NULL : path;
	values->import.fd = STDIN_FILENO;
	values->import.progress = bar.on ? progress_show : NULL;
	values->import.data = &bar;
	int result = masu_image_import(cli->masu, &values->import, &json, error);

	progress_clear(&bar);
	if (result < 0)
		return -1;
	return answer_give_image(json, values->json, error);
}

static int run_list(struct cli *cli, void *data, struct masu_error *error)
{
	const struct image_values *values = data;
	char *json;

	if (masu_images(cli->masu, &json, error) < 0)
		return -1;
	return answer_give(json, values->json, image_columns, error);
}

static int run_inspect(struct cli *cli, void *data, struct masu_error *error)
{
	char *json;

	(void)data;
	cli->subject = cli->args[0];
	if (masu_image_inspect(cli->masu, cli->args[0], &json, error) < 0)
		return -1;
	return answer_give(json, true, NULL, error);
}

static int run_history(struct cli *cli, void *data, struct masu_error *error)
{
	const struct image_values *values = data;
	char *json;

	cli->subject = cli->args[0];
	if (masu_image_history(cli->masu, cli->args[0], &json, error) < 0)
		return -1;
	return answer_give(json, values->json, history_columns, error);
}

static int run_tag(struct cli *cli, void *data, struct masu_error *error)
{
	(void)data;
	cli->subject = cli->args[0];
	return masu_image_tag(cli->masu, cli->args[0], cli->args[1], error);
}

static int run_remove(struct cli *cli, void *data, struct masu_error *error)
{
	(void)data;
	for (int i = 0; i < cli->arg_count; i++) {
		cli->subject = cli->args[i];
		if (masu_image_remove(cli->masu, cli->args[i], error) < 0)
			return -1;
	}
	return 0;
}

static int write_image(int fd, const struct cli *cli, void *data, struct masu_error *error)
{
	struct masu_export_options *options = data;

	options->fd = fd;
	return masu_image_export(cli->masu, options, error);
}

static int run_export(struct cli *cli, void *data, struct masu_error *error)
{
	const struct image_values *values = data;
	struct masu_export_options options = {
		.size = sizeof(options),
		.name = cli->args[0],
		.directory = values->directory ? cli->args[1] : NULL,
		.compression = (enum masu_compression)values->compression,
	};

	cli->subject = cli->args[0];
	if (values->directory)
		return masu_image_export(cli->masu, &options, error);
	return output_write(cli->args[1], write_image, cli, &options, error);
}

static const struct command image_import = {
	.name = "image import",
	.usage = "[option...] FILE|DIR|- NAME",
	.about = "make an image of a tar or an OCI layout; print its digest",
	.options = import_rows,
	.values = sizeof(struct image_values),
	.least = 2,
	.most = 2,
	.run = run_import,
};

static const struct command image_ls = {
	.name = "image ls",
	.usage = "[option...]",
	.about = "print the images",
	.options = list_rows,
	.values = sizeof(struct image_values),
	.run = run_list,
};

static const struct command image_inspect = {
	.name = "image inspect",
	.usage = "NAME",
	.about = "print an image and its config as JSON",
	.least = 1,
	.most = 1,
	.run = run_inspect,
};

static const struct command image_history = {
	.name = "image history",
	.usage = "[option...] NAME",
	.about = "print how an image came to be",
	.options = history_rows,
	.values = sizeof(struct image_values),
	.least = 1,
	.most = 1,
	.run = run_history,
};

static const struct command image_tag = {
	.name = "image tag",
	.usage = "NAME NEW-NAME",
	.about = "give an image one more name",
	.least = 2,
	.most = 2,
	.run = run_tag,
};

static const struct command image_rm = {
	.name = "image rm",
	.usage = "NAME...",
	.about = "remove names, and the layers that go with the last one",
	.least = 1,
	.most = -1,
	.run = run_remove,
};

static const struct command image_export = {
	.name = "image export",
	.usage = "[option...] NAME FILE|-",
	.about = "write an image as an OCI layout",
	.options = export_rows,
	.values = sizeof(struct image_values),
	.least = 2,
	.most = 2,
	.run = run_export,
};

static const struct command *const image_members[] = {
	&image_import, &image_ls, &image_inspect, &image_history,
	&image_tag,    &image_rm, &image_export,  NULL,
};

const struct command cli_image = {
	.name = "image",
	.usage = "",
	.about = "import, list, name, remove and export images",
	.members = image_members,
};
