/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The links of a container: made in one exchange with the kernel, then limited where the spec says
 * so. */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "net/attach.h"

/* What has to live in memory until a batch is sent. */
struct link_texts {
	uint8_t mac[6], peer_mac[6];
	char alias[NET_LINK_ALIAS_MAX]; /* the kernel takes it only for a link that exists */
};

static int describe_veth(const struct attachment *attach, size_t at, struct link_texts *texts,
			 struct netlink_link_request *link)
{
	/* fe: higher than any other, so that a bridge of somebody else does not take it for its own
	 */
	memcpy(texts->mac, texts->peer_mac, 6);
	texts->mac[0] = 0xfe;
	texts->mac[1] ^= 0xff; /* and never the other end's own */
	net_link_alias(attach->state, interface_at(attach->state, at), texts->alias);
	link->master = attach->devices[at];
	link->group = NET_LINK_GROUP;
	link->mac = texts->mac;
	link->peer_mac = texts->peer_mac;
	return 0;
}

static int describe_link(const struct attachment *attach, size_t at, struct link_texts *texts,
			 struct netlink_request *request, struct err *err)
{
	const struct net_interface_state *interface = interface_at(attach->state, at);
	const struct network *network = &attach->networks[at];
	struct netlink_link_request *link = &request->link;

	if (interface->mac && !net_parse_mac(interface->mac, texts->peer_mac))
		return err_set(err, ERR_INPUT, "read state: mac \"%s\" is not valid",
			       interface->mac);
	*request = (struct netlink_request){ .verb = NETLINK_ADD_LINK };
	link->mtu = interface->mtu;
	link->peer_netns = attach->netns;
	link->netns = attach->netns;
	net_driver_find(network->spec.driver)->link(network, interface, link);
	if (!link->move)
		return describe_veth(attach, at, texts, link);
	if (!link->kind) { /* a device that the host has had before */
		request->verb = NETLINK_SET_LINK;
		link->index = attach->devices[at];
		link->mac = interface->mac ? texts->peer_mac : NULL;
		return 0;
	}
	/* one end only, born inside */
	link->parent = attach->devices[at];
	link->mac = strcmp(link->kind, "ipvlan") == 0 ? NULL : texts->peer_mac;
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

int attach_make_links(struct attachment *attach, struct err *err)
{
	struct netlink_request requests[3 * NET_INTERFACES_MAX];
	struct link_texts texts[NET_INTERFACES_MAX];
	size_t first = attach->first, last = attach->state->interfaces.count, all = last - first;

	for (size_t i = first; i < last; i++) {
		if (describe_link(attach, i, &texts[i], &requests[i - first], err) < 0)
			return -1;
	}
	for (size_t i = first; i < last; i++)
		all += describe_port(attach, i, &texts[i], &requests[all]);
	if (attach->host.ops->run(attach->host.socket, requests, all, err) < 0)
		return -1;
	for (size_t i = first; i < last; i++) {
		const struct netlink_link_request *made = &requests[i - first].link;

		attach->links[i] = made->peer_index;
		attach->ends[i] = made->index;
		if (made->move && find_link(attach, i, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- bandwidth ---- */

enum {
	BURST_MS = 10,          /* so much of the rate at once, */
	BURST_LEAST = 64 << 10, /* and at least one of the large packets that veth passes whole */
};

static struct netlink_request bucket(int index, const char *name, uint64_t rate, unsigned int burst)
{
	uint64_t chosen = rate * BURST_MS / 1000;

	if (chosen < BURST_LEAST)
		chosen = BURST_LEAST;
	if (burst)
		chosen = burst;
	return (struct netlink_request){
		.verb = NETLINK_ADD_BUCKET,
		.shape = { .index = index,
			   .name = name,
			   .rate = rate,
			   .burst = chosen > UINT32_MAX ? UINT32_MAX : (uint32_t)chosen },
	};
}

/*
 * What the host's end receives has to pass a link that can make it wait. That one (ifb) does not go
 * when the container's namespace does: net_detach() removes it.
 */
static int shape_egress(struct attachment *attach, size_t at, struct err *err)
{
	const struct net_interface_state *state = interface_at(attach->state, at);
	struct netlink_session *host = &attach->host;
	char name[IFNAMSIZ], alias[NET_LINK_ALIAS_MAX];

	net_shaper_name(state, name);
	net_link_alias(attach->state, state, alias);
	struct netlink_request make = {
		.verb = NETLINK_ADD_LINK,
		.link = { .name = name, .kind = "ifb", .group = NET_LINK_GROUP, .mtu = state->mtu },
	};

	if (host->ops->run(host->socket, &make, 1, err) < 0)
		return -1;
	const struct netlink_shape from = { .index = attach->ends[at],
					    .name = state->host_name,
					    .to = make.link.index };
	struct netlink_request requests[] = {
		bucket(from.to, name, state->egress.value, state->burst),
		{ .verb = NETLINK_SET_LINK,
		  .link = { .index = from.to, .name = name, .alias = alias, .up = true } },
		{ .verb = NETLINK_ADD_INGRESS, .shape = from },
		{ .verb = NETLINK_ADD_REDIRECT, .shape = from },
	};

	return host->ops->run(host->socket, requests, sizeof(requests) / sizeof(*requests), err);
}

int attach_shape_links(struct attachment *attach, struct err *err)
{
	struct netlink_session *host = &attach->host;

	for (size_t i = attach->first; i < attach->state->interfaces.count; i++) {
		const struct net_interface_state *state = interface_at(attach->state, i);

		/* what the host's end sends is what the container receives */
		struct netlink_request ingress = bucket(attach->ends[i], state->host_name,
							state->ingress.value, state->burst);

		if (state->ingress.set && host->ops->run(host->socket, &ingress, 1, err) < 0)
			return -1;
		if (state->egress.set && shape_egress(attach, i, err) < 0)
			return -1;
	}
	return 0;
}
