/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of the two labelling security modules this kernel runs. */
#include "security/security.h"

#include <fcntl.h>
#include <linux/magic.h>
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

bool security_selinux_enabled(void)
{
	struct statfs fs;

	return statfs("/sys/fs/selinux", &fs) == 0 && fs.f_type == SELINUX_MAGIC;
}
