/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing a file aside and renaming it; a bar of progress on a terminal. */
#include "runtime/cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/cli/answer.h"
#include "runtime/cli/cli.h"
#include "runtime/masu.h"

enum { BAR_WIDTH = 30, BAR_STEP = 4 << 20 };

static int close_output(int fd, int result, const char *path, struct masu_error *error)
{
	if (close(fd) == 0 || result < 0)
		return result;
	return cli_fail_sys(error, "write %s", path);
}

/* A device or pipe cannot be renamed over: it is written as it is. */
static int write_special(const char *path, output_writer *writer, const struct cli *cli, void *data,
			 struct masu_error *error)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return cli_fail_sys(error, "open %s", path);
	return close_output(fd, writer(fd, cli, data, error), path, error);
}

int output_write(const char *path, output_writer *writer, const struct cli *cli, void *data,
		 struct masu_error *error)
{
	char aside[PATH_MAX];
	struct stat st;

	if (strcmp(path, "-") == 0) {
		if (isatty(STDOUT_FILENO))
			return cli_fail(error, MASU_ERR_INPUT,
					"write standard output: a tar is not for a terminal");
		return writer(STDOUT_FILENO, cli, data, error);
	}
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return write_special(path, writer, cli, data, error);
	if ((size_t)snprintf(aside, sizeof(aside), "%s.%d", path, (int)getpid()) >= sizeof(aside))
		return cli_fail(error, ENAMETOOLONG, "write %s: its name is too long", path);
	int fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0)
		return cli_fail_sys(error, "make file %s", aside);
	int result = close_output(fd, writer(fd, cli, data, error), path, error);

	if (result >= 0 && rename(aside, path) < 0)
		result = cli_fail_sys(error, "rename %s to %s", aside, path);
	if (result < 0)
		unlink(aside);
	return result;
}

void progress_show(const char *layer, uint64_t done, uint64_t total, void *data)
{
	struct progress_bar *bar = data;
	char size[16], cells[BAR_WIDTH + 1];
	int percent = total ? (int)(done > total ? 100 : done * 100 / total) : 0;
	uint64_t moved = done > bar->shown ? done - bar->shown : bar->shown - done;
	const char *name = strchr(layer, ':');

	if (percent == bar->percent && (total || moved < BAR_STEP))
		return;
	bar->percent = percent;
	bar->shown = done;
	answer_format_size(size, sizeof(size), done);
	memset(cells, ' ', BAR_WIDTH);
	memset(cells, '#', (size_t)(percent * BAR_WIDTH / 100));
	cells[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r%-12.12s ", name ? name + 1 : layer);
	if (total)
		fprintf(stderr, "[%s] %3d%% ", cells, percent);
	fprintf(stderr, "%s\033[K", size);
	fflush(stderr);
}

void progress_clear(const struct progress_bar *bar)
{
	if (bar->on)
		fprintf(stderr, "\r\033[K");
}
