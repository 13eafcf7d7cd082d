/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows net-reserve and net-attach, and the files /etc/hosts and /etc/resolv.conf. */
#include "runtime/network.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/plugin.h"
#include "net/net.h"
#include "runtime/rows.h"

enum {
	RESOLV_MAX = 65536,
};

struct net_place network_place(const struct masu *masu, struct arena *arena)
{
	/* leases, bridges and the firewall's table belong to the host, not to a state root */
	if (!masu->storage_root)
		return (struct net_place){ "/var/lib/masu/networks", "/run/masu/.net" };
	return (struct net_place){
		.definitions = arena_printf(arena, "%s/networks", masu->storage_root),
		.state = arena_printf(arena, "%s/net", masu->storage_root),
	};
}

/* The network namespace in the spec's list, or NULL. */
static struct ns_namespace_spec *find_namespace(struct ns_linux *ns)
{
	struct ns_namespace_spec *list = ns->namespaces.items;

	for (size_t i = 0; i < ns->namespaces.count; i++) {
		if (list[i].type == NS_NETWORK)
			return &list[i];
	}
	return NULL;
}

static int set_namespace(struct creation *creation, const char *path, struct err *err)
{
	struct ns_linux *ns = &creation->spec.linux_part.ns;
	struct ns_namespace_spec *one = find_namespace(ns);

	if (!one)
		one = json_grow(&creation->container.arena, &ns->namespaces, sizeof(*one));
	if (!one)
		return err_sys(err, "set network namespace");
	*one = (struct ns_namespace_spec){ .type = NS_NETWORK, .path = path };
	return 0;
}

static void drop_namespace(struct creation *creation)
{
	struct json_list *list = &creation->spec.linux_part.ns.namespaces;
	struct ns_namespace_spec *one = find_namespace(&creation->spec.linux_part.ns);

	if (one)
		*one = JSON_ITEMS(struct ns_namespace_spec, list)[--list->count];
}

static const char *namespace_of(struct creation *creation, const char *id, struct err *err)
{
	auto_container struct container other = CONTAINER_INIT;

	if (container_open(creation->container.masu, id, STATE_UNLOCKED, false, &other, err) < 0) {
		err_wrap(err, "masu.network.mode: container:%s", id);
		return NULL;
	}
	if (other.pidfd < 0) {
		err_set(err, ERR_STATE, "masu.network.mode: container:%s: container not running",
			id);
		return NULL;
	}
	return arena_printf(&creation->container.arena, "/proc/%lld/ns/net",
			    (long long)other.state.pid.value);
}

static int prepare_user(struct creation *creation, const struct net_spec *spec, struct err *err)
{
	if (!creation->container.masu->rootless)
		return err_set(err, ERR_INPUT,
			       "masu.network.mode: pasta is for ordinary users; root has bridges");
	if (!creation->net_user)
		creation->net_user =
			arena_alloc(&creation->container.arena, sizeof(*creation->net_user));
	if (!creation->net_user)
		return err_sys(err, "prepare network");
	if (net_user_find(creation->net_user, err) < 0 ||
	    net_user_check(creation->net_user, spec, err) < 0)
		return -1;
	return set_namespace(creation, NULL, err);
}

int network_prepare(struct creation *creation, struct err *err)
{
	const struct net_spec *spec = creation->spec.masu.network;
	enum net_mode mode;
	const char *target;

	if (!spec)
		return 0;
	if (net_check(spec, err) < 0 || net_parse_mode(spec->mode, &mode, &target, err) < 0)
		return -1;
	/* a user has no bridges: what asks for one, and for nothing more, is carried by a program
	 */
	if (mode == NET_BRIDGE && spec->interfaces.count && creation->container.masu->rootless)
		mode = NET_USER;
	switch (mode) {
	case NET_USER:
		return prepare_user(creation, spec, err);
	case NET_HOST:
		drop_namespace(creation);
		return 0;
	case NET_CONTAINER:
		target = namespace_of(creation, target, err);
		return target ? set_namespace(creation, target, err) : -1;
	case NET_PATH:
		return set_namespace(creation, target, err);
	case NET_NONE:
		return set_namespace(creation, NULL, err);
	case NET_BRIDGE:
		break;
	}
	creation->own_network = spec->interfaces.count > 0;
	if (!creation->own_network)
		return set_namespace(creation, NULL, err);
	/* loaded before anything is made: the static program goes on as the full one here */
	if (!plugin_load("netlink", err) || !plugin_load("nftables", err))
		return -1;
	/* in the record before the first side effect: whoever cleans up knows that there may be one
	 */
	creation->container.state.network.id = network_owner(
		creation->container.masu, creation->container.id, &creation->container.arena);
	return set_namespace(creation, NULL, err);
}

static char *host_resolv_conf(struct err *err)
{
	size_t size;

	return fd_slurp(AT_FDCWD, "/etc/resolv.conf", RESOLV_MAX, &size, err);
}

/* Does the spec mount something of its own there? */
static bool is_mounted(const struct startup *startup, const char *destination)
{
	const struct json_list *mounts = &startup->spec->mounts;

	for (size_t i = 0; i < mounts->count; i++) {
		if (strcmp(JSON_ITEMS(const struct ns_mount_spec, mounts)[i].destination,
			   destination) == 0)
			return true;
	}
	return false;
}

static int bind_file(struct startup *startup, const char *source, const char *destination,
		     bool read_only, struct err *err)
{
	static const char *options[] = { "bind", "nosuid", "nodev", "noexec", "private", "ro" };
	struct ns_mount_spec *mount =
		json_grow(startup->arena, &startup->spec->mounts, sizeof(*mount));

	if (!mount || !source)
		return err_sys(err, "add %s", destination);
	*mount = (struct ns_mount_spec){
		.destination = destination,
		.source = source,
		.type = "bind",
		.options = { options, sizeof(options) / sizeof(*options) - !read_only },
	};
	return 0;
}

/* Write a file of the state folder and bind it into the container. */
static int add_file(struct startup *startup, const char *name, const char *destination,
		    const char *text, struct err *err)
{
	struct container *container = startup->container;

	if (!text || state_write_file(container->dir_fd, name, text, strlen(text), err) < 0 ||
	    fchmodat(container->dir_fd, name, 0644, 0) < 0)
		return -1;
	const char *source = arena_printf(startup->arena, "%s/%s/%s", container->masu->root,
					  container->id, name);

	return bind_file(startup, source, destination, false, err);
}

/* Without a name server neighbours are found in the network's own file, which follows them. */
static int add_hosts(struct startup *startup, struct err *err)
{
	const struct net_spec *spec = startup->spec->masu.network;
	const struct net_state *state = &startup->container->state.network;
	const struct net_place place = network_place(startup->container->masu, startup->arena);
	const char *hostname = startup->spec->hostname;
	const char *shared =
		startup->options->serve_names
			? NULL
			: net_hosts_file(&place, state, spec, hostname, startup->arena);

	if (shared)
		return bind_file(startup, shared, "/etc/hosts", true, err);
	return add_file(startup, "hosts", "/etc/hosts",
			net_hosts_text(state, spec, hostname, startup->arena, err), err);
}

static int add_resolv(struct startup *startup, struct err *err)
{
	const struct net_user *user = startup->creation->net_user;
	const char *server = user ? net_user_server(user) : NULL;
	struct net_spec spec = *startup->spec->masu.network;
	auto_free char *host = host_resolv_conf(NULL);

	if (server && !spec.dns.servers.count)
		spec.dns.servers = (struct json_list){ &server, 1 };
	return add_file(startup, "resolv.conf", "/etc/resolv.conf",
			net_resolv_text(&spec, host ? host : "",
					startup->options->serve_names && !user, startup->arena,
					err),
			err);
}

static int add_files(struct startup *startup, struct err *err)
{

	if (!is_mounted(startup, "/etc/hosts") && add_hosts(startup, err) < 0)
		return -1;
	if (is_mounted(startup, "/etc/resolv.conf"))
		return 0;
	return add_resolv(startup, err);
}

int run_net_reserve(struct startup *startup, struct err *err)
{
	struct container *container = startup->container;
	struct net_place place = network_place(container->masu, startup->arena);
	struct net_request request = {
		.id = container->state.network.id,
		.hostname = startup->spec->hostname,
		.spec = startup->spec->masu.network,
		.is_alive = network_is_alive,
		.data = container->masu,
	};

	if (network_register_root(container->masu, &place, err) < 0 ||
	    net_reserve(&place, &request, &container->state.network, startup->arena, err) < 0)
		return -1;
	/* what was chosen has to be known to whoever cleans up after us */
	if (state_write(container->dir_fd, &container->state, err) < 0)
		return -1;
	return add_files(startup, err);
}

/* `network connect` and `disconnect` may have changed the record since we wrote or read it. */
static void refresh(struct container *container)
{
	struct state record = { 0 };

	if (state_read(container->dir_fd, &container->arena, &record, NULL) == 0 &&
	    record.network.id && record.network.interfaces.count)
		container->state.network = record.network;
}

int undo_network(struct container *container, struct err *err)
{
	struct net_place place = network_place(container->masu, &container->arena);
	struct err why = { 0 };

	if (container->state.network.id)
		refresh(container);

	if (!container->state.network.id ||
	    net_detach(&place, &container->state.network, &why) == 0)
		return 0;
	if (why.code == ERR_UNSUPPORTED) {
		/* a container must not stay because a plug-in has gone; its addresses and ports do,
		 * until gc can take them out of the firewall */
		log_warning("%s: `masu gc` frees addresses and ports once that works", why.text);
		return 0;
	}
	if (err)
		*err = why;
	return -1;
}

int network_can_undo(const struct container *container, struct err *err)
{
	struct err why = { 0 };

	const char *plugin = net_detach_needs(&container->state.network);

	if (!plugin || plugin_load(plugin, &why) || why.code != ERR_PLUGIN)
		return 0;
	if (err)
		*err = why;
	return -1;
}

int run_net_attach(struct startup *startup, struct err *err)
{
	struct container *container = startup->container;
	struct net_place place = network_place(container->masu, startup->arena);
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)startup->pid);
	startup->netns = open(path, O_RDONLY | O_CLOEXEC);
	if (startup->netns < 0)
		return err_sys(err, "open network namespace of masu-init");
	return net_attach(&place, &container->state.network, startup->netns, err);
}

/* Inside, loopback is up. The program's first question waits in the socket until we serve. */
int run_net_serve(struct startup *startup, struct err *err)
{
	struct creation *creation = startup->creation;
	struct container *container = startup->container;
	auto_free char *host = host_resolv_conf(NULL);

	creation->net_place = network_place(container->masu, startup->arena);
	creation->resolver =
		net_resolver_open(&creation->net_place, &container->state.network, startup->netns,
				  creation->spec.masu.network, host ? host : "", err);
	return creation->resolver ? 0 : -1;
}

int run_net_files(struct startup *startup, struct err *err)
{
	return add_files(startup, err);
}

/* Its namespaces are found by its number: before it becomes undumpable. */
int run_net_user(struct startup *startup, struct err *err)
{
	return net_user_start(startup->creation->net_user, startup->spec->masu.network,
			      startup->pid, startup->pidfd, err);
}
