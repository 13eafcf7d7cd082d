/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Leases: which container has which address of a subnet. A file on tmpfs that forgets itself at
 * reboot. */
#pragma once

#include "net/private.h"

enum {
	LEASE_QUARANTINE_S =
		30, /* an address rests after use: neighbours and connection tracking remember it */
};

/* An open lease file. The network's lock is held from before net_lease_open() until after
 * net_lease_close(). */
struct net_lease_table {
	int file;
	struct subnet subnet;
	size_t slots; /* addresses that can be chosen: the beginning of subnet.range */
	size_t count; /* slots, and records for static addresses elsewhere in the subnet behind them
		       */
	uint8_t *states; /* owned: of each slot and record */
	bool recycled;   /* the address taken last may have been another container's in this boot */
	uint64_t cursor; /* where choosing goes on: the address unused for longest comes next */
};

/* `dir` is the network's state directory, `index` the subnet's place in the definition. */
int net_lease_open(int dir, size_t index, const struct subnet *subnet,
		   struct net_lease_table *table, struct err *err);
void net_lease_close(struct net_lease_table *table);
#define auto_lease __attribute__((cleanup(net_lease_close)))
#define LEASE_TABLE_CLOSED                                                                         \
	{                                                                                          \
		.file = -1                                                                         \
	}

/* Take `wanted` (its owner is named in the error), or with family 0 any address (ENOSPC). */
int net_lease_take(struct net_lease_table *table, const struct ip_address *wanted,
		   const char *owner, struct ip_address *taken, struct err *err);

/* Give an address back; nothing happens when `owner` does not have it. */
int net_lease_release(struct net_lease_table *table, const struct ip_address *address,
		      const char *owner, struct err *err);

/* Give back every address for which `judge` returns true; how many, or -1. */
typedef bool net_lease_judge(const struct ip_address *address, const char *owner, void *data);
int net_lease_sweep(struct net_lease_table *table, net_lease_judge *judge, void *data,
		    struct err *err);

/* How many addresses are held. */
size_t net_lease_held(const struct net_lease_table *table);
