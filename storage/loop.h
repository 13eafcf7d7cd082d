/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loop devices over files of the store: one a file, gone with its last user. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

enum {
	LOOP_PATH_MAX = 24,
};

/* Make NAME in `dir` with `size` bytes, all of them reserved unless `sparse`. */
int loop_make_file(int dir, const char *name, uint64_t size, bool sparse, struct err *err);

/*
 * The loop device of file NAME in `dir`: the one it has already, else a new one (direct I/O where
 * the file system can, autoclear). Returns the open device, which keeps it alive, and its path. Two
 * processes at once: the caller holds the store's lock.
 */
int loop_attach(int dir, const char *name, char path[LOOP_PATH_MAX], struct err *err);

/* Enlarge the file, reserved or sparse as it was made, and its loop device with it; returns that
 * device. A smaller size is refused. */
int loop_grow(int dir, const char *name, uint64_t size, struct err *err);

/* Run a tool of the host without a shell; fails with what it wrote to stderr. argv[0] is looked up
 * in the system directories. */
int tool_run(const char *const argv[], struct err *err);
