/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Choosing a subnet that collides with no route, address or network of this host. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/err.h"
#include "net/netlink.h"
#include "net/private.h"

/* IPv4: a /24 out of these, in order. They are seldom used by companies, docker, podman, kubernetes
 * and home routers. */
static const char *const pools[] = { "10.210.0.0/16", "10.211.0.0/16", "172.30.0.0/16",
				     "192.168.192.0/18" };

enum {
	SUBNET4_LENGTH = 24,
	SUBNET6_LENGTH = 64,
};

int net_taken_add(struct taken *taken, const struct ip_prefix *prefix, struct arena *arena,
		  struct err *err)
{
	if (taken->count == taken->room) {
		size_t room = taken->room ? 2 * taken->room : 64;
		struct ip_prefix *more = arena_alloc(arena, room * sizeof(*more));

		if (!more)
			return err_sys(err, "list prefixes in use");
		if (taken->count)
			memcpy(more, taken->prefixes, taken->count * sizeof(*more));
		taken->prefixes = more;
		taken->room = room;
	}
	taken->prefixes[taken->count++] = ip_network(prefix);
	return 0;
}

const struct ip_prefix *net_taken_find(const struct taken *taken, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < taken->count; i++) {
		if (ip_overlaps(&taken->prefixes[i], prefix))
			return &taken->prefixes[i];
	}
	return NULL;
}

struct survey {
	struct taken *taken;
	struct arena *arena;
	int default_index; /* device of the default route with the best metric */
	unsigned int metric;
};

static int take_route(const struct netlink_route *route, void *data, struct err *err)
{
	struct survey *survey = data;

	if (route->type != RTN_UNICAST)
		return 0;
	if (route->destination.length)
		return net_taken_add(survey->taken, &route->destination, survey->arena, err);
	if (!survey->default_index || route->metric < survey->metric) {
		survey->default_index = route->index;
		survey->metric = route->metric;
	}
	return 0;
}

static int take_address(const struct netlink_address *address, void *data, struct err *err)
{
	struct survey *survey = data;

	return net_taken_add(survey->taken, &address->prefix, survey->arena, err);
}

static int take_link(const struct netlink_link *link, void *data, struct err *err)
{
	struct survey *survey = data;

	(void)err;
	if (link->index == survey->default_index)
		survey->taken->mtu = link->mtu;
	return 0;
}

int net_taken_survey(struct taken *taken, struct arena *arena, struct err *err)
{
	struct survey survey = { .taken = taken, .arena = arena };
	auto_netlink struct netlink_session host = { 0 };

	if (netlink_open(&host, -1, err) < 0 ||
	    host.ops->each_route(host.socket, take_route, &survey, err) < 0 ||
	    host.ops->each_address(host.socket, 0, take_address, &survey, err) < 0)
		return -1;
	if (!survey.default_index)
		return 0;
	return host.ops->each_link(host.socket, take_link, &survey, err);
}

static bool choose4(const struct taken *taken, struct ip_prefix *chosen)
{
	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
		struct ip_prefix pool;

		if (!ip_parse_prefix(pools[i], &pool))
			continue;
		for (uint64_t at = 0; at < ip_span(&pool); at += 1U << (32 - SUBNET4_LENGTH)) {
			*chosen = (struct ip_prefix){ ip_at(&pool, at), SUBNET4_LENGTH };
			if (!net_taken_find(taken, chosen))
				return true;
		}
	}
	return false;
}

/* A unique local prefix with 40 random bits (RFC 4193) and subnet 0. */
static bool choose6(const struct taken *taken, struct ip_prefix *chosen)
{
	for (int tries = 0; tries < 16; tries++) {
		*chosen = (struct ip_prefix){ { AF_INET6, { 0xfd } }, SUBNET6_LENGTH };
		if (getrandom(chosen->address.bytes + 1, 5, 0) == 5 &&
		    !net_taken_find(taken, chosen))
			return true;
	}
	return false;
}

int net_subnet_choose(const struct taken *taken, int family, struct ip_prefix *chosen,
		      struct err *err)
{
	if (family == AF_INET ? choose4(taken, chosen) : choose6(taken, chosen))
		return 0;
	err_set(err, ENOSPC, "choose a subnet: routes and addresses of this host use all of them");
	return err_hint(err, "give \"subnets\" in the network's definition");
}
