/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starts masu-init in its namespaces without copying anything of the caller: clone3, a few
 * descriptors in place, execveat. */
#include "ns/ns.h"

#include <grp.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/sys.h"

#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

enum {
	CHILD_STACK = 16384,
	FIRST_KEPT = 3,
};

/* Shared by the caller and the children, which live in the same memory until they exec or exit. */
struct launch {
	const struct ns_spawn *how;
	const char *doing; /* what failed, for the message */
	int error;
	int cgroup;          /* still to be entered, or -1 */
	pid_t pid;           /* the container's first process, as the caller numbers it */
	int pidfd;           /* of that process, or -1 */
	char *program_stack; /* for the process itself when an intermediate starts it */
};

/*
 * clone3(2) for a child that shares our memory: it must run on a stack of its own and never return
 * into our frames, which no C library wraps (glibc keeps its __clone3 private). The caller is
 * suspended until the child execs or exits (CLONE_VFORK).
 */
static long clone3_call(struct clone_args *args, int (*function)(struct launch *),
			struct launch *launch)
{
#if defined(__x86_64__)
	register long number __asm__("rax") = SYS_clone3;
	register struct clone_args *first __asm__("rdi") = args;
	register size_t second __asm__("rsi") = sizeof(*args);
	register int (*target)(struct launch *) __asm__("r12") = function;
	register struct launch *argument __asm__("r13") = launch;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r13, %%rdi\n\t"
			 "call *%%r12\n\t"
			 "mov %%eax, %%edi\n\t"
			 "mov %[exit], %%eax\n\t"
			 "syscall\n\t"
			 "1:"
			 : "+r"(number)
			 : "r"(first), "r"(second), "r"(target), "r"(argument), [exit] "i"(SYS_exit)
			 : "rcx", "r11", "memory", "cc");
	return number;
#elif defined(__aarch64__)
	register long number __asm__("x8") = SYS_clone3;
	register long first __asm__("x0") = (long)args;
	register size_t second __asm__("x1") = sizeof(*args);
	register int (*target)(struct launch *) __asm__("x19") = function;
	register struct launch *argument __asm__("x20") = launch;

	__asm__ volatile("svc #0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, #0\n\t"
			 "mov x0, x20\n\t"
			 "blr x19\n\t"
			 "mov x8, %[exit]\n\t"
			 "svc #0\n\t"
			 "1:"
			 : "+r"(first)
			 : "r"(number), "r"(second), "r"(target),
			   "r"(argument), [exit] "i"(SYS_exit)
			 : "memory", "cc");
	return first;
#else
#error "add the clone3 call for this architecture: registers, syscall, call, exit"
#endif
}

static int failed(struct launch *launch, const char *doing)
{
	launch->error = errno;
	launch->doing = doing;
	return 1;
}

/* Puts every descriptor where masu-init expects it: stdio, the kept ones from 3 on, then the
 * control socket; all others close at exec. */
static bool place_descriptors(const struct ns_spawn *how, int *program)
{
	int first_free = FIRST_KEPT + (int)how->keep_count + 1;
	int moved[FIRST_KEPT + FD_KEEP_MAX + 1];
	int count = 0;

	for (int i = 0; i < FIRST_KEPT; i++)
		moved[count++] = fcntl(how->stdio[i], F_DUPFD_CLOEXEC, first_free);
	for (size_t i = 0; i < how->keep_count; i++)
		moved[count++] = fcntl(how->keep[i], F_DUPFD_CLOEXEC, first_free);
	moved[count++] = fcntl(how->control, F_DUPFD_CLOEXEC, first_free);
	*program = fcntl(how->program, F_DUPFD_CLOEXEC, first_free);
	for (int i = 0; i < count; i++) {
		if (moved[i] < 0 || dup2(moved[i], i) < 0)
			return false;
	}
	/* before 5.11 there is no such flag; masu-init closes what it does not know in any case */
	sys_close_range((unsigned int)first_free, ~0U, CLOSE_RANGE_CLOEXEC);
	return *program >= 0;
}

/* Never returns when all goes well, so the address sanitizer must not mark its frame. */
__attribute__((no_sanitize_address)) static int run_program(struct launch *launch)
{
	static char *const no_environment[] = { NULL };
	const struct ns_spawn *how = launch->how;
	int program;

	if (!place_descriptors(how, &program))
		return failed(launch, "place descriptors");
	/* signals stay blocked until masu-init has none of the caller's handlers any more */
	syscall(SYS_execveat, program, "", how->argv, no_environment, AT_EMPTY_PATH);
	return failed(launch, "execute masu-init");
}

/*
 * Become the root of the user namespace just entered. Raw system calls: the C library's set*id
 * functions would signal the caller's threads, whose memory we share.
 */
static bool become_root(const struct ns_spawn *how)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (!how->deny_groups && syscall(SYS_setgroups, 0, NULL) < 0)
		return false;
	if (!how->root_mapped)
		prctl(PR_SET_KEEPCAPS, 1);
	if (syscall(SYS_setresgid, how->root_gid, how->root_gid, how->root_gid) < 0 ||
	    syscall(SYS_setresuid, how->root_uid, how->root_uid, how->root_uid) < 0)
		return false;
	if (how->root_mapped)
		return true; /* exec as uid 0 keeps every capability */
	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].inheritable = data[i].permitted;
	if (syscall(SYS_capset, &header, data) < 0)
		return false;
	for (unsigned long cap = 0; cap < 64; cap++) {
		if (data[cap / 32].permitted & (1U << (cap % 32)))
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
	}
	return true;
}

/*
 * Enter what is to be joined. Namespaces that the host's root owns have to be entered before the
 * user namespace (afterwards we have no rights over them), those that the user namespace owns after
 * it: what fails with EPERM at first is tried again.
 */
static bool enter_namespaces(const struct ns_spawn *how)
{
	bool entered[NS_TYPES] = { false };

	if (how->join_pidfd >= 0)
		return setns(how->join_pidfd, (int)how->join_pidfd_flags) == 0;
	for (int pass = 0; pass < 2; pass++) {
		for (int type = NS_TYPES - 1; type >= 0;
		     type--) { /* the user namespace is number 0: last */
			if (how->join[type] < 0 || entered[type] || type == NS_TIME)
				continue;
			entered[type] = setns(how->join[type], 0) == 0;
			if (!entered[type] && (pass || type == NS_USER || errno != EPERM))
				return false;
		}
	}
	return true;
}

static long start(struct launch *launch, char *stack, uint64_t flags,
		  int (*function)(struct launch *))
{
	struct clone_args args = {
		.flags = flags | CLONE_VM | CLONE_VFORK,
		.pidfd = (uint64_t)(uintptr_t)&launch->pidfd, /* for CLONE_PIDFD */
		.stack = (uint64_t)(uintptr_t)stack,
		.stack_size = CHILD_STACK,
	};

	/* the first child of the two enters the cgroup: behind the user namespace there is no right
	 * to */
	if (launch->cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)launch->cgroup;
		launch->cgroup = -1;
	}
	/* without an exit signal until it executes masu-init: a caller that waits for any child, or
	 * ignores SIGCHLD, does not reap what we wait for here */
	return clone3_call(&args, function, launch);
}

static int run_intermediate(struct launch *launch)
{
	const struct ns_spawn *how = launch->how;

	if (!enter_namespaces(how))
		return failed(launch, "join namespaces");
	if (how->become_root && !become_root(how))
		return failed(launch, "become root of the user namespace");
	long pid = start(launch, launch->program_stack, how->new_flags | CLONE_PARENT, run_program);

	if (pid < 0) {
		errno = (int)-pid;
		return failed(launch, "clone");
	}
	launch->pid = (pid_t)pid;
	return 0;
}

static bool has_joins(const struct ns_spawn *how)
{
	for (int type = 0; how->join && type < NS_TYPES; type++) {
		if (how->join[type] >= 0 && type != NS_TIME)
			return true;
	}
	return how->join_pidfd >= 0;
}

static void hint_for(int code, const struct ns_spawn *how, struct err *err)
{
	if (code == ENOSPC)
		err_hint(err,
			 "a limit of namespaces is reached: see /proc/sys/user/max_*_namespaces");
	else if (code == EPERM && !has_joins(how))
		err_hint(
			err,
			"making namespaces needs CAP_SYS_ADMIN, or a user namespace in linux.namespaces");
	else if (code == EINVAL)
		err_hint(err, "the kernel may lack one of the namespaces: see `ls /proc/self/ns`");
	else if (code == EAGAIN)
		err_hint(err, "a limit of processes is reached: see pids.max and RLIMIT_NPROC");
}

static void reap(pid_t pid)
{
	while (pid > 0 && waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
}

/*
 * With namespaces to join. Until it executes masu-init the process is seen in them and shares our
 * memory: nobody there may trace it. Being dumpable belongs to the whole process, and a change of
 * identity clears it, so two threads take turns.
 */
static long start_joined(struct launch *launch, char *stack)
{
	static pthread_mutex_t turns = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&turns);
	int dumpable = prctl(PR_GET_DUMPABLE);

	prctl(PR_SET_DUMPABLE, 0);
	long child = start(launch, stack, 0, run_intermediate);

	prctl(PR_SET_DUMPABLE, dumpable);
	pthread_mutex_unlock(&turns);
	reap((pid_t)child); /* the intermediate */
	return child;
}

static long start_directly(struct launch *launch, char *stack)
{
	long child = start(launch, stack, launch->how->new_flags | CLONE_PIDFD, run_program);

	launch->pid = child > 0 ? (pid_t)child : 0;
	return child;
}

/* The process runs: a pidfd of it, or an end to it. */
static int take_process(struct launch *launch, pid_t *pid, struct err *err)
{
	if (launch->pidfd < 0)
		launch->pidfd = sys_pidfd_open(launch->pid, 0);
	if (launch->pidfd < 0) {
		err_sys(err, "open pidfd of masu-init");
		kill(launch->pid, SIGKILL); /* our child, not reaped yet: the number is its own */
		reap(launch->pid);
		return -1;
	}
	*pid = launch->pid;
	return launch->pidfd;
}

int ns_spawn(const struct ns_spawn *how, pid_t *pid, struct err *err)
{
	_Alignas(16) char first_stack[CHILD_STACK], second_stack[CHILD_STACK];
	struct launch launch = {
		.how = how,
		.cgroup = how->cgroup,
		.program_stack = second_stack,
		.pidfd = -1,
	};
	sigset_t all, before;

	if (how->keep_count > FD_KEEP_MAX)
		return err_set(err, ERR_INPUT, "preserve descriptors: at most %d", FD_KEEP_MAX);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all,
			&before); /* no handler of the caller may run in the child */
	long child = has_joins(how) ? start_joined(&launch, first_stack)
				    : start_directly(&launch, first_stack);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (child < 0) {
		errno = (int)-child;
		failed(&launch, "clone");
	}
	if (!launch.error)
		return take_process(&launch, pid, err);
	reap(launch.pid);
	if (launch.pidfd >= 0)
		close(launch.pidfd);
	errno = launch.error;
	err_sys(err, "start masu-init: %s", launch.doing);
	hint_for(launch.error, how, err);
	return -1;
}
