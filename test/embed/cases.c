/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One thread: the whole life of a container, its errors, its options, its log lines. */
#include "test/embed/cases.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/embed/manners.h"

static struct masu_create_options creation(const struct place *place)
{
	return (struct masu_create_options){
		.size = sizeof(struct masu_create_options),
		.id = place->id,
		.bundle = place->bundle,
	};
}

/* Whether the container's state holds TEXT. */
static bool state_has(const struct place *place, const char *text)
{
	char *json = NULL;

	WORKS(masu_state(place->masu, place->id, &json, &error));
	bool found = json && strstr(json, text);

	if (!found)
		fprintf(stderr, "no %s in %s\n", text, json ? json : "nothing");
	free(json);
	return found;
}

static int run_inside(const struct place *place, const char *script)
{
	const char *args[] = { "/bin/sh", "-c", script, NULL };
	struct masu_exec_options exec = { .size = sizeof(exec), .id = place->id, .args = args };
	int status = -1;

	WORKS(masu_exec(place->masu, &exec, &status, &error));
	return status;
}

static void check_listed(const struct place *place, const char *status)
{
	struct masu_container_info *first = NULL;
	size_t count = 0;

	WORKS(masu_list(place->masu, &first, &error));
	for (struct masu_container_info *info = first; info; info = info->next) {
		if (strcmp(info->id, place->id) != 0)
			continue;
		count++;
		CHECK(strcmp(info->status, status) == 0);
		CHECK(strcmp(info->bundle, place->bundle) == 0);
		CHECK(info->created[0] && info->owner[0] && info->annotations[0] == '{');
	}
	CHECK(count == 1);
	masu_list_free(first);
}

static void check_created(const struct place *place)
{
	struct masu_create_options create = creation(place);

	CHECK(state_has(place, "\"created\""));
	FAILS(MASU_ERR_EXISTS, masu_create(place->masu, &create, &error));
	FAILS(MASU_ERR_STATE, masu_resume(place->masu, place->id, &error));
	CHECK(run_inside(place, "exit 3") == 3);
	WORKS(masu_start(place->masu, place->id, &error));
	FAILS(MASU_ERR_STATE, masu_start(place->masu, place->id, &error));
	CHECK(state_has(place, "\"running\""));
	check_listed(place, "running");
}

static bool take_one_event(const char *json, void *data)
{
	*(bool *)data = strstr(json, "\"stats\"") != NULL;
	return false;
}

static void check_running(const struct place *place)
{
	struct masu_update_options update = {
		.size = sizeof(update),
		.resources_json = "{ \"pids\": { \"limit\": 57 } }",
	};
	pid_t *pids = NULL;
	size_t count = 0;
	char *json = NULL;
	bool reported = false;

	FAILS(MASU_ERR_STATE, masu_delete(place->masu, place->id, 0, &error));
	CHECK(run_inside(place, ONCE_READY("exit 0")) == 0);
	CHECK(run_inside(place, "kill -9 $$") == 128 + 9);
	WORKS(masu_pids(place->masu, place->id, &pids, &count, &error));
	CHECK(count >= 1 && pids[0] > 1);
	free(pids);
	WORKS(masu_update(place->masu, place->id, &update, &error));
	WORKS(masu_stats(place->masu, place->id, &json, &error));
	CHECK(json && strstr(json, "57"));
	free(json);
	WORKS(masu_events(place->masu, place->id, 10, take_one_event, &reported, &error));
	CHECK(reported);
	update.resources_json = "{ \"pids\": { \"limit\": \"many\" } }";
	FAILS(MASU_ERR_INPUT, masu_update(place->masu, place->id, &update, &error));
}

static void check_paused(const struct place *place)
{
	const char *args[] = { "/bin/true", NULL };
	struct masu_exec_options exec = { .size = sizeof(exec), .id = place->id, .args = args };

	WORKS(masu_pause(place->masu, place->id, &error));
	FAILS(MASU_ERR_STATE, masu_pause(place->masu, place->id, &error));
	CHECK(state_has(place, "\"paused\""));
	FAILS(MASU_ERR_STATE, masu_exec(place->masu, &exec, NULL, &error));
	WORKS(masu_resume(place->masu, place->id, &error));
	FAILS(MASU_ERR_STATE, masu_resume(place->masu, place->id, &error));
	CHECK(state_has(place, "\"running\""));
}

static void check_end(const struct place *place)
{
	int status = -2;

	WORKS(masu_kill(place->masu, place->id, SIGTERM, 0, &error));
	WORKS(masu_wait(place->masu, place->id, &status, &error));
	CHECK(status == 7);
	CHECK(state_has(place, "\"stopped\""));
	check_listed(place, "stopped");
	FAILS(MASU_ERR_STATE, masu_kill(place->masu, place->id, SIGTERM, 0, &error));
	WORKS(masu_kill(place->masu, place->id, SIGKILL, MASU_KILL_ALL, &error));
	FAILS(MASU_ERR_STATE, masu_start(place->masu, place->id, &error));
	FAILS(MASU_ERR_STATE, masu_pause(place->masu, place->id, &error));
	WORKS(masu_delete(place->masu, place->id, 0, &error));
	FAILS(MASU_ERR_NOT_FOUND, masu_delete(place->masu, place->id, 0, &error));
	WORKS(masu_delete(place->masu, place->id, MASU_DELETE_FORCE, &error));
}

void case_life(const struct place *place)
{
	struct masu_create_options create = creation(place);

	WORKS(masu_create(place->masu, &create, &error));
	check_created(place);
	check_running(place);
	check_paused(place);
	check_end(place);
}

static void end_unseen(const struct place *place)
{
	struct masu_create_options create = creation(place);
	siginfo_t ended;

	create.detach = true;
	WORKS(masu_run(place->masu, &create, NULL, &error));
	CHECK(run_inside(place, ONCE_READY("exit 0")) == 0);
	WORKS(masu_kill(place->masu, place->id, SIGTERM, 0, &error));
	CHECK(waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) == 0);
	CHECK(state_has(place, "\"stopped\""));
}

/* A process that ended before anybody waited: its status is not lost, and `delete` leaves no
 * zombie. */
void case_ended(const struct place *place)
{
	int status = -2;

	end_unseen(place);
	WORKS(masu_wait(place->masu, place->id, &status, &error));
	CHECK(status == 7);
	WORKS(masu_wait(place->masu, place->id, &status, &error));
	CHECK(status == -1);
	WORKS(masu_delete(place->masu, place->id, 0, &error));
	end_unseen(place);
	WORKS(masu_delete(place->masu, place->id, 0, &error));
}

/* run: waiting, detached, kept. */
void case_run(const struct place *place)
{
	struct masu_create_options create = creation(place);
	char file[4096];
	int status = -2;

	create.detach = true;
	WORKS(masu_run(place->masu, &create, &status, &error));
	CHECK(status == -2);
	CHECK(state_has(place, "\"running\""));
	WORKS(masu_delete(place->masu, place->id, MASU_DELETE_FORCE, &error));

	snprintf(file, sizeof(file), "%s/short.json", place->bundle);
	create.spec_file = file;
	create.detach = false;
	create.keep = true;
	WORKS(masu_run(place->masu, &create, &status, &error));
	CHECK(status == 5);
	CHECK(state_has(place, "\"stopped\""));
	WORKS(masu_delete(place->masu, place->id, 0, &error));

	create.keep = false;
	create.bundle = NULL; /* the spec's directory */
	status = -2;
	WORKS(masu_run(place->masu, &create, &status, &error));
	CHECK(status == 5);
	FAILS(MASU_ERR_NOT_FOUND, masu_state(place->masu, place->id, NULL, &error));
	WORKS(masu_run(place->masu, &create, NULL, &error));

	/* a foreground run puts back what it changes */
	create.foreground = true;
	WORKS(masu_run(place->masu, &create, &status, &error));
	CHECK(status == 5);
}

/* The container's streams are those that are given; exec's as well. */
void case_streams(const struct place *place)
{
	struct masu_create_options create = creation(place);
	const char *args[] = { "/bin/sh", "-c", "echo to out; echo to err >&2", NULL };
	struct masu_exec_options exec = { .size = sizeof(exec), .id = place->id, .args = args };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), pair[2];
	char text[64] = "";
	int status = -2;

	CHECK(null >= 0 && pipe2(pair, O_CLOEXEC) == 0);
	const int nothing[] = { null, null, null }, piped[] = { null, pair[1], pair[1] };

	create.stdio = nothing;
	create.detach = true;
	WORKS(masu_run(place->masu, &create, NULL, &error));
	exec.stdio = piped;
	WORKS(masu_exec(place->masu, &exec, &status, &error));
	CHECK(status == 0);
	close(pair[1]);
	/* nobody else holds the other end: not the container, not a forgotten copy of ours */
	CHECK(read(pair[0], text, sizeof(text) - 1) == 14);
	CHECK(strcmp(text, "to out\nto err\n") == 0);
	CHECK(read(pair[0], text, sizeof(text)) == 0);
	close(pair[0]);
	close(null);
	WORKS(masu_delete(place->masu, place->id, MASU_DELETE_FORCE, &error));
}

static void check_open_errors(const struct place *place)
{
	struct masu *unwritten = place->masu;
	struct masu_options options = { .size = sizeof(options), .root = "/" };

	FAILS(MASU_ERR_INPUT, masu_open(&options, &unwritten, &error));
	options.root = "";
	FAILS(MASU_ERR_INPUT, masu_open(&options, &unwritten, &error));
	options.root = place->root;
	options.cgroup_manager = (enum masu_cgroup_manager)99;
	FAILS(MASU_ERR_INPUT, masu_open(&options, &unwritten, &error));
	options.size = 0;
	FAILS(MASU_ERR_INPUT, masu_open(&options, &unwritten, &error));
	CHECK(unwritten == place->masu);
}

static void check_create_errors(const struct place *place)
{
	static const char *const ids[] = { "",    ".",   "..",   "a/b",   "-a",
					   "a b", "a\n", "/etc", "../up", "\303\244" };
	struct masu_create_options create = creation(place);
	char file[4096];

	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		create.id = ids[i];
		FAILS(MASU_ERR_INPUT, masu_create(place->masu, &create, &error));
		FAILS(MASU_ERR_INPUT, masu_start(place->masu, ids[i], &error));
		FAILS(MASU_ERR_INPUT, masu_delete(place->masu, ids[i], MASU_DELETE_FORCE, &error));
	}
	create.id = NULL;
	FAILS(MASU_ERR_INPUT, masu_create(place->masu, &create, &error));
	create.id = place->id;
	create.bundle = "/nowhere";
	FAILS(ENOENT, masu_create(place->masu, &create, &error));
	create.bundle = place->bundle;
	create.spec_file = "/nowhere.json";
	FAILS(ENOENT, masu_create(place->masu, &create, &error));
	snprintf(file, sizeof(file), "%s/wrong.json", place->bundle);
	create.spec_file = file;
	FAILS(MASU_ERR_INPUT, masu_create(place->masu, &create, &error));
	snprintf(file, sizeof(file), "%s/absent.json", place->bundle);
	FAILS(ENOENT, masu_run(place->masu, &create, NULL, &error));
	snprintf(file, sizeof(file), "%s/hook.json", place->bundle);
	FAILS(MASU_ERR_HOOK, masu_create(place->masu, &create, &error));
}

/* What is no container; and no output is written by what fails. */
static void check_absent(const struct place *place)
{
	const char *args[] = { "/bin/true", NULL };
	struct masu_exec_options exec = { .size = sizeof(exec), .id = place->id, .args = args };
	struct masu_update_options update = { .size = sizeof(update) };
	char untouched[] = "untouched", *text = untouched;
	pid_t *pids = (pid_t *)untouched;
	size_t count = 99;
	int status = -2;

	FAILS(MASU_ERR_NOT_FOUND, masu_start(place->masu, place->id, &error));
	FAILS(MASU_ERR_NOT_FOUND, masu_exec(place->masu, &exec, &status, &error));
	FAILS(MASU_ERR_NOT_FOUND, masu_kill(place->masu, place->id, SIGTERM, 0, &error));
	FAILS(MASU_ERR_NOT_FOUND, masu_delete(place->masu, place->id, 0, &error));
	FAILS(MASU_ERR_NOT_FOUND, masu_state(place->masu, place->id, &text, &error));
	FAILS(MASU_ERR_NOT_FOUND, masu_wait(place->masu, place->id, &status, &error));
	FAILS(MASU_ERR_NOT_FOUND, masu_pause(place->masu, place->id, &error));
	FAILS(MASU_ERR_NOT_FOUND, masu_resume(place->masu, place->id, &error));
	FAILS(MASU_ERR_NOT_FOUND, masu_pids(place->masu, place->id, &pids, &count, &error));
	FAILS(MASU_ERR_NOT_FOUND, masu_stats(place->masu, place->id, &text, &error));
	FAILS(MASU_ERR_NOT_FOUND, masu_events(place->masu, place->id, 1, NULL, NULL, &error));
	FAILS(MASU_ERR_NOT_FOUND, masu_update(place->masu, place->id, &update, &error));
	CHECK(text == untouched && pids == (pid_t *)untouched && count == 99 && status == -2);
}

void case_errors(const struct place *place)
{
	check_open_errors(place);
	check_absent(place);
	check_create_errors(place);
	check_absent(place);
	FAILS(MASU_ERR_INPUT, masu_parse_signal("SIGNOTHING", &error));
	CHECK(masu_parse_signal("TERM", NULL) == SIGTERM);
}

/* A caller may not want the reason: everything works and fails as with it. */
void case_null_error(const struct place *place)
{
	struct masu_create_options create = creation(place);
	const char *args[] = { "/bin/true", NULL };
	struct masu_exec_options exec = { .size = sizeof(exec), .id = place->id, .args = args };
	char file[4096];
	int status = -2;

	CHECK(masu_start(place->masu, place->id, NULL) == -1);
	CHECK(masu_kill(place->masu, "..", 9, 0, NULL) == -1);
	create.spec_file = file;
	for (const char *const *name = (const char *const[]){ "wrong", "absent", "hook", NULL };
	     *name; name++) {
		snprintf(file, sizeof(file), "%s/%s.json", place->bundle, *name);
		CHECK(masu_run(place->masu, &create, NULL, NULL) == -1);
	}
	create.spec_file = NULL;
	CHECK(masu_create(place->masu, &create, NULL) == 0);
	CHECK(masu_create(place->masu, &create, NULL) == -1);
	CHECK(masu_start(place->masu, place->id, NULL) == 0);
	CHECK(masu_exec(place->masu, &exec, &status, NULL) == 0 && status == 0);
	args[0] = "/bin/nothing";
	CHECK(masu_exec(place->masu, &exec, &status, NULL) == -1);
	CHECK(masu_delete(place->masu, place->id, 0, NULL) == -1);
	CHECK(masu_delete(place->masu, place->id, MASU_DELETE_FORCE, NULL) == 0);
	CHECK(masu_delete(place->masu, place->id, 0, NULL) == -1);
}

/* Programs compiled with an older and with a newer masu.h. */
void case_options(const struct place *place)
{
	struct masu_create_options create = creation(place);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = offsetof(struct masu_create_options, console_socket);
	char *pages =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	struct {
		struct masu_create_options known;
		uint64_t later;
	} newer = { creation(place), 0 };

	CHECK(pages != MAP_FAILED && mprotect(pages + page, page, PROT_NONE) == 0);
	/* one byte read behind its end is a fault */
	char *older = pages + page - size;

	create.size = size;
	memcpy(older, &create, size);
	WORKS(masu_create(place->masu, (struct masu_create_options *)older, &error));
	WORKS(masu_delete(place->masu, place->id, 0, &error));
	munmap(pages, 2 * page);

	newer.known.size = sizeof(newer);
	WORKS(masu_create(place->masu, &newer.known, &error));
	WORKS(masu_delete(place->masu, place->id, 0, &error));
	newer.later = 1;
	FAILS(MASU_ERR_UNSUPPORTED, masu_create(place->masu, &newer.known, &error));
	newer.known.size = 0;
	FAILS(MASU_ERR_INPUT, masu_create(place->masu, &newer.known, &error));
	newer.known.size = SIZE_MAX;
	FAILS(MASU_ERR_INPUT, masu_create(place->masu, &newer.known, &error));
	FAILS(MASU_ERR_INPUT, masu_create(place->masu, NULL, &error));
	FAILS(MASU_ERR_INPUT, masu_exec(place->masu, NULL, NULL, &error));
}

struct lines {
	size_t debug, warnings;
	bool step, newline;
};

static void count_line(enum masu_log_level level, const char *message, void *data)
{
	struct lines *lines = data;

	lines->debug += level == MASU_LOG_DEBUG;
	lines->warnings += level == MASU_LOG_WARNING;
	lines->step |= strncmp(message, "step ", 5) == 0;
	lines->newline |= strchr(message, '\n') != NULL;
}

void case_log(const struct place *place)
{
	struct masu_create_options create = creation(place);
	struct lines lines = { 0 };
	char file[4096];

	/* a misspelt field gets a warning */
	snprintf(file, sizeof(file), "%s/misspelt.json", place->bundle);
	create.spec_file = file;
	masu_set_log(count_line, &lines, MASU_LOG_DEBUG);
	WORKS(masu_run(place->masu, &create, NULL, &error));
	CHECK(lines.step && lines.debug > 5 && lines.warnings == 1 && !lines.newline);

	lines = (struct lines){ 0 };
	masu_set_log(count_line, &lines, MASU_LOG_WARNING);
	WORKS(masu_run(place->masu, &create, NULL, &error));
	CHECK(lines.debug == 0 && lines.warnings == 1);

	lines = (struct lines){ 0 };
	masu_set_log(NULL, NULL, MASU_LOG_DEBUG);
	WORKS(masu_run(place->masu, &create, NULL, &error));
	CHECK(lines.debug == 0 && lines.warnings == 0);
}

/* Children of the caller's own are its business, also one that ended; the first process is
 * waitpid()'s too. */
void case_own_child(const struct place *place)
{
	struct masu_create_options create = creation(place);
	pid_t own = fork(), *pids = NULL;
	size_t count = 0;
	int status = -1;

	if (own == 0)
		_exit(42);
	CHECK(waitid(P_PID, (id_t)own, &(siginfo_t){ 0 }, WEXITED | WNOWAIT) == 0);
	create.detach = true;
	WORKS(masu_run(place->masu, &create, NULL, &error));
	CHECK(run_inside(place, ONCE_READY("exit 4")) == 4);
	WORKS(masu_pids(place->masu, place->id, &pids, &count, &error));
	WORKS(masu_kill(place->masu, place->id, SIGTERM, 0, &error));
	CHECK(count && waitpid(pids[0], &status, 0) == pids[0]);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	WORKS(masu_delete(place->masu, place->id, 0, &error));
	CHECK(waitpid(own, &status, 0) == own && WEXITSTATUS(status) == 42);
	free(pids);
}
