/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In masu-init: moving oneself into the container's cgroups. */
#include <errno.h>
#include <unistd.h>

#include "base/err.h"
#include "base/flat.h"
#include "cgroup/cgroup.h"

/*
 * "0" is the writer itself: in `tasks` of v1 that spares the grace period which moving another
 * process waits for (milliseconds). It moves one thread, and masu-init has only one.
 */
int cgroup_join(const struct flat_view *view, const struct cgroup_plan *plan, struct err *err)
{
	const flat_fd_t *list = flat_get(view, plan->join, sizeof(*list));

	for (uint32_t i = 0; list && i < plan->join.count; i++) {
		int fd = flat_get_fd(view, list[i]);
		ssize_t done;

		do {
			done = write(fd, "0", 1);
		} while (done < 0 && errno == EINTR);
		if (done < 0 && errno == ENOSPC) {
			err_sys(err, "join cgroup %u of %u", i + 1, plan->join.count);
			return err_hint(err, "a cpuset without cpus or mems takes no process");
		}
		if (done < 0)
			return err_sys(err, "join cgroup %u of %u", i + 1, plan->join.count);
	}
	return 0;
}
