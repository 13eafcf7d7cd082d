/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptor input and output that is safe against EINTR and short transfers. */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

int fd_write_all(int fd, const void *data, size_t size)
{
	for (const char *at = data; size;) {
		ssize_t done = write(fd, at, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		at += done;
		size -= (size_t)done;
	}
	return 0;
}

ssize_t fd_read_all(int fd, void *data, size_t size)
{
	size_t have = 0;

	while (have < size) {
		ssize_t done = read(fd, (char *)data + have, size - have);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		if (!done)
			break;
		have += (size_t)done;
	}
	return (ssize_t)have;
}

ssize_t fd_read_file(int dir, const char *path, char *buffer, size_t size)
{
	auto_close int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return -1;
	ssize_t length = fd_read_all(fd, buffer, size);

	if (length < 0)
		return -1;
	if ((size_t)length == size) {
		errno = EFBIG;
		return -1;
	}
	if (length && buffer[length - 1] == '\n')
		length--;
	buffer[length] = '\0';
	return length;
}

int fd_write_file(int dir, const char *path, const char *text, struct err *err)
{
	auto_close int fd = openat(dir, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_sys(err, "open %s", path);
	ssize_t done;

	do {
		done = write(fd, text, strlen(text));
	} while (done < 0 && errno == EINTR);
	if (done < 0)
		return err_sys(err, "write %.100s to %s", text, path);
	return 0;
}

char *fd_slurp(int dir, const char *path, size_t limit, size_t *size, struct err *err)
{
	auto_close int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;

	if (fd < 0) {
		err_sys(err, "open %s", path);
		return NULL;
	}
	if (fstat(fd, &status) < 0) {
		err_sys(err, "stat %s", path);
		return NULL;
	}
	if (!S_ISREG(status.st_mode)) {
		err_set(err, ERR_INPUT, "read %s: not a regular file", path);
		return NULL;
	}
	if ((size_t)status.st_size > limit) {
		err_set(err, ERR_INPUT, "read %s: larger than %zu bytes", path, limit);
		return NULL;
	}
	auto_free char *data = malloc((size_t)status.st_size + 1);

	if (!data) {
		err_sys(err, "read %s", path);
		return NULL;
	}
	ssize_t length = fd_read_all(fd, data, (size_t)status.st_size);

	if (length < 0) {
		err_sys(err, "read %s", path);
		return NULL;
	}
	data[length] = '\0';
	*size = (size_t)length;
	return take_ptr(&data);
}

int fd_send(int socket, const void *data, size_t size, const int *fds, size_t fd_count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FD_SEND_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec part = { .iov_base = (void *)data, .iov_len = size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd_count > FD_SEND_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (fd_count) {
		memset(&control, 0, CMSG_SPACE(sizeof(int) * fd_count));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);

		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
	}
	ssize_t sent;

	do {
		sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

/* Takes the descriptors out of one control message; closes what the caller has no room for. */
static bool keep_fds(struct cmsghdr *header, int *fds, size_t *have, size_t room)
{
	size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	bool kept = true;

	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
		if (*have < room) {
			fds[(*have)++] = fd;
		} else {
			close(fd);
			kept = false;
		}
	}
	return kept;
}

ssize_t fd_receive(int socket, void *data, size_t size, int *fds, size_t *fd_count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FD_SEND_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec part = { .iov_base = data, .iov_len = size };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	size_t room = fd_count ? *fd_count : 0, have = 0;
	ssize_t length;

	do {
		length = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	} while (length < 0 && errno == EINTR);
	if (length < 0)
		return -1;
	bool whole = !(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC));

	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header;
	     header = CMSG_NXTHDR(&message, header)) {
		if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
			whole &= keep_fds(header, fds, &have, room);
	}
	if (!whole) {
		while (have)
			close(fds[--have]);
		errno = EMSGSIZE;
		return -1;
	}
	if (fd_count)
		*fd_count = have;
	return length;
}

int fd_sealed(const char *name, const void *data, size_t size, struct err *err)
{
	enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

	/* MFD_EXEC (6.3) keeps it executable where vm.memfd_noexec=1; older kernels refuse the
	 * flag. */
	auto_close int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return err_sys(err, "make memfd %s", name);
	if (fd_write_all(fd, data, size) < 0)
		return err_sys(err, "write memfd %s", name);
	if (fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return err_sys(err, "seal memfd %s", name);
	return take_fd(&fd);
}
