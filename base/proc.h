/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Processes by pidfd and start time, and a procfs that is known to be one. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

/*
 * An O_PATH descriptor of a procfs that nothing inside a container can have mounted over: a private
 * instance (fsopen) when we may make one, else /proc after checking its type and root inode. The
 * instance shows the caller's pid namespace.
 */
int proc_open(struct err *err);

/*
 * Write `text` to `path` below a descriptor from proc_open() ("sys/net/ipv4/ip_forward",
 * "self/attr/exec"): no link, no other mount on the way (RESOLVE_NO_XDEV), one write(2). Errors
 * read "write VALUE to /proc/PATH: reason".
 */
int proc_write(int proc, const char *path, const char *text, struct err *err);

/* What identifies a process for good: its pid, its start time (field 22 of /proc/PID/stat), the
 * boot. */
struct proc_identity {
	pid_t pid;
	uint64_t start_time;
	char boot_id[37];
};

int proc_identify(pid_t pid, struct proc_identity *identity, struct err *err);

/*
 * A pidfd for exactly that process. -1 with errno ESRCH when it is gone, a zombie, another process
 * with the same number, or from an earlier boot. Anything else is a real failure.
 */
int proc_open_identity(const struct proc_identity *identity);

/* The same for a zombie: it has ended and its parent has not waited for it. */
int proc_open_ended(const struct proc_identity *identity);

/* State letter of /proc/PID/stat ('R', 'S', 'Z', ...), or 0 when there is no such process. */
char proc_state(pid_t pid);

/* This boot's id, 36 characters. */
int proc_boot_id(char boot_id[37], struct err *err);
