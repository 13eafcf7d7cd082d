/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notifications about a container or a cgroup, from words to calls back. */
#include "runtime/watch.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/names.h"
#include "runtime/subject.h"

struct masu_notify {
	struct subject subject;
	struct cgroup_watch *watch;
	masu_notify_callback *report;
	void *data;
};

static bool report(const struct cgroup_wish *wish, uint64_t value, void *data)
{
	const struct masu_notify *notify = data;
	struct masu_event event = {
		.name = notify->subject.name,
		.event = names_text(cgroup_event_names, wish->kind),
		.argument = wish->argument,
		.value = value,
	};

	clock_gettime(CLOCK_REALTIME, &event.time);
	return notify->report(&event, notify->data);
}

/* All words are right, and there is at least one. */
static int parse_wishes(const char *const *events, struct arena *arena, struct json_list *wishes,
			struct err *err)
{
	for (; events && *events; events++) {
		struct cgroup_wish *wish = json_grow(arena, wishes, sizeof(*wish));

		if (!wish)
			return err_sys(err, "watch for events");
		if (cgroup_wish_parse(*events, wish, err) < 0)
			return -1;
	}
	return wishes->count ? 0 : err_set(err, ERR_INPUT, "watch for events: none is named");
}

static int open_watch(struct masu_notify *notify, struct masu *masu,
		      const struct masu_notify_options *options, struct err *err)
{
	struct subject *subject = &notify->subject;
	struct json_list wishes = { 0 };

	/* a wrong word is told before a name that nobody has */
	if (parse_wishes(options->events, &subject->container.arena, &wishes, err) < 0 ||
	    subject_open(masu, options->name, subject, err) < 0)
		return -1;
	notify->watch = cgroup_watch_open(
		&(struct cgroup_watching){
			.cgroup = subject->cgroup,
			.process = subject->container.pidfd,
			.wishes = wishes.items,
			.count = wishes.count,
			.report = report,
			.data = notify,
		},
		err);
	return notify->watch ? 0 : -1;
}

int watch_open(struct masu *masu, const struct masu_notify_options *options,
	       struct masu_notify **made, struct err *err)
{
	if (!options->name || !options->report)
		return err_set(err, ERR_INPUT, "watch for events: no name or no callback");
	struct masu_notify *notify = calloc(1, sizeof(*notify));

	if (!notify)
		return err_sys(err, "watch for events");
	*notify = (struct masu_notify){
		.subject = SUBJECT_INIT,
		.report = options->report,
		.data = options->data,
	};
	if (open_watch(notify, masu, options, err) < 0) {
		watch_close(notify);
		return -1;
	}
	*made = notify;
	return 0;
}

int watch_fd(const struct masu_notify *notify)
{
	return cgroup_watch_fd(notify->watch);
}

int watch_dispatch(struct masu_notify *notify, struct err *err)
{
	return cgroup_watch_dispatch(notify->watch, err);
}

void watch_close(struct masu_notify *notify)
{
	if (!notify)
		return;
	if (notify->watch)
		cgroup_watch_close(notify->watch);
	subject_close(&notify->subject);
	free(notify);
}
