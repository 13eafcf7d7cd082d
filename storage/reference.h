/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Image references: NAME[:TAG] or sha256:HEX, checked once and then trusted in file names. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;

enum {
	REFERENCE_MAX = 250,      /* the image's record is a file of this name */
	DIGEST_TEXT = 7 + 64 + 1, /* "sha256:" HEX NUL */
};

struct reference {
	char name[REFERENCE_MAX +
		  1];    /* with its tag ("busybox:latest"); empty when only a digest was given */
	char digest[65]; /* the digits given, 8 to 64 of them; or empty */
};

/* The grammar of the OCI distribution specification; a missing tag is "latest". A name of 8 or more
 * hex digits counts as a digest too. */
int reference_parse(const char *text, struct reference *reference, struct err *err);

/* "sha256:" and 64 lower-case hex digits, nothing else: *hex points to the digits. */
bool reference_is_digest(const char *text, const char **hex);

/* The record's file name without ".json": a '/' becomes '%', which no name can hold. */
void reference_to_file(const char *name, char file[REFERENCE_MAX + 1]);
