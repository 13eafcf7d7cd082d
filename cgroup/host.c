/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Discovery of the cgroup hierarchies, controller by controller, from the mount table alone: no
 * file system is asked. */
#include "cgroup/host.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "cgroup/cgroup.h"

enum {
	HIERARCHIES_MAX = 32, /* v1 cannot have more than its controllers and a few named ones */
	TEXT_FIRST_ROOM = 8192,
	TEXT_MAX = 16 << 20,
};

/* clang-format off */
static const struct {
	const char *v1, *v2;
} controller_names[CGROUP_CONTROLLERS] = {
	[CGROUP_CPU]        = { "cpu",        "cpu" },
	[CGROUP_CPUACCT]    = { "cpuacct",    NULL },
	[CGROUP_CPUSET]     = { "cpuset",     "cpuset" },
	[CGROUP_MEMORY]     = { "memory",     "memory" },
	[CGROUP_DEVICES]    = { "devices",    NULL },
	[CGROUP_FREEZER]    = { "freezer",    NULL },
	[CGROUP_BLKIO]      = { "blkio",      "io" },
	[CGROUP_PIDS]       = { "pids",       "pids" },
	[CGROUP_HUGETLB]    = { "hugetlb",    "hugetlb" },
	[CGROUP_RDMA]       = { "rdma",       "rdma" },
	[CGROUP_NET_CLS]    = { "net_cls",    NULL },
	[CGROUP_NET_PRIO]   = { "net_prio",   NULL },
	[CGROUP_PERF_EVENT] = { "perf_event", "perf_event" },
	[CGROUP_MISC]       = { "misc",       "misc" },
	[CGROUP_DMEM]       = { "dmem",       "dmem" },
};

/* clang-format on */

const char *cgroup_controller_name(enum cgroup_controller controller, bool v2)
{
	return v2 ? controller_names[controller].v2 : controller_names[controller].v1;
}

/* The controller called by these bytes, or CGROUP_CONTROLLERS. */
static enum cgroup_controller find_controller(const char *word, size_t length, bool v2)
{
	int found = 0;

	for (; found < CGROUP_CONTROLLERS; found++) {
		const char *name = cgroup_controller_name(found, v2);

		if (name && strlen(name) == length && memcmp(name, word, length) == 0)
			break;
	}
	return found;
}

uint32_t cgroup_controllers_parse(const char *list, char separator, bool v2)
{
	uint32_t mask = 0;

	while (*list) {
		const char *end = strchrnul(list, separator);
		enum cgroup_controller found = find_controller(list, (size_t)(end - list), v2);

		if (found < CGROUP_CONTROLLERS)
			mask |= CGROUP_BIT(found);
		list = *end ? end + 1 : end;
	}
	return mask;
}

/* The words of a v1 mount's options that say what it is: controllers and name=, in the kernel's
 * order. */
static const char *identity_of(const char *options, struct arena *arena)
{
	char *identity = arena_alloc(arena, strlen(options) + 1), *at = identity;

	while (identity && *options) {
		const char *end = strchrnul(options, ',');
		size_t length = (size_t)(end - options);

		if (str_starts(options, "name=") ||
		    find_controller(options, length, false) < CGROUP_CONTROLLERS) {
			if (at > identity)
				*at++ = ',';
			memcpy(at, options, length);
			at += length;
		}
		options = *end ? end + 1 : end;
	}
	return identity;
}

/* mountinfo writes space, tab, newline and backslash as \ooo. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] && from[3]) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static bool has_option(const char *options, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = options; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, word, length) == 0 && (!at[length] || at[length] == ','))
			return true;
	}
	return false;
}

/* Cuts the next word off *line; NULL at the end. */
static char *next_word(char **line)
{
	return *line ? strsep(line, " ") : NULL;
}

/*
 * One line: "id parent major:minor root mountpoint options [optional...] - type source
 * superoptions". False when it is not a cgroup mount.
 */
static bool parse_line(char *line, struct arena *arena, struct cgroup_hierarchy *hierarchy)
{
	char *tail = strstr(line, " - cgroup");

	if (!tail)
		return false;
	*tail = '\0';
	tail += strlen(" - ");
	const char *type = next_word(&tail);

	next_word(&tail); /* source: any text */
	const char *super = next_word(&tail);

	for (int skip = 0; skip < 3; skip++)
		next_word(&line);
	char *root = next_word(&line), *mount = next_word(&line);
	const char *options = next_word(&line);

	hierarchy->v2 = strcmp(type, "cgroup2") == 0;
	if (!super || !options || (!hierarchy->v2 && strcmp(type, "cgroup") != 0))
		return false;
	unescape(root);
	unescape(mount);
	hierarchy->root = root;
	hierarchy->mount = mount;
	hierarchy->own = "";
	hierarchy->read_only = has_option(options, "ro") || has_option(super, "ro");
	hierarchy->controllers = hierarchy->v2 ? "" : identity_of(super, arena);
	hierarchy->mask = hierarchy->v2 ? 0 : cgroup_controllers_parse(super, ',', false);
	return hierarchy->controllers && (hierarchy->v2 || hierarchy->controllers[0]);
}

/*
 * A hierarchy may be mounted many times (bind mounts for containers, private copies): the usual
 * place and a writable mount are better, and a later mount on the same place hides the earlier one.
 */
static bool is_better(const struct cgroup_hierarchy *new, const struct cgroup_hierarchy *old)
{
	bool usual_new = str_starts(new->mount, "/sys/fs/cgroup");
	bool usual_old = str_starts(old->mount, "/sys/fs/cgroup");

	if (strcmp(new->mount, old->mount) == 0)
		return true;
	if (usual_new != usual_old)
		return usual_new;
	return old->read_only && !new->read_only;
}

static int add(struct cgroup_host *host, const struct cgroup_hierarchy *new, struct err *err)
{
	for (size_t i = 0; i < host->count; i++) {
		struct cgroup_hierarchy *old = &host->hierarchies[i];

		if (old->v2 != new->v2 || strcmp(old->controllers, new->controllers) != 0)
			continue;
		if (is_better(new, old))
			*old = *new;
		return 0;
	}
	if (host->count == HIERARCHIES_MAX)
		return err_set(err, ERR_UNSUPPORTED,
			       "read /proc/self/mountinfo: over %d cgroup hierarchies",
			       HIERARCHIES_MAX);
	host->hierarchies[host->count++] = *new;
	return 0;
}

/* v2 last: what it answers for depends on what the v1 hierarchies hold. */
static void move_v2_last(struct cgroup_host *host)
{
	for (size_t i = 0; i + 1 < host->count; i++) {
		struct cgroup_hierarchy moved = host->hierarchies[i];

		if (!moved.v2)
			continue;
		memmove(&host->hierarchies[i], &host->hierarchies[i + 1],
			(host->count - i - 1) * sizeof(moved));
		host->hierarchies[host->count - 1] = moved;
		return;
	}
}

int cgroup_host_parse(char *mountinfo, struct arena *arena, struct cgroup_host *host,
		      struct err *err)
{
	host->count = 0;
	host->hierarchies = arena_alloc(arena, HIERARCHIES_MAX * sizeof(*host->hierarchies));
	if (!host->hierarchies)
		return err_sys(err, "read /proc/self/mountinfo");
	while (mountinfo && *mountinfo) {
		struct cgroup_hierarchy found = { 0 };

		if (parse_line(strsep(&mountinfo, "\n"), arena, &found) &&
		    add(host, &found, err) < 0)
			return -1;
	}
	move_v2_last(host);
	return 0;
}

/* Two spellings of the same set of controllers: mount options and /proc/self/cgroup may differ in
 * order. */
static bool is_same(const struct cgroup_hierarchy *hierarchy, const char *controllers)
{
	if (hierarchy->v2 || !hierarchy->mask)
		return strcmp(hierarchy->controllers, controllers) == 0;
	return hierarchy->mask == cgroup_controllers_parse(controllers, ',', false);
}

void cgroup_host_locate(char *self_cgroup, struct cgroup_host *host)
{
	while (self_cgroup && *self_cgroup) {
		char *path = strsep(&self_cgroup, "\n");

		strsep(&path, ":"); /* the hierarchy's number */
		const char *controllers = strsep(&path, ":");

		if (!path)
			continue;
		if (str_ends(path, " (deleted)"))
			path[strlen(path) - strlen(" (deleted)")] = '\0';
		for (size_t i = 0; i < host->count; i++) {
			if (is_same(&host->hierarchies[i], controllers))
				host->hierarchies[i].own = path;
		}
	}
}

const char *cgroup_host_own_dir(const struct cgroup_hierarchy *hierarchy, struct arena *arena)
{
	size_t root = strcmp(hierarchy->root, "/") == 0 ? 0 : strlen(hierarchy->root);
	const char *own = hierarchy->own;

	if (strncmp(own, hierarchy->root, root) != 0 || (own[root] && own[root] != '/'))
		return NULL;
	own += root;
	return arena_printf(arena, "%s%s", hierarchy->mount, strcmp(own, "/") == 0 ? "" : own);
}

bool cgroup_host_knows(const char *proc_cgroups, const char *controller)
{
	size_t length = strlen(controller);

	for (const char *line = proc_cgroups; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		const char *end = strchrnul(line, '\n');

		/* "name \t hierarchy \t cgroups \t enabled" */
		if (strncmp(line, controller, length) == 0 && line[length] == '\t')
			return end[-1] == '1';
	}
	return false;
}

char *cgroup_read_text(const char *path, struct arena *arena, struct err *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	auto_free char *text = NULL;
	size_t length = 0;

	if (fd < 0) {
		err_sys(err, "open %s", path);
		return NULL;
	}
	for (size_t room = TEXT_FIRST_ROOM; room <= TEXT_MAX; room *= 2) {
		char *larger = realloc(text, room);
		ssize_t got = -1;

		if (larger) {
			text = larger;
			got = fd_read_all(fd, text + length, room - length);
		}
		if (got < 0) {
			err_sys(err, "read %s", path);
			return NULL;
		}
		length += (size_t)got;
		if (length < room)
			return arena_strndup(arena, text, length);
	}
	err_set(err, EFBIG, "read %s: larger than 16 MiB", path);
	return NULL;
}

int cgroup_host_read(struct arena *arena, struct cgroup_host *host, struct err *err)
{
	char *mountinfo = cgroup_read_text("/proc/self/mountinfo", arena, err);

	return mountinfo ? cgroup_host_parse(mountinfo, arena, host, err) : -1;
}

int cgroup_host_read_own(struct arena *arena, struct cgroup_host *host, struct err *err)
{
	char *self_cgroup = cgroup_read_text("/proc/self/cgroup", arena, err);

	if (!self_cgroup)
		return -1;
	cgroup_host_locate(self_cgroup, host);
	return 0;
}

int cgroup_host_support(struct arena *arena, struct cgroup_support *support, struct err *err)
{
	struct cgroup_host host = { 0 };

	*support = (struct cgroup_support){ 0 };
	if (cgroup_host_read(arena, &host, err) < 0)
		return -1;
	for (size_t i = 0; i < host.count; i++) { /* v2 is the last one */
		const struct cgroup_hierarchy *hierarchy = &host.hierarchies[i];

		if (hierarchy->read_only)
			continue;
		if (!hierarchy->v2) {
			support->v1 |= hierarchy->mask;
			continue;
		}
		const char *path = arena_printf(arena, "%s/cgroup.controllers", hierarchy->mount);
		char *list = path ? cgroup_read_text(path, arena, err) : NULL;

		if (!list)
			return -1;
		list[strcspn(list, "\n")] = '\0';
		support->v2 = cgroup_controllers_parse(list, ' ', true) & ~support->v1;
		support->v2 |= CGROUP_BIT(CGROUP_CORE);
	}
	return 0;
}

void cgroup_host_kinds(bool *v1, bool *v2)
{
	auto_arena struct arena arena = { 0 };
	struct cgroup_host host = { 0 };

	*v1 = *v2 = false;
	if (cgroup_host_read(&arena, &host, NULL) < 0)
		return;
	for (size_t i = 0; i < host.count; i++) {
		*v1 |= !host.hierarchies[i].v2;
		*v2 |= host.hierarchies[i].v2;
	}
}
