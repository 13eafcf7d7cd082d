/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The firewall table from records, and what else on the host stands in a container's way. */
#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "net/driver.h"
#include "net/firewall.h"

/* The networks that have a bridge now; the others' rules come with their first container. */
static int list_live(const struct net_place *place, struct firewall_network **walls, size_t *count,
		     struct arena *arena, struct err *err)
{
	auto_netlink struct netlink_session host = { 0 };
	struct json_list networks;

	*count = 0;
	if (net_list_networks(place, &networks, arena, err) < 0 || netlink_open(&host, -1, err) < 0)
		return -1;
	*walls = arena_alloc(arena, (networks.count + 1) * sizeof(**walls));
	if (!*walls)
		return err_sys(err, "list networks");
	for (size_t i = 0; i < networks.count; i++) {
		const struct net_network *spec = &JSON_ITEMS(struct net_network, &networks)[i];
		struct network network;
		struct netlink_link link;

		if (!spec->bridge)
			continue;
		int found = host.ops->find_link(host.socket, spec->bridge, &link, err);

		if (found < 0 || net_network_load(place, spec->name, &network, arena, err) < 0)
			return -1;
		if (found)
			(*walls)[(*count)++] = firewall_describe(&network);
	}
	return 0;
}

int net_reload(const struct net_place *place, const struct net_state *const *states, size_t count,
	       struct err *err)
{
	auto_firewall struct firewall_session wall = { 0 };
	auto_arena struct arena arena = { 0 };
	struct firewall_change change = { 0 };
	struct firewall_network *networks;
	size_t room = 0;

	for (size_t i = 0; i < count; i++)
		room += states[i]->ports.count;
	struct firewall_port *ports = arena_alloc(&arena, (room + 1) * sizeof(*ports));

	if (!ports)
		return err_sys(err, "list published ports");
	for (size_t i = 0; i < count; i++) {
		if (firewall_read_ports(states[i], ports + change.port_count, &arena, err) < 0)
			return err_wrap(err, "container %s", states[i]->id);
		change.port_count += states[i]->ports.count;
	}
	auto_close int dir = net_place_open(place->state, err);
	auto_close int lock = dir < 0 ? -1 : net_place_lock(dir, FIREWALL_LOCK, err);

	if (lock < 0 || list_live(place, &networks, &change.network_count, &arena, err) < 0 ||
	    firewall_open(&wall, err) < 0)
		return -1;
	change.networks = networks;
	change.ports = ports;
	return wall.ops->replace(wall.firewall, &change, err);
}

/* ---- diagnosis ---- */

struct diagnosis {
	net_report *report;
	void *data;
	int found;
};

__attribute__((format(printf, 2, 3))) static void tell(struct diagnosis *diagnosis,
						       const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	diagnosis->report(text, diagnosis->data);
	diagnosis->found++;
}

static void tell_rival(const struct firewall_rival *rival, void *data)
{
	tell(data,
	     "firewall chain %s of table %s %s drops what it does not know: it has to accept "
	     "packets from and to masu's bridges",
	     rival->chain, rival->family, rival->table);
}

/* The number in a file below /proc/sys/net, or -1 when there is no such file. */
static long read_number(const char *path)
{
	char whole[128], value[32];

	snprintf(whole, sizeof(whole), "/proc/sys/net/%s", path);
	uint64_t number;

	if (fd_read_file(AT_FDCWD, whole, value, sizeof(value)) < 0 ||
	    !str_parse_u64(value, &number) || number > LONG_MAX)
		return -1;
	return (long)number;
}

static void look_at_sysctls(struct diagnosis *diagnosis)
{
	long known = read_number("netfilter/nf_conntrack_count");
	long most = read_number("netfilter/nf_conntrack_max");

	if (read_number("ipv4/ip_forward") == 0)
		tell(diagnosis, "net.ipv4.ip_forward is 0: packets stop at this host");
	if (most > 0 && known > most / 10 * 9)
		tell(diagnosis,
		     "connection tracking is nearly full (%ld of %ld): raise "
		     "net.netfilter.nf_conntrack_max",
		     known, most);
}

static int look_at_table(struct diagnosis *diagnosis, const struct firewall_session *wall,
			 const struct firewall_network *networks, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		int present = wall->ops->has_network(wall->firewall, networks[i].bridge, err);

		if (present < 0)
			return -1;
		if (!present)
			tell(diagnosis,
			     "the firewall table inet %s has no rules for %s: run `masu network "
			     "reload`",
			     FIREWALL_TABLE, networks[i].bridge);
	}
	return 0;
}

int net_diagnose(const struct net_place *place, net_report *report, void *data, struct err *err)
{
	struct diagnosis diagnosis = { .report = report, .data = data };
	auto_firewall struct firewall_session wall = { 0 };
	auto_arena struct arena arena = { 0 };
	struct firewall_network *networks;
	size_t count;

	if (firewall_open(&wall, err) < 0 || list_live(place, &networks, &count, &arena, err) < 0 ||
	    look_at_table(&diagnosis, &wall, networks, count, err) < 0 ||
	    wall.ops->each_rival(wall.firewall, tell_rival, &diagnosis, err) < 0)
		return -1;
	if (count)
		look_at_sysctls(&diagnosis);
	return diagnosis.found;
}
