/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The devices that the storage drivers stand on, for `masu doctor`; the drivers tell of themselves
 * in storage_get_info(). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/doctor.h"
#include "base/str.h"
#include "storage/storage.h"

static enum doctor_state look_loop(int about, struct doctor_note *note)
{
	auto_closedir DIR *dir = opendir("/sys/block");
	unsigned int bound = 0;
	char path[300];

	(void)about;
	if (faccessat(AT_FDCWD, "/dev/loop-control", R_OK | W_OK, AT_EACCESS) < 0)
		return doctor_say(note, DOCTOR_WARN, "/dev/loop-control: %s", strerror(errno));
	for (const struct dirent *entry; dir && (entry = readdir(dir));) {
		bound += str_starts(entry->d_name, "loop") &&
			 str_format(path, sizeof(path), "/sys/block/%s/loop/backing_file",
				    entry->d_name) == 0 &&
			 access(path, F_OK) == 0;
	}
	return doctor_say(note, DOCTOR_OK, "/dev/loop-control, %u devices in use", bound);
}

static enum doctor_state look_fuse(int about, struct doctor_note *note)
{
	bool has = access("/dev/fuse", F_OK) == 0;

	(void)about;
	return doctor_say(note, has ? DOCTOR_OK : DOCTOR_WARN, "%s",
			  has ? "/dev/fuse" : "no /dev/fuse");
}

/* clang-format off */
const struct doctor_row storage_doctor_rows[] = {
	{ "loop devices", look_loop, 0, "no store in a file (masu storage init --loop-size)", "modprobe loop, as root" },
	{ "fuse",         look_fuse, 0, "programs that mount FUSE file systems do not work inside", "modprobe fuse" },
	{ 0 },
};
/* clang-format on */
