/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The network's part of state.json: rows for everything that was reserved; the names that come from
 * it. */
#include <netinet/in.h>
#include <stddef.h>

#include "base/str.h"
#include "net/private.h"

/* clang-format off */
static const struct name protocol_names[] = {
	{ "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP }, { "sctp", IPPROTO_SCTP }, { NULL, 0 },
};

#define ROW(type, member) offsetof(struct type, member)
static const struct json_row interface_rows[] = {
	{ "network",   JSON_TEXT,  ROW(net_interface_state, network),   .flags = JSON_REQUIRED },
	{ "driver",    JSON_TEXT,  ROW(net_interface_state, driver),    .flags = JSON_REQUIRED },
	{ "name",      JSON_TEXT,  ROW(net_interface_state, name),      .flags = JSON_REQUIRED },
	{ "hostName",  JSON_TEXT,  ROW(net_interface_state, host_name) },
	{ "mac",       JSON_TEXT,  ROW(net_interface_state, mac) },
	{ "addresses", JSON_TEXTS, ROW(net_interface_state, addresses) },
	{ "gateways",  JSON_TEXTS, ROW(net_interface_state, gateways) },
	{ "names",     JSON_TEXTS, ROW(net_interface_state, names) },
	{ "metric",    JSON_UINT,  ROW(net_interface_state, metric) },
	{ "mtu",       JSON_UINT,  ROW(net_interface_state, mtu) },
	{ "sysctls",   JSON_MAP_TEXT, ROW(net_interface_state, sysctls) },
	{ "ingress",   JSON_U64,   ROW(net_interface_state, ingress) },
	{ "egress",    JSON_U64,   ROW(net_interface_state, egress) },
	{ "burst",     JSON_UINT,  ROW(net_interface_state, burst) },
	{ "announce",  JSON_BOOL,  ROW(net_interface_state, announce) },
};
static const struct json_object interface_object = JSON_OBJECT_OF(struct net_interface_state, interface_rows);

static const struct json_row port_rows[] = {
	{ "proto",     JSON_NAME,  ROW(net_port_state, protocol),   .names = protocol_names, .flags = JSON_REQUIRED },
	{ "host",      JSON_TEXT,  ROW(net_port_state, host),       .flags = JSON_REQUIRED },
	{ "first",     JSON_UINT,  ROW(net_port_state, first),      .min = 1, .max = 65535, .flags = JSON_REQUIRED },
	{ "last",      JSON_UINT,  ROW(net_port_state, last),       .min = 1, .max = 65535, .flags = JSON_REQUIRED },
	{ "address",   JSON_TEXT,  ROW(net_port_state, address),    .flags = JSON_REQUIRED },
	{ "port",      JSON_UINT,  ROW(net_port_state, port),       .min = 1, .max = 65535, .flags = JSON_REQUIRED },
	{ "allowFrom", JSON_TEXTS, ROW(net_port_state, allow_from) },
};
static const struct json_object port_object = JSON_OBJECT_OF(struct net_port_state, port_rows);

static const struct json_row state_rows[] = {
	{ "id",         JSON_TEXT, ROW(net_state, id) },
	{ "interfaces", JSON_LIST, ROW(net_state, interfaces), &interface_object },
	{ "ports",      JSON_LIST, ROW(net_state, ports),      &port_object },
	{ "routes",     JSON_LIST, ROW(net_state, routes),     &net_route_object },
};
const struct json_object net_state_object = JSON_OBJECT_OF(struct net_state, state_rows);

/* clang-format on */

void net_link_alias(const struct net_state *state, const struct net_interface_state *interface,
		    char alias[NET_LINK_ALIAS_MAX])
{
	str_format(alias, NET_LINK_ALIAS_MAX, NET_ALIAS "%s:%s", state->id, interface->network);
}
