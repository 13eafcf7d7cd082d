/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notifications: the words for them; what is looked at by the clock, in ordinary directories; and
 * as root what a host with cgroup v1 alone can tell. */
#include "cgroup/cgroup.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "cgroup/place.h"
#include "test/unit/unit.h"

/* clang-format off */
static const struct {
	const char *text;
	int kind; /* -1: refused */
	uint64_t mark;
} words[] = {
	{ "oom",               CGROUP_EVENT_OOM, 0 },
	{ "threshold=1",       CGROUP_EVENT_THRESHOLD, 1 },
	{ "threshold=100M",    CGROUP_EVENT_THRESHOLD, 104857600 },
	{ "threshold=1.5Gi",   CGROUP_EVENT_THRESHOLD, 1610612736 },
	{ "pressure=low",      CGROUP_EVENT_PRESSURE, CGROUP_PRESSURE_LOW },
	{ "pressure=critical", CGROUP_EVENT_PRESSURE, CGROUP_PRESSURE_CRITICAL },
	{ "empty",             CGROUP_EVENT_EMPTY, 0 },
	{ "populated",         CGROUP_EVENT_POPULATED, 0 },
	{ "frozen",            CGROUP_EVENT_FROZEN, 0 },
	{ "thawed",            CGROUP_EVENT_THAWED, 0 },
	{ "pids",              CGROUP_EVENT_PIDS, 0 },
	{ "throttle",          CGROUP_EVENT_THROTTLE, 0 },
	{ "end", -1, 0 }, { "", -1, 0 }, { "=", -1, 0 }, { "Oom", -1, 0 }, { "oom=1", -1, 0 }, { "oom ", -1, 0 }, { "threshold", -1, 0 },
	{ "threshold=", -1, 0 }, { "threshold=0", -1, 0 }, { "threshold=0.1", -1, 0 }, { "threshold=max", -1, 0 }, { "threshold=-1", -1, 0 },
	{ "threshold=1Q", -1, 0 }, { "threshold=9223372036854775808", -1, 0 }, { "pressure", -1, 0 }, { "pressure=high", -1, 0 },
	{ "a word that is longer than any event", -1, 0 },
};

/* clang-format on */

static void check_words(void)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct cgroup_wish wish = { 0 };
		struct err err = { 0 };
		int parsed = cgroup_wish_parse(words[i].text, &wish, &err);

		CHECK_ROW(words[i].text, parsed == (words[i].kind < 0 ? -1 : 0));
		if (parsed < 0)
			CHECK_ROW(words[i].text, err.code == ERR_INPUT && err.text[0]);
		else
			CHECK_ROW(words[i].text,
				  (int)wish.kind == words[i].kind && wish.mark == words[i].mark);
	}
}

/* What was told: "threshold:1200 end:0 ". */
struct log {
	char text[512];
	size_t most; /* 0: no limit; so many are taken */
};

static bool take(const struct cgroup_wish *wish, uint64_t value, void *data)
{
	struct log *log = data;
	size_t length = strlen(log->text);

	snprintf(log->text + length, sizeof(log->text) - length, "%s:%llu ",
		 names_text(cgroup_event_names, wish->kind), (unsigned long long)value);
	return log->most == 0 || --log->most > 0;
}

/* Dispatch until the log reads like that, for 3 s; *more is what the last one returned. */
static void expect_log(struct cgroup_watch *watch, const struct log *log, const char *want)
{
	int64_t end = cgroup_clock_ms() + 3000;

	while (strcmp(log->text, want) != 0 && cgroup_clock_ms() < end) {
		struct pollfd ready = { .fd = cgroup_watch_fd(watch), .events = POLLIN };

		poll(&ready, 1, 100);
		if (cgroup_watch_dispatch(watch, NULL) != 1)
			break;
	}
	CHECK_TEXT(log->text, want);
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0);
}

static struct cgroup_watch *watch_dir(struct cgroup *cgroup, const struct cgroup_wish *wish,
				      struct log *log)
{
	struct err err = { 0 };
	struct cgroup_watch *watch = cgroup_watch_open(
		&(struct cgroup_watching){
			.cgroup = cgroup,
			.process = -1,
			.wishes = wish,
			.count = 1,
			.report = take,
			.data = log,
		},
		&err);

	if (!watch)
		fprintf(stderr, "%s\n", err.text);
	CHECK(watch != NULL);
	return watch;
}

/* v2 has no event for a mark of memory, no version one for throttling. */
static void check_clock(void)
{
	static const struct cgroup_wish mark = { CGROUP_EVENT_THRESHOLD, 1000, "1000" };
	static const struct cgroup_wish throttle = { CGROUP_EVENT_THROTTLE, 0, "" };
	auto_arena struct arena arena = { 0 };
	char top[] = "/tmp/masu-notify-XXXXXX";

	CHECK(mkdtemp(top) != NULL);
	char *dir = arena_printf(&arena, "%s/box", top);
	struct cgroup_place place = {
		.ops = &cgroup_v2_ops, .dir = dir, .mount = top, .mask = UINT32_MAX, .fd = -1
	};
	struct cgroup cgroup = { .arena = &arena, .places = &place, .count = 1 };
	struct log log = { "", 0 };

	CHECK_INT(mkdir(dir, 0700), 0);
	put(dir, "memory.current", "990\n");
	put(dir, "cpu.stat", "nr_periods 5\nnr_throttled 2\n");
	struct cgroup_watch *watch = watch_dir(&cgroup, &mark, &log);

	put(dir, "memory.current", "1200\n");
	expect_log(watch, &log, "threshold:1200 ");
	put(dir, "memory.current", "10\n");
	expect_log(watch, &log, "threshold:1200 threshold:10 ");
	CHECK_INT(cgroup_watch_dispatch(watch, NULL), 1);
	cgroup_watch_close(watch);

	log = (struct log){ "", 0 };
	watch = watch_dir(&cgroup, &throttle, &log);
	put(dir, "cpu.stat", "nr_periods 9\nnr_throttled 4\n");
	expect_log(watch, &log, "throttle:4 ");

	put(dir, "memory.current", "");
	CHECK(unlinkat(AT_FDCWD, arena_printf(&arena, "%s/memory.current", dir), 0) == 0);
	CHECK(unlinkat(AT_FDCWD, arena_printf(&arena, "%s/cpu.stat", dir), 0) == 0);
	CHECK_INT(rmdir(dir), 0);
	expect_log(watch, &log, "throttle:4 end:0 ");
	CHECK_INT(cgroup_watch_dispatch(watch, NULL), 0);
	cgroup_watch_close(watch);
	cgroup_close(&cgroup);
	CHECK_INT(rmdir(top), 0);
}

static void check_refusals(void)
{
	static const struct cgroup_wish oom = { CGROUP_EVENT_OOM, 0, "" };
	auto_arena struct arena arena = { 0 };
	char dir[] = "/tmp/masu-notify-XXXXXX";
	struct cgroup_place place = {
		.ops = &cgroup_v2_ops, .dir = dir, .mask = CGROUP_BIT(CGROUP_CORE), .fd = -1
	};
	struct cgroup cgroup = { .arena = &arena, .places = &place, .count = 1 };
	struct cgroup none = { .arena = &arena };
	struct log log = { "", 0 };
	struct cgroup_watching watching = {
		.cgroup = &cgroup,
		.process = -1,
		.wishes = &oom,
		.count = 1,
		.report = take,
		.data = &log,
	};
	struct err err = { 0 };

	CHECK(mkdtemp(dir) != NULL);
	CHECK(!cgroup_watch_open(&watching, &err));
	CHECK_INT(err.code, ERR_UNSUPPORTED);
	CHECK(strstr(err.text, "memory") != NULL);
	CHECK(!cgroup_counts_memory(&cgroup));
	place.mask = UINT32_MAX; /* memory it has, but not the file */
	CHECK(!cgroup_watch_open(&watching, &err));
	CHECK_INT(err.code, ENOENT);
	cgroup_close(&cgroup);
	CHECK_INT(rmdir(dir), 0);
	CHECK(!cgroup_watch_open(&watching, &err));
	CHECK_INT(err.code, ENOENT);
	watching.cgroup = &none;
	CHECK(!cgroup_watch_open(&watching, &err));
	CHECK_INT(err.code, ERR_UNSUPPORTED);
}

static void enter(const char *dir, pid_t pid)
{
	char path[256], text[16];

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	snprintf(text, sizeof(text), "%d", (int)pid);
	CHECK_INT(fd_write_file(AT_FDCWD, path, text, NULL), 0);
}

static pid_t start_sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	return pid;
}

static void end_sleeper(pid_t pid)
{
	CHECK_INT(kill(pid, SIGKILL), 0);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
}

/* Without a v2 twin: members are followed by a pidfd, the rest by looking. */
static void check_v1_alone(const char *top)
{
	static const struct cgroup_wish empty = { CGROUP_EVENT_EMPTY, 0, "" };
	static const struct cgroup_wish populated = { CGROUP_EVENT_POPULATED, 0, "" };
	static const struct cgroup_wish frozen = { CGROUP_EVENT_FROZEN, 0, "" };
	auto_arena struct arena arena = { 0 };
	const char *dir = arena_printf(&arena, "%s/unit-notify-%d", top, (int)getpid());
	const char *below = arena_printf(&arena, "%s/below", dir);
	struct cgroup_place place = { .ops = &cgroup_v1_ops,
				      .dir = dir,
				      .mount = top,
				      .mask = CGROUP_BIT(CGROUP_FREEZER),
				      .fd = -1 };
	struct cgroup cgroup = { .arena = &arena, .places = &place, .count = 1 };
	struct log none = { "", 0 }, some = { "", 0 }, cold = { "", 0 };

	CHECK(mkdir(dir, 0755) == 0 && mkdir(below, 0755) == 0);
	struct cgroup_watch *emptiness = watch_dir(&cgroup, &empty, &none);
	struct cgroup_watch *members = watch_dir(&cgroup, &populated, &some);
	struct cgroup_watch *freezing = watch_dir(&cgroup, &frozen, &cold);
	pid_t first = start_sleeper(), second = start_sleeper();

	expect_log(emptiness, &none, "empty:0 ");
	enter(dir, first);
	enter(below, second);
	expect_log(members, &some, "populated:2 ");
	CHECK_INT(cgroup_watch_dispatch(emptiness, NULL), 1);
	CHECK_INT(cgroup_freeze(&cgroup, NULL), 0);
	expect_log(freezing, &cold, "frozen:1 ");
	CHECK_INT(cgroup_thaw(&cgroup, NULL), 0);
	end_sleeper(first);
	expect_log(emptiness, &none, "empty:0 ");
	poll(NULL, 0, 1100); /* whoever looks by the clock has looked: the one below still lives */
	CHECK_INT(cgroup_watch_dispatch(emptiness, NULL), 1);
	CHECK_TEXT(none.text, "empty:0 ");
	int64_t killed = cgroup_clock_ms();

	end_sleeper(second);
	expect_log(emptiness, &none, "empty:0 empty:0 ");
	CHECK(cgroup_clock_ms() - killed < 1000);
	CHECK(rmdir(below) == 0 && rmdir(dir) == 0);
	expect_log(emptiness, &none, "empty:0 empty:0 end:0 ");
	expect_log(members, &some, "populated:2 end:0 ");
	expect_log(freezing, &cold, "frozen:1 end:0 ");
	cgroup_watch_close(emptiness);
	cgroup_watch_close(members);
	cgroup_watch_close(freezing);
	cgroup_close(&cgroup);
}

int main(void)
{
	static const char freezer[] = "/sys/fs/cgroup/freezer";

	check_words();
	check_clock();
	check_refusals();
	if (geteuid() == 0 && access("/sys/fs/cgroup/freezer/tasks", W_OK) == 0)
		check_v1_alone(freezer);
	return unit_done("cgroup_notify");
}
