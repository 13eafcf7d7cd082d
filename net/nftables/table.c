/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table `inet masu` as rows: its sets, its chains, and each rule as the expressions that make
 * it. */
#include "net/nftables/table.h"

#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <string.h>

#include "base/str.h"

/* clang-format off */

/* ---- sets ---- */

/* libnftables' numbers of types, for display: 6 bits each, fields of a key side by side */
enum { T_IP4 = 7, T_IP6 = 8, T_PROTO = 12, T_PORT = 13, T_IFNAME = 41 };
#define T2(a, b)    ((uint32_t)(a) << 6 | (b))
#define T3(a, b, c) (T2(a, b) << 6 | (c))
#define T4(a, b, c, d) (T3(a, b, c) << 6 | (d))

#define MAP     NFT_SET_MAP
#define SOME    (NFT_SET_INTERVAL | NFT_SET_CONCAT)
#define RANGES  (NFT_SET_MAP | SOME)
#define VERDICT 0xffffff00U /* NFT_DATA_VERDICT */

const struct set_row set_rows[SETS] = {
	[SET_PUB4]       = { "pub4",       MAP,    T2(T_PROTO, T_PORT),        T2(T_IP4, T_PORT), { 4, 4 },     8 },
	[SET_PUB4_HOST]  = { "pub4_host",  MAP,    T3(T_IP4, T_PROTO, T_PORT), T2(T_IP4, T_PORT), { 4, 4, 4 },  8 },
	[SET_PUB4_RANGE] = { "pub4_range", RANGES, T3(T_IP4, T_PROTO, T_PORT), T_IP4,             { 4, 4, 4 },  4 },
	[SET_PUB6]       = { "pub6",       MAP,    T2(T_PROTO, T_PORT),        T2(T_IP6, T_PORT), { 4, 4 },     20 },
	[SET_PUB6_HOST]  = { "pub6_host",  MAP,    T3(T_IP6, T_PROTO, T_PORT), T2(T_IP6, T_PORT), { 16, 4, 4 }, 20 },
	[SET_PUB6_RANGE] = { "pub6_range", RANGES, T3(T_IP6, T_PROTO, T_PORT), T_IP6,             { 16, 4, 4 }, 16 },
	[SET_GUARD4]     = { "guard4",     SOME,   T3(T_IP4, T_PROTO, T_PORT), 0,                 { 4, 4, 4 },  0 },
	[SET_ALLOW4]     = { "allow4",     SOME,   T4(T_IP4, T_IP4, T_PROTO, T_PORT), 0,          { 4, 4, 4, 4 }, 0 },
	[SET_GUARD6]     = { "guard6",     SOME,   T3(T_IP6, T_PROTO, T_PORT), 0,                 { 16, 4, 4 }, 0 },
	[SET_ALLOW6]     = { "allow6",     SOME,   T4(T_IP6, T_IP6, T_PROTO, T_PORT), 0,          { 16, 16, 4, 4 }, 0 },
	[SET_NETS4]      = { "nets4",      NFT_SET_INTERVAL, T_IP4,    0, { 4 }, 0 },
	[SET_NETS6]      = { "nets6",      NFT_SET_INTERVAL, T_IP6,    0, { 16 }, 0 },
	[SET_MASQ4]      = { "masq4",      NFT_SET_INTERVAL, T_IP4,    0, { 4 }, 0 },
	[SET_MASQ6]      = { "masq6",      NFT_SET_INTERVAL, T_IP6,    0, { 16 }, 0 },
	[SET_BRIDGES]    = { "bridges",    0,                T_IFNAME, 0, { 16 }, 0 },
	[SET_FWD_IN]     = { "fwd_in",     MAP,              T_IFNAME, VERDICT, { 16 }, 16 },
	[SET_FWD_OUT]    = { "fwd_out",    MAP,              T_IFNAME, VERDICT, { 16 }, 16 },
};

/* ---- chains ---- */

enum { NO_HOOK = -1 };
static const struct { const char *name, *type; int hook, priority; } chain_rows[] = {
	{ "spoof",     "filter", NF_INET_PRE_ROUTING,  -300 },
	{ "dnat",      NULL,     NO_HOOK,              0 },
	{ "guard",     NULL,     NO_HOOK,              0 },
	{ "from_wire", "nat",    NF_INET_PRE_ROUTING,  -100 },
	{ "from_host", "nat",    NF_INET_LOCAL_OUT,    -100 },
	{ "snat",      "nat",    NF_INET_POST_ROUTING, 100 },
	{ "fwd",       "filter", NF_INET_FORWARD,      0 },
};

/* ---- rules: each an array of operations on registers ---- */

enum op_kind { OP_END, OP_META, OP_CT, OP_FIB, OP_PAYLOAD, OP_MASK, OP_CMP, OP_LOOKUP, OP_DNAT, OP_MASQUERADE, OP_VERDICT };

struct op {
	enum op_kind kind;
	uint8_t reg, to;        /* source or only register; destination */
	uint32_t what;          /* key, set, comparison, verdict: whatever the kind selects */
	uint32_t base, offset;  /* payload; CT: base 1 is "as the packet came, before translation" */
	uint32_t size;
	const void *data;       /* CMP: NULL is the bridge's name; MASK */
	const char *chain;      /* VERDICT: jump there */
};

/*
 * Registers: R1 is 16 bytes wide and is four of the small ones, S0 to S3; S4 and on follow it. A key of several fields
 * lies side by side from R1 on.
 */
enum {
	R1 = NFT_REG_1, S1 = NFT_REG32_01, S2 = NFT_REG32_02, S3 = NFT_REG32_03, S4 = NFT_REG32_04, S5 = NFT_REG32_05,
	S8 = NFT_REG32_08, S9 = NFT_REG32_09,
};

static const uint32_t tracked = 2 | 4; /* ct state established, related: 1 << (IP_CT_... + 1) */
static const uint32_t dnatted = IPS_DST_NAT, zero;
static const uint32_t local_type = 2; /* RTN_LOCAL */
static const uint8_t ip4 = NFPROTO_IPV4, ip6 = NFPROTO_IPV6;
static const uint8_t mask8[4] = { 255 }, mask4[4] = { 240 }, mask_multi6[1] = { 255 };
static const uint8_t net_loopback[4] = { 127 }, net_multicast[4] = { 224 };
static const char loopback[16] = "lo";

#define EQ(from, value, bytes)  { OP_CMP, .reg = from, .what = NFT_CMP_EQ, .data = value, .size = bytes }
#define NE(from, value, bytes)  { OP_CMP, .reg = from, .what = NFT_CMP_NEQ, .data = value, .size = bytes }
#define META(key, reg_to)       { OP_META, .what = key, .to = reg_to }
#define NETWORK(at, bytes, reg_to) { OP_PAYLOAD, .base = NFT_PAYLOAD_NETWORK_HEADER, .offset = at, .size = bytes, .to = reg_to }
#define MASK(value)             { OP_MASK, .reg = R1, .to = R1, .data = value, .size = 4 }
#define ANY_BIT(of)             MASK(of), NE(R1, &zero, 4)
#define IS_IP4                  META(NFT_META_NFPROTO, R1), EQ(R1, &ip4, 1)
#define IS_IP6                  META(NFT_META_NFPROTO, R1), EQ(R1, &ip6, 1)
#define SOURCE4                 NETWORK(12, 4, R1)
#define TARGET4                 NETWORK(16, 4, R1)
#define SOURCE6                 NETWORK(8, 16, R1)
#define TARGET6                 NETWORK(24, 16, R1)
#define CAME_TO(key, reg_to)    { OP_CT, .what = key, .to = reg_to, .base = 1 }
#define PORT(reg_to)            { OP_PAYLOAD, .base = NFT_PAYLOAD_TRANSPORT_HEADER, .offset = 2, .size = 2, .to = reg_to }
#define IN(set)                 { OP_LOOKUP, .reg = R1, .what = set, .size = 0 }
#define NOT_IN(set)             { OP_LOOKUP, .reg = R1, .what = set, .base = 1 }
#define MAP_TO(set, reg_to)     { OP_LOOKUP, .reg = R1, .what = set, .to = reg_to, .size = 1 }
#define IS_DNATTED              { OP_CT, .what = NFT_CT_STATUS, .to = R1 }, ANY_BIT(&dnatted)
#define IS_TRACKED              { OP_CT, .what = NFT_CT_STATE, .to = R1 }, ANY_BIT(&tracked)
#define FROM_BRIDGE             META(NFT_META_IIFNAME, R1), EQ(R1, NULL, 16)
#define IS_LOCAL                { OP_FIB, .to = R1 }, EQ(R1, &local_type, 4)
#define JUMP(name)              { OP_VERDICT, .what = (uint32_t)NFT_JUMP, .chain = name }
#define ACCEPT                  { OP_VERDICT, .what = NF_ACCEPT }
#define DROP                    { OP_VERDICT, .what = NF_DROP }
/* .offset is the register of the port (0: it stays), .base the family */
#define DNAT(ip_family, port_reg) { OP_DNAT, .reg = R1, .base = ip_family, .offset = port_reg }

/*
 * A neighbour that sends 127.0.0.1 to our hardware address would reach ports published for localhost alone: the kernel
 * looks for such martians only after the addresses were translated.
 */
static const struct op spoofed_loopback[] = { META(NFT_META_IIFNAME, R1), NE(R1, loopback, 16), IS_IP4, TARGET4, MASK(mask8), EQ(R1, net_loopback, 4), DROP, {} };

static const struct op to_host4[]  = { IS_IP4, TARGET4, META(NFT_META_L4PROTO, S1), PORT(S2), MAP_TO(SET_PUB4_HOST, R1), DNAT(NFPROTO_IPV4, S1), {} };
static const struct op to_any4[]   = { IS_IP4, META(NFT_META_L4PROTO, R1), PORT(S1), MAP_TO(SET_PUB4, R1), DNAT(NFPROTO_IPV4, S1), {} };
static const struct op to_range4[] = { IS_IP4, TARGET4, META(NFT_META_L4PROTO, S1), PORT(S2), MAP_TO(SET_PUB4_RANGE, R1), DNAT(NFPROTO_IPV4, 0), {} };
static const struct op to_host6[]  = { IS_IP6, TARGET6, META(NFT_META_L4PROTO, S4), PORT(S5), MAP_TO(SET_PUB6_HOST, R1), DNAT(NFPROTO_IPV6, S4), {} };
static const struct op to_any6[]   = { IS_IP6, META(NFT_META_L4PROTO, R1), PORT(S1), MAP_TO(SET_PUB6, R1), DNAT(NFPROTO_IPV6, S4), {} };
static const struct op to_range6[] = { IS_IP6, TARGET6, META(NFT_META_L4PROTO, S4), PORT(S5), MAP_TO(SET_PUB6_RANGE, R1), DNAT(NFPROTO_IPV6, 0), {} };
static const struct op local_dnat[] = { IS_LOCAL, JUMP("dnat"), {} };

/* published for some: looked up by what the packet was sent to, as that is unique to the publishing */
static const struct op guarded4[] = {
	IS_IP4, CAME_TO(NFT_CT_DST_IP, R1), META(NFT_META_L4PROTO, S1), CAME_TO(NFT_CT_PROTO_DST, S2), IN(SET_GUARD4),
	SOURCE4, CAME_TO(NFT_CT_DST_IP, S1), META(NFT_META_L4PROTO, S2), CAME_TO(NFT_CT_PROTO_DST, S3), NOT_IN(SET_ALLOW4), DROP, {}
};
static const struct op guarded6[] = {
	IS_IP6, CAME_TO(NFT_CT_DST_IP6, R1), META(NFT_META_L4PROTO, S4), CAME_TO(NFT_CT_PROTO_DST, S5), IN(SET_GUARD6),
	SOURCE6, CAME_TO(NFT_CT_DST_IP6, S4), META(NFT_META_L4PROTO, S8), CAME_TO(NFT_CT_PROTO_DST, S9), NOT_IN(SET_ALLOW6), DROP, {}
};

/* the host's own programs reach a published port through 127.0.0.1: the container must not see that source */
static const struct op from_loopback[] = { IS_DNATTED, META(NFT_META_OIFNAME, R1), IN(SET_BRIDGES), IS_IP4, SOURCE4, MASK(mask8), EQ(R1, net_loopback, 4), { OP_MASQUERADE }, {} };
/* a container that reaches a neighbour (or itself) through a port of the host: the answer must come back the same way */
static const struct op hairpin4[] = { IS_DNATTED, IS_IP4, SOURCE4, IN(SET_NETS4), TARGET4, IN(SET_NETS4), { OP_MASQUERADE }, {} };
static const struct op hairpin6[] = { IS_DNATTED, IS_IP6, SOURCE6, IN(SET_NETS6), TARGET6, IN(SET_NETS6), { OP_MASQUERADE }, {} };
static const struct op leave4[] = { IS_IP4, SOURCE4, IN(SET_MASQ4), TARGET4, MASK(mask4), NE(R1, net_multicast, 4), META(NFT_META_OIFNAME, R1), NOT_IN(SET_BRIDGES), { OP_MASQUERADE }, {} };
static const struct op leave6[] = { IS_IP6, SOURCE6, IN(SET_MASQ6), NETWORK(24, 1, R1), NE(R1, mask_multi6, 1), META(NFT_META_OIFNAME, R1), NOT_IN(SET_BRIDGES), { OP_MASQUERADE }, {} };

static const struct op go_out[]  = { META(NFT_META_IIFNAME, R1), MAP_TO(SET_FWD_OUT, NFT_REG_VERDICT), {} };
static const struct op come_in[] = { META(NFT_META_OIFNAME, R1), MAP_TO(SET_FWD_IN, NFT_REG_VERDICT), {} };

static const struct rule_row { const char *chain; const struct op *ops; } rule_rows[] = {
	{ "spoof",     spoofed_loopback },
	{ "dnat",      to_host4 }, { "dnat", to_any4 }, { "dnat", to_range4 },
	{ "dnat",      to_host6 }, { "dnat", to_any6 }, { "dnat", to_range6 },
	{ "guard",     guarded4 }, { "guard", guarded6 },
	{ "from_wire", local_dnat },
	{ "from_host", local_dnat },
	{ "snat",      from_loopback }, { "snat", hairpin4 }, { "snat", hairpin6 }, { "snat", leave4 }, { "snat", leave6 },
	{ "fwd",       go_out }, { "fwd", come_in },
};

/* rules of one network's chains, in the order in which they are chosen from */
static const struct op let_answers[]    = { IS_TRACKED, ACCEPT, {} };
static const struct op ask_guard[]      = { IS_DNATTED, JUMP("guard"), {} };
static const struct op let_published[]  = { IS_DNATTED, ACCEPT, {} };
static const struct op let_neighbours[] = { FROM_BRIDGE, ACCEPT, {} };
static const struct op no_neighbours[]  = { FROM_BRIDGE, DROP, {} };
static const struct op let_networks[]   = { META(NFT_META_IIFNAME, R1), IN(SET_BRIDGES), ACCEPT, {} };
static const struct op drop_rest[]      = { DROP, {} };
static const struct op stay_inside[]    = { META(NFT_META_OIFNAME, R1), NE(R1, NULL, 16), DROP, {} };

/* clang-format on */

uint32_t set_key_size(const struct set_row *row)
{
	uint32_t size = 0;

	for (size_t i = 0; i < sizeof(row->fields); i++)
		size += row->fields[i];
	return size;
}

/* ---- from rows to messages ---- */

static struct nftnl_expr *add_expr(struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *expr = nftnl_expr_alloc(name);

	if (expr)
		nftnl_rule_add_expr(rule, expr);
	return expr;
}

static void add_load(struct nftnl_rule *rule, const struct op *op)
{
	struct nftnl_expr *expr;

	if (op->kind == OP_META && (expr = add_expr(rule, "meta"))) {
		nftnl_expr_set_u32(expr, NFTNL_EXPR_META_KEY, op->what);
		nftnl_expr_set_u32(expr, NFTNL_EXPR_META_DREG, op->to);
	} else if (op->kind == OP_CT && (expr = add_expr(rule, "ct"))) {
		nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_KEY, op->what);
		nftnl_expr_set_u32(expr, NFTNL_EXPR_CT_DREG, op->to);
		if (op->base)
			nftnl_expr_set_u8(expr, NFTNL_EXPR_CT_DIR, IP_CT_DIR_ORIGINAL);
	} else if (op->kind == OP_FIB && (expr = add_expr(rule, "fib"))) {
		nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
		nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
		nftnl_expr_set_u32(expr, NFTNL_EXPR_FIB_DREG, op->to);
	} else if (op->kind == OP_PAYLOAD && (expr = add_expr(rule, "payload"))) {
		nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_BASE, op->base);
		nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_OFFSET, op->offset);
		nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_LEN, op->size);
		nftnl_expr_set_u32(expr, NFTNL_EXPR_PAYLOAD_DREG, op->to);
	}
}

static void add_test(struct nftnl_rule *rule, const struct op *op, const char bridge[16])
{
	struct nftnl_expr *expr;

	if (op->kind == OP_CMP && (expr = add_expr(rule, "cmp"))) {
		nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_SREG, op->reg);
		nftnl_expr_set_u32(expr, NFTNL_EXPR_CMP_OP, op->what);
		nftnl_expr_set(expr, NFTNL_EXPR_CMP_DATA, op->data ? op->data : bridge, op->size);
	} else if (op->kind == OP_MASK && (expr = add_expr(rule, "bitwise"))) {
		nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_SREG, op->reg);
		nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_DREG, op->to);
		nftnl_expr_set_u32(expr, NFTNL_EXPR_BITWISE_LEN, op->size);
		nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_MASK, op->data, op->size);
		nftnl_expr_set(expr, NFTNL_EXPR_BITWISE_XOR, &zero, op->size);
	} else if (op->kind == OP_LOOKUP && (expr = add_expr(rule, "lookup"))) {
		nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_SREG, op->reg);
		nftnl_expr_set_str(expr, NFTNL_EXPR_LOOKUP_SET, set_rows[op->what].name);
		if (op->size)
			nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_DREG, op->to);
		if (op->base)
			nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	}
}

static void add_action(struct nftnl_rule *rule, const struct op *op)
{
	struct nftnl_expr *expr;

	if (op->kind == OP_DNAT && (expr = add_expr(rule, "nat"))) {
		nftnl_expr_set_u32(expr, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
		nftnl_expr_set_u32(expr, NFTNL_EXPR_NAT_FAMILY, op->base);
		nftnl_expr_set_u32(expr, NFTNL_EXPR_NAT_REG_ADDR_MIN, op->reg);
		if (op->offset)
			nftnl_expr_set_u32(expr, NFTNL_EXPR_NAT_REG_PROTO_MIN, op->offset);
	} else if (op->kind == OP_MASQUERADE) {
		add_expr(rule, "masq");
	} else if (op->kind == OP_VERDICT && (expr = add_expr(rule, "immediate"))) {
		nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
		nftnl_expr_set_u32(expr, NFTNL_EXPR_IMM_VERDICT, op->what);
		if (op->chain)
			nftnl_expr_set_str(expr, NFTNL_EXPR_IMM_CHAIN, op->chain);
	}
}

static void add_rule(struct batch *batch, const char *chain, const struct op *ops,
		     const char bridge[16])
{
	struct nlmsghdr *message =
		batch_message(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
	struct nftnl_rule *rule = message ? nftnl_rule_alloc() : NULL;

	if (!rule) {
		batch->failed = true;
		return;
	}
	nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, FIREWALL_TABLE);
	nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
	for (; ops->kind != OP_END; ops++) {
		add_load(rule, ops);
		add_test(rule, ops, bridge);
		add_action(rule, ops);
	}
	nftnl_rule_nlmsg_build_payload(message, rule);
	nftnl_rule_free(rule);
	batch_commit(batch, message);
}

static void put_chain(struct batch *batch, uint16_t type, const char *name, size_t row)
{
	bool plain = row >= sizeof(chain_rows) / sizeof(chain_rows[0]);
	struct nlmsghdr *message =
		batch_message(batch, type, type == NFT_MSG_NEWCHAIN ? NLM_F_CREATE : 0);
	struct nftnl_chain *chain = message ? nftnl_chain_alloc() : NULL;

	if (!chain) {
		batch->failed = true;
		return;
	}
	nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, FIREWALL_TABLE);
	nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
	if (!plain && chain_rows[row].hook != NO_HOOK) {
		nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, chain_rows[row].type);
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, (uint32_t)chain_rows[row].hook);
		nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, chain_rows[row].priority);
	}
	nftnl_chain_nlmsg_build_payload(message, chain);
	nftnl_chain_free(chain);
	batch_commit(batch, message);
}

/* For `nft list` alone: names of devices are texts, not numbers of the network's byte order. */
static void set_byte_order(struct nftnl_set *set)
{
	const uint32_t host_order = 1; /* BYTEORDER_HOST_ENDIAN of libnftables */
	struct nftnl_udata_buf *data = nftnl_udata_buf_alloc(16);

	if (!data)
		return;
	if (nftnl_udata_put_u32(data, NFTNL_UDATA_SET_KEYBYTEORDER, host_order))
		nftnl_set_set_data(set, NFTNL_SET_USERDATA, nftnl_udata_buf_data(data),
				   nftnl_udata_buf_len(data));
	nftnl_udata_buf_free(data);
}

static void add_set(struct batch *batch, enum set_id id)
{
	const struct set_row *row = &set_rows[id];
	struct nlmsghdr *message = batch_message(batch, NFT_MSG_NEWSET, NLM_F_CREATE);
	struct nftnl_set *set = message ? nftnl_set_alloc() : NULL;

	if (!set) {
		batch->failed = true;
		return;
	}
	nftnl_set_set_str(set, NFTNL_SET_TABLE, FIREWALL_TABLE);
	nftnl_set_set_str(set, NFTNL_SET_NAME, row->name);
	nftnl_set_set_u32(set, NFTNL_SET_ID, (uint32_t)id + 1);
	nftnl_set_set_u32(set, NFTNL_SET_FLAGS, row->flags);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, row->key_type);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, set_key_size(row));
	if (row->data_size) {
		nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, row->data_type);
		nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, row->data_size);
	}
	if (row->flags & NFT_SET_CONCAT) {
		size_t fields = strnlen((const char *)row->fields, sizeof(row->fields));

		nftnl_set_set_data(set, NFTNL_SET_DESC_CONCAT, row->fields, (uint32_t)fields);
	}
	if (row->key_type == T_IFNAME)
		set_byte_order(set);
	nftnl_set_nlmsg_build_payload(message, set);
	nftnl_set_free(set);
	batch_commit(batch, message);
}

static void put_table(struct batch *batch, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *message = batch_message(batch, type, flags);
	struct nftnl_table *table = message ? nftnl_table_alloc() : NULL;

	if (!table) {
		batch->failed = true;
		return;
	}
	nftnl_table_set_str(table, NFTNL_TABLE_NAME, FIREWALL_TABLE);
	nftnl_table_nlmsg_build_payload(message, table);
	nftnl_table_free(table);
	batch_commit(batch, message);
}

/* Making it first, if need be, lets removing succeed in any case. */
void table_remove(struct batch *batch)
{
	put_table(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE);
	put_table(batch, NFT_MSG_DELTABLE, 0);
}

void table_add(struct batch *batch)
{
	put_table(batch, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL);
	for (size_t i = 0; i < sizeof(chain_rows) / sizeof(chain_rows[0]); i++)
		put_chain(batch, NFT_MSG_NEWCHAIN, chain_rows[i].name, i);
	for (size_t i = 0; i < SETS; i++)
		add_set(batch, (enum set_id)i);
	for (size_t i = 0; i < sizeof(rule_rows) / sizeof(rule_rows[0]); i++)
		add_rule(batch, rule_rows[i].chain, rule_rows[i].ops, NULL);
}

void table_chain_name(const char *prefix, const char *bridge, char name[CHAIN_NAME_MAX])
{
	str_format(name, CHAIN_NAME_MAX, "%s_%s", prefix, bridge);
}

void table_add_network(struct batch *batch, const struct firewall_network *network)
{
	char in[CHAIN_NAME_MAX], out[CHAIN_NAME_MAX], bridge[16] = "";

	str_format(bridge, sizeof(bridge), "%s", network->bridge);
	table_chain_name("in", network->bridge, in);
	table_chain_name("out", network->bridge, out);
	put_chain(batch, NFT_MSG_NEWCHAIN, in, SIZE_MAX);
	put_chain(batch, NFT_MSG_NEWCHAIN, out, SIZE_MAX);
	add_rule(batch, in, let_answers, bridge);
	add_rule(batch, in, ask_guard, bridge);
	add_rule(batch, in, let_published, bridge);
	add_rule(batch, in, network->icc ? let_neighbours : no_neighbours, bridge);
	if (!network->isolate && !network->internal)
		add_rule(batch, in, let_networks, bridge);
	add_rule(batch, in, drop_rest, bridge);
	if (network->internal)
		add_rule(batch, out, stay_inside, bridge);
	element_network(batch, NFT_MSG_NEWSETELEM, network);
}

void table_remove_network(struct batch *batch, const struct firewall_network *network)
{
	char name[CHAIN_NAME_MAX];

	element_network(batch, NFT_MSG_DELSETELEM, network);
	table_chain_name("in", network->bridge, name);
	put_chain(batch, NFT_MSG_DELCHAIN, name, SIZE_MAX);
	table_chain_name("out", network->bridge, name);
	put_chain(batch, NFT_MSG_DELCHAIN, name, SIZE_MAX);
}
