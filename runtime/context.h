/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What struct masu holds: one state root and how its containers are managed. */
#pragma once

#include <stdbool.h>

#include "cgroup/cgroup.h"

struct masu {
	char *root;
	char *storage_root; /* NULL: the default */
	enum cgroup_driver driver;
	int systemd_timeout_ms; /* 0: the default */
	bool rootless;
	bool strict; /* what this kernel lacks is an error, not a warning */
};
