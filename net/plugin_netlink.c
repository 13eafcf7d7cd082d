/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plug-in "netlink": rtnetlink sockets through libmnl. */
/* link: -lmnl */
/* with: net/ip.c net/netlink/batch.c net/netlink/dump.c net/netlink/shape.c */
#include "net/netlink/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/err.h"

/* A socket belongs to the namespace in which it is made: the calling thread alone steps in and out
 * again. */
static struct mnl_socket *open_inside(int netns, struct err *err)
{
	auto_close int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0 || setns(netns, CLONE_NEWNET) < 0) {
		err_sys(err, "enter network namespace");
		return NULL;
	}
	struct mnl_socket *made = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (!made)
		err_sys(err, "open rtnetlink socket");
	if (setns(home, CLONE_NEWNET) < 0) {
		err_sys(err, "return to own network namespace");
		if (made)
			mnl_socket_close(made);
		return NULL;
	}
	return made;
}

static void socket_close(struct netlink *socket)
{
	if (socket->socket)
		mnl_socket_close(socket->socket);
	free(socket);
}

static struct netlink *socket_open(int netns, struct err *err)
{
	struct netlink *opened = calloc(1, sizeof(*opened));
	int on = 1;

	if (!opened) {
		err_sys(err, "open rtnetlink socket");
		return NULL;
	}
	if (netns >= 0) {
		opened->socket = open_inside(netns, err);
	} else {
		opened->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
		if (!opened->socket)
			err_sys(err, "open rtnetlink socket");
	}
	if (!opened->socket || mnl_socket_bind(opened->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		if (opened->socket)
			err_sys(err, "bind rtnetlink socket");
		socket_close(opened);
		return NULL;
	}
	/* better reasons, short refusals, dumps filtered in the kernel; only the last needs more
	 * than 4.12 (4.20) */
	mnl_socket_setsockopt(opened->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(opened->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(opened->socket, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	return opened;
}

const char *socket_reason(const struct nlmsghdr *message)
{
	const struct nlmsgerr *refusal = mnl_nlmsg_get_payload(message);
	size_t skip = sizeof(*refusal);
	const struct nlattr *attr;

	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(message->nlmsg_flags & NLM_F_CAPPED))
		skip += refusal->msg.nlmsg_len - sizeof(refusal->msg);
	mnl_attr_for_each(attr, message, skip)
	{
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			return mnl_attr_get_str(attr);
	}
	return NULL;
}

extern const struct netlink_ops masu_plugin_netlink;
__attribute__((visibility("default"))) const struct netlink_ops masu_plugin_netlink = {
	.open = socket_open,
	.close = socket_close,
	.run = batch_run,
	.find_link = dump_find_link,
	.each_link = dump_links,
	.each_address = dump_addresses,
	.each_route = dump_routes,
};
