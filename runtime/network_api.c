/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public promise of masu.h, thin: networks. */
#include "runtime/api.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "runtime/masu.h"
#include "runtime/network.h"

/* ---- create ---- */

static size_t count_texts(const char *const *texts)
{
	size_t count = 0;

	while (texts && texts[count])
		count++;
	return count;
}

/* The text at a place of a list that may be shorter; "" stands for none. */
static const char *text_at(const char *const *texts, size_t at)
{
	return at < count_texts(texts) && texts[at][0] ? texts[at] : NULL;
}

static int take_subnets(const struct masu_network_options *options, struct net_network *wanted,
			struct arena *arena, struct err *err)
{
	size_t count = count_texts(options->subnets);
	struct net_subnet_spec *subnets = arena_alloc(arena, (count + 1) * sizeof(*subnets));

	if (!subnets)
		return err_sys(err, "create network");
	if (count_texts(options->gateways) > count || count_texts(options->ranges) > count)
		return err_set(err, ERR_INPUT,
			       "create network: more gateways or ranges than subnets");
	for (size_t i = 0; i < count; i++)
		subnets[i] = (struct net_subnet_spec){ options->subnets[i],
						       text_at(options->gateways, i),
						       text_at(options->ranges, i) };
	if (count)
		wanted->subnets = (struct json_list){ subnets, count };
	return 0;
}

static int take_labels(const struct masu_network_options *options, struct net_network *wanted,
		       struct arena *arena, struct err *err)
{
	size_t count = count_texts(options->labels);

	for (size_t i = 0; i < count; i++) {
		const char *equals = strchr(options->labels[i], '=');
		struct json_pair *label = json_grow(arena, &wanted->labels, sizeof(*label));

		if (!equals || equals == options->labels[i])
			return err_set(err, ERR_INPUT, "label \"%s\": want KEY=VALUE",
				       options->labels[i]);
		if (!label)
			return err_sys(err, "create network");
		label->key = arena_strndup(arena, options->labels[i],
					   (size_t)(equals - options->labels[i]));
		label->value = equals + 1;
	}
	return 0;
}

/* The definition, and over it what the options say. */
static int take_definition(const struct masu_network_options *options, struct net_network *wanted,
			   struct arena *arena, struct err *err)
{
	const struct opt_i64 off = { .set = true };

	const struct {
		const char *given;
		const char **member;
	} texts[] = {
		{ options->name, &wanted->name },     { options->driver, &wanted->driver },
		{ options->bridge, &wanted->bridge }, { options->parent, &wanted->parent },
		{ options->mode, &wanted->mode },
	};

	if (options->definition &&
	    json_decode("definition", options->definition, strlen(options->definition),
			&net_network_object, wanted, arena, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (texts[i].given)
			*texts[i].member = texts[i].given;
	}
	if (options->mtu)
		wanted->mtu = options->mtu;
	if (options->vlan)
		wanted->vlan = options->vlan;
	wanted->ipv6 |= options->ipv6;
	wanted->internal |= options->internal;
	if (options->no_isolate)
		wanted->isolate = off;
	if (options->no_icc)
		wanted->icc = off;
	if (options->no_masquerade)
		wanted->masquerade = off;
	if (take_subnets(options, wanted, arena, err) < 0)
		return -1;
	return take_labels(options, wanted, arena, err);
}

int masu_network_create(struct masu *masu, const struct masu_network_options *given, char **json,
			struct masu_error *error)
{
	struct err *err = api_error(error);
	struct masu_network_options options;
	auto_arena struct arena arena = { 0 };
	const struct net_place place = network_place(masu, &arena);
	struct net_network wanted = { 0 }, made;

	if (api_options(&options, sizeof(options), given, err) < 0 ||
	    take_definition(&options, &wanted, &arena, err) < 0)
		return -1;
	if (net_create_network(&place, &wanted, &made, &arena, err) < 0)
		return -1;
	return json ? masu_network_inspect(masu, made.name, json, error) : 0;
}

/* ---- list and inspect ---- */

/* A running container's place in a network. */
struct member {
	const char *id, *interface, *mac;
	struct json_list addresses;
};

struct view {
	struct net_network network;
	struct json_list members;
};

/* clang-format off */
#define ROW(type, member) offsetof(struct type, member)
static const struct json_row member_rows[] = {
	{ "id",        JSON_TEXT,  ROW(member, id) },
	{ "interface", JSON_TEXT,  ROW(member, interface) },
	{ "mac",       JSON_TEXT,  ROW(member, mac) },
	{ "addresses", JSON_TEXTS, ROW(member, addresses) },
};
static const struct json_object member_object = JSON_OBJECT_OF(struct member, member_rows);

static const struct json_row view_rows[] = {
	{ NULL,         JSON_EMBED, ROW(view, network), &net_network_object },
	{ "containers", JSON_LIST,  ROW(view, members), &member_object, .flags = JSON_ALWAYS },
};
static const struct json_object view_object = JSON_OBJECT_OF(struct view, view_rows);


/* A line of the list. */
struct item {
	const char *name, *driver, *device;
	struct json_list subnets; /* const char * */
	bool internal;
	unsigned int interfaces;
};

static const struct json_row item_rows[] = {
	{ "name",       JSON_TEXT,  ROW(item, name) },
	{ "driver",     JSON_TEXT,  ROW(item, driver) },
	{ "device",     JSON_TEXT,  ROW(item, device) },
	{ "subnets",    JSON_TEXTS, ROW(item, subnets) },
	{ "internal",   JSON_BOOL,  ROW(item, internal),   .flags = JSON_ALWAYS },
	{ "interfaces", JSON_UINT,  ROW(item, interfaces), .flags = JSON_ALWAYS },
};
static const struct json_object item_object = JSON_OBJECT_OF(struct item, item_rows);

/* clang-format on */

static int add_members(struct view *view, const struct net_state *state, struct arena *arena,
		       struct err *err)
{
	for (size_t i = 0; i < state->interfaces.count; i++) {
		const struct net_interface_state *interface =
			&JSON_ITEMS(struct net_interface_state, &state->interfaces)[i];

		if (strcmp(interface->network, view->network.name) != 0)
			continue;
		struct member *member = json_grow(arena, &view->members, sizeof(*member));

		if (!member)
			return err_sys(err, "inspect network");
		*member = (struct member){ state->id, interface->name, interface->mac,
					   interface->addresses };
	}
	return 0;
}

int masu_network_inspect(struct masu *masu, const char *name, char **json, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_arena struct arena arena = { 0 };
	const struct net_place place = network_place(masu, &arena);
	struct view view = { 0 };
	struct json_list states;

	if (net_read_network(&place, name, &view.network, &arena, err) < 0 ||
	    network_states(&place, &states, &arena, err) < 0)
		return -1;
	for (size_t i = 0; i < states.count; i++) {
		if (add_members(&view, &JSON_ITEMS(struct net_state, &states)[i], &arena, err) < 0)
			return -1;
	}
	const char *text = json_encode(&view_object, &view, 2, &arena, err);

	if (!text)
		return -1;
	*json = strdup(text);
	return *json ? 0 : err_sys(err, "inspect network %s", name);
}

/* Nothing is made for a question: without the folder there are no networks. */
static int list_definitions(const struct net_place *place, struct json_list *networks,
			    struct arena *arena, struct err *err)
{
	*networks = (struct json_list){ 0 };
	if (access(place->definitions, F_OK) < 0 && errno == ENOENT)
		return 0;
	return net_list_networks(place, networks, arena, err);
}

static int describe(const struct net_network *network, const struct json_list *states,
		    struct item *item, struct arena *arena, struct err *err)
{
	*item = (struct item){ network->name, network->driver,
			       network->bridge ? network->bridge : network->parent };
	item->internal = network->internal;
	for (size_t i = 0; i < network->subnets.count; i++) {
		const char **text = json_grow(arena, &item->subnets, sizeof(*text));

		if (!text)
			return err_sys(err, "list networks");
		*text = JSON_ITEMS(struct net_subnet_spec, &network->subnets)[i].subnet;
	}
	for (size_t i = 0; i < states->count; i++) {
		const struct json_list *list = &JSON_ITEMS(struct net_state, states)[i].interfaces;

		for (size_t j = 0; j < list->count; j++)
			item->interfaces +=
				strcmp(JSON_ITEMS(struct net_interface_state, list)[j].network,
				       network->name) == 0;
	}
	return 0;
}

int masu_networks(struct masu *masu, char **json, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_arena struct arena arena = { 0 };
	const struct net_place place = network_place(masu, &arena);
	struct json_list networks, states, items = { 0 };

	if (list_definitions(&place, &networks, &arena, err) < 0 ||
	    network_states(&place, &states, &arena, err) < 0)
		return -1;
	for (size_t i = 0; i < networks.count; i++) {
		struct item *item = json_grow(&arena, &items, sizeof(*item));

		if (!item)
			return err_sys(err, "list networks");
		if (describe(&JSON_ITEMS(struct net_network, &networks)[i], &states, item, &arena,
			     err) < 0)
			return -1;
	}
	const char *text = json_encode_list(&item_object, &items, 0, &arena, err);

	if (!text)
		return -1;
	*json = strdup(text);
	return *json ? 0 : err_sys(err, "list networks");
}

/* ---- remove and prune ---- */

int masu_network_remove(struct masu *masu, const char *name, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_arena struct arena arena = { 0 };
	const struct net_place place = network_place(masu, &arena);

	return net_remove_network(&place, name, err);
}

int masu_network_prune(struct masu *masu, masu_text_callback *report, void *data,
		       struct masu_error *error)
{
	struct err *err = api_error(error), why = { 0 };
	auto_arena struct arena arena = { 0 };
	const struct net_place place = network_place(masu, &arena);
	struct json_list networks;

	if (list_definitions(&place, &networks, &arena, err) < 0)
		return -1;
	for (size_t i = 0; i < networks.count; i++) {
		const char *name = JSON_ITEMS(struct net_network, &networks)[i].name;

		/* it would only be made again, perhaps with another subnet */
		if (strcmp(name, "default") == 0)
			continue;
		if (net_remove_network(&place, name, &why) == 0) {
			if (report)
				report(name, data);
		} else if (why.code != ERR_STATE && why.code != ERR_NOT_FOUND) {
			if (err)
				*err = why;
			return -1;
		}
	}
	return 0;
}

/* ---- the firewall ---- */

int masu_network_reload(struct masu *masu, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_arena struct arena arena = { 0 };
	const struct net_place place = network_place(masu, &arena);
	struct json_list states;

	if (network_states(&place, &states, &arena, err) < 0)
		return -1;
	const struct net_state **each = arena_alloc(&arena, (states.count + 1) * sizeof(*each));

	if (!each)
		return err_sys(err, "list containers");
	for (size_t i = 0; i < states.count; i++)
		each[i] = &JSON_ITEMS(struct net_state, &states)[i];
	return net_reload(&place, each, states.count, err);
}

int masu_network_doctor(struct masu *masu, masu_text_callback *report, void *data,
			struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_arena struct arena arena = { 0 };
	const struct net_place place = network_place(masu, &arena);

	return net_diagnose(&place, report, data, err) < 0 ? -1 : 0;
}
