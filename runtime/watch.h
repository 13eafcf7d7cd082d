/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu_notify_open() and what belongs to it. (runtime/notify.h is about sd_notify.) */
#pragma once

#include "runtime/masu-watch.h"

struct err;

int watch_open(struct masu *masu, const struct masu_notify_options *options,
	       struct masu_notify **notify, struct err *err);
int watch_fd(const struct masu_notify *notify);
int watch_dispatch(struct masu_notify *notify, struct err *err);
void watch_close(struct masu_notify *notify);
