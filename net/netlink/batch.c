/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests as rtnetlink messages: many in one sendmsg, only the last asks for an answer. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "net/netlink/socket.h"

enum {
	REQUEST_MAX = 1024, /* more than the longest message that we build */
};

static void put_address(struct nlmsghdr *message, uint16_t type, const struct ip_address *address)
{
	if (address->family)
		mnl_attr_put(message, type, ip_size(address->family), address->bytes);
}

/* The attributes that both ends of a veth pair can have. */
static void put_end(struct nlmsghdr *message, const char *name, unsigned int mtu,
		    const uint8_t *mac)
{
	if (name)
		mnl_attr_put_strz(message, IFLA_IFNAME, name);
	if (mtu)
		mnl_attr_put_u32(message, IFLA_MTU, mtu);
	if (mac)
		mnl_attr_put(message, IFLA_ADDRESS, 6, mac);
}

static void put_peer(struct nlmsghdr *message, const struct netlink_link_request *link)
{
	struct nlattr *peer = mnl_attr_nest_start(message, VETH_INFO_PEER);

	mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
	put_end(message, link->peer_name, link->mtu, link->peer_mac);
	mnl_attr_put_u32(message, IFLA_NET_NS_FD, (uint32_t)link->peer_netns);
	mnl_attr_nest_end(message, peer);
}

static void put_kind(struct nlmsghdr *message, const struct netlink_link_request *link)
{
	struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);

	mnl_attr_put_strz(message, IFLA_INFO_KIND, link->kind);
	struct nlattr *data = mnl_attr_nest_start(message, IFLA_INFO_DATA);

	if (strcmp(link->kind, "veth") == 0)
		put_peer(message, link);
	else if (strcmp(link->kind, "macvlan") == 0)
		mnl_attr_put_u32(message, IFLA_MACVLAN_MODE, link->mode);
	else if (strcmp(link->kind, "ipvlan") == 0)
		mnl_attr_put_u16(message, IFLA_IPVLAN_MODE, (uint16_t)link->mode);
	else if (strcmp(link->kind, "vlan") == 0)
		mnl_attr_put_u16(message, IFLA_VLAN_ID, (uint16_t)link->vlan);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, info);
}

/* IPv6 makes an address of its own for every link that comes up, and asks all neighbours about it.
 */
static void put_quiet(struct nlmsghdr *message)
{
	struct nlattr *inet6 = mnl_attr_nest_start(message, AF_INET6);

	mnl_attr_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(message, inet6);
}

/* What /proc/sys/net/ipv4/conf/LINK/arp_notify is. */
static void put_announce(struct nlmsghdr *message)
{
	struct nlattr *inet = mnl_attr_nest_start(message, AF_INET);
	struct nlattr *settings = mnl_attr_nest_start(message, IFLA_INET_CONF);

	mnl_attr_put_u32(message, IPV4_DEVCONF_ARP_NOTIFY, 1);
	mnl_attr_nest_end(message, settings);
	mnl_attr_nest_end(message, inet);
}

static void put_families(struct nlmsghdr *message, const struct netlink_link_request *link)
{
	struct nlattr *families = mnl_attr_nest_start(message, IFLA_AF_SPEC);

	if (link->quiet)
		put_quiet(message);
	if (link->announce)
		put_announce(message);
	mnl_attr_nest_end(message, families);
}

static void build_link(struct nlmsghdr *message, const struct netlink_link_request *link)
{
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	header->ifi_index = link->index;
	if (link->up) {
		header->ifi_flags = IFF_UP;
		header->ifi_change = IFF_UP;
	}
	put_end(message, link->name, link->mtu, link->mac);
	if (link->master)
		mnl_attr_put_u32(message, IFLA_MASTER, (uint32_t)link->master);
	if (link->parent)
		mnl_attr_put_u32(message, IFLA_LINK, (uint32_t)link->parent);
	if (link->group)
		mnl_attr_put_u32(message, IFLA_GROUP, link->group);
	if (link->alias)
		mnl_attr_put_strz(message, IFLA_IFALIAS, link->alias);
	if (link->move)
		mnl_attr_put_u32(message, IFLA_NET_NS_FD, (uint32_t)link->netns);
	if (link->quiet || link->announce)
		put_families(message, link);
	if (link->kind)
		put_kind(message, link);
}

/* The kernel ignores port flags in the message that makes the link: they need one of their own. */
static void build_port(struct nlmsghdr *message, const struct netlink_link_request *link)
{
	struct ifinfomsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	header->ifi_index = link->index;
	if (link->up) {
		header->ifi_flags = IFF_UP;
		header->ifi_change = IFF_UP;
	}
	if (!link->index)
		mnl_attr_put_strz(message, IFLA_IFNAME, link->name);
	struct nlattr *info = mnl_attr_nest_start(message, IFLA_LINKINFO);

	mnl_attr_put_strz(message, IFLA_INFO_SLAVE_KIND, "bridge");
	struct nlattr *port = mnl_attr_nest_start(message, IFLA_INFO_SLAVE_DATA);

	mnl_attr_put_u8(message, IFLA_BRPORT_MODE, link->hairpin);
	mnl_attr_put_u8(message, IFLA_BRPORT_ISOLATED, link->isolated);
	mnl_attr_nest_end(message, port);
	mnl_attr_nest_end(message, info);
}

static void build_address(struct nlmsghdr *message, const struct netlink_address *address)
{
	struct ifaddrmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	const struct ip_address *local = &address->prefix.address;

	header->ifa_family = (uint8_t)local->family;
	header->ifa_prefixlen = (uint8_t)address->prefix.length;
	header->ifa_scope = (uint8_t)address->scope;
	header->ifa_index = (uint32_t)address->index;
	put_address(message, IFA_LOCAL, local);
	put_address(message, IFA_ADDRESS, address->peer.family ? &address->peer : local);
	put_address(message, IFA_BROADCAST, &address->broadcast);
	if (address->flags)
		mnl_attr_put_u32(message, IFA_FLAGS, address->flags);
}

static void build_route(struct nlmsghdr *message, const struct netlink_route *route)
{
	struct rtmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	header->rtm_family = (uint8_t)route->destination.address.family;
	header->rtm_dst_len = (uint8_t)route->destination.length;
	header->rtm_table = RT_TABLE_UNSPEC;
	header->rtm_protocol = RTPROT_STATIC;
	header->rtm_scope = route->gateway.family ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	header->rtm_type = route->type ? (uint8_t)route->type : RTN_UNICAST;
	header->rtm_flags = route->on_link ? RTNH_F_ONLINK : 0;
	mnl_attr_put_u32(message, RTA_TABLE, route->table ? route->table : RT_TABLE_MAIN);
	if (route->destination.length)
		put_address(message, RTA_DST, &route->destination.address);
	put_address(message, RTA_GATEWAY, &route->gateway);
	if (route->index)
		mnl_attr_put_u32(message, RTA_OIF, (uint32_t)route->index);
	if (route->metric)
		mnl_attr_put_u32(message, RTA_PRIORITY, route->metric);
}

/* How each verb looks on the wire, and what to call it when it fails. */
static const struct {
	uint16_t type;
	uint16_t flags;
	const char *text;
} verbs[] = {
	/* clang-format off */
	[NETLINK_ADD_LINK]    = { RTM_NEWLINK,  NLM_F_CREATE | NLM_F_EXCL | NLM_F_ECHO, "create network link" },
	[NETLINK_SET_LINK]    = { RTM_NEWLINK,  0,                                      "change network link" },
	[NETLINK_SET_PORT]    = { RTM_NEWLINK,  0,                                      "change bridge port" },
	[NETLINK_DELETE_LINK] = { RTM_DELLINK,  0,                                      "delete network link" },
	[NETLINK_ADD_ADDRESS] = { RTM_NEWADDR,  NLM_F_CREATE | NLM_F_EXCL,              "add address" },
	[NETLINK_ADD_ROUTE]   = { RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL,              "add route" },
	[NETLINK_ADD_BUCKET]   = { RTM_NEWQDISC,   NLM_F_CREATE | NLM_F_EXCL,           "limit bandwidth of" },
	[NETLINK_ADD_INGRESS]  = { RTM_NEWQDISC,   NLM_F_CREATE | NLM_F_EXCL,           "limit bandwidth of" },
	[NETLINK_ADD_REDIRECT] = { RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL,           "limit bandwidth of" },
	/* clang-format on */
};

static void build(struct nlmsghdr *message, const struct netlink_request *request)
{
	message->nlmsg_type = verbs[request->verb].type;
	message->nlmsg_flags = NLM_F_REQUEST | verbs[request->verb].flags;
	switch (request->verb) {
	case NETLINK_ADD_LINK:
	case NETLINK_SET_LINK:
	case NETLINK_DELETE_LINK:
		build_link(message, &request->link);
		break;
	case NETLINK_SET_PORT:
		build_port(message, &request->link);
		break;
	case NETLINK_ADD_ADDRESS:
		build_address(message, &request->address);
		break;
	case NETLINK_ADD_ROUTE:
		build_route(message, &request->route);
		break;
	case NETLINK_ADD_BUCKET:
		shape_build_bucket(message, &request->shape);
		break;
	case NETLINK_ADD_INGRESS:
		shape_build_ingress(message, &request->shape);
		break;
	case NETLINK_ADD_REDIRECT:
		shape_build_redirect(message, &request->shape);
		break;
	}
}

/* "add address 10.1.0.2/24: reason": what was refused, with the kernel's own words where it gives
 * some. */
static int refuse(const struct netlink_request *request, int code, const char *reason,
		  struct err *err)
{
	char object[IP_TEXT_MAX] = "";

	if (request->verb == NETLINK_ADD_ADDRESS)
		ip_format_prefix(&request->address.prefix, object);
	else if (request->verb == NETLINK_ADD_ROUTE)
		ip_format_prefix(&request->route.destination, object);
	const char *name =
		request->verb >= NETLINK_ADD_BUCKET ? request->shape.name : request->link.name;

	if (object[0] || !name)
		name = object;

	errno = code;
	if (reason)
		return err_set(err, code, "%s %s: %s (%s)", verbs[request->verb].text, name,
			       strerror(code), reason);
	return err_sys(err, "%s %s", verbs[request->verb].text, name);
}

/* The messages of one sendmsg, and what came back for them. */
struct batch {
	struct netlink_request *requests;
	size_t count;
	uint32_t first; /* sequence number of requests[0] */
	bool done;      /* the last one was answered */
	bool failed;
};

/* One message of the answer: an acknowledgement, a refusal or the echo of a new link. */
static void take_answer(struct batch *batch, const struct nlmsghdr *message, struct err *err)
{
	size_t at = message->nlmsg_seq - batch->first;

	if (at >= batch->count)
		return; /* left over from an earlier, failed exchange */
	if (message->nlmsg_type == RTM_NEWLINK && batch->requests[at].verb == NETLINK_ADD_LINK) {
		struct netlink_link link;

		dump_parse_link(message, &link);
		batch->requests[at].link.index = link.index;
		batch->requests[at].link.peer_index = link.parent;
	}
	if (message->nlmsg_type != NLMSG_ERROR)
		return;
	const struct nlmsgerr *answer = mnl_nlmsg_get_payload(message);

	batch->done |= at == batch->count - 1;
	if (answer->error && !batch->failed) {
		batch->failed = true;
		refuse(&batch->requests[at], -answer->error, socket_reason(message), err);
	}
}

static int receive_answers(struct netlink *socket, struct batch *batch, struct err *err)
{
	while (!batch->done) {
		ssize_t size = mnl_socket_recvfrom(socket->socket, socket->buffer, SOCKET_BUFFER);

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return err_sys(err, "read rtnetlink answer");
		int left = (int)size;
		const struct nlmsghdr *message = (const struct nlmsghdr *)socket->buffer;

		for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
			take_answer(batch, message, err);
	}
	return batch->failed ? -1 : 0;
}

/* Kernels before 6.2 do not echo new links: ask for those. */
static int fill_indexes(struct netlink *socket, struct batch *batch, struct err *err)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct netlink_link_request *made = &batch->requests[i].link;
		struct netlink_link link;

		if (batch->requests[i].verb != NETLINK_ADD_LINK || made->index || made->move)
			continue;
		int found = dump_find_link(socket, made->name, &link, err);

		if (found < 0)
			return -1;
		if (!found)
			return err_set(err, ENODEV, "create network link %s: it has gone again",
				       made->name);
		made->index = link.index;
		made->peer_index = link.parent;
	}
	return 0;
}

int batch_run(struct netlink *socket, struct netlink_request *requests, size_t count,
	      struct err *err)
{
	for (size_t next = 0; next < count;) {
		struct batch batch = { .requests = requests + next, .first = socket->sequence + 1 };
		struct nlmsghdr *message;
		size_t used = 0;

		do {
			message = mnl_nlmsg_put_header(socket->buffer + used);
			build(message, &requests[next++]);
			message->nlmsg_seq = ++socket->sequence;
			used += MNL_ALIGN(message->nlmsg_len);
			batch.count++;
		} while (next < count && used + REQUEST_MAX <= SOCKET_BUFFER);
		message->nlmsg_flags |= NLM_F_ACK;
		if (mnl_socket_sendto(socket->socket, socket->buffer, used) < 0)
			return err_sys(err, "send rtnetlink request");
		if (receive_answers(socket, &batch, err) < 0 ||
		    fill_indexes(socket, &batch, err) < 0)
			return -1;
	}
	return 0;
}
