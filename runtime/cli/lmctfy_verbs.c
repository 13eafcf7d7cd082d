/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs of lmctfy, each one call of masu-resources.h. */
#include "runtime/cli/lmctfy.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cli/group.h"
#include "runtime/cli/input.h"
#include "runtime/masu-resources.h"

enum {
	LONG_COLUMN = 20,
	NUMBER_SIZE = 16,
};

/* The value as a C text. */
static void print_escaped(FILE *out, const char *value)
{
	for (; *value; value++) {
		unsigned char byte = (unsigned char)*value;

		if (byte == '"' || byte == '\\')
			fprintf(out, "\\%c", byte);
		else if (byte == '\n')
			fprintf(out, "\\n");
		else if (byte < ' ' || byte >= 0x7f)
			fprintf(out, "\\%03o", byte);
		else
			fputc(byte, out);
	}
}

void lmctfy_print(const struct lmctfy *lmctfy, const char *key, const char *value)
{
	switch (lmctfy->style) {
	case LMCTFY_VALUES:
		fprintf(lmctfy->out, "%s\n", value);
		break;
	case LMCTFY_LONG:
		fprintf(lmctfy->out, "%-*s | %s\n\n", LONG_COLUMN, key, value);
		break;
	case LMCTFY_PAIRS:
		fprintf(lmctfy->out, "%s=\"", key);
		print_escaped(lmctfy->out, value);
		fprintf(lmctfy->out, "\"\n");
	}
}

static void print_number(const struct lmctfy *lmctfy, const char *key, pid_t number)
{
	char text[NUMBER_SIZE];

	snprintf(text, sizeof(text), "%d", (int)number);
	lmctfy_print(lmctfy, key, text);
}

/* The spec: an argument, or the file of -c, but one of them. free(). */
static char *take_spec(const struct lmctfy *lmctfy, const char *argument,
		       struct masu_group_options *options, struct masu_error *error)
{
	char *spec;

	if (!argument == !lmctfy->config) {
		cli_fail(error, MASU_ERR_INPUT,
			 "want the spec either as an argument or as a file behind -c");
		return NULL;
	}
	if (lmctfy->config) {
		spec = input_read_bytes(lmctfy->config, &options->spec_length, error);
	} else {
		spec = strdup(argument);
		if (!spec)
			cli_fail_sys(error, "read the spec");
	}
	options->size = sizeof(*options);
	options->spec = spec;
	options->source = lmctfy->config;
	return spec;
}

static int run_create(struct lmctfy *lmctfy, struct masu_error *error)
{
	struct masu_group_options options = {
		.name = lmctfy->args[0],
		.v1_owner_too = true,
		.batch_by_default = lmctfy->batch,
	};
	char *spec = take_spec(lmctfy, lmctfy->args[1], &options, error);
	int result = spec ? masu_group_create(lmctfy->masu, &options, error) : -1;

	free(spec);
	return result;
}

static int update(struct lmctfy *lmctfy, enum masu_group_update_mode mode, struct masu_error *error)
{
	struct masu_group_options options = { .name = lmctfy->args[0] };
	char *spec = take_spec(lmctfy, lmctfy->args[1], &options, error);
	int result = spec ? masu_group_update(lmctfy->masu, mode, &options, error) : -1;

	free(spec);
	return result;
}

static int run_update_diff(struct lmctfy *lmctfy, struct masu_error *error)
{
	return update(lmctfy, MASU_GROUP_DIFF, error);
}

static int run_update_replace(struct lmctfy *lmctfy, struct masu_error *error)
{
	return update(lmctfy, MASU_GROUP_REPLACE, error);
}

static int run_init(struct lmctfy *lmctfy, struct masu_error *error)
{
	struct masu_group_options options = { 0 };
	char *spec = take_spec(lmctfy, lmctfy->args[0], &options, error);
	int result = spec ? masu_group_init(lmctfy->masu, &options, error) : -1;

	free(spec);
	return result;
}

static int run_destroy(struct lmctfy *lmctfy, struct masu_error *error)
{
	return masu_group_destroy(lmctfy->masu, lmctfy->args[0],
				  lmctfy->force ? MASU_GROUP_FORCE : 0, error);
}

static int run_detect(struct lmctfy *lmctfy, struct masu_error *error)
{
	pid_t tid = getppid();
	char *name;

	if (lmctfy->arg_count) {
		int *tasks = group_parse_tasks(lmctfy->args, 1, error);

		if (!tasks)
			return -1;
		tid = tasks[0];
		free(tasks);
	}
	if (masu_group_detect(lmctfy->masu, tid, &name, error) < 0)
		return -1;
	lmctfy_print(lmctfy, "name", name);
	free(name);
	return 0;
}

static int run_enter(struct lmctfy *lmctfy, struct masu_error *error)
{
	const pid_t shell = getppid();
	int *tasks = NULL, result;

	if (lmctfy->arg_count == 1)
		return masu_group_enter(lmctfy->masu, lmctfy->args[0], &shell, 1,
					MASU_GROUP_THREADS, error);
	tasks = group_parse_tasks(lmctfy->args + 1, lmctfy->arg_count - 1, error);
	result = tasks ? masu_group_enter(lmctfy->masu, lmctfy->args[0], tasks,
					  (size_t)lmctfy->arg_count - 1, MASU_GROUP_THREADS, error)
		       : -1;
	free(tasks);
	return result;
}

static int run_killall(struct lmctfy *lmctfy, struct masu_error *error)
{
	return masu_group_kill(lmctfy->masu, lmctfy->args[0],
			       lmctfy->recursive ? MASU_GROUP_RECURSIVE : 0, error);
}

static const char *name_or_own(const struct lmctfy *lmctfy)
{
	return lmctfy->arg_count ? lmctfy->args[0] : ".";
}

static void print_name(const char *name, void *data)
{
	lmctfy_print(data, "name", name);
}

static int run_list_containers(struct lmctfy *lmctfy, struct masu_error *error)
{
	return masu_groups(lmctfy->masu, name_or_own(lmctfy),
			   lmctfy->recursive ? MASU_GROUP_RECURSIVE : 0, print_name, lmctfy, error);
}

static int list_tasks(struct lmctfy *lmctfy, const char *key, unsigned int flags,
		      struct masu_error *error)
{
	pid_t *tasks;
	size_t count;

	flags |= lmctfy->recursive ? MASU_GROUP_RECURSIVE : 0;
	if (masu_group_tasks(lmctfy->masu, name_or_own(lmctfy), flags, &tasks, &count, error) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		print_number(lmctfy, key, tasks[i]);
	free(tasks);
	return 0;
}

static int run_list_pids(struct lmctfy *lmctfy, struct masu_error *error)
{
	return list_tasks(lmctfy, "pid", 0, error);
}

static int run_list_tids(struct lmctfy *lmctfy, struct masu_error *error)
{
	return list_tasks(lmctfy, "tid", MASU_GROUP_THREADS, error);
}

static int run_pause(struct lmctfy *lmctfy, struct masu_error *error)
{
	return masu_group_pause(lmctfy->masu, lmctfy->args[0], error);
}

static int run_resume(struct lmctfy *lmctfy, struct masu_error *error)
{
	return masu_group_resume(lmctfy->masu, lmctfy->args[0], error);
}

/* A command that is one word with a blank is for the shell; anything else is executed as it is. */
static int run_run(struct lmctfy *lmctfy, struct masu_error *error)
{
	const char *shell[] = { "/bin/sh", "-c", lmctfy->args[1], NULL };
	bool is_line = lmctfy->arg_count == 2 && strchr(lmctfy->args[1], ' ');
	const char *const *args = is_line ? shell : (const char *const *)lmctfy->args + 1;
	pid_t pid;

	if (!lmctfy->no_wait)
		return masu_group_exec(lmctfy->masu, lmctfy->args[0], args, error);
	if (masu_group_run(lmctfy->masu, lmctfy->args[0], args, NULL, &pid, error) < 0)
		return -1;
	print_number(lmctfy, "pid", pid);
	return 0;
}

static int print_raw(const struct lmctfy *lmctfy, char *text, size_t length,
		     struct masu_error *error)
{
	size_t written = fwrite(text, 1, length, lmctfy->out);

	free(text);
	return written == length ? 0 : cli_fail_sys(error, "write the answer");
}

static enum masu_group_form form_of(const struct lmctfy *lmctfy)
{
	return lmctfy->binary ? MASU_GROUP_PROTO_BYTES : MASU_GROUP_PROTO;
}

static int run_spec(struct lmctfy *lmctfy, struct masu_error *error)
{
	size_t length;
	char *text;

	if (masu_group_spec(lmctfy->masu, name_or_own(lmctfy), form_of(lmctfy), 0, &text, &length,
			    error) < 0)
		return -1;
	return print_raw(lmctfy, text, length, error);
}

static int print_stats(struct lmctfy *lmctfy, unsigned int flags, struct masu_error *error)
{
	size_t length;
	char *text;

	if (masu_group_stats(lmctfy->masu, name_or_own(lmctfy), form_of(lmctfy), flags, &text,
			     &length, error) < 0)
		return -1;
	return print_raw(lmctfy, text, length, error);
}

static int run_stats_full(struct lmctfy *lmctfy, struct masu_error *error)
{
	return print_stats(lmctfy, 0, error);
}

static int run_stats_summary(struct lmctfy *lmctfy, struct masu_error *error)
{
	return print_stats(lmctfy, MASU_GROUP_SUMMARY, error);
}

/* clang-format off */
const struct lmctfy_verb lmctfy_verbs[] = {
	{ "create",          "[-c FILE] NAME [SPEC]", "make a container",                                              1, 2,  run_create },
	{ "destroy",         "[-f] NAME",             "remove a container; with -f also what is in it and below",      1, 1,  run_destroy },
	{ "detect",          "[PID or TID]",          "tell which container a task is in; the shell's, if none given", 0, 1,  run_detect },
	{ "enter",           "NAME [TID...]",         "move threads into a container; the shell, if none given",       1, -1, run_enter },
	{ "init",            "SPEC or -c FILE",       "prepare the machine, once a boot",                              0, 1,  run_init },
	{ "killall",         "[-r] NAME",             "kill all processes in a container",                             1, 1,  run_killall },
	{ "list containers", "[-r] [NAME]",           "list the containers below one",                                 0, 1,  run_list_containers },
	{ "list pids",       "[-r] [NAME]",           "list the processes in a container",                             0, 1,  run_list_pids },
	{ "list tids",       "[-r] [NAME]",           "list the threads in a container",                               0, 1,  run_list_tids },
	{ "pause",           "NAME",                  "freeze a container and all below",                              1, 1,  run_pause },
	{ "resume",          "NAME",                  "thaw a container and all below",                                1, 1,  run_resume },
	{ "run",             "[-n] NAME COMMAND...",  "run a command in a container; with -n in the background",       2, -1, run_run },
	{ "spec",            "[-b] [NAME]",           "print the limits in force",                                     0, 1,  run_spec },
	{ "stats full",      "[-b] [NAME]",           "print all counters",                                            0, 1,  run_stats_full },
	{ "stats summary",   "[-b] [NAME]",           "print the usual counters",                                      0, 1,  run_stats_summary },
	{ "update diff",     "[-c FILE] NAME [SPEC]", "change the limits that are given",                              1, 2,  run_update_diff },
	{ "update replace",  "[-c FILE] NAME [SPEC]", "set the limits that are given, and all others back",            1, 2,  run_update_replace },
	{ 0 },
};
/* clang-format on */
