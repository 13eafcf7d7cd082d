/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Interfaces that a running container gets or loses; and the note by which its name server learns
 * of it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "net/netlink.h"
#include "net/private.h"

#define MEMBERS "members" /* one file a container whose networks changed: their names */

static struct net_interface_state *interface_at(const struct net_state *state, size_t at)
{
	return &JSON_ITEMS(struct net_interface_state, &state->interfaces)[at];
}

/* ---- the note ---- */

int net_members_write(const struct net_place *place, const struct net_state *state, struct err *err)
{
	char text[NET_MEMBERS_MAX] = "";
	size_t used = 0;

	for (size_t i = 0; i < state->interfaces.count && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s ",
					 interface_at(state, i)->network);
	auto_close int dir = net_place_open(place->state, err);
	auto_close int members = dir < 0 ? -1 : net_place_open_at(dir, MEMBERS, err);

	return members < 0 ? -1 : net_place_write(members, state->id, text, err);
}

bool net_members_read(const struct net_place *place, const char *id, char text[NET_MEMBERS_MAX])
{
	char path[PATH_MAX];

	return str_format(path, sizeof(path), "%s/" MEMBERS "/%s", place->state, id) == 0 &&
	       fd_read_file(AT_FDCWD, path, text, NET_MEMBERS_MAX) >= 0;
}

void net_members_forget(int dir, const char *id)
{
	char path[NET_ID_MAX + 16];

	if (str_format(path, sizeof(path), MEMBERS "/%s", id) == 0)
		unlinkat(dir, path, 0);
}

int net_members_sweep(int dir, bool (*judge)(const char *id, void *data), void *data,
		      struct err *err)
{
	auto_close int members = openat(dir, MEMBERS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_closedir DIR *entries = members < 0 ? NULL : fdopendir(members);

	if (!entries)
		return errno == ENOENT ? 0 : err_sys(err, "list " MEMBERS);
	int stream = take_fd(&members);

	for (struct dirent *entry; (entry = readdir(entries));) {
		if (entry->d_name[0] != '.' && judge(entry->d_name, data))
			unlinkat(stream, entry->d_name, 0);
	}
	return 0;
}

/* ---- losing one ---- */

/* The device of the host goes back to it; everything else is deleted, and with it its other end. */
static int remove_link(const struct net_interface_state *interface, int netns, struct err *err)
{
	auto_close int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	auto_netlink struct netlink_session inside = { 0 };
	struct netlink_request request = { .verb = NETLINK_DELETE_LINK,
					   .link = { .name = interface->name } };
	struct err reason = { 0 };

	if (home < 0)
		return err_sys(err, "open own network namespace");
	if (netlink_open(&inside, netns, err) < 0)
		return -1;
	if (strcmp(interface->driver, "phys") == 0) {
		request.verb = NETLINK_SET_LINK;
		request.link.move = true;
		request.link.netns = home;
	}
	/* the container may have removed it itself */
	if (inside.ops->run(inside.socket, &request, 1, &reason) == 0 || reason.code == ENODEV)
		return 0;
	if (err)
		*err = reason;
	return -1;
}

static bool has_address(const struct net_interface_state *interface, const char *address)
{
	size_t length = strlen(address);

	for (size_t i = 0; i < interface->addresses.count; i++) {
		const char *own = JSON_ITEMS(const char *, &interface->addresses)[i];

		if (strncmp(own, address, length) == 0 && own[length] == '/')
			return true;
	}
	return false;
}

/* Ports that lead to the interface to the end of the list; how many stay. */
static size_t part_ports(const struct net_interface_state *interface, struct json_list *ports)
{
	struct net_port_state *items = ports->items;
	size_t stay = 0;

	for (size_t i = 0; i < ports->count; i++) {
		struct net_port_state port = items[i];

		if (has_address(interface, port.address))
			continue;
		items[i] = items[stay];
		items[stay++] = port;
	}
	return stay;
}

int net_disconnect(const struct net_place *place, struct net_state *state, const char *network,
		   int netns, struct err *err)
{
	size_t at = 0, count = state->interfaces.count;

	while (at < count && strcmp(interface_at(state, at)->network, network) != 0)
		at++;
	if (at == count)
		return err_set(err, ERR_NOT_FOUND, "disconnect from network %s: not in it",
			       network);
	struct net_interface_state *items = state->interfaces.items, gone = items[at];
	size_t stay = part_ports(&gone, &state->ports);
	const struct net_state part = {
		.id = state->id,
		.interfaces = { &gone, 1 },
		.ports = { JSON_ITEMS(struct net_port_state, &state->ports) + stay,
			   state->ports.count - stay },
	};

	if (remove_link(&gone, netns, err) < 0 || net_detach(place, &part, err) < 0)
		return -1;
	memmove(items + at, items + at + 1, (count - at - 1) * sizeof(*items));
	state->interfaces.count--;
	state->ports.count = stay;
	return net_members_write(place, state, err);
}
