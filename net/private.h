/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of net/ share and nobody else sees: places, networks as values, small parsers. */
#pragma once

#include <net/if.h>

#include "net/ip.h"
#include "net/net.h"

enum {
	NET_INTERFACES_MAX = 16,
	NET_SUBNETS_MAX = 8,
	NET_LINK_GROUP = 0x6d617375, /* "masu": the group of every link we make on the host */
};

#define NET_ALIAS "masu:" /* what the alias of every link that we make on the host begins with */

enum {
	NET_LINK_ALIAS_MAX = NET_ID_MAX + 80, /* "masu:ID:NETWORK" */
};

extern const struct json_object net_route_object;

/* Names of networks, hosts and aliases: 1 to 63 of A-Z a-z 0-9 - _ . and not beginning with - or
 * '.' */
bool net_name_is_valid(const char *name);
bool net_parse_mac(const char *text, uint8_t mac[6]);

/* The alias of a container's link. */
void net_link_alias(const struct net_state *state, const struct net_interface_state *interface,
		    char alias[NET_LINK_ALIAS_MAX]);

/* ---- bandwidth.c: how fast an interface may be ---- */

struct net_bandwidth {
	uint64_t ingress, egress; /* bytes per second; 0: no limit */
	unsigned int burst;       /* bytes; 0: worked out from the rate */
};

/* The name of the link that slows down what an interface sends. */
void net_shaper_name(const struct net_interface_state *interface, char name[IFNAMSIZ]);

/* Errors begin with "bandwidth.". */
int net_bandwidth_parse(const struct net_bandwidth_spec *spec, struct net_bandwidth *parsed,
			struct err *err);

/* A number from a name, for device names that would be too long (FNV-1a). */
static inline uint32_t net_name_hash(const char *name)
{
	uint32_t hash = 2166136261U;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619U;
	return hash;
}

/* ---- place.c: directories, locks and files below a struct net_place ---- */

/* Open a directory, made with its parents (0700) when missing. */
int net_place_open(const char *path, struct err *err);
int net_place_open_at(int dir, const char *name, struct err *err);

/* Wait for the lock file `name` in `dir`; closing the descriptor gives it back. Never held while
 * waiting for anything else. */
int net_place_lock(int dir, const char *name, struct err *err);

/* Wait for the lock of an open file or directory. 0 or -1 with errno. */
int net_place_wait(int fd);

/* Write a whole file at once: readers see the old or the new text. */
int net_place_write(int dir, const char *name, const char *text, struct err *err);

/* Write below /proc/sys of the network namespace that the calling thread is in; missing files are
 * an error only if `must`. */
int net_place_sysctl(const char *path, const char *value, bool must, struct err *err);

/* ---- network.c: definitions ---- */

struct subnet {
	struct ip_prefix prefix; /* without host bits */
	struct ip_prefix range;
	struct ip_address gateway;
};

/* A definition with its texts parsed. */
struct network {
	struct net_network spec;
	struct subnet subnets[NET_SUBNETS_MAX];
	size_t subnet_count;
};

int net_network_open(const struct net_place *place, const char *name, struct network *network,
		     struct arena *arena, struct err *err);

/* The same for what exists: "default" is not made. */
int net_network_load(const struct net_place *place, const char *name, struct network *network,
		     struct arena *arena, struct err *err);
bool net_network_is_isolated(const struct network *network);
bool net_network_allows_icc(const struct network *network);
bool net_network_masquerades(const struct network *network);

/* ---- subnet.c: address space that nobody uses ---- */

/* Prefixes in use on this host: routes, addresses, and whatever the caller adds. */
struct taken {
	struct ip_prefix *prefixes;
	size_t count, room;
	unsigned int mtu; /* of the default route's device; 0 when there is none */
};

int net_taken_add(struct taken *taken, const struct ip_prefix *prefix, struct arena *arena,
		  struct err *err);
int net_taken_survey(struct taken *taken, struct arena *arena, struct err *err);

/* The prefix that overlaps, or NULL. */
const struct ip_prefix *net_taken_find(const struct taken *taken, const struct ip_prefix *prefix);
int net_subnet_choose(const struct taken *taken, int family, struct ip_prefix *chosen,
		      struct err *err);

/* The state directory of a network, made when missing. */
int net_network_state(const struct net_place *place, const char *name, struct err *err);

/*
 * The same, locked until it is closed: addresses, names and the making of its bridge. The lock is
 * on the directory itself, so one descriptor is both.
 */
int net_network_lock(const struct net_place *place, const char *name, struct err *err);

/* ERR_STATE when a container holds an address; `dir` is from net_network_lock(). */
int net_network_check_unused(int dir, const struct network *network, struct err *err);

/* Remove the definition and the state directory. */
int net_network_forget(const struct net_place *place, const char *name, struct err *err);

/* ---- reserve.c ---- */

/* Give back what net_reserve() took. Goes on after failures; the record holds the first. */
int net_release(const struct net_place *place, const struct net_state *state, struct err *err);

/* ---- connect.c: which networks a container is in, where that changed since its start ---- */

enum {
	NET_MEMBERS_MAX = NET_INTERFACES_MAX * 64 + 1,
};

int net_members_write(const struct net_place *place, const struct net_state *state,
		      struct err *err);

/* Names of networks with a blank behind each; false when nothing changed. */
bool net_members_read(const struct net_place *place, const char *id, char text[NET_MEMBERS_MAX]);

/* `dir` is the state directory. */
void net_members_forget(int dir, const char *id);

/* Forget those for which `judge` returns true. */
int net_members_sweep(int dir, bool (*judge)(const char *id, void *data), void *data,
		      struct err *err);

/* ---- collect.c ---- */

/* The same when it is not known what was taken: everything that is reserved for the container. */
int net_release_all(const struct net_place *place, const char *id, struct err *err);

/* ---- hosts.c ---- */

/* The name servers to ask: the spec's, else those of the host's resolv.conf (its text). How many,
 * at most `room`. */
size_t net_read_servers(const struct net_spec *spec, const char *host_text,
			struct ip_address *servers, size_t room);
