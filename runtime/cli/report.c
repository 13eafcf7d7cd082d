/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes errors, warnings and debug lines to where --log says. */
#include "runtime/cli/report.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "runtime/cli/cli.h"
#include "runtime/cli/print.h"

static const char *const level_words[] = { "error", "warning", "debug" };
static const int syslog_levels[] = { LOG_ERR, LOG_WARNING, LOG_DEBUG };

static const char *without_prefix(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

static int open_journal(struct report *report, struct masu_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX,
				       .sun_path = "/run/systemd/journal/socket" };
	int journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (journal < 0)
		return cli_fail_sys(error, "open log journald: make a socket");
	if (connect(journal, (struct sockaddr *)&address, sizeof(address)) < 0) {
		cli_fail_sys(error, "open log journald: connect to %s", address.sun_path);
		close(journal);
		return -1;
	}
	report->journal = journal;
	report->place = REPORT_JOURNAL;
	return 0;
}

static int open_file(struct report *report, const char *path, struct masu_error *error)
{
	int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);

	if (file < 0)
		return cli_fail_sys(error, "open log %s", path);
	report->file = fdopen(file, "a");
	if (!report->file) {
		cli_fail_sys(error, "open log %s", path);
		close(file);
		return -1;
	}
	report->place = REPORT_FILE;
	return 0;
}

int report_open(struct report *report, const char *target, struct masu_error *error)
{
	const char *name;

	report->place = REPORT_STDERR;
	if (!target)
		return 0;
	if ((name = without_prefix(target, "syslog:")) ||
	    (name = without_prefix(target, "journald:")))
		report->identifier = *name ? name : "masu";
	if (without_prefix(target, "journald:"))
		return open_journal(report, error);
	if (report->identifier) {
		openlog(report->identifier, LOG_PID, LOG_USER);
		report->place = REPORT_SYSLOG;
		return 0;
	}
	name = without_prefix(target, "file:");
	return open_file(report, name ? name : target, error);
}

void report_close(struct report *report)
{
	if (report->place == REPORT_FILE)
		fclose(report->file);
	else if (report->place == REPORT_JOURNAL)
		close(report->journal);
	else if (report->place == REPORT_SYSLOG)
		closelog();
	report->place = REPORT_STDERR;
}

static void write_time(FILE *out)
{
	char text[32];
	struct tm parts;
	time_t now = time(NULL);

	gmtime_r(&now, &parts);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	fputs(text, out);
}

/* A message is one line, and cannot drive the terminal it is shown on. */
static void make_one_line(char *message)
{
	for (; *message; message++) {
		if ((unsigned char)*message < ' ' || *message == 0x7f)
			*message = ' ';
	}
}

/* Flushed once, so that a reader of the log and other writers see whole lines. */
static void write_line(FILE *out, bool json, enum masu_log_level level, const char *message,
		       const char *hint)
{
	if (json) {
		fprintf(out, "{\"level\":\"%s\",\"msg\":", level_words[level]);
		print_json_text(out, message);
		if (hint[0]) {
			fputs(",\"hint\":", out);
			print_json_text(out, hint);
		}
		fputs(",\"time\":\"", out);
		write_time(out);
		fputs("\"}\n", out);
	} else {
		write_time(out);
		fprintf(out, " %s: %s\n", level_words[level], message);
	}
	fflush(out);
}

static void write_journal(const struct report *report, enum masu_log_level level,
			  const char *message)
{
	char text[1200];
	int length = snprintf(text, sizeof(text), "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nMESSAGE=%s",
			      syslog_levels[level], report->identifier, message);

	if (length >= (int)sizeof(text) - 1)
		length = (int)sizeof(text) - 2;
	text[length++] = '\n'; /* the message itself has none: it would begin another field */
	send(report->journal, text, (size_t)length, MSG_NOSIGNAL);
}

/* To the log; false when that is standard error and lines there are plain. */
static bool write_log(const struct report *report, enum masu_log_level level, const char *message,
		      const char *hint)
{
	switch (report->place) {
	case REPORT_FILE:
		write_line(report->file, report->json, level, message, hint);
		return true;
	case REPORT_SYSLOG:
		syslog(syslog_levels[level], "%s", message);
		return true;
	case REPORT_JOURNAL:
		write_journal(report, level, message);
		return true;
	case REPORT_STDERR:
		break;
	}
	if (report->json)
		write_line(stderr, true, level, message, hint);
	return report->json;
}

void report_error(const struct report *report, const char *command, const char *subject,
		  const struct masu_error *error)
{
	char message[sizeof(error->text) + 512];

	/* a name of any length must not push the reason out */
	snprintf(message, sizeof(message), "%s%s%.200s%s%s", command ? command : "",
		 subject ? " " : "", subject ? subject : "", command ? ": " : "", error->text);
	if (write_log(report, MASU_LOG_ERROR, message, error->hint) &&
	    report->place == REPORT_STDERR)
		return;
	fprintf(stderr, "masu: %s\n", message);
	if (error->hint[0])
		fprintf(stderr, "hint: %s\n", error->hint);
}

void report_line(enum masu_log_level level, const char *message, void *data)
{
	const struct report *report = data;
	char line[1024];

	if (level > report->most)
		return;
	snprintf(line, sizeof(line), "%s", message);
	make_one_line(line);
	if (!write_log(report, level, line, ""))
		fprintf(stderr, "masu: %s: %s\n", level_words[level], line);
}
