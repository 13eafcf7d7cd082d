/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One container's attachment in the making: what attach.c, links.c and configure.c share. */
#pragma once

#include "net/driver.h"
#include "net/firewall.h"
#include "net/private.h"

/* The interfaces from `first` to the last are made; those before it are there already. */
struct attachment {
	const struct net_place *place;
	const struct net_state *state;
	size_t first;
	int netns;
	struct netlink_session host, inside;
	struct firewall_session firewall; /* opened when something needs it */
	struct network networks[NET_INTERFACES_MAX];
	int devices[NET_INTERFACES_MAX]; /* on the host: bridge or parent */
	int links[NET_INTERFACES_MAX];   /* in the container */
	int ends[NET_INTERFACES_MAX];    /* their other ends on the host (veth) */
	struct arena arena;
};

static inline const struct net_interface_state *interface_at(const struct net_state *state,
							     size_t at)
{
	return &JSON_ITEMS(const struct net_interface_state, &state->interfaces)[at];
}

/* ---- links.c ---- */

/* Make the links, born in the namespace where the kernel can. */
int attach_make_links(struct attachment *attach, struct err *err);

/* Limit what they carry. */
int attach_shape_links(struct attachment *attach, struct err *err);

/* ---- configure.c ---- */

/* Raise them; addresses and routes. */
int attach_configure(struct attachment *attach, struct err *err);
