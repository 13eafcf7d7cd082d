/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Garbage: what containers left that were killed together with whoever should have cleaned up after
 * them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"
#include "net/firewall.h"
#include "net/lease.h"
#include "net/names.h"
#include "net/netlink.h"
#include "net/port.h"

struct collector {
	const struct net_place *place;
	const struct net_sweep *sweep;
	const char *network; /* that is being looked at */
	struct netlink_session host;
	int found;
};

/* Is it garbage? Then report it; true when it shall be removed too. */
__attribute__((format(printf, 3, 4))) static bool judge(struct collector *collector,
							const char *owner, const char *format, ...)
{
	const struct net_sweep *sweep = collector->sweep;
	char what[512];
	va_list args;

	if (sweep->is_alive(owner, sweep->data))
		return false;
	va_start(args, format);
	int length = vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (length > 0 && (size_t)length < sizeof(what))
		snprintf(what + length, sizeof(what) - (size_t)length, ", container %s", owner);
	if (sweep->report)
		sweep->report(what, sweep->data);
	collector->found++;
	return !sweep->dry_run;
}

static bool judge_element(const char *owner, const char *map, void *data)
{
	return judge(data, owner, "firewall element in map %s", map);
}

static bool judge_lease(const struct ip_address *address, const char *owner, void *data)
{
	struct collector *collector = data;
	char text[IP_TEXT_MAX];

	return judge(collector, owner, "address %s of network %s", ip_format(address, text),
		     collector->network);
}

static bool judge_port(const struct port_range *range, const char *owner, void *data)
{
	char text[PORT_TEXT_MAX];

	return judge(data, owner, "%s", net_port_format(range, text));
}

static bool judge_name(const char *name, const char *id, void *data)
{
	struct collector *collector = data;

	return judge(collector, id, "name %s in network %s", name, collector->network);
}

/* Links that live on after their container: its namespace is held by somebody else. */
static int judge_link(const struct netlink_link *link, void *data, struct err *err)
{
	struct collector *collector = data;
	char owner[NET_ID_MAX + 1];
	const char *id = link->alias + strlen(NET_ALIAS), *colon = strrchr(link->alias, ':');

	if (link->group != NET_LINK_GROUP ||
	    (strcmp(link->kind, "veth") != 0 && strcmp(link->kind, "ifb") != 0) ||
	    !str_starts(link->alias, NET_ALIAS) || colon < id ||
	    str_format(owner, sizeof(owner), "%.*s", (int)(colon - id), id) < 0 ||
	    !judge(collector, owner, "link %s", link->name))
		return 0;
	/* a socket of its own: the first is in the middle of its dump */
	struct netlink_request delete = { .verb = NETLINK_DELETE_LINK,
					  .link = { .index = link->index, .name = link->name } };
	struct err reason;

	if (collector->host.ops->run(collector->host.socket, &delete, 1, &reason) == 0 ||
	    reason.code == ENODEV) /* it was dying already */
		return 0;
	if (err)
		*err = reason;
	return -1;
}

static int collect_links(struct collector *collector, struct err *err)
{
	auto_netlink struct netlink_session dump = { 0 };
	int result = -1;

	if (netlink_open(&dump, -1, err) == 0 && netlink_open(&collector->host, -1, err) == 0)
		result = dump.ops->each_link(dump.socket, judge_link, collector, err);
	netlink_close(&collector->host);
	return result;
}

static int collect_network(struct collector *collector, const char *name, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct network network;

	collector->network = name;
	if (net_network_load(collector->place, name, &network, &arena, err) < 0)
		return -1;
	auto_close int dir = net_network_lock(collector->place, name, err);

	if (dir < 0 || net_names_sweep(collector->place, name, judge_name, collector, err) < 0)
		return -1;
	for (size_t i = 0; i < network.subnet_count; i++) {
		auto_lease struct net_lease_table table = LEASE_TABLE_CLOSED;

		if (net_lease_open(dir, i, &network.subnets[i], &table, err) < 0 ||
		    net_lease_sweep(&table, judge_lease, collector, err) < 0)
			return -1;
	}
	return 0;
}

static bool judge_note(const char *id, void *data)
{
	return judge(data, id, "list of networks");
}

/* What net_reserve() takes: ports, names, addresses. */
static int collect_files(struct collector *collector, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct json_list networks;
	auto_close int dir = net_place_open(collector->place->state, err);

	if (dir < 0 || net_port_sweep(dir, judge_port, collector, err) < 0 ||
	    net_members_sweep(dir, judge_note, collector, err) < 0 ||
	    net_list_networks(collector->place, &networks, &arena, err) < 0)
		return -1;
	for (size_t i = 0; i < networks.count; i++) {
		if (collect_network(collector,
				    JSON_ITEMS(const struct net_network, &networks)[i].name,
				    err) < 0)
			return -1;
	}
	return 0;
}

/* In the order of net_detach(): no element may lead to an address that is free. */
int net_collect(const struct net_place *place, const struct net_sweep *sweep, struct err *err)
{
	struct collector collector = { .place = place, .sweep = sweep };
	auto_firewall struct firewall_session wall = { 0 };

	if (firewall_open(&wall, err) < 0 ||
	    wall.ops->sweep(wall.firewall, judge_element, &collector, err) < 0 ||
	    collect_links(&collector, err) < 0 || collect_files(&collector, err) < 0)
		return -1;
	return collector.found;
}

static bool is_somebody_else(const char *id, void *data)
{
	return strcmp(id, data) != 0;
}

int net_release_all(const struct net_place *place, const char *id, struct err *err)
{
	const struct net_sweep sweep = { .is_alive = is_somebody_else, .data = (void *)id };
	struct collector collector = { .place = place, .sweep = &sweep };

	return access(place->state, F_OK) < 0 ? 0 : collect_files(&collector, err);
}
