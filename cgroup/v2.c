/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The driver of cgroup v2: controllers enabled down the path, events, cgroup.kill, delegation. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/privilege.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/devices.h"
#include "cgroup/place.h"
#include "cgroup/resources.h"

enum {
	EVENT_TIMEOUT_MS = 10000,
	ENABLE_TIMEOUT_MS = 1000,
	LIST_MAX = 512,
	FILE_TEXT_MAX = 4096,
};

/* Enabled wherever there is a choice: statistics of these are expected even where nothing is
 * limited. */
static const uint32_t standard_controllers = CGROUP_BIT(CGROUP_CPU) | CGROUP_BIT(CGROUP_CPUSET) |
					     CGROUP_BIT(CGROUP_MEMORY) | CGROUP_BIT(CGROUP_BLKIO) |
					     CGROUP_BIT(CGROUP_PIDS);

static uint32_t read_controllers(int dir, const char *path)
{
	char text[LIST_MAX];

	if (fd_read_file(dir, path, text, sizeof(text)) < 0)
		return 0;
	return cgroup_controllers_parse(text, ' ', true);
}

/* "+memory +pids" for subtree_control. */
static void controllers_text(uint32_t mask, char text[LIST_MAX])
{
	size_t length = 0;

	text[0] = '\0';
	for (int controller = 0; controller < CGROUP_CORE; controller++) {
		const char *name = cgroup_controller_name(controller, true);

		if (name && mask & CGROUP_BIT(controller))
			length += (size_t)snprintf(text + length, LIST_MAX - length, "%s+%s",
						   length ? " " : "", name);
	}
}

/* What only works for whole processes: everything but these can be split among threads. */
static const uint32_t threaded_controllers = CGROUP_BIT(CGROUP_CPU) | CGROUP_BIT(CGROUP_CPUSET) |
					     CGROUP_BIT(CGROUP_PIDS) |
					     CGROUP_BIT(CGROUP_PERF_EVENT);

/*
 * A cgroup with processes cannot hand controllers down (EBUSY), so they move to a leaf. That is
 * "init" at the root of a nested host (a container's own cgroup namespace), as other nested engines
 * do, and CGROUP_LEAF in a group.
 */
static int move_to_leaf(int dir, const char *name, struct err *err)
{
	auto_close int leaf = -1, procs = -1;
	struct cgroup_pid_list list = { 0 };

	if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		return err_sys(err, "make cgroup %s for the processes", name);
	leaf = openat(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	procs = leaf < 0 ? -1 : openat(leaf, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (procs < 0 || cgroup_dir_tasks(dir, "cgroup.procs", &list) < 0) {
		free(list.items);
		return err_sys(err, "open cgroup %s", name);
	}
	for (size_t i = 0; i < list.count; i++) {
		char text[24];

		/* one that has gone needs no move, and one that stays is seen when enabling fails
		 */
		str_format(text, sizeof(text), "%d", (int)list.items[i]);
		if (write(procs, text, strlen(text)) < 0)
			log_debug("move process %s to %s: %s", text, name, strerror(errno));
	}
	free(list.items);
	return 0;
}

static int enable(int dir, uint32_t mask, struct err *err)
{
	char text[LIST_MAX];

	controllers_text(mask, text);
	return fd_write_file(dir, "cgroup.subtree_control", text, err);
}

/* Whoever forks while the processes move leaves a child behind, and the kernel lets go of one that
 * exits a moment later: round after round. */
static int enable_above_leaf(int dir, const char *leaf, uint32_t wanted, struct err *err)
{
	struct cgroup_backoff backoff;

	cgroup_backoff_start(&backoff, ENABLE_TIMEOUT_MS);
	do {
		if (move_to_leaf(dir, leaf, err) < 0)
			return -1;
		if (enable(dir, wanted, NULL) == 0)
			return 0;
	} while (errno == EBUSY && cgroup_backoff_wait(&backoff));
	return 1;
}

/* Why a controller that is needed could not be handed down. */
static int explain_enable(int failed, enum cgroup_controller controller, struct err *err)
{
	if (failed == EBUSY)
		err_hint(err,
			 "cgroup v2 limits no directory that has processes beside others: move "
			 "them to one below it");
	if (failed == EINVAL && controller == CGROUP_CPU)
		err_hint(err, "a real-time process lives outside the root cgroup, and this kernel "
			      "has real-time groups");
	if (failed == EOPNOTSUPP)
		err_hint(err, "in a threaded cgroup only cpu, cpuset, pids and perf_event work");
	if (failed == ENOENT)
		err_hint(err, "the directory above does not hand it down, see its "
			      "cgroup.subtree_control");
	return -1;
}

/* Enables `wanted` below one directory; only a controller in `needed` may fail it. `leaf` (or NULL)
 * is where processes that are in the way may go. */
static int enable_level(int dir, const char *leaf, uint32_t wanted, uint32_t needed,
			struct err *err)
{
	/* above what was delegated to us nothing can be written, and need not be */
	wanted &= ~read_controllers(dir, "cgroup.subtree_control");
	if (!wanted || enable(dir, wanted, NULL) == 0)
		return 0;
	if (errno == EBUSY && leaf && needed && faccessat(dir, "cgroup.type", F_OK, 0) == 0) {
		int moved = enable_above_leaf(dir, leaf, wanted, err);

		if (moved <= 0)
			return moved;
	}
	for (int controller = 0; controller < CGROUP_CORE; controller++) {
		uint32_t bit = CGROUP_BIT(controller);

		if (!(wanted & bit) || enable(dir, bit, err) == 0)
			continue;
		if (needed & bit)
			return explain_enable(errno, (enum cgroup_controller)controller, err);
	}
	return 0;
}

/* A directory made below a threaded one belongs to nobody until it is threaded, too: no process can
 * live there, and only threads of the processes above it could. */
static int refuse_invalid_domain(struct cgroup_place *place, struct err *err)
{
	char type[32] = "";

	if (place->threaded || cgroup_place_read(place, "cgroup.type", type, sizeof(type)) < 0 ||
	    strcmp(type, "domain invalid") != 0)
		return 0;
	err_set(err, EOPNOTSUPP, "use cgroup %s: it lies below a threaded cgroup", place->dir);
	return err_hint(err, "whole processes live beside such a tree, not in it");
}

/*
 * A controller works in a directory only when every directory above hands it down. The usual case
 * is one read: the parent does already.
 */
static int v2_settle(struct cgroup_place *place, uint32_t needed, struct err *err)
{
	uint32_t wanted = (needed | standard_controllers) & place->mask & ~CGROUP_BIT(CGROUP_CORE);
	const char *below = place->in_group && !place->threaded ? CGROUP_LEAF : NULL;
	char path[PATH_MAX];
	size_t mount = strlen(place->mount);

	if (place->threaded)
		wanted &= threaded_controllers;
	if (!wanted)
		return 0;
	if (cgroup_place_fd(place) < 0)
		return err_sys(err, "open %s", place->dir);
	wanted &= ~read_controllers(place->fd, "cgroup.controllers");
	if (!wanted)
		return 0;
	if (refuse_invalid_domain(place, err) < 0)
		return -1;
	if (str_format(path, sizeof(path), "%s/cgroup.controllers", place->mount) < 0)
		return err_sys(err, "open %s", place->mount);
	wanted &= read_controllers(AT_FDCWD, path);
	needed &= wanted;
	for (const char *slash = place->dir + mount; wanted && slash;
	     slash = strchr(slash + 1, '/')) {
		if (str_format(path, sizeof(path), "%.*s", (int)(slash - place->dir), place->dir) <
		    0)
			return err_sys(err, "open %s", place->dir);
		auto_close int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (dir < 0)
			return err_sys(err, "open %s", path);
		if (enable_level(dir, slash == place->dir + mount ? "init" : below, wanted, needed,
				 err) < 0)
			return err_wrap(err, "enable controllers below %s", path);
	}
	return 0;
}

static int v2_explain_settle(struct cgroup_place *place, uint32_t needed,
			     struct cgroup_explanation *to)
{
	uint32_t wanted = (needed | standard_controllers) & place->mask & ~CGROUP_BIT(CGROUP_CORE);
	char path[PATH_MAX], text[LIST_MAX];
	size_t mount = strlen(place->mount);

	if (str_format(path, sizeof(path), "%s/cgroup.controllers", place->mount) < 0)
		return -1;
	wanted &= read_controllers(AT_FDCWD, path);
	for (const char *slash = place->dir + mount; slash; slash = strchr(slash + 1, '/')) {
		if (str_format(path, sizeof(path), "%.*s/cgroup.subtree_control",
			       (int)(slash - place->dir), place->dir) < 0)
			return -1;
		uint32_t missing = wanted & ~read_controllers(AT_FDCWD, path);

		if (!missing)
			continue;
		controllers_text(missing, text);
		const struct cgroup_explained row = {
			.field = "controllers",
			.file = arena_strdup(to->arena, path),
			.value = arena_strdup(to->arena, text),
			.note = needed & missing ? "for the limits below"
						 : "for statistics; may fail",
		};

		if (!row.file || !row.value || cgroup_explain_put(to, &row) < 0)
			return -1;
	}
	return 0;
}

static int v2_devices(struct cgroup_place *place, const struct device_rules *rules, bool live,
		      struct arena *arena, struct err *err)
{
	int dir = cgroup_place_fd(place);

	if (dir < 0)
		return err_sys(err, "open %s", place->dir);
	if (rules->allow && !rules->count)
		return live ? device_program_detach(dir, err) : 0;
	if (device_program_attach(dir, rules, live, arena, err) == 0)
		return 0;
	return errno == EPERM && privilege_no_devices() ? 0 : -1;
}

static int v2_forget_devices(struct cgroup_place *place, struct err *err)
{
	int dir = cgroup_place_fd(place);

	return dir < 0 ? err_sys(err, "open %s", place->dir) : device_program_detach(dir, err);
}

/*
 * Waits until cgroup.events says "KEY value". The file is pollable: every change wakes us once, so
 * it is read again until it says so. A directory that goes away has nothing left in it.
 */
static int wait_event(struct cgroup_place *place, const char *key, uint64_t value)
{
	int dir = cgroup_place_fd(place);
	auto_close int fd = dir < 0 ? -1 : openat(dir, "cgroup.events", O_RDONLY | O_CLOEXEC);
	int64_t end = cgroup_clock_ms() + EVENT_TIMEOUT_MS;
	struct pollfd event = { .fd = fd, .events = POLLPRI };

	if (fd < 0)
		return errno == ENOENT || errno == ENODEV ? 0 : -1;
	for (;;) {
		char text[256];
		uint64_t now;
		ssize_t length = pread(fd, text, sizeof(text) - 1, 0);

		if (length < 0)
			return errno == ENODEV ? 0 : -1;
		text[length] = '\0';
		if (cgroup_read_key(text, key, &now) && now == value)
			return 0;
		int64_t left = end - cgroup_clock_ms();

		if (left <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (poll(&event, 1, (int)left) < 0 && errno != EINTR)
			return -1;
	}
}

static int v2_freeze(struct cgroup_place *place, bool frozen, struct err *err)
{
	if (cgroup_place_write(place, "cgroup.freeze", frozen ? "1" : "0", err) < 0)
		return -1;
	if (wait_event(place, "frozen", frozen) == 0)
		return 0;
	err_sys(err, "%s %s", frozen ? "freeze" : "thaw", place->dir);
	if (frozen)
		cgroup_place_try(place, "cgroup.freeze", "0");
	return -1;
}

/* A value of cgroup.events; `unknown` where it cannot be read. */
static uint64_t read_event(struct cgroup_place *place, const char *key, uint64_t unknown)
{
	char text[256];
	uint64_t value = unknown;

	if (cgroup_place_read(place, "cgroup.events", text, sizeof(text)) > 0)
		cgroup_read_key(text, key, &value);
	return value;
}

static bool v2_is_frozen(struct cgroup_place *place)
{
	return read_event(place, "frozen", 0) != 0;
}

static int v2_kill(struct cgroup_place *place, struct err *err)
{
	if (read_event(place, "populated", 1) == 0)
		return 0; /* the usual case when a container has ended */
	if (cgroup_place_try(place, "cgroup.kill", "1") < 0) {
		/* before 5.14 there is no such file; a threaded cgroup refuses */
		if (errno == ENOENT || errno == EOPNOTSUPP)
			return 1;
		return err_sys(err, "write 1 to %s/cgroup.kill", place->dir);
	}
	if (wait_event(place, "populated", 0) == 0)
		return 0;
	return err_sys(err, "kill the processes of %s", place->dir);
}

static uint64_t read_number(struct cgroup_place *place, const char *file)
{
	char text[32];
	uint64_t value = 0;

	if (cgroup_place_read(place, file, text, sizeof(text)) > 0)
		str_parse_u64(text, &value);
	return value;
}

/* v1 refuses such a limit by itself; v2 would kill until it fits. */
static int v2_check_update(struct cgroup_place *place, const struct cgroup_resources *resources,
			   struct err *err)
{
	const struct cgroup_memory *memory = &resources->memory;
	uint64_t used = read_number(place, "memory.current");

	if (!memory->check_before_update.value)
		return 0;
	if (memory->limit.value > 0 && (uint64_t)memory->limit.value <= used)
		return err_set(
			err, EBUSY,
			"linux.resources.memory.limit: %lld is not above the %llu bytes in use",
			(long long)memory->limit.value, (unsigned long long)used);
	if (memory->swap.value > 0)
		used += read_number(place, "memory.swap.current");
	if (memory->swap.value > 0 && (uint64_t)memory->swap.value <= used)
		return err_set(
			err, EBUSY,
			"linux.resources.memory.swap: %lld is not above the %llu bytes in use",
			(long long)memory->swap.value, (unsigned long long)used);
	return 0;
}

/* The directory and the files that the kernel names as safe to give away; what does not exist is no
 * error. */
static int v2_delegate(struct cgroup_place *place, uid_t uid, gid_t gid, struct err *err)
{
	static const char usual[] = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads";
	char list[FILE_TEXT_MAX], *rest = list;
	int dir = cgroup_place_fd(place);

	if (dir < 0 || fchownat(dir, "", uid, gid, AT_EMPTY_PATH) < 0)
		return err_sys(err, "change the owner of %s", place->dir);
	if (fd_read_file(AT_FDCWD, "/sys/kernel/cgroup/delegate", list, sizeof(list)) < 0)
		memcpy(list, usual, sizeof(usual));
	for (const char *file; (file = strsep(&rest, "\n"));) {
		if (*file && !strchr(file, '/') && fchownat(dir, file, uid, gid, 0) < 0 &&
		    errno != ENOENT)
			return err_sys(err, "change the owner of %s/%s", place->dir, file);
	}
	return 0;
}

/* Since 5.19; the key swappiness since 6.10. */
static int v2_reclaim(struct cgroup_place *place, uint64_t bytes, int swappiness, struct err *err)
{
	char text[64];

	str_format(text, sizeof(text), swappiness < 0 ? "%llu" : "%llu swappiness=%d",
		   (unsigned long long)bytes, swappiness);
	if (cgroup_place_try(place, "memory.reclaim", text) == 0)
		return 0;
	if (errno == ENOENT)
		return err_set(err, ERR_UNSUPPORTED,
			       "reclaim memory of %s: this kernel has no memory.reclaim",
			       place->dir);
	if (errno == EINVAL && swappiness >= 0)
		return err_set(err, ERR_UNSUPPORTED,
			       "reclaim memory of %s: this kernel takes no swappiness for it",
			       place->dir);
	return err_sys(err, "reclaim %llu bytes of %s", (unsigned long long)bytes, place->dir);
}

const struct cgroup_ops cgroup_v2_ops = {
	.name = "v2",
	.knobs = &cgroup_v2_knobs,
	.counters = &cgroup_v2_counters,
	.signals = cgroup_v2_signals,
	.self_file = "cgroup.procs",
	.threads_file = "cgroup.threads",
	.oom_file = "memory.events",
	.share_file = "cpu.weight",
	.least_share = "1",
	.whole = true,
	.settle = v2_settle,
	.explain_settle = v2_explain_settle,
	.devices = v2_devices,
	.forget_devices = v2_forget_devices,
	.freeze = v2_freeze,
	.is_frozen = v2_is_frozen,
	.kill = v2_kill,
	.reclaim = v2_reclaim,
	.check_update = v2_check_update,
	.delegate = v2_delegate,
};
