/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu create: make a container whose program waits for `start`. */
#include "runtime/cli/create.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define MEMBER(name) offsetof(struct create_values, create.name)

/* clang-format off */
const struct option_row create_rows[] = {
	{ 'b', "bundle",         OPTION_TEXT,     MEMBER(bundle),         "DIR",    "where config.json and relative paths are (.)" },
	{ 'f', "config",         OPTION_TEXT,     MEMBER(spec_file),      "FILE",   "the spec, when it is not DIR/config.json" },
	{ 0,   "console-socket", OPTION_TEXT,     MEMBER(console_socket), "PATH",   "unix socket that gets the terminal's master" },
	{ 0,   "pidfd-socket",   OPTION_TEXT,     MEMBER(pidfd_socket),   "PATH",   "unix socket that gets a pidfd" },
	{ 0,   "pid-file",       OPTION_TEXT,     MEMBER(pid_file),       "FILE",   "write the host's pid there" },
	{ 0,   "no-pivot",       OPTION_FLAG,     MEMBER(no_pivot),       NULL,     "do not use pivot_root (root on an initramfs)" },
	{ 0,   "no-new-keyring", OPTION_FLAG,     MEMBER(no_new_keyring), NULL,     "keep the session keyring" },
	{ 0,   "no-subreaper",   OPTION_FLAG,     MEMBER(no_subreaper),   NULL,     "do not adopt orphans of the container" },
	{ 0,   "preserve-fds",   OPTION_UNSIGNED, MEMBER(preserve_fds),   "N",      "pass N descriptors from 3 on" },
	{ 0,   "group",          OPTION_TEXT,     MEMBER(group),          "NAME",   "put it into a group, see masu group" },
	{ 0,   "trace",          OPTION_TEXT,     MEMBER(trace_file),     "FILE",   "write the steps' times as Chrome trace events" },
	{ 0 },
};

/* clang-format on */

static bool is_spec_file(const char *text)
{
	size_t length = strlen(text);

	return strchr(text, '/') || (length > 5 && strcmp(text + length - 5, ".json") == 0);
}

/* "web.json" becomes "web-3f9a1c". */
static int make_id(const char *spec_file, char *id, size_t size, struct masu_error *error)
{
	const char *slash = strrchr(spec_file, '/');
	const char *base = slash ? slash + 1 : spec_file;
	unsigned char random[3];
	int length = (int)strlen(base);

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return cli_fail_sys(error, "make up a name");
	if (length > 5 && strcmp(base + length - 5, ".json") == 0)
		length -= 5;
	if (length == 0 || length > 64 || !isalnum((unsigned char)base[0])) {
		base = "box";
		length = 3;
	}
	snprintf(id, size, "%.*s-%02x%02x%02x", length, base, random[0], random[1], random[2]);
	for (char *at = id; *at; at++) {
		if (!isalnum((unsigned char)*at) && !strchr("_+.-", *at))
			*at = '_';
	}
	return 0;
}

int create_prepare(struct cli *cli, struct create_values *values, struct masu_error *error)
{
	struct masu_create_options *create = &values->create;
	const char *listen_fds = getenv("LISTEN_FDS");
	bool by_file = !create->spec_file && is_spec_file(cli->args[0]) &&
		       (!create->bundle || cli->arg_count == 2);

	create->size = sizeof(*create);
	create->notify_socket = getenv("NOTIFY_SOCKET");
	create->listen_fds = listen_fds ? (unsigned int)strtoul(listen_fds, NULL, 10) : 0;
	if (!by_file && cli->arg_count == 2)
		return cli_fail(error, MASU_ERR_INPUT, "unexpected argument \"%s\"", cli->args[1]);
	create->id = cli->args[by_file ? 1 : 0];
	if (by_file) {
		create->spec_file = cli->args[0];
		cli->subject = cli->args[0];
	}
	if (!create->id) {
		if (make_id(create->spec_file, values->id, sizeof(values->id), error) < 0)
			return -1;
		create->id = values->id;
	}
	cli->subject = create->id;
	return 0;
}

static int run_create(struct cli *cli, void *data, struct masu_error *error)
{
	struct create_values *values = data;

	if (create_prepare(cli, values, error) < 0 ||
	    masu_create(cli->masu, &values->create, error) < 0)
		return -1;
	if (values->id[0])
		printf("%s\n", values->id);
	return 0;
}

const struct command cli_create = {
	.name = "create",
	.usage = "[option...] ID | SPEC.json [ID]",
	.about = "make a container; its program waits for start",
	.options = create_rows,
	.values = sizeof(struct create_values),
	.least = 1,
	.most = 2,
	.run = run_create,
};
