/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Garbage collection: what crashed or killed starts left without an owner. */
#pragma once

#include <stdbool.h>

struct err;
struct masu;

int gc_run(struct masu *masu, bool dry_run,
	   void (*report)(const char *kind, const char *name, void *data), void *data,
	   struct err *err);
