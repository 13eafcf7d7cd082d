/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a group is asked to be: limits as intent, and what belongs to a group alone; read from JSON
 * or in lmctfy's forms. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/json.h"
#include "cgroup/cgroup.h"

struct err;

struct group_spec {
	struct opt_u64 owner, owner_group; /* whom it is given to */
	struct opt_u64 children;           /* groups below it at most */
	struct opt_i64 eviction_priority;  /* 0 (first) to 10000 (last), 5000 is as others */
	struct opt_u64 open_files;         /* of each process that is run in it */
	struct opt_i64 perf;               /* 0 or 1: a place of its own for perf counters */
	struct json_raw devices;           /* like linux.resources.devices */
	struct cgroup_intent intent;
};
extern const struct json_object group_spec_object;

/* A spec as given: JSON when it begins with '{', else lmctfy's ContainerSpec as text or bytes. */
struct spec_text {
	const char *source; /* for messages */
	const char *text;
	size_t length;
};

/* Decode over what `spec` holds already, and check it. `parts` receives what the text names (enum
 * cgroup_part). */
int group_spec_read(const struct spec_text *text, struct arena *arena, struct group_spec *spec,
		    unsigned int *parts, struct err *err);

/* The limits of it for this host; warnings are logged. NULL with err. */
struct cgroup_resources *group_spec_compile(const struct group_spec *spec, bool strict,
					    struct arena *arena, struct err *err);

/* Does it belong below the batch top? */
bool group_spec_is_batch(const struct group_spec *spec);

/* `spec` with every limit of `before` that it leaves out set to what it is without one. */
int group_spec_reset(struct group_spec *spec, const struct group_spec *before, struct arena *arena,
		     struct err *err);
