/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Feature probes: a harmless call whose errno tells whether the kernel knows it. */
#include "base/kernel.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/utsname.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"

#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_lsm_get_self_attr
#define SYS_lsm_get_self_attr 459
#endif

static bool release_at_least(int major, int minor)
{
	struct utsname name;
	int have_major = 0, have_minor = 0;

	if (uname(&name) < 0)
		return false;
	/* "6.18.44-...": by hand, as scanf alone costs every command 200 KiB of touched library */
	const char *at = name.release;

	for (; *at >= '0' && *at <= '9'; at++)
		have_major = have_major * 10 + (*at - '0');
	for (at += *at == '.'; *at >= '0' && *at <= '9'; at++)
		have_minor = have_minor * 10 + (*at - '0');
	return have_major > major || (have_major == major && have_minor >= minor);
}

static bool probe_mount_setattr(void)
{
	return sys_mount_setattr(-1, NULL, 0, NULL) < 0 && errno != ENOSYS;
}

static bool probe_cgroup_kill(void)
{
	return release_at_least(
		5, 14); /* a file of non-root cgroups only: nothing to look at before one exists */
}

static bool probe_lsm_self_attr(void)
{
	return syscall(SYS_lsm_get_self_attr, 0, NULL, NULL, 0) < 0 && errno != ENOSYS;
}

static bool probe_time_namespace(void)
{
	return access("/proc/self/ns/time", F_OK) == 0;
}

static bool probe_user_namespace(void)
{
	char text[32];
	uint64_t most;

	if (access("/proc/self/ns/user", F_OK) < 0)
		return false;
	return fd_read_file(AT_FDCWD, "/proc/sys/user/max_user_namespaces", text, sizeof(text)) <
		       0 ||
	       !str_parse_u64(text, &most) || most > 0;
}

static bool probe_overlay_userxattr(void)
{
	return release_at_least(5, 11);
}

/* clang-format off */
static const struct {
	struct kernel_row row;
	bool (*probe)(void);
} table[KERNEL_FEATURES] = {
	[KERNEL_MOUNT_SETATTR]     = { { "mount_setattr",      "5.12", "no recursive mount options, no id-mapped mounts" },  probe_mount_setattr },
	[KERNEL_CGROUP_KILL]       = { { "cgroup.kill",        "5.14", "processes of a cgroup are frozen and killed one by one" }, probe_cgroup_kill },
	[KERNEL_LSM_SELF_ATTR]     = { { "lsm_set_self_attr",  "6.8",  "labels are written to a verified procfs" },           probe_lsm_self_attr },
	[KERNEL_TIME_NAMESPACE]    = { { "time namespaces",    "5.6",  "a spec with a time namespace is refused" },           probe_time_namespace },
	[KERNEL_USER_NAMESPACE]    = { { "user namespaces",    "3.8",  "a spec with a user namespace is refused, no rootless use" }, probe_user_namespace },
	[KERNEL_OVERLAY_USERXATTR] = { { "overlay userxattr",  "5.11", "no overlay inside user namespaces" },                 probe_overlay_userxattr },
};

/* clang-format on */

bool kernel_has(enum kernel_feature feature)
{
	static atomic_uchar known[KERNEL_FEATURES]; /* 0 unknown, 1 no, 2 yes: a cache that races
						       only to the same answer */
	unsigned char answer = atomic_load_explicit(&known[feature], memory_order_relaxed);

	if (!answer) {
		answer = table[feature].probe() ? 2 : 1;
		atomic_store_explicit(&known[feature], answer, memory_order_relaxed);
	}
	return answer == 2;
}

const struct kernel_row *kernel_describe(enum kernel_feature feature)
{
	return &table[feature].row;
}

int kernel_require(struct err *err)
{
	if (release_at_least(5, 10))
		return 0;
	err_set(err, ERR_UNSUPPORTED, "start: this kernel is older than 5.10");
	return err_hint(
		err,
		"masu needs clone3, openat2, close_range and the mount API of Linux 5.10 or newer");
}
