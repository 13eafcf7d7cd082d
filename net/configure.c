/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses and routes inside, in one exchange with the kernel. */
#include <errno.h>
#include <linux/if_addr.h>
#include <sys/socket.h>

#include "base/err.h"
#include "net/attach.h"

/* A list of requests that grows to a known bound. */
struct setup {
	struct netlink_request *requests;
	size_t count;
};

static struct netlink_request *add(struct setup *setup, enum netlink_verb verb)
{
	struct netlink_request *request = &setup->requests[setup->count++];

	request->verb = verb;
	return request;
}

/* Those of one family. */
static int add_addresses(struct setup *setup, const struct net_interface_state *interface,
			 int index, int family, struct err *err)
{
	for (size_t i = 0; i < interface->addresses.count; i++) {
		const char *text = JSON_ITEMS(const char *, &interface->addresses)[i];
		struct ip_prefix prefix;

		if (!ip_parse_prefix(text, &prefix))
			return err_set(err, ERR_INPUT, "read state: \"%s\" is not valid", text);
		if (prefix.address.family != family)
			continue;
		struct netlink_address *address = &add(setup, NETLINK_ADD_ADDRESS)->address;

		address->index = index;
		address->prefix = prefix;
		/* the lease says that nobody else has it: no waiting for duplicates */
		if (address->prefix.address.family == AF_INET6)
			address->flags = IFA_F_NODAD;
		else
			address->broadcast = ip_last(&address->prefix);
	}
	return 0;
}

static int add_gateways(struct setup *setup, const struct net_interface_state *interface, int index,
			struct err *err)
{
	for (size_t i = 0; i < interface->gateways.count; i++) {
		const char *text = JSON_ITEMS(const char *, &interface->gateways)[i];
		struct netlink_route *route = &add(setup, NETLINK_ADD_ROUTE)->route;

		route->index = index;
		route->metric = interface->metric;
		if (!ip_parse(text, &route->gateway))
			return err_set(err, ERR_INPUT, "read state: \"%s\" is not valid", text);
		route->destination.address.family = route->gateway.family;
	}
	return 0;
}

static int add_routes(struct setup *setup, const struct net_state *state, struct err *err)
{
	for (size_t i = 0; i < state->routes.count; i++) {
		const struct net_route_spec *spec =
			&JSON_ITEMS(const struct net_route_spec, &state->routes)[i];
		struct netlink_route *route = &add(setup, NETLINK_ADD_ROUTE)->route;

		if (!ip_parse_prefix(spec->destination, &route->destination) ||
		    !ip_parse(spec->gateway, &route->gateway))
			return err_set(err, ERR_INPUT, "read state: routes[%zu] is not valid", i);
		route->destination = ip_network(&route->destination);
	}
	return 0;
}

/*
 * IPv4 tells neighbours the addresses that a link has when it comes up; those of IPv6 are told as
 * they are added. Only where a neighbour may remember another owner: every port of the bridge gets
 * such a message, which takes 2 us each.
 */
static int raise_link(struct setup *setup, const struct net_interface_state *interface, int index,
		      struct err *err)
{
	if (interface->announce)
		add(setup, NETLINK_SET_LINK)->link =
			(struct netlink_link_request){ .index = index, .announce = true };
	if (add_addresses(setup, interface, index, AF_INET, err) < 0)
		return -1;
	add(setup, NETLINK_SET_LINK)->link =
		(struct netlink_link_request){ .index = index, .up = true };
	return add_addresses(setup, interface, index, AF_INET6, err);
}

int attach_configure(struct attachment *attach, struct err *err)
{
	const struct net_state *state = attach->state;
	size_t room = state->routes.count;
	struct setup setup = { 0 };

	for (size_t i = attach->first; i < state->interfaces.count; i++)
		room += 2 + interface_at(state, i)->addresses.count +
			interface_at(state, i)->gateways.count;
	setup.requests = arena_alloc(&attach->arena, room * sizeof(*setup.requests));
	if (!setup.requests)
		return err_sys(err, "configure interfaces");
	for (size_t i = attach->first; i < state->interfaces.count; i++) {
		if (raise_link(&setup, interface_at(state, i), attach->links[i], err) < 0)
			return -1;
	}
	for (size_t i = attach->first; i < state->interfaces.count; i++) {
		if (add_gateways(&setup, interface_at(state, i), attach->links[i], err) < 0)
			return -1;
	}
	if (!attach->first && add_routes(&setup, state, err) < 0)
		return -1;
	return attach->inside.ops->run(attach->inside.socket, setup.requests, setup.count, err);
}
