/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notifications: one epoll set over whatever each kind of event is seen by, and one clock for what
 * the kernel does not tell. */
#include "cgroup/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/names.h"
#include "cgroup/place.h"

enum {
	LEAVE_MS = 1000,  /* after the end of the process its cgroup empties within this time */
	GROWTH_MS = 1000, /* how often a counter is looked at that the kernel does not tell of */
	READY_MAX = 16,
};

struct cgroup_watch {
	struct cgroup_watching watching;
	struct cgroup_source *sources;
	int epoll, timer;
	int removals;     /* inotify on the directory above; -1 where a process tells the end */
	int64_t leave_ms; /* its process has ended: over by then; 0: not yet */
	bool over;
};

const struct name cgroup_event_names[] = {
	{ "oom", CGROUP_EVENT_OOM },
	{ "threshold", CGROUP_EVENT_THRESHOLD },
	{ "pressure", CGROUP_EVENT_PRESSURE },
	{ "empty", CGROUP_EVENT_EMPTY },
	{ "populated", CGROUP_EVENT_POPULATED },
	{ "frozen", CGROUP_EVENT_FROZEN },
	{ "thawed", CGROUP_EVENT_THAWED },
	{ "pids", CGROUP_EVENT_PIDS },
	{ "throttle", CGROUP_EVENT_THROTTLE },
	{ "end", CGROUP_EVENT_END },
	{ NULL, 0 },
};

static const struct name level_names[] = {
	{ "low", CGROUP_PRESSURE_LOW },
	{ "medium", CGROUP_PRESSURE_MEDIUM },
	{ "critical", CGROUP_PRESSURE_CRITICAL },
	{ NULL, 0 },
};

/* ---- wishes ---- */

static int parse_argument(struct cgroup_wish *wish, struct err *err)
{
	int64_t value;

	if (wish->kind == CGROUP_EVENT_PRESSURE) {
		if (!names_find(level_names, wish->argument, &value))
			return err_set(err, ERR_INPUT,
				       "event pressure: \"%s\" is not low, medium or critical",
				       wish->argument);
	} else {
		const char *wrong = cgroup_unit_bytes.parse(wish->argument, &value);

		if (wrong)
			return err_set(err, ERR_INPUT, "event threshold: \"%s\" %s", wish->argument,
				       wrong);
		if (value <= 0)
			return err_set(err, ERR_INPUT,
				       "event threshold: \"%s\" is not a number of bytes above 0",
				       wish->argument);
	}
	wish->mark = (uint64_t)value;
	return 0;
}

int cgroup_wish_parse(const char *text, struct cgroup_wish *wish, struct err *err)
{
	const char *equals = strchr(text, '=');
	char word[16] = "";
	int64_t kind;

	if (str_format(word, sizeof(word), "%.*s", (int)strcspn(text, "="), text) < 0 ||
	    !names_find(cgroup_event_names, word, &kind) || kind == CGROUP_EVENT_END) {
		err_set(err, ERR_INPUT, "\"%s\" is not an event", text);
		return err_hint(err, "oom, threshold=BYTES, pressure=low|medium|critical, empty, "
				     "populated, frozen, thawed, pids, throttle");
	}
	*wish = (struct cgroup_wish){
		.kind = (enum cgroup_event_kind)kind,
		.argument = equals ? equals + 1 : "",
	};
	bool takes = kind == CGROUP_EVENT_THRESHOLD || kind == CGROUP_EVENT_PRESSURE;

	if (takes != (equals != NULL))
		return err_set(err, ERR_INPUT, "event %s: %s", word,
			       takes ? "it needs a value behind =" : "it takes no value");
	return takes ? parse_argument(wish, err) : 0;
}

/* ---- for the tables ---- */

static int add_to_set(struct cgroup_source *source)
{
	struct epoll_event event = { .events = source->wake_events,
				     .data.u64 = (uint64_t)(source - source->watch->sources) };

	return epoll_ctl(source->watch->epoll, EPOLL_CTL_ADD, source->wake, &event);
}

static void take_from_set(const struct cgroup_source *source)
{
	epoll_ctl(source->watch->epoll, EPOLL_CTL_DEL, source->wake, NULL);
}

int cgroup_source_wake_by(struct cgroup_source *source, int fd, uint32_t events)
{
	source->wake = fd;
	source->wake_events = events;
	if (add_to_set(source) == 0)
		return 0;
	source->wake = -1;
	return -1;
}

void cgroup_source_sleep(struct cgroup_source *source)
{
	if (source->wake < 0)
		return;
	take_from_set(source);
	if (source->wake != source->file)
		close(source->wake);
	source->wake = -1;
}

bool cgroup_source_is_news(struct cgroup_source *source, bool happened)
{
	int64_t now = cgroup_clock_ms();

	if (source->until_ms > now) {
		source->due_ms = source->until_ms;
		return false;
	}
	if (source->until_ms) {
		source->until_ms = 0;
		if (source->wake >= 0)
			add_to_set(source);
		return false;
	}
	if (!happened)
		return false;
	/* a kernel file is ready with EPOLLERR too, which cannot be masked: out of the set */
	if (source->wake >= 0)
		take_from_set(source);
	source->due_ms = source->until_ms = now + CGROUP_QUIET_MS;
	return true;
}

static int open_file(struct cgroup_source *source, struct err *err)
{
	int dir = cgroup_place_fd(source->place);

	source->file = dir < 0 ? -1 : openat(dir, source->signal->file, O_RDONLY | O_CLOEXEC);
	if (source->file >= 0)
		return 0;
	return err_sys(err, "watch %s/%s", source->place->dir, source->signal->file);
}

int cgroup_source_open_polled(struct cgroup_source *source, struct err *err)
{
	if (open_file(source, err) < 0)
		return -1;
	if (cgroup_source_wake_by(source, source->file, EPOLLPRI) < 0)
		return err_sys(err, "watch %s/%s", source->place->dir, source->signal->file);
	cgroup_source_number(source, &source->seen);
	return 0;
}

int cgroup_source_open_sampled(struct cgroup_source *source, struct err *err)
{
	if (open_file(source, err) < 0)
		return -1;
	cgroup_source_number(source, &source->seen);
	source->due_ms = cgroup_clock_ms();
	return 0;
}

bool cgroup_source_read(struct cgroup_source *source, char text[CGROUP_SOURCE_TEXT])
{
	ssize_t length = pread(source->file, text, CGROUP_SOURCE_TEXT - 1, 0);

	if (length < 0) {
		/* it has gone: a descriptor of it would be ready for ever */
		cgroup_source_sleep(source);
		return false;
	}
	length -= length && text[length - 1] == '\n';
	text[length] = '\0';
	return true;
}

bool cgroup_source_number(struct cgroup_source *source, uint64_t *value)
{
	char text[CGROUP_SOURCE_TEXT];

	if (!cgroup_source_read(source, text))
		return false;
	return source->signal->key ? cgroup_read_key(text, source->signal->key, value)
				   : str_parse_u64(text, value);
}

void cgroup_source_report(struct cgroup_source *source, uint64_t value)
{
	const struct cgroup_watching *watching = &source->watch->watching;

	if (!source->watch->over && !watching->report(&source->wish, value, watching->data))
		source->watch->over = true;
}

void cgroup_source_settle(struct cgroup_source *source, bool holds, uint64_t value)
{
	if (holds && !source->holds)
		cgroup_source_report(source, value);
	source->holds = holds;
}

void cgroup_look_counter(struct cgroup_source *source, bool woken)
{
	uint64_t value;

	(void)woken;
	if (!cgroup_source_number(source, &value))
		return;
	if (cgroup_source_is_news(source, value > source->seen))
		cgroup_source_report(source, value);
	source->seen = value;
}

void cgroup_look_growth(struct cgroup_source *source, bool woken)
{
	uint64_t value = source->seen;

	(void)woken;
	if (!cgroup_source_number(source, &value))
		return;
	cgroup_source_settle(source, value > source->seen, value);
	source->seen = value;
	source->due_ms = cgroup_clock_ms() + GROWTH_MS;
}

void cgroup_report_threshold(struct cgroup_source *source, uint64_t usage, bool crossed)
{
	bool above = usage >= source->wish.mark;
	int64_t now = cgroup_clock_ms();

	if (now < source->until_ms) { /* whatever it comes to is told when the time is over */
		source->due_ms = source->until_ms;
		return;
	}
	if (above == source->holds && !(crossed && !above))
		return;
	/* below again before anybody could look: it did reach the mark */
	cgroup_source_report(source, above == source->holds ? source->wish.mark : usage);
	source->holds = above;
	source->due_ms = source->until_ms = now + CGROUP_QUIET_MS;
}

/* ---- the set ---- */

static int lacks(const struct cgroup_source *source, struct err *err)
{
	const char *event = names_text(cgroup_event_names, source->wish.kind);

	if (!source->signal || source->signal->controller == CGROUP_CORE)
		return err_set(err, ERR_UNSUPPORTED, "watch for %s: the container has no cgroup",
			       event);
	return err_set(err, ERR_UNSUPPORTED, "watch for %s: the container has no %s controller",
		       event, cgroup_controller_name(source->signal->controller, false));
}

/* The version that has the controller of this kind; NULL when none has. */
static struct cgroup_place *find_place(const struct cgroup *cgroup, enum cgroup_event_kind kind)
{
	enum cgroup_controller controller = cgroup_v2_signals[kind].controller;

	return controller == CGROUP_CORE ? cgroup_main_place(cgroup)
					 : cgroup_find_place(cgroup, controller);
}

static int open_source(struct cgroup_watch *watch, size_t index, struct err *err)
{
	struct cgroup_source *source = &watch->sources[index];
	const struct cgroup_wish *wish = &watch->watching.wishes[index];

	*source = (struct cgroup_source){
		.watch = watch,
		.place = find_place(watch->watching.cgroup, wish->kind),
		.signal = &cgroup_v2_signals[wish->kind],
		.wish = *wish,
		.wake = -1,
		.file = -1,
	};
	if (!source->place)
		return lacks(source, err);
	source->signal = &source->place->ops->signals[wish->kind];
	source->wish.argument =
		arena_strdup(watch->watching.cgroup->arena, wish->argument ? wish->argument : "");
	if (!source->wish.argument)
		return err_sys(err, "watch for events");
	return source->signal->open(source, err);
}

/* What is not a source has a number behind theirs. */
enum {
	READY_TIMER,
	READY_PROCESS,
	READY_REMOVALS,
};

static int add_other(struct cgroup_watch *watch, int fd, unsigned int which)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = watch->watching.count + which };

	return epoll_ctl(watch->epoll, EPOLL_CTL_ADD, fd, &event);
}

/*
 * The end of a cgroup without a process. A cgroup directory gives no event of its own removal; the
 * one above does, since rmdir(2) goes through the VFS there as anywhere.
 */
static int watch_removals(struct cgroup_watch *watch, struct err *err)
{
	const char *dir = cgroup_main_place(watch->watching.cgroup)->dir;
	const char *above = arena_printf(watch->watching.cgroup->arena, "%s/..", dir);

	watch->removals = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (!above || watch->removals < 0 ||
	    inotify_add_watch(watch->removals, above, IN_DELETE | IN_ONLYDIR) < 0 ||
	    add_other(watch, watch->removals, READY_REMOVALS) < 0)
		return err_sys(err, "watch %s", dir);
	return 0;
}

static int open_set(struct cgroup_watch *watch, struct err *err)
{
	const struct cgroup_watching *watching = &watch->watching;

	watch->epoll = epoll_create1(EPOLL_CLOEXEC);
	watch->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (watch->epoll < 0 || watch->timer < 0 || add_other(watch, watch->timer, READY_TIMER) < 0)
		return err_sys(err, "watch for events");
	if (watching->process < 0)
		return watch_removals(watch, err);
	if (add_other(watch, watching->process, READY_PROCESS) < 0)
		return err_sys(err, "watch process");
	return 0;
}

/* The clock wakes us when the first of all is due. */
static void set_timer(const struct cgroup_watch *watch)
{
	int64_t first = watch->leave_ms;

	for (size_t i = 0; i < watch->watching.count; i++) {
		int64_t due = watch->sources[i].due_ms;

		if (due && (!first || due < first))
			first = due;
	}
	struct itimerspec at = { .it_value = { first / 1000, first % 1000 * 1000000 } };

	timerfd_settime(watch->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

struct cgroup_watch *cgroup_watch_open(const struct cgroup_watching *watching, struct err *err)
{
	struct arena *arena = watching->cgroup->arena;
	struct cgroup_watch *watch = arena_alloc(arena, sizeof(*watch));
	struct cgroup_source *sources =
		arena_alloc(arena, (watching->count + 1) * sizeof(*sources));

	if (!watch || !sources) {
		err_sys(err, "watch for events");
		return NULL;
	}
	if (!watching->cgroup->count || cgroup_is_gone(watching->cgroup)) {
		err_set(err, watching->cgroup->count ? ENOENT : ERR_UNSUPPORTED,
			"watch for events: the container has no cgroup");
		return NULL;
	}
	*watch = (struct cgroup_watch){
		.watching = *watching,
		.sources = sources,
		.epoll = -1,
		.timer = -1,
		.removals = -1,
	};
	for (size_t i = 0; i < watching->count; i++)
		sources[i].wake = sources[i].file = -1;
	int opened = open_set(watch, err);

	for (size_t i = 0; opened == 0 && i < watching->count; i++)
		opened = open_source(watch, i, err);
	if (opened < 0) {
		cgroup_watch_close(watch);
		return NULL;
	}
	set_timer(watch);
	return watch;
}

int cgroup_watch_fd(const struct cgroup_watch *watch)
{
	return watch->epoll;
}

static void look(struct cgroup_source *source, bool woken)
{
	source->due_ms = 0;
	source->signal->look(source, woken);
}

/* Its process has ended: no wake-up of that may come twice. */
static void begin_to_leave(struct cgroup_watch *watch)
{
	if (watch->leave_ms)
		return;
	epoll_ctl(watch->epoll, EPOLL_CTL_DEL, watch->watching.process, NULL);
	watch->leave_ms = cgroup_clock_ms() + LEAVE_MS;
}

static void look_for_removal(struct cgroup_watch *watch)
{
	char events[4096];

	while (read(watch->removals, events, sizeof(events)) > 0)
		;
	if (access(cgroup_main_place(watch->watching.cgroup)->dir, F_OK) < 0)
		watch->leave_ms = cgroup_clock_ms();
}

static void wake(struct cgroup_watch *watch, uint64_t which)
{
	uint64_t expired;

	if (which < watch->watching.count) {
		look(&watch->sources[which], true);
		return;
	}
	switch (which - watch->watching.count) {
	case READY_TIMER:
		if (read(watch->timer, &expired, sizeof(expired)) < 0)
			return; /* set anew since */
		return;
	case READY_PROCESS:
		begin_to_leave(watch);
		return;
	default:
		look_for_removal(watch);
	}
}

/* The last look at everything; done when nothing more can come. */
static void leave(struct cgroup_watch *watch)
{
	static const struct cgroup_wish end = { .kind = CGROUP_EVENT_END, .argument = "" };
	const struct cgroup_watching *watching = &watch->watching;
	bool waits = false;

	for (size_t i = 0; i < watching->count && !watch->over; i++) {
		struct cgroup_source *source = &watch->sources[i];

		look(source, false);
		waits |= source->wish.kind == CGROUP_EVENT_EMPTY && !source->holds;
	}
	if (watch->over || (waits && cgroup_clock_ms() < watch->leave_ms))
		return;
	watching->report(&end, 0, watching->data);
	watch->over = true;
}

int cgroup_watch_dispatch(struct cgroup_watch *watch, struct err *err)
{
	struct epoll_event ready[READY_MAX];
	int count = watch->over ? 0 : epoll_wait(watch->epoll, ready, READY_MAX, 0);

	if (count < 0 && errno != EINTR)
		return err_sys(err, "watch for events");
	for (int i = 0; i < count && !watch->over; i++)
		wake(watch, ready[i].data.u64);
	int64_t now = cgroup_clock_ms();

	for (size_t i = 0; i < watch->watching.count && !watch->over; i++) {
		struct cgroup_source *source = &watch->sources[i];

		if (source->due_ms && source->due_ms <= now)
			look(source, false);
	}
	if (watch->leave_ms && !watch->over)
		leave(watch);
	set_timer(watch);
	return !watch->over;
}

void cgroup_watch_close(struct cgroup_watch *watch)
{
	int *const own[] = { &watch->timer, &watch->removals, &watch->epoll };

	for (size_t i = 0; i < watch->watching.count; i++) {
		struct cgroup_source *source = &watch->sources[i];

		cgroup_source_sleep(source);
		if (source->file >= 0)
			close(source->file);
		source->file = -1;
	}
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++) {
		if (*own[i] >= 0)
			close(*own[i]);
		*own[i] = -1;
	}
}
