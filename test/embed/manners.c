/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process as seen from inside: descriptors, signals, directory, environment, children. */
#include "test/embed/manners.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { SIGNALS = 65, DESCRIPTORS = 256, LIMITS = RLIM_NLIMITS, TEXT = 4096 };

struct manners {
	char descriptors[DESCRIPTORS][128]; /* what each number refers to, "" for a closed one */
	int descriptor_flags[DESCRIPTORS];
	sigset_t mask;
	struct sigaction actions[SIGNALS];
	char directory[TEXT];
	char **environment;
	char *values[DESCRIPTORS];
	mode_t umask;
	pid_t session, group;
	int subreaper, dumpable, no_new_privs, keep_caps, securebits, parent_death;
	struct rlimit limits[LIMITS];
	uid_t uids[3];
	gid_t gids[3];
	char threads[TEXT]; /* the names of /proc/self/task */
	char status[TEXT];  /* capabilities, seccomp, groups of the calling thread */
	char namespaces[TEXT];
	char cgroups[TEXT];
};

static void append(char *text, const char *more)
{
	size_t length = strlen(text);

	snprintf(text + length, TEXT - length, "%s", more);
}

static void note_descriptors(struct manners *note)
{
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		char path[32];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		ssize_t length =
			readlink(path, note->descriptors[fd], sizeof(note->descriptors[fd]) - 1);

		note->descriptors[fd][length < 0 ? 0 : length] = '\0';
		note->descriptor_flags[fd] = fcntl(fd, F_GETFD);
	}
}

static void note_threads(char *text)
{
	DIR *stream = opendir("/proc/self/task");

	for (struct dirent *entry; stream && (entry = readdir(stream));) {
		append(text, entry->d_name);
		append(text, " ");
	}
	if (stream)
		closedir(stream);
}

static void note_lines(const char *path, const char *const *starts, char *text)
{
	FILE *file = fopen(path, "re");
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		bool wanted = !starts;

		for (size_t i = 0; starts && starts[i] && !wanted; i++)
			wanted = strncmp(line, starts[i], strlen(starts[i])) == 0;
		if (wanted)
			append(text, line);
	}
	if (file)
		fclose(file);
}

static void note_namespaces(char *text)
{
	static const char *const names[] = { "cgroup", "ipc",  "mnt", "net",
					     "pid",    "user", "uts", "pid_for_children" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char path[64], target[64];

		snprintf(path, sizeof(path), "/proc/thread-self/ns/%s", names[i]);
		ssize_t length = readlink(path, target, sizeof(target) - 1);

		target[length < 0 ? 0 : length] = '\0';
		append(text, target);
	}
}

static void note_process(struct manners *note)
{
	note->umask = umask(0);
	umask(note->umask);
	note->session = getsid(0);
	note->group = getpgrp();
	prctl(PR_GET_CHILD_SUBREAPER, &note->subreaper);
	prctl(PR_GET_PDEATHSIG, &note->parent_death);
	note->dumpable = prctl(PR_GET_DUMPABLE);
	note->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
	note->keep_caps = prctl(PR_GET_KEEPCAPS);
	note->securebits = prctl(PR_GET_SECUREBITS);
	for (int i = 0; i < LIMITS; i++)
		getrlimit((__rlimit_resource_t)i, &note->limits[i]);
	getresuid(&note->uids[0], &note->uids[1], &note->uids[2]);
	getresgid(&note->gids[0], &note->gids[1], &note->gids[2]);
}

static struct manners *note(void)
{
	static const char *const status[] = { "Cap", "Seccomp:", "Groups:", "Uid:", "Gid:", NULL };
	struct manners *note = calloc(1, sizeof(*note));

	if (!note)
		abort();
	note_descriptors(note);
	pthread_sigmask(SIG_BLOCK, NULL, &note->mask);
	for (int number = 1; number < SIGNALS; number++)
		sigaction(number, NULL, &note->actions[number]);
	if (!getcwd(note->directory, sizeof(note->directory)))
		note->directory[0] = '\0';
	note->environment = environ;
	for (size_t i = 0; environ[i] && i < DESCRIPTORS; i++)
		note->values[i] = environ[i];
	note_process(note);
	note_threads(note->threads);
	note_lines("/proc/thread-self/status", status, note->status);
	note_lines("/proc/thread-self/cgroup", NULL, note->cgroups);
	note_namespaces(note->namespaces);
	return note;
}

static void on_signal(int number)
{
	(void)number;
}

struct manners *manners_note(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMIN + 3);
	pthread_sigmask(SIG_SETMASK, &set, NULL);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGCHLD, &action, NULL);
	umask(0027);
	return note();
}

static void check_descriptors(const struct manners *before, const struct manners *after)
{
	for (int fd = 0; fd < DESCRIPTORS; fd++) {
		if (strcmp(before->descriptors[fd], after->descriptors[fd]) == 0 &&
		    before->descriptor_flags[fd] == after->descriptor_flags[fd])
			continue;
		failures++;
		fprintf(stderr, "descriptor %d was \"%s\" and is \"%s\"\n", fd,
			before->descriptors[fd], after->descriptors[fd]);
	}
}

static void check_text(const char *what, const char *before, const char *after)
{
	if (strcmp(before, after) == 0)
		return;
	failures++;
	fprintf(stderr, "%s: were %s, are %s\n", what, before, after);
}

void manners_check(struct manners *before)
{
	struct manners *after = note();

	check_descriptors(before, after);
	CHECK(memcmp(&before->mask, &after->mask, sizeof(before->mask)) == 0);
	for (int number = 1; number < SIGNALS; number++)
		CHECK(before->actions[number].sa_handler == after->actions[number].sa_handler);
	check_text("directory", before->directory, after->directory);
	CHECK(before->environment == after->environment);
	CHECK(memcmp(before->values, after->values, sizeof(before->values)) == 0);
	CHECK(before->umask == after->umask);
	CHECK(before->session == after->session && before->group == after->group);
	CHECK(before->subreaper == after->subreaper);
	CHECK(before->dumpable == after->dumpable);
	CHECK(before->no_new_privs == after->no_new_privs);
	CHECK(before->keep_caps == after->keep_caps && before->securebits == after->securebits);
	CHECK(before->parent_death == after->parent_death);
	CHECK(memcmp(before->limits, after->limits, sizeof(before->limits)) == 0);
	CHECK(memcmp(before->uids, after->uids, sizeof(before->uids)) == 0);
	CHECK(memcmp(before->gids, after->gids, sizeof(before->gids)) == 0);
	check_text("threads", before->threads, after->threads);
	check_text("credentials", before->status, after->status);
	check_text("namespaces", before->namespaces, after->namespaces);
	check_text("cgroups", before->cgroups, after->cgroups);
	/* neither running nor waiting to be reaped */
	CHECK(waitpid(-1, NULL, WNOHANG | __WALL) == -1 && errno == ECHILD);
	free(before);
	free(after);
}
