/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* "masu": {"network": ...}: its rows, and the checks that need no look at the host. */
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "net/ip.h"
#include "net/name.h"
#include "net/net.h"
#include "net/port.h"
#include "net/private.h"

/* clang-format off */
static const struct name protocol_names[] = {
	{ "tcp", IPPROTO_TCP }, { "udp", IPPROTO_UDP }, { "sctp", IPPROTO_SCTP }, { NULL, 0 },
};

#define ROW(type, member) offsetof(struct type, member)
static const struct json_row bandwidth_rows[] = {
	{ "ingress", JSON_TEXT, ROW(net_bandwidth_spec, ingress), .flags = JSON_CLEAN },
	{ "egress",  JSON_TEXT, ROW(net_bandwidth_spec, egress),  .flags = JSON_CLEAN },
	{ "burst",   JSON_TEXT, ROW(net_bandwidth_spec, burst),   .flags = JSON_CLEAN },
};
static const struct json_object bandwidth_object = JSON_OBJECT_OF(struct net_bandwidth_spec, bandwidth_rows);

static const struct json_row interface_rows[] = {
	{ "network", JSON_TEXT,     ROW(net_interface_spec, network), .flags = JSON_CLEAN },
	{ "name",    JSON_TEXT,     ROW(net_interface_spec, name),    .flags = JSON_CLEAN },
	{ "ips",     JSON_TEXTS,    ROW(net_interface_spec, ips),     .flags = JSON_CLEAN },
	{ "mac",     JSON_TEXT,     ROW(net_interface_spec, mac),     .flags = JSON_CLEAN },
	{ "aliases", JSON_TEXTS,    ROW(net_interface_spec, aliases), .flags = JSON_CLEAN },
	{ "gateway", JSON_OPT_BOOL, ROW(net_interface_spec, gateway) },
	{ "metric",  JSON_UINT,     ROW(net_interface_spec, metric) },
	{ "mtu",     JSON_UINT,     ROW(net_interface_spec, mtu),     .min = 68, .max = 65535 },
	{ "sysctls", JSON_MAP_TEXT, ROW(net_interface_spec, sysctls), .flags = JSON_CLEAN },
	{ "bandwidth", JSON_OBJECT, ROW(net_interface_spec, bandwidth), &bandwidth_object },
	{ "acl",     JSON_RAW,      ROW(net_interface_spec, acl) },
	{ "driver",  JSON_RAW,      ROW(net_interface_spec, driver) },
	{ "parent",  JSON_RAW,      ROW(net_interface_spec, parent) },
};
static const struct json_object interface_object = JSON_OBJECT_OF(struct net_interface_spec, interface_rows);

static const struct json_row publish_rows[] = {
	{ "host",          JSON_TEXT,  ROW(net_publish_spec, host),           .flags = JSON_CLEAN },
	{ "hostPort",      JSON_TEXT,  ROW(net_publish_spec, host_port),      .flags = JSON_CLEAN | JSON_REQUIRED },
	{ "containerPort", JSON_TEXT,  ROW(net_publish_spec, container_port), .flags = JSON_CLEAN },
	{ "proto",         JSON_NAME,  ROW(net_publish_spec, protocol),       .names = protocol_names },
	{ "allowFrom",     JSON_TEXTS, ROW(net_publish_spec, allow_from),     .flags = JSON_CLEAN },
};
static const struct json_object publish_object = JSON_OBJECT_OF(struct net_publish_spec, publish_rows);

static const struct json_row dns_rows[] = {
	{ "servers", JSON_TEXTS, ROW(net_dns_spec, servers), .flags = JSON_CLEAN },
	{ "search",  JSON_TEXTS, ROW(net_dns_spec, search),  .flags = JSON_CLEAN },
	{ "options", JSON_TEXTS, ROW(net_dns_spec, options), .flags = JSON_CLEAN },
};
static const struct json_object dns_object = JSON_OBJECT_OF(struct net_dns_spec, dns_rows);

static const struct json_row route_rows[] = {
	{ "dst", JSON_TEXT, ROW(net_route_spec, destination), .flags = JSON_CLEAN | JSON_REQUIRED },
	{ "via", JSON_TEXT, ROW(net_route_spec, gateway),     .flags = JSON_CLEAN | JSON_REQUIRED },
};
const struct json_object net_route_object = JSON_OBJECT_OF(struct net_route_spec, route_rows);

static const struct json_row spec_rows[] = {
	{ "mode",       JSON_TEXT,   ROW(net_spec, mode),       .flags = JSON_CLEAN },
	{ "interfaces", JSON_LIST,   ROW(net_spec, interfaces), &interface_object },
	{ "publish",    JSON_LIST,   ROW(net_spec, publish),    &publish_object },
	{ "dns",        JSON_OBJECT, ROW(net_spec, dns),        &dns_object },
	{ "hosts",      JSON_TEXTS,  ROW(net_spec, hosts),      .flags = JSON_CLEAN },
	{ "routes",     JSON_LIST,   ROW(net_spec, routes),     &net_route_object },
};
const struct json_object net_spec_object = JSON_OBJECT_OF(struct net_spec, spec_rows);

static const struct { const char *text; enum net_mode mode; bool target; } modes[] = {
	{ "bridge",     NET_BRIDGE,    false },
	{ "pasta",      NET_USER,      false },
	{ "none",       NET_NONE,      false },
	{ "host",       NET_HOST,      false },
	{ "container:", NET_CONTAINER, true },
	{ "ns:",        NET_PATH,      true },
};

/* clang-format on */

int net_parse_mode(const char *mode, enum net_mode *parsed, const char **target, struct err *err)
{
	*parsed = NET_BRIDGE;
	*target = NULL;
	for (size_t i = 0; mode && i < sizeof(modes) / sizeof(modes[0]); i++) {
		size_t length = strlen(modes[i].text);

		if (modes[i].target ? !str_starts(mode, modes[i].text) || !mode[length]
				    : strcmp(mode, modes[i].text) != 0)
			continue;
		*parsed = modes[i].mode;
		*target = modes[i].target ? mode + length : NULL;
		return 0;
	}
	if (!mode)
		return 0;
	return err_set(err, ERR_INPUT,
		       "masu.network.mode: \"%s\" is none of bridge, pasta, none, host, "
		       "container:ID, ns:PATH",
		       mode);
}

bool net_name_is_valid(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789-_.");

	return length && length <= 63 && !name[length] && name[0] != '.' && name[0] != '-';
}

bool net_parse_mac(const char *text, uint8_t mac[6])
{
	for (size_t i = 0; i < 6; i++, text += 3) {
		static const char digits[] = "0123456789abcdef";
		const char *high = text[0] ? strchr(digits, text[0] | 0x20) : NULL;
		const char *low = high && text[1] ? strchr(digits, text[1] | 0x20) : NULL;

		if (!low || text[2] != (i < 5 ? ':' : '\0'))
			return false;
		mac[i] = (uint8_t)((high - digits) << 4 | (low - digits));
	}
	return !(mac[0] & 1); /* no group address */
}

/* Loopback, and what stands for all interfaces below /proc/sys/net. */
static bool is_special(const char *name)
{
	return strcmp(name, "lo") == 0 || strcmp(name, "all") == 0 || strcmp(name, "default") == 0;
}

/* A sysctl of this interface and no other: "net.ipv4.conf.IFNAME.rp_filter". */
static int check_sysctl(const struct json_pair *sysctl, struct err *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_.";
	const char *place = strstr(sysctl->key, ".IFNAME.");

	if (str_starts(sysctl->key, "net.") && place && !strstr(sysctl->key, "..") &&
	    sysctl->key + strspn(sysctl->key, letters) == place + 1 && place[8] &&
	    !place[8 + strspn(place + 8, letters)])
		return 0;
	return err_set(err, ERR_INPUT, "sysctls: \"%s\" is not like net.ipv4.conf.IFNAME.rp_filter",
		       sysctl->key);
}

/* What is asked for is in force or refused: these have their place in the format, but nothing
 * behind it. */
static int check_absent(const struct net_interface_spec *interface, struct err *err)
{
	const struct {
		const char *name;
		const struct json_raw *value;
		const char *hint;
	} absent[] = {
		{ "acl", &interface->acl, "" },
		{ "driver", &interface->driver, "make a network with that driver, name it here" },
		{ "parent", &interface->parent, "make a network with that parent, name it here" },
	};

	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		if (!absent[i].value->text)
			continue;
		err_set(err, ERR_INPUT, "%s: not built into this version", absent[i].name);
		return err_hint(err, "%s", absent[i].hint);
	}
	return 0;
}

static int check_interface(const struct net_spec *spec, size_t at, struct err *err)
{
	const struct net_interface_spec *all = spec->interfaces.items, *interface = &all[at];
	struct net_bandwidth bandwidth;
	struct ip_address address;
	uint8_t mac[6];

	if (interface->network && !net_name_is_valid(interface->network))
		return err_set(err, ERR_INPUT, "network: \"%s\" is not a name", interface->network);
	if (interface->name &&
	    (!net_ifname_is_valid(interface->name) || is_special(interface->name)))
		return err_set(err, ERR_INPUT,
			       "name: \"%s\" is not an interface name (1 to 15 bytes without '/', "
			       "':', '%%' and spaces; not lo, all, default)",
			       interface->name);
	for (size_t i = 0; interface->name && i < at; i++) {
		if (all[i].name && strcmp(all[i].name, interface->name) == 0)
			return err_set(err, ERR_INPUT, "name: \"%s\" is given twice",
				       interface->name);
	}
	if (interface->mac && !net_parse_mac(interface->mac, mac))
		return err_set(err, ERR_INPUT, "mac: \"%s\" is not the address of one device",
			       interface->mac);
	for (size_t i = 0; i < interface->ips.count; i++) {
		const char *text = JSON_ITEMS(const char *, &interface->ips)[i];

		if (!ip_parse(text, &address))
			return err_set(err, ERR_INPUT, "ips[%zu]: \"%s\" is not an IP address", i,
				       text);
	}
	for (size_t i = 0; i < interface->aliases.count; i++) {
		const char *text = JSON_ITEMS(const char *, &interface->aliases)[i];

		if (!net_name_is_valid(text))
			return err_set(err, ERR_INPUT, "aliases[%zu]: \"%s\" is not a name", i,
				       text);
	}
	for (size_t i = 0; i < interface->sysctls.count; i++) {
		if (check_sysctl(&JSON_ITEMS(const struct json_pair, &interface->sysctls)[i], err) <
		    0)
			return -1;
	}
	if (net_bandwidth_parse(&interface->bandwidth, &bandwidth, err) < 0)
		return -1;
	return check_absent(interface, err);
}

static int check_publish(const struct net_publish_spec *publish, struct err *err)
{
	struct ip_prefix prefix;
	struct port_range range;

	if (net_port_parse(publish, &range, err) < 0)
		return -1;
	for (size_t i = 0; i < publish->allow_from.count; i++) {
		const char *text = JSON_ITEMS(const char *, &publish->allow_from)[i];

		if (!ip_parse_prefix(text, &prefix))
			return err_set(err, ERR_INPUT,
				       "allowFrom[%zu]: \"%s\" is not ADDRESS/LENGTH", i, text);
	}
	return 0;
}

static int check_texts(const struct net_spec *spec, struct err *err)
{
	struct ip_prefix prefix;
	struct ip_address address;

	for (size_t i = 0; i < spec->dns.servers.count; i++) {
		const char *text = JSON_ITEMS(const char *, &spec->dns.servers)[i];

		if (!ip_parse(text, &address))
			return err_set(err, ERR_INPUT,
				       "masu.network.dns.servers[%zu]: \"%s\" is not an IP address",
				       i, text);
	}
	for (size_t i = 0; i < spec->hosts.count; i++) {
		const char *text = JSON_ITEMS(const char *, &spec->hosts)[i];
		const char *colon = strchr(text, ':');

		if (!colon || colon == text || !ip_parse(colon + 1, &address))
			return err_set(err, ERR_INPUT,
				       "masu.network.hosts[%zu]: \"%s\" is not NAME:ADDRESS", i,
				       text);
	}
	for (size_t i = 0; i < spec->routes.count; i++) {
		const struct net_route_spec *route =
			&JSON_ITEMS(const struct net_route_spec, &spec->routes)[i];

		if (!ip_parse_prefix(route->destination, &prefix))
			return err_set(err, ERR_INPUT,
				       "masu.network.routes[%zu].dst: \"%s\" is not ADDRESS/LENGTH",
				       i, route->destination);
		if (!ip_parse(route->gateway, &address) || address.family != prefix.address.family)
			return err_set(err, ERR_INPUT,
				       "masu.network.routes[%zu].via: \"%s\" is not an address of "
				       "the same family",
				       i, route->gateway);
	}
	return 0;
}

/* "name: ..." of an item becomes "masu.network.interfaces[2].name: ...". */
static int place_error(struct err *err, const char *list, size_t at)
{
	char text[sizeof(err->text)];

	if (!err)
		return -1;
	memcpy(text, err->text, sizeof(text));
	return err_set(err, ERR_INPUT, "masu.network.%s[%zu].%.400s", list, at, text);
}

int net_check(const struct net_spec *spec, struct err *err)
{
	enum net_mode mode;
	const char *target;

	if (net_parse_mode(spec->mode, &mode, &target, err) < 0)
		return -1;
	if (mode != NET_BRIDGE && mode != NET_USER &&
	    (spec->interfaces.count || spec->publish.count || spec->routes.count))
		return err_set(
			err, ERR_INPUT,
			"masu.network.mode: \"%s\" goes without interfaces, publish and routes",
			spec->mode);
	if (spec->publish.count && !spec->interfaces.count && mode != NET_USER)
		return err_set(err, ERR_INPUT, "masu.network.publish: needs an interface");
	if (spec->interfaces.count > NET_INTERFACES_MAX)
		return err_set(err, ERR_INPUT, "masu.network.interfaces: more than %d",
			       NET_INTERFACES_MAX);
	for (size_t i = 0; i < spec->interfaces.count; i++) {
		if (check_interface(spec, i, err) < 0)
			return place_error(err, "interfaces", i);
	}
	for (size_t i = 0; i < spec->publish.count; i++) {
		if (check_publish(&JSON_ITEMS(const struct net_publish_spec, &spec->publish)[i],
				  err) < 0)
			return place_error(err, "publish", i);
	}
	return check_texts(spec, err);
}
