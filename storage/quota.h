/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits on a directory tree by project quota (ext4 and xfs mounted with prjquota). */
#pragma once

#include <stdint.h>

struct err;

/* Put the directories of one volume under a project of their own and limit it; the project's id
 * comes from `volume`'s inode. */
int quota_set(int volume, const int *dirs, int count, const uint64_t limits[2], struct err *err);

/* What the project uses: {bytes, inodes, byte limit}. -1 without a record when the volume has no
 * project. */
int quota_get(int volume, uint64_t usage[3]);

/* Forget the limits. Success when there are none. */
void quota_clear(int volume);
