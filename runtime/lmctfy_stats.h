/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A group's counters as lmctfy's ContainerStats. */
#pragma once

#include <stdbool.h>

#include "runtime/group.h"
#include "runtime/lmctfy_proto.h"

/* Only of the parts; `summary` leaves out what lmctfy's summary does. In the group's arena; NULL
 * with err. */
struct lmctfy_stats *lmctfy_describe_stats(struct group *group, unsigned int parts,
					   const struct cgroup_stats *stats, bool summary,
					   struct err *err);
