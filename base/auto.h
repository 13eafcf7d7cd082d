/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Owned locals: released when they go out of scope, handed over with take_fd() and take_ptr(). */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * Use:
 *	auto_close int dir = path_open_beneath(root, name, O_DIRECTORY, err);
 *	if (dir < 0)
 *		return -1;
 *	...
 *	return take_fd(&dir);	 (the caller owns it now)
 *
 * Every owned local is initialised where it is declared. errno survives the release.
 */
static inline void auto_close_fd(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;
		close(*fd); /* never retried: Linux has released it even on EINTR */
		errno = saved;
	}
}

static inline void auto_free_ptr(void *ptr)
{
	free(*(void **)ptr);
}

static inline void auto_close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#define auto_close    __attribute__((cleanup(auto_close_fd)))
#define auto_free     __attribute__((cleanup(auto_free_ptr)))
#define auto_closedir __attribute__((cleanup(auto_close_dir)))

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void *take_ptr_raw(void *ptr)
{
	void *taken = *(void **)ptr;

	*(void **)ptr = NULL;
	return taken;
}

#define take_ptr(ptr) ((__typeof__(*(ptr)))take_ptr_raw(ptr))
