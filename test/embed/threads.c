/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Several threads: containers of their own at the same time, one container of all, one name for
 * two. */
#include "test/embed/cases.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/embed/manners.h"

enum { THREADS = 4, ROUNDS = 6 };

struct worker {
	pthread_t thread;
	const struct place *place;
	int number;
	pthread_barrier_t *together;
	/* of a fight */
	int created, started, deleted;
};

static void start_all(struct worker *workers, int count, const struct place *place,
		      pthread_barrier_t *together, void *(*work)(void *))
{
	for (int i = 0; i < count; i++) {
		workers[i] = (struct worker){ .place = place, .number = i, .together = together };
		CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	}
}

static void join_all(struct worker *workers, int count)
{
	for (int i = 0; i < count; i++)
		CHECK(pthread_join(workers[i].thread, NULL) == 0);
}

static void live_once(struct masu *masu, const struct masu_create_options *create, int expected)
{
	char script[128];
	const char *args[] = { "/bin/sh", "-c", script, NULL };
	struct masu_exec_options exec = { .size = sizeof(exec), .id = create->id, .args = args };
	int status = -2;

	snprintf(script, sizeof(script), ONCE_READY("exit %d"), expected);
	WORKS(masu_create(masu, create, &error));
	WORKS(masu_start(masu, create->id, &error));
	WORKS(masu_exec(masu, &exec, &status, &error));
	CHECK(status == expected);
	WORKS(masu_pause(masu, create->id, &error));
	WORKS(masu_resume(masu, create->id, &error));
	WORKS(masu_kill(masu, create->id, SIGTERM, 0, &error));
	WORKS(masu_wait(masu, create->id, &status, &error));
	CHECK(status == 7);
	WORKS(masu_delete(masu, create->id, 0, &error));
}

static void *live(void *data)
{
	const struct worker *worker = data;
	struct masu_create_options create = { .size = sizeof(create) };
	char id[128], file[4096];
	int status = -2;

	snprintf(id, sizeof(id), "%s-%d", worker->place->id, worker->number);
	snprintf(file, sizeof(file), "%s/short.json", worker->place->bundle);
	create.id = id;
	for (int round = 0; round < ROUNDS; round++) {
		create.bundle = worker->place->bundle;
		create.spec_file = NULL;
		live_once(worker->place->masu, &create, 10 * worker->number + round);
		create.spec_file = file;
		WORKS(masu_run(worker->place->masu, &create, &status, &error));
		CHECK(status == 5);
	}
	return NULL;
}

/* Looks on while others work: a container that comes or goes is no error. */
static void *look(void *data)
{
	const struct worker *worker = data;

	for (int round = 0; round < 20 * ROUNDS; round++) {
		struct masu_container_info *first = NULL;

		WORKS(masu_list(worker->place->masu, &first, &error));
		for (struct masu_container_info *info = first; info; info = info->next)
			CHECK(strcmp(info->status, "broken") != 0);
		masu_list_free(first);
		usleep(2000);
	}
	return NULL;
}

/* Other libraries of the program fork and exec too, and their children live on for a while. */
static void *fork_now_and_then(void *data)
{
	pid_t children[ROUNDS];

	(void)data;
	for (int i = 0; i < ROUNDS; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			usleep(300000);
			_exit(0);
		}
		usleep(10000);
	}
	for (int i = 0; i < ROUNDS; i++)
		CHECK(waitpid(children[i], NULL, 0) == children[i]);
	return NULL;
}

void case_threads(const struct place *place)
{
	struct worker workers[THREADS], others[2];

	start_all(workers, THREADS, place, NULL, live);
	start_all(&others[0], 1, place, NULL, look);
	start_all(&others[1], 1, place, NULL, fork_now_and_then);
	join_all(workers, THREADS);
	join_all(others, 2);
}

static void *use_shared(void *data)
{
	const struct worker *worker = data;
	struct masu *masu = worker->place->masu;
	const char *args[] = { "/bin/sh", "-c", ONCE_READY("exit 9"), NULL };
	struct masu_exec_options exec = { .size = sizeof(exec),
					  .id = worker->place->id,
					  .args = args };
	struct masu_update_options update = {
		.size = sizeof(update),
		.resources_json = "{ \"pids\": { \"limit\": 60 } }",
	};

	for (int round = 0; round < ROUNDS; round++) {
		char *json = NULL;
		int status = -2;

		WORKS(masu_exec(masu, &exec, &status, &error));
		CHECK(status == 9);
		WORKS(masu_update(masu, worker->place->id, &update, &error));
		WORKS(masu_stats(masu, worker->place->id, &json, &error));
		free(json);
		WORKS(masu_state(masu, worker->place->id, &json, &error));
		CHECK(json && strstr(json, "\"running\""));
		free(json);
	}
	return NULL;
}

static void *wait_for_shared(void *data)
{
	const struct worker *worker = data;

	/* one of them gets the status, as with waitpid() */
	WORKS(masu_wait(worker->place->masu, worker->place->id, NULL, &error));
	return NULL;
}

void case_shared(const struct place *place)
{
	struct masu_create_options create = {
		.size = sizeof(create), .id = place->id, .bundle = place->bundle, .detach = true
	};
	struct worker workers[THREADS], waiters[2];

	WORKS(masu_run(place->masu, &create, NULL, &error));
	start_all(waiters, 2, place, NULL, wait_for_shared);
	start_all(workers, THREADS, place, NULL, use_shared);
	join_all(workers, THREADS);
	WORKS(masu_kill(place->masu, place->id, SIGTERM, 0, &error));
	join_all(waiters, 2);
	WORKS(masu_delete(place->masu, place->id, 0, &error));
}

/* 1 when it worked, 0 when it was refused as one of two is, and a failed check for all else. */
static int won(int result, const struct masu_error *error, const int *refusals)
{
	if (result == 0)
		return 1;
	for (; *refusals; refusals++) {
		if (error->code == *refusals)
			return 0;
	}
	failures++;
	fprintf(stderr, "refused with %d: %s\n", error->code, error->text);
	return 0;
}

static void *fight(void *data)
{
	static const int taken[] = { MASU_ERR_EXISTS, 0 }, gone[] = { MASU_ERR_NOT_FOUND, 0 },
			 late[] = { MASU_ERR_STATE, 0 };
	struct worker *worker = data;
	struct masu *masu = worker->place->masu;
	const char *id = worker->place->id;
	struct masu_create_options create = { .size = sizeof(create),
					      .id = id,
					      .bundle = worker->place->bundle };

	for (int round = 0; round < ROUNDS; round++) {
		struct masu_error error = { 0 };

		pthread_barrier_wait(worker->together);
		worker->created += won(masu_create(masu, &create, &error), &error, taken);
		pthread_barrier_wait(worker->together);
		worker->started += won(masu_start(masu, id, &error), &error, late);
		pthread_barrier_wait(worker->together);
		if (worker->number == 0) {
			WORKS(masu_kill(masu, id, SIGKILL, 0, &error));
			WORKS(masu_wait(masu, id, NULL, &error));
		}
		pthread_barrier_wait(worker->together);
		worker->deleted += won(masu_delete(masu, id, 0, &error), &error, gone);
	}
	return NULL;
}

/* Each step has one winner, and the other is told why. */
void case_fight(const struct place *place)
{
	struct worker workers[2];
	pthread_barrier_t together;

	CHECK(pthread_barrier_init(&together, NULL, 2) == 0);
	start_all(workers, 2, place, &together, fight);
	join_all(workers, 2);
	pthread_barrier_destroy(&together);
	CHECK(workers[0].created + workers[1].created == ROUNDS);
	CHECK(workers[0].started + workers[1].started == ROUNDS);
	CHECK(workers[0].deleted + workers[1].deleted == ROUNDS);
}
