/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Detaching: what the end of the namespace does not take along is taken back, the rest is left to
 * the kernel. */
#include <errno.h>

#include "base/auto.h"
#include "base/err.h"
#include "net/driver.h"
#include "net/firewall.h"
#include "net/port.h"
#include "net/private.h"

/* The ports that the list has for us: others were taken from a container that had stopped, and with
 * them its elements. */
static int keep_own_ports(const struct net_place *place, const struct net_state *state,
			  struct firewall_port *ports, size_t *count, struct arena *arena,
			  struct err *err)
{
	auto_close int dir = net_place_open(place->state, err);

	*count = 0;
	if (dir < 0 || firewall_read_ports(state, ports, arena, err) < 0)
		return -1;
	for (size_t i = 0; i < state->ports.count; i++) {
		const struct port_range range = { .protocol = ports[i].protocol,
						  .host = ports[i].host,
						  .first = ports[i].first,
						  .last = ports[i].last };
		int held = net_port_is_held(dir, &range, state->id, err);

		if (held < 0)
			return -1;
		if (held)
			ports[(*count)++] = ports[i];
	}
	return 0;
}

/* The elements go before the addresses do, so that nobody else's traffic is led by them. */
static int unpublish(const struct net_place *place, const struct net_state *state, struct err *err)
{
	auto_firewall struct firewall_session wall = { 0 };
	auto_arena struct arena arena = { 0 };
	struct firewall_change change = { .port_count = state->ports.count };
	struct firewall_port *ports = arena_alloc(&arena, (change.port_count + 1) * sizeof(*ports));

	if (!change.port_count)
		return 0;
	if (!ports)
		return err_sys(err, "unpublish ports");
	if (keep_own_ports(place, state, ports, &change.port_count, &arena, err) < 0)
		return -1;
	if (!change.port_count)
		return 0;
	if (firewall_open(&wall, err) < 0)
		return -1;
	change.ports = ports;
	if (wall.ops->remove(wall.firewall, &change, err) < 0)
		return err_wrap(err, "unpublish ports");
	return wall.ops->forget(wall.firewall, ports, change.port_count, err);
}

/* The links that slow down what the container sends: they do not go with its namespace. */
static int remove_shapers(const struct net_state *state, struct err *err)
{
	auto_netlink struct netlink_session host = { 0 };

	for (size_t i = 0; i < state->interfaces.count; i++) {
		const struct net_interface_state *interface =
			&JSON_ITEMS(const struct net_interface_state, &state->interfaces)[i];
		char name[IFNAMSIZ];
		struct err reason = { 0 };

		if (!interface->egress.set)
			continue;
		if (!host.socket && netlink_open(&host, -1, err) < 0)
			return -1;
		net_shaper_name(interface, name);
		struct netlink_request delete = { .verb = NETLINK_DELETE_LINK,
						  .link = { .name = name } };

		if (host.ops->run(host.socket, &delete, 1, &reason) < 0 && reason.code != ENODEV) {
			if (err)
				*err = reason;
			return -1;
		}
	}
	return 0;
}

const char *net_detach_needs(const struct net_state *state)
{
	if (state->ports.count)
		return "nftables";
	for (size_t i = 0; i < state->interfaces.count; i++) {
		if (JSON_ITEMS(const struct net_interface_state, &state->interfaces)[i].egress.set)
			return "netlink";
	}
	return NULL;
}

int net_detach(const struct net_place *place, const struct net_state *state, struct err *err)
{
	struct err first = { 0 };

	if (!state->id)
		return 0;
	if (!state->interfaces.count)
		return net_release_all(place, state->id, err);
	int result = unpublish(place, state, &first);

	/* an element that could not be removed keeps its port reserved: the lists are left alone */
	if (result == 0)
		result = remove_shapers(state, &first);
	if (result == 0)
		result = net_release(place, state, &first);
	auto_close int dir = net_place_open(place->state, NULL);

	net_members_forget(dir, state->id);
	if (result < 0 && err)
		*err = first;
	return result;
}

static int remove_rules(const struct network *network, struct err *err)
{
	const struct firewall_network only = firewall_describe(network);
	const struct firewall_change change = { .networks = &only, .network_count = 1 };
	auto_firewall struct firewall_session wall = { 0 };

	if (firewall_open(&wall, err) < 0 || wall.ops->remove(wall.firewall, &change, err) < 0)
		return err_wrap(err, "remove network %s", network->spec.name);
	return 0;
}

int net_remove_network(const struct net_place *place, const char *name, struct err *err)
{
	auto_netlink struct netlink_session host = { 0 };
	auto_arena struct arena arena = { 0 };
	struct network network;

	if (net_network_load(place, name, &network, &arena, err) < 0)
		return -1;
	auto_close int lock = net_network_lock(place, name, err);

	if (lock < 0 || net_network_check_unused(lock, &network, err) < 0)
		return -1;
	const struct net_driver *driver = net_driver_find(network.spec.driver);

	if (driver && driver->filters && remove_rules(&network, err) < 0)
		return -1;
	if (driver && driver->remove &&
	    (netlink_open(&host, -1, err) < 0 || driver->remove(&network, &host, err) < 0))
		return -1;
	return net_network_forget(place, name, err);
}
