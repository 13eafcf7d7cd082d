/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network namespaces for the root tests of net/: made by the test, seen by nobody else, gone with
 * it. */
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/unit/unit.h"

/* Where the thread is now. */
static inline int space_here(void)
{
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static inline void space_enter(int space)
{
	if (setns(space, CLONE_NEWNET) < 0) {
		perror("setns");
		exit(1);
	}
}

/* A new, empty namespace; the thread stays where it is. */
static inline int space_new(void)
{
	int here = space_here();

	if (unshare(CLONE_NEWNET) < 0) {
		perror("unshare");
		exit(1);
	}
	int space = space_here();

	space_enter(here);
	close(here);
	return space;
}

/* Leave the host's network for a namespace that plays the host. First thing in main(); ends the
 * test where that is not allowed. */
static inline void space_begin(const char *test)
{
	if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0) {
		printf("%s: skipped: needs root\n", test);
		exit(77);
	}
}

/* Run a shell command in `space` (-1: here); its exit status. */
__attribute__((format(printf, 2, 3))) static inline int space_run(int space, const char *format,
								  ...)
{
	char command[1024];
	va_list args;
	int here = space_here();

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	if (space >= 0)
		space_enter(space);
	int status = system(command);

	space_enter(here);
	close(here);
	return status;
}

/* True when what the command prints in `space` holds `text`. */
static inline int space_shows(int space, const char *command, const char *text)
{
	static char output[65536];
	int here = space_here();

	if (space >= 0)
		space_enter(space);
	FILE *pipe = popen(command, "r");
	size_t size = pipe ? fread(output, 1, sizeof(output) - 1, pipe) : 0;

	output[size] = '\0';
	if (pipe)
		pclose(pipe);
	space_enter(here);
	close(here);
	return strstr(output, text) != NULL;
}
