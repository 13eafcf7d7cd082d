/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The probe's JSON writer. */
#include "test/probe/out.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void quote(const char *text)
{
	putchar('"');
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c == '"' || *c == '\\')
			printf("\\%c", *c);
		else if (*c < 0x20)
			printf("\\u%04x", *c);
		else
			putchar(*c);
	}
	putchar('"');
}

static void begin(struct out *out, const char *key)
{
	if (out->started[out->depth])
		putchar(',');
	out->started[out->depth] = true;
	if (key) {
		quote(key);
		putchar(':');
	}
}

void out_open(struct out *out, const char *key, char bracket)
{
	begin(out, key);
	putchar(bracket);
	if (out->depth < OUT_DEPTH - 1)
		out->depth++;
	out->started[out->depth] = false;
}

void out_close(struct out *out, char bracket)
{
	putchar(bracket);
	if (out->depth > 0)
		out->depth--;
}

void out_number(struct out *out, const char *key, long long number)
{
	begin(out, key);
	printf("%lld", number);
}

void out_bool(struct out *out, const char *key, bool value)
{
	begin(out, key);
	printf("%s", value ? "true" : "false");
}

void out_text(struct out *out, const char *key, const char *text)
{
	begin(out, key);
	if (text)
		quote(text);
	else
		printf("null");
}

void out_texts(struct out *out, const char *key, char *const *texts)
{
	out_open(out, key, '[');
	for (; *texts; texts++)
		out_text(out, NULL, *texts);
	out_close(out, ']');
}

void out_limit(struct out *out, const char *key, unsigned long long limit)
{
	out_number(out, key, limit > LLONG_MAX ? -1 : (long long)limit);
}

void out_lines(struct out *out, const char *key, const char *path)
{
	char line[8192];
	FILE *file = fopen(path, "re");

	out_open(out, key, '[');
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		out_text(out, NULL, line);
	}
	out_close(out, ']');
	if (file)
		fclose(file);
}

void out_link(struct out *out, const char *key, const char *path)
{
	char target[PATH_MAX];
	ssize_t length = readlink(path, target, sizeof(target) - 1);

	if (length >= 0)
		target[length] = '\0';
	out_text(out, key, length >= 0 ? target : NULL);
}
