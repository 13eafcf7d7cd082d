/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the first command after a crash or a reboot puts right. */
#pragma once

#include <stdbool.h>

struct err;
struct storage;

/* Under the exclusive lock: finish or undo dead intents, remove what nobody will ever finish. */
int recover_store(struct storage *store, bool rebooted, struct err *err);
