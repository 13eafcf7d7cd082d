/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attaching: from a reservation to links, addresses, routes and firewall, in four exchanges with
 * the kernel. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "net/attach.h"

static void attachment_close(struct attachment *attach)
{
	firewall_close(&attach->firewall);
	netlink_close(&attach->inside);
	netlink_close(&attach->host);
	arena_free(&attach->arena);
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
	for (size_t i = attach->first; i < attach->state->interfaces.count; i++) {
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
	for (size_t i = attach->first; i < attach->state->interfaces.count; i++) {
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

	if (!six || attach->first)
		return net_place_sysctl("ipv6/conf/default/disable_ipv6", six ? "0" : "1", false,
					err);
	if (net_place_sysctl("ipv6/conf/default/accept_ra", "0", false, err) < 0)
		return -1;
	return net_place_sysctl("ipv6/conf/default/ndisc_notify", "1", false, err);
}

/* Those that the spec gives for single interfaces, once they exist. */
static int write_own_sysctls(const struct attachment *attach, struct err *err)
{
	for (size_t i = attach->first; i < attach->state->interfaces.count; i++) {
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
	for (size_t i = attach->first; i < attach->state->interfaces.count; i++) {
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
	result = write_sysctls(attach, err);
	if (result == 0) /* from inside: no need to enter once more */
		result = netlink_open(&attach->inside, -1, err);
	if (setns(home, CLONE_NEWNET) < 0)
		return err_sys(err, "return to own network namespace");
	return result;
}

/* ---- the door ---- */

static int attach_from(const struct net_place *place, const struct net_state *state, size_t first,
		       int netns, struct err *err)
{
	__attribute__((cleanup(attachment_close))) struct attachment attach = {
		.place = place, .state = state, .first = first, .netns = netns
	};

	if (state->interfaces.count > NET_INTERFACES_MAX)
		return err_set(err, ERR_INPUT, "read state: too many interfaces");
	if (netlink_open(&attach.host, -1, err) < 0 || ensure_networks(&attach, err) < 0 ||
	    prepare_namespace(&attach, err) < 0 || attach_make_links(&attach, err) < 0 ||
	    attach_shape_links(&attach, err) < 0 || attach_configure(&attach, err) < 0 ||
	    finish_namespace(&attach, err) < 0)
		return -1;
	/* ports lead to interfaces that a container has had from its start */
	if (first)
		return 0;
	return route_loopback(&attach, err) < 0 ? -1 : publish(&attach, err);
}

int net_attach(const struct net_place *place, const struct net_state *state, int netns,
	       struct err *err)
{
	return state->interfaces.count ? attach_from(place, state, 0, netns, err) : 0;
}

int net_connect(const struct net_place *place, const struct net_state *state, int netns,
		struct err *err)
{
	if (attach_from(place, state, state->interfaces.count - 1, netns, err) < 0)
		return -1;
	return net_members_write(place, state, err);
}
