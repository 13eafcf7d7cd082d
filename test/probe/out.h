/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A small JSON writer for the probe: commas and quotes are its business, the rest is printf. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum {
	OUT_DEPTH = 16,
};

struct out {
	bool started[OUT_DEPTH]; /* something was written at this depth */
	int depth;
};

/* `key` is NULL for the elements of a list and for the outermost value. */
void out_open(struct out *out, const char *key, char bracket);
void out_close(struct out *out, char bracket);
void out_number(struct out *out, const char *key, long long number);
void out_bool(struct out *out, const char *key, bool value);
void out_text(struct out *out, const char *key, const char *text);
void out_texts(struct out *out, const char *key, char *const *texts);

/* An unsigned number as text would lose nothing, a JSON number above 2^53 does: RLIM_INFINITY
 * becomes -1. */
void out_limit(struct out *out, const char *key, unsigned long long limit);

/* Each line of a file as an element of a list; an empty list when it cannot be read. */
void out_lines(struct out *out, const char *key, const char *path);

/* The target of a symbolic link, or null. */
void out_link(struct out *out, const char *key, const char *path);
