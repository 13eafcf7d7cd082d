/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In masu-init: personality, memory policy and resource limits, set on the process itself. */
#include "security/security.h"

#include <errno.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"

static int apply_memory_policy(const struct flat_view *view, const struct security_plan *plan,
			       struct err *err)
{
	const unsigned long *nodes = flat_get(view, plan->memory_nodes, sizeof(*nodes));
	/* the kernel counts one bit less than it is told */
	unsigned long bits = nodes ? plan->memory_bits + 1UL : 0;

	if (syscall(SYS_set_mempolicy, plan->memory_mode | (int)plan->memory_flags, nodes, bits) ==
	    0)
		return 0;
	int code = errno;

	err_sys(err, "linux.memoryPolicy: set mode %d", (int)plan->memory_mode);
	if (code == EINVAL)
		return err_hint(err, "the kernel lacks the mode or a flag, or no named node is "
				     "online and in the container's cpuset");
	if (code == ENOSYS)
		return err_hint(err, "this kernel is built without CONFIG_NUMA");
	return -1;
}

int security_apply_execution(const struct flat_view *view, const struct security_plan *plan,
			     struct err *err)
{
	if (plan->personality >= 0 && personality((unsigned long)plan->personality) < 0)
		return err_sys(err, "linux.personality: set domain %#llx",
			       (unsigned long long)plan->personality);
	if (plan->memory_mode >= 0)
		return apply_memory_policy(view, plan, err);
	return 0;
}

int security_apply_limits(const struct flat_view *view, const struct security_plan *plan,
			  struct err *err)
{
	const struct security_rlimit_plan *rows = flat_get(view, plan->rlimits, sizeof(*rows));

	for (uint32_t i = 0; rows && i < plan->rlimits.count; i++) {
		struct rlimit limit = { .rlim_cur = rows[i].soft, .rlim_max = rows[i].hard };

		/* raw: C libraries translate "infinity" on some machines */
		if (syscall(SYS_prlimit64, 0, rows[i].type, &limit, NULL) < 0)
			return err_sys(err, "process.rlimits[%u]: set soft %llu, hard %llu", i,
				       (unsigned long long)rows[i].soft,
				       (unsigned long long)rows[i].hard);
	}
	return 0;
}
