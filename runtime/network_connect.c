/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public promise of masu.h, thin: a running container comes into a network and leaves it. */
#include "runtime/api.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/plugin.h"
#include "base/sys.h"
#include "runtime/masu.h"
#include "runtime/network.h"

/* Its network namespace, which must be its own. */
static int open_namespace(struct container *container, struct err *err)
{
	char path[64];

	/* loaded before anything is done: the static program goes on as the full one here */
	if (!plugin_load("netlink", err) || !plugin_load("nftables", err))
		return -1;
	if (container->pidfd < 0)
		return err_set(err, ERR_STATE, "container not running");
	if (!(container->state.namespaces.value & CLONE_NEWNET))
		return err_set(err, ERR_STATE, "container has no network namespace of its own");
	snprintf(path, sizeof(path), "/proc/%lld/ns/net", (long long)container->state.pid.value);
	auto_close int netns = open(path, O_RDONLY | O_CLOEXEC);

	/* the number was still its own while the path was walked */
	if (netns < 0 || sys_pidfd_send_signal(container->pidfd, 0) < 0)
		return err_sys(err, "open network namespace of %s", container->id);
	return take_fd(&netns);
}

/* The name that neighbours know it by already. */
static const char *name_of(const struct container *container)
{
	const struct net_state *state = &container->state.network;
	const struct net_interface_state *first = state->interfaces.items;

	if (state->interfaces.count && first->names.count)
		return JSON_ITEMS(const char *, &first->names)[0];
	return container->id;
}

static struct json_list list_texts(const char *const *texts)
{
	size_t count = 0;

	while (texts && texts[count])
		count++;
	return (struct json_list){ (void *)texts, count };
}

static int connect_container(struct container *container, struct net_interface_spec *interface,
			     struct err *err)
{
	struct arena *arena = &container->arena;
	struct net_state *state = &container->state.network;
	const struct net_place place = network_place(container->masu, arena);
	const struct net_spec spec = { .interfaces = { interface, 1 } };
	auto_close int netns = open_namespace(container, err);

	if (netns < 0)
		return -1;
	if (!state->id)
		state->id = network_owner(container->masu, container->id, arena);
	const struct net_request request = {
		.id = state->id,
		.hostname = name_of(container),
		.spec = &spec,
		.is_alive = network_is_alive,
		.data = container->masu,
	};

	if (!state->id || network_register_root(container->masu, &place, err) < 0 ||
	    net_connect_reserve(&place, &request, state, arena, err) < 0)
		return -1;
	if (state_write(container->dir_fd, &container->state, err) == 0 &&
	    net_connect(&place, state, netns, err) == 0)
		return 0;
	/* back to what it was, in the record as well */
	net_disconnect(&place, state, interface->network, netns, NULL);
	state_write(container->dir_fd, &container->state, NULL);
	return -1;
}

int masu_network_connect(struct masu *masu, const struct masu_connect_options *given,
			 struct masu_error *error)
{
	struct err *err = api_error(error);
	struct masu_connect_options options;
	auto_container struct container container = CONTAINER_INIT;

	if (api_options(&options, sizeof(options), given, err) < 0)
		return -1;
	if (!options.id)
		return err_set(err, ERR_INPUT, "connect to network: no container");
	struct net_interface_spec interface = {
		.network = options.network ? options.network : "default",
		.name = options.name,
		.mac = options.mac,
		.ips = list_texts(options.ips),
		.aliases = list_texts(options.aliases),
		.gateway = { options.gateway, options.gateway },
		.metric = options.metric,
		.mtu = options.mtu,
	};

	if (container_open(masu, options.id, STATE_LOCKED, false, &container, err) < 0)
		return -1;
	return connect_container(&container, &interface, err);
}

int masu_network_disconnect(struct masu *masu, const char *network, const char *id,
			    struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_container struct container container = CONTAINER_INIT;

	if (container_open(masu, id, STATE_LOCKED, false, &container, err) < 0)
		return -1;
	const struct net_place place = network_place(masu, &container.arena);
	auto_close int netns = open_namespace(&container, err);

	if (netns < 0 || net_disconnect(&place, &container.state.network, network, netns, err) < 0)
		return -1;
	return state_write(container.dir_fd, &container.state, err);
}
