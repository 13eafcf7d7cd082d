/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Published ports: reading them, and the list on tmpfs of who has which port of the host. */
#pragma once

#include "net/private.h"

/* What one entry of "publish" asks for. */
struct port_range {
	int protocol;
	struct ip_address host; /* family 0: every address of the host */
	unsigned int first, last;
	unsigned int port; /* in the container, for `first` */
};

/* Errors begin with the member's name ("hostPort: ..."). */
int net_port_parse(const struct net_publish_spec *publish, struct port_range *range,
		   struct err *err);

/* As text for messages: "tcp port 8080", "udp ports 8000-8010 of 10.0.0.1". */
enum {
	PORT_TEXT_MAX = 96,
};

const char *net_port_format(const struct port_range *range, char text[PORT_TEXT_MAX]);
const char *net_port_protocol(int protocol);

/*
 * Take the ports for `owner`. The range's host address has a family here: the any-address of a
 * family stands for all of its addresses. Refused with EADDRINUSE when a container or a program of
 * the host has one of them. `dir` is the state directory of all networks.
 */
int net_port_take(int dir, const struct port_range *range, const char *owner, struct err *err);

/* Give back what `owner` has of exactly this range; nothing happens when it has not. */
int net_port_release(int dir, const struct port_range *range, const char *owner, struct err *err);

/* Does `owner` have exactly this range? 1 or 0. */
int net_port_is_held(int dir, const struct port_range *range, const char *owner, struct err *err);

/* Give back every range for which `judge` returns true; how many, or -1. */
typedef bool net_port_judge(const struct port_range *range, const char *owner, void *data);
int net_port_sweep(int dir, net_port_judge *judge, void *data, struct err *err);
