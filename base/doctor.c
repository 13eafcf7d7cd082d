/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel and what it lets this process do, for `masu doctor`. */
#include "base/doctor.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/kernel.h"
#include "base/privilege.h"
#include "base/str.h"

enum doctor_state doctor_say(struct doctor_note *note, enum doctor_state state, const char *format,
			     ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(note->text, sizeof(note->text), format, args);
	va_end(args);
	return state;
}

static enum doctor_state look_release(int about, struct doctor_note *note)
{
	struct utsname name;

	(void)about;
	if (uname(&name) < 0)
		return doctor_say(note, DOCTOR_MISSING, "unknown");
	return doctor_say(note, kernel_require(NULL) < 0 ? DOCTOR_MISSING : DOCTOR_OK, "Linux %s",
			  name.release);
}

static enum doctor_state look_feature(int about, struct doctor_note *note)
{
	bool has = kernel_has((enum kernel_feature)about);

	return doctor_say(note, has ? DOCTOR_OK : DOCTOR_WARN, "%s",
			  has ? "there" : "not in this kernel");
}

/* Whoever is not root has none, and needs none in a user namespace. */
static enum doctor_state look_capability(int about, struct doctor_note *note)
{
	if (geteuid() != 0)
		return doctor_say(note, DOCTOR_OK, "not needed by a user who is not root");
	bool has = privilege_has(about);

	return doctor_say(note, has ? DOCTOR_OK : DOCTOR_WARN, "%s", has ? "held" : "not held");
}

static enum doctor_state look_user(int about, struct doctor_note *note)
{
	(void)about;
	return doctor_say(note, DOCTOR_OK, "user %u, %s user namespace", geteuid(),
			  privilege_in_first_user_namespace() ? "in the host's"
							      : "below the host's");
}

/* clang-format off */
#define FEATURE(name, feature, consequence, release) \
	{ name, look_feature, feature, consequence, "Linux " release " or newer" }
#define CAPABILITY(name, consequence) \
	{ #name, look_capability, name, consequence, "give masu the capability: whatever started this shell has dropped it" }

const struct doctor_row base_doctor_rows[] = {
	{ "kernel", look_release, 0, "masu refuses to start", "Linux 5.10 or newer" },
	{ "user",   look_user },
	FEATURE("mount_setattr",     KERNEL_MOUNT_SETATTR,     "recursive mount options and id-mapped mounts are refused", "5.12"),
	FEATURE("cgroup.kill",       KERNEL_CGROUP_KILL,       "processes of a container are frozen and killed one by one", "5.14"),
	FEATURE("overlay userxattr", KERNEL_OVERLAY_USERXATTR, "no overlay in user namespaces", "5.11"),
	FEATURE("time namespaces",   KERNEL_TIME_NAMESPACE,    "a spec with a time namespace is refused", "5.6 with CONFIG_TIME_NS"),
	CAPABILITY(CAP_SYS_ADMIN,    "namespaces and mounts need a user namespace"),
	CAPABILITY(CAP_NET_ADMIN,    "networks and network devices cannot be set up"),
	CAPABILITY(CAP_MKNOD,        "devices are bound from the host, device rules are not enforced"),
	CAPABILITY(CAP_SYS_RESOURCE, "hard limits above masu's own and a lower oomScoreAdj are refused, and before Linux 6.6 notifications of memory pressure"),
	CAPABILITY(CAP_SYS_NICE,     "process.scheduler with a higher priority is refused"),
	CAPABILITY(CAP_SYS_PTRACE,   "processes of other users cannot be looked at"),
	{ 0 },
};
/* clang-format on */
