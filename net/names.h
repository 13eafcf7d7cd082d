/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who is called what in a network: one small file for each name of each container, below
 * names/NAME/ID. */
#pragma once

#include "net/private.h"

/* Make the names known, with the interface's addresses; take them back. Neither needs a lock. */
int net_names_publish(const struct net_place *place, const struct net_interface_state *interface,
		      const char *id, struct err *err);
int net_names_withdraw(const struct net_place *place, const struct net_interface_state *interface,
		       const char *id, struct err *err);

/* All addresses of a name in a network, of every container that goes by it: text, space between; ""
 * when unknown. */
int net_names_find_addresses(const struct net_place *place, const char *network, const char *name,
			     char *addresses, size_t size, struct err *err);

/* Call `visit` for each name in the network. */
int net_names_each(const struct net_place *place, const char *network,
		   int (*visit)(const char *name, const char *addresses, const char *id,
				void *data),
		   void *data, struct err *err);

/* ---- neighbours.c: the same names as a hosts file ---- */

/* `dir` is the network's state directory. A container's lines are put in and taken out. */
int net_neighbours_add(int dir, const struct net_interface_state *interface, const char *id,
		       struct err *err);
int net_neighbours_drop(int dir, const char *id, struct err *err);

/* ---- names.c again ---- */

/* Take back every name of containers for which `judge` returns true; how many, or -1. */
int net_names_sweep(const struct net_place *place, const char *network,
		    bool (*judge)(const char *name, const char *id, void *data), void *data,
		    struct err *err);
