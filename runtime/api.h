/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every exported function begins with. */
#pragma once

#include <stddef.h>

struct err;
struct masu_error;

/* The caller's error record as ours, cleared; NULL stays NULL. */
struct err *api_error(struct masu_error *error);

/* Copy an options struct, which may be of another version than ours; NULL gives all zero. */
int api_options(void *to, size_t size, const void *from, struct err *err);
