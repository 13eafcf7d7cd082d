/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loop devices by LOOP_CONFIGURE, and the few tools (mkfs) that no library replaces. */
#include "storage/loop.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"

int loop_make_file(int dir, const char *name, uint64_t size, bool sparse, struct err *err)
{
	auto_close int fd = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(err, "make file %s", name);
	int result = sparse ? ftruncate(fd, (off_t)size) : posix_fallocate(fd, 0, (off_t)size);

	if (result == 0)
		return 0;
	if (result > 0)
		errno = result;
	err_sys(err, "reserve %llu bytes for %s", (unsigned long long)size, name);
	unlinkat(dir, name, 0);
	return -1;
}

/* The open device when /dev/loopNUMBER is this file's, else -1. While we hold it open it cannot be
 * cleared. */
static int open_if_same(const char *path, const struct stat *file)
{
	auto_close int device = open(path, O_RDWR | O_CLOEXEC);
	struct loop_info64 info;

	if (device < 0 || ioctl(device, LOOP_GET_STATUS64, &info) < 0)
		return -1;
	if (info.lo_inode != file->st_ino || info.lo_device != file->st_dev)
		return -1;
	return take_fd(&device);
}

static int find_existing(const struct stat *file, char path[LOOP_PATH_MAX])
{
	auto_closedir DIR *block = opendir("/sys/block");
	struct dirent *entry;
	char backing[64];

	while (block && (entry = readdir(block))) {
		if (strncmp(entry->d_name, "loop", 4) != 0 || strlen(entry->d_name) > 16)
			continue;
		snprintf(backing, sizeof(backing), "/sys/block/%.20s/loop", entry->d_name);
		if (access(backing, F_OK) < 0)
			continue; /* unused */
		snprintf(path, LOOP_PATH_MAX, "/dev/%.16s", entry->d_name);
		int device = open_if_same(path, file);

		if (device >= 0)
			return device;
	}
	return -1;
}

static int configure(int device, int file)
{
	struct loop_config config = {
		.fd = (uint32_t)file,
		.block_size = 4096,
		.info = { .lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO },
	};

	if (ioctl(device, LOOP_CONFIGURE, &config) == 0)
		return 0;
	if (errno != EINVAL)
		return -1;
	/* no direct I/O on tmpfs and some others */
	config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
	return ioctl(device, LOOP_CONFIGURE, &config);
}

int loop_attach(int dir, const char *name, char path[LOOP_PATH_MAX], struct err *err)
{
	auto_close int file = openat(dir, name, O_RDWR | O_CLOEXEC);
	struct stat st;

	if (file < 0 || fstat(file, &st) < 0)
		return err_sys(err, "open %s", name);
	int device = find_existing(&st, path);

	if (device >= 0)
		return device;
	auto_close int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (control < 0)
		return err_sys(err, "open /dev/loop-control");
	/* others look for free devices too: EBUSY means that one of them was quicker */
	for (int tries = 0; tries < 32; tries++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);

		if (number < 0)
			return err_sys(err, "find a free loop device");
		snprintf(path, LOOP_PATH_MAX, "/dev/loop%d", number);
		device = open(path, O_RDWR | O_CLOEXEC);
		if (device < 0)
			return err_sys(err, "open %s", path);
		if (configure(device, file) == 0)
			return device;
		int code = errno;

		close(device);
		errno = code;
		if (code != EBUSY)
			break;
	}
	return err_sys(err, "make a loop device for %s", name);
}

static int grow_file(int dir, const char *name, uint64_t size, struct err *err)
{
	auto_close int fd = openat(dir, name, O_RDWR | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, "open %s", name);
	if (size < (uint64_t)st.st_size) {
		err_set(err, ERR_INPUT, "grow %s: it has %llu MiB already", name,
			(unsigned long long)st.st_size >> 20);
		return err_hint(err, "a store can grow but not shrink");
	}
	/* blocks that were reserved count, so less of them means sparse */
	if ((uint64_t)st.st_blocks * 512 >= (uint64_t)st.st_size) {
		int code = posix_fallocate(fd, st.st_size, (off_t)size - st.st_size + 1);

		if (code) {
			(void)!ftruncate(fd, st.st_size);
			errno = code;
			return err_sys(err, "reserve %llu bytes for %s", (unsigned long long)size,
				       name);
		}
	}
	return ftruncate(fd, (off_t)size) < 0 ? err_sys(err, "grow %s", name) : 0;
}

int loop_grow(int dir, const char *name, uint64_t size, struct err *err)
{
	char path[LOOP_PATH_MAX];

	if (grow_file(dir, name, size, err) < 0)
		return -1;
	auto_close int device = loop_attach(dir, name, path, err);

	if (device < 0)
		return -1;
	if (ioctl(device, LOOP_SET_CAPACITY, 0) < 0)
		return err_sys(err, "grow %s", path);
	return take_fd(&device);
}

static int wait_for(pid_t pid, int output, const char *name, struct err *err)
{
	char text[256] = "";
	int status = 0;
	ssize_t got = fd_read_all(output, text, sizeof(text) - 1);

	text[got > 0 ? got : 0] = '\0';
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return err_set(err, EIO, "run %s: %s", name, *text ? text : "it failed");
}

int tool_run(const char *const argv[], struct err *err)
{
	static const char *const dirs[] = { "/usr/sbin", "/sbin", "/usr/bin", "/bin" };
	char search[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", locale[] = "LC_ALL=C";
	char *const environment[] = { search, locale, NULL };
	posix_spawn_file_actions_t actions;
	char path[64];
	int output[2], result = ENOENT;
	pid_t pid;

	if (pipe2(output, O_CLOEXEC) < 0)
		return err_sys(err, "make a pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output[1], 2);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && result == ENOENT; i++) {
		snprintf(path, sizeof(path), "%s/%s", dirs[i], argv[0]);
		result = posix_spawn(&pid, path, &actions, NULL, (char *const *)argv, environment);
	}
	posix_spawn_file_actions_destroy(&actions);
	close(output[1]);
	auto_close int reader = output[0];

	if (result == 0)
		return wait_for(pid, reader, argv[0], err);
	errno = result;
	err_sys(err, "run %s", argv[0]);
	return result == ENOENT ? err_hint(err, "install the package that has %s", argv[0]) : -1;
}
