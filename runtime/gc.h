/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Removing what killed starts left behind. */
#pragma once

struct err;
struct masu;

typedef void gc_report(const char *kind, const char *name, void *data);

/* See masu_gc() and masu_storage_gc(); `flags` are theirs. */
int gc_run(struct masu *masu, unsigned int flags, gc_report *report, void *data, struct err *err);
int gc_run_storage(struct masu *masu, unsigned int flags, gc_report *report, void *data,
		   struct err *err);
