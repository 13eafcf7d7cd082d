/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors: whole reads and writes, small files, passing descriptors over a socket. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct err;

/* Write all bytes; EINTR and short writes are handled. Returns 0 or -1 with errno. */
int fd_write_all(int fd, const void *data, size_t size);

/* Read until the end of file or `size` bytes; returns the number read or -1 with errno. */
ssize_t fd_read_all(int fd, void *data, size_t size);

/*
 * Read the small file `path` (relative to `dir`) as text into `buffer`, NUL behind it, a final
 * newline cut off. Returns its length; -1 with errno (EFBIG when it does not fit).
 */
ssize_t fd_read_file(int dir, const char *path, char *buffer, size_t size);

/*
 * Write `text` to an existing file in one write(2), as kernel files want it. The error text reads
 * "write VALUE to PATH: reason"; PATH is what was given, so give one the user can find.
 */
int fd_write_file(int dir, const char *path, const char *text, struct err *err);

/* Read a whole regular file of at most `limit` bytes (O_NONBLOCK, so a FIFO cannot hang us) into
 * malloc'ed memory with a NUL behind it. */
char *fd_slurp(int dir, const char *path, size_t limit, size_t *size, struct err *err);

enum {
	FD_SEND_MAX = 250, /* descriptors in one message; the kernel's SCM_MAX_FD is 253 */
};

/* One message on a socket, with up to FD_SEND_MAX descriptors. 0 or -1 with errno. Never raises
 * SIGPIPE. */
int fd_send(int socket, const void *data, size_t size, const int *fds, size_t fd_count);

/*
 * Receive one message; descriptors come CLOEXEC, *fd_count is room in and number out. Returns the
 * bytes (0: the peer closed), or -1 with errno (EMSGSIZE when data or descriptors were cut off:
 * those received are closed).
 */
ssize_t fd_receive(int socket, void *data, size_t size, int *fds, size_t *fd_count);

/* A sealed, read-only memfd with these bytes: no one can change it, not even root. */
int fd_sealed(const char *name, const void *data, size_t size, struct err *err);
