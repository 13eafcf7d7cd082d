/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu list: the containers of the state root, as a table, as JSON or as names. */
#include "runtime/cli/cli.h"

#include "runtime/cli/print.h"
#include "runtime/masu.h"

enum list_format {
	LIST_TABLE,
	LIST_JSON,
};

struct list_values {
	bool quiet;
	int format; /* enum list_format */
};

#define MEMBER(name) offsetof(struct list_values, name)

/* clang-format off */
static const struct option_row list_rows[] = {
	{ 'q', "quiet",  OPTION_FLAG, MEMBER(quiet),  NULL,         "print the names only" },
	{ 'f', "format", OPTION_WORD, MEMBER(format), "table|json", "how to print (table)" },
	{ 0 },
};

/* clang-format on */

static void print_json(const struct masu_container_info *first)
{
	printf("[");
	for (const struct masu_container_info *each = first; each; each = each->next) {
		const struct {
			const char *key, *value;
		} texts[] = {
			{ "id", each->id },           { "status", each->status },
			{ "bundle", each->bundle },   { "rootfs", each->rootfs },
			{ "created", each->created }, { "owner", each->owner },
		};

		printf("%s{\"pid\":%d", each == first ? "" : ",", (int)each->pid);
		for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
			printf(",\"%s\":", texts[i].key);
			print_json_text(stdout, texts[i].value);
		}
		printf(",\"annotations\":%s}", each->annotations[0] ? each->annotations : "{}");
	}
	printf("]\n");
}

static int print_rows(const struct masu_container_info *first, struct masu_error *error)
{
	struct print_table table = { .columns = 6 };
	const char *const heading[] = { "ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER" };
	int bad = 0;

	for (size_t i = 0; i < table.columns; i++)
		bad |= print_table_add(&table, "%s", heading[i]);
	for (const struct masu_container_info *each = first; each; each = each->next) {
		bad |= print_table_add(&table, "%s", each->id);
		bad |= print_table_add(&table, "%d", (int)each->pid);
		bad |= print_table_add(&table, "%s", each->status);
		bad |= print_table_add(&table, "%s", each->bundle);
		bad |= print_table_add(&table, "%s", each->created);
		bad |= print_table_add(&table, "%s", each->owner);
	}
	print_table_end(stdout, &table);
	return bad ? cli_fail_sys(error, "print the table") : 0;
}

static int run_list(struct cli *cli, void *data, struct masu_error *error)
{
	const struct list_values *values = data;
	struct masu_container_info *first;
	int status = 0;

	if (masu_list(cli->masu, &first, error) < 0)
		return -1;
	if (values->quiet) {
		for (const struct masu_container_info *each = first; each; each = each->next)
			printf("%s\n", each->id);
	} else if (values->format == LIST_JSON) {
		print_json(first);
	} else {
		status = print_rows(first, error);
	}
	masu_list_free(first);
	return status;
}

const struct command cli_list = {
	.name = "list",
	.usage = "[option...]",
	.about = "print the containers",
	.options = list_rows,
	.values = sizeof(struct list_values),
	.run = run_list,
};
