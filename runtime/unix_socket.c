/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* connect and bind through /proc/self/fd/N/NAME, which always fits sun_path. */
#include "runtime/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"

static int address_at(int dir, const char *name, struct sockaddr_un *address)
{
	address->sun_family = AF_UNIX;
	return str_format(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", dir,
			  name);
}

int unix_socket_connect_at(int dir, const char *name, int type, struct err *err)
{
	struct sockaddr_un address = { 0 };
	auto_close int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || address_at(dir, name, &address) < 0)
		return err_sys(err, "connect to socket %s", name);
	int result;

	do {
		result = connect(fd, (const struct sockaddr *)&address, sizeof(address));
	} while (result < 0 && errno == EINTR);
	return result < 0 ? err_sys(err, "connect to socket %s", name) : take_fd(&fd);
}

int unix_socket_bind_at(int dir, const char *name, int type, struct err *err)
{
	struct sockaddr_un address = { 0 };
	auto_close int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || address_at(dir, name, &address) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(err, "make socket %s", name);
	if (type != SOCK_DGRAM && listen(fd, 64) < 0)
		return err_sys(err, "listen on socket %s", name);
	return take_fd(&fd);
}

int unix_socket_connect(const char *path, int type, struct err *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char parent[PATH_MAX];

	if (str_format(parent, sizeof(parent), "%.*s", slash ? (int)(slash - path) + 1 : 1,
		       slash ? path : ".") < 0)
		return err_sys(err, "connect to %.60s...", path);
	auto_close int dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_sys(err, "connect to %s", path);
	int fd = unix_socket_connect_at(dir, name, type, err);

	if (fd < 0)
		err_set(err, err ? err->code : 0, "connect to %s: %s", path, strerror(errno));
	return fd;
}
