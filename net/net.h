/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The door of net/: loopback, OCI netDevices, networks, addresses and published ports. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/doctor.h"
#include "base/json.h"

struct err;

/* linux.netDevices: key is the host's name (config-linux.md "Network Devices") */
struct net_device_spec {
	const char *key;
	const char *name; /* in the container; may hold %d; NULL: the same */
};
extern const struct json_object net_device_object; /* rows of one map value */

/* Names, lengths, "%d" forms, duplicates; a network namespace must exist (has_namespace). */
int net_check_devices(const struct json_list *devices, bool has_namespace, struct err *err);

/*
 * Move the devices into the namespace behind `netns` (a descriptor of it): keep permanent global
 * addresses, set them up. A name already taken inside is an error. On failure the ones moved
 * already go back.
 */
int net_move_devices(const struct json_list *devices, int netns, struct err *err);

/* In masu-init, in a new network namespace: bring up "lo". */
int net_raise_loopback(struct err *err);

/* ---- config.json: "masu": { "network": { ... } } ---- */

/* How fast an interface may be; a direction that is absent has no limit. */
struct net_bandwidth_spec {
	const char *ingress; /* to the container: "100mbit", or bits per second */
	const char *egress;  /* from it */
	const char *burst;   /* bytes at once: "256k"; worked out from the rate when absent */
};

/* One interface of the container, in a network by name. */
struct net_interface_spec {
	const char *network; /* "default" when absent; made at first use */
	const char *name;    /* in the container; eth0, eth1, ... when absent */
	struct json_list
		ips; /* const char *: static addresses, at most one a subnet; the rest is chosen */
	const char *mac;          /* chosen when absent */
	struct json_list aliases; /* const char *: further names for the neighbours */
	struct opt_i64
		gateway; /* take the default route from here; else the first interface that can */
	unsigned int metric;      /* of its default route */
	unsigned int mtu;         /* the network's when 0 */
	struct json_list sysctls; /* struct json_pair: "net.ipv4.conf.IFNAME.rp_filter": "2" */
	struct net_bandwidth_spec bandwidth; /* bridge networks only */
	struct json_raw acl, driver, parent; /* refused: not built in */
};

/* A port of the host that leads to the container. "8080", or a range "8000-8010" on both sides. */
struct net_publish_spec {
	const char *host; /* an address of the host; absent: all of them */
	const char *host_port;
	const char *container_port;  /* the host's when absent */
	int protocol;                /* IPPROTO_TCP when 0 */
	struct json_list allow_from; /* const char *: prefixes; empty: everybody */
};

/* What goes into resolv.conf; empty lists take the host's. */
struct net_dns_spec {
	struct json_list servers, search, options; /* const char * */
};

struct net_route_spec {
	const char *destination; /* "10.9.0.0/16" */
	const char *gateway;
};

struct net_spec {
	const char
		*mode; /* "bridge" (default), "pasta", "none", "host", "container:ID", "ns:PATH" */
	struct json_list interfaces; /* struct net_interface_spec */
	struct json_list publish;    /* struct net_publish_spec */
	struct net_dns_spec dns;
	struct json_list hosts;  /* const char *: "name:address" for /etc/hosts */
	struct json_list routes; /* struct net_route_spec */
};
extern const struct json_object net_spec_object;

enum net_mode {
	NET_BRIDGE, /* a new namespace with interfaces; with loopback alone when there are none */
	NET_NONE,   /* a new namespace with loopback alone */
	NET_USER,   /* a new namespace that pasta or slirp4netns carries packets for */
	NET_HOST,   /* the host's namespace */
	NET_CONTAINER, /* that of the container `target` */
	NET_PATH,      /* the one at the path `target` */
};

/* The mode with what stands behind its colon; NULL is NET_BRIDGE. */
int net_parse_mode(const char *mode, enum net_mode *parsed, const char **target, struct err *err);

/* Everything that can be said about the spec without looking at the host. Messages carry the
 * field's path. */
int net_check(const struct net_spec *spec, struct err *err);

/* ---- without privileges: a program of the user's own ---- */

struct net_user {
	bool is_pasta; /* else slirp4netns */
	char path[4096];
};

/* pasta, else slirp4netns, in PATH. ERR_UNSUPPORTED tells what to install. */
int net_user_find(struct net_user *user, struct err *err);

/* What it cannot do is refused. */
int net_user_check(const struct net_user *user, const struct net_spec *spec, struct err *err);

/*
 * Start it for the namespaces of `pid`, and wait until it is ready. It ends with the process behind
 * `pidfd`, whatever becomes of the caller: a process of its own sees to that.
 */
int net_user_start(const struct net_user *user, const struct net_spec *spec, pid_t pid, int pidfd,
		   struct err *err);

/* The name server that it offers inside, or NULL: the host's own are to be asked. */
const char *net_user_server(const struct net_user *user);

/* ---- networks: definitions that outlive a reboot ---- */

struct net_subnet_spec {
	const char *subnet;  /* "10.210.0.0/24" */
	const char *gateway; /* the first address when absent */
	const char *range;   /* where addresses are chosen from; the whole subnet when absent */
};

/* What is asked for, and what is stored with every choice filled in. */
struct net_network {
	const char *name;
	const char *driver;        /* "bridge" when absent, "macvlan", "ipvlan", "phys" */
	const char *bridge;        /* name of the bridge device */
	const char *parent;        /* macvlan, ipvlan: the host's device below */
	unsigned int vlan;         /* macvlan, ipvlan: the tag on the parent; 0: none */
	const char *mode;          /* macvlan: bridge, private, vepa, passthru; ipvlan: l2, l3 */
	struct json_list subnets;  /* struct net_subnet_spec; chosen when empty */
	bool ipv6;                 /* choose an IPv6 subnet as well */
	bool internal;             /* no way out and no published ports */
	struct opt_i64 isolate;    /* nothing comes in from other networks; true when absent */
	struct opt_i64 icc;        /* its containers reach each other; true when absent */
	struct opt_i64 masquerade; /* what goes out wears the host's address; true when absent */
	unsigned int mtu; /* of the default route's device when 0; with a parent: that one's */
	struct json_list labels; /* struct json_pair */
};
extern const struct json_object net_network_object;

/* Where net/ keeps its things. Both directories are made when missing. */
struct net_place {
	const char *definitions; /* /var/lib/masu/networks */
	const char *state;       /* /run/masu/net, on tmpfs */
};

/* Keep a text as the file `name` in a folder of the state directory; nothing happens when there is
 * such a file. */
int net_place_note(const struct net_place *place, const char *folder, const char *name,
		   const char *text, struct err *err);

/* Check the definition, choose what it leaves open, store it. No kernel object is made. *made lives
 * in the arena. */
int net_create_network(const struct net_place *place, const struct net_network *wanted,
		       struct net_network *made, struct arena *arena, struct err *err);

/* ERR_NOT_FOUND when there is none. "default" is made when missing. */
int net_find_network(const struct net_place *place, const char *name, struct net_network *found,
		     struct arena *arena, struct err *err);

/* The same, but nothing is made. */
int net_read_network(const struct net_place *place, const char *name, struct net_network *found,
		     struct arena *arena, struct err *err);

/* A list of struct net_network by name. */
int net_list_networks(const struct net_place *place, struct json_list *networks,
		      struct arena *arena, struct err *err);

/* Remove definition and kernel objects; ERR_STATE while containers have addresses in it. */
int net_remove_network(const struct net_place *place, const char *name, struct err *err);

/* ---- one container's network, from reservation to the end ---- */

/* An interface as it was set up. */
struct net_interface_state {
	const char *network, *driver;
	const char *name, *host_name; /* in the container; on the host (veth) */
	const char *mac;
	struct json_list addresses; /* const char *: "10.210.0.2/24" */
	struct json_list gateways;  /* const char *: of its default routes; empty: none */
	struct json_list names;     /* const char *: under which neighbours find it */
	unsigned int metric, mtu;
	struct json_list sysctls;       /* struct json_pair: path below /proc/sys/net, value */
	struct opt_u64 ingress, egress; /* bytes per second; absent: no limit */
	unsigned int burst;             /* bytes; 0: worked out */
	bool announce;                  /* neighbours may know an address as somebody else's */
};

/* A published port; one element of the firewall's maps. */
struct net_port_state {
	int protocol;
	const char *host; /* absent: every address of the family of `address` */
	unsigned int first, last;
	const char *address;         /* in the container */
	unsigned int port;           /* that `first` leads to */
	struct json_list allow_from; /* const char * */
};

/* Everything that undoing needs; a part of state.json. All of it lives in the arena that
 * net_reserve() was given. */
struct net_state {
	const char *id;
	struct json_list interfaces; /* struct net_interface_state */
	struct json_list ports;      /* struct net_port_state */
	struct json_list routes;     /* struct net_route_spec */
};
extern const struct json_object net_state_object;

/* Does the container still exist? Leases of those that do not are taken back when addresses run
 * short. */
typedef bool net_is_alive(const char *id, void *data);

struct net_request {
	const char *id;       /* at most NET_ID_MAX bytes */
	const char *hostname; /* the first of its names; may be NULL */
	const struct net_spec *spec;
	net_is_alive *is_alive; /* NULL: all are */
	void *data;
};

enum {
	NET_ID_MAX = 223,
};

/*
 * Names, addresses and ports for a container: files only, no kernel object. On failure nothing
 * stays reserved. A port that a container or a program of the host has is refused here.
 */
int net_reserve(const struct net_place *place, const struct net_request *request,
		struct net_state *state, struct arena *arena, struct err *err);

/*
 * Bridges and firewall where missing, then the interfaces in the namespace behind `netns`. On
 * failure net_detach() is the caller's to call.
 */
int net_attach(const struct net_place *place, const struct net_state *state, int netns,
	       struct err *err);

/*
 * The same for a container that runs: the one interface of request->spec behind those that the
 * state has. ERR_EXISTS when it is in that network. After net_connect_reserve() the state is to be
 * kept where net_detach() finds it, then net_connect() makes the link; when that fails,
 * net_disconnect() is the caller's to call.
 */
int net_connect_reserve(const struct net_place *place, const struct net_request *request,
			struct net_state *state, struct arena *arena, struct err *err);
int net_connect(const struct net_place *place, const struct net_state *state, int netns,
		struct err *err);

/*
 * Take the interface in that network away from a running container, with the ports that lead to it;
 * they are no longer in the state then. ERR_NOT_FOUND when there is none.
 */
int net_disconnect(const struct net_place *place, struct net_state *state, const char *network,
		   int netns, struct err *err);

/*
 * Undo both of the above, whatever part of it was done, with the namespace alive or gone; links die
 * with the namespace. Without interfaces in the state (killed before it was written) everything
 * reserved for state->id is given back. Never stops early: the record holds the first thing that
 * could not be done. ERR_UNSUPPORTED or ERR_PLUGIN: the ports are still published, and all stays
 * reserved, for net_collect().
 */
int net_detach(const struct net_place *place, const struct net_state *state, struct err *err);

/* The plug-in that net_detach() cannot do without for this state, or NULL. */
const char *net_detach_needs(const struct net_state *state);

/* ---- files for the container ---- */

/* /etc/hosts: loopback, the container's own names, the spec's lines. In the arena; NULL with err on
 * lack of memory. */
char *net_hosts_text(const struct net_state *state, const struct net_spec *spec,
		     const char *hostname, struct arena *arena, struct err *err);

/*
 * The hosts file of the container's network, in which its neighbours come and go; to be bound read
 * only in place of net_hosts_text(). In the arena. NULL when that would not say all: several
 * networks, lines of the spec.
 */
char *net_hosts_file(const struct net_place *place, const struct net_state *state,
		     const struct net_spec *spec, const char *hostname, struct arena *arena);

/*
 * /etc/resolv.conf: the spec's servers, search list and options; what the spec leaves out comes
 * from the host's file (its text). With `resolver` the only server is NET_RESOLVER_ADDRESS. Servers
 * on the host's loopback lead nowhere and are left out.
 */
#define NET_RESOLVER_ADDRESS "127.0.0.11"
char *net_resolv_text(const struct net_spec *spec, const char *host_text, bool resolver,
		      struct arena *arena, struct err *err);

/* ---- counters ---- */

/* One interface of a network namespace, named as runc's "stats" event names it. */
struct net_counters {
	const char *name;
	struct opt_u64 rx_bytes, rx_packets, rx_errors, rx_dropped;
	struct opt_u64 tx_bytes, tx_packets, tx_errors, tx_dropped;
};
extern const struct json_object net_counters_object;

/*
 * Append a struct net_counters for each interface of the text of /proc/PID/net/dev, which shows
 * that process's namespace; loopback is left out. -1 without memory.
 */
int net_counters_parse(const char *text, struct arena *arena, struct json_list *list);

/* ---- the name server of a container, for a program that stays with it ---- */

struct net_resolver;

/*
 * Listen at NET_RESOLVER_ADDRESS inside `netns`, answer for the names of its networks, pass all
 * else to the spec's servers or those of the host's resolv.conf (its text). `place` and `state`
 * have to stay until it is closed. NULL on failure.
 */
struct net_resolver *net_resolver_open(const struct net_place *place, const struct net_state *state,
				       int netns, const struct net_spec *spec,
				       const char *host_text, struct err *err);

/* To poll for reading; then net_resolver_serve() does what is to be done, without ever waiting. */
int net_resolver_fd(const struct net_resolver *resolver);
void net_resolver_serve(struct net_resolver *resolver);
void net_resolver_close(struct net_resolver *resolver);

/* ---- what has no owner any more ---- */

/* Called for each thing found: "address 10.210.0.7 of network web, container web1". */
typedef void net_report(const char *what, void *data);

struct net_sweep {
	net_is_alive *is_alive;
	net_report *report; /* may be NULL */
	void *data;         /* for both */
	bool dry_run;       /* find, change nothing */
};

/* Firewall elements, links, names, ports and addresses whose container is gone. Returns how many
 * were found, or -1. */
int net_collect(const struct net_place *place, const struct net_sweep *sweep, struct err *err);

/* ---- the host's firewall ---- */

/*
 * Write the firewall table anew from the definitions and the states of all running containers,
 * after somebody removed it
 * (`nft flush ruleset`, a restart of nftables.service). In one batch; connections live on.
 */
int net_reload(const struct net_place *place, const struct net_state *const *states, size_t count,
	       struct err *err);

/* Tell what on this host keeps containers from the network, one sentence each. Returns how many, or
 * -1. */
int net_diagnose(const struct net_place *place, net_report *report, void *data, struct err *err);

/* ---- for `masu doctor` ---- */
extern const struct doctor_row net_doctor_rows[];
