/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* linux.intelRdt: classes of service and monitoring groups in /sys/fs/resctrl
 * (Documentation/filesystems/resctrl.rst). */
#include "cgroup/resctrl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "cgroup/cgroup.h"

#ifndef RDTGROUP_SUPER_MAGIC
#define RDTGROUP_SUPER_MAGIC 0x7655821
#endif

enum {
	SCHEMATA_MAX = 16384,
	LINE_MAX_LENGTH = 1024,
	STATUS_MAX = 160,
};

/* clang-format off */
static const struct json_row rdt_rows[] = {
	{ "closID",           JSON_TEXT,  offsetof(struct cgroup_rdt_spec, clos_id), .flags = JSON_CLEAN },
	{ "l3CacheSchema",    JSON_TEXT,  offsetof(struct cgroup_rdt_spec, l3_cache_schema) },
	{ "memBwSchema",      JSON_TEXT,  offsetof(struct cgroup_rdt_spec, mem_bw_schema) },
	{ "schemata",         JSON_TEXTS, offsetof(struct cgroup_rdt_spec, schemata) },
	{ "enableMonitoring", JSON_BOOL,  offsetof(struct cgroup_rdt_spec, enable_monitoring) },
};
const struct json_object cgroup_rdt_object = {
	.rows = rdt_rows,
	.row_count = sizeof(rdt_rows) / sizeof(rdt_rows[0]),
	.size = sizeof(struct cgroup_rdt_spec),
	.present = offsetof(struct cgroup_rdt_spec, present) + 1,
};

static const struct json_row rdt_state_rows[] = {
	{ "group",   JSON_TEXT, offsetof(struct cgroup_rdt_state, group) },
	{ "monitor", JSON_TEXT, offsetof(struct cgroup_rdt_state, monitor) },
};
/* clang-format on */
const struct json_object cgroup_rdt_state_object =
	JSON_OBJECT_OF(struct cgroup_rdt_state, rdt_state_rows);

int cgroup_rdt_check(const struct cgroup_rdt_spec *spec, struct err *err)
{
	const char *clos = spec->clos_id, *bandwidth = spec->mem_bw_schema;
	const char *const *lines = spec->schemata.items;

	if (!spec->present)
		return 0;
	if (clos && strcmp(clos, "/") != 0 &&
	    (!*clos || strchr(clos, '/') || strcmp(clos, ".") == 0 || strcmp(clos, "..") == 0))
		return err_set(err, ERR_INPUT,
			       "linux.intelRdt.closID: \"%s\" is not a directory name", clos);
	if (bandwidth && (!str_starts(bandwidth, "MB:") || strchr(bandwidth, '\n')))
		return err_set(err, ERR_INPUT,
			       "linux.intelRdt.memBwSchema: is not one line that begins with MB:");
	for (size_t i = 0; i < spec->schemata.count; i++) {
		if (strchr(lines[i], '\n') || !strchr(lines[i], ':'))
			return err_set(err, ERR_INPUT,
				       "linux.intelRdt.schemata[%zu]: is not one line such as "
				       "\"L3:0=ff\"",
				       i);
	}
	return 0;
}

/* The group's directory below the root. */
static const char *group_name(const struct cgroup_rdt_spec *spec, const char *id)
{
	if (!spec->clos_id)
		return id;
	return strcmp(spec->clos_id, "/") == 0 ? "." : spec->clos_id;
}

static int monitor_name(const struct cgroup_rdt_spec *spec, const char *id, char *path, size_t size,
			struct err *err)
{
	if (str_format(path, size, "%s/mon_groups/%s", group_name(spec, id), id) < 0)
		return err_sys(err, "make resctrl group %s", id);
	return 0;
}

static bool has_schema(const struct cgroup_rdt_spec *spec)
{
	return spec->l3_cache_schema || spec->mem_bw_schema || spec->schemata.count;
}

int resctrl_plan_at(int root, const struct cgroup_rdt_spec *spec, const char *id,
		    struct arena *arena, struct cgroup_rdt_state *state, struct err *err)
{
	char monitor[PATH_MAX];

	*state = (struct cgroup_rdt_state){ 0 };
	if (!spec->present)
		return 0;
	if (spec->clos_id && !has_schema(spec) &&
	    faccessat(root, group_name(spec, id), F_OK, 0) < 0)
		return err_set(
			err, ERR_INPUT,
			"linux.intelRdt.closID: %s/%s does not exist, and there is no schema "
			"to make it with",
			RESCTRL_ROOT, spec->clos_id);
	/* a named class may serve others: only one that carries our id is ours to remove */
	if (!spec->clos_id)
		state->group = arena_printf(arena, "%s/%s", RESCTRL_ROOT, id);
	if (!spec->clos_id && !state->group)
		return err_sys(err, "plan resctrl group %s", id);
	if (!spec->enable_monitoring)
		return 0;
	if (monitor_name(spec, id, monitor, sizeof(monitor), err) < 0)
		return -1;
	state->monitor = arena_printf(arena, "%s/%s", RESCTRL_ROOT, monitor);
	return state->monitor ? 0 : err_sys(err, "plan resctrl group %s", monitor);
}

/* resctrl tells the reason of a refusal in a file of its own. */
static int explain(int root, struct err *err, const char *doing)
{
	char status[STATUS_MAX];

	err_sys(err, "linux.intelRdt: %s", doing);
	if (fd_read_file(root, "info/last_cmd_status", status, sizeof(status)) > 0 &&
	    strcmp(status, "ok") != 0)
		err_hint(err, "resctrl says: %s", status);
	return -1;
}

static int write_line(int root, int group, const char *line, struct err *err)
{
	auto_close int fd = openat(group, "schemata", O_WRONLY | O_CLOEXEC);
	char text[LINE_MAX_LENGTH];

	if (fd < 0)
		return err_sys(err, "linux.intelRdt: open schemata");
	if (str_format(text, sizeof(text), "%s\n", line) < 0)
		return err_sys(err, "linux.intelRdt: write %.60s... to schemata", line);
	if (write(fd, text, strlen(text)) >= 0)
		return 0;
	str_format(text, sizeof(text), "write %.200s to schemata", line);
	return explain(root, err, text);
}

/* The line of a resource ("L3:...") in the kernel's text, copied; false when there is none. */
static bool find_line(const char *schemata, const char *wanted, char line[LINE_MAX_LENGTH])
{
	size_t name = strcspn(wanted, ":") + 1;

	for (const char *at = schemata; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		at += strspn(at, " ");
		if (strncmp(at, wanted, name) == 0)
			return str_format(line, LINE_MAX_LENGTH, "%.*s", (int)strcspn(at, "\n"),
					  at) == 0;
	}
	return false;
}

/* "0=00ff" and "0=ff" are the same mask: compares behind the sign without leading zeros and spaces.
 */
static bool same_value(const char *left, const char *right)
{
	left += strspn(left, " 0");
	right += strspn(right, " 0");
	return strcasecmp(left, right) == 0;
}

/* Looks up the domain of "0=ff" in "L3:0=ff;1=f0" and compares. The have text is cut up. */
static bool has_domain(char *have, const char *domain)
{
	char *rest = strchr(have, ':');
	size_t name = strcspn(domain, "=") + 1;

	if (!rest)
		return false;
	rest++;
	for (const char *part; (part = strsep(&rest, ";"));) {
		part += strspn(part, " ");
		if (strncmp(part, domain, name) == 0)
			return same_value(part + name, domain + name);
	}
	return false;
}

/* Every domain that the line names has that value already. */
static bool is_in_force(const char *schemata, const char *wanted)
{
	char copy[LINE_MAX_LENGTH], have[LINE_MAX_LENGTH],
		*rest = strchr(wanted, ':') ? copy : NULL;

	if (!rest || str_format(copy, sizeof(copy), "%s", strchr(wanted, ':') + 1) < 0)
		return false;
	for (const char *domain; (domain = strsep(&rest, ";"));) {
		domain += strspn(domain, " ");
		if (!find_line(schemata, wanted, have) || !has_domain(have, domain))
			return false;
	}
	return true;
}

/* What to do with each line that the spec asks for. */
struct line_visitor {
	int root, group;
	const char *schemata; /* compare with this, or NULL: write */
};

static int visit_line(const struct line_visitor *visitor, const char *line, struct err *err)
{
	if (!visitor->schemata)
		return write_line(visitor->root, visitor->group, line, err);
	if (is_in_force(visitor->schemata, line))
		return 0;
	return err_set(err, ERR_INPUT,
		       "linux.intelRdt: the class of closID exists, and its schemata do not say %s",
		       line);
}

/* l3CacheSchema line by line (its MB lines give way to memBwSchema), memBwSchema, then schemata. */
static int visit_lines(const struct line_visitor *visitor, const struct cgroup_rdt_spec *spec,
		       struct err *err)
{
	const char *const *lines = spec->schemata.items;

	for (const char *at = spec->l3_cache_schema; at && *at;) {
		size_t length = strcspn(at, "\n");
		char line[LINE_MAX_LENGTH];

		if (str_format(line, sizeof(line), "%.*s", (int)length, at) < 0)
			return err_sys(err, "linux.intelRdt.l3CacheSchema");
		at += length + (at[length] == '\n');
		if (!length || (spec->mem_bw_schema && str_starts(line, "MB:")))
			continue;
		if (visit_line(visitor, line, err) < 0)
			return -1;
	}
	if (spec->mem_bw_schema && visit_line(visitor, spec->mem_bw_schema, err) < 0)
		return -1;
	for (size_t i = 0; i < spec->schemata.count; i++) {
		if (visit_line(visitor, lines[i], err) < 0)
			return -1;
	}
	return 0;
}

int resctrl_create_at(int root, const struct cgroup_rdt_spec *spec,
		      const struct cgroup_rdt_state *state, const char *id, struct err *err)
{
	const char *name = group_name(spec, id);
	char schemata[SCHEMATA_MAX], monitor[PATH_MAX];

	if (!spec->present)
		return 0;
	bool existed = strcmp(name, ".") == 0 || (mkdirat(root, name, 0755) < 0 && errno == EEXIST);
	auto_close int group = openat(root, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (group < 0)
		return explain(root, err, "make a group");
	struct line_visitor visitor = { .root = root, .group = group };

	if (existed && spec->clos_id && has_schema(spec)) {
		if (fd_read_file(group, "schemata", schemata, sizeof(schemata)) < 0)
			return err_sys(err, "linux.intelRdt: read schemata");
		visitor.schemata = schemata;
	}
	if (visit_lines(&visitor, spec, err) < 0)
		return -1;
	if (!state->monitor)
		return 0;
	if (monitor_name(spec, id, monitor, sizeof(monitor), err) < 0)
		return -1;
	if (mkdirat(root, monitor, 0755) < 0 && errno != EEXIST)
		return explain(root, err, "make a monitoring group");
	return 0;
}

static int enter_group(int root, const char *name, pid_t pid, struct err *err)
{
	char path[PATH_MAX], text[24];

	str_format(text, sizeof(text), "%d", (int)pid);
	if (str_format(path, sizeof(path), "%s/tasks", name) < 0)
		return err_sys(err, "linux.intelRdt: open %s", name);
	return fd_write_file(root, path, text, err) < 0 ? err_wrap(err, "linux.intelRdt") : 0;
}

int resctrl_enter_at(int root, const struct cgroup_rdt_spec *spec, const char *id, pid_t pid,
		     struct err *err)
{
	char monitor[PATH_MAX];

	if (!spec->present)
		return 0;
	if (enter_group(root, group_name(spec, id), pid, err) < 0)
		return -1;
	if (!spec->enable_monitoring)
		return 0;
	if (monitor_name(spec, id, monitor, sizeof(monitor), err) < 0)
		return -1;
	return enter_group(root, monitor, pid, err);
}

static int remove_group(int root, const char *path, struct err *err)
{
	if (!path || !str_starts(path, RESCTRL_ROOT "/"))
		return 0;
	if (unlinkat(root, path + strlen(RESCTRL_ROOT "/"), AT_REMOVEDIR) < 0 && errno != ENOENT)
		return err_sys(err, "remove resctrl group %s", path);
	return 0;
}

int resctrl_destroy_at(int root, const struct cgroup_rdt_state *state, struct err *err)
{
	int result = remove_group(root, state->monitor, err);

	return remove_group(root, state->group, result < 0 ? NULL : err) < 0 ? -1 : result;
}

static int open_root(struct err *err)
{
	auto_close int root = open(RESCTRL_ROOT, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (root >= 0 && fstatfs(root, &fs) == 0 && fs.f_type == RDTGROUP_SUPER_MAGIC)
		return take_fd(&root);
	err_set(err, ERR_UNSUPPORTED, "linux.intelRdt: no resctrl file system on %s", RESCTRL_ROOT);
	return err_hint(err, "it needs a CPU with RDT or similar, and: mount -t resctrl resctrl %s",
			RESCTRL_ROOT);
}

int cgroup_rdt_plan(const struct cgroup_rdt_spec *spec, const char *id, struct arena *arena,
		    struct cgroup_rdt_state *state, struct err *err)
{
	*state = (struct cgroup_rdt_state){ 0 };
	if (!spec->present)
		return 0;
	auto_close int root = open_root(err);

	return root < 0 ? -1 : resctrl_plan_at(root, spec, id, arena, state, err);
}

int cgroup_rdt_create(const struct cgroup_rdt_spec *spec, const struct cgroup_rdt_state *state,
		      const char *id, struct err *err)
{
	if (!spec->present)
		return 0;
	auto_close int root = open_root(err);

	return root < 0 ? -1 : resctrl_create_at(root, spec, state, id, err);
}

int cgroup_rdt_enter(const struct cgroup_rdt_spec *spec, const struct cgroup_rdt_state *state,
		     const char *id, pid_t pid, struct err *err)
{
	(void)state;
	if (!spec->present)
		return 0;
	auto_close int root = open_root(err);

	return root < 0 ? -1 : resctrl_enter_at(root, spec, id, pid, err);
}

int cgroup_rdt_destroy(const struct cgroup_rdt_state *state, struct err *err)
{
	if (!state->group && !state->monitor)
		return 0;
	/* not mounted any more: its groups have gone with it */
	auto_close int root = open_root(NULL);

	return root < 0 ? 0 : resctrl_destroy_at(root, state, err);
}

int cgroup_rdt_stats_read(const struct cgroup_rdt_state *state, struct arena *arena,
			  struct cgroup_rdt_stats **stats, struct err *err)
{
	*stats = NULL;
	if (!state->group && !state->monitor)
		return 0;
	auto_close int root = open_root(NULL);

	if (root < 0)
		return 0;
	*stats = arena_alloc(arena, sizeof(**stats));
	if (!*stats)
		return err_sys(err, "read statistics of %s", RESCTRL_ROOT);
	return resctrl_stats_at(root, state, arena, *stats, err);
}

bool cgroup_rdt_available(void)
{
	auto_close int root = open_root(NULL);

	return root >= 0;
}
