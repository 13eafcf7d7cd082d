/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What this kernel can do beyond 5.10: one table of probes, each with the fallback that is used
 * without it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;

enum kernel_feature {
	KERNEL_MOUNT_SETATTR,     /* 5.12; without: remount by mount(2), no recursive options, no
				     id-mapped mounts */
	KERNEL_CGROUP_KILL,       /* 5.14; without: freeze, SIGKILL to each, thaw */
	KERNEL_LSM_SELF_ATTR,     /* 6.8; without: a verified /proc/thread-self/attr */
	KERNEL_TIME_NAMESPACE,    /* CONFIG_TIME_NS; without: a spec that asks for one is refused */
	KERNEL_USER_NAMESPACE,    /* CONFIG_USER_NS and user.max_user_namespaces > 0 */
	KERNEL_OVERLAY_USERXATTR, /* 5.11 */
	KERNEL_FEATURES,
};

/* One row of the table, for `masu doctor` and the documentation. */
struct kernel_row {
	const char *name;
	const char *since;
	const char *without;
};

/* Probed on first use, by trying; the answer is remembered for the process. */
bool kernel_has(enum kernel_feature feature);
const struct kernel_row *kernel_describe(enum kernel_feature feature);

/* Fails when the kernel is older than 5.10, with a hint. */
int kernel_require(struct err *err);
