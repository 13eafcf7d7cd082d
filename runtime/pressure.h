/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu.memoryPressure: the program is told where it can watch its own shortage of memory. */
#pragma once

#include "runtime/create.h"

/*
 * Before the walk: mount the cgroup's memory.pressure over its place in the container's cgroup
 * mount, writable, and tell the program by MEMORY_PRESSURE_WATCH and MEMORY_PRESSURE_WRITE
 * (systemd's protocol). Nothing unless the spec asks. ERR_INPUT without such a mount,
 * ERR_UNSUPPORTED without cgroup v2.
 */
int pressure_prepare(struct creation *creation, struct err *err);

/* When the cgroup has been made: the file belongs to the user that the program runs as. */
int pressure_give(struct startup *startup, struct err *err);
