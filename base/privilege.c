/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks the kernel what this process may do. */
#include "base/privilege.h"

#include <linux/capability.h>
#include <sys/stat.h>

#include "base/sys.h"

enum {
	FIRST_USER_INODE = 0xEFFFFFFD, /* kernel: PROC_USER_INIT_INO, ABI since Linux 3.8 */
};

bool privilege_has(int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &header, data) == 0 &&
	       (data[capability / 32].effective & (1u << (capability % 32)));
}

bool privilege_in_first_user_namespace(void)
{
	struct stat status;

	/* a kernel without user namespaces has no such file, and nobody who is not in the first one
	 */
	return stat("/proc/self/ns/user", &status) < 0 ||
	       status.st_ino == (ino_t)(unsigned int)FIRST_USER_INODE;
}

bool privilege_no_devices(void)
{
	return !privilege_in_first_user_namespace() || !privilege_has(CAP_MKNOD);
}
