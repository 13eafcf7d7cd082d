/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Project quotas through descriptors: quotactl_fd(2) and FS_IOC_FSSETXATTR. */
#include "storage/quota.h"

#include <errno.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/sys.h"

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif
#ifndef PRJQUOTA
#define PRJQUOTA 2
#endif

static int quotactl(int fd, unsigned int command, uint32_t id, void *data)
{
	return (int)syscall(SYS_quotactl_fd, fd, QCMD(command, PRJQUOTA), id, data);
}

/*
 * No list of projects to keep: an inode number belongs to one live directory. The top bits keep us
 * away from the small numbers that administrators hand out.
 */
static uint32_t project_of(int volume)
{
	struct stat st;

	return fstat(volume, &st) < 0 ? 0 : (uint32_t)(st.st_ino & 0x3fffffff) | 0x40000000;
}

static int refuse(struct err *err)
{
	err_sys(err, "limit the size of a root");
	if (err)
		err->code = ERR_UNSUPPORTED;
	return err_hint(
		err,
		"the store must be on ext4 or xfs mounted with prjquota, or use the driver btrfs or devicemapper");
}

int quota_set(int volume, const int *dirs, int count, const uint64_t limits[2], struct err *err)
{
	uint32_t project = project_of(volume);
	struct if_dqblk block = {
		.dqb_bhardlimit = limits[0] / QIF_DQBLKSIZE,
		.dqb_ihardlimit = limits[1],
		.dqb_valid = QIF_LIMITS,
	};

	/* the limit first: where it cannot be set, nothing has been touched */
	if (quotactl(volume, Q_SETQUOTA, project, &block) < 0)
		return refuse(err);
	for (int i = 0; i < count; i++) {
		struct fsxattr attributes;

		if (ioctl(dirs[i], FS_IOC_FSGETXATTR, &attributes) < 0)
			return refuse(err);
		attributes.fsx_projid = project;
		attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
		if (ioctl(dirs[i], FS_IOC_FSSETXATTR, &attributes) < 0)
			return refuse(err);
	}
	return 0;
}

int quota_get(int volume, uint64_t usage[3])
{
	struct if_dqblk block = { 0 };

	if (quotactl(volume, Q_GETQUOTA, project_of(volume), &block) < 0 || !block.dqb_bhardlimit)
		return -1;
	usage[0] = block.dqb_curspace;
	usage[1] = block.dqb_curinodes;
	usage[2] = block.dqb_bhardlimit * QIF_DQBLKSIZE;
	return 0;
}

void quota_clear(int volume)
{
	struct if_dqblk block = { .dqb_valid = QIF_LIMITS };
	uint64_t usage[3];

	if (quota_get(volume, usage) == 0)
		quotactl(volume, Q_SETQUOTA, project_of(volume), &block);
}
