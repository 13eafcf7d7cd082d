/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files about intent share. */
#pragma once

#include <stdbool.h>

#include "cgroup/host.h"
#include "cgroup/intent.h"

struct arena;
struct cgroup_intent_options;
struct cgroup_resources;
struct err;

enum {
	CGROUP_PERIOD_US = 250000, /* lmctfy's: long enough for a cap of 4m */
	CGROUP_QUOTA_LEAST_US = 1000,
	CGROUP_CPU_MAX_LEAST = 4, /* thousandths: the least quota in that period */
	CGROUP_PAGE_NAME_MAX = 24,
};

/* ERR_INPUT with the prefix in front. */
int cgroup_intent_refuse(struct err *err, const char *prefix, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* "2M" as the kernel's files spell it, "2MB"; and back. False for what is no page size. */
bool cgroup_page_name(const char *size, char name[CGROUP_PAGE_NAME_MAX]);

/* Every CPU of the list is there; or ERR_INPUT. */
int cgroup_cpus_check(const char *list, const char *prefix, struct err *err);

/* A list of CPUs for a pin; NULL with the error. */
const char *cgroup_cpus_pick(const struct cgroup_pin *pin, const char *prefix, struct arena *arena,
			     struct err *err);

/* Weights of cgroup v2 count somewhere: a disk has BFQ as its scheduler, or a cost model. */
bool cgroup_io_has_weights(struct arena *arena);

/* One compilation for the host that `support` describes. */
struct cgroup_compilation {
	const struct cgroup_intent_options *options;
	struct arena *arena;
	struct cgroup_resources *resources;
	struct json_list *warnings;
	struct cgroup_support support;
	bool io_weights; /* cgroup_io_has_weights() */
	struct err *err;
};

int cgroup_intent_compile_on(struct cgroup_compilation *to, const struct cgroup_intent *intent);
