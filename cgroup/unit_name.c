/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of scopes and slices from linux.cgroupsPath, and the directories that they stand for. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "cgroup/host.h"
#include "cgroup/unit.h"

enum {
	UNIT_NAME_MAX = 255, /* systemd's UNIT_NAME_MAX - 1 */
	SHOWN_MAX = 120,
};

static const char slice_suffix[] = ".slice";
static const char scope_suffix[] = ".scope";
static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "0123456789:-_.\\@";

static int refuse(const char *path, const char *reason, struct err *err)
{
	char shown[SHOWN_MAX];

	json_quote(path, shown, sizeof(shown));
	err_set(err, ERR_INPUT, "linux.cgroupsPath: %s: %s", shown, reason);
	return err_hint(err, "with systemd it is slice:prefix:name, as in system.slice:masu:web1");
}

/* An id may hold what a unit's name must not ('+'): written as systemd-escape(1) does. */
static const char *escape(const char *name, struct arena *arena)
{
	char *escaped = arena_alloc(arena, 4 * strlen(name) + 1), *at = escaped;

	for (; escaped && *name; name++) {
		if (strchr(letters, *name))
			*at++ = *name;
		else
			at += snprintf(at, 5, "\\x%02x", (unsigned char)*name);
	}
	return escaped;
}

/* "a-b.slice": no empty part between the dashes; "-.slice" alone is the root. */
static bool is_slice(const char *slice)
{
	size_t length = strlen(slice) - strlen(slice_suffix);

	if (!str_ends(slice, slice_suffix) || strlen(slice) > UNIT_NAME_MAX ||
	    slice[strspn(slice, letters)])
		return false;
	if (strcmp(slice, "-.slice") == 0)
		return true;
	return length && slice[0] != '-' && slice[length - 1] != '-' && !strstr(slice, "--");
}

/*
 * A directory's name must not be taken for a file of cgroup v1 or of a controller ("cpu.slice"):
 * systemd puts "_" in front of such ones (its cg_escape()).
 */
static const char *guard(const char *name)
{
	char first[32];

	if (strchr("_.", name[0]) || strcmp(name, "tasks") == 0 ||
	    strcmp(name, "notify_on_release") == 0 || strcmp(name, "release_agent") == 0 ||
	    str_starts(name, "cgroup."))
		return "_";
	str_format(first, sizeof(first), "%.*s", (int)strcspn(name, "."), name);
	return cgroup_controllers_parse(first, ',', true) ||
			       cgroup_controllers_parse(first, ',', false)
		       ? "_"
		       : "";
}

/* A slice lies in the one that its name without the last part names: a-b.slice in a.slice. */
static const char *expand(const char *slice, struct arena *arena)
{
	size_t length = 0, whole = strlen(slice) - strlen(slice_suffix);
	const char *dir = "";

	if (slice[0] == '-')
		return dir;
	do {
		length += strcspn(slice + length, "-");
		if (length > whole)
			length = whole;
		const char *part = arena_printf(arena, "%.*s%s", (int)length, slice, slice_suffix);

		dir = part ? arena_printf(arena, "%s/%s%s", dir, guard(part), part) : NULL;
	} while (dir && length++ < whole);
	return dir;
}

static int split(const char *path, struct arena *arena, const char *parts[3], struct err *err)
{
	char *rest = arena_strdup(arena, path);
	size_t colons = 0;

	if (!rest)
		return err_sys(err, "read linux.cgroupsPath");
	for (const char *at = path; *at; at++)
		colons += *at == ':';
	if (colons != 2)
		return refuse(path, "it is not slice:prefix:name", err);
	for (int i = 0; i < 3; i++)
		parts[i] = strsep(&rest, ":");
	return 0;
}

int unit_name_parse(const char *path, const char *id, const char *default_slice,
		    struct arena *arena, struct unit_name *name, struct err *err)
{
	const char *parts[3] = { "", "masu", id };
	bool given = path && *path;

	if (given && split(path, arena, parts, err) < 0)
		return -1;
	const char *slice = *parts[0] ? parts[0] : default_slice;

	if (strcmp(slice, "-") == 0)
		slice = "-.slice";
	if (!is_slice(slice))
		return refuse(path, "the slice's name is not one that systemd takes", err);
	if (!*parts[2] || str_ends(parts[2], slice_suffix))
		return refuse(path, "a container needs a scope's name", err);
	if (parts[1][strspn(parts[1], letters)] || strchr(parts[2], '/') || !str_is_clean(parts[2]))
		return refuse(path, "the name has a character that a unit's must not have", err);
	const char *escaped = escape(parts[2], arena);
	const char *suffix = str_ends(parts[2], scope_suffix) ? "" : scope_suffix;

	name->slice = arena_strdup(arena, slice);
	name->scope = escaped ? arena_printf(arena, "%s%s%s%s", parts[1], *parts[1] ? "-" : "",
					     escaped, suffix)
			      : NULL;
	const char *parent = name->slice ? expand(name->slice, arena) : NULL;

	if (!name->scope || !parent)
		return err_sys(err, "read linux.cgroupsPath");
	if (strlen(name->scope) > UNIT_NAME_MAX)
		return refuse(given ? path : id, "the scope's name is over 255 bytes long", err);
	name->dir = arena_printf(arena, "%s/%s%s", parent, guard(name->scope), name->scope);
	return name->dir ? 0 : err_sys(err, "read linux.cgroupsPath");
}
