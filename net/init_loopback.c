/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loopback interface of a new network namespace, raised from inside by one ioctl. */
#include "net/net.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/err.h"

int net_raise_loopback(struct err *err)
{
	/* any socket family answers interface ioctls; this one exists in every kernel */
	auto_close int socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	if (socket_fd < 0 || ioctl(socket_fd, SIOCSIFFLAGS, &request) < 0)
		return err_sys(err, "set up loopback interface");
	return 0;
}
