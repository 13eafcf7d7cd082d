/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside the plug-in "nftables": the batch that is being built, and the sets and chains of the
 * table. */
#pragma once

/* before any linux/netfilter header: those redefine its structs otherwise */
#include <netinet/in.h>

#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdint.h>

#include "net/firewall.h"

struct firewall {
	struct mnl_socket *socket;
	uint32_t sequence;
	bool removed; /* something, so that closing the socket would wait */
};

/* Sets and maps of the table, in the order of the rows in table.c. */
enum set_id {
	SET_PUB4,       /* protocol . port : address . port, on every IPv4 address of the host */
	SET_PUB4_HOST,  /* address . protocol . port : address . port */
	SET_PUB4_RANGE, /* address . protocol . port intervals : address; the port stays */
	SET_PUB6,
	SET_PUB6_HOST,
	SET_PUB6_RANGE,
	SET_GUARD4, /* address . protocol . port intervals of the host: published for some only */
	SET_ALLOW4, /* source . address . protocol . port intervals: these */
	SET_GUARD6,
	SET_ALLOW6,
	SET_NETS4, /* subnets of all our bridges */
	SET_NETS6,
	SET_MASQ4, /* those whose traffic to the outside wears the host's address */
	SET_MASQ6,
	SET_BRIDGES,
	SET_FWD_IN,  /* bridge : what may come in */
	SET_FWD_OUT, /* bridge : what may go out */
	SETS,
};

struct set_row {
	const char *name;
	uint32_t flags;
	uint32_t key_type, data_type; /* for `nft list`: 6 bits a field */
	uint8_t fields[4];            /* bytes of the key's fields, each padded to 4 */
	uint8_t data_size;            /* 0: a set */
};
extern const struct set_row set_rows[SETS];
uint32_t set_key_size(const struct set_row *row);

/* A batch: messages one behind the other, and what each was for. */
struct batch {
	char *data; /* owned */
	size_t used, room;
	uint32_t first, next; /* sequence numbers: of the first message, of the next */
	bool failed;          /* memory ran out; reported by batch_send() */
};

int batch_begin(struct firewall *firewall, struct batch *batch, struct err *err);
struct nlmsghdr *batch_message(struct batch *batch, uint16_t type, uint16_t flags);
void batch_commit(struct batch *batch, const struct nlmsghdr *message);

/* Send it: 0, or -1 with the kernel's errno value in err->code. The batch is freed. */
int batch_send(struct firewall *firewall, struct batch *batch, const char *what, struct err *err);

void batch_drop(struct batch *batch);

/* One request with one answer: 0, or the errno value. A dump hands its messages to `take`. */
int table_ask(struct firewall *firewall, struct nlmsghdr *request, mnl_cb_t take, void *data);

/* The table with its sets, chains and rules; the chains and elements of a network. */
void table_add(struct batch *batch);
void table_remove(struct batch *batch);
void table_add_network(struct batch *batch, const struct firewall_network *network);
void table_remove_network(struct batch *batch, const struct firewall_network *network);

enum {
	CHAIN_NAME_MAX = 24,
};

void table_chain_name(const char *prefix, const char *bridge, char name[CHAIN_NAME_MAX]);

/* NFT_MSG_DESTROYSETELEM (6.3): like DELSETELEM, but what is missing is no error. Not in older
 * headers. */
enum {
	DESTROY_ELEMENT = 30,
};

void element_add_ports(struct batch *batch, const struct firewall_port *ports, size_t count);
void element_remove_ports(struct batch *batch, uint16_t type, const struct firewall_port *ports,
			  size_t count);

/* The bridge's place in sets: subnets, names, verdicts. `type` is NFT_MSG_NEWSETELEM or
 * NFT_MSG_DELSETELEM. */
void element_network(struct batch *batch, uint16_t type, const struct firewall_network *network);

/* firewall_ops.sweep */
int element_sweep(struct firewall *firewall,
		  bool (*judge)(const char *owner, const char *map, void *data), void *data,
		  struct err *err);
