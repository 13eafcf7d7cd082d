/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu.network: the container's own addresses, names and published ports. */
#pragma once

#include "runtime/create.h"

/* Before ns/ is asked: check the section, let its mode decide on the network namespace. */
int network_prepare(struct creation *creation, struct err *err);

/* Where networks, leases and names are kept for this state root; in the arena. */
struct net_place network_place(const struct masu *masu, struct arena *arena);

/* net/ asks whether a container of this state root still lives; `data` is the struct masu. */
bool network_is_alive(const char *id, void *data);

/* `run` in the foreground: the container's name server, or NULL without one. */
struct net_resolver *network_serve(struct creation *creation, struct err *err);
