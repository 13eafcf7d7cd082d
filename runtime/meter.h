/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu_meter_open() and what belongs to it. */
#pragma once

#include "runtime/masu-watch.h"

struct err;

int meter_open(struct masu *masu, const char *const *names, unsigned int flags,
	       struct masu_meter **meter, struct err *err);
int meter_read(struct masu_meter *meter, const struct masu_reading **first, struct err *err);
void meter_close(struct masu_meter *meter);
