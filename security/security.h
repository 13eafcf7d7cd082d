/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The door of security/: who the workload is and what it may do. Users, capabilities, seccomp,
 * labels, limits, scheduling. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/doctor.h"
#include "base/flat.h"
#include "base/json.h"
#include "base/str.h"

struct err;

/* ---- the parts of `process` that belong here (config.md "Process", "POSIX process", "Linux
 * process") ---- */
struct security_user {
	unsigned int uid, gid;
	struct opt_u64 umask;             /* unset: left as it is */
	struct json_list additional_gids; /* uint64_t */
};

struct security_rlimit {
	int type; /* RLIMIT_... */
	struct opt_u64 soft, hard;
};

struct security_capabilities {
	struct json_list sets[5]; /* const char *: enum security_capability_set. Unknown names: a
				     warning, not an error */
};

enum security_capability_set {
	CAPS_BOUNDING,
	CAPS_EFFECTIVE,
	CAPS_INHERITABLE,
	CAPS_PERMITTED,
	CAPS_AMBIENT,
};

struct security_scheduler {
	int policy; /* SCHED_... */
	struct opt_i64 nice, priority;
	struct json_list flags; /* int: SCHED_FLAG_... */
	struct opt_u64 runtime, deadline, period;
};

struct security_io_priority {
	int class; /* IOPRIO_CLASS_... */
	struct opt_i64 priority;
};

struct security_cpu_affinity {
	const char *initial, *final; /* exec only; kernel list format */
};

struct security_process {
	struct security_user user;
	struct json_list rlimits; /* struct security_rlimit */
	/* NULL: every set empty, as with crun and runc */
	struct security_capabilities *capabilities;
	bool no_new_privileges;
	const char *apparmor_profile;
	const char *selinux_label;
	struct opt_i64 oom_score_adj;
	struct security_scheduler *scheduler;
	struct security_io_priority *io_priority;
	struct security_cpu_affinity *exec_cpu_affinity;
};
extern const struct json_object security_process_object; /* to EMBED in `process` */

/* ---- the parts of `linux` ---- */
struct security_seccomp; /* defined in security/seccomp.h */

struct security_personality {
	int domain;             /* PER_LINUX, PER_LINUX32 */
	struct json_list flags; /* const char *: none is defined, any is an error */
};

struct security_memory_policy {
	int mode; /* MPOL_... */
	const char *nodes;
	struct json_list flags; /* int: MPOL_F_... */
};

struct security_linux {
	struct security_seccomp *seccomp;
	struct security_personality *personality;
	struct security_memory_policy *memory_policy;
};
extern const struct json_object security_linux_object; /* to EMBED in `linux` */

/*
 * All checks that need no host: duplicate rlimits, soft > hard, scheduler combinations, ioPriority
 * range, listenerMetadata without listenerPath, errnoRet on an action that takes none, CPU lists,
 * node lists ... ERR_INPUT naming the field by its full path. `linux_part` may be NULL (exec).
 */
int security_check(const struct security_process *process, const struct security_linux *linux_part,
		   struct err *err);

/* ---- compiled for masu-init ---- */
/* When the filter is loaded: before capabilities go (no_new_privs is off), or last. */
enum security_seccomp_time {
	SECURITY_SECCOMP_NONE,
	SECURITY_SECCOMP_EARLY,
	SECURITY_SECCOMP_LATE,
};

struct security_plan {
	uint32_t uid, gid;
	int32_t umask; /* -1: leave */
	uint8_t no_new_privileges;
	uint8_t set_groups;       /* 0 where setgroups is denied (and none were asked for) */
	uint8_t seccomp;          /* enum security_seccomp_time */
	uint8_t seccomp_listener; /* there is a NOTIFY action: init reports the listener's number */
	uint32_t seccomp_flags;
	uint64_t capabilities[5];
	struct flat_ref groups;   /* uint32_t */
	struct flat_ref rlimits;  /* struct security_rlimit_plan */
	struct flat_ref apparmor; /* text */
	struct flat_ref selinux;  /* text */
	struct flat_ref keyring;  /* text: name of the session keyring to join, empty: none */
	int64_t personality;      /* -1: leave */
	int32_t memory_mode;      /* -1: leave */
	uint32_t memory_flags;
	struct flat_ref memory_nodes; /* unsigned long: the node mask */
	uint32_t memory_bits;
};

struct security_rlimit_plan {
	int32_t type;
	uint64_t soft, hard;
};

enum security_compile_flags {
	/* the user namespace has setgroups=deny; additionalGids then is an error */
	SECURITY_DENIED_GROUPS = 1,
	/* the container has (or joins) a user namespace: masu-init holds all its capabilities */
	SECURITY_USER_NAMESPACE = 2,
};

/*
 * Capabilities that cannot be granted (unknown to this kernel; without SECURITY_USER_NAMESPACE
 * those that masu itself lacks; breaking the rules of capabilities(7) between the sets) are left
 * out with a warning each, as config.md asks. A label whose security module is not enabled is an
 * error. plan->keyring is left empty: the caller names the keyring. `linux_part` may be NULL (exec
 * without a filter).
 */
int security_compile(const struct security_process *process,
		     const struct security_linux *linux_part, unsigned int flags, struct flat *flat,
		     struct security_plan *plan, struct err *err);

/*
 * When a filter is best loaded for a compiled plan (exec: the container's filter, this process's
 * credentials). Late, it need not allow what masu-init itself still has to do; that takes
 * no_new_privs, or CAP_SYS_ADMIN that outlasts the drop.
 */
enum security_seccomp_time security_seccomp_time(const struct security_plan *plan);

/*
 * The BPF program of linux.seccomp as raw sock_filter bytes in `arena`; what it decides is told in
 * security/seccomp.h. *size 0: everything is allowed and no filter is needed. A program over the
 * kernel's 4096 instructions is ERR_INPUT.
 */
int security_seccomp_compile(const struct security_seccomp *seccomp, struct arena *arena,
			     void **program, size_t *size, struct err *err);

/*
 * seccomp.listenerPath: connect and hand over the descriptor with the ContainerProcessState
 * (state_json is the container's OCI state). A filter without SCMP_ACT_NOTIFY has no listener:
 * `path` then is NULL. security_seccomp_notify() takes NULL too.
 */
struct security_notify {
	const char *path;     /* NULL: none */
	const char *metadata; /* may be NULL */
};
struct security_notify security_seccomp_notify(const struct security_seccomp *seccomp);
int security_seccomp_send_listener(const struct security_notify *notify, int listener, pid_t pid,
				   const char *state_json, struct err *err);

/* ---- host side, by pid, before the container drops what it has ---- */
/* oom_score_adj (untouched when unset), sched_setattr(2), ioprio_set(2). */
int security_apply_outside(const struct security_process *process, pid_t pid, struct err *err);
/* Raise hard limits that the container could not raise itself. */
int security_raise_limits(const struct security_process *process, pid_t pid, struct err *err);
/* execCPUAffinity: `initial` before the process enters the cgroup, `final` after. */
int security_apply_affinity(const char *list, pid_t pid, struct err *err);
/* The container's first process starts with all CPUs that its cgroup gives (peers reset it too). */
int security_reset_affinity(pid_t pid, struct err *err);

/* ---- in masu-init, in this order (security.md 2.1) ---- */
/* keyctl_join_session_keyring(3), before the rootfs as peers do; ENOSYS is tolerated. */
int security_join_keyring(const struct flat_view *view, const struct security_plan *plan,
			  struct err *err);
/* For the exec to come, by lsm_set_self_attr(2) or a verified procfs; before no_new_privs. */
int security_apply_label(const struct flat_view *view, const struct security_plan *plan,
			 struct err *err);
/* personality(2), set_mempolicy(2) */
int security_apply_execution(const struct flat_view *view, const struct security_plan *plan,
			     struct err *err);
/*
 * Bounding set, groups, gid, uid, the other four sets, umask, no_new_privs; then reads uid, gid and
 * capabilities back. A process that is not user 0 keeps permitted and effective capabilities until
 * its exec; the kernel then takes those that are not ambient. capabilities(7), credentials(7).
 */
int security_drop(const struct flat_view *view, const struct security_plan *plan, struct err *err);
/*
 * Exact soft and hard limits; last, because a small one could starve init itself. A hard limit
 * above the current one was raised from outside by security_raise_limits(). setrlimit(2).
 */
int security_apply_limits(const struct flat_view *view, const struct security_plan *plan,
			  struct err *err);
/*
 * Load the filter from memory by seccomp(2); *listener is the notify descriptor or -1. A flag or an
 * action that the kernel lacks is an error, never left out. Nothing but write, read, close and
 * execve may follow when it is loaded last (SECURITY_SECCOMP_LATE); sendmsg may already be denied
 * or be waiting for the agent. Loaded early (neither no_new_privs nor CAP_SYS_ADMIN at the end),
 * the profile must allow what init itself still calls, first of all what security_drop() does; crun
 * and runc ask the same.
 */
int security_load_seccomp(const void *program, size_t size, uint32_t flags, bool with_listener,
			  int *listener, struct err *err);

/* ---- for `masu features`, `masu doctor` and the CLI ---- */
extern const struct doctor_row security_doctor_rows[];
extern const struct name security_rlimit_names[];     /* RLIMIT_... */
extern const struct name security_capability_names[]; /* CAP_... -> number */
extern const struct name security_signal_names[];     /* TERM ... -> number, without SIG */
extern const struct name security_seccomp_actions[], security_seccomp_operators[],
	security_seccomp_archs[], security_seccomp_flags[];
extern const struct name security_memory_modes[], security_memory_flags[];
bool security_apparmor_enabled(void);
/* True when AppArmor's list of profiles can be read and this one is not in it. */
bool security_apparmor_lacks(const char *profile);
bool security_selinux_enabled(void);
const char *security_seccomp_version(void); /* "2.5.4" */
/* "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3"; -1 with err ERR_INPUT */
int security_parse_signal(const char *text, struct err *err);
