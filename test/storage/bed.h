/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bed of the storage tests: a private mount namespace, a scratch directory, file systems in
 * loop files, small tools. */
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "storage/storage.h"
#include "test/unit/unit.h"

static char bed[PATH_MAX];

/* Run a shell line; the formatted text goes to sh. */
__attribute__((format(printf, 1, 2))) static inline bool shell(const char *format, ...)
{
	char line[8192];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fflush(stdout);
	int status = system(line);

	if (status)
		fprintf(stderr, "failed: %s\n", line);
	return status == 0;
}

/* Mounts are made in a namespace of the test's own: they are gone with it, whatever happens. */
static inline bool bed_open(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(bed, sizeof(bed), "%s/masu-storage-XXXXXX", base ? base : "/tmp");
	if (geteuid() != 0) {
		printf("skip: needs root\n");
		return false;
	}
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    !mkdtemp(bed)) {
		perror("test bed");
		exit(1);
	}
	return true;
}

static inline void bed_close(void)
{
	shell("umount -l %s/*.mnt 2>/dev/null; rm -rf %s", bed, bed);
}

static inline bool has_tool(const char *name)
{
	return shell("command -v %s >/dev/null 2>&1", name);
}

/* A file system of `type` in a sparse file, mounted at BED/NAME.mnt. False (and said why) when this
 * host cannot. */
static inline bool bed_filesystem(const char *name, const char *type, const char *size)
{
	char tool[64];

	snprintf(tool, sizeof(tool), "mkfs.%s", type);
	if (!has_tool(tool)) {
		printf("skip: no %s\n", tool);
		return false;
	}
	return shell(
		"cd %s && truncate -s %s %s.img && %s -q %s.img >/dev/null 2>&1 && mkdir %s.mnt && "
		"mount -o loop %s.img %s.mnt",
		bed, size, name, tool, name, name, name, name);
}

/* A check that shows the record when it fails. */
#define CHECK_OK(call, err)                                                                        \
	do {                                                                                       \
		(err)->text[0] = '\0';                                                             \
		bool ok_ = (call) >= 0;                                                            \
		if (!ok_)                                                                          \
			fprintf(stderr, "  %s\n", (err)->text);                                    \
		CHECK(ok_);                                                                        \
	} while (0)
