/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sessions with the plug-in "nftables", and what it is told about networks and ports. */
#include "net/firewall.h"

#include "base/err.h"
#include "base/plugin.h"

int firewall_open(struct firewall_session *session, struct err *err)
{
	session->ops = plugin_load("nftables", err);
	if (session->ops)
		session->firewall = session->ops->open(err);
	return session->firewall ? 0 : -1;
}

void firewall_close(struct firewall_session *session)
{
	if (session->firewall)
		session->ops->close(session->firewall);
	session->firewall = NULL;
}

struct firewall_network firewall_describe(const struct network *network)
{
	struct firewall_network wall = {
		.bridge = network->spec.bridge,
		.subnet_count = network->subnet_count,
		.masquerade = net_network_masquerades(network),
		.internal = network->spec.internal,
		.isolate = net_network_is_isolated(network),
		.icc = net_network_allows_icc(network),
	};

	for (size_t i = 0; i < network->subnet_count; i++)
		wall.subnets[i] = network->subnets[i].prefix;
	return wall;
}

static int read_port(const struct net_port_state *port, struct firewall_port *made,
		     struct arena *arena, struct err *err)
{
	struct ip_prefix *allowed =
		arena_alloc(arena, (port->allow_from.count + 1) * sizeof(*allowed));

	*made = (struct firewall_port){ .protocol = port->protocol,
					.first = port->first,
					.last = port->last,
					.port = port->port,
					.allowed = allowed,
					.allowed_count = port->allow_from.count };
	if (!allowed)
		return err_sys(err, "list published ports");
	for (size_t i = 0; i < port->allow_from.count; i++) {
		const char *text = JSON_ITEMS(const char *, &port->allow_from)[i];

		if (!ip_parse_prefix(text, &allowed[i]))
			return err_set(err, ERR_INPUT, "read state: \"%s\" is not valid", text);
	}
	if (!ip_parse(port->host, &made->host) || !ip_parse(port->address, &made->address) ||
	    port->first > port->last || port->last > 65535)
		return err_set(err, ERR_INPUT, "read state: port %u is not valid", port->first);
	return 0;
}

int firewall_read_ports(const struct net_state *state, struct firewall_port *ports,
			struct arena *arena, struct err *err)
{
	for (size_t i = 0; i < state->ports.count; i++) {
		if (read_port(&JSON_ITEMS(const struct net_port_state, &state->ports)[i], &ports[i],
			      arena, err) < 0)
			return -1;
		ports[i].owner = state->id;
	}
	return 0;
}
