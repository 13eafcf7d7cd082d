/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looking links, addresses and routes up, and walking over all of them. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/err.h"
#include "net/netlink/socket.h"

static void copy_text(char *to, size_t size, const struct nlattr *attr)
{
	size_t length = mnl_attr_get_payload_len(attr);

	if (length >= size)
		length = size - 1;
	memcpy(to, mnl_attr_get_payload(attr), length);
	to[length] = '\0';
}

static void parse_kind(const struct nlattr *info, struct netlink_link *link)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, info)
	{
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
			copy_text(link->kind, sizeof(link->kind), attr);
	}
}

void dump_parse_link(const struct nlmsghdr *message, struct netlink_link *link)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	*link = (struct netlink_link){ .index = header->ifi_index, .flags = header->ifi_flags };
	mnl_attr_for_each(attr, message, sizeof(*header))
	{
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			copy_text(link->name, sizeof(link->name), attr);
			break;
		case IFLA_IFALIAS:
			copy_text(link->alias, sizeof(link->alias), attr);
			break;
		case IFLA_MTU:
			link->mtu = mnl_attr_get_u32(attr);
			break;
		case IFLA_GROUP:
			link->group = mnl_attr_get_u32(attr);
			break;
		case IFLA_MASTER:
			link->master = (int)mnl_attr_get_u32(attr);
			break;
		case IFLA_LINK:
			link->parent = (int)mnl_attr_get_u32(attr);
			break;
		case IFLA_ADDRESS:
			if (mnl_attr_get_payload_len(attr) == sizeof(link->mac))
				memcpy(link->mac, mnl_attr_get_payload(attr), sizeof(link->mac));
			break;
		case IFLA_LINKINFO:
			parse_kind(attr, link);
			break;
		}
	}
}

static struct ip_address parse_ip(int family, const struct nlattr *attr)
{
	struct ip_address address = { .family = family };

	if (mnl_attr_get_payload_len(attr) == ip_size(family))
		memcpy(address.bytes, mnl_attr_get_payload(attr), ip_size(family));
	return address;
}

static void parse_address(const struct nlmsghdr *message, struct netlink_address *address)
{
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);
	struct ip_address local = { 0 }, peer = { 0 };
	const struct nlattr *attr;

	*address = (struct netlink_address){ .index = (int)header->ifa_index,
					     .flags = header->ifa_flags,
					     .scope = header->ifa_scope };
	mnl_attr_for_each(attr, message, sizeof(*header))
	{
		switch (mnl_attr_get_type(attr)) {
		case IFA_LOCAL:
			local = parse_ip(header->ifa_family, attr);
			break;
		case IFA_ADDRESS:
			peer = parse_ip(header->ifa_family, attr);
			break;
		case IFA_BROADCAST:
			address->broadcast = parse_ip(header->ifa_family, attr);
			break;
		case IFA_FLAGS:
			address->flags = mnl_attr_get_u32(attr);
			break;
		}
	}
	/* IPv6 sends IFA_LOCAL only for point-to-point addresses; IPv4 sends both always */
	address->prefix.address = local.family ? local : peer;
	address->prefix.length = header->ifa_prefixlen;
	if (local.family && peer.family && !ip_equal(&local, &peer))
		address->peer = peer;
}

static void parse_route(const struct nlmsghdr *message, struct netlink_route *route)
{
	const struct rtmsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	*route = (struct netlink_route){ .table = header->rtm_table, .type = header->rtm_type };
	route->destination.address.family = header->rtm_family;
	route->destination.length = header->rtm_dst_len;
	mnl_attr_for_each(attr, message, sizeof(*header))
	{
		switch (mnl_attr_get_type(attr)) {
		case RTA_DST:
			route->destination.address = parse_ip(header->rtm_family, attr);
			break;
		case RTA_GATEWAY:
			route->gateway = parse_ip(header->rtm_family, attr);
			break;
		case RTA_OIF:
			route->index = (int)mnl_attr_get_u32(attr);
			break;
		case RTA_PRIORITY:
			route->metric = mnl_attr_get_u32(attr);
			break;
		case RTA_TABLE:
			route->table = mnl_attr_get_u32(attr);
			break;
		}
	}
}

/* What a walk hands to its caller, by the kind of message. */
struct walk {
	netlink_visit_link *link;
	netlink_visit_address *address;
	netlink_visit_route *route;
	int index; /* addresses of this link only; 0: all */
	void *data;
	struct err *err;
};

static int visit(const struct nlmsghdr *message, const struct walk *walk)
{
	if (message->nlmsg_type == RTM_NEWLINK && walk->link) {
		struct netlink_link link;

		dump_parse_link(message, &link);
		return walk->link(&link, walk->data, walk->err);
	}
	if (message->nlmsg_type == RTM_NEWADDR && walk->address) {
		struct netlink_address address;

		parse_address(message, &address);
		if (walk->index && walk->index != address.index)
			return 0;
		return walk->address(&address, walk->data, walk->err);
	}
	if (message->nlmsg_type == RTM_NEWROUTE && walk->route) {
		struct netlink_route route;

		parse_route(message, &route);
		if (route.destination.address.family != AF_INET &&
		    route.destination.address.family != AF_INET6)
			return 0;
		return walk->route(&route, walk->data, walk->err);
	}
	return 0;
}

/*
 * Send the request in the buffer and walk over its answer. The rest is read (and dropped) even when
 * a visitor fails, so that the socket stays usable. Returns 0, -1 with the record filled, or the
 * kernel's errno value when it refused.
 */
static int exchange(struct netlink *socket, struct nlmsghdr *request, const struct walk *walk)
{
	bool dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	int result = 0;

	request->nlmsg_seq = ++socket->sequence;
	if (mnl_socket_sendto(socket->socket, request, request->nlmsg_len) < 0)
		return err_sys(walk->err, "send rtnetlink request");
	for (;;) {
		ssize_t size = mnl_socket_recvfrom(socket->socket, socket->buffer, SOCKET_BUFFER);

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return err_sys(walk->err, "read rtnetlink answer");
		int left = (int)size;
		const struct nlmsghdr *message = (const struct nlmsghdr *)socket->buffer;

		for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
			if (message->nlmsg_seq != socket->sequence)
				continue;
			if (message->nlmsg_type == NLMSG_DONE)
				return result;
			if (message->nlmsg_type == NLMSG_ERROR) {
				const struct nlmsgerr *answer = mnl_nlmsg_get_payload(message);

				return result ? result : -answer->error;
			}
			if (!result)
				result = visit(message, walk);
			if (!dump)
				return result;
		}
	}
}

static int walk_all(struct netlink *socket, struct nlmsghdr *request, const struct walk *walk,
		    const char *what)
{
	int result;

	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	result = exchange(socket, request, walk);
	if (result <= 0)
		return result;
	errno = result;
	return err_sys(walk->err, "list %s", what);
}

static int keep_link(const struct netlink_link *link, void *data, struct err *err)
{
	(void)err;
	*(struct netlink_link *)data = *link;
	return 0;
}

int dump_find_link(struct netlink *socket, const char *name, struct netlink_link *link,
		   struct err *err)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(socket->buffer);
	const struct walk walk = { .link = keep_link, .data = link, .err = err };

	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_REQUEST;
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(request, IFLA_IFNAME, name);
	int result = exchange(socket, request, &walk);

	if (result == ENODEV)
		return 0;
	if (result > 0) {
		errno = result;
		return err_sys(err, "look up network link %s", name);
	}
	return result < 0 ? -1 : 1;
}

int dump_links(struct netlink *socket, netlink_visit_link *visitor, void *data, struct err *err)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(socket->buffer);
	const struct walk walk = { .link = visitor, .data = data, .err = err };

	request->nlmsg_type = RTM_GETLINK;
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	return walk_all(socket, request, &walk, "network links");
}

int dump_addresses(struct netlink *socket, int index, netlink_visit_address *visitor, void *data,
		   struct err *err)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(socket->buffer);
	const struct walk walk = { .address = visitor, .index = index, .data = data, .err = err };
	struct ifaddrmsg *header;

	request->nlmsg_type = RTM_GETADDR;
	header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	header->ifa_index = (uint32_t)index;
	return walk_all(socket, request, &walk, "addresses");
}

int dump_routes(struct netlink *socket, netlink_visit_route *visitor, void *data, struct err *err)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(socket->buffer);
	const struct walk walk = { .route = visitor, .data = data, .err = err };

	request->nlmsg_type = RTM_GETROUTE;
	mnl_nlmsg_put_extra_header(request, sizeof(struct rtmsg));
	return walk_all(socket, request, &walk, "routes");
}
