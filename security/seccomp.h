/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* linux.seccomp as decoded, and the compiler that turns it into a BPF program. */
#pragma once

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/str.h"

struct arena;
struct err;
struct flat_view;

enum seccomp_action {
	SECCOMP_ACTION_KILL_THREAD,
	SECCOMP_ACTION_KILL_PROCESS,
	SECCOMP_ACTION_TRAP,
	SECCOMP_ACTION_ERRNO,
	SECCOMP_ACTION_TRACE,
	SECCOMP_ACTION_ALLOW,
	SECCOMP_ACTION_LOG,
	SECCOMP_ACTION_NOTIFY,
};

enum seccomp_operator {
	SECCOMP_NE,
	SECCOMP_LT,
	SECCOMP_LE,
	SECCOMP_EQ,
	SECCOMP_GE,
	SECCOMP_GT,
	SECCOMP_MASKED_EQ,
};

struct seccomp_arg {
	unsigned int index;              /* 0 to 5 */
	struct opt_u64 value, value_two; /* MASKED_EQ: (argument & value) == value_two */
	int op;                          /* enum seccomp_operator */
};

/* One entry of `syscalls`: an action for each of the names when all of the args hold. */
struct seccomp_rule {
	struct json_list names; /* const char * */
	int action;             /* enum seccomp_action */
	struct opt_u64 errno_ret;
	struct json_list args; /* struct seccomp_arg */
};

struct security_seccomp {
	int default_action;
	struct opt_u64 default_errno;
	struct json_list archs; /* int: rows of security_seccomp_archs */
	struct json_list flags; /* int: SECCOMP_FILTER_FLAG_... */
	const char *listener_path;
	const char *listener_metadata;
	struct json_list rules; /* struct seccomp_rule */
};
extern const struct json_object security_seccomp_object;

/* What config.md asks of the values; ERR_INPUT with the field's full path. */
int seccomp_check(const struct security_seccomp *seccomp, struct err *err);

/* The kernel's SECCOMP_RET_... with its data for an action of the spec. */
uint32_t seccomp_ret(int action, struct opt_u64 errno_ret);

/* True when a rule or the default hands system calls to a listener. */
bool seccomp_notifies(const struct security_seccomp *seccomp);

/* True when every system call is allowed whatever it is: no filter is needed. */
bool seccomp_allows_all(const struct security_seccomp *seccomp);

/* SECCOMP_FILTER_FLAG_... to load the filter with. */
uint32_t seccomp_flags(const struct security_seccomp *seccomp);

/*
 * The compiler. `native` is libseccomp's token of the running architecture (seccomp_arch_native();
 * tests give others). `room` has BPF_MAXINSNS instructions. Returns how many were written; they are
 * moved to the front of `room`.
 *
 * What the filter decides, in this order:
 *  - an architecture that is neither native nor listed kills the process (x32 is an architecture of
 * its own, though it shares x86-64's number);
 *  - an entry without args for the system call; the first one, if there are several;
 *  - the first entry with args that all hold. An entry that names one argument twice holds when any
 * of its args holds: peers read it so;
 *  - a system call newer (higher) than any that the profile names for the architecture: ENOSYS,
 * unless the default action lets calls through or is ENOSYS anyway. C libraries fall back to older
 * calls upon ENOSYS, and upon nothing else;
 *  - the default action.
 * Entries whose action is the default one decide nothing (as with libseccomp), but their names
 * count as known.
 *
 * Arguments are compared in full: 64 bits, or the lower 32 where the architecture has no more.
 * Names behind a multiplexer (i386 socketcall, ipc) cover both ways in; args cannot be seen behind
 * the multiplexer, so an entry with args covers it only when it takes something away.
 */
int seccomp_compile(const struct security_seccomp *seccomp, uint32_t native, struct arena *arena,
		    struct sock_filter *room, struct err *err);
