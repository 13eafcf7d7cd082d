/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attaching: from a reservation to links, addresses, routes and firewall, in four exchanges with
 * the kernel; and back. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "net/driver.h"
#include "net/firewall.h"
#include "net/port.h"
#include "net/private.h"

/* One container's attachment in the making. */
struct attachment {
	const struct net_place *place;
	const struct net_state *state;
	int netns;
	struct netlink_session host, inside;
	struct firewall_session firewall; /* opened when something needs it */
	struct network networks[NET_INTERFACES_MAX];
	int devices[NET_INTERFACES_MAX]; /* on the host: bridge or parent */
	int links[NET_INTERFACES_MAX];   /* in the container */
	struct arena arena;
};

static void attachment_close(struct attachment *attach)
{
	firewall_close(&attach->firewall);
	netlink_close(&attach->inside);
	netlink_close(&attach->host);
	arena_free(&attach->arena);
}

static const struct net_interface_state *interface_at(const struct net_state *state, size_t at)
{
	return &JSON_ITEMS(const struct net_interface_state, &state->interfaces)[at];
}

/* ---- firewall ---- */

static int open_firewall(struct attachment *attach, struct err *err)
{
	return attach->firewall.firewall ? 0 : firewall_open(&attach->firewall, err);
}

static int ensure_firewall(struct attachment *attach, const struct network *network, bool is_new,
			   struct err *err)
{
	if (open_firewall(attach, err) < 0)
		return -1;
	const struct firewall_session *wall = &attach->firewall;
	int present = wall->ops->has_network(wall->firewall, network->spec.bridge, err);

	if (present)
		return present < 0 ? -1 : 0;
	if (!is_new)
		log_warning("network %s: somebody has removed the firewall table %s; "
			    "`masu network reload` brings back what running containers had in it",
			    network->spec.name, FIREWALL_TABLE);
	struct firewall_network only = firewall_describe(network);
	const struct firewall_change change = { .networks = &only, .network_count = 1 };
	/* two networks' first starts at once must not both make the table */
	auto_close int dir = net_place_open(attach->place->state, err);
	auto_close int lock = dir < 0 ? -1 : net_place_lock(dir, FIREWALL_LOCK, err);

	return lock < 0 ? -1 : wall->ops->add(wall->firewall, &change, err);
}

static int publish(struct attachment *attach, struct err *err)
{
	struct firewall_change change = { .port_count = attach->state->ports.count };
	struct firewall_port *ports =
		arena_alloc(&attach->arena, (change.port_count + 1) * sizeof(*ports));

	if (!change.port_count)
		return 0;
	if (!ports)
		return err_sys(err, "publish ports");
	if (open_firewall(attach, err) < 0 ||
	    firewall_read_ports(attach->state, ports, &attach->arena, err) < 0)
		return -1;
	const struct firewall_session *wall = &attach->firewall;

	change.ports = ports;
	if (wall->ops->add(wall->firewall, &change, err) < 0)
		return err_wrap(err, "publish ports");
	return wall->ops->forget(wall->firewall, ports, change.port_count, err);
}

/* A port on every or a loopback address: programs of the host reach it through 127.0.0.1, which
 * needs routing on the bridge. */
static int route_loopback(const struct attachment *attach, struct err *err)
{
	const struct net_state *state = attach->state;
	char path[64];
	bool needed = false;

	for (size_t i = 0; i < state->ports.count; i++) {
		struct ip_address host;

		if (ip_parse(JSON_ITEMS(const struct net_port_state, &state->ports)[i].host, &host))
			needed |= host.family == AF_INET &&
				  (ip_is_any(&host) || ip_is_loopback(&host));
	}
	for (size_t i = 0; needed && i < state->interfaces.count; i++) {
		if (!attach->networks[i].spec.bridge)
			continue;
		str_format(path, sizeof(path), "ipv4/conf/%s/route_localnet",
			   attach->networks[i].spec.bridge);
		if (net_place_sysctl(path, "1", true, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the host's part of the networks ---- */

static int ensure_networks(struct attachment *attach, struct err *err)
{
	for (size_t i = 0; i < attach->state->interfaces.count; i++) {
		const struct net_interface_state *interface = interface_at(attach->state, i);
		struct network *network = &attach->networks[i];

		if (net_network_open(attach->place, interface->network, network, &attach->arena,
				     err) < 0)
			return -1;
		const struct net_driver *driver = net_driver_find(network->spec.driver);

		if (!driver)
			return err_set(err, ERR_INPUT, "network %s: driver: \"%s\" is not known",
				       interface->network, network->spec.driver);
		auto_close int lock = net_network_lock(attach->place, interface->network, err);

		if (lock < 0)
			return -1;
		int made = driver->ensure(network, &attach->host, &attach->devices[i], err);

		if (made < 0)
			return -1;
		if (driver->filters && ensure_firewall(attach, network, made, err) < 0)
			return err_wrap(err, "set up network %s", interface->network);
	}
	return 0;
}

/* ---- the namespace ---- */

static bool has_family(const struct attachment *attach, int family)
{
	for (size_t i = 0; i < attach->state->interfaces.count; i++) {
		const struct network *network = &attach->networks[i];

		for (size_t j = 0; j < network->subnet_count; j++) {
			if (network->subnets[j].prefix.address.family == family)
				return true;
		}
	}
	return false;
}

/*
 * Before there are links, so that they are born with it. Without IPv6 networks new links get no
 * IPv6 (loopback keeps ::1): each would otherwise tell all ports of the bridge about itself. With
 * it, neighbours learn at once who has an address now.
 */
static int write_sysctls(const struct attachment *attach, struct err *err)
{
	bool six = has_family(attach, AF_INET6);

	if (!six)
		return net_place_sysctl("ipv6/conf/default/disable_ipv6", "1", false, err);
	if (net_place_sysctl("ipv6/conf/default/accept_ra", "0", false, err) < 0)
		return -1;
	return net_place_sysctl("ipv6/conf/default/ndisc_notify", "1", false, err);
}

/* Those that the spec gives for single interfaces, once they exist. */
static int write_own_sysctls(const struct attachment *attach, struct err *err)
{
	for (size_t i = 0; i < attach->state->interfaces.count; i++) {
		const struct json_list *list = &interface_at(attach->state, i)->sysctls;

		for (size_t j = 0; j < list->count; j++) {
			const struct json_pair *sysctl =
				&JSON_ITEMS(const struct json_pair, list)[j];

			if (net_place_sysctl(sysctl->key, sysctl->value, true, err) < 0)
				return -1;
		}
	}
	return 0;
}

static bool has_own_sysctls(const struct attachment *attach)
{
	for (size_t i = 0; i < attach->state->interfaces.count; i++) {
		if (interface_at(attach->state, i)->sysctls.count)
			return true;
	}
	return false;
}

static int finish_namespace(struct attachment *attach, struct err *err)
{
	if (!has_own_sysctls(attach))
		return 0;
	auto_close int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0 || setns(attach->netns, CLONE_NEWNET) < 0)
		return err_sys(err, "enter network namespace");
	int result = write_own_sysctls(attach, err);

	if (setns(home, CLONE_NEWNET) < 0)
		return err_sys(err, "return to own network namespace");
	return result;
}

static int prepare_namespace(struct attachment *attach, struct err *err)
{
	auto_close int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int result;

	if (home < 0 || setns(attach->netns, CLONE_NEWNET) < 0)
		return err_sys(err, "enter network namespace");
	result = net_place_sysctl("ipv4/conf/default/arp_notify", "1", false, err);
	if (result == 0)
		result = write_sysctls(attach, err);
	if (result == 0) /* from inside: no need to enter once more */
		result = netlink_open(&attach->inside, -1, err);
	if (setns(home, CLONE_NEWNET) < 0)
		return err_sys(err, "return to own network namespace");
	return result;
}

/* ---- links ---- */

/* What has to live in memory until a batch is sent. */
struct link_texts {
	uint8_t mac[6], peer_mac[6];
	char alias[NET_ID_MAX +
		   80]; /* "masu:ID:NETWORK"; the kernel takes it only for a link that exists */
};

static int describe_link(const struct attachment *attach, size_t at, struct link_texts *texts,
			 struct netlink_request *request, struct err *err)
{
	const struct net_interface_state *interface = interface_at(attach->state, at);
	const struct network *network = &attach->networks[at];
	struct netlink_link_request *link = &request->link;

	if (!net_parse_mac(interface->mac, texts->peer_mac))
		return err_set(err, ERR_INPUT, "read state: mac \"%s\" is not valid",
			       interface->mac);
	/* fe: higher than any other, so that a bridge of somebody else does not take it for its own
	 */
	memcpy(texts->mac, texts->peer_mac, 6);
	texts->mac[0] = 0xfe;
	texts->mac[1] ^= 0xff; /* and never the other end's own */
	str_format(texts->alias, sizeof(texts->alias), NET_ALIAS "%s:%s", attach->state->id,
		   interface->network);
	*request = (struct netlink_request){ .verb = NETLINK_ADD_LINK };
	link->mtu = interface->mtu;
	link->peer_netns = attach->netns;
	link->netns = attach->netns;
	net_driver_find(network->spec.driver)->link(network, interface, link);
	if (link->move) { /* one end only, born inside */
		link->parent = attach->devices[at];
		link->mac = strcmp(link->kind, "ipvlan") == 0 ? NULL : texts->peer_mac;
		return 0;
	}
	link->master = attach->devices[at];
	link->group = NET_LINK_GROUP;
	link->mac = texts->mac;
	link->peer_mac = texts->peer_mac;
	return 0;
}

/*
 * The host's end of a veth pair, in two steps: quiet, then up. With it the port flags that differ
 * from the kernel's: for a container that calls its own published port, and for neighbours that are
 * kept apart.
 */
static size_t describe_port(const struct attachment *attach, size_t at,
			    const struct link_texts *texts, struct netlink_request *requests)
{
	const struct network *network = &attach->networks[at];
	bool hairpin = attach->state->ports.count > 0, isolated = !net_network_allows_icc(network);
	const char *name = interface_at(attach->state, at)->host_name;

	if (!network->spec.bridge)
		return 0;
	requests[0] = (struct netlink_request){
		.verb = NETLINK_SET_LINK,
		.link = { .name = name, .alias = texts->alias, .quiet = true }
	};
	requests[1] = (struct netlink_request){
		.verb = hairpin || isolated ? NETLINK_SET_PORT : NETLINK_SET_LINK,
		.link = { .name = name, .up = true, .hairpin = hairpin, .isolated = isolated },
	};
	return 2;
}

static int find_link(struct attachment *attach, size_t at, struct err *err)
{
	const char *name = interface_at(attach->state, at)->name;
	struct netlink_link link;
	int found = attach->inside.ops->find_link(attach->inside.socket, name, &link, err);

	if (found <= 0)
		return found < 0 ? -1 : err_set(err, ENODEV, "set up %s: it has gone", name);
	attach->links[at] = link.index;
	return 0;
}

static int make_links(struct attachment *attach, struct err *err)
{
	struct netlink_request requests[3 * NET_INTERFACES_MAX];
	struct link_texts texts[NET_INTERFACES_MAX];
	size_t count = attach->state->interfaces.count, all = count;

	for (size_t i = 0; i < count; i++) {
		if (describe_link(attach, i, &texts[i], &requests[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < count; i++)
		all += describe_port(attach, i, &texts[i], &requests[all]);
	if (attach->host.ops->run(attach->host.socket, requests, all, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		attach->links[i] = requests[i].link.peer_index;
		if (requests[i].link.move && find_link(attach, i, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- addresses and routes ---- */

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

static int add_addresses(struct setup *setup, const struct net_interface_state *interface,
			 int index, struct err *err)
{
	for (size_t i = 0; i < interface->addresses.count; i++) {
		const char *text = JSON_ITEMS(const char *, &interface->addresses)[i];
		struct netlink_address *address = &add(setup, NETLINK_ADD_ADDRESS)->address;

		address->index = index;
		if (!ip_parse_prefix(text, &address->prefix))
			return err_set(err, ERR_INPUT, "read state: \"%s\" is not valid", text);
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

static int configure(struct attachment *attach, struct err *err)
{
	const struct net_state *state = attach->state;
	size_t room = state->routes.count;
	struct setup setup = { 0 };

	for (size_t i = 0; i < state->interfaces.count; i++)
		room += 1 + interface_at(state, i)->addresses.count +
			interface_at(state, i)->gateways.count;
	setup.requests = arena_alloc(&attach->arena, room * sizeof(*setup.requests));
	if (!setup.requests)
		return err_sys(err, "configure interfaces");
	for (size_t i = 0; i < state->interfaces.count; i++) {
		struct netlink_link_request *link = &add(&setup, NETLINK_SET_LINK)->link;

		link->index = attach->links[i];
		link->up = true;
		if (add_addresses(&setup, interface_at(state, i), attach->links[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < state->interfaces.count; i++) {
		if (add_gateways(&setup, interface_at(state, i), attach->links[i], err) < 0)
			return -1;
	}
	if (add_routes(&setup, state, err) < 0)
		return -1;
	return attach->inside.ops->run(attach->inside.socket, setup.requests, setup.count, err);
}

/* ---- the door ---- */

int net_attach(const struct net_place *place, const struct net_state *state, int netns,
	       struct err *err)
{
	if (!state->interfaces.count)
		return 0;
	if (state->interfaces.count > NET_INTERFACES_MAX)
		return err_set(err, ERR_INPUT, "read state: too many interfaces");
	__attribute__((cleanup(attachment_close))) struct attachment attach = { .place = place,
										.state = state,
										.netns = netns };

	if (netlink_open(&attach.host, -1, err) < 0 || ensure_networks(&attach, err) < 0 ||
	    prepare_namespace(&attach, err) < 0 || make_links(&attach, err) < 0 ||
	    configure(&attach, err) < 0 || finish_namespace(&attach, err) < 0 ||
	    route_loopback(&attach, err) < 0)
		return -1;
	return publish(&attach, err);
}

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
		result = net_release(place, state, &first);
	if (result < 0 && err)
		*err = first;
	return result;
}

int net_remove_network(const struct net_place *place, const char *name, struct err *err)
{
	__attribute__((cleanup(attachment_close))) struct attachment attach = { .place = place };
	struct network *network = &attach.networks[0];

	if (net_network_load(place, name, network, &attach.arena, err) < 0)
		return -1;
	auto_close int lock = net_network_lock(place, name, err);

	if (lock < 0 || net_network_check_unused(lock, network, err) < 0)
		return -1;
	const struct net_driver *driver = net_driver_find(network->spec.driver);

	if (driver && driver->filters) {
		struct firewall_network only = firewall_describe(network);
		const struct firewall_change change = { .networks = &only, .network_count = 1 };

		if (open_firewall(&attach, err) < 0 ||
		    attach.firewall.ops->remove(attach.firewall.firewall, &change, err) < 0)
			return err_wrap(err, "remove network %s", name);
	}
	if (driver && driver->remove &&
	    (netlink_open(&attach.host, -1, err) < 0 ||
	     driver->remove(network, &attach.host, err) < 0))
		return -1;
	return net_network_forget(place, name, err);
}
