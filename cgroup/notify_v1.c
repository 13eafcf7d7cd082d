/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How cgroup v1 tells of events: eventfds for memory; of its processes only they themselves tell.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "cgroup/notify.h"
#include "cgroup/place.h"

enum {
	OOM_SETTLE_MS = 1000, /* the kernel tells before it kills */
	OOM_LOOK_MS = 20,
	EMPTY_LOOK_MS = 1000,   /* nothing tells that a process has come in */
	MEMBERS_LOOK_MS = 5000, /* ... or that one has been moved away */
	FROZEN_LOOK_MS = 500,
};

/* Have the kernel add to an eventfd for `file`, which stays open as source->file. */
static int open_event(struct cgroup_source *source, const char *file, const char *arguments,
		      struct err *err)
{
	auto_close int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int dir = cgroup_place_fd(source->place);
	char line[80];

	source->file = dir < 0 ? -1 : openat(dir, file, O_RDONLY | O_CLOEXEC);
	if (event < 0 || source->file < 0)
		return err_sys(err, "watch %s/%s", source->place->dir, file);
	str_format(line, sizeof(line), "%d %d%s%s", event, source->file, *arguments ? " " : "",
		   arguments);
	if (cgroup_place_write(source->place, "cgroup.event_control", line, err) < 0)
		return -1;
	if (cgroup_source_wake_by(source, event, EPOLLIN) < 0)
		return err_sys(err, "watch %s/%s", source->place->dir, file);
	take_fd(&event);
	return 0;
}

/* How often the kernel has told since the last time. */
static uint64_t take_event(const struct cgroup_source *source)
{
	uint64_t count = 0;

	return read(source->wake, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static int open_oom(struct cgroup_source *source, struct err *err)
{
	if (open_event(source, source->signal->file, "", err) < 0)
		return -1;
	cgroup_source_number(source, &source->seen);
	return 0;
}

static void look_oom(struct cgroup_source *source, bool woken)
{
	int64_t now = cgroup_clock_ms();
	char text[CGROUP_SOURCE_TEXT];
	uint64_t kills, waiting = 0;

	(void)woken;
	if (take_event(source))
		source->until_ms = now + OOM_SETTLE_MS;
	if (!cgroup_source_read(source, text) ||
	    !cgroup_read_key(text, source->signal->key, &kills))
		return;
	cgroup_read_key(text, "under_oom", &waiting);
	if (kills > source->seen || (waiting && source->until_ms && now >= source->until_ms)) {
		cgroup_source_report(source, kills);
		source->seen = kills;
		source->until_ms = 0;
	}
	if (source->until_ms && now < source->until_ms)
		source->due_ms = now + OOM_LOOK_MS;
	else
		source->until_ms = 0;
}

static int open_threshold(struct cgroup_source *source, struct err *err)
{
	char mark[24];

	str_format(mark, sizeof(mark), "%llu", (unsigned long long)source->wish.mark);
	source->due_ms = cgroup_clock_ms();
	return open_event(source, source->signal->file, mark, err);
}

static void look_threshold(struct cgroup_source *source, bool woken)
{
	bool crossed = take_event(source) > 0;
	uint64_t usage;

	(void)woken;
	if (cgroup_source_number(source, &usage))
		cgroup_report_threshold(source, usage, crossed);
}

/* With "hierarchy" also what happens in cgroups below is told, whoever watches those (4.13). */
static int open_pressure(struct cgroup_source *source, struct err *err)
{
	static const char *const levels[] = {
		[CGROUP_PRESSURE_LOW] = "low,hierarchy",
		[CGROUP_PRESSURE_MEDIUM] = "medium,hierarchy",
		[CGROUP_PRESSURE_CRITICAL] = "critical,hierarchy",
	};
	int dir = cgroup_place_fd(source->place);

	if (open_event(source, "memory.pressure_level", levels[source->wish.mark], err) < 0)
		return -1;
	/* that file cannot be read */
	close(source->file);
	source->file = openat(dir, source->signal->file, O_RDONLY | O_CLOEXEC);
	return source->file < 0 ? err_sys(err, "watch %s", source->place->dir) : 0;
}

static void look_pressure(struct cgroup_source *source, bool woken)
{
	bool happened = take_event(source) > 0;
	uint64_t usage;

	(void)woken;
	/* the kernel tells the end of the directory, too: then there is nothing to read */
	if (cgroup_source_number(source, &usage) && cgroup_source_is_news(source, happened))
		cgroup_source_report(source, usage);
}

/* Be woken by the end of one of the processes: as long as it lives, it is not empty. */
static void wait_for_one(struct cgroup_source *source, const struct cgroup_pid_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		auto_close int process = sys_pidfd_open(list->items[i], 0);
		struct pollfd ended = { .fd = process, .events = POLLIN };

		if (process < 0 || poll(&ended, 1, 0) != 0)
			continue;
		if (cgroup_source_wake_by(source, process, EPOLLIN) == 0)
			take_fd(&process);
		return;
	}
}

static int open_members(struct cgroup_source *source, struct err *err)
{
	if (cgroup_place_fd(source->place) < 0)
		return err_sys(err, "watch %s", source->place->dir);
	source->due_ms = cgroup_clock_ms();
	return 0;
}

static void look_members(struct cgroup_source *source, bool woken)
{
	struct cgroup_pid_list list = { 0 };
	int64_t now = cgroup_clock_ms();

	if (cgroup_tree_tasks(cgroup_place_fd(source->place), "cgroup.procs", &list) < 0 &&
	    list.count == 0) {
		source->due_ms = now + EMPTY_LOOK_MS;
		return;
	}
	cgroup_source_settle(source, (list.count > 0) == source->signal->state, list.count);
	if (woken || !list.count)
		cgroup_source_sleep(source);
	if (list.count && source->wake < 0)
		wait_for_one(source, &list);
	source->due_ms = now + (!list.count        ? EMPTY_LOOK_MS
				: source->wake < 0 ? OOM_LOOK_MS
						   : MEMBERS_LOOK_MS);
	free(list.items);
}

static int open_freezer(struct cgroup_source *source, struct err *err)
{
	if (!(source->place->mask & CGROUP_BIT(CGROUP_FREEZER)))
		return err_set(err, ERR_UNSUPPORTED,
			       "watch %s: the freezer controller is not mounted",
			       source->place->dir);
	return open_members(source, err);
}

static void look_frozen(struct cgroup_source *source, bool woken)
{
	bool frozen = source->place->ops->is_frozen(source->place);

	(void)woken;
	cgroup_source_settle(source, frozen == source->signal->state, frozen);
	source->due_ms = cgroup_clock_ms() + FROZEN_LOOK_MS;
}

/* clang-format off */
const struct cgroup_signal cgroup_v1_signals[CGROUP_EVENT_END] = {
	[CGROUP_EVENT_OOM]       = { CGROUP_MEMORY, open_oom,       look_oom, "memory.oom_control", "oom_kill" },
	[CGROUP_EVENT_THRESHOLD] = { CGROUP_MEMORY, open_threshold, look_threshold, "memory.usage_in_bytes" },
	[CGROUP_EVENT_PRESSURE]  = { CGROUP_MEMORY, open_pressure,  look_pressure, "memory.usage_in_bytes" },
	[CGROUP_EVENT_EMPTY]     = { CGROUP_CORE,   open_members,   look_members, .state = 0 },
	[CGROUP_EVENT_POPULATED] = { CGROUP_CORE,   open_members,   look_members, .state = 1 },
	[CGROUP_EVENT_FROZEN]    = { CGROUP_CORE,   open_freezer,   look_frozen,  .state = 1 },
	[CGROUP_EVENT_THAWED]    = { CGROUP_CORE,   open_freezer,   look_frozen,  .state = 0 },
	[CGROUP_EVENT_PIDS]      = { CGROUP_PIDS,   cgroup_source_open_polled,  cgroup_look_counter, "pids.events", "max" },
	[CGROUP_EVENT_THROTTLE]  = { CGROUP_CPU,    cgroup_source_open_sampled, cgroup_look_growth, "cpu.stat", "nr_throttled" },
};
/* clang-format on */
