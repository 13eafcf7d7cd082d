/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside the plug-in "netlink": the socket with its buffer, and how a refusal becomes a sentence.
 */
#pragma once

#include <libmnl/libmnl.h>
#include <stdint.h>

#include "net/netlink.h"

enum {
	SOCKET_BUFFER = 32768, /* what the kernel fills at most in one answer to a dump */
};

struct netlink {
	struct mnl_socket *socket;
	uint32_t sequence; /* of the message sent last */
	char buffer[SOCKET_BUFFER];
};

/* The kernel's own words about a refusal (extended acknowledgement), or NULL. */
const char *socket_reason(const struct nlmsghdr *message);

/* ---- shape.c: what NETLINK_ADD_BUCKET, _INGRESS and _REDIRECT look like ---- */

void shape_build_bucket(struct nlmsghdr *message, const struct netlink_shape *shape);
void shape_build_ingress(struct nlmsghdr *message, const struct netlink_shape *shape);
void shape_build_redirect(struct nlmsghdr *message, const struct netlink_shape *shape);

/* The requests behind netlink_ops. */
int batch_run(struct netlink *socket, struct netlink_request *requests, size_t count,
	      struct err *err);
int dump_find_link(struct netlink *socket, const char *name, struct netlink_link *link,
		   struct err *err);
int dump_links(struct netlink *socket, netlink_visit_link *visit, void *data, struct err *err);
int dump_addresses(struct netlink *socket, int index, netlink_visit_address *visit, void *data,
		   struct err *err);
int dump_routes(struct netlink *socket, netlink_visit_route *visit, void *data, struct err *err);

/* Fill `link` from an RTM_NEWLINK message. */
void dump_parse_link(const struct nlmsghdr *message, struct netlink_link *link);
