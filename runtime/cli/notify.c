/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu notify: wait for events of a container or a cgroup, one JSON object a line. */
#include "runtime/cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "runtime/cli/print.h"
#include "runtime/masu-watch.h"

enum {
	ENDED_FIRST = 2, /* exit status of --once when nothing came before the end */
};

struct notify_values {
	bool once;
	const char *exec;
};

#define MEMBER(name) offsetof(struct notify_values, name)

/* clang-format off */
static const struct option_row notify_rows[] = {
	{ '1', "once", OPTION_FLAG, MEMBER(once), NULL,      "end after the first event; status 2: it ended before" },
	{ 0,   "exec", OPTION_TEXT, MEMBER(exec), "COMMAND", "run it by sh at each event, with MASU_EVENT, MASU_NAME, ..." },
	{ 0 },
};
/* clang-format on */

extern char **environ;

struct listener {
	const struct notify_values *values;
	bool seen; /* an event other than the end */
	struct masu_error failure;
};

/* "2026-11-22T07:00:00.123456789Z" */
static void format_time(char *text, size_t size, const struct timespec *time)
{
	struct tm parts;
	size_t length;

	gmtime_r(&time->tv_sec, &parts);
	length = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text + length, size - length, ".%09ldZ", time->tv_nsec);
}

static void print_event(const struct masu_event *event, const char *time)
{
	printf("{\"time\":\"%s\",\"name\":", time);
	print_json_text(stdout, event->name);
	printf(",\"event\":\"%s\"", event->event);
	if (event->argument[0]) {
		printf(",\"argument\":");
		print_json_text(stdout, event->argument);
	}
	printf(",\"value\":%" PRIu64 "}\n", event->value);
}

/* Waits for it: events that come meanwhile are told afterwards. */
static int run_command(const char *command, const struct masu_event *event, const char *time,
		       struct masu_error *error)
{
	char shell[] = "sh", option[] = "-c", value[24];
	char *const args[] = { shell, option, (char *)command, NULL };
	int status;
	pid_t pid;

	snprintf(value, sizeof(value), "%" PRIu64, event->value);
	setenv("MASU_NAME", event->name, 1);
	setenv("MASU_EVENT", event->event, 1);
	setenv("MASU_ARGUMENT", event->argument, 1);
	setenv("MASU_VALUE", value, 1);
	setenv("MASU_TIME", time, 1);
	errno = posix_spawn(&pid, "/bin/sh", NULL, NULL, args, environ);
	if (errno)
		return cli_fail_sys(error, "run /bin/sh");
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return 0;
}

static bool report(const struct masu_event *event, void *data)
{
	struct listener *listener = data;
	bool is_end = strcmp(event->event, "end") == 0;
	char time[48];

	format_time(time, sizeof(time), &event->time);
	print_event(event, time);
	if (fflush(stdout) != 0)
		return false; /* nobody listens any more */
	listener->seen |= !is_end;
	if (listener->values->exec &&
	    run_command(listener->values->exec, event, time, &listener->failure) < 0)
		return false;
	return is_end || !listener->values->once;
}

static int listen_to(struct masu_notify *notify, struct masu_error *error)
{
	struct pollfd ready = { .fd = masu_notify_fd(notify), .events = POLLIN };
	int more;

	do {
		if (poll(&ready, 1, -1) < 0 && errno != EINTR)
			return cli_fail_sys(error, "wait for events");
		more = masu_notify_dispatch(notify, error);
	} while (more > 0);
	return more;
}

static int run_notify(struct cli *cli, void *data, struct masu_error *error)
{
	struct listener listener = { .values = data };
	const struct masu_notify_options options = {
		.size = sizeof(options),
		.name = cli->args[0],
		.events = (const char *const *)cli->args + 1,
		.report = report,
		.data = &listener,
	};
	struct masu_notify *notify;

	cli->subject = cli->args[0];
	if (masu_notify_open(cli->masu, &options, &notify, error) < 0)
		return -1;
	int result = listen_to(notify, error);

	masu_notify_close(notify);
	if (result == 0 && listener.failure.code) {
		*error = listener.failure;
		return -1;
	}
	if (result < 0)
		return -1;
	return listener.values->once && !listener.seen ? ENDED_FIRST : 0;
}

const struct command cli_notify = {
	.name = "notify",
	.usage = "[option...] NAME EVENT...",
	.about = "tell when a container runs out of memory, is empty, frozen, ...",
	.options = notify_rows,
	.values = sizeof(struct notify_values),
	.least = 2,
	.most = -1,
	.run = run_notify,
};
