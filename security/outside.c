/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the host side sets on a process by its pid: OOM score, scheduling, hard limits, CPU
 * affinity. */
#include "security/security.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/ioprio.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/names.h"
#include "security/names.h"

enum {
	CPU_BITS = 8192, /* the kernel's largest CONFIG_NR_CPUS */
	CPU_LONGS = CPU_BITS / (CHAR_BIT * sizeof(unsigned long)),
};

/* struct sched_attr of sched_setattr(2), first version; C libraries before glibc 2.41 have none. */
struct scheduler_attr {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

static int apply_oom_score(int64_t score, pid_t pid, struct err *err)
{
	char path[48], text[16];

	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	snprintf(text, sizeof(text), "%d", (int)score);
	if (fd_write_file(AT_FDCWD, path, text, err) == 0)
		return 0;
	err_wrap(err, "process.oomScoreAdj");
	if (err && (err->code == EACCES || err->code == EPERM))
		err_hint(err, "a lower value than masu's own needs CAP_SYS_RESOURCE");
	return -1;
}

static int apply_scheduler(const struct security_scheduler *scheduler, pid_t pid, struct err *err)
{
	const int *flags = scheduler->flags.items;
	struct scheduler_attr attr = {
		.size = sizeof(attr),
		.policy = (uint32_t)scheduler->policy,
		.nice = (int32_t)scheduler->nice.value,
		.priority = (uint32_t)scheduler->priority.value,
		.runtime = scheduler->runtime.value,
		.deadline = scheduler->deadline.value,
		.period = scheduler->period.value,
	};

	for (size_t i = 0; i < scheduler->flags.count; i++)
		attr.flags |= (uint32_t)flags[i];
	if (syscall(SYS_sched_setattr, pid, &attr, 0) == 0)
		return 0;
	int code = errno;

	err_sys(err, "process.scheduler: set %s",
		names_text(security_scheduler_policies, scheduler->policy));
	if (code == EPERM && attr.policy == SCHED_DEADLINE)
		return err_hint(err, "SCHED_DEADLINE needs CAP_SYS_NICE and a process that may use "
				     "all CPUs of its root domain");
	if (code == EPERM)
		return err_hint(err,
				"it needs CAP_SYS_NICE, and in a cgroup v1 tree with real-time "
				"groups a cpu.rt_runtime_us above 0");
	if (code == EBUSY)
		return err_hint(err, "the CPUs have no room for that much deadline runtime");
	return -1;
}

static int apply_io_priority(const struct security_io_priority *io_priority, pid_t pid,
			     struct err *err)
{
	int value = IOPRIO_PRIO_VALUE(io_priority->class, io_priority->priority.value);

	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, value) == 0)
		return 0;
	int code = errno;

	err_sys(err, "process.ioPriority: set %s %d",
		names_text(security_io_classes, io_priority->class),
		(int)io_priority->priority.value);
	if (code == EPERM)
		err_hint(err, "IOPRIO_CLASS_RT needs CAP_SYS_NICE or CAP_SYS_ADMIN");
	return -1;
}

int security_apply_outside(const struct security_process *process, pid_t pid, struct err *err)
{
	if (process->oom_score_adj.set &&
	    apply_oom_score(process->oom_score_adj.value, pid, err) < 0)
		return -1;
	if (process->scheduler && apply_scheduler(process->scheduler, pid, err) < 0)
		return -1;
	if (process->io_priority)
		return apply_io_priority(process->io_priority, pid, err);
	return 0;
}

int security_raise_limits(const struct security_process *process, pid_t pid, struct err *err)
{
	const struct security_rlimit *limits = process->rlimits.items;

	for (size_t i = 0; i < process->rlimits.count; i++) {
		const char *type = names_text(security_rlimit_names, limits[i].type);
		struct rlimit now;

		if (prlimit(pid, (unsigned int)limits[i].type, NULL, &now) < 0)
			return err_sys(err, "process.rlimits[%zu]: read %s", i, type);
		if (limits[i].hard.value <= now.rlim_max)
			continue;
		now.rlim_max = limits[i].hard.value;
		if (prlimit(pid, (unsigned int)limits[i].type, &now, NULL) == 0)
			continue;
		err_sys(err, "process.rlimits[%zu]: raise %s to %llu", i, type,
			(unsigned long long)limits[i].hard.value);
		if (limits[i].type == RLIMIT_NOFILE)
			return err_hint(err,
					"a hard limit above masu's own needs CAP_SYS_RESOURCE, "
					"and none may pass /proc/sys/fs/nr_open");
		return err_hint(err, "a hard limit above masu's own needs CAP_SYS_RESOURCE");
	}
	return 0;
}

int security_apply_affinity(const char *list, pid_t pid, struct err *err)
{
	unsigned long mask[CPU_LONGS] = { 0 };

	if (!list || !*list)
		return 0;
	if (!str_parse_cpu_list(list, mask, CPU_BITS))
		return err_set(err, ERR_INPUT,
			       "process.execCPUAffinity: \"%.64s\": not CPUs below %d", list,
			       CPU_BITS);
	if (syscall(SYS_sched_setaffinity, pid, sizeof(mask), mask) == 0)
		return 0;
	int code = errno;

	err_sys(err, "process.execCPUAffinity: run on CPUs %.64s", list);
	if (code == EINVAL)
		err_hint(err, "the machine, or the container's cpuset, has none of these CPUs");
	return -1;
}

int security_reset_affinity(pid_t pid, struct err *err)
{
	unsigned long mask[CPU_LONGS];

	memset(mask, 0xff, sizeof(mask));
	if (syscall(SYS_sched_setaffinity, pid, sizeof(mask), mask) == 0)
		return 0;
	return err_sys(err, "let process %d run on all CPUs of its cgroup", (int)pid);
}
