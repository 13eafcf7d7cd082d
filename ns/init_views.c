/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes the host's procfs and sysfs away where --no-pivot leaves the old mounts beneath the new
 * root. */
#include "ns/init.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"
#include "base/sys.h"

/* mountinfo writes space, tab, newline and backslash as a backslash and three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *at = text; *at; to++) {
		if (at[0] == '\\' && at[1] && at[2] && at[3]) {
			*to = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
			at += 4;
		} else {
			*to = *at++;
		}
	}
	*to = '\0';
}

static bool is_below(const char *place, const char *directory)
{
	size_t length = strlen(directory);

	return strncmp(place, directory, length) == 0 && (!place[length] || place[length] == '/');
}

/* The mount point of a line about a whole ("/") procfs or sysfs, else NULL. */
static char *find_view(char *line)
{
	char *save, *root = NULL, *place = NULL, *type = strstr(line, " - ");

	if (!type || (!str_starts(type + 3, "proc ") && !str_starts(type + 3, "sysfs ")))
		return NULL;
	*type = '\0';
	for (int field = 1; field <= 5; field++) {
		char *word = strtok_r(field == 1 ? line : NULL, " ", &save);

		root = field == 4 ? word : root;
		place = field == 5 ? word : place;
	}
	if (!place || strcmp(root, "/") != 0)
		return NULL;
	unescape(place);
	return place;
}

static int drop(const char *place, struct err *err)
{
	/* allowed: places in the host's view, before the root is changed */
	if (umount2(place, MNT_DETACH | UMOUNT_NOFOLLOW) == 0 || errno == ENOENT)
		return 0;
	if (errno != EINVAL && errno != EPERM)
		return err_sys(err, "unmount the host's %s", place);
	/* locked: it came from another user namespace; cover it instead */
	/* allowed: as above */
	if (mount("tmpfs", place, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "size=0,nr_inodes=1") == 0)
		return 0;
	return errno == ENOENT || errno == EACCES ? 0 : err_sys(err, "cover the host's %s", place);
}

int ns_drop_host_views(const char *keep, struct err *err)
{
	auto_close int info = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	char buffer[2 * PATH_MAX + 512];
	size_t have = 0;

	if (info < 0)
		return err_sys(err, "open /proc/self/mountinfo");
	/* the kernel keeps the place in the list while entries go away */
	for (;;) {
		ssize_t got = read(info, buffer + have, sizeof(buffer) - 1 - have);

		if (got < 0)
			return err_sys(err, "read /proc/self/mountinfo");
		have += (size_t)got;
		buffer[have] = '\0';
		char *line = buffer;

		for (char *end; (end = strchr(line, '\n')); line = end + 1) {
			*end = '\0';
			char *place = find_view(line);

			if (place && !(keep && is_below(place, keep)) && drop(place, err) < 0)
				return -1;
		}
		if (got == 0)
			return 0;
		have -= (size_t)(line - buffer);
		memmove(buffer, line, have);
		if (have == sizeof(buffer) - 1)
			return err_set(err, EOVERFLOW,
				       "read /proc/self/mountinfo: a line is too long");
	}
}
