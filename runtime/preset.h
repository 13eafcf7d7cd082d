/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Presets: what a short spec leaves out, filled in while the document is decoded. Private to the
 * spec. */
#pragma once

#include <stddef.h>

struct arena;
struct err;
struct spec;

struct preset_document {
	const char *source;
	const char *text;
	size_t length;
};

/*
 * Decode the document into `spec`, over the preset that it names, if any. What is written in the
 * document wins; lists replace the preset's, but mounts are joined by destination and the
 * environment by name. Checks nothing else.
 */
int preset_decode(const struct preset_document *document, struct arena *arena, struct spec *spec,
		  struct err *err);

/* A file of configs/, embedded. */
struct preset_file {
	const char *text;
	const char *end;
};
extern const struct preset_file preset_default, preset_seccomp;
extern const struct preset_file preset_template_full, preset_template_rootless,
	preset_template_short;
