/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processes by identity: a reused, dead or foreign pid is never taken for the one that was meant.
 */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "test/unit/unit.h"

static pid_t start_sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(30); /* should the test die */
		for (;;)
			pause();
	}
	return pid;
}

static void test_identity(void)
{
	pid_t pid = start_sleeper();
	struct proc_identity identity, other;
	struct err err = { 0 };

	CHECK_INT(proc_identify(pid, &identity, &err), 0);
	CHECK(identity.pid == pid && identity.start_time > 0);
	CHECK_INT(strlen(identity.boot_id), 36);
	auto_close int good = proc_open_identity(&identity);

	CHECK(good >= 0);
	other = identity;
	other.start_time++;
	CHECK_INT(proc_open_identity(&other), -1);
	CHECK_INT(errno, ESRCH);
	other = identity;
	other.boot_id[0] = other.boot_id[0] == '0' ? '1' : '0';
	CHECK_INT(proc_open_identity(&other), -1);
	CHECK_INT(errno, ESRCH);
	CHECK(strchr("SRD", proc_state(pid)) != NULL);
	kill(pid, SIGKILL);
	siginfo_t info;

	CHECK_INT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	CHECK_INT(proc_state(pid), 'Z');
	CHECK_INT(proc_open_identity(&identity), -1); /* a zombie is gone */
	CHECK_INT(errno, ESRCH);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK_INT(proc_state(pid), 0);
	CHECK_INT(proc_open_identity(&identity), -1);
	CHECK_INT(errno, ESRCH);
	CHECK_INT(proc_identify(pid, &identity, &err), -1);
}

static void test_procfs(void)
{
	struct err err = { 0 };
	auto_close int proc = proc_open(&err);
	char name[16] = "";

	CHECK(proc >= 0);
	CHECK_INT(proc_write(proc, "self/comm", "masu-renamed", &err), 0);
	auto_close int comm = openat(proc, "self/comm", O_RDONLY | O_CLOEXEC);

	CHECK(read(comm, name, sizeof(name) - 1) > 0);
	CHECK_TEXT(name, "masu-renamed\n");
	CHECK_INT(proc_write(proc, "sys/none/such", "1", &err), -1);
	CHECK(strstr(err.text, "/proc/sys/none/such") != NULL);
	CHECK_INT(proc_write(proc, "self/root/etc/passwd", "1", &err), -1); /* a magic link */
	CHECK_INT(proc_write(proc, "../etc/passwd", "1", &err), -1);
}

int main(void)
{
	test_identity();
	test_procfs();
	return unit_done("base_proc");
}
