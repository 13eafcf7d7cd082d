/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks the kernel what masu may do. */
#include "ns/privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/stat.h>

#include "base/sys.h"
#include "ns/ns.h"

enum {
	FIRST_USER_INODE = 0xEFFFFFFD, /* kernel: PROC_USER_INIT_INO, ABI since Linux 3.8 */
};

bool ns_has_capability(int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &header, data) == 0 &&
	       (data[capability / 32].effective & (1u << (capability % 32)));
}

bool ns_in_first_user_namespace(void)
{
	struct stat status;

	/* a kernel without user namespaces has no such file, and nobody who is not in the first one
	 */
	return stat("/proc/self/ns/user", &status) < 0 ||
	       status.st_ino == (ino_t)(unsigned int)FIRST_USER_INODE;
}

bool ns_can_clone_mounts(void)
{
	/* the permission is checked before the descriptor: EBADF means allowed */
	return sys_open_tree(-1, "", OPEN_TREE_CLONE | AT_EMPTY_PATH) < 0 && errno != EPERM;
}

bool ns_is_rootless(void)
{
	return !ns_in_first_user_namespace() || !ns_has_capability(CAP_SYS_ADMIN);
}
