/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads whole files. */
#include "runtime/cli/input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cli/cli.h"
#include "runtime/masu.h"

#define INPUT_MAX (16UL << 20)

static char *read_stream(FILE *in, const char *name, size_t *size, struct masu_error *error)
{
	size_t room = 4096, length = 0;
	char *text = malloc(room);

	while (text) {
		length += fread(text + length, 1, room - length - 1, in);
		if (length + 1 < room)
			break;
		char *more = room < INPUT_MAX ? realloc(text, room * 2) : NULL;
		if (!more) {
			free(text);
			cli_fail(error, EFBIG, "read %s: more than 16 MiB", name);
			return NULL;
		}
		text = more;
		room *= 2;
	}
	if (!text || ferror(in)) {
		cli_fail_sys(error, "read %s", name);
		free(text);
		return NULL;
	}
	text[length] = '\0';
	*size = length;
	return text;
}

char *input_read_bytes(const char *path, size_t *size, struct masu_error *error)
{
	if (strcmp(path, "-") == 0)
		return read_stream(stdin, "standard input", size, error);
	FILE *in = fopen(path, "re");
	if (!in) {
		cli_fail_sys(error, "open %s", path);
		return NULL;
	}
	char *text = read_stream(in, path, size, error);
	fclose(in);
	return text;
}

char *input_read(const char *path, struct masu_error *error)
{
	size_t size;
	char *text = input_read_bytes(path, &size, error);

	if (text && strlen(text) != size) {
		cli_fail(error, MASU_ERR_INPUT, "read %s: holds a zero byte", path);
		free(text);
		return NULL;
	}
	return text;
}
