/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directories of a struct net_place: opening, locking, writing whole files; and network
 * sysctls. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "net/private.h"

static int make_parents(const char *path, struct err *err)
{
	char part[PATH_MAX];

	if (str_format(part, sizeof(part), "%s", path) < 0)
		return err_sys(err, "make directory %s", path);
	for (char *at = part + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return err_sys(err, "make directory %s", part);
		*at = '/';
	}
	return 0;
}

int net_place_open(const char *path, struct err *err)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir >= 0)
		return dir;
	if (errno != ENOENT)
		return err_sys(err, "open directory %s", path);
	if (make_parents(path, err) < 0)
		return -1;
	return net_place_open_at(AT_FDCWD, path, err);
}

int net_place_open_at(int dir, const char *name, struct err *err)
{
	int opened = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (opened >= 0)
		return opened;
	if (errno == ENOENT && (mkdirat(dir, name, 0700) == 0 || errno == EEXIST))
		opened = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (opened < 0)
		return err_sys(err, "open directory %s", name);
	return opened;
}

int net_place_wait(int fd)
{
	int result;

	do
		result = flock(fd, LOCK_EX);
	while (result < 0 && errno == EINTR);
	return result;
}

int net_place_lock(int dir, const char *name, struct err *err)
{
	auto_close int lock = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (lock < 0)
		return err_sys(err, "open lock %s", name);
	if (net_place_wait(lock) < 0)
		return err_sys(err, "lock %s", name);
	return take_fd(&lock);
}

int net_place_write(int dir, const char *name, const char *text, struct err *err)
{
	char temporary[NAME_MAX + 1];
	uint32_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number) ||
	    str_format(temporary, sizeof(temporary), ".%.200s.%08x", name, number) < 0)
		return err_sys(err, "write %s", name);
	auto_close int file = openat(dir, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (file < 0)
		return err_sys(err, "create %s", temporary);
	if (fd_write_all(file, text, strlen(text)) == 0 && renameat(dir, temporary, dir, name) == 0)
		return 0;
	err_sys(err, "write %s", name);
	unlinkat(dir, temporary, 0);
	return -1;
}

int net_place_note(const struct net_place *place, const char *folder, const char *name,
		   const char *text, struct err *err)
{
	auto_close int state = net_place_open(place->state, err);
	auto_close int dir = state < 0 ? -1 : net_place_open_at(state, folder, err);

	if (dir < 0)
		return -1;
	return faccessat(dir, name, F_OK, 0) == 0 ? 0 : net_place_write(dir, name, text, err);
}

int net_place_sysctl(const char *path, const char *value, bool must, struct err *err)
{
	char whole[PATH_MAX];

	if (str_format(whole, sizeof(whole), "/proc/sys/net/%s", path) < 0)
		return err_sys(err, "write %s", path);
	/* one walk along the path: among many namespaces each costs, since the names of all of them
	 * hang in one chain of the kernel's directory cache */
	struct err reason = { 0 };

	if (fd_write_file(AT_FDCWD, whole, value, &reason) == 0)
		return 0;
	if (!must && reason.code == ENOENT)
		return 0; /* a kernel without that protocol */
	if (err)
		*err = reason;
	return -1;
}
