/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* linux.netDevices: network devices of the host that move into the container. */
#include "net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"
#include "net/name.h"
#include "net/netlink.h"

static const struct json_row device_rows[] = {
	/* clang-format off */
	{ "name", JSON_TEXT, offsetof(struct net_device_spec, name), .flags = JSON_NOT_EMPTY | JSON_CLEAN },
	/* clang-format on */
};

const struct json_object net_device_object = JSON_OBJECT_OF(struct net_device_spec, device_rows);

static const char *wanted_name(const struct net_device_spec *device)
{
	return device->name ? device->name : device->key;
}

/* A fixed name that an earlier device has already asked for. */
static bool name_is_repeated(const struct net_device_spec *devices, size_t at)
{
	const char *name = wanted_name(&devices[at]);

	for (size_t i = 0; i < at && !strchr(name, '%'); i++) {
		if (strcmp(wanted_name(&devices[i]), name) == 0)
			return true;
	}
	return false;
}

int net_check_devices(const struct json_list *list, bool has_namespace, struct err *err)
{
	const struct net_device_spec *devices = list->items;

	if (list->count && !has_namespace)
		return err_set(err, ERR_INPUT,
			       "linux.netDevices: needs a network namespace in linux.namespaces");
	for (size_t i = 0; i < list->count; i++) {
		if (!net_ifname_is_valid(devices[i].key))
			return err_set(err, ERR_INPUT,
				       "linux.netDevices.%s: not a network device name "
				       "(1 to 15 bytes without '/', ':', '%%' and spaces)",
				       devices[i].key);
		if (!net_ifname_is_template(wanted_name(&devices[i])))
			return err_set(err, ERR_INPUT,
				       "linux.netDevices.%s.name: \"%s\" is not a network device "
				       "name (1 to 15 bytes without '/', ':' and spaces; one %%d)",
				       devices[i].key, devices[i].name);
		if (name_is_repeated(devices, i))
			return err_set(err, ERR_INPUT,
				       "linux.netDevices.%s.name: \"%s\" is given twice",
				       devices[i].key, wanted_name(&devices[i]));
	}
	return 0;
}

/* Both sides of the move: sockets, and the host's namespace for the way back. */
struct mover {
	struct netlink_session *host, *inside;
	int host_netns, netns;
};

/* A device on its way: what it was on the host, what it is inside, and the requests that give it
 * its addresses and state. */
struct moved {
	struct netlink_link link;
	int index; /* inside; 0: still on the host */
	char name[IFNAMSIZ];
	struct netlink_request *setup; /* owned: the addresses, then room for one request */
	size_t addresses;
};

/* Only permanent addresses that hold beyond the link move along: config-linux.md, "Network
 * Devices". */
static int keep_address(const struct netlink_address *address, void *data, struct err *err)
{
	struct moved *moved = data;
	size_t size = (moved->addresses + 2) * sizeof(*moved->setup);

	if (address->scope != RT_SCOPE_UNIVERSE || !(address->flags & IFA_F_PERMANENT))
		return 0;
	struct netlink_request *more = realloc(moved->setup, size);

	if (!more)
		return err_sys(err, "keep addresses of %s", moved->link.name);
	moved->setup = more;
	more[moved->addresses] =
		(struct netlink_request){ .verb = NETLINK_ADD_ADDRESS, .address = *address };
	more[moved->addresses++].address.flags &=
		IFA_F_NOPREFIXROUTE | IFA_F_NODAD | IFA_F_MCAUTOJOIN;
	return 0;
}

/* The first free name for a template such as "eth%d", as the kernel would choose it. */
static int choose_name(struct netlink_session *inside, const char *template, struct moved *moved,
		       struct err *err)
{
	struct netlink_link other;

	for (unsigned int number = 0; number < 4096; number++) {
		if (!net_ifname_from_template(template, number, moved->name))
			break;
		int found = inside->ops->find_link(inside->socket, moved->name, &other, err);

		if (found <= 0)
			return found;
		if (!strchr(template, '%'))
			return err_set(err, EEXIST,
				       "move device %s: the container's network namespace already "
				       "has a device \"%s\"",
				       moved->link.name, template);
	}
	return err_set(err, EEXIST, "move device %s: no free name for \"%s\"", moved->link.name,
		       template);
}

/*
 * Where is it now? The kernel moves first and renames afterwards, so a refusal can leave the device
 * inside, under its old name. It does keep a name that it could give while moving.
 */
static int find_inside(struct mover *mover, struct moved *moved, struct err *err)
{
	struct netlink_session *host = mover->host, *inside = mover->inside;
	struct netlink_link link;
	int found = host->ops->find_link(host->socket, moved->link.name, &link, err);

	if (found < 0 || (found && link.index == moved->link.index))
		return found < 0 ? -1 : 0;
	const char *const names[] = { moved->name, moved->link.name };

	for (size_t i = 0; i < 2; i++) {
		found = inside->ops->find_link(inside->socket, names[i], &link, err);
		if (found < 0)
			return -1;
		if (found) {
			moved->index = link.index;
			return 1;
		}
	}
	return 0;
}

/* Give the addresses and the state, on the side where the device is now. */
static int set_up(struct netlink_session *side, struct moved *moved, int index,
		  const struct netlink_link_request *state, struct err *err)
{
	struct netlink_request only, *setup = moved->setup ? moved->setup : &only;

	for (size_t i = 0; i < moved->addresses; i++)
		setup[i].address.index = index;
	setup[moved->addresses] =
		(struct netlink_request){ .verb = NETLINK_SET_LINK, .link = *state };
	setup[moved->addresses].link.index = index;
	return side->ops->run(side->socket, setup, moved->addresses + 1, err);
}

static int move_one(struct mover *mover, const struct net_device_spec *device, struct moved *moved,
		    struct err *err)
{
	struct netlink_session *host = mover->host;
	int found = host->ops->find_link(host->socket, device->key, &moved->link, err);

	if (found < 0)
		return -1;
	if (!found)
		return err_set(err, ENODEV, "move device %s: no such network device on the host",
			       device->key);
	if (choose_name(mover->inside, wanted_name(device), moved, err) < 0 ||
	    host->ops->each_address(host->socket, moved->link.index, keep_address, moved, err) < 0)
		return -1;
	struct netlink_request move = {
		.verb = NETLINK_SET_LINK,
		.link = { .index = moved->link.index,
			  .name = moved->name,
			  .move = true,
			  .netns = mover->netns },
	};

	if (host->ops->run(host->socket, &move, 1, err) < 0) {
		find_inside(mover, moved, NULL);
		return err_wrap(err, "move device %s", device->key);
	}
	found = find_inside(mover, moved, err);
	if (found < 0)
		return -1;
	if (!found)
		return err_set(err, ENODEV, "move device %s: it did not arrive", device->key);
	const struct netlink_link_request up = { .name = moved->name, .up = true };

	if (set_up(mover->inside, moved, moved->index, &up, err) < 0)
		return err_wrap(err, "move device %s", device->key);
	return 0;
}

/* The way back after a failure: the device, its name, addresses, bridge and state. What was routed
 * over it is lost. */
static void move_back(struct mover *mover, struct moved *moved)
{
	struct netlink_session *host = mover->host;
	struct netlink_link link;
	struct netlink_request move = {
		.verb = NETLINK_SET_LINK,
		.link = { .index = moved->index,
			  .name = moved->link.name,
			  .move = true,
			  .netns = mover->host_netns },
	};

	if (!moved->index)
		return;
	mover->inside->ops->run(mover->inside->socket, &move, 1, NULL);
	if (host->ops->find_link(host->socket, moved->link.name, &link, NULL) <= 0)
		return;
	const struct netlink_link_request state = { .name = moved->link.name,
						    .master = moved->link.master,
						    .up = moved->link.flags & IFF_UP };

	set_up(host, moved, link.index, &state, NULL);
}

static int move_all(struct mover *mover, const struct json_list *devices, struct moved *moved,
		    struct err *err)
{
	for (size_t i = 0; i < devices->count; i++) {
		const struct net_device_spec *device =
			&JSON_ITEMS(const struct net_device_spec, devices)[i];

		if (move_one(mover, device, &moved[i], err) == 0)
			continue;
		for (size_t back = i + 1; back-- > 0;)
			move_back(mover, &moved[back]);
		return -1;
	}
	return 0;
}

int net_move_devices(const struct json_list *devices, int netns, struct err *err)
{
	auto_close int host_netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	auto_free struct moved *moved = calloc(devices->count + 1, sizeof(*moved));
	auto_netlink struct netlink_session host = { 0 }, inside = { 0 };

	if (!devices->count)
		return 0;
	if (host_netns < 0 || !moved)
		return err_sys(err, "open own network namespace");
	if (netlink_open(&host, -1, err) < 0 || netlink_open(&inside, netns, err) < 0)
		return -1;
	struct mover mover = { &host, &inside, host_netns, netns };
	int result = move_all(&mover, devices, moved, err);

	for (size_t i = 0; i < devices->count; i++)
		free(moved[i].setup);
	return result;
}
