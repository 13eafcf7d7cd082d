/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Labels, filters and keys, for `masu doctor`. */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/doctor.h"
#include "base/fd.h"
#include "security/security.h"

static enum doctor_state look_modules(int about, struct doctor_note *note)
{
	char text[128];

	(void)about;
	if (fd_read_file(AT_FDCWD, "/sys/kernel/security/lsm", text, sizeof(text)) > 0)
		return doctor_say(note, DOCTOR_OK, "%s", text);
	return doctor_say(note, DOCTOR_OK, "cannot be seen: no securityfs here");
}

static enum doctor_state look_apparmor(int about, struct doctor_note *note)
{
	(void)about;
	return security_apparmor_enabled() ? doctor_say(note, DOCTOR_OK, "enabled")
					   : doctor_say(note, DOCTOR_WARN, "not enabled");
}

static enum doctor_state look_selinux(int about, struct doctor_note *note)
{
	char text[8];

	(void)about;
	if (!security_selinux_enabled())
		return doctor_say(note, DOCTOR_WARN, "not enabled");
	bool enforcing =
		fd_read_file(AT_FDCWD, "/sys/fs/selinux/enforce", text, sizeof(text)) > 0 &&
		text[0] == '1';

	return doctor_say(note, DOCTOR_OK, "%s", enforcing ? "enforcing" : "permissive");
}

/* Actions that only some kernels have, the newest last. */
static enum doctor_state look_seccomp(int about, struct doctor_note *note)
{
	uint32_t action = SECCOMP_RET_USER_NOTIF;

	(void)about;
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
		return doctor_say(note, DOCTOR_OK, "filters and notifications");
	return doctor_say(note, DOCTOR_WARN, "%s",
			  errno == EOPNOTSUPP ? "filters without notifications" : "no filters");
}

static enum doctor_state look_keys(int about, struct doctor_note *note)
{
	bool has = access("/proc/keys", F_OK) == 0;

	(void)about;
	return doctor_say(note, has ? DOCTOR_OK : DOCTOR_WARN, "%s", has ? "there" : "none");
}

/* clang-format off */
const struct doctor_row security_doctor_rows[] = {
	{ "security modules", look_modules },
	{ "AppArmor", look_apparmor, 0, "process.apparmorProfile is refused", "start the kernel with apparmor=1 security=apparmor" },
	{ "SELinux",  look_selinux,  0, "process.selinuxLabel and linux.mountLabel are refused", "start the kernel with selinux=1 security=selinux, and load a policy" },
	{ "seccomp",  look_seccomp,  0, "linux.seccomp is refused, or its SCMP_ACT_NOTIFY", "a kernel with CONFIG_SECCOMP_FILTER, 5.0 or newer" },
	{ "keyrings", look_keys,     0, "containers have no keyring of their own", "a kernel with CONFIG_KEYS" },
	{ 0 },
};
/* clang-format on */
