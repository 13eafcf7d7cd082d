/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of the specification that belong to security/, and the kernel's numbers for them. */
#include "security/names.h"

#include <linux/capability.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/resource.h>

#include "base/names.h"
#include "security/security.h"

/* newer than Debian 12's headers; the values are the kernel's and never change */
#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif
enum {
	MPOL_WEIGHTED_INTERLEAVE_6_9 = 6,
};

/* clang-format off */
const struct name security_capability_names[] = {
	{ "CAP_CHOWN",              CAP_CHOWN },
	{ "CAP_DAC_OVERRIDE",       CAP_DAC_OVERRIDE },
	{ "CAP_DAC_READ_SEARCH",    CAP_DAC_READ_SEARCH },
	{ "CAP_FOWNER",             CAP_FOWNER },
	{ "CAP_FSETID",             CAP_FSETID },
	{ "CAP_KILL",               CAP_KILL },
	{ "CAP_SETGID",             CAP_SETGID },
	{ "CAP_SETUID",             CAP_SETUID },
	{ "CAP_SETPCAP",            CAP_SETPCAP },
	{ "CAP_LINUX_IMMUTABLE",    CAP_LINUX_IMMUTABLE },
	{ "CAP_NET_BIND_SERVICE",   CAP_NET_BIND_SERVICE },
	{ "CAP_NET_BROADCAST",      CAP_NET_BROADCAST },
	{ "CAP_NET_ADMIN",          CAP_NET_ADMIN },
	{ "CAP_NET_RAW",            CAP_NET_RAW },
	{ "CAP_IPC_LOCK",           CAP_IPC_LOCK },
	{ "CAP_IPC_OWNER",          CAP_IPC_OWNER },
	{ "CAP_SYS_MODULE",         CAP_SYS_MODULE },
	{ "CAP_SYS_RAWIO",          CAP_SYS_RAWIO },
	{ "CAP_SYS_CHROOT",         CAP_SYS_CHROOT },
	{ "CAP_SYS_PTRACE",         CAP_SYS_PTRACE },
	{ "CAP_SYS_PACCT",          CAP_SYS_PACCT },
	{ "CAP_SYS_ADMIN",          CAP_SYS_ADMIN },
	{ "CAP_SYS_BOOT",           CAP_SYS_BOOT },
	{ "CAP_SYS_NICE",           CAP_SYS_NICE },
	{ "CAP_SYS_RESOURCE",       CAP_SYS_RESOURCE },
	{ "CAP_SYS_TIME",           CAP_SYS_TIME },
	{ "CAP_SYS_TTY_CONFIG",     CAP_SYS_TTY_CONFIG },
	{ "CAP_MKNOD",              CAP_MKNOD },
	{ "CAP_LEASE",              CAP_LEASE },
	{ "CAP_AUDIT_WRITE",        CAP_AUDIT_WRITE },
	{ "CAP_AUDIT_CONTROL",      CAP_AUDIT_CONTROL },
	{ "CAP_SETFCAP",            CAP_SETFCAP },
	{ "CAP_MAC_OVERRIDE",       CAP_MAC_OVERRIDE },
	{ "CAP_MAC_ADMIN",          CAP_MAC_ADMIN },
	{ "CAP_SYSLOG",             CAP_SYSLOG },
	{ "CAP_WAKE_ALARM",         CAP_WAKE_ALARM },
	{ "CAP_BLOCK_SUSPEND",      CAP_BLOCK_SUSPEND },
	{ "CAP_AUDIT_READ",         CAP_AUDIT_READ },
	{ "CAP_PERFMON",            CAP_PERFMON },
	{ "CAP_BPF",                CAP_BPF },
	{ "CAP_CHECKPOINT_RESTORE", CAP_CHECKPOINT_RESTORE },
	{ NULL,                     0 },
};

const struct name security_signal_names[] = {
	{ "HUP",    SIGHUP },    { "INT",    SIGINT },    { "QUIT",   SIGQUIT },
	{ "ILL",    SIGILL },    { "TRAP",   SIGTRAP },   { "ABRT",   SIGABRT },
	{ "IOT",    SIGIOT },    { "BUS",    SIGBUS },    { "FPE",    SIGFPE },
	{ "KILL",   SIGKILL },   { "USR1",   SIGUSR1 },   { "SEGV",   SIGSEGV },
	{ "USR2",   SIGUSR2 },   { "PIPE",   SIGPIPE },   { "ALRM",   SIGALRM },
	{ "TERM",   SIGTERM },   { "STKFLT", SIGSTKFLT }, { "CHLD",   SIGCHLD },
	{ "CLD",    SIGCHLD },   { "CONT",   SIGCONT },   { "STOP",   SIGSTOP },
	{ "TSTP",   SIGTSTP },   { "TTIN",   SIGTTIN },   { "TTOU",   SIGTTOU },
	{ "URG",    SIGURG },    { "XCPU",   SIGXCPU },   { "XFSZ",   SIGXFSZ },
	{ "VTALRM", SIGVTALRM }, { "PROF",   SIGPROF },   { "WINCH",  SIGWINCH },
	{ "IO",     SIGIO },     { "POLL",   SIGPOLL },   { "PWR",    SIGPWR },
	{ "SYS",    SIGSYS },    { "UNUSED", SIGSYS },    { NULL,     0 },
};

const struct name security_rlimit_names[] = {
	{ "RLIMIT_CPU",        RLIMIT_CPU },
	{ "RLIMIT_FSIZE",      RLIMIT_FSIZE },
	{ "RLIMIT_DATA",       RLIMIT_DATA },
	{ "RLIMIT_STACK",      RLIMIT_STACK },
	{ "RLIMIT_CORE",       RLIMIT_CORE },
	{ "RLIMIT_RSS",        RLIMIT_RSS },
	{ "RLIMIT_NPROC",      RLIMIT_NPROC },
	{ "RLIMIT_NOFILE",     RLIMIT_NOFILE },
	{ "RLIMIT_MEMLOCK",    RLIMIT_MEMLOCK },
	{ "RLIMIT_AS",         RLIMIT_AS },
	{ "RLIMIT_LOCKS",      RLIMIT_LOCKS },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "RLIMIT_MSGQUEUE",   RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE",       RLIMIT_NICE },
	{ "RLIMIT_RTPRIO",     RLIMIT_RTPRIO },
	{ "RLIMIT_RTTIME",     RLIMIT_RTTIME },
	{ NULL,                0 },
};

const struct name security_scheduler_policies[] = {
	{ "SCHED_OTHER",    SCHED_NORMAL },
	{ "SCHED_FIFO",     SCHED_FIFO },
	{ "SCHED_RR",       SCHED_RR },
	{ "SCHED_BATCH",    SCHED_BATCH },
	{ "SCHED_ISO",      SECURITY_SCHED_ISO },
	{ "SCHED_IDLE",     SCHED_IDLE },
	{ "SCHED_DEADLINE", SCHED_DEADLINE },
	{ NULL,             0 },
};

const struct name security_scheduler_flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK",  SCHED_FLAG_RESET_ON_FORK },
	{ "SCHED_FLAG_RECLAIM",        SCHED_FLAG_RECLAIM },
	{ "SCHED_FLAG_DL_OVERRUN",     SCHED_FLAG_DL_OVERRUN },
	{ "SCHED_FLAG_KEEP_POLICY",    SCHED_FLAG_KEEP_POLICY },
	{ "SCHED_FLAG_KEEP_PARAMS",    SCHED_FLAG_KEEP_PARAMS },
	{ "SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX },
	{ NULL,                        0 },
};

const struct name security_io_classes[] = {
	{ "IOPRIO_CLASS_RT",   1 },
	{ "IOPRIO_CLASS_BE",   2 },
	{ "IOPRIO_CLASS_IDLE", 3 },
	{ NULL,                0 },
};

const struct name security_personality_domains[] = {
	{ "LINUX",   PER_LINUX },
	{ "LINUX32", PER_LINUX32 },
	{ NULL,      0 },
};

const struct name security_memory_modes[] = {
	{ "MPOL_DEFAULT",             MPOL_DEFAULT },
	{ "MPOL_BIND",                MPOL_BIND },
	{ "MPOL_INTERLEAVE",          MPOL_INTERLEAVE },
	{ "MPOL_WEIGHTED_INTERLEAVE", MPOL_WEIGHTED_INTERLEAVE_6_9 },
	{ "MPOL_PREFERRED",           MPOL_PREFERRED },
	{ "MPOL_PREFERRED_MANY",      MPOL_PREFERRED_MANY },
	{ "MPOL_LOCAL",               MPOL_LOCAL },
	{ NULL,                       0 },
};

const struct name security_memory_flags[] = {
	{ "MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING },
	{ "MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES },
	{ "MPOL_F_STATIC_NODES",   MPOL_F_STATIC_NODES },
	{ NULL,                    0 },
};
/* clang-format on */
