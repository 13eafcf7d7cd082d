/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The drivers "macvlan" and "ipvlan": interfaces directly on a device of the host, without the
 * host's forwarding. */
#include <errno.h>
#include <linux/if_link.h>
#include <string.h>

#include "base/err.h"
#include "base/names.h"
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

static int ensure(const struct network *network, struct netlink_session *host, int *index,
		  struct err *err)
{
	struct netlink_link parent;
	int found = host->ops->find_link(host->socket, network->spec.parent, &parent, err);

	if (found < 0)
		return -1;
	if (!found)
		return err_set(err, ENODEV, "set up network %s: the host has no device %s",
			       network->spec.name, network->spec.parent);
	*index = parent.index;
	return 0;
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
};

const struct net_driver ipvlan_driver = {
	.name = "ipvlan",
	.check = ipvlan_check,
	.ensure = ensure,
	.link = ipvlan_link,
};
