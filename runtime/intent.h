/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu.resources: handing each part of the intent to the folder that applies it. */
#pragma once

#include <stdbool.h>

struct arena;
struct creation;
struct container;
struct err;
struct spec;

/*
 * After decoding, before anything is prepared: limits go to linux.resources, network rates to the
 * interface, disk to masu.storage, as if they were written there. What this host lacks is logged as
 * a warning, or ERR_UNSUPPORTED when `strict`.
 */
int intent_compose(struct spec *spec, bool strict, struct arena *arena, struct err *err);

/* The writes that a prepared creation would do, as JSON; in the container's arena. */
char *intent_explain(struct creation *creation, struct err *err);

/* The limits in force, as JSON in the form of masu.resources; in the container's arena. */
char *intent_effective(struct container *container, struct err *err);
