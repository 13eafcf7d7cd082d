/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu.network: the container's own addresses, names and published ports. */
#pragma once

#include "runtime/create.h"
#include "runtime/gc.h"

/* Before ns/ is asked: check the section, let its mode decide on the network namespace. */
int network_prepare(struct creation *creation, struct err *err);

/* Where networks, leases and names are kept for this state root; in the arena. */
struct net_place network_place(const struct masu *masu, struct arena *arena);

/*
 * Before anything of a container is undone: ERR_PLUGIN when that needs a plug-in which this static
 * program cannot load.
 */
int network_can_undo(const struct container *container, struct err *err);

/* ---- network_owner.c ---- */

/* The container's name among the owners of addresses and ports; in the arena. */
const char *network_owner(const struct masu *masu, const char *id, struct arena *arena);

/* Note the state root where every other one finds it. */
int network_register_root(const struct masu *masu, const struct net_place *place, struct err *err);

/* net/ asks whether an owner still lives; `data` is the struct masu. */
bool network_is_alive(const char *owner, void *data);

/* A list of struct net_state: of the running containers that have interfaces, of all state roots.
 */
int network_states(const struct net_place *place, struct json_list *states, struct arena *arena,
		   struct err *err);

/* gc's part: what containers left that are gone. */
int network_collect(struct masu *masu, bool dry_run, gc_report *report, void *data,
		    struct err *err);
