/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* procfs access that hostile mounts cannot redirect, and process identity that a reused pid cannot
 * fake. */
#include "base/proc.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"

enum {
	PROC_ROOT_INODE = 1,
};

static int open_private(void)
{
	auto_close int fs = sys_fsopen("proc", FSOPEN_CLOEXEC);

	if (fs < 0 || sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return sys_fsmount(fs, FSMOUNT_CLOEXEC,
			   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

int proc_open(struct err *err)
{
	struct statfs fs;
	struct stat status;
	auto_close int proc = open_private();

	if (proc >= 0)
		return take_fd(&proc);
	proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (proc < 0)
		return err_sys(err, "open /proc");
	if (fstatfs(proc, &fs) < 0 || fstat(proc, &status) < 0)
		return err_sys(err, "stat /proc");
	if (fs.f_type != PROC_SUPER_MAGIC || status.st_ino != PROC_ROOT_INODE)
		return err_set(err, EXDEV, "open /proc: it is not a procfs");
	return take_fd(&proc);
}

int proc_write(int proc, const char *path, const char *text, struct err *err)
{
	struct open_how how = {
		.flags = O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	auto_close int fd = sys_openat2(proc, path, &how);
	ssize_t done;

	if (fd < 0)
		return err_sys(err, "open /proc/%s", path);
	do {
		done = write(fd, text, strlen(text));
	} while (done < 0 && errno == EINTR);
	return done < 0 ? err_sys(err, "write %.100s to /proc/%s", text, path) : 0;
}

/* Reads state and start time from /proc/PID/stat; the command name may hold anything, so parse
 * behind its last ')'. */
static bool read_stat(pid_t pid, char *state, uint64_t *start_time)
{
	char path[32], text[1024];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (fd_read_file(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	char *at = strrchr(text, ')');

	if (!at || at[1] != ' ' || !at[2])
		return false;
	*state = at[2];
	at += 2;
	for (int field = 3; field < 22; field++) {
		at = strchr(at, ' ');
		if (!at)
			return false;
		at++;
	}
	at[strcspn(at, " ")] = '\0';
	return str_parse_u64(at, start_time);
}

int proc_boot_id(char boot_id[37], struct err *err)
{
	char text[64];

	if (fd_read_file(AT_FDCWD, "/proc/sys/kernel/random/boot_id", text, sizeof(text)) != 36)
		return err_sys(err, "read /proc/sys/kernel/random/boot_id");
	memcpy(boot_id, text, 37);
	return 0;
}

int proc_identify(pid_t pid, struct proc_identity *identity, struct err *err)
{
	char state;

	identity->pid = pid;
	if (!read_stat(pid, &state, &identity->start_time)) {
		errno = ESRCH;
		return err_sys(err, "read /proc/%d/stat", (int)pid);
	}
	return proc_boot_id(identity->boot_id, err);
}

char proc_state(pid_t pid)
{
	char state;
	uint64_t start_time;

	return read_stat(pid, &state, &start_time) ? state : 0;
}

static int gone(void)
{
	errno = ESRCH;
	return -1;
}

/* A pidfd for exactly that process, which has ended without being waited for, or has not. */
static int open_same(const struct proc_identity *identity, bool ended)
{
	char boot_id[37], state;
	uint64_t start_time;

	if (identity->pid <= 0)
		return gone();
	if (proc_boot_id(boot_id, NULL) < 0)
		return -1;
	if (strcmp(boot_id, identity->boot_id) != 0)
		return gone();
	auto_close int pidfd = sys_pidfd_open(identity->pid, 0);

	/* the number of a thread gives EINVAL, or ENOENT on newer kernels */
	if (pidfd < 0)
		return errno == EINVAL || errno == ENOENT ? gone() : -1;
	/* the pidfd is held: what stat says now is about this process, or it has gone */
	if (!read_stat(identity->pid, &state, &start_time))
		return errno == ENOENT ? gone() : -1;
	if (start_time != identity->start_time || state == 'X' || (state == 'Z') != ended)
		return gone();
	return take_fd(&pidfd);
}

int proc_open_identity(const struct proc_identity *identity)
{
	return open_same(identity, false);
}

int proc_open_ended(const struct proc_identity *identity)
{
	return open_same(identity, true);
}
