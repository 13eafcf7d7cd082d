/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which sysctls a container may have: those of namespaces that it does not share with the host. */
#include "ns/check.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "ns/ns.h"

struct sysctl_row {
	const char *path; /* as ns_sysctl_path() gives it; a final '*' stands for anything */
	enum ns_type type;
	const char *type_name;
};

static const struct sysctl_row sysctl_rows[] = {
	{ "kernel/domainname", NS_UTS, "uts" }, { "kernel/msg*", NS_IPC, "ipc" },
	{ "kernel/sem*", NS_IPC, "ipc" },       { "kernel/shm*", NS_IPC, "ipc" },
	{ "fs/mqueue/*", NS_IPC, "ipc" },       { "net/*", NS_NETWORK, "network" },
	{ "user/*", NS_USER, "user" },
};

bool ns_sysctl_path(const char *key, char path[PATH_MAX])
{
	const char *first = key + strcspn(key, "./");
	char separator = *first;
	size_t length = strlen(key);

	if (length >= PATH_MAX || !separator || !str_is_clean(key))
		return false;
	for (size_t i = 0; i <= length; i++) {
		path[i] = key[i];
		if (separator == '.' && key[i] == '.')
			path[i] = '/';
		else if (separator == '.' && key[i] == '/')
			path[i] = '.';
	}
	/* every part is a name */
	for (const char *at = path;; at++) {
		size_t part = strcspn(at, "/");

		if (!part || (part == 1 && *at == '.') ||
		    (part == 2 && at[0] == '.' && at[1] == '.'))
			return false;
		at += part;
		if (!*at)
			return true;
	}
}

static const struct sysctl_row *find(const char *path)
{
	for (size_t i = 0; i < sizeof(sysctl_rows) / sizeof(*sysctl_rows); i++) {
		const char *pattern = sysctl_rows[i].path;
		size_t fixed = strcspn(pattern, "*");

		if (pattern[fixed] ? strncmp(path, pattern, fixed) == 0
				   : strcmp(path, pattern) == 0)
			return &sysctl_rows[i];
	}
	return NULL;
}

static int check_one(const struct ns_linux *linux_part, const struct json_pair *pair,
		     struct err *err)
{
	char path[PATH_MAX];

	if (!ns_sysctl_path(pair->key, path))
		return err_set(err, ERR_INPUT, "linux.sysctl.%.100s: it is not a sysctl name",
			       pair->key);
	if (strcmp(path, "kernel/hostname") == 0) {
		err_set(err, ERR_INPUT, "linux.sysctl.%s: not allowed", pair->key);
		return err_hint(err, "use the property \"hostname\"");
	}
	const struct sysctl_row *row = find(path);

	if (!row)
		return err_set(
			err, ERR_INPUT,
			"linux.sysctl.%.100s: it belongs to no namespace, so it would change the host",
			pair->key);
	/* a joined user namespace has an owner who did not ask for this; for the others ns_open()
	 * sees whose they are */
	if (ns_is_new(linux_part, row->type) ||
	    (row->type != NS_USER && ns_is_joined(linux_part, row->type)))
		return 0;
	return err_set(
		err, ERR_INPUT,
		"linux.sysctl.%.100s: it needs a %s namespace, which linux.namespaces does not have",
		pair->key, row->type_name);
}

int ns_check_sysctls(const struct ns_linux *linux_part, struct err *err)
{
	for (size_t i = 0; i < linux_part->sysctl.count; i++) {
		if (check_one(linux_part, &JSON_ITEMS(struct json_pair, &linux_part->sysctl)[i],
			      err) < 0)
			return -1;
	}
	return 0;
}
