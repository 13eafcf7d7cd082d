/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hook's whole life: posix_spawn in its own process group, its output drained, killed at its time
 * limit. */
#include "runtime/init_hook.h"

#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/sys.h"

enum {
	LAST_WORDS = 256, /* bytes of its output that an error shows */
};

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Starts the hook; returns 0 or an errno value. */
static int start(const struct hook_run *hook, int input, int output, pid_t *pid)
{
	const char *only_path[] = { hook->path, NULL };
	const char *const *argv = hook->argv && hook->argv[0] ? hook->argv : only_path;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_adddup2(&actions, input, 0);
	posix_spawn_file_actions_adddup2(&actions, output, 1);
	posix_spawn_file_actions_adddup2(&actions, output, 2);
#ifdef __GLIBC__
	/* the caller's descriptors are not the hook's, also those that do not close at exec */
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
#endif
	if (hook->cwd)
		posix_spawn_file_actions_addchdir_np(&actions, hook->cwd);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	int error = posix_spawn(pid, hook->path, &actions, &attributes, (char *const *)argv,
				(char *const *)hook->envp);

	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return error;
}

/* Keeps the last bytes of what the hook writes; without a reader it could block or die of SIGPIPE.
 */
static void drain(int output, char words[LAST_WORDS + 1])
{
	char chunk[4096];
	ssize_t length;

	while ((length = read(output, chunk, sizeof(chunk))) > 0) {
		size_t fresh = (size_t)length < LAST_WORDS ? (size_t)length : LAST_WORDS;
		size_t kept = strlen(words);

		if (kept + fresh > LAST_WORDS) {
			size_t drop = kept + fresh - LAST_WORDS;

			memmove(words, words + drop, kept - drop);
			kept -= drop;
		}
		memcpy(words + kept, chunk + length - fresh, fresh);
		words[kept + fresh] = '\0';
	}
}

/* Waits for its end, or its time limit: false. Output that a child of the hook keeps open is not
 * waited for. */
static bool wait_for_end(int pidfd, int output, unsigned int timeout_s, char *words)
{
	long long end = timeout_s ? now_ms() + timeout_s * 1000LL : 0;

	for (;;) {
		struct pollfd watched[] = { { .fd = pidfd, .events = POLLIN },
					    { .fd = output, .events = POLLIN } };
		long long left = end ? end - now_ms() : -1;

		if (end && left <= 0)
			return false;
		if (poll(watched, watched[1].fd >= 0 ? 2 : 1, (int)left) < 0 && errno != EINTR)
			return false;
		if (watched[1].revents)
			drain(output, words);
		if (watched[0].revents)
			return true;
		if (watched[1].revents & POLLHUP)
			output = -1; /* closed by all writers, but it still runs */
	}
}

static void put_last_words(const char *words, struct err *err)
{
	char clean[LAST_WORDS + 1];
	size_t length = 0;

	for (; words[length]; length++)
		clean[length] = (unsigned char)words[length] < 0x20 ? ' ' : words[length];
	while (length && clean[length - 1] == ' ')
		length--;
	clean[length] = '\0';
	if (!length || !err)
		return;
	size_t used = strlen(err->text);

	snprintf(err->text + used, sizeof(err->text) - used, ": %s", clean);
}

int hook_run(const struct hook_run *hook, struct err *err)
{
	/* a memfd, not a pipe: a hook that never reads its input cannot block us, and /dev/stdin
	 * works */
	auto_close int input = fd_sealed("masu-hook-state", hook->state, strlen(hook->state), err);
	char words[LAST_WORDS + 1] = "";
	int pipes[2], status;
	pid_t pid;

	if (input < 0)
		return -1;
	lseek(input, 0, SEEK_SET);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return err_sys(err, "run %s hook %zu: make pipe", hook->kind, hook->index);
	auto_close int output = pipes[0];
	int error = start(hook, input, pipes[1], &pid);

	close(pipes[1]);
	if (error) {
		errno = error;
		err_sys(err, "run %s hook %zu (%s)", hook->kind, hook->index, hook->path);
		if (err)
			err->code = ERR_HOOK;
		return -1;
	}
	fcntl(output, F_SETFL, O_NONBLOCK);
	auto_close int pidfd = sys_pidfd_open(pid, 0);
	bool ended = pidfd >= 0 && wait_for_end(pidfd, output, hook->timeout_s, words);

	if (!ended)
		kill(-pid, SIGKILL);
	int reaped;

	while ((reaped = waitpid(pid, &status, 0)) < 0 && errno == EINTR)
		;
	if (!ended)
		err_set(err, ERR_HOOK, "run %s hook %zu (%s): no end within %u s", hook->kind,
			hook->index, hook->path, hook->timeout_s);
	else if (reaped < 0) /* SIGCHLD is ignored, or another thread waits for any child */
		err_set(err, ERR_HOOK, "run %s hook %zu (%s): somebody else took its exit status",
			hook->kind, hook->index, hook->path);
	else if (WIFSIGNALED(status))
		err_set(err, ERR_HOOK, "run %s hook %zu (%s): killed by signal %d", hook->kind,
			hook->index, hook->path, WTERMSIG(status));
	else if (WEXITSTATUS(status))
		err_set(err, ERR_HOOK, "run %s hook %zu (%s): exit status %d", hook->kind,
			hook->index, hook->path, WEXITSTATUS(status));
	else
		return 0;
	drain(output, words);
	put_last_words(words, err);
	return -1;
}
