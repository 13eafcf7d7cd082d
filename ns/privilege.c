/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks the kernel what masu may do. */
#include "ns/privilege.h"

#include <errno.h>
#include <linux/capability.h>

#include "base/privilege.h"
#include "base/sys.h"
#include "ns/ns.h"

bool ns_can_clone_mounts(void)
{
	/* the permission is checked before the descriptor: EBADF means allowed */
	return sys_open_tree(-1, "", OPEN_TREE_CLONE | AT_EMPTY_PATH) < 0 && errno != EPERM;
}

bool ns_is_rootless(void)
{
	return !privilege_in_first_user_namespace() || !privilege_has(CAP_SYS_ADMIN);
}
