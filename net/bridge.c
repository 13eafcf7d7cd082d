/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The driver "bridge": one bridge a network with the gateways' addresses, one veth pair an
 * interface. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "net/driver.h"

static int bridge_check(const struct net_network *wanted, struct err *err)
{
	if (wanted->parent)
		return err_set(err, ERR_INPUT, "network %s: parent: not for the driver bridge",
			       wanted->name);
	if (wanted->mode)
		return err_set(err, ERR_INPUT, "network %s: mode: not for the driver bridge",
			       wanted->name);
	return 0;
}

static bool has_family(const struct network *network, int family)
{
	for (size_t i = 0; i < network->subnet_count; i++) {
		if (network->subnets[i].prefix.address.family == family)
			return true;
	}
	return false;
}

static int bridge_sysctl(const struct network *network, const char *family, const char *name,
			 const char *value, struct err *err)
{
	char path[128];

	str_format(path, sizeof(path), "%s/conf/%s/%s", family, network->spec.bridge, name);
	return net_place_sysctl(path, value, false, err);
}

/* Turn a switch of the whole host on, when it is not on already. */
static int switch_on(const char *path, struct err *err)
{
	char value[8], whole[64];

	str_format(whole, sizeof(whole), "/proc/sys/net/%s", path);
	if (fd_read_file(AT_FDCWD, whole, value, sizeof(value)) > 0 && strcmp(value, "0") != 0)
		return 0;
	return net_place_sysctl(path, "1", true, err);
}

/* A host that forwards ignores router advertisements, and would lose its own IPv6 default route:
 * accept_ra 2 keeps it. */
static int keep_router_advertisements(struct err *err)
{
	auto_closedir DIR *devices = opendir("/proc/sys/net/ipv6/conf");
	char path[PATH_MAX], value[8];

	for (struct dirent *entry; devices && (entry = readdir(devices));) {
		str_format(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_ra",
			   entry->d_name);
		if (fd_read_file(AT_FDCWD, path, value, sizeof(value)) > 0 &&
		    strcmp(value, "1") == 0 && fd_write_file(AT_FDCWD, path, "2", err) < 0)
			return -1;
	}
	return 0;
}

static int forward(const struct network *network, struct err *err)
{
	char value[8];

	if (has_family(network, AF_INET) && switch_on("ipv4/ip_forward", err) < 0)
		return -1;
	if (!has_family(network, AF_INET6))
		return 0;
	if (fd_read_file(AT_FDCWD, "/proc/sys/net/ipv6/conf/all/forwarding", value, sizeof(value)) >
		    0 &&
	    strcmp(value, "0") != 0)
		return 0;
	if (keep_router_advertisements(err) < 0)
		return -1;
	return switch_on("ipv6/conf/all/forwarding", err);
}

static int create(const struct network *network, struct netlink_session *host, int *index,
		  struct err *err)
{
	/* an address of its own: without, the bridge takes the lowest of its ports' and changes it
	 * when they come and go */
	uint8_t mac[6];
	char alias[128];

	if (getrandom(mac, sizeof(mac), 0) != sizeof(mac))
		return err_sys(err, "create bridge %s", network->spec.bridge);
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 2);
	str_format(alias, sizeof(alias), NET_ALIAS "network:%s", network->spec.name);
	struct netlink_request make = {
		.verb = NETLINK_ADD_LINK,
		.link = { .name = network->spec.bridge,
			  .kind = "bridge",
			  .mac = mac,
			  .mtu = network->spec.mtu,
			  .group = NET_LINK_GROUP },
	};
	struct netlink_request setup[NET_SUBNETS_MAX + 1] = { 0 };
	size_t count = 0;

	if (host->ops->run(host->socket, &make, 1, err) < 0)
		return -1;
	*index = make.link.index;
	if (!has_family(network, AF_INET6)) {
		if (bridge_sysctl(network, "ipv6", "disable_ipv6", "1", err) < 0)
			return -1;
	} else if (bridge_sysctl(network, "ipv6", "accept_ra", "0", err) < 0 ||
		   bridge_sysctl(network, "ipv6", "accept_dad", "0", err) < 0) {
		return -1;
	}
	for (; count < network->subnet_count; count++) {
		const struct subnet *subnet = &network->subnets[count];

		setup[count].verb = NETLINK_ADD_ADDRESS;
		setup[count].address.index = *index;
		setup[count].address.prefix =
			(struct ip_prefix){ subnet->gateway, subnet->prefix.length };
		if (subnet->gateway.family == AF_INET)
			setup[count].address.broadcast = ip_last(&subnet->prefix);
		else
			setup[count].address.flags = IFA_F_NODAD;
	}
	setup[count].verb = NETLINK_SET_LINK;
	setup[count].link.index = *index;
	setup[count].link.alias = alias;
	setup[count++].link.up = true;
	return host->ops->run(host->socket, setup, count, err);
}

static int bridge_remove(const struct network *network, struct netlink_session *host,
			 struct err *err)
{
	struct netlink_link link;
	int found = host->ops->find_link(host->socket, network->spec.bridge, &link, err);

	if (found <= 0 || link.group != NET_LINK_GROUP)
		return found < 0 ? -1 : 0;
	struct netlink_request delete = { .verb = NETLINK_DELETE_LINK,
					  .link = { .index = link.index } };

	return host->ops->run(host->socket, &delete, 1, err);
}

static int bridge_ensure(const struct network *network, struct netlink_session *host, int *index,
			 struct err *err)
{
	struct netlink_link link;
	int found = host->ops->find_link(host->socket, network->spec.bridge, &link, err);

	if (found < 0)
		return -1;
	if (found && link.group != NET_LINK_GROUP)
		return err_set(err, EEXIST,
			       "set up network %s: the host has a device %s that is not ours",
			       network->spec.name, network->spec.bridge);
	*index = link.index;
	if (found && (link.flags & IFF_UP))
		return 0;
	/* down: half done by a start that was killed, or taken down by somebody; made anew */
	if (found && bridge_remove(network, host, err) < 0)
		return -1;
	if (create(network, host, index, err) < 0) {
		bridge_remove(network, host, NULL);
		return err_wrap(err, "set up network %s", network->spec.name);
	}
	if (!network->spec.internal && forward(network, err) < 0)
		return -1;
	return 1;
}

static void bridge_link(const struct network *network, const struct net_interface_state *state,
			struct netlink_link_request *request)
{
	request->kind = "veth";
	request->name = state->host_name;
	request->peer_name = state->name;
	(void)network;
}

const struct net_driver bridge_driver = {
	.name = "bridge",
	.check = bridge_check,
	.ensure = bridge_ensure,
	.link = bridge_link,
	.remove = bridge_remove,
	.filters = true,
};
