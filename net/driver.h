/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network drivers: what differs between bridges, macvlan, ipvlan and whole devices. */
#pragma once

#include "net/netlink.h"
#include "net/private.h"

struct net_driver {
	const char *name;

	/* Is the definition one that this driver can serve? Looks at nothing but the definition. */
	int (*check)(const struct net_network *wanted, struct err *err);

	/*
	 * Make the host's part of the network where it is missing (bridge, addresses, sysctls), and
	 * tell the device that interfaces hang on. Called with the network's lock held.
	 */
	int (*ensure)(const struct network *network, struct netlink_session *host, int *index,
		      struct err *err);

	/* Fill the request that makes one interface in the namespace; state and network are what
	 * they are for. */
	void (*link)(const struct network *network, const struct net_interface_state *state,
		     struct netlink_link_request *request);

	/* Remove what ensure() made. NULL: nothing to remove. */
	int (*remove)(const struct network *network, struct netlink_session *host, struct err *err);

	bool filters; /* packets pass the host's forwarding: masquerade, published ports, isolation
		       */
};

/* NULL is the default driver; NULL comes back for an unknown name. */
const struct net_driver *net_driver_find(const char *name);

extern const struct net_driver bridge_driver, macvlan_driver, ipvlan_driver, phys_driver;
