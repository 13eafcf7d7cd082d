/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes user namespaces: a child that does nothing holds one while its maps are written. */
#include "ns/userns.h"

#include <linux/capability.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/holder.h"
#include "base/privilege.h"
#include "base/str.h"
#include "base/sys.h"
#include "ns/ns.h"

enum {
	MAP_TEXT_MAX = 340 * 36, /* the kernel's lines times three numbers of ten digits */
};

/* With `join`, the child enters that namespace; without (-1), it is born in a new one. */
static int start(struct holder *holder, int join, struct err *err)
{
	if (holder_start(holder, join < 0 ? CLONE_NEWUSER : 0, join) == 0)
		return 0;
	int code = errno;

	err_sys(err, "%s user namespace", join < 0 ? "make a" : "join the");
	if (join < 0 && (code == ENOSPC || code == EPERM))
		err_hint(
			err,
			"see /proc/sys/user/max_user_namespaces, and kernel.unprivileged_userns_clone or "
			"AppArmor's restriction where your distribution has them");
	return -1;
}

static int holder_write(const struct holder *holder, const char *file, const char *text,
			struct err *err)
{
	char path[64];

	str_format(path, sizeof(path), "/proc/%d/%s", (int)holder->pid, file);
	return fd_write_file(AT_FDCWD, path, text, err);
}

static void maps_format(const struct json_list *maps, char text[MAP_TEXT_MAX])
{
	char *at = text;

	*at = '\0';
	for (size_t i = 0; i < maps->count; i++) {
		const struct ns_id_map *map = &JSON_ITEMS(struct ns_id_map, maps)[i];

		at += snprintf(at, (size_t)(text + MAP_TEXT_MAX - at), "%u %u %u\n",
			       map->container_id, map->host_id, map->size);
	}
}

const char *const userns_uid_helpers[] = { "/usr/bin/newuidmap", "/bin/newuidmap",
					   "/usr/local/bin/newuidmap",
					   "/run/wrappers/bin/newuidmap", NULL };
const char *const userns_gid_helpers[] = { "/usr/bin/newgidmap", "/bin/newgidmap",
					   "/usr/local/bin/newgidmap",
					   "/run/wrappers/bin/newgidmap", NULL };

static const char *find_helper(const char *const *paths)
{
	while (*paths && access(*paths, X_OK) < 0)
		paths++;
	return *paths;
}

/* Wait for a helper and take its first words of complaint. */
static int helper_finish(pid_t pid, int output, const char *program, struct err *err)
{
	char text[256] = "";
	int status = 0;
	ssize_t length = fd_read_all(output, text, sizeof(text) - 1);

	text[length > 0 ? length : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return err_sys(err, "wait for %s", program);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	err_set(err, EPERM, "run %s: %s", program, *text ? text : "it failed");
	return err_hint(err, "the ids must be delegated to you in /etc/subuid and /etc/subgid");
}

/* newuidmap PID CONTAINER HOST SIZE ...: set-user-id programs, so by absolute path, with an empty
 * environment. */
static int run_helper(const struct holder *holder, const char *const *paths,
		      const struct json_list *maps, struct err *err)
{
	const char *program = find_helper(paths);
	auto_arena struct arena arena = { 0 };
	char **argv = arena_alloc(&arena, (3 * maps->count + 3) * sizeof(*argv));
	char *const envp[] = { NULL };
	int output[2], result;
	pid_t pid;

	if (!program) {
		err_set(err, ERR_UNSUPPORTED, "map ids: %s is not installed", paths[0]);
		return err_hint(err, "install the package uidmap, or map one id, your own");
	}
	if (!argv)
		return err_sys(err, "map ids");
	argv[0] = (char *)program;
	argv[1] = arena_printf(&arena, "%d", (int)holder->pid);
	for (size_t i = 0; i < maps->count; i++) {
		const struct ns_id_map *map = &JSON_ITEMS(struct ns_id_map, maps)[i];

		argv[3 * i + 2] = arena_printf(&arena, "%u", map->container_id);
		argv[3 * i + 3] = arena_printf(&arena, "%u", map->host_id);
		argv[3 * i + 4] = arena_printf(&arena, "%u", map->size);
	}
	if (pipe2(output, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	posix_spawn_file_actions_t actions;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output[1], STDERR_FILENO);
	result = posix_spawn(&pid, program, &actions, NULL, argv, envp);
	posix_spawn_file_actions_destroy(&actions);
	close(output[1]);
	auto_close int reader = output[0];

	errno = result;
	return result ? err_sys(err, "run %s", program) : helper_finish(pid, reader, program, err);
}

static bool is_own_id(const struct json_list *maps, uint32_t own)
{
	const struct ns_id_map *map = maps->items;

	return maps->count == 1 && map->size == 1 && map->host_id == own;
}

static int write_uid_map(const struct holder *holder, const struct json_list *maps, struct err *err)
{
	char text[MAP_TEXT_MAX];

	if (!privilege_has(CAP_SETUID) && !is_own_id(maps, geteuid()))
		return run_helper(holder, userns_uid_helpers, maps, err);
	maps_format(maps, text);
	return holder_write(holder, "uid_map", text, err);
}

static int write_gid_map(const struct holder *holder, const struct json_list *maps, struct err *err)
{
	char text[MAP_TEXT_MAX];

	maps_format(maps, text);
	if (privilege_has(CAP_SETGID))
		return holder_write(holder, "gid_map", text, err);
	if (!is_own_id(maps, getegid()))
		return run_helper(holder, userns_gid_helpers, maps, err);
	/* Linux 3.19 (CVE-2014-8989): without privilege, groups must be given up before a gid map
	 * is taken */
	if (holder_write(holder, "setgroups", "deny", err) < 0)
		return -1;
	return holder_write(holder, "gid_map", text, err);
}

/* The id to start as, from a map file of the holder: 0 when it is mapped, else the first that is;
 * and which of ours it is. */
static bool first_id(const struct holder *holder, const char *file, uint32_t *id, uint32_t *host_id)
{
	char path[64], text[MAP_TEXT_MAX];
	bool found = false;

	*id = *host_id = 0;
	str_format(path, sizeof(path), "/proc/%d/%s", (int)holder->pid, file);
	if (fd_read_file(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	for (char *line = text; line && *line; line = strchr(line, '\n')) {
		char *rest;
		unsigned int first = (unsigned int)strtoul(line + (*line == '\n'), &rest, 10);

		if (first == 0 || !found) {
			*id = first;
			*host_id = (uint32_t)strtoul(rest, NULL, 10);
		}
		if (first == 0)
			return true;
		found = true;
	}
	return false;
}

static void identify(const struct holder *holder, struct userns_identity *identity)
{
	char path[64], text[16];
	bool root_uid = first_id(holder, "uid_map", &identity->uid, &identity->host_uid);
	bool root_gid = first_id(holder, "gid_map", &identity->gid, &identity->host_gid);

	identity->root_mapped = root_uid && root_gid;
	str_format(path, sizeof(path), "/proc/%d/setgroups", (int)holder->pid);
	identity->denied_groups =
		fd_read_file(AT_FDCWD, path, text, sizeof(text)) > 0 && strcmp(text, "deny") == 0;
}

int userns_create(const struct json_list *uid_maps, const struct json_list *gid_maps,
		  struct userns_identity *identity, struct err *err)
{
	auto_holder struct holder holder = HOLDER_NONE;
	char path[64];

	if (start(&holder, -1, err) < 0)
		return -1;
	if (write_uid_map(&holder, uid_maps, err) < 0 || write_gid_map(&holder, gid_maps, err) < 0)
		return err_wrap(err, "map ids of the user namespace");
	if (identity)
		identify(&holder, identity);
	str_format(path, sizeof(path), "/proc/%d/ns/user", (int)holder.pid);
	int userns = open(path, O_RDONLY | O_CLOEXEC);

	return userns >= 0 ? userns : err_sys(err, "open %s", path);
}

int userns_inspect(int userns, struct userns_identity *identity, struct err *err)
{
	auto_holder struct holder holder = HOLDER_NONE;

	if (start(&holder, userns, err) < 0)
		return -1;
	identify(&holder, identity);
	return 0;
}
