/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Forgetting udp flows: a sender that never pauses would be led to the previous container for ever.
 */
#include "net/nftables/conntrack.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

#include "base/err.h"

/* Which parts of the given tuple a flow must match: bits of ctnetlink_filter (5.8), not in any
 * header. */
enum {
	FILTER_PROTOCOL = 1 << 3,
	FILTER_TARGET_PORT = 1 << 5,
};

static struct nlmsghdr *build(char *buffer, const struct firewall_port *port, unsigned int number)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header;

	message->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	header = mnl_nlmsg_put_extra_header(message, sizeof(*header));
	header->nfgen_family = (uint8_t)port->address.family;
	header->version = NFNETLINK_V0;
	struct nlattr *tuple = mnl_attr_nest_start(message, CTA_TUPLE_ORIG);
	struct nlattr *protocol = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);

	mnl_attr_put_u8(message, CTA_PROTO_NUM, (uint8_t)port->protocol);
	mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons((uint16_t)number));
	mnl_attr_nest_end(message, protocol);
	mnl_attr_nest_end(message, tuple);
	struct nlattr *filter = mnl_attr_nest_start(message, CTA_FILTER);

	mnl_attr_put_u32(message, CTA_FILTER_ORIG_FLAGS, FILTER_PROTOCOL | FILTER_TARGET_PORT);
	mnl_attr_put_u32(message, CTA_FILTER_REPLY_FLAGS, 0);
	mnl_attr_nest_end(message, filter);
	return message;
}

int conntrack_forget(struct firewall *firewall, const struct firewall_port *ports, size_t count,
		     struct err *err)
{
	char buffer[512];

	for (size_t i = 0; i < count; i++) {
		if (ports[i].protocol != IPPROTO_UDP)
			continue;
		for (unsigned int at = ports[i].first; at <= ports[i].last; at++) {
			int code = table_ask(firewall, build(buffer, &ports[i], at), NULL, NULL);

			if (!code || code == ENOENT)
				continue;
			errno = code;
			return err_sys(err, "forget flows to udp port %u", at);
		}
	}
	return 0;
}
