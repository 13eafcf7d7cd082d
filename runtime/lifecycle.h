/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operations on an opened container: start, kill, delete, pause, resume, update. */
#pragma once

#include "runtime/container.h"

struct err;

int container_start(struct container *container, struct err *err);

/* The poststart hooks; when one fails the container is stopped and destroyed, and its error
 * returned. */
int container_after_start(struct container *container, const struct json_list *poststart,
			  struct err *err);

int container_signal(struct container *container, int signal, bool all, struct err *err);
int container_delete(struct container *container, bool force, struct err *err);
int container_pause(struct container *container, struct err *err);
int container_resume(struct container *container, struct err *err);
int container_update(struct container *container, const char *resources_json, struct err *err);

/* linux.intelRdt's schemata of a live container; either may be NULL. */
int container_update_rdt(struct container *container, const char *l3_cache_schema,
			 const char *mem_bw_schema, struct err *err);
