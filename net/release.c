/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Giving back what net_reserve() took: names, addresses, ports. */
#include <errno.h>

#include "base/auto.h"
#include "base/err.h"
#include "net/lease.h"
#include "net/names.h"
#include "net/port.h"
#include "net/private.h"

static int release_addresses(const struct net_place *place, const struct net_interface_state *state,
			     const char *id, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct network network;
	struct ip_prefix own;
	struct err reason = { 0 };

	if (net_network_load(place, state->network, &network, &arena, &reason) < 0) {
		if (reason.code == ERR_NOT_FOUND) /* removed by force: its leases went with it */
			return 0;
		if (err)
			*err = reason;
		return -1;
	}
	auto_close int dir = net_network_lock(place, state->network, err);

	if (dir < 0)
		return -1;
	for (size_t i = 0; i < state->addresses.count; i++) {
		const char *text = JSON_ITEMS(const char *, &state->addresses)[i];

		for (size_t j = 0; ip_parse_prefix(text, &own) && j < network.subnet_count; j++) {
			auto_lease struct net_lease_table table = LEASE_TABLE_CLOSED;

			if (!ip_contains(&network.subnets[j].prefix, &own.address))
				continue;
			if (net_lease_open(dir, j, &network.subnets[j], &table, err) < 0 ||
			    net_lease_release(&table, &own.address, id, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int release_port(int dir, const struct net_port_state *port, const char *id, struct err *err)
{
	struct port_range range = { .protocol = port->protocol,
				    .first = port->first,
				    .last = port->last };

	if (!ip_parse(port->host, &range.host))
		return err_set(err, ERR_INPUT, "release port %u: \"%s\" is not an address",
			       port->first, port->host);
	return net_port_release(dir, &range, id, err);
}

int net_release(const struct net_place *place, const struct net_state *state, struct err *err)
{
	struct err first = { 0 };
	int result = 0;

	if (!state->id || (!state->interfaces.count && !state->ports.count))
		return 0;
	auto_close int dir = net_place_open(place->state, err);

	for (size_t i = 0; i < state->interfaces.count; i++) {
		const struct net_interface_state *interface =
			&JSON_ITEMS(const struct net_interface_state, &state->interfaces)[i];

		if (net_names_withdraw(place, interface, state->id, result ? NULL : &first) < 0)
			result = -1;
		if (release_addresses(place, interface, state->id, result ? NULL : &first) < 0)
			result = -1;
	}
	for (size_t i = 0; i < state->ports.count; i++) {
		if (release_port(dir, &JSON_ITEMS(struct net_port_state, &state->ports)[i],
				 state->id, result ? NULL : &first) < 0)
			result = -1;
	}
	if (result < 0 && err)
		*err = first;
	return result;
}
