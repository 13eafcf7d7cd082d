/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stage for the root tests: a namespace that plays the host, a neighbour outside, boxes that play
 * containers. */
#pragma once

#include <netinet/in.h>

#include "base/arena.h"
#include "base/err.h"
#include "net/net.h"
#include "test/net/traffic.h"

/* The stage: `here` plays the host (192.0.2.1), `outside` a neighbour on its wire (192.0.2.2). */
static struct stage {
	int here, outside;
	char folder[64], definitions[80], state[80];
	struct net_place place;
	struct arena arena;
} stage;

struct box {
	int space;
	struct net_state state;
	struct err err;
	int result;
};

static inline void stage_begin(void)
{
	strcpy(stage.folder, "/tmp/masu-net-XXXXXX");
	CHECK(mkdtemp(stage.folder));
	snprintf(stage.definitions, sizeof(stage.definitions), "%s/lib/networks", stage.folder);
	snprintf(stage.state, sizeof(stage.state), "%s/run/net", stage.folder);
	stage.place = (struct net_place){ stage.definitions, stage.state };
	stage.here = space_here();
	stage.outside = space_new();
	space_run(-1, "ip link set lo up");
	space_run(-1, "ip link add wan0 type veth peer name out0 netns /proc/%d/fd/%d", getpid(),
		  stage.outside);
	space_run(-1, "ip addr add 192.0.2.1/24 dev wan0; ip link set wan0 up");
	space_run(-1, "ip addr add fd01::1/64 dev wan0 nodad");
	space_run(-1, "ip route add default via 192.0.2.2");
	space_run(stage.outside,
		  "ip addr add 192.0.2.2/24 dev out0; ip link set out0 up; ip link set lo up");
	space_run(stage.outside, "ip addr add fd01::2/64 dev out0 nodad");
}

static inline void stage_end(void)
{
	char command[128];

	traffic_end();
	snprintf(command, sizeof(command), "rm -rf %s", stage.folder);
	CHECK_INT(system(command), 0);
	arena_free(&stage.arena);
}

static inline void make_network(struct net_network wanted)
{
	struct net_network made;
	struct err err = { 0 };

	CHECK_INT(net_create_network(&stage.place, &wanted, &made, &stage.arena, &err), 0);
	CHECK_TEXT(err.text, "");
}

/* Start a box as a container would be: reserve, a new namespace with loopback up, attach. */
static inline struct box box_start(const char *id, const struct net_spec *spec)
{
	struct box box = { .space = space_new() };
	const struct net_request request = { .id = id, .hostname = id, .spec = spec };

	space_enter(box.space);
	net_raise_loopback(NULL);
	space_enter(stage.here);
	box.result = net_reserve(&stage.place, &request, &box.state, &stage.arena, &box.err);
	if (box.result == 0)
		box.result = net_attach(&stage.place, &box.state, box.space, &box.err);
	if (box.result < 0)
		fprintf(stderr, "(%s: %s)\n", id, box.err.text);
	return box;
}

static inline void box_end(struct box *box)
{
	struct err err = { 0 };

	close(box->space);
	CHECK_INT(net_detach(&stage.place, &box->state, &err), 0);
	CHECK_TEXT(err.text, "");
	CHECK_INT(net_detach(&stage.place, &box->state, &err), 0);
}

/* The box's address number `at` without its prefix length. */
static inline const char *box_address(const struct box *box, size_t at)
{
	static char text[4][64];
	static unsigned int next;
	char *to = text[next++ % 4];
	const struct net_interface_state *interface = box->state.interfaces.items;

	to[0] = '\0';
	if (box->state.interfaces.count && at < interface->addresses.count)
		sscanf(JSON_ITEMS(const char *, &interface->addresses)[at], "%63[^/]", to);
	return to;
}

#define LIST(items)                                                                                \
	{                                                                                          \
		(items), sizeof(items) / sizeof((items)[0])                                        \
	}
