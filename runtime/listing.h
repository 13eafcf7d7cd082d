/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `list`: all containers of a state root. */
#pragma once

struct err;
struct masu;
struct masu_container_info;

int listing_make(struct masu *masu, struct masu_container_info **first, struct err *err);
void listing_free(struct masu_container_info *first);
