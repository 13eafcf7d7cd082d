/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processes that come into a group: moved there, born there, or turned into another program there.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "runtime/group.h"

enum {
	EVICTION_MIDDLE = 5000,
	EVICTION_STEP = 5,      /* of the priority, for each of oom_score_adj */
	OOM_SCORE_LEAST = -999, /* -1000 would make a process immortal */
	EXIT_FAILED = 127,
};

/* v1 of lmctfy moves threads by number; those of one process stay together wherever they can. */
static int enter_one(struct cgroup *cgroup, pid_t tid, bool thread, struct err *err)
{
	struct err why = { 0 };

	if (!thread)
		return cgroup_enter(cgroup, tid, err);
	if (cgroup_enter_thread(cgroup, tid, &why) == 0)
		return 0;
	/* the whole process, where threads cannot be told apart */
	if (why.code == ERR_UNSUPPORTED && kill(tid, 0) == 0)
		return cgroup_enter(cgroup, tid, err);
	if (err)
		*err = why;
	return -1;
}

static int open_members(struct group *group, struct cgroup **members, struct err *err)
{
	if (group_open_cgroup(group, err) < 0)
		return -1;
	*members = cgroup_open_members(&group->record.cgroup, &group->arena, err);
	return *members ? 0 : -1;
}

int group_enter(struct group *group, const pid_t *tids, size_t count, bool threads, struct err *err)
{
	struct cgroup *members;
	int result = 0;

	if (open_members(group, &members, err) < 0)
		return -1;
	for (size_t i = 0; i < count && result == 0; i++) {
		result = enter_one(members, tids[i], threads, err);
		if (result < 0)
			err_wrap(err, "task %d", (int)tids[i]);
	}
	cgroup_close(members);
	return result;
}

/* What the child does needs no allocation: everything is worked out before. */
struct birth {
	const char *const *args;
	struct flat joins; /* descriptors to write "0" to */
	char oom_score[16];
	bool has_oom_score;
	struct rlimit files;
	bool has_files;
	const int *stdio;
	bool detach;
	int errors; /* socket to the parent */
};

static int compile_joins(struct cgroup *members, bool cloned, struct birth *birth, struct err *err)
{
	struct cgroup_plan plan;

	return cgroup_compile(members, cloned, &birth->joins, &plan, err);
}

static void fill_limits(const struct group_spec *spec, struct birth *birth)
{
	int64_t score = (EVICTION_MIDDLE - spec->eviction_priority.value) / EVICTION_STEP;

	if (spec->eviction_priority.set) {
		birth->has_oom_score = true;
		str_format(birth->oom_score, sizeof(birth->oom_score), "%lld",
			   (long long)(score < OOM_SCORE_LEAST ? OOM_SCORE_LEAST : score));
	}
	if (spec->open_files.set) {
		birth->has_files = true;
		birth->files.rlim_cur = birth->files.rlim_max = spec->open_files.value;
	}
}

/* In the process that is to be a member. */
static int settle_in(const struct birth *birth, struct err *err)
{
	for (size_t i = 0; i < birth->joins.fd_count; i++) {
		if (write(birth->joins.fds[i], "0", 1) < 0)
			return err_sys(err, "join cgroup %zu of %zu", i + 1, birth->joins.fd_count);
	}
	if (birth->has_oom_score &&
	    fd_write_file(AT_FDCWD, "/proc/self/oom_score_adj", birth->oom_score, err) < 0)
		return err_wrap(err, "evictionPriority");
	if (birth->has_files && setrlimit(RLIMIT_NOFILE, &birth->files) < 0)
		return err_sys(err, "openFiles: set the limit to %llu",
			       (unsigned long long)birth->files.rlim_max);
	return 0;
}

/* Only a failure comes back. */
static int become(const struct birth *birth, struct err *err)
{
	execvp(birth->args[0], (char *const *)birth->args);
	return err_sys(err, "execute %s", birth->args[0]);
}

int group_exec(struct group *group, const char *const *args, struct err *err)
{
	struct birth birth = { .args = args };
	struct cgroup *members;

	if (open_members(group, &members, err) < 0)
		return -1;
	fill_limits(&group->record.spec, &birth);
	/* moving a process of our own: "0" into the v1 files without a wait, v2 the same way */
	if (compile_joins(members, false, &birth, err) == 0 && settle_in(&birth, err) == 0)
		become(&birth, err);
	flat_free(&birth.joins);
	cgroup_close(members);
	return -1;
}

static int point_stdio(const struct birth *birth, struct err *err)
{
	for (int fd = 0; fd < 3; fd++) {
		auto_close int null = birth->stdio ? -1 : open("/dev/null", O_RDWR);
		int from = birth->stdio ? birth->stdio[fd] : null;

		if (from < 0 || (from != fd && dup2(from, fd) < 0))
			return err_sys(err, "point descriptor %d to its place", fd);
		if (null == fd)
			take_fd(&null);
	}
	return 0;
}

/* The child's life up to the program: nobody's signal settings, a session of its own. */
__attribute__((noreturn)) static void be_born(const struct birth *birth)
{
	struct err why = { 0 };
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL); /* allowed: the process is a new one */
	if (settle_in(birth, &why) == 0 && setsid() >= 0 && point_stdio(birth, &why) == 0)
		become(birth, &why);
	fd_send(birth->errors, &why, sizeof(why), NULL, 0);
	_exit(EXIT_FAILED);
}

/* What went wrong in the child; 0 when the program was executed and the socket closed by that. */
static int hear(int socket, pid_t pid, struct err *err)
{
	struct err why;
	size_t no_fds = 0;
	ssize_t length;

	do {
		length = fd_receive(socket, &why, sizeof(why), NULL, &no_fds);
	} while (length < 0 && errno == EINTR);
	if (length == 0)
		return 0;
	waitpid(pid, NULL, 0);
	if (length == (ssize_t)sizeof(why) && err)
		*err = why;
	else
		err_set(err, ERR_PEER, "run: the child ended without saying why");
	return -1;
}

pid_t group_run(struct group *group, const char *const *args, const int *stdio, struct err *err)
{
	struct birth birth = { .args = args, .stdio = stdio };
	struct cgroup *members;
	int pair[2];

	if (open_members(group, &members, err) < 0)
		return -1;
	int home = cgroup_clone_fd(members);
	struct clone_args how = {
		.flags = home >= 0 ? CLONE_INTO_CGROUP : 0,
		.exit_signal = SIGCHLD,
		.cgroup = home >= 0 ? (uint64_t)home : 0,
	};
	pid_t pid = -1;

	fill_limits(&group->record.spec, &birth);
	if (compile_joins(members, home >= 0, &birth, err) == 0 &&
	    (pid = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) == 0) {
		auto_close int ours = pair[0], theirs = pair[1];

		birth.errors = theirs;
		pid = (pid_t)syscall(SYS_clone3, &how, sizeof(how));
		if (pid == 0)
			be_born(&birth);
		close(take_fd(&theirs));
		if (pid < 0)
			err_sys(err, "run %s", args[0]);
		else if (hear(ours, pid, err) < 0)
			pid = -1;
	}
	flat_free(&birth.joins);
	cgroup_close(members);
	return pid;
}
