/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reserving: names, addresses and ports for one container, in files alone; and giving them back. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"
#include "net/driver.h"
#include "net/firewall.h"
#include "net/lease.h"
#include "net/names.h"
#include "net/port.h"
#include "net/private.h"

/* A reservation in the making. Interface `at` of the spec is number first + at of the state. */
struct reservation {
	const struct net_place *place;
	const struct net_request *request;
	struct net_state *state;
	size_t first;
	struct network networks[NET_INTERFACES_MAX]; /* of the interfaces, by index */
	struct arena *arena;
};

static int out_of_memory(struct err *err)
{
	errno = ENOMEM;
	return err_sys(err, "reserve network");
}

static struct net_interface_state *interface_at(const struct net_state *state, size_t at)
{
	return &JSON_ITEMS(struct net_interface_state, &state->interfaces)[at];
}

/* Append to a list of texts that has room. */
static int add_text(struct json_list *list, const char *text, struct arena *arena, struct err *err)
{
	const char **items = list->items;

	items[list->count] = arena_strdup(arena, text);
	return items[list->count++] ? 0 : out_of_memory(err);
}

static int make_room(struct json_list *list, size_t count, struct arena *arena, struct err *err)
{
	list->items = arena_alloc(arena, (count + 1) * sizeof(const char *));
	return list->items ? 0 : out_of_memory(err);
}

/* ---- what dead containers hold: looked at only when something is short ---- */

static bool is_dead_lease(const struct ip_address *address, const char *owner, void *data)
{
	const struct net_request *request = data;

	(void)address;
	return !request->is_alive(owner, request->data);
}

static bool is_dead_port(const struct port_range *range, const char *owner, void *data)
{
	const struct net_request *request = data;

	(void)range;
	return !request->is_alive(owner, request->data);
}

static bool is_dead_element(const char *owner, const char *map, void *data)
{
	const struct net_request *request = data;

	(void)map;
	return !request->is_alive(owner, request->data);
}

/* Before their addresses and ports go to somebody else: the elements that still lead there. */
static int reap_elements(const struct net_request *request, struct err *err)
{
	auto_firewall struct firewall_session wall = { 0 };

	if (firewall_open(&wall, err) < 0)
		return -1;
	return wall.ops->sweep(wall.firewall, is_dead_element, (void *)request, err);
}

/* ---- addresses ---- */

/* The static address that the spec gives for a subnet; family 0 when it gives none. */
static struct ip_address wanted_address(const struct net_interface_spec *spec,
					const struct subnet *subnet)
{
	struct ip_address address;

	for (size_t i = 0; i < spec->ips.count; i++) {
		if (ip_parse(JSON_ITEMS(const char *, &spec->ips)[i], &address) &&
		    ip_contains(&subnet->prefix, &address))
			return address;
	}
	return (struct ip_address){ 0 };
}

static int check_addresses(const struct net_interface_spec *spec, const struct network *network,
			   size_t at, struct err *err)
{
	for (size_t i = 0; i < spec->ips.count; i++) {
		const char *text = JSON_ITEMS(const char *, &spec->ips)[i];
		struct ip_address address;
		bool inside = false;

		for (size_t j = 0; ip_parse(text, &address) && j < network->subnet_count; j++)
			inside |= ip_contains(&network->subnets[j].prefix, &address);
		if (!inside)
			return err_set(err, ERR_INPUT,
				       "masu.network.interfaces[%zu].ips[%zu]: %s is in no subnet "
				       "of network %s",
				       at, i, text, network->spec.name);
	}
	return 0;
}

static int lease_address(struct reservation *make, const struct ip_address *wanted,
			 struct net_lease_table *table, struct ip_address *address, struct err *err)
{
	const struct net_request *request = make->request;
	struct err reason = { 0 };

	if (net_lease_take(table, wanted, request->id, address, &reason) == 0)
		return 0;
	/* the holder may be dead, or all the holders together */
	if ((reason.code == ENOSPC || reason.code == EADDRINUSE) && request->is_alive) {
		int reaped = reap_elements(request, err);

		if (reaped == 0)
			reaped = net_lease_sweep(table, is_dead_lease, (void *)request, err);

		if (reaped < 0)
			return -1;
		if (reaped)
			return net_lease_take(table, wanted, request->id, address, err);
	}
	if (err)
		*err = reason;
	return -1;
}

static int reserve_addresses(struct reservation *make, size_t at, struct err *err)
{
	const struct net_interface_spec *spec =
		&JSON_ITEMS(const struct net_interface_spec, &make->request->spec->interfaces)[at];
	struct net_interface_state *state = interface_at(make->state, make->first + at);
	const struct network *network = &make->networks[at];
	auto_close int dir = net_network_lock(make->place, network->spec.name, err);

	if (dir < 0 || make_room(&state->addresses, network->subnet_count, make->arena, err) < 0)
		return -1;
	for (size_t i = 0; i < network->subnet_count; i++) {
		const struct subnet *subnet = &network->subnets[i];
		struct ip_address wanted = wanted_address(spec, subnet);
		auto_lease struct net_lease_table table = LEASE_TABLE_CLOSED;
		struct ip_prefix own = { .length = subnet->prefix.length };
		char text[IP_TEXT_MAX];

		if (net_lease_open(dir, i, subnet, &table, err) < 0 ||
		    lease_address(make, &wanted, &table, &own.address, err) < 0)
			return err_wrap(err, "network %s", network->spec.name);
		state->announce |= table.recycled;
		if (add_text(&state->addresses, ip_format_prefix(&own, text), make->arena, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- interfaces ---- */

static bool name_is_used(const struct net_spec *spec, const struct net_state *state,
			 const char *name)
{
	for (size_t i = 0; i < state->interfaces.count; i++) {
		if (strcmp(interface_at(state, i)->name, name) == 0)
			return true;
	}
	for (size_t i = 0; i < spec->interfaces.count; i++) {
		const char *other =
			JSON_ITEMS(const struct net_interface_spec, &spec->interfaces)[i].name;

		if (other && strcmp(other, name) == 0)
			return true;
	}
	return false;
}

/* eth0, eth1, ...: the next number that no interface has, or asks for by name. */
static const char *next_name(const struct reservation *make, unsigned int *number)
{
	char name[IFNAMSIZ];

	do
		str_format(name, sizeof(name), "eth%u", (*number)++);
	while (name_is_used(make->request->spec, make->state, name));
	return arena_strdup(make->arena, name);
}

/* Names on the host are random: the link of a start before may still be dying under its name. */
static int choose_device(struct reservation *make, const struct net_interface_spec *spec,
			 struct net_interface_state *state, struct err *err)
{
	uint8_t random[10];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return err_sys(err, "choose interface names");
	random[4] = 2; /* of one device, locally administered */
	state->host_name = arena_printf(make->arena, "mv%02x%02x%02x%02x", random[0], random[1],
					random[2], random[3]);
	/* a device of the host keeps its own */
	if (!spec->mac && strcmp(state->driver, "phys") == 0)
		return state->host_name ? 0 : out_of_memory(err);
	state->mac = spec->mac
			     ? arena_strdup(make->arena, spec->mac)
			     : arena_printf(make->arena, "%02x:%02x:%02x:%02x:%02x:%02x", random[4],
					    random[5], random[6], random[7], random[8], random[9]);
	return state->host_name && state->mac ? 0 : out_of_memory(err);
}

static int reserve_names(struct reservation *make, const struct net_interface_spec *spec,
			 struct net_interface_state *state, struct err *err)
{
	const char *hostname = make->request->hostname;

	if (make_room(&state->names, spec->aliases.count + 1, make->arena, err) < 0)
		return -1;
	if (hostname && net_name_is_valid(hostname) &&
	    add_text(&state->names, hostname, make->arena, err) < 0)
		return -1;
	for (size_t i = 0; i < spec->aliases.count; i++) {
		if (add_text(&state->names, JSON_ITEMS(const char *, &spec->aliases)[i],
			     make->arena, err) < 0)
			return -1;
	}
	return 0;
}

static int reserve_bandwidth(const struct net_interface_spec *spec, const struct network *network,
			     size_t at, struct net_interface_state *state, struct err *err)
{
	struct net_bandwidth bandwidth;

	if (net_bandwidth_parse(&spec->bandwidth, &bandwidth, err) < 0)
		return -1;
	state->ingress = (struct opt_u64){ bandwidth.ingress > 0, bandwidth.ingress };
	state->egress = (struct opt_u64){ bandwidth.egress > 0, bandwidth.egress };
	state->burst = bandwidth.burst;
	if ((!bandwidth.ingress && !bandwidth.egress) || network->spec.bridge)
		return 0;
	return err_set(err, ERR_INPUT,
		       "masu.network.interfaces[%zu].bandwidth: only in networks of the driver "
		       "bridge; %s has the driver %s",
		       at, network->spec.name, network->spec.driver);
}

/* "net.ipv4.conf.IFNAME.rp_filter" to "ipv4/conf/eth0/rp_filter". */
static int reserve_sysctls(struct reservation *make, const struct net_interface_spec *spec,
			   struct net_interface_state *state, struct err *err)
{
	size_t count = spec->sysctls.count;
	struct json_pair *pairs = arena_alloc(make->arena, (count + 1) * sizeof(*pairs));

	if (!pairs)
		return out_of_memory(err);
	for (size_t i = 0; i < count; i++) {
		const struct json_pair *sysctl =
			&JSON_ITEMS(const struct json_pair, &spec->sysctls)[i];
		const char *place = strstr(sysctl->key, "IFNAME");
		char *head = arena_strndup(make->arena, sysctl->key + strlen("net."),
					   (size_t)(place - sysctl->key) - strlen("net."));

		for (char *at = head ? strchr(head, '.') : NULL; at; at = strchr(at, '.'))
			*at = '/';
		/* the name may hold dots of its own; behind it stands one part */
		if (head)
			pairs[i].key = arena_printf(make->arena, "%s%s/%s", head, state->name,
						    place + strlen("IFNAME."));
		pairs[i].value = arena_strdup(make->arena, sysctl->value);
		if (!pairs[i].key || !pairs[i].value)
			return out_of_memory(err);
	}
	state->sysctls = (struct json_list){ pairs, count };
	return 0;
}

static int reserve_interface(struct reservation *make, size_t at, unsigned int *number,
			     struct err *err)
{
	const struct net_spec *whole = make->request->spec;
	const struct net_interface_spec *spec =
		&JSON_ITEMS(const struct net_interface_spec, &whole->interfaces)[at];
	struct net_interface_state *state = interface_at(make->state, make->first + at);
	struct network *network = &make->networks[at];

	if (net_network_open(make->place, spec->network ? spec->network : "default", network,
			     make->arena, err) < 0)
		return err_wrap(err, "masu.network.interfaces[%zu]", at);
	if (check_addresses(spec, network, at, err) < 0 ||
	    reserve_bandwidth(spec, network, at, state, err) < 0)
		return -1;
	state->network = network->spec.name;
	state->driver = network->spec.driver;
	state->name = spec->name ? arena_strdup(make->arena, spec->name) : next_name(make, number);
	state->metric = spec->metric;
	state->mtu = spec->mtu ? spec->mtu : network->spec.mtu;
	if (!state->name)
		return out_of_memory(err);
	make->state->interfaces.count =
		make->first + at + 1; /* from here on net_detach() has to know */
	if (choose_device(make, spec, state, err) < 0 ||
	    reserve_names(make, spec, state, err) < 0 ||
	    reserve_sysctls(make, spec, state, err) < 0 || reserve_addresses(make, at, err) < 0)
		return -1;
	return 0;
}

/* Which interface the default route goes through: the one that says so, else the first that leads
 * outside. */
static size_t choose_default(const struct reservation *make)
{
	const struct json_list *list = &make->request->spec->interfaces;
	size_t chosen = list->count;

	for (size_t i = 0; i < list->count; i++) {
		struct opt_i64 wish = JSON_ITEMS(const struct net_interface_spec, list)[i].gateway;

		if (wish.set && wish.value)
			return i;
		if (!wish.set && !make->networks[i].spec.internal && chosen == list->count)
			chosen = i;
	}
	return chosen;
}

static int reserve_gateways(struct reservation *make, struct err *err)
{
	size_t at = choose_default(make);
	char text[IP_TEXT_MAX];
	bool have4 = false, have6 = false;

	if (at == make->request->spec->interfaces.count)
		return 0;
	const struct network *network = &make->networks[at];
	struct net_interface_state *state = interface_at(make->state, make->first + at);

	if (make_room(&state->gateways, network->subnet_count, make->arena, err) < 0)
		return -1;
	for (size_t i = 0; i < network->subnet_count; i++) {
		const struct ip_address *gateway = &network->subnets[i].gateway;

		bool *have = gateway->family == AF_INET ? &have4 : &have6;

		if (*have)
			continue;
		*have = true;
		if (add_text(&state->gateways, ip_format(gateway, text), make->arena, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- ports ---- */

/* The container's address of a family that the host's forwarding leads to; false when it has none.
 */
static bool forwarded_address(const struct reservation *make, int family,
			      struct ip_address *address)
{
	for (size_t i = 0; i < make->state->interfaces.count; i++) {
		const struct net_interface_state *state = interface_at(make->state, i);

		if (!net_driver_find(state->driver)->filters || make->networks[i].spec.internal)
			continue;
		for (size_t j = 0; j < state->addresses.count; j++) {
			struct ip_prefix own;

			if (!ip_parse_prefix(JSON_ITEMS(const char *, &state->addresses)[j],
					     &own) ||
			    own.address.family != family)
				continue;
			*address = own.address;
			return true;
		}
	}
	return false;
}

static int add_port(struct reservation *make, const struct port_range *range,
		    const struct ip_address *address, const struct json_list *allow_from,
		    struct err *err)
{
	auto_close int dir = net_place_open(make->place->state, err);
	struct net_port_state *port =
		&JSON_ITEMS(struct net_port_state, &make->state->ports)[make->state->ports.count];
	char host[IP_TEXT_MAX], own[IP_TEXT_MAX];

	if (dir < 0)
		return -1;
	*port = (struct net_port_state){ .protocol = range->protocol,
					 .first = range->first,
					 .last = range->last,
					 .port = range->port,
					 .allow_from = *allow_from };
	port->host = arena_strdup(make->arena, ip_format(&range->host, host));
	port->address = arena_strdup(make->arena, ip_format(address, own));
	if (!port->host || !port->address)
		return out_of_memory(err);
	struct err reason = { 0 };
	int result = net_port_take(dir, range, make->request->id, &reason);

	if (result < 0 && reason.code == EADDRINUSE && make->request->is_alive &&
	    reap_elements(make->request, err) == 0 &&
	    net_port_sweep(dir, is_dead_port, (void *)make->request, NULL) > 0)
		result = net_port_take(dir, range, make->request->id, &reason);
	if (result < 0) {
		if (err)
			*err = reason;
		return -1;
	}
	make->state->ports.count++;
	return 0;
}

static int reserve_port(struct reservation *make, size_t at, struct err *err)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct port_range range;
	struct ip_address address;
	bool any = false;

	const struct net_publish_spec *publish =
		&JSON_ITEMS(const struct net_publish_spec, &make->request->spec->publish)[at];

	if (net_port_parse(publish, &range, err) < 0)
		return -1;
	int only = range.host.family;

	for (size_t i = 0; i < 2; i++) {
		if ((only && only != families[i]) ||
		    !forwarded_address(make, families[i], &address))
			continue;
		if (!only)
			range.host = (struct ip_address){ .family = families[i] };
		if (add_port(make, &range, &address, &publish->allow_from, err) < 0)
			return -1;
		any = true;
	}
	if (!any)
		return err_set(err, ERR_INPUT,
			       "masu.network.publish[%zu]: the container has no address of that "
			       "family in a bridge network that leads outside",
			       at);
	return 0;
}

/* ---- the door ---- */

static int reserve_all(struct reservation *make, struct err *err)
{
	const struct net_spec *spec = make->request->spec;
	unsigned int number = 0;

	for (size_t i = 0; i < spec->interfaces.count; i++) {
		if (reserve_interface(make, i, &number, err) < 0)
			return -1;
	}
	if (reserve_gateways(make, err) < 0)
		return -1;
	for (size_t i = 0; i < spec->publish.count; i++) {
		if (reserve_port(make, i, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < make->state->interfaces.count; i++) {
		if (net_names_publish(make->place, interface_at(make->state, i), make->state->id,
				      err) < 0)
			return -1;
	}
	return 0;
}

int net_reserve(const struct net_place *place, const struct net_request *request,
		struct net_state *state, struct arena *arena, struct err *err)
{
	const struct net_spec *spec = request->spec;
	struct reservation make = {
		.place = place, .request = request, .state = state, .arena = arena
	};

	*state = (struct net_state){ .routes = spec->routes };
	if (net_check(spec, err) < 0)
		return -1;
	state->id = arena_strdup(arena, request->id);
	state->interfaces.items = arena_alloc(arena, (spec->interfaces.count + 1) *
							     sizeof(struct net_interface_state));
	/* one for each family */
	state->ports.items =
		arena_alloc(arena, (2 * spec->publish.count + 1) * sizeof(struct net_port_state));
	if (!state->id || !state->interfaces.items || !state->ports.items)
		return out_of_memory(err);
	if (reserve_all(&make, err) == 0)
		return 0;
	net_release(place, state, NULL);
	return -1;
}

/* ---- one more ---- */

static int check_new(const struct net_interface_spec *spec, const struct net_state *state,
		     struct err *err)
{
	const char *network = spec->network ? spec->network : "default";

	if (state->interfaces.count == NET_INTERFACES_MAX)
		return err_set(err, ERR_INPUT, "connect to network %s: more than %d interfaces",
			       network, NET_INTERFACES_MAX);
	for (size_t i = 0; i < state->interfaces.count; i++) {
		const struct net_interface_state *other = interface_at(state, i);

		if (strcmp(other->network, network) == 0)
			return err_set(err, ERR_EXISTS, "connect to network %s: already in it",
				       network);
		if (spec->name && strcmp(other->name, spec->name) == 0)
			return err_set(err, ERR_EXISTS,
				       "connect to network %s: there is an interface %s", network,
				       spec->name);
	}
	return 0;
}

static bool has_default_route(const struct net_state *state)
{
	for (size_t i = 0; i < state->interfaces.count; i++) {
		if (interface_at(state, i)->gateways.count)
			return true;
	}
	return false;
}

static int reserve_one(struct reservation *make, struct err *err)
{
	const struct net_interface_spec *spec = make->request->spec->interfaces.items;
	bool has_default = has_default_route(make->state);
	unsigned int number = 0;

	if (reserve_interface(make, 0, &number, err) < 0)
		return -1;
	/* where there is a default route already, another one only if asked for */
	if ((!has_default || spec->gateway.set) && reserve_gateways(make, err) < 0)
		return -1;
	return net_names_publish(make->place, interface_at(make->state, make->first),
				 make->state->id, err);
}

int net_connect_reserve(const struct net_place *place, const struct net_request *request,
			struct net_state *state, struct arena *arena, struct err *err)
{
	struct reservation make = { .place = place,
				    .request = request,
				    .state = state,
				    .first = state->interfaces.count,
				    .arena = arena };
	size_t first = make.first, room = (first + 1) * sizeof(struct net_interface_state);

	if (net_check(request->spec, err) < 0 ||
	    check_new(request->spec->interfaces.items, state, err) < 0)
		return -1;
	struct net_interface_state *items = arena_alloc(arena, room);

	if (!items)
		return out_of_memory(err);
	if (first)
		memcpy(items, state->interfaces.items, first * sizeof(*items));
	state->interfaces.items = items;
	if (reserve_one(&make, err) == 0)
		return 0;
	const struct net_state part = {
		.id = state->id, .interfaces = { items + first, state->interfaces.count - first }
	};

	net_release(place, &part, NULL);
	state->interfaces.count = first;
	return -1;
}
