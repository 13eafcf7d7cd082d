/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the plug-in "nftables" offers: our one table `inet masu`, changed in single batches. It
 * alone links libnftnl. */
#pragma once

#include "net/private.h"

#define FIREWALL_TABLE "masu"
#define FIREWALL_LOCK  "firewall.lock" /* in the state directory: held while the table is made */

/* A bridge network as the firewall sees it. */
struct firewall_network {
	const char *bridge;
	struct ip_prefix subnets[NET_SUBNETS_MAX];
	size_t subnet_count;
	bool masquerade, internal, isolate, icc;
};

/* A published port, or a range of them. */
struct firewall_port {
	int protocol;
	struct ip_address host; /* the any-address of a family: all of its addresses */
	unsigned int first, last;
	struct ip_address address; /* in the container */
	unsigned int port;         /* that `first` leads to */
	const char *owner;
	const struct ip_prefix *allowed; /* who may come; everybody when there are none */
	size_t allowed_count;
};

/* What one batch does: all of it or nothing. */
struct firewall_change {
	const struct firewall_network *networks;
	size_t network_count;
	const struct firewall_port *ports;
	size_t port_count;
};

/* A chain of somebody else's that packets to containers pass, and whose policy drops them. */
struct firewall_rival {
	const char *family, *table, *chain;
};

struct firewall;

struct firewall_ops {
	struct firewall *(*open)(struct err *err);
	void (*close)(struct firewall *firewall);

	/* 1 when the network's chain is there (and so the table with all that is common), 0 when
	 * not. */
	int (*has_network)(struct firewall *firewall, const char *bridge, struct err *err);

	/*
	 * Add networks that are not there yet (the table too), and ports. EEXIST when a port is
	 * there already. Two callers that add the same network at the same time must exclude each
	 * other.
	 */
	int (*add)(struct firewall *firewall, const struct firewall_change *change,
		   struct err *err);

	/* Remove them; what is missing already is no error. */
	int (*remove)(struct firewall *firewall, const struct firewall_change *change,
		      struct err *err);

	/* The whole table anew in one batch, whatever is there of it now: nothing goes through
	 * unfiltered meanwhile. */
	int (*replace)(struct firewall *firewall, const struct firewall_change *change,
		       struct err *err);

	/* Make the kernel forget flows of these (udp) ports, which would go on to whoever had them
	 * before. */
	int (*forget)(struct firewall *firewall, const struct firewall_port *ports, size_t count,
		      struct err *err);

	/*
	 * Walk over the published ports of the table. `judge` gets an element's owner and the map's
	 * name, and returns true to have it removed.
	 */
	int (*sweep)(struct firewall *firewall,
		     bool (*judge)(const char *owner, const char *map, void *data), void *data,
		     struct err *err);

	/* Call `visit` for each chain of others that forwards nothing unless told to. */
	int (*each_rival)(struct firewall *firewall,
			  void (*visit)(const struct firewall_rival *rival, void *data), void *data,
			  struct err *err);
};

/* An open plug-in; closed when it goes out of scope as auto_firewall. */
struct firewall_session {
	const struct firewall_ops *ops;
	struct firewall *firewall;
};

int firewall_open(struct firewall_session *session, struct err *err);
void firewall_close(struct firewall_session *session);

#define auto_firewall __attribute__((cleanup(firewall_close)))

/* Definition and state in the firewall's terms. `ports` has room for state->ports.count. */
struct firewall_network firewall_describe(const struct network *network);
int firewall_read_ports(const struct net_state *state, struct firewall_port *ports,
			struct arena *arena, struct err *err);
