/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs one hook program, on either side: state on standard input, a time limit, its last words in
 * the error. */
#pragma once

#include <stddef.h>

struct err;

struct hook_run {
	const char *kind;        /* "createRuntime", for the message */
	size_t index;            /* its place in the list, for the message */
	const char *path;        /* absolute */
	const char *const *argv; /* NULL-terminated; when empty, the path alone */
	const char *const *envp; /* NULL-terminated */
	const char *cwd;         /* NULL: stay */
	const char *state;       /* the OCI state, on its standard input */
	unsigned int timeout_s;  /* 0: none */
};

/* 0 when it exited with status 0. Otherwise -1, ERR_HOOK: which hook, how it ended, and the end of
 * what it wrote. */
int hook_run(const struct hook_run *hook, struct err *err);
