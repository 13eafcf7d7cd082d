/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The drivers "macvlan", "ipvlan" and "phys": interfaces directly on a device of the host, or that
 * device itself, without the host's forwarding. */
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

#include "base/err.h"
#include "base/names.h"
#include "base/str.h"
#include "net/driver.h"

/* clang-format off */
static const struct name macvlan_modes[] = {
	{ "bridge", MACVLAN_MODE_BRIDGE }, { "private", MACVLAN_MODE_PRIVATE }, { "vepa", MACVLAN_MODE_VEPA },
	{ "passthru", MACVLAN_MODE_PASSTHRU }, { NULL, 0 },
};
static const struct name ipvlan_modes[] = {
	{ "l2", IPVLAN_MODE_L2 }, { "l3", IPVLAN_MODE_L3 }, { "l3s", IPVLAN_MODE_L3S }, { NULL, 0 },
};

/* clang-format on */

static int check(const struct net_network *wanted, const struct name *modes, struct err *err)
{
	int64_t mode;

	if (!wanted->parent)
		return err_set(err, ERR_INPUT, "network %s: parent: needed by the driver %s",
			       wanted->name, wanted->driver);
	if (!wanted->subnets.count)
		return err_set(err, ERR_INPUT,
			       "network %s: subnets: needed by the driver %s: they are those of "
			       "the parent's network",
			       wanted->name, wanted->driver);
	if (wanted->bridge || wanted->isolate.set || wanted->icc.set || wanted->masquerade.set)
		return err_set(
			err, ERR_INPUT,
			"network %s: bridge, isolate, icc, masquerade: not for the driver %s",
			wanted->name, wanted->driver);
	if (wanted->mode && !names_find(modes, wanted->mode, &mode))
		return err_set(err, ERR_INPUT, "network %s: mode: \"%s\" is not known to %s",
			       wanted->name, wanted->mode, wanted->driver);
	return 0;
}

static int macvlan_check(const struct net_network *wanted, struct err *err)
{
	return check(wanted, macvlan_modes, err);
}

static int ipvlan_check(const struct net_network *wanted, struct err *err)
{
	return check(wanted, ipvlan_modes, err);
}

static int find_parent(const struct network *network, struct netlink_session *host,
		       struct netlink_link *parent, struct err *err)
{
	int found = host->ops->find_link(host->socket, network->spec.parent, parent, err);

	if (found < 0)
		return -1;
	if (!found)
		return err_set(err, ENODEV, "set up network %s: the host has no device %s",
			       network->spec.name, network->spec.parent);
	return 0;
}

/* The device of the tag: "masu.ID.NAME" would not fit, so a number that the definition gives. */
static void name_vlan(const struct network *network, char name[IFNAMSIZ])
{
	str_format(name, IFNAMSIZ, "mt%08x.%u", net_name_hash(network->spec.parent),
		   network->spec.vlan);
}

static int make_vlan(const struct network *network, struct netlink_session *host,
		     const struct netlink_link *parent, int *index, struct err *err)
{
	char name[IFNAMSIZ], alias[NET_LINK_ALIAS_MAX];
	struct netlink_link tagged;

	name_vlan(network, name);
	int found = host->ops->find_link(host->socket, name, &tagged, err);

	if (found < 0)
		return -1;
	*index = tagged.index;
	if (found && tagged.group == NET_LINK_GROUP && (tagged.flags & IFF_UP))
		return 0;
	if (found)
		return err_set(err, EEXIST,
			       "set up network %s: the host has a device %s that is not ours",
			       network->spec.name, name);
	str_format(alias, sizeof(alias), NET_ALIAS "network:%s", network->spec.name);
	struct netlink_request make = {
		.verb = NETLINK_ADD_LINK,
		.link = { .name = name,
			  .kind = "vlan",
			  .parent = parent->index,
			  .vlan = network->spec.vlan,
			  .group = NET_LINK_GROUP,
			  .up = true },
	};

	if (host->ops->run(host->socket, &make, 1, err) < 0)
		return err_wrap(err, "set up network %s", network->spec.name);
	*index = make.link.index;
	struct netlink_request sign = { .verb = NETLINK_SET_LINK,
					.link = { .index = *index, .name = name, .alias = alias } };

	return host->ops->run(host->socket, &sign, 1, err) < 0 ? -1 : 1;
}

static int ensure(const struct network *network, struct netlink_session *host, int *index,
		  struct err *err)
{
	struct netlink_link parent;

	if (find_parent(network, host, &parent, err) < 0)
		return -1;
	if (network->spec.vlan)
		return make_vlan(network, host, &parent, index, err);
	*index = parent.index;
	return 0;
}

/* The device of the tag, if it is ours; another network on the same parent and tag shares it, and
 * makes it again. */
static int remove_vlan(const struct network *network, struct netlink_session *host, struct err *err)
{
	struct netlink_link tagged;
	char name[IFNAMSIZ];

	if (!network->spec.vlan)
		return 0;
	name_vlan(network, name);
	int found = host->ops->find_link(host->socket, name, &tagged, err);

	if (found <= 0 || tagged.group != NET_LINK_GROUP)
		return found < 0 ? -1 : 0;
	struct netlink_request delete = { .verb = NETLINK_DELETE_LINK,
					  .link = { .index = tagged.index } };

	return host->ops->run(host->socket, &delete, 1, err);
}

static void fill(const char *kind, const struct network *network, const struct name *modes,
		 const struct net_interface_state *state, struct netlink_link_request *request)
{
	int64_t mode = modes[0].value;

	if (network->spec.mode)
		names_find(modes, network->spec.mode, &mode);
	request->kind = kind;
	request->name = state->name;
	request->mode = (unsigned int)mode;
	request->move = true;
}

static void macvlan_link(const struct network *network, const struct net_interface_state *state,
			 struct netlink_link_request *request)
{
	fill("macvlan", network, macvlan_modes, state, request);
}

static void ipvlan_link(const struct network *network, const struct net_interface_state *state,
			struct netlink_link_request *request)
{
	fill("ipvlan", network, ipvlan_modes, state, request);
	request->mac = NULL; /* all share the parent's */
}

const struct net_driver macvlan_driver = {
	.name = "macvlan",
	.check = macvlan_check,
	.ensure = ensure,
	.link = macvlan_link,
	.remove = remove_vlan,
};

const struct net_driver ipvlan_driver = {
	.name = "ipvlan",
	.check = ipvlan_check,
	.ensure = ensure,
	.link = ipvlan_link,
	.remove = remove_vlan,
};

/* ---- the device itself ---- */

static int phys_check(const struct net_network *wanted, struct err *err)
{
	static const struct name none[] = { { NULL, 0 } };

	return check(wanted, none, err);
}

/* It is not there while a container has it. */
static int phys_ensure(const struct network *network, struct netlink_session *host, int *index,
		       struct err *err)
{
	struct netlink_link parent;

	if (find_parent(network, host, &parent, err) < 0)
		return err_hint(err, "a container that has the device gives it back at its end");
	*index = parent.index;
	return 0;
}

static void phys_link(const struct network *network, const struct net_interface_state *state,
		      struct netlink_link_request *request)
{
	(void)network;
	request->name = state->name;
	request->move = true;
}

const struct net_driver phys_driver = {
	.name = "phys",
	.check = phys_check,
	.ensure = phys_ensure,
	.link = phys_link,
};
