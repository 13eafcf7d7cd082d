/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plug-in "nftables": the table `inet masu` through libnftnl. */
/* link: -lnftnl -lmnl */
/* with: net/ip.c net/nftables/batch.c net/nftables/table.c */
/* with: net/nftables/element.c net/nftables/conntrack.c */
#include "net/nftables/table.h"

#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "net/nftables/conntrack.h"

/*
 * Closing an nf_tables socket waits until what anybody removed before is really freed: 15 to 35 ms,
 * at exit too. Let the kernel close it in the background: a unix socket whose only reference is in
 * its own queue is garbage, and what lies in the queue with it goes along. Since 6.10 a kernel
 * thread collects it; before, closing just waits as it would have anyway.
 */
static void hand_over(int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(2 * sizeof(int)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };

	char nothing = 0;
	struct iovec byte = { &nothing, 1 };
	struct msghdr message = { .msg_iov = &byte,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) < 0)
		return;
	const int sent[] = { pair[1], fd };

	memcpy(CMSG_DATA(&control.header), sent, sizeof(sent));
	sendmsg(pair[0], &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(pair[0]);
	close(pair[1]);
}

static void firewall_end(struct firewall *firewall)
{
	if (firewall->socket && firewall->removed)
		hand_over(mnl_socket_get_fd(firewall->socket));
	if (firewall->socket)
		mnl_socket_close(firewall->socket);
	free(firewall);
}

static struct firewall *firewall_begin(struct err *err)
{
	struct firewall *firewall = calloc(1, sizeof(*firewall));

	if (firewall)
		firewall->socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!firewall || !firewall->socket ||
	    mnl_socket_bind(firewall->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		err_sys(err, "open nf_tables socket");
		if (firewall)
			firewall_end(firewall);
		return NULL;
	}
	return firewall;
}

/* ENOENT is an answer, not a failure. */
static int is_there(struct firewall *firewall, struct nlmsghdr *request, struct err *err)
{
	int code = table_ask(firewall, request, NULL, NULL);

	if (!code || code == ENOENT)
		return !code;
	errno = code;
	return err_sys(err, "look up firewall table %s", FIREWALL_TABLE);
}

static int has_table(struct firewall *firewall, struct err *err)
{
	char buffer[512];
	struct nftnl_table *table = nftnl_table_alloc();
	struct nlmsghdr *request =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETTABLE, NFPROTO_INET, NLM_F_ACK, 0);

	if (!table)
		return err_sys(err, "look up firewall table");
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, FIREWALL_TABLE);
	nftnl_table_nlmsg_build_payload(request, table);
	nftnl_table_free(table);
	return is_there(firewall, request, err);
}

static int has_network(struct firewall *firewall, const char *bridge, struct err *err)
{
	char buffer[512], name[CHAIN_NAME_MAX];
	struct nftnl_chain *chain = nftnl_chain_alloc();
	struct nlmsghdr *request =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETCHAIN, NFPROTO_INET, NLM_F_ACK, 0);

	if (!chain)
		return err_sys(err, "look up firewall chain");
	table_chain_name("in", bridge, name);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, FIREWALL_TABLE);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
	nftnl_chain_nlmsg_build_payload(request, chain);
	nftnl_chain_free(chain);
	return is_there(firewall, request, err);
}

static int add(struct firewall *firewall, const struct firewall_change *change, struct err *err)
{
	int present = change->network_count ? has_table(firewall, err) : 1;
	struct batch batch;

	if (present < 0 || batch_begin(firewall, &batch, err) < 0)
		return -1;
	if (!present)
		table_add(&batch);
	for (size_t i = 0; i < change->network_count; i++)
		table_add_network(&batch, &change->networks[i]);
	element_add_ports(&batch, change->ports, change->port_count);
	return batch_send(firewall, &batch, "add to firewall table " FIREWALL_TABLE, err);
}

static int replace(struct firewall *firewall, const struct firewall_change *change, struct err *err)
{
	struct batch batch;

	firewall->removed = true;
	if (batch_begin(firewall, &batch, err) < 0)
		return -1;
	table_remove(&batch);
	table_add(&batch);
	for (size_t i = 0; i < change->network_count; i++)
		table_add_network(&batch, &change->networks[i]);
	element_add_ports(&batch, change->ports, change->port_count);
	return batch_send(firewall, &batch, "replace firewall table " FIREWALL_TABLE, err);
}

/* ---- chains of others ---- */

struct rivals {
	void (*visit)(const struct firewall_rival *rival, void *data);
	void *data;
};

static int take_chain(const struct nlmsghdr *message, void *data)
{
	struct rivals *rivals = data;
	struct nftnl_chain *chain = nftnl_chain_alloc();
	uint32_t family;

	if (!chain)
		return MNL_CB_ERROR;
	if (nftnl_chain_nlmsg_parse(message, chain) == 0 &&
	    nftnl_chain_is_set(chain, NFTNL_CHAIN_HOOKNUM) &&
	    nftnl_chain_get_u32(chain, NFTNL_CHAIN_HOOKNUM) == NF_INET_FORWARD &&
	    nftnl_chain_get_u32(chain, NFTNL_CHAIN_POLICY) == NF_DROP) {
		family = nftnl_chain_get_u32(chain, NFTNL_CHAIN_FAMILY);
		const struct firewall_rival rival = {
			.family = family == NFPROTO_IPV4   ? "ip"
				  : family == NFPROTO_IPV6 ? "ip6"
							   : "inet",
			.table = nftnl_chain_get_str(chain, NFTNL_CHAIN_TABLE),
			.chain = nftnl_chain_get_str(chain, NFTNL_CHAIN_NAME),
		};

		if (family == NFPROTO_IPV4 || family == NFPROTO_IPV6 || family == NFPROTO_INET)
			rivals->visit(&rival, rivals->data);
	}
	nftnl_chain_free(chain);
	return MNL_CB_OK;
}

static int each_rival(struct firewall *firewall,
		      void (*visit)(const struct firewall_rival *rival, void *data), void *data,
		      struct err *err)
{
	struct rivals rivals = { visit, data };
	char buffer[512];
	struct nlmsghdr *request =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC, NLM_F_DUMP, 0);
	int code = table_ask(firewall, request, take_chain, &rivals);

	if (!code)
		return 0;
	errno = code;
	return err_sys(err, "list firewall chains");
}

/* Kernels before 6.3 cannot ignore a missing element, and one missing element spoils a batch: one
 * batch for each. */
static int remove_singly(struct firewall *firewall, const struct firewall_change *change,
			 struct err *err)
{
	struct err reason;
	struct batch batch;

	for (size_t i = 0; i < change->port_count; i++) {
		if (batch_begin(firewall, &batch, err) < 0)
			return -1;
		element_remove_ports(&batch, NFT_MSG_DELSETELEM, &change->ports[i], 1);
		if (batch_send(firewall, &batch, "remove from firewall table " FIREWALL_TABLE,
			       &reason) < 0 &&
		    reason.code != ENOENT) {
			if (err)
				*err = reason;
			return -1;
		}
	}
	return 0;
}

static int remove_ports(struct firewall *firewall, const struct firewall_change *change,
			struct err *err)
{
	struct err reason;
	struct batch batch;

	if (batch_begin(firewall, &batch, err) < 0)
		return -1;
	element_remove_ports(&batch, DESTROY_ELEMENT, change->ports, change->port_count);
	if (batch_send(firewall, &batch, "remove from firewall table " FIREWALL_TABLE, &reason) ==
		    0 ||
	    reason.code == ENOENT) /* the whole table has gone */
		return 0;
	return remove_singly(firewall, change, err);
}

static int remove_all(struct firewall *firewall, const struct firewall_change *change,
		      struct err *err)
{
	struct batch batch;
	int present = 0;

	firewall->removed = true;
	if (change->port_count && remove_ports(firewall, change, err) < 0)
		return -1;
	for (size_t i = 0; i < change->network_count; i++) {
		present = has_network(firewall, change->networks[i].bridge, err);
		if (present < 0 || (present && batch_begin(firewall, &batch, err) < 0))
			return -1;
		if (!present)
			continue;
		table_remove_network(&batch, &change->networks[i]);
		if (batch_send(firewall, &batch, "remove from firewall table " FIREWALL_TABLE,
			       err) < 0)
			return -1;
	}
	return 0;
}

extern const struct firewall_ops masu_plugin_nftables;
__attribute__((visibility("default"))) const struct firewall_ops masu_plugin_nftables = {
	.open = firewall_begin,
	.close = firewall_end,
	.has_network = has_network,
	.add = add,
	.remove = remove_all,
	.replace = replace,
	.forget = conntrack_forget,
	.sweep = element_sweep,
	.each_rival = each_rival,
};
