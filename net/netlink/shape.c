/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Traffic control as rtnetlink messages: a token bucket on a link, and the way of all that a link
 * receives through another one. */
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>

#include "net/netlink/socket.h"

enum {
	QUEUE_MS = 25, /* what waits at most: more only makes every packet late */
	FILTER_PRIORITY = 1,
	MAIN_HANDLE = 1 << 16, /* 1:0 */
};

#define INGRESS_HANDLE 0xffff0000U

static struct tcmsg *put_header(struct nlmsghdr *message, const struct netlink_shape *shape,
				const char *kind)
{
	struct tcmsg *header = mnl_nlmsg_put_extra_header(message, sizeof(*header));

	header->tcm_ifindex = shape->index;
	mnl_attr_put_strz(message, TCA_KIND, kind);
	return header;
}

/* sch_tbf.c: with a link layer and a burst in bytes it needs none of the old tables of times. */
void shape_build_bucket(struct nlmsghdr *message, const struct netlink_shape *shape)
{
	struct tcmsg *header = put_header(message, shape, "tbf");
	uint64_t queue = shape->rate * QUEUE_MS / 1000 + shape->burst;
	struct tc_tbf_qopt bucket = {
		.rate = { .rate = shape->rate > UINT32_MAX ? UINT32_MAX : (uint32_t)shape->rate,
			  .linklayer = TC_LINKLAYER_ETHERNET },
		.limit = queue > UINT32_MAX ? UINT32_MAX : (uint32_t)queue,
	};

	header->tcm_parent = TC_H_ROOT;
	header->tcm_handle = MAIN_HANDLE;
	struct nlattr *options = mnl_attr_nest_start(message, TCA_OPTIONS);

	mnl_attr_put(message, TCA_TBF_PARMS, sizeof(bucket), &bucket);
	mnl_attr_put_u32(message, TCA_TBF_BURST, shape->burst);
	if (shape->rate > UINT32_MAX)
		mnl_attr_put_u64(message, TCA_TBF_RATE64, shape->rate);
	mnl_attr_nest_end(message, options);
}

void shape_build_ingress(struct nlmsghdr *message, const struct netlink_shape *shape)
{
	struct tcmsg *header = put_header(message, shape, "ingress");

	header->tcm_parent = TC_H_INGRESS;
	header->tcm_handle = INGRESS_HANDLE;
}

static void put_mirror(struct nlmsghdr *message, int to)
{
	const struct tc_mirred mirror = { .action = TC_ACT_STOLEN,
					  .eaction = TCA_EGRESS_REDIR,
					  .ifindex = (uint32_t)to };
	struct nlattr *actions = mnl_attr_nest_start(message, TCA_U32_ACT);
	struct nlattr *first = mnl_attr_nest_start(message, 1);

	mnl_attr_put_strz(message, TCA_ACT_KIND, "mirred");
	struct nlattr *options = mnl_attr_nest_start(message, TCA_ACT_OPTIONS);

	mnl_attr_put(message, TCA_MIRRED_PARMS, sizeof(mirror), &mirror);
	mnl_attr_nest_end(message, options);
	mnl_attr_nest_end(message, first);
	mnl_attr_nest_end(message, actions);
}

/* A filter that everything matches: one key whose mask is empty. */
void shape_build_redirect(struct nlmsghdr *message, const struct netlink_shape *shape)
{
	struct tcmsg *header = put_header(message, shape, "u32");

	/* the selector ends in its list of keys */
	union {
		struct tc_u32_sel select;
		char bytes[sizeof(struct tc_u32_sel) + sizeof(struct tc_u32_key)];
	} all = { .bytes = { 0 } };

	all.select.flags = TC_U32_TERMINAL;
	all.select.nkeys = 1;
	header->tcm_parent = INGRESS_HANDLE;
	header->tcm_info = TC_H_MAKE(FILTER_PRIORITY << 16, htons(ETH_P_ALL));
	struct nlattr *options = mnl_attr_nest_start(message, TCA_OPTIONS);

	mnl_attr_put(message, TCA_U32_SEL, sizeof(all), &all);
	put_mirror(message, shape->to);
	mnl_attr_nest_end(message, options);
}
