/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The driver of cgroup v1: cpuset inheritance, device lists, the freezer. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/privilege.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/devices.h"
#include "cgroup/place.h"

enum {
	FREEZE_TIMEOUT_MS = 10000,
	LIST_MAX = 4096,
};

/* A mount with the option noprefix calls its files "cpus" and "mems". */
static ssize_t read_cpuset(const char *dir, const char *file, char *text)
{
	char path[PATH_MAX];

	if (str_format(path, sizeof(path), "%s/%s", dir, file) < 0)
		return -1;
	ssize_t length = fd_read_file(AT_FDCWD, path, text, LIST_MAX);

	if (length >= 0 || errno != ENOENT)
		return length;
	str_format(path, sizeof(path), "%s/%s", dir, file + strlen("cpuset."));
	return fd_read_file(AT_FDCWD, path, text, LIST_MAX);
}

static int write_cpuset(const char *dir, const char *file, const char *text, struct err *err)
{
	char path[PATH_MAX];

	str_format(path, sizeof(path), "%s/%s", dir, file);
	if (fd_write_file(AT_FDCWD, path, text, err) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	str_format(path, sizeof(path), "%s/%s", dir, file + strlen("cpuset."));
	return fd_write_file(AT_FDCWD, path, text, err);
}

/*
 * A new cpuset is empty and takes no process (ENOSPC). Fills the directory dir[0..length) from the
 * nearest ancestor that is not empty, and those in between; `text` receives what it then holds.
 */
static int fill_cpuset(const struct cgroup_place *place, size_t length, const char *file,
		       char *text, struct err *err)
{
	char dir[PATH_MAX];

	if (str_format(dir, sizeof(dir), "%.*s", (int)length, place->dir) < 0)
		return err_sys(err, "open %s", place->dir);
	ssize_t have = read_cpuset(dir, file, text);

	if (have < 0)
		return err_sys(err, "read %s/%s", dir, file);
	if (have > 0 || length <= strlen(place->mount))
		return 0;
	do {
		length--;
	} while (place->dir[length] != '/');
	if (fill_cpuset(place, length, file, text, err) < 0)
		return -1;
	return write_cpuset(dir, file, text, err);
}

static int v1_settle(struct cgroup_place *place, uint32_t needed, struct err *err)
{
	char text[LIST_MAX];

	(void)needed;
	if (!(place->mask & CGROUP_BIT(CGROUP_CPUSET)))
		return 0;
	if (fill_cpuset(place, strlen(place->dir), "cpuset.cpus", text, err) < 0)
		return -1;
	return fill_cpuset(place, strlen(place->dir), "cpuset.mems", text, err);
}

static int v1_explain_settle(struct cgroup_place *place, uint32_t needed,
			     struct cgroup_explanation *to)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };

	(void)needed;
	for (size_t i = 0; place->mask & CGROUP_BIT(CGROUP_CPUSET) && i < 2; i++) {
		char text[LIST_MAX] = "";

		/* in most cases the parent is the mount, which always has some */
		read_cpuset(place->mount, files[i], text);
		const struct cgroup_explained row = {
			.field = "cpuset",
			.file = arena_printf(to->arena, "%s/%s", place->dir, files[i]),
			.value = arena_strdup(to->arena, text),
			.note = "from the nearest parent that has some: a new cpuset is empty",
		};

		if (!row.file || !row.value || cgroup_explain_put(to, &row) < 0)
			return -1;
	}
	return 0;
}

/* One write a line, all through one descriptor. */
static int write_exceptions(struct cgroup_place *place, const char *file,
			    const struct device_rule *exceptions, size_t count, struct err *err)
{
	auto_close int fd = openat(cgroup_place_fd(place), file, O_WRONLY | O_CLOEXEC);
	char line[DEVICE_LINE_MAX];

	if (fd < 0)
		return err_sys(err, "linux.resources.devices: open %s/%s", place->dir, file);
	for (size_t i = 0; i < count; i++) {
		device_rule_line(&exceptions[i], line);
		if (exceptions[i].access && write(fd, line, strlen(line)) < 0)
			return err_sys(err, "linux.resources.devices: write %s to %s/%s", line,
				       place->dir, file);
	}
	return 0;
}

static int v1_devices(struct cgroup_place *place, const struct device_rules *rules, bool live,
		      struct arena *arena, struct err *err)
{
	struct device_rule *exceptions =
		arena_alloc(arena, (2 * rules->count + 1) * sizeof(*exceptions));
	const char *to_default = rules->allow ? "devices.allow" : "devices.deny";
	const char *to_exception = rules->allow ? "devices.deny" : "devices.allow";
	size_t count;

	if (!exceptions)
		return err_sys(err, "read linux.resources.devices");
	if (!device_rules_flatten(rules, exceptions, &count))
		return 1;
	/* a fresh directory starts with its parent's list, so "all" is what it has if it may have
	 * it */
	if (rules->allow && !live && !count)
		return 0;
	if (cgroup_place_write(place, to_default, "a", err) < 0) {
		if (errno == EPERM && privilege_no_devices())
			return 0;
		return err_wrap(err, "linux.resources.devices");
	}
	return write_exceptions(place, to_exception, exceptions, count, err);
}

static bool v1_is_frozen(struct cgroup_place *place)
{
	char state[32];

	return place->mask & CGROUP_BIT(CGROUP_FREEZER) &&
	       cgroup_place_read(place, "freezer.state", state, sizeof(state)) > 0 &&
	       strcmp(state, "FROZEN") == 0;
}

/* A task that forks while it is being frozen can hold the state at FREEZING: going back and forth
 * lets it settle. */
static int wait_frozen(struct cgroup_place *place, struct err *err)
{
	enum { TRIES_BEFORE_THAW = 16 };
	struct cgroup_backoff backoff;
	int tries = 0;

	cgroup_backoff_start(&backoff, FREEZE_TIMEOUT_MS);
	while (!v1_is_frozen(place)) {
		if (!cgroup_backoff_wait(&backoff)) {
			cgroup_place_try(place, "freezer.state", "THAWED");
			return err_set(err, ETIMEDOUT, "freeze %s: not done after %d s", place->dir,
				       FREEZE_TIMEOUT_MS / 1000);
		}
		if (++tries % TRIES_BEFORE_THAW == 0)
			cgroup_place_try(place, "freezer.state", "THAWED");
		if (cgroup_place_write(place, "freezer.state", "FROZEN", err) < 0)
			return -1;
	}
	return 0;
}

static int v1_freeze(struct cgroup_place *place, bool frozen, struct err *err)
{
	if (!(place->mask & CGROUP_BIT(CGROUP_FREEZER)))
		return err_set(err, ERR_UNSUPPORTED,
			       "freeze %s: the freezer controller is not mounted", place->dir);
	if (cgroup_place_write(place, "freezer.state", frozen ? "FROZEN" : "THAWED", err) < 0)
		return -1;
	return frozen ? wait_frozen(place, err) : 0;
}

/*
 * v1 takes memory back when a limit is lowered below what is in use, which it refuses (EBUSY) when
 * it finds too little; it never kills for that. The limit is then put back.
 */
static int v1_reclaim(struct cgroup_place *place, uint64_t bytes, int swappiness, struct err *err)
{
	enum { LEAST = 1 << 16 };

	char limit[32], text[32];
	uint64_t usage = 0;

	if (swappiness >= 0)
		return err_set(err, ERR_UNSUPPORTED,
			       "reclaim memory of %s: cgroup v1 takes no swappiness for it",
			       place->dir);
	if (cgroup_place_read(place, "memory.limit_in_bytes", limit, sizeof(limit)) < 0 ||
	    cgroup_place_read(place, "memory.usage_in_bytes", text, sizeof(text)) < 0)
		return err_sys(err, "read %s/memory.usage_in_bytes", place->dir);
	str_parse_u64(text, &usage);
	str_format(text, sizeof(text), "%llu",
		   (unsigned long long)(usage > bytes + LEAST ? usage - bytes : LEAST));
	int result = cgroup_place_try(place, "memory.limit_in_bytes", text), failed = errno;

	if (cgroup_place_write(place, "memory.limit_in_bytes", limit, err) < 0)
		return -1;
	if (result == 0)
		return 0;
	errno = failed == EBUSY ? EAGAIN : failed;
	return err_sys(err, "reclaim %llu bytes of %s", (unsigned long long)bytes, place->dir);
}

const struct cgroup_ops cgroup_v1_ops = {
	.name = "v1",
	.knobs = &cgroup_v1_knobs,
	.counters = &cgroup_v1_counters,
	.signals = cgroup_v1_signals,
	.self_file = "tasks",
	.threads_file = "tasks",
	.oom_file = "memory.oom_control",
	.share_file = "cpu.shares",
	.least_share = "2",
	.settle = v1_settle,
	.explain_settle = v1_explain_settle,
	.devices = v1_devices,
	.freeze = v1_freeze,
	.is_frozen = v1_is_frozen,
	.reclaim = v1_reclaim,
};
