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
struct stream {
	const struct subject *subject;
	masu_event_callback *report;
	void *data;
	bool enough; /* the receiver has had */
};

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int report_stats(struct stream *stream, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	const char *line = stats_line(stream->subject, &arena, err);

	if (line)
		stream->enough |= !stream->report(line, stream->data);
	else if (!subject_has_ended(stream->subject)) /* while it was asked; that is no failure */
		return -1;
	return 0;
}

static bool report_oom(const struct cgroup_wish *wish, uint64_t kills, void *data)
{
	auto_arena struct arena arena = { 0 };
	struct stream *stream = data;
	struct event event = { "oom", stream->subject->name, NULL };

	(void)kills;
	if (wish->kind != CGROUP_EVENT_OOM)
		return false;
	const char *line = json_encode(&event_object, &event, 0, &arena, NULL);

	stream->enough |= !line || !stream->report(line, stream->data);
	return !stream->enough;
}

/* Between two lines of statistics: out of memory is reported as it happens. 1; 0 at the end. */
static int watch_until(const struct stream *stream, struct cgroup_watch *watch, int64_t end,
		       struct err *err)
{
	int more = 1;

	while (more > 0 && !stream->enough) {
		struct pollfd ready = { .fd = cgroup_watch_fd(watch), .events = POLLIN };
		int64_t left = end - clock_ms();

		if (left <= 0)
			return 1;
		if (poll(&ready, 1, left > INT32_MAX ? INT32_MAX : (int)left) < 0 && errno != EINTR)
			return err_sys(err, "wait for events");
		more = cgroup_watch_dispatch(watch, err);
	}
	return more;
}

int stats_events(const struct subject *subject, unsigned int interval_ms,
		 masu_event_callback *report, void *data, struct err *err)
{
	static const struct cgroup_wish oom = { .kind = CGROUP_EVENT_OOM };
	struct stream stream = { .subject = subject, .report = report, .data = data };
	/* where no memory is counted, nothing but the end is watched for */
	struct cgroup_watching watching = {
		.cgroup = subject->cgroup,
		.process = subject->container.pidfd,
		.wishes = &oom,
		.count = cgroup_counts_memory(subject->cgroup),
		.report = report_oom,
		.data = &stream,
	};

	if (!interval_ms)
		return err_set(err, ERR_INPUT, "interval: must be longer than 0");
	struct cgroup_watch *watch = cgroup_watch_open(&watching, err);
	int64_t next = clock_ms();
	int more = watch ? 1 : -1;

	while (more > 0 && !stream.enough) {
		if (report_stats(&stream, err) < 0) {
			more = -1;
			break;
		}
		next += interval_ms;
		more = watch_until(&stream, watch, next, err);
	}
	if (watch)
		cgroup_watch_close(watch);
	return more < 0 ? -1 : 0;
}
