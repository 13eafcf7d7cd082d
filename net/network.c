/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network definitions: checked, completed and kept as one JSON file each; "default" is made at
 * first use. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"
#include "net/driver.h"
#include "net/lease.h"
#include "net/name.h"
#include "net/private.h"

#define DEFAULT_NETWORK "default"
#define DEFAULT_BRIDGE  "masu0"
#define LOCK_FILE       ".lock"

/* clang-format off */
#define ROW(type, member) offsetof(struct type, member)
static const struct json_row subnet_rows[] = {
	{ "subnet",  JSON_TEXT, ROW(net_subnet_spec, subnet),  .flags = JSON_CLEAN | JSON_REQUIRED },
	{ "gateway", JSON_TEXT, ROW(net_subnet_spec, gateway), .flags = JSON_CLEAN },
	{ "range",   JSON_TEXT, ROW(net_subnet_spec, range),   .flags = JSON_CLEAN },
};
static const struct json_object subnet_object = JSON_OBJECT_OF(struct net_subnet_spec, subnet_rows);

static const struct json_row network_rows[] = {
	{ "name",       JSON_TEXT,     ROW(net_network, name),       .flags = JSON_CLEAN },
	{ "driver",     JSON_TEXT,     ROW(net_network, driver),     .flags = JSON_CLEAN },
	{ "bridge",     JSON_TEXT,     ROW(net_network, bridge),     .flags = JSON_CLEAN },
	{ "parent",     JSON_TEXT,     ROW(net_network, parent),     .flags = JSON_CLEAN },
	{ "vlan",       JSON_UINT,     ROW(net_network, vlan),       .min = 1, .max = 4094 },
	{ "mode",       JSON_TEXT,     ROW(net_network, mode),       .flags = JSON_CLEAN },
	{ "subnets",    JSON_LIST,     ROW(net_network, subnets),    &subnet_object },
	{ "ipv6",       JSON_BOOL,     ROW(net_network, ipv6) },
	{ "internal",   JSON_BOOL,     ROW(net_network, internal) },
	{ "isolate",    JSON_OPT_BOOL, ROW(net_network, isolate) },
	{ "icc",        JSON_OPT_BOOL, ROW(net_network, icc) },
	{ "masquerade", JSON_OPT_BOOL, ROW(net_network, masquerade) },
	{ "mtu",        JSON_UINT,     ROW(net_network, mtu),        .min = 68, .max = 65535 },
	{ "labels",     JSON_MAP_TEXT, ROW(net_network, labels),     .flags = JSON_CLEAN },
};
const struct json_object net_network_object = JSON_OBJECT_OF(struct net_network, network_rows);

/* clang-format on */

static bool is_on(struct opt_i64 option)
{
	return !option.set || option.value;
}

bool net_network_is_isolated(const struct network *network)
{
	return is_on(network->spec.isolate);
}

bool net_network_allows_icc(const struct network *network)
{
	return is_on(network->spec.icc);
}

bool net_network_masquerades(const struct network *network)
{
	return is_on(network->spec.masquerade) && !network->spec.internal;
}

static int parse_subnet(const struct net_subnet_spec *spec, struct subnet *subnet, struct err *err)
{
	if (!ip_parse_prefix(spec->subnet, &subnet->prefix))
		return err_set(err, ERR_INPUT, "subnet: \"%s\" is not ADDRESS/LENGTH",
			       spec->subnet);
	subnet->prefix = ip_network(&subnet->prefix);
	if (ip_span(&subnet->prefix) < 4)
		return err_set(err, ERR_INPUT, "subnet: \"%s\" has no room for containers",
			       spec->subnet);
	subnet->gateway = ip_at(&subnet->prefix, 1);
	subnet->range = subnet->prefix;
	if (spec->gateway && !ip_parse(spec->gateway, &subnet->gateway))
		return err_set(err, ERR_INPUT, "gateway: \"%s\" is not an IP address",
			       spec->gateway);
	if (!ip_contains(&subnet->prefix, &subnet->gateway))
		return err_set(err, ERR_INPUT, "gateway: %s is not in %s", spec->gateway,
			       spec->subnet);
	if (spec->range && !ip_parse_prefix(spec->range, &subnet->range))
		return err_set(err, ERR_INPUT, "range: \"%s\" is not ADDRESS/LENGTH", spec->range);
	subnet->range = ip_network(&subnet->range);
	if (subnet->range.length < subnet->prefix.length ||
	    !ip_contains(&subnet->prefix, &subnet->range.address))
		return err_set(err, ERR_INPUT, "range: %s is not in %s", spec->range, spec->subnet);
	return 0;
}

static int parse_network(struct network *network, struct err *err)
{
	const struct json_list *subnets = &network->spec.subnets;

	if (subnets->count > NET_SUBNETS_MAX)
		return err_set(err, ERR_INPUT, "network %s: subnets: more than %d",
			       network->spec.name, NET_SUBNETS_MAX);
	for (size_t i = 0; i < subnets->count; i++) {
		if (parse_subnet(&JSON_ITEMS(const struct net_subnet_spec, subnets)[i],
				 &network->subnets[i], err) < 0)
			return err_wrap(err, "network %s: subnets[%zu]", network->spec.name, i);
		for (size_t j = 0; j < i; j++) {
			if (ip_overlaps(&network->subnets[i].prefix, &network->subnets[j].prefix))
				return err_set(err, ERR_INPUT,
					       "network %s: subnets[%zu] overlaps subnets[%zu]",
					       network->spec.name, i, j);
		}
	}
	network->subnet_count = subnets->count;
	return 0;
}

static int check_network(const struct net_network *wanted, struct err *err)
{
	const struct net_driver *driver = net_driver_find(wanted->driver);

	if (!wanted->name || !net_name_is_valid(wanted->name))
		return err_set(
			err, ERR_INPUT,
			"network \"%s\": a name is 1 to 63 of letters, digits, '-', '_', '.'",
			wanted->name ? wanted->name : "");
	if (!driver)
		return err_set(err, ERR_INPUT, "network %s: driver: \"%s\" is not known",
			       wanted->name, wanted->driver);
	if (wanted->bridge && !net_ifname_is_valid(wanted->bridge))
		return err_set(err, ERR_INPUT, "network %s: bridge: \"%s\" is not a device name",
			       wanted->name, wanted->bridge);
	if (wanted->parent && !net_ifname_is_valid(wanted->parent))
		return err_set(err, ERR_INPUT, "network %s: parent: \"%s\" is not a device name",
			       wanted->name, wanted->parent);
	if (wanted->vlan > 4094)
		return err_set(err, ERR_INPUT, "network %s: vlan: %u is not from 1 to 4094",
			       wanted->name, wanted->vlan);
	if (wanted->vlan && (!wanted->parent || strcmp(driver->name, "phys") == 0))
		return err_set(err, ERR_INPUT, "network %s: vlan: for the drivers macvlan, ipvlan",
			       wanted->name);
	return driver->check(wanted, err);
}

/* ---- files ---- */

static int read_definition(int dir, const char *name, struct net_network *found,
			   struct arena *arena, struct err *err)
{
	char file[NAME_MAX + 1];

	*found = (struct net_network){ 0 };
	if (str_format(file, sizeof(file), "%s.json", name) < 0)
		return err_sys(err, "read network %s", name);
	if (faccessat(dir, file, F_OK, 0) < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "find network %s: no such network", name);
	if (json_decode_file(dir, file, file, &net_network_object, found, arena, err) < 0)
		return -1;
	if (!found->name || strcmp(found->name, name) != 0)
		return err_set(err, ERR_INPUT, "%s: name: not the file's own", file);
	return 0;
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(((const struct net_network *)left)->name,
		      ((const struct net_network *)right)->name);
}

static int list_definitions(int dir, struct json_list *list, struct arena *arena, struct err *err)
{
	struct net_network *items = NULL;
	size_t count = 0, room = 0;
	auto_close int again = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_closedir DIR *entries = again < 0 ? NULL : fdopendir(again);

	if (!entries)
		return err_sys(err, "list networks");
	take_fd(&again); /* the stream's now */
	for (struct dirent *entry; (entry = readdir(entries));) {
		char name[NAME_MAX + 1];

		if (entry->d_name[0] == '.' || !str_ends(entry->d_name, ".json"))
			continue;
		str_format(name, sizeof(name), "%.*s", (int)strlen(entry->d_name) - 5,
			   entry->d_name);
		if (count == room) {
			room = room ? 2 * room : 8;
			struct net_network *more = arena_alloc(arena, room * sizeof(*more));

			if (!more)
				return err_sys(err, "list networks");
			if (count)
				memcpy(more, items, count * sizeof(*more));
			items = more;
		}
		if (read_definition(dir, name, &items[count], arena, err) < 0)
			return -1;
		count++;
	}
	if (count)
		qsort(items, count, sizeof(*items), compare_names);
	*list = (struct json_list){ items, count };
	return 0;
}

/* ---- filling in what was left open ---- */

static int add_subnet(struct net_network *made, const struct ip_prefix *prefix, struct arena *arena,
		      struct err *err)
{
	size_t count = made->subnets.count;
	struct net_subnet_spec *subnets = arena_alloc(arena, (count + 1) * sizeof(*subnets));
	char text[IP_TEXT_MAX];

	if (!subnets)
		return err_sys(err, "choose a subnet");
	if (count)
		memcpy(subnets, made->subnets.items, count * sizeof(*subnets));
	subnets[count].subnet = arena_strdup(arena, ip_format_prefix(prefix, text));
	made->subnets = (struct json_list){ subnets, count + 1 };
	return subnets[count].subnet ? 0 : err_sys(err, "choose a subnet");
}

static bool has_family(const struct network *network, int family)
{
	for (size_t i = 0; i < network->subnet_count; i++) {
		if (network->subnets[i].prefix.address.family == family)
			return true;
	}
	return false;
}

static int choose_subnets(struct network *network, const struct taken *taken, struct arena *arena,
			  struct err *err)
{
	struct ip_prefix prefix;

	if (!network->subnet_count && (net_subnet_choose(taken, AF_INET, &prefix, err) < 0 ||
				       add_subnet(&network->spec, &prefix, arena, err) < 0))
		return -1;
	if (network->spec.ipv6 && !has_family(network, AF_INET6) &&
	    (net_subnet_choose(taken, AF_INET6, &prefix, err) < 0 ||
	     add_subnet(&network->spec, &prefix, arena, err) < 0))
		return -1;
	return parse_network(network, err);
}

/*
 * A device name from the network's: readable when it fits, else a hash of it. Another one
 * when the host has such a device: with two storage roots on one host both have a "default".
 */
static int choose_bridge(struct net_network *made, struct arena *arena, struct err *err)
{
	uint32_t hash = net_name_hash(made->name);

	if (strcmp(made->name, DEFAULT_NETWORK) == 0)
		made->bridge = DEFAULT_BRIDGE;
	else if (strlen(made->name) <= 10)
		made->bridge = arena_printf(arena, "masu-%s", made->name);
	else
		made->bridge = arena_printf(arena, "masu-%08x", hash);
	while (made->bridge && if_nametoindex(made->bridge))
		made->bridge = arena_printf(arena, "masu-%08x", ++hash);
	return made->bridge ? 0 : err_sys(err, "name the bridge of %s", made->name);
}

static int complete(const struct net_network *wanted, const struct json_list *others,
		    struct network *network, struct arena *arena, struct err *err)
{
	struct taken taken = { 0 };
	struct net_network *made = &network->spec;

	*network = (struct network){ .spec = *wanted };
	if (!made->driver)
		made->driver = net_driver_find(NULL)->name;
	if (parse_network(network, err) < 0 || net_taken_survey(&taken, arena, err) < 0)
		return -1;
	for (size_t i = 0; i < others->count; i++) {
		struct network other = { .spec = JSON_ITEMS(struct net_network, others)[i] };

		if (parse_network(&other, err) < 0)
			return -1;
		for (size_t j = 0; j < other.subnet_count; j++) {
			if (net_taken_add(&taken, &other.subnets[j].prefix, arena, err) < 0)
				return -1;
		}
	}
	/* a macvlan or ipvlan network is the parent's own, so that one may and should overlap */
	for (size_t i = 0; i < network->subnet_count && !made->parent; i++) {
		const struct ip_prefix *rival = net_taken_find(&taken, &network->subnets[i].prefix);
		char own[IP_TEXT_MAX], other[IP_TEXT_MAX];

		if (rival)
			return err_set(err, ERR_INPUT,
				       "network %s: subnets[%zu]: %s overlaps %s, which this host "
				       "uses already",
				       made->name, i,
				       ip_format_prefix(&network->subnets[i].prefix, own),
				       ip_format_prefix(rival, other));
	}
	if (!made->mtu && !made->parent) /* links on a parent take its own */
		made->mtu = taken.mtu ? taken.mtu : 1500;
	if (!made->bridge && !made->parent && choose_bridge(made, arena, err) < 0)
		return -1;
	for (size_t i = 0; made->bridge && i < others->count; i++) {
		const struct net_network *other = &JSON_ITEMS(struct net_network, others)[i];

		if (other->bridge && strcmp(other->bridge, made->bridge) == 0)
			return err_set(err, ERR_EXISTS, "network %s: bridge: %s belongs to %s",
				       made->name, made->bridge, other->name);
	}
	return choose_subnets(network, &taken, arena, err);
}

/* ---- the door ---- */

static int create_locked(int dir, const struct net_network *wanted, struct network *network,
			 struct arena *arena, struct err *err)
{
	struct json_list others;
	char file[NAME_MAX + 1];

	if (list_definitions(dir, &others, arena, err) < 0 ||
	    complete(wanted, &others, network, arena, err) < 0)
		return -1;
	char *text = json_encode(&net_network_object, &network->spec, 2, arena, err);

	if (!text || str_format(file, sizeof(file), "%s.json", wanted->name) < 0)
		return -1;
	return net_place_write(dir, file, text, err);
}

int net_create_network(const struct net_place *place, const struct net_network *wanted,
		       struct net_network *made, struct arena *arena, struct err *err)
{
	struct network network;

	if (check_network(wanted, err) < 0)
		return -1;
	auto_close int dir = net_place_open(place->definitions, err);
	auto_close int lock = dir < 0 ? -1 : net_place_lock(dir, LOCK_FILE, err);

	if (lock < 0)
		return -1;
	if (read_definition(dir, wanted->name, made, arena, NULL) == 0)
		return err_set(err, ERR_EXISTS, "create network %s: it exists already",
			       wanted->name);
	if (create_locked(dir, wanted, &network, arena, err) < 0)
		return -1;
	*made = network.spec;
	return 0;
}

int net_read_network(const struct net_place *place, const char *name, struct net_network *found,
		     struct arena *arena, struct err *err)
{
	if (!net_name_is_valid(name))
		return err_set(err, ERR_INPUT, "find network \"%s\": not a name", name);
	auto_close int dir = net_place_open(place->definitions, err);

	return dir < 0 ? -1 : read_definition(dir, name, found, arena, err);
}

int net_find_network(const struct net_place *place, const char *name, struct net_network *found,
		     struct arena *arena, struct err *err)
{
	struct err reason = { 0 };

	if (net_read_network(place, name, found, arena, &reason) == 0)
		return 0;
	if (reason.code != ERR_NOT_FOUND || strcmp(name, DEFAULT_NETWORK) != 0) {
		if (err)
			*err = reason;
		return -1;
	}
	const struct net_network wanted = { .name = DEFAULT_NETWORK };

	if (net_create_network(place, &wanted, found, arena, &reason) == 0)
		return 0;
	/* another start was quicker */
	if (reason.code == ERR_EXISTS)
		return net_read_network(place, name, found, arena, err);
	if (err)
		*err = reason;
	return -1;
}

int net_list_networks(const struct net_place *place, struct json_list *networks,
		      struct arena *arena, struct err *err)
{
	auto_close int dir = net_place_open(place->definitions, err);

	return dir < 0 ? -1 : list_definitions(dir, networks, arena, err);
}

int net_network_open(const struct net_place *place, const char *name, struct network *network,
		     struct arena *arena, struct err *err)
{
	*network = (struct network){ 0 };
	if (net_find_network(place, name, &network->spec, arena, err) < 0)
		return -1;
	return parse_network(network, err);
}

int net_network_load(const struct net_place *place, const char *name, struct network *network,
		     struct arena *arena, struct err *err)
{
	*network = (struct network){ 0 };
	if (net_read_network(place, name, &network->spec, arena, err) < 0)
		return -1;
	return parse_network(network, err);
}

/* ---- state directories ---- */

int net_network_state(const struct net_place *place, const char *name, struct err *err)
{
	auto_close int state = net_place_open(place->state, err);
	auto_close int networks = state < 0 ? -1 : net_place_open_at(state, "networks", err);

	return networks < 0 ? -1 : net_place_open_at(networks, name, err);
}

int net_network_lock(const struct net_place *place, const char *name, struct err *err)
{
	auto_close int dir = net_network_state(place, name, err);

	if (dir < 0)
		return -1;
	if (net_place_wait(dir) < 0)
		return err_sys(err, "lock network %s", name);
	return take_fd(&dir);
}

int net_network_check_unused(int dir, const struct network *network, struct err *err)
{
	size_t held = 0;

	for (size_t i = 0; i < network->subnet_count; i++) {
		auto_lease struct net_lease_table table = LEASE_TABLE_CLOSED;

		if (net_lease_open(dir, i, &network->subnets[i], &table, err) < 0)
			return -1;
		held += net_lease_held(&table);
	}
	if (!held)
		return 0;
	err_set(err, ERR_STATE, "remove network %s: containers have %zu addresses in it",
		network->spec.name, held);
	return err_hint(err, "delete the containers; masu gc frees what dead ones left");
}

/* The state directory holds lease files and empty directories of names. */
static void remove_state(const struct net_place *place, const char *name)
{
	auto_close int state = net_network_state(place, name, NULL);
	char file[32], path[NAME_MAX + 16];

	for (size_t i = 0; state >= 0 && i < NET_SUBNETS_MAX; i++) {
		str_format(file, sizeof(file), "leases-%zu", i);
		unlinkat(state, file, 0);
	}
	if (state >= 0) {
		unlinkat(state, "hosts", 0);
		unlinkat(state, "names", AT_REMOVEDIR);
	}
	auto_close int parent = net_place_open(place->state, NULL);

	if (str_format(path, sizeof(path), "networks/%s", name) == 0)
		unlinkat(parent, path, AT_REMOVEDIR);
}

int net_network_forget(const struct net_place *place, const char *name, struct err *err)
{
	auto_close int dir = net_place_open(place->definitions, err);
	char file[NAME_MAX + 1];

	if (dir < 0)
		return -1;
	if (str_format(file, sizeof(file), "%s.json", name) < 0 ||
	    (unlinkat(dir, file, 0) < 0 && errno != ENOENT))
		return err_sys(err, "remove network %s", name);
	remove_state(place, name);
	return 0;
}
