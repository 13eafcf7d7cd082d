/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* tmpcopyup: fills a fresh tmpfs with what the directory beneath holds, by descriptors and without
 * following links. */
#include "ns/init.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/sys.h"

enum {
	DEPTH_MAX = 64,
	XATTR_NAMES_MAX = 4096,
	XATTR_VALUE_MAX = 4096,
	SENDFILE_MAX = 1 << 30,
	LISTING_SIZE = 2048,
};

/* A directory being copied: its parts by descriptor, its name only for messages. */
struct copy {
	int from, to;
	int depth;
};

static int copy_directory(const struct copy *copy, struct err *err);

/* Attributes that the tmpfs does not take (user.* before Linux 6.6) are left out, as cp -a does. */
static void copy_xattrs(int from, int to)
{
	char names[XATTR_NAMES_MAX], value[XATTR_VALUE_MAX];
	ssize_t length = flistxattr(from, names, sizeof(names));

	for (char *name = names; name < names + (length > 0 ? length : 0);
	     name += strlen(name) + 1) {
		ssize_t size = fgetxattr(from, name, value, sizeof(value));

		if (size >= 0)
			(void)!fsetxattr(to, name, value, (size_t)size, 0);
	}
}

/* Owner before mode, as changing the owner clears set-user-id; times last. */
static int copy_metadata(int from, int to, const struct stat *status)
{
	const struct timespec times[2] = { status->st_atim, status->st_mtim };

	if (fchown(to, status->st_uid, status->st_gid) < 0 ||
	    fchmod(to, status->st_mode & 07777) < 0)
		return -1;
	copy_xattrs(from, to);
	return futimens(to, times);
}

static int copy_regular(const struct copy *copy, const char *name, const struct stat *status)
{
	auto_close int from =
		openat(copy->from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	auto_close int to =
		openat(copy->to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	ssize_t done;

	if (from < 0 || to < 0)
		return -1;
	do {
		done = sendfile(to, from, NULL, SENDFILE_MAX);
	} while (done > 0 || (done < 0 && errno == EINTR));
	return done < 0 ? -1 : copy_metadata(from, to, status);
}

static int copy_special(const struct copy *copy, const char *name, const struct stat *status)
{
	char content[PATH_MAX];

	if (S_ISLNK(status->st_mode)) {
		ssize_t length = readlinkat(copy->from, name, content, sizeof(content) - 1);

		if (length < 0)
			return -1;
		content[length] = '\0';
		if (symlinkat(content, copy->to, name) < 0)
			return -1;
	} else if (mknodat(copy->to, name, status->st_mode, status->st_rdev) < 0) {
		return -1;
	}
	return fchownat(copy->to, name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW);
}

static int copy_below(const struct copy *copy, const char *name, const struct stat *status,
		      struct err *err)
{
	if (copy->depth >= DEPTH_MAX)
		return err_set(err, ELOOP, "copy %s: deeper than %d directories", name, DEPTH_MAX);
	if (mkdirat(copy->to, name, 0700) < 0)
		return err_sys(err, "copy %s", name);
	auto_close int from =
		openat(copy->from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	auto_close int to = openat(copy->to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct copy below = { from, to, copy->depth + 1 };

	if (from < 0 || to < 0)
		return err_sys(err, "copy %s", name);
	if (copy_directory(&below, err) < 0)
		return -1;
	return copy_metadata(from, to, status) < 0 ? err_sys(err, "copy %s", name) : 0;
}

static int copy_entry(const struct copy *copy, const char *name, struct err *err)
{
	struct stat status;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	if (fstatat(copy->from, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(err, "copy %s", name);
	if (S_ISDIR(status.st_mode))
		return copy_below(copy, name, &status, err);
	int result = S_ISREG(status.st_mode) ? copy_regular(copy, name, &status)
					     : copy_special(copy, name, &status);

	return result < 0 ? err_sys(err, "copy %s", name) : 0;
}

/* getdents64(2) itself: a struct dirent of a 64-bit C library is what the kernel writes, and
 * opendir(3) would allocate. */
static int copy_directory(const struct copy *copy, struct err *err)
{
	_Alignas(struct dirent) char entries[LISTING_SIZE];
	auto_close int listing = openat(copy->from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long got;

	if (listing < 0)
		return err_sys(err, "list a directory to copy");
	while ((got = syscall(SYS_getdents64, listing, entries, sizeof(entries))) > 0) {
		for (long at = 0; at < got;) {
			const struct dirent *entry = (const struct dirent *)(entries + at);

			if (copy_entry(copy, entry->d_name, err) < 0)
				return -1;
			at += entry->d_reclen;
		}
	}
	return got < 0 ? err_sys(err, "list a directory to copy") : 0;
}

int ns_copy_tree(int from, int to, struct err *err)
{
	const struct copy copy = { from, to, 0 };

	return copy_directory(&copy, err);
}
