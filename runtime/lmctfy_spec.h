/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lmctfy's ContainerSpec as a group's spec, and back. */
#pragma once

#include "runtime/group_spec.h"
#include "runtime/lmctfy_proto.h"

/* Text form, and where that cannot be read because it is not text, the binary one. */
int lmctfy_read_spec(const struct spec_text *text, struct arena *arena, struct group_spec *spec,
		     unsigned int *parts, struct err *err);

/* InitSpec, as text or bytes: the hierarchies that are to be mounted, a list of struct
 * cgroup_mounting. */
int lmctfy_read_init(const struct spec_text *text, struct arena *arena, struct json_list *mounts,
		     struct err *err);

/* What a group has in force, as lmctfy says it; only of the parts that it isolates. NULL with err.
 */
struct lmctfy_spec *lmctfy_describe_spec(const struct group_spec *spec, unsigned int parts,
					 struct arena *arena, struct err *err);
