/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How cgroup v2 tells of events: files that can be polled, and pressure stall triggers. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "cgroup/notify.h"
#include "cgroup/place.h"

enum {
	OOM_SETTLE_MS = 1000,
	SAMPLE_LONGEST_MS = 1000,
	SAMPLE_SHORTEST_MS = 50,
};

/* The counters of memory.events: a kill follows the shortage, or does not when nobody may be
 * killed. */
static bool read_kills(struct cgroup_source *source, uint64_t *kills, uint64_t *shortages)
{
	char text[CGROUP_SOURCE_TEXT];

	return cgroup_source_read(source, text) && cgroup_read_key(text, "oom_kill", kills) &&
	       cgroup_read_key(text, "oom", shortages);
}

static int open_oom(struct cgroup_source *source, struct err *err)
{
	if (cgroup_source_open_polled(source, err) < 0)
		return -1;
	read_kills(source, &source->seen, &source->begun);
	return 0;
}

static void look_oom(struct cgroup_source *source, bool woken)
{
	uint64_t kills, shortages;

	(void)woken;
	if (!read_kills(source, &kills, &shortages))
		return;
	bool killed = kills > source->seen, is_short = shortages > source->begun;
	int64_t now = cgroup_clock_ms();

	if (is_short && !killed) {
		if (!source->until_ms)
			source->until_ms = now + OOM_SETTLE_MS;
		source->due_ms = source->until_ms;
		if (now < source->until_ms)
			return;
	}
	if (killed || is_short)
		cgroup_source_report(source, kills);
	source->seen = kills;
	source->begun = shortages;
	source->until_ms = source->due_ms = 0;
}

/* There is no event for this: looked at the more often the nearer it is to the mark. */
static void look_threshold(struct cgroup_source *source, bool woken)
{
	uint64_t usage, mark = source->wish.mark;

	(void)woken;
	if (!cgroup_source_number(source, &usage))
		return;
	cgroup_report_threshold(source, usage, false);
	uint64_t distance = usage > mark ? usage - mark : mark - usage;
	/* the longest from half of the mark away, the shortest from a fortieth */
	double pause = (double)distance / (double)mark * 2 * SAMPLE_LONGEST_MS;
	int64_t due = cgroup_clock_ms() + (pause > SAMPLE_LONGEST_MS    ? SAMPLE_LONGEST_MS
					   : pause < SAMPLE_SHORTEST_MS ? SAMPLE_SHORTEST_MS
									: (int64_t)pause);

	if (!source->due_ms || due < source->due_ms)
		source->due_ms = due;
}

/* Windows that are multiples of 2 s need no privilege (psi.rst). */
static const char *const triggers[] = {
	[CGROUP_PRESSURE_LOW] = "some 100000 2000000",
	[CGROUP_PRESSURE_MEDIUM] = "some 300000 2000000",
	[CGROUP_PRESSURE_CRITICAL] = "full 200000 2000000",
};

static int open_pressure(struct cgroup_source *source, struct err *err)
{
	const char *trigger = triggers[source->wish.mark];
	int dir = cgroup_place_fd(source->place);
	auto_close int fd =
		dir < 0 ? -1 : openat(dir, source->signal->file, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == EOPNOTSUPP)) {
		err_set(err, ERR_UNSUPPORTED,
			"watch for pressure: this kernel does not measure it");
		return err_hint(err, "boot with psi=1, and leave cgroup.pressure at 1");
	}
	if (fd < 0 || write(fd, trigger, strlen(trigger) + 1) < 0)
		return err_sys(err, "watch %s/%s", source->place->dir, source->signal->file);
	source->file = openat(dir, "memory.current", O_RDONLY | O_CLOEXEC);
	if (source->file < 0 || cgroup_source_wake_by(source, fd, EPOLLPRI) < 0)
		return err_sys(err, "watch %s/%s", source->place->dir, source->signal->file);
	take_fd(&fd);
	return 0;
}

/* The kernel wakes us once a window at most. */
static void look_pressure(struct cgroup_source *source, bool woken)
{
	uint64_t usage = 0;

	/* also the end of the cgroup wakes us: then there is nothing to read */
	if (woken && cgroup_source_number(source, &usage))
		cgroup_source_report(source, usage);
}

static int open_state(struct cgroup_source *source, struct err *err)
{
	source->due_ms = cgroup_clock_ms();
	return cgroup_source_open_polled(source, err);
}

static void look_state(struct cgroup_source *source, bool woken)
{
	uint64_t state;

	(void)woken;
	/* a directory that is gone is empty, and nothing else */
	if (!cgroup_source_number(source, &state))
		state = source->wish.kind == CGROUP_EVENT_EMPTY ? 0 : !source->signal->state;
	cgroup_source_settle(source, state == source->signal->state, state);
}

/* clang-format off */
const struct cgroup_signal cgroup_v2_signals[CGROUP_EVENT_END] = {
	[CGROUP_EVENT_OOM]       = { CGROUP_MEMORY, open_oom,      look_oom, "memory.events" },
	[CGROUP_EVENT_THRESHOLD] = { CGROUP_MEMORY, cgroup_source_open_sampled, look_threshold, "memory.current" },
	[CGROUP_EVENT_PRESSURE]  = { CGROUP_MEMORY, open_pressure, look_pressure, "memory.pressure" },
	[CGROUP_EVENT_EMPTY]     = { CGROUP_CORE,   open_state,    look_state, "cgroup.events", "populated", 0 },
	[CGROUP_EVENT_POPULATED] = { CGROUP_CORE,   open_state,    look_state, "cgroup.events", "populated", 1 },
	[CGROUP_EVENT_FROZEN]    = { CGROUP_CORE,   open_state,    look_state, "cgroup.events", "frozen", 1 },
	[CGROUP_EVENT_THAWED]    = { CGROUP_CORE,   open_state,    look_state, "cgroup.events", "frozen", 0 },
	[CGROUP_EVENT_PIDS]      = { CGROUP_PIDS,   cgroup_source_open_polled,  cgroup_look_counter, "pids.events", "max" },
	[CGROUP_EVENT_THROTTLE]  = { CGROUP_CPU,    cgroup_source_open_sampled, cgroup_look_growth, "cpu.stat", "nr_throttled" },
};
/* clang-format on */
