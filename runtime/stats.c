/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Statistics and events of a container, in the lines that runc prints. */
#include "runtime/stats.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "net/net.h"

/* Everything that is counted, put together from the folders' parts. */
struct counted {
	struct cgroup_stats cgroup;
	struct json_list interfaces; /* struct net_counters */
	struct cgroup_rdt_stats *rdt;
};

struct event {
	const char *type, *id;
	struct counted *data;
};

/* clang-format off */
#define AT(type, member) offsetof(struct type, member)
static const struct json_row counted_rows[] = {
	{ NULL,                 JSON_EMBED,      AT(counted, cgroup),     &cgroup_stats_object },
	{ "intel_rdt",          JSON_OBJECT_PTR, AT(counted, rdt),        &cgroup_rdt_stats_object },
	{ "network_interfaces", JSON_LIST,       AT(counted, interfaces), &net_counters_object },
};
static const struct json_object counted_object = JSON_OBJECT_OF(struct counted, counted_rows);

static const struct json_row event_rows[] = {
	{ "type", JSON_TEXT,       AT(event, type) },
	{ "id",   JSON_TEXT,       AT(event, id) },
	{ "data", JSON_OBJECT_PTR, AT(event, data), &counted_object },
};
/* clang-format on */
static const struct json_object event_object = JSON_OBJECT_OF(struct event, event_rows);

static int read_interfaces(const struct subject *subject, struct arena *arena,
			   struct json_list *interfaces, struct err *err)
{
	enum { ROOM = 1 << 16 }; /* some 500 interfaces */

	auto_close int network = subject_open_network(subject);
	auto_free char *text = network < 0 ? NULL : malloc(ROOM);
	ssize_t length = text ? fd_read_all(network, text, ROOM - 1) : -1;

	if (network < 0)
		return 0;
	if (text && length >= 0) {
		text[length] = '\0';
		if (net_counters_parse(text, arena, interfaces) == 0)
			return 0;
	}
	return err_sys(err, "read the network's counters");
}

const char *stats_line(const struct subject *subject, struct arena *arena, struct err *err)
{
	struct counted counted = { 0 };
	struct event event = { "stats", subject->name, &counted };

	if (cgroup_stats_read(subject->cgroup, arena, &counted.cgroup, err) < 0 ||
	    read_interfaces(subject, arena, &counted.interfaces, err) < 0 ||
	    cgroup_rdt_stats_read(&subject->container.state.rdt, arena, &counted.rdt, err) < 0)
		return NULL;
	return json_encode(&event_object, &event, 0, arena, err);
}

/* One stream of events. */
struct watch {
	const struct subject *subject;
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

static int report_stats(struct watch *watch, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	const char *line = stats_line(watch->subject, &arena, err);

	if (line)
		watch->ended |= !watch->report(line, watch->data);
	else if (subject_has_ended(watch->subject))
		watch->ended = true; /* while it was asked; that is no failure */
	else
		return -1;
	return 0;
}

/* True when there was something to report. */
static int report_oom(struct watch *watch, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct event event = { "oom", watch->subject->name, NULL };
	uint64_t kills = cgroup_oom_kills(watch->subject->cgroup);

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
			{ .fd = watch->subject->container.pidfd, .events = POLLIN },
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

int stats_events(const struct subject *subject, unsigned int interval_ms,
		 masu_event_callback *report, void *data, struct err *err)
{
	struct watch watch = { .subject = subject, .report = report, .data = data };

	if (!interval_ms)
		return err_set(err, ERR_INPUT, "interval: must be longer than 0");
	watch.kills = cgroup_oom_kills(subject->cgroup);
	/* without a watch the count is looked at once an interval, and at the end */
	auto_close int oom = cgroup_oom_watch(subject->cgroup, NULL);
	int64_t next = clock_ms();

	while (!watch.ended) {
		if (report_stats(&watch, err) < 0)
			return -1;
		next += interval_ms;
		if (watch_until(&watch, oom, next, err) < 0)
			return -1;
	}
	return 0;
}
