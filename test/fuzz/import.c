/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fuzzes `image import` whole: any bytes as a tar, an archive of images, compressed or not, into a
 * store of the driver copy. Nothing outside of the store may change, and the store stays whole. */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/plugin.h"
#include "storage/archive.h"
#include "storage/store.h"

extern const struct archive_ops masu_plugin_archive;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct storage *store;
static int outside; /* the directory that the store lies in */

/* The plug-in is linked in, instrumented as the rest. */
const void *plugin_load(const char *name, struct err *err)
{
	if (strcmp(name, "archive") == 0)
		return &masu_plugin_archive;
	err_set(err, ERR_UNSUPPORTED, "load plug-in %s: not here", name);
	return NULL;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err err;

	(void)argc;
	(void)argv;
	/* a file system of our own that goes with us, whatever was unpacked there */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("masu-fuzz", "/mnt", "tmpfs", 0, "size=256m") < 0)
		abort();
	outside = open("/mnt", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int victim = openat(outside, "victim", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (victim < 0 || fd_write_all(victim, "untouched", 9) < 0)
		abort();
	close(victim);
	store = storage_open("/mnt/store", STORAGE_COPY, STORAGE_CREATE, &err);
	if (!store)
		abort();
	return 0;
}

static void check_outside(void)
{
	struct arena arena = { 0 };
	char **names, text[32];
	size_t count;

	if (store_list_dir(outside, ".", &arena, &names, &count, NULL) < 0 || count != 2)
		abort();
	if (fd_read_file(outside, "victim", text, sizeof(text)) < 0 ||
	    strcmp(text, "untouched") != 0)
		abort();
	arena_free(&arena);
}

static int found(const struct storage_finding *finding, void *data)
{
	(void)data;
	fprintf(stderr, "%s %s: %s\n", finding->kind, finding->name, finding->problem);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { 0 };
	struct storage_image image;
	struct err err;
	int file = memfd_create("input", MFD_CLOEXEC);
	const struct storage_import options = {
		.name = "fuzz", .fd = file, .max_bytes = 1 << 20, .max_entries = 500
	};

	if (file < 0 || fd_write_all(file, data, size) < 0 || lseek(file, 0, SEEK_SET) < 0)
		abort();
	if (storage_import(store, &options, &arena, &image, &err) == 0 &&
	    storage_image_remove(store, "fuzz", &err) < 0) {
		fprintf(stderr, "remove: %s\n", err.text);
		abort();
	}
	check_outside();
	if (storage_fsck(store, false, found, NULL, &err) != 0)
		abort();
	close(file);
	arena_free(&arena);
	return 0;
}
