/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files that the user names on the command line, read whole. */
#pragma once

#include <stddef.h>

struct masu_error;

/* The text of a file, or of standard input for "-", at most 16 MiB; free() it. NULL with error. */
char *input_read(const char *path, struct masu_error *error);

/* The same of what may hold zero bytes. */
char *input_read_bytes(const char *path, size_t *size, struct masu_error *error);
