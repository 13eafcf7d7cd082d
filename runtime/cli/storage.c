/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu storage: look at, make, check, clean, trim and grow the store; sizes of roots. */
#include "runtime/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

#include "runtime/cli/answer.h"
#include "runtime/cli/print.h"
#include "runtime/masu.h"

struct storage_values {
	struct masu_storage_options init;
	bool json, repair, dry_run, kept;
	uint64_t size;
};

#define MEMBER(name) offsetof(struct storage_values, name)

/* clang-format off */
static const struct option_row info_rows[] = {
	{ 0, "json", OPTION_FLAG, MEMBER(json), NULL, "print an object" },
	{ 0 },
};

static const struct option_row init_rows[] = {
	{ 0, "driver",          OPTION_TEXT, MEMBER(init.driver),          "NAME",   "overlay, btrfs, devicemapper or copy (auto)" },
	{ 0, "loop-size",       OPTION_SIZE, MEMBER(init.loop_size),       "BYTES",  "keep everything in a file of this size, as a block device" },
	{ 0, "sparse",          OPTION_FLAG, MEMBER(init.sparse),          NULL,     "do not reserve the file's blocks" },
	{ 0, "data-device",     OPTION_TEXT, MEMBER(init.data_device),     "DEVICE", "devicemapper: in place of a file" },
	{ 0, "metadata-device", OPTION_TEXT, MEMBER(init.metadata_device), "DEVICE", "devicemapper: for the pool's metadata" },
	{ 0, "volume-size",     OPTION_SIZE, MEMBER(init.volume_size),     "BYTES",  "devicemapper: size of a root that asks for none (10G)" },
	{ 0 },
};

static const struct option_row check_rows[] = {
	{ 0, "repair", OPTION_FLAG, MEMBER(repair), NULL, "remove what is damaged" },
	{ 0 },
};

static const struct option_row gc_rows[] = {
	{ 'n', "dry-run", OPTION_FLAG, MEMBER(dry_run), NULL, "only print what would be removed" },
	{ 0,   "kept",    OPTION_FLAG, MEMBER(kept),    NULL, "also roots with masu.storage.keep whose container is gone" },
	{ 0 },
};

static const struct option_row grow_rows[] = {
	{ 0, "size", OPTION_SIZE, MEMBER(size), "BYTES", "size of the store's file; without: what the pool's devices have now" },
	{ 0 },
};

static const struct option_row resize_rows[] = {
	{ 0, "size", OPTION_SIZE, MEMBER(size), "BYTES", "the new limit (none)" },
	{ 0 },
};

static const struct answer_column usage_columns[] = {
	{ "bytes",  "written", ANSWER_SIZE },
	{ "inodes", "inodes",  ANSWER_TEXT },
	{ "limit",  "limit",   ANSWER_SIZE },
	{ 0 },
};

static const struct answer_column info_columns[] = {
	{ "root",       "root",       ANSWER_TEXT },
	{ "driver",     "driver",     ANSWER_TEXT },
	{ "filesystem", "filesystem", ANSWER_TEXT },
	{ "bytesTotal", "total",      ANSWER_SIZE },
	{ "bytesFree",  "free",       ANSWER_SIZE },
	{ "images",     "images",     ANSWER_TEXT },
	{ "layers",     "layers",     ANSWER_TEXT },
	{ "roots",      "roots",      ANSWER_TEXT },
	{ "snapshots",  "snapshots",  ANSWER_TEXT },
	{ 0 },
};

static const struct answer_column driver_columns[] = {
	{ "name",   "DRIVER", ANSWER_TEXT },
	{ "chosen", "CHOSEN", ANSWER_TEXT },
	{ "usable", "USABLE", ANSWER_TEXT },
	{ "reason", "REASON", ANSWER_TEXT },
	{ 0 },
};

/* clang-format on */

static int print_info(const char *json, struct masu_error *error)
{
	if (answer_print_fields(json, info_columns, error) < 0 ||
	    answer_print_map(json, "details", error) < 0)
		return -1;
	printf("\n");
	return answer_print_table(json, "drivers", driver_columns, error);
}

static int run_info(struct cli *cli, void *data, struct masu_error *error)
{
	const struct storage_values *values = data;
	int result = 0;
	char *json;

	if (masu_storage_info(cli->masu, &json, error) < 0)
		return -1;
	if (values->json)
		print_document(stdout, json);
	else
		result = print_info(json, error);
	free(json);
	return result;
}

static int run_init(struct cli *cli, void *data, struct masu_error *error)
{
	struct storage_values *values = data;

	values->init.size = sizeof(values->init);
	return masu_storage_init(cli->masu, &values->init, error);
}

static void print_finding(const struct masu_storage_finding *finding, void *data)
{
	(void)data;
	printf("%s %s: %s%s\n", finding->kind, finding->name, finding->problem,
	       finding->repaired ? " (repaired)" : "");
}

static int run_check(struct cli *cli, void *data, struct masu_error *error)
{
	const struct storage_values *values = data;
	int left = masu_storage_check(cli->masu, values->repair ? MASU_CHECK_REPAIR : 0,
				      print_finding, NULL, error);

	if (left <= 0)
		return left;
	fflush(stdout);
	cli_fail(error, MASU_ERR_STATE, "%d problem%s left", left, left > 1 ? "s" : "");
	if (!values->repair)
		snprintf(error->hint, sizeof(error->hint), "--repair removes what is damaged");
	return -1;
}

static void print_leftover(const char *kind, const char *name, void *data)
{
	(void)data;
	printf("%s %s\n", kind, name);
}

static int run_gc(struct cli *cli, void *data, struct masu_error *error)
{
	const struct storage_values *values = data;
	unsigned int flags =
		(values->dry_run ? MASU_GC_DRY_RUN : 0U) | (values->kept ? MASU_GC_KEPT : 0U);

	return masu_storage_gc(cli->masu, flags, print_leftover, NULL, error);
}

static int run_trim(struct cli *cli, void *data, struct masu_error *error)
{
	(void)data;
	return masu_storage_trim(cli->masu, error);
}

static int run_grow(struct cli *cli, void *data, struct masu_error *error)
{
	const struct storage_values *values = data;

	return masu_storage_grow(cli->masu, values->size, error);
}

static int run_resize(struct cli *cli, void *data, struct masu_error *error)
{
	const struct storage_values *values = data;

	cli->subject = cli->args[0];
	return masu_resize(cli->masu, cli->args[0], values->size, error);
}

static int run_usage(struct cli *cli, void *data, struct masu_error *error)
{
	const struct storage_values *values = data;
	int result = 0;
	char *json;

	cli->subject = cli->args[0];
	if (masu_usage(cli->masu, cli->args[0], &json, error) < 0)
		return -1;
	if (values->json)
		print_document(stdout, json);
	else
		result = answer_print_fields(json, usage_columns, error);
	free(json);
	return result;
}

static const struct command storage_info = {
	.name = "storage info",
	.usage = "[option...]",
	.about = "print what the store is, and why which driver",
	.options = info_rows,
	.values = sizeof(struct storage_values),
	.run = run_info,
};

static const struct command storage_init = {
	.name = "storage init",
	.usage = "[option...]",
	.about = "make the store; needed only for what is not chosen by itself",
	.options = init_rows,
	.values = sizeof(struct storage_values),
	.run = run_init,
};

static const struct command storage_check = {
	.name = "storage check",
	.usage = "[option...]",
	.about = "compare records, layers, roots and digests",
	.options = check_rows,
	.values = sizeof(struct storage_values),
	.run = run_check,
};

static const struct command storage_gc = {
	.name = "storage gc",
	.usage = "[option...]",
	.about = "remove layers, blobs and roots that nothing refers to",
	.options = gc_rows,
	.values = sizeof(struct storage_values),
	.run = run_gc,
};

static const struct command storage_trim = {
	.name = "storage trim",
	.usage = "",
	.about = "give unused blocks back to what is below the store",
	.run = run_trim,
};

static const struct command storage_grow = {
	.name = "storage grow",
	.usage = "[option...]",
	.about = "make a store larger that has a file or a pool of its own",
	.options = grow_rows,
	.values = sizeof(struct storage_values),
	.run = run_grow,
};

static const struct command storage_resize = {
	.name = "storage resize",
	.usage = "[option...] CONTAINER",
	.about = "give a container's root another size limit",
	.options = resize_rows,
	.values = sizeof(struct storage_values),
	.least = 1,
	.most = 1,
	.run = run_resize,
};

static const struct command storage_usage = {
	.name = "storage usage",
	.usage = "[option...] CONTAINER",
	.about = "print what a container has written",
	.options = info_rows,
	.values = sizeof(struct storage_values),
	.least = 1,
	.most = 1,
	.run = run_usage,
};

static const struct command *const storage_members[] = {
	&storage_info, &storage_init,   &storage_check, &storage_gc, &storage_trim,
	&storage_grow, &storage_resize, &storage_usage, NULL,
};

const struct command cli_storage = {
	.name = "storage",
	.usage = "",
	.about = "look at, make, check and clean the store",
	.members = storage_members,
};
