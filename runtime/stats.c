/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Statistics and events of a container, in the lines that runc prints. */
#include "runtime/stats.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "base/auto.h"
#include "base/err.h"

struct event {
	const char *type, *id;
	struct cgroup_stats *data;
};

/* clang-format off */
#define AT(member) offsetof(struct event, member)
static const struct json_row event_rows[] = {
	{ "type", JSON_TEXT,       AT(type) },
	{ "id",   JSON_TEXT,       AT(id) },
	{ "data", JSON_OBJECT_PTR, AT(data), &cgroup_stats_object },
};
/* clang-format on */
static const struct json_object event_object = JSON_OBJECT_OF(struct event, event_rows);

const char *container_stats(struct container *container, struct arena *arena, struct err *err)
{
	enum container_status status = container_status(container);
	struct cgroup_stats stats;
	struct event event = { "stats", container->id, &stats };

	if (status == CONTAINER_STOPPED || status == CONTAINER_CREATING) {
		err_set(err, ERR_STATE, "container not running");
		return NULL;
	}
	if (container_open_cgroup(container, err) < 0 ||
	    cgroup_stats_read(container->cgroup, arena, &stats, err) < 0)
		return NULL;
	return json_encode(&event_object, &event, 0, arena, err);
}

/* One stream of events. */
struct watch {
	struct container *container;
	masu_event_callback *report;
	void *data;
	uint64_t kills; /* as last reported */
	bool ended;     /* the container stopped, or the receiver has had enough */
};

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool has_stopped(const struct container *container)
{
	struct pollfd process = { .fd = container->pidfd, .events = POLLIN };

	return poll(&process, 1, 0) != 0;
}

static int report_stats(struct watch *watch, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	const char *line = container_stats(watch->container, &arena, err);

	if (line)
		watch->ended |= !watch->report(line, watch->data);
	else if (has_stopped(watch->container))
		watch->ended = true; /* while it was asked; that is no failure */
	else
		return -1;
	return 0;
}

/* True when there was something to report. */
static int report_oom(struct watch *watch, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct event event = { "oom", watch->container->id, NULL };
	uint64_t kills = cgroup_oom_kills(watch->container->cgroup);

	if (kills <= watch->kills)
		return 0;
	watch->kills = kills;
	const char *line = json_encode(&event_object, &event, 0, &arena, err);

	if (!line)
		return -1;
	watch->ended |= !watch->report(line, watch->data);
	return 1;
}

/* Between two lines of statistics: out of memory is reported as it happens. */
static int watch_until(struct watch *watch, int oom, int64_t end, struct err *err)
{
	/* v1 tells before it kills: then the count is looked at again and again for a while */
	enum { LOOK_AGAIN_MS = 20, LOOK_FOR_MS = 1000 };

	int64_t look_until = 0;

	while (!watch->ended) {
		struct pollfd ready[] = {
			{ .fd = watch->container->pidfd, .events = POLLIN },
			{ .fd = oom, .events = POLLIN | POLLPRI },
		};
		int64_t now = clock_ms(), left = end - now;

		if (left <= 0)
			return 0;
		if (now < look_until && left > LOOK_AGAIN_MS)
			left = LOOK_AGAIN_MS;
		if (poll(ready, 2, left > INT32_MAX ? INT32_MAX : (int)left) < 0 && errno != EINTR)
			return err_sys(err, "wait for events");
		if (ready[1].revents) {
			cgroup_oom_rearm(oom);
			look_until = clock_ms() + LOOK_FOR_MS;
		}
		int reported = report_oom(watch, err);

		if (reported < 0)
			return -1;
		if (reported)
			look_until = 0;
		watch->ended |= ready[0].revents != 0;
	}
	return 0;
}

int container_events(struct container *container, unsigned int interval_ms,
		     masu_event_callback *report, void *data, struct err *err)
{
	struct watch watch = { .container = container, .report = report, .data = data };

	if (!interval_ms)
		return err_set(err, ERR_INPUT, "interval: must be longer than 0");
	if (container_open_cgroup(container, err) < 0)
		return -1;
	watch.kills = cgroup_oom_kills(container->cgroup);
	/* without a watch the count is looked at once an interval, and at the end */
	auto_close int oom = cgroup_oom_watch(container->cgroup, NULL);
	int64_t next = clock_ms();

	if (container->pidfd < 0)
		return err_set(err, ERR_STATE, "container not running");
	while (!watch.ended) {
		if (report_stats(&watch, err) < 0)
			return -1;
		next += interval_ms;
		if (watch_until(&watch, oom, next, err) < 0)
			return -1;
	}
	return 0;
}
