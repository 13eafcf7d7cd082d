/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* exec: one more process in a container, by the second start table. */
#pragma once

#include "runtime/startup.h"

struct masu_exec_options;

struct execution {
	struct container container;
	struct spec_process process;
	struct startup_options options;
	struct startup startup;
	struct cgroup *below; /* --cgroup */
};

int execution_prepare(struct masu *masu, const struct masu_exec_options *options,
		      struct execution *execution, struct err *err);
int execution_walk(struct execution *execution, struct err *err);
void execution_close(struct execution *execution);
