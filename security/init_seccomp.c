/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In masu-init: hands the compiled filter to the kernel. */
#include "security/security.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"

#ifndef SECCOMP_FILTER_FLAG_NEW_LISTENER
#define SECCOMP_FILTER_FLAG_NEW_LISTENER (1UL << 3)
#endif

int security_load_seccomp(const void *program, size_t size, uint32_t flags, bool with_listener,
			  int *listener, struct err *err)
{
	struct sock_fprog filter = {
		.len = (unsigned short)(size / sizeof(struct sock_filter)),
		.filter = (struct sock_filter *)program, /* the kernel only reads it */
	};

	*listener = -1;
	if (!size || size % sizeof(struct sock_filter) ||
	    size / sizeof(struct sock_filter) > BPF_MAXINSNS)
		return err_set(err, EINVAL, "load seccomp filter: %zu bytes are no filter", size);
	if (with_listener)
		flags |= (uint32_t)SECCOMP_FILTER_FLAG_NEW_LISTENER;
	long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);

	if (result >= 0) {
		*listener = with_listener ? (int)result : -1;
		return 0;
	}
	int code = errno;

	err_sys(err, "load seccomp filter with flags %#x", flags);
	if (code == EINVAL)
		return err_hint(err, "this kernel lacks one of linux.seccomp.flags or an action of "
				     "the profile: see masu features");
	if (code == EACCES)
		return err_hint(err, "it needs CAP_SYS_ADMIN or process.noNewPrivileges");
	if (code == EBUSY)
		return err_hint(err, "another filter of this process has a listener already");
	return -1;
}
