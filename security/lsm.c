/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of the two labelling security modules this kernel runs. */
#include "security/security.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

#include "base/fd.h"

bool security_apparmor_enabled(void)
{
	char text[8];

	/* not securityfs: it need not be mounted, and cannot be seen from a user namespace */
	return fd_read_file(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", text,
			    sizeof(text)) > 0 &&
	       text[0] == 'Y';
}

bool security_apparmor_lacks(const char *profile)
{
	FILE *list = fopen("/sys/kernel/security/apparmor/profiles", "re");
	size_t length = strlen(profile);
	char line[512];
	bool found = false;

	if (!list)
		return false;
	while (!found && fgets(line, sizeof(line), list)) /* "NAME (enforce)" */
		found = strncmp(line, profile, length) == 0 && strncmp(line + length, " (", 2) == 0;
	fclose(list);
	return !found && strcmp(profile, "unconfined") != 0;
}

bool security_selinux_enabled(void)
{
	struct statfs fs;

	return statfs("/sys/fs/selinux", &fs) == 0 && fs.f_type == SELINUX_MAGIC;
}
