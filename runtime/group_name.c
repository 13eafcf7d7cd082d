/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of groups: what they may be made of, and what a relative one means. */
#include "runtime/group.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

static const char letters_and_digits[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
static const char part_bytes[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

/* Directories with these names are others' in the same place. */
static int check_reserved(const char *name, const char *part, size_t length, struct err *err)
{
	static const char containers[] = "masu-";

	if (length >= strlen(containers) && memcmp(part, containers, strlen(containers)) == 0)
		return err_set(err, ERR_INPUT, "group name \"%s\": \"%s...\" is for containers",
			       name, containers);
	if (part == name + 1 && length == strlen("batch") && memcmp(part, "batch", length) == 0)
		return err_set(err, ERR_INPUT,
			       "group name \"%s\": /batch is where groups of the batch classes are",
			       name);
	return 0;
}

static int check_part(const char *name, const char *part, size_t length, struct err *err)
{
	if (!length)
		return err_set(err, ERR_INPUT, "group name \"%.200s\": it has an empty part", name);
	if (length > GROUP_PART_MAX)
		return err_set(err, ERR_INPUT,
			       "group name \"%.60s...\": a part is longer than %d bytes", name,
			       GROUP_PART_MAX);
	if (!memchr(letters_and_digits, part[0], strlen(letters_and_digits)))
		return err_set(err, ERR_INPUT,
			       "group name \"%.200s\": each part begins with a letter or a digit",
			       name);
	if (strspn(part, part_bytes) < length)
		return err_set(err, ERR_INPUT,
			       "group name \"%.200s\": it may have letters, digits and _ . - only",
			       name);
	return check_reserved(name, part, length, err);
}

int group_check_name(const char *name, struct err *err)
{
	int depth = 0;

	if (!str_is_clean(name))
		return err_set(err, ERR_INPUT, "group name: it has a control character");
	if (name[0] != '/')
		return err_set(err, ERR_INPUT, "group name \"%.200s\": it does not begin with /",
			       name);
	if (strlen(name) > GROUP_NAME_MAX)
		return err_set(err, ERR_INPUT, "group name \"%.60s...\": longer than %d bytes",
			       name, GROUP_NAME_MAX);
	if (strcmp(name, "/") == 0)
		return 0;
	for (const char *part = name + 1; part; depth++) {
		const char *end = strchrnul(part, '/');

		if (check_part(name, part, (size_t)(end - part), err) < 0)
			return -1;
		part = *end ? end + 1 : NULL;
	}
	if (depth > GROUP_DEPTH_MAX)
		return err_set(err, ERR_INPUT, "group name \"%.60s...\": more than %d parts", name,
			       GROUP_DEPTH_MAX);
	return 0;
}

const char *group_resolve_name(const char *base, const char *name, struct arena *arena,
			       struct err *err)
{
	const char *given = name[0] == '/' ? name : arena_printf(arena, "%s/%s", base, name);
	char *clean = given ? arena_alloc(arena, strlen(given) + 2) : NULL;
	size_t length = 0;

	if (!clean) {
		err_sys(err, "read group name");
		return NULL;
	}
	for (const char *part = given; *part;) {
		size_t size = strcspn(part, "/");

		if (size == 2 && memcmp(part, "..", 2) == 0) {
			if (!length) {
				err_set(err, ERR_INPUT,
					"group name \"%.200s\": there is nothing "
					"above /",
					name);
				return NULL;
			}
			while (clean[--length] != '/')
				;
		} else if (size && !(size == 1 && *part == '.')) {
			clean[length++] = '/';
			memcpy(clean + length, part, size);
			length += size;
		}
		part += size + (part[size] == '/');
	}
	if (!length)
		clean[length++] = '/';
	clean[length] = '\0';
	return group_check_name(clean, err) < 0 ? NULL : clean;
}

const char *group_parent_name(const char *name, struct arena *arena)
{
	const char *slash = strrchr(name, '/');

	return slash == name ? "/" : arena_strndup(arena, name, (size_t)(slash - name));
}
