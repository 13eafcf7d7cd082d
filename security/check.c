/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the specification asks of the values in security/'s part, beyond what the decoder's rows
 * say. */
#include "security/security.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <stdio.h>

#include "base/err.h"
#include "base/names.h"
#include "security/names.h"
#include "security/seccomp.h"

static int check_rlimits(const struct json_list *list, struct err *err)
{
	const struct security_rlimit *limits = list->items;
	uint32_t seen = 0;

	for (size_t i = 0; i < list->count; i++) {
		const char *type = names_text(security_rlimit_names, limits[i].type);

		if (limits[i].soft.value > limits[i].hard.value)
			return err_set(err, ERR_INPUT,
				       "process.rlimits[%zu]: %s: soft %llu is above hard %llu", i,
				       type, (unsigned long long)limits[i].soft.value,
				       (unsigned long long)limits[i].hard.value);
		if (seen & 1U << limits[i].type)
			return err_set(err, ERR_INPUT, "process.rlimits[%zu]: %s is given twice", i,
				       type);
		seen |= 1U << limits[i].type;
	}
	return 0;
}

static bool is_realtime(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static int check_deadline(const struct security_scheduler *scheduler, struct err *err)
{
	uint64_t runtime = scheduler->runtime.value, deadline = scheduler->deadline.value;
	uint64_t period = scheduler->period.value ? scheduler->period.value : deadline;

	if (!runtime || !deadline)
		return err_set(err, ERR_INPUT,
			       "process.scheduler: SCHED_DEADLINE needs runtime and deadline");
	if (runtime > deadline || deadline > period)
		return err_set(
			err, ERR_INPUT,
			"process.scheduler: runtime %llu <= deadline %llu <= period %llu does "
			"not hold",
			(unsigned long long)runtime, (unsigned long long)deadline,
			(unsigned long long)period);
	return 0;
}

static int check_scheduler(const struct security_scheduler *scheduler, struct err *err)
{
	const int policy = scheduler->policy;
	const char *name = names_text(security_scheduler_policies, policy);
	const int64_t priority = scheduler->priority.value;

	if (is_realtime(policy) && (priority < 1 || priority > 99))
		return err_set(err, ERR_INPUT,
			       "process.scheduler.priority: %s needs one from 1 to 99, not %lld",
			       name, (long long)priority);
	if (!is_realtime(policy) && priority)
		return err_set(err, ERR_INPUT, "process.scheduler.priority: not for %s", name);
	if (scheduler->nice.value && policy != SCHED_NORMAL && policy != SCHED_BATCH)
		return err_set(err, ERR_INPUT, "process.scheduler.nice: not for %s", name);
	if (policy == SCHED_DEADLINE)
		return check_deadline(scheduler, err);
	if (scheduler->runtime.value || scheduler->deadline.value || scheduler->period.value)
		return err_set(
			err, ERR_INPUT,
			"process.scheduler: runtime, deadline and period are for SCHED_DEADLINE, not %s",
			name);
	return 0;
}

static int check_cpus(const char *field, const char *list, struct err *err)
{
	if (list && !str_is_cpu_list(list))
		return err_set(err, ERR_INPUT,
			       "process.execCPUAffinity.%s: \"%.64s\" is not a list like 0-3,7",
			       field, list);
	return 0;
}

static int check_process(const struct security_process *process, struct err *err)
{
	const struct security_cpu_affinity *affinity = process->exec_cpu_affinity;

	if (check_rlimits(&process->rlimits, err) < 0)
		return -1;
	if (process->scheduler && check_scheduler(process->scheduler, err) < 0)
		return -1;
	if (!affinity)
		return 0;
	if (check_cpus("initial", affinity->initial, err) < 0)
		return -1;
	return check_cpus("final", affinity->final, err);
}

static int check_memory_flags(const struct security_memory_policy *policy, bool has_nodes,
			      struct err *err)
{
	const int *flags = policy->flags.items;
	int all = 0;

	for (size_t i = 0; i < policy->flags.count; i++)
		all |= flags[i];
	if ((all & MPOL_F_STATIC_NODES) && (all & MPOL_F_RELATIVE_NODES))
		return err_set(err, ERR_INPUT,
			       "linux.memoryPolicy.flags: MPOL_F_STATIC_NODES and "
			       "MPOL_F_RELATIVE_NODES exclude each other");
	if (all && !has_nodes)
		return err_set(err, ERR_INPUT, "linux.memoryPolicy.flags: only with nodes");
	if ((all & MPOL_F_NUMA_BALANCING) && policy->mode != MPOL_BIND &&
	    policy->mode != MPOL_PREFERRED_MANY)
		return err_set(
			err, ERR_INPUT,
			"linux.memoryPolicy.flags: MPOL_F_NUMA_BALANCING is for MPOL_BIND and "
			"MPOL_PREFERRED_MANY");
	return 0;
}

static int check_memory_policy(const struct security_memory_policy *policy, struct err *err)
{
	const char *mode = names_text(security_memory_modes, policy->mode);
	bool has_nodes = policy->nodes && *policy->nodes;

	if (has_nodes && !str_is_cpu_list(policy->nodes))
		return err_set(err, ERR_INPUT,
			       "linux.memoryPolicy.nodes: \"%.64s\" is not a list like 0-3,7",
			       policy->nodes);
	if (policy->mode == MPOL_DEFAULT || policy->mode == MPOL_LOCAL) {
		if (has_nodes)
			return err_set(err, ERR_INPUT, "linux.memoryPolicy.nodes: not for %s",
				       mode);
	} else if (!has_nodes && policy->mode != MPOL_PREFERRED) {
		return err_set(err, ERR_INPUT, "linux.memoryPolicy.nodes: %s needs them", mode);
	}
	return check_memory_flags(policy, has_nodes, err);
}

int security_check(const struct security_process *process, const struct security_linux *linux_part,
		   struct err *err)
{
	if (check_process(process, err) < 0)
		return -1;
	if (!linux_part)
		return 0;
	if (linux_part->seccomp && seccomp_check(linux_part->seccomp, err) < 0)
		return -1;
	if (linux_part->personality && linux_part->personality->flags.count)
		return err_set(err, ERR_INPUT,
			       "linux.personality.flags: the specification defines none");
	if (linux_part->memory_policy)
		return check_memory_policy(linux_part->memory_policy, err);
	return 0;
}
