/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The probe's actions: what a test wants done from inside. Failures print the errno's name text and
 * exit with 1. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test/probe/probe.h"

static int report(const char *what, long result)
{
	if (result >= 0)
		printf("%s: ok\n", what);
	else
		printf("%s: %s\n", what, strerror(errno));
	return result < 0;
}

/* probe syscall NR [ARGUMENT...]: numbers in any base; prints "RESULT ERRNO" */
static int act_syscall(char **arguments)
{
	long a[6] = { 0 };
	long number = strtol(arguments[0], NULL, 0);
	long result;

	for (int i = 0; i < 6 && arguments[i + 1]; i++)
		a[i] = (long)strtoull(arguments[i + 1], NULL, 0);
	errno = 0;
	result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	printf("%ld %d\n", result < 0 ? -1 : result, result < 0 ? errno : 0);
	return 0;
}

static int act_open(char **arguments)
{
	int failed = 0;

	for (; *arguments; arguments++)
		failed |= report(*arguments, open(*arguments, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
	return failed;
}

static int act_create(char **arguments)
{
	return report(arguments[0],
		      open(arguments[0], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
}

static int act_write(char **arguments)
{
	int fd = open(arguments[0], O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return report(arguments[0], fd);
	return report(arguments[0], write(fd, arguments[1], strlen(arguments[1])));
}

/* probe mknod PATH MAJOR MINOR: a character device */
static int act_mknod(char **arguments)
{
	unsigned int high = (unsigned int)strtoul(arguments[1], NULL, 10);
	unsigned int low = (unsigned int)strtoul(arguments[2], NULL, 10);

	return report(arguments[0], mknod(arguments[0], S_IFCHR | 0666, makedev(high, low)));
}

/* probe mem BYTES: touch that much memory */
static int act_mem(char **arguments)
{
	size_t size = strtoull(arguments[0], NULL, 0);
	volatile char *memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return report("mem", -1);
	for (size_t i = 0; i < size; i += 4096)
		memory[i] = 1;
	return report("mem", 0);
}

static int act_sleep(char **arguments)
{
	double seconds = strtod(arguments[0], NULL);
	struct timespec time = { .tv_sec = (time_t)seconds };

	time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
	printf("ready\n");
	fflush(stdout);
	while (nanosleep(&time, &time) < 0 && errno == EINTR)
		;
	return 0;
}

static void *sleep_on(void *seconds)
{
	sleep(*(unsigned int *)seconds);
	return NULL;
}

/* probe threads N SECONDS: so many threads in all, which sleep */
static int act_threads(char **arguments)
{
	unsigned int seconds = (unsigned int)atoi(arguments[1]);
	pthread_t thread;

	for (int i = 1; i < atoi(arguments[0]); i++) {
		if (pthread_create(&thread, NULL, sleep_on, &seconds) != 0)
			return report("pthread_create", -1);
	}
	sleep_on(&seconds);
	return 0;
}

static int act_exit(char **arguments)
{
	return (int)strtol(arguments[0], NULL, 10);
}

/* Wait for any signal that can be waited for, print its number, exit with 0. Blocked signals reach
 * even a pid 1. */
static int act_signal(char **arguments)
{
	sigset_t all;
	int number;

	(void)arguments;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	printf("ready\n");
	fflush(stdout);
	number = sigwaitinfo(&all, NULL);
	printf("signal %d\n", number);
	return number < 0;
}

/* Leave a child of our own behind that sleeps; print its pid (as this pid namespace counts) and
 * exit. */
static int act_spawn_orphan(char **arguments)
{
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		sleep((unsigned int)strtoul(arguments[0], NULL, 10));
		_exit(0);
	}
	printf("%d\n", pid);
	return pid < 0;
}

/* probe fork COUNT: how many children can live at once */
static int act_fork(char **arguments)
{
	long want = strtol(arguments[0], NULL, 10);
	long have = 0;
	pid_t pid = 0;

	for (; have < want && (pid = fork()) > 0; have++)
		;
	if (pid == 0 && want > 0 && have < want) {
		pause();
		_exit(0);
	}
	printf("%ld %s\n", have, pid < 0 ? strerror(errno) : "all");
	fflush(stdout);
	signal(SIGTERM, SIG_IGN);
	kill(0, SIGTERM);
	return 0;
}

/* Read standard input and write it out, to its end. */
static int act_cat(char **arguments)
{
	char buffer[4096];
	ssize_t length;

	(void)arguments;
	while ((length = read(0, buffer, sizeof(buffer))) > 0)
		if (write(1, buffer, (size_t)length) != length)
			return 1;
	return 0;
}

/* probe stat PATH...: "TYPE MODE UID GID MAJOR:MINOR" a line */
static int act_stat(char **arguments)
{
	struct stat st;

	for (; *arguments; arguments++) {
		if (lstat(*arguments, &st) < 0)
			return report(*arguments, -1);
		printf("%o %o %u %u %u:%u\n", st.st_mode >> 12, st.st_mode & 07777, st.st_uid,
		       st.st_gid, major(st.st_rdev), minor(st.st_rdev));
	}
	return 0;
}

/* probe exchange A B: swaps two names, again and again, until it is ended */
static int act_exchange(char **arguments)
{
	for (;;)
		if (syscall(SYS_renameat2, AT_FDCWD, arguments[0], AT_FDCWD, arguments[1],
			    2 /* RENAME_EXCHANGE */) < 0)
			return report(arguments[0], -1);
}

/* clang-format off */
const struct probe_action probe_actions[] = {
	{ "syscall",	  1, act_syscall },
	{ "open",	  1, act_open },
	{ "create",	  1, act_create },
	{ "write",	  2, act_write },
	{ "mknod",	  3, act_mknod },
	{ "mem",	  1, act_mem },
	{ "sleep",	  1, act_sleep },
	{ "threads",	  2, act_threads },
	{ "exit",	  1, act_exit },
	{ "signal",	  0, act_signal },
	{ "spawn-orphan", 1, act_spawn_orphan },
	{ "fork",	  1, act_fork },
	{ "cat",	  0, act_cat },
	{ "stat",	  1, act_stat },
	{ "exchange",	  2, act_exchange },
	{ NULL,		  0, NULL },
};
/* clang-format on */
