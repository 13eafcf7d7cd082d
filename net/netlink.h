/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the plug-in "netlink" offers: batches of rtnetlink requests as plain structs, and look-ups.
 * It alone links libmnl. */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/ip.h"

struct err;

/* One rtnetlink socket. It stays in the network namespace where it was opened, wherever its user
 * goes. */
struct netlink;

enum netlink_verb {
	NETLINK_ADD_LINK,     /* link; afterwards link.index and link.peer_index are filled */
	NETLINK_SET_LINK,     /* link: found by index, else by name */
	NETLINK_SET_PORT,     /* link: bridge port flags `hairpin` and `isolated`; by index, else by
				 name */
	NETLINK_DELETE_LINK,  /* link: by index, else by name, else by group (all its members at
				 once) */
	NETLINK_ADD_ADDRESS,  /* address */
	NETLINK_ADD_ROUTE,    /* route */
	NETLINK_ADD_BUCKET,   /* shape: what the link sends has to wait for tokens */
	NETLINK_ADD_INGRESS,  /* shape: a place for NETLINK_ADD_REDIRECT */
	NETLINK_ADD_REDIRECT, /* shape: what the link receives goes through the link `to` first */
};

/* A link to make or to change. Members that are zero are left out of the message. */
struct netlink_link_request {
	int index;
	const char *name;  /* with index: the new name */
	const char *kind;  /* "bridge", "veth", "macvlan", ... */
	int master;        /* index of the bridge */
	int parent;        /* index of the link below a macvlan, ipvlan or vlan */
	unsigned int mode; /* MACVLAN_MODE_*, IPVLAN_MODE_* */
	unsigned int vlan; /* the tag of a vlan link */
	unsigned int mtu;
	unsigned int group;
	const uint8_t *mac; /* 6 bytes */
	const char *alias;
	bool up;
	bool quiet;    /* SET_LINK of a link that is down: no IPv6 address, no discovery noise from
			  this end */
	bool announce; /* SET_LINK of a link that is down: tell neighbours its addresses as it
			  comes up */
	bool hairpin, isolated; /* NETLINK_SET_PORT */
	bool move;              /* into the namespace `netns`; the new link is born there */
	int netns;
	/* veth: the other end; born down, since raising it before it is paired fails */
	const char *peer_name;
	const uint8_t *peer_mac;
	int peer_netns;
	int peer_index;
};

/* An address of a link. */
struct netlink_address {
	int index;
	struct ip_prefix prefix;     /* the local address */
	struct ip_address peer;      /* of a point-to-point link; family 0 when none */
	struct ip_address broadcast; /* family 0 when none */
	unsigned int flags;          /* IFA_F_* */
	unsigned int scope;          /* RT_SCOPE_* */
};

/* A route. A prefix of length 0 is the default route; gateway family 0 is "on the link". */
struct netlink_route {
	int index;
	struct ip_prefix destination;
	struct ip_address gateway;
	unsigned int metric;
	unsigned int table; /* RT_TABLE_MAIN when 0 */
	unsigned int type;  /* RTN_UNICAST when 0 */
	bool on_link;       /* the gateway is reachable although no address says so */
};

/* Traffic control of a link, by index. */
struct netlink_shape {
	int index, to;
	const char *name; /* for messages */
	uint64_t rate;    /* bytes per second */
	uint32_t burst;   /* bytes */
};

struct netlink_request {
	enum netlink_verb verb;

	union {
		struct netlink_link_request link;
		struct netlink_address address;
		struct netlink_route route;
		struct netlink_shape shape;
	};
};

/* What is known about an existing link. */
struct netlink_link {
	int index;
	char name[IFNAMSIZ];
	char kind[IFNAMSIZ]; /* "" for a physical one */
	char alias[256];
	unsigned int flags; /* IFF_* */
	unsigned int mtu;
	unsigned int group;
	int master;
	int parent; /* IFLA_LINK: of a veth, the other end's index in its own namespace */
	uint8_t mac[6];
};

/* Visitors return 0 to go on, -1 (record filled) to fail. */
typedef int netlink_visit_link(const struct netlink_link *link, void *data, struct err *err);
typedef int netlink_visit_address(const struct netlink_address *address, void *data,
				  struct err *err);
typedef int netlink_visit_route(const struct netlink_route *route, void *data, struct err *err);

/* The struct that the plug-in exports. Sockets are for one thread at a time. */
struct netlink_ops {
	/* A socket in the namespace behind the descriptor `netns`, or in the caller's when it is
	 * -1. NULL on failure. */
	struct netlink *(*open)(int netns, struct err *err);
	void (*close)(struct netlink *socket);

	/*
	 * Send all requests, in few system calls, and fail with the first one's reason that the
	 * kernel refused. The kernel does not take back what succeeded before it, and tries what
	 * comes after it as well: undoing is the caller's.
	 */
	int (*run)(struct netlink *socket, struct netlink_request *requests, size_t count,
		   struct err *err);

	/* 1 when the link exists, 0 when not, -1 on failure. */
	int (*find_link)(struct netlink *socket, const char *name, struct netlink_link *link,
			 struct err *err);

	int (*each_link)(struct netlink *socket, netlink_visit_link *visit, void *data,
			 struct err *err);
	/* of one link, or of all when index is 0 */
	int (*each_address)(struct netlink *socket, int index, netlink_visit_address *visit,
			    void *data, struct err *err);
	int (*each_route)(struct netlink *socket, netlink_visit_route *visit, void *data,
			  struct err *err);
};

/* An open socket with the plug-in that serves it. Zero-initialise; closed when it goes out of scope
 * as auto_netlink. */
struct netlink_session {
	const struct netlink_ops *ops;
	struct netlink *socket;
};

/* Load the plug-in and open a socket in the namespace (-1: the caller's). */
int netlink_open(struct netlink_session *session, int netns, struct err *err);
void netlink_close(struct netlink_session *session);

#define auto_netlink __attribute__((cleanup(netlink_close)))
