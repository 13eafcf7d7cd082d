/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The error record: one sentence for the user, made where the failure happens, handed up to the one
 * place that prints it. */
#pragma once

#include <errno.h>

/*
 * What went wrong. Plain bytes without pointers: it lives on the caller's stack and crosses the
 * socket between masu and masu-init unchanged.
 *
 * Convention for every function that takes a `struct err *` (always the last parameter, may be NULL
 * when the caller does not want the reason): it returns 0, a descriptor or another value >= 0, or
 * -1 with the record filled. The text reads "verb object: reason", without a final full stop.
 */
struct err {
	int code; /* an errno value, or one of enum err_code */
	char text[512];
	char hint[160]; /* what the user can do about it; empty when there is nothing to say */
};

/* Failures that no errno names. The CLI and the engines tell them apart by these, never by text. */
enum err_code {
	ERR_INPUT = 1000, /* the spec, an option or an identifier is not acceptable */
	ERR_NOT_FOUND,    /* no container of that name */
	ERR_EXISTS,       /* the name is taken */
	ERR_STATE,        /* the container's status does not allow the operation */
	ERR_UNSUPPORTED,  /* this kernel or build cannot do what was asked */
	ERR_HOOK,         /* a hook failed or timed out */
	ERR_PEER,         /* the other process of a start went away without saying why */
	ERR_PLUGIN,       /* a plug-in is needed that this static program cannot load */
};

/* Fill the record; always returns -1, so that a failing function can `return err_set(...)`. */
int err_set(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with code = errno and ": strerror(errno)" behind the text. */
int err_sys(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Put "format: " in front of the text that a callee left: only what the callee could not know. */
int err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Add or replace the hint; returns -1. */
int err_hint(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
