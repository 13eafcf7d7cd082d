/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu network: make, list, look at and remove networks; put the firewall right. */
#include "runtime/cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

#include "runtime/cli/answer.h"
#include "runtime/cli/input.h"
#include "runtime/cli/print.h"
#include "runtime/masu.h"

struct network_values {
	bool json;
	const char *file;
	const char **subnets, **gateways, **ranges, **labels;
	const char **ips, **aliases;
	struct masu_network_options create;
	struct masu_connect_options connect;
};

#define MEMBER(name) offsetof(struct network_values, name)

/* clang-format off */
static const struct option_row create_rows[] = {
	{ 'f', "file",          OPTION_TEXT,     MEMBER(file),                 "FILE",    "the definition as JSON; - is standard input" },
	{ 'd', "driver",        OPTION_TEXT,     MEMBER(create.driver),        "NAME",    "bridge, macvlan, ipvlan or phys (bridge)" },
	{ 's', "subnet",        OPTION_TEXTS,    MEMBER(subnets),              "PREFIX",  "addresses, as in 10.9.0.0/24 (chosen); may be repeated" },
	{ 'g', "gateway",       OPTION_TEXTS,    MEMBER(gateways),             "ADDRESS", "of the subnet in the same place (its first address)" },
	{ 0,   "range",         OPTION_TEXTS,    MEMBER(ranges),               "PREFIX",  "of the subnet in the same place, to choose from (all of it)" },
	{ '6', "ipv6",          OPTION_FLAG,     MEMBER(create.ipv6),          NULL,      "choose an IPv6 subnet as well" },
	{ 0,   "internal",      OPTION_FLAG,     MEMBER(create.internal),      NULL,      "no way out, no published ports" },
	{ 0,   "no-isolate",    OPTION_FLAG,     MEMBER(create.no_isolate),    NULL,      "other networks may come in" },
	{ 0,   "no-icc",        OPTION_FLAG,     MEMBER(create.no_icc),        NULL,      "its containers do not reach each other" },
	{ 0,   "no-masquerade", OPTION_FLAG,     MEMBER(create.no_masquerade), NULL,      "what goes out keeps the container's address" },
	{ 0,   "mtu",           OPTION_UNSIGNED, MEMBER(create.mtu),           "BYTES",   "of its links (that of the default route's device)" },
	{ 0,   "bridge",        OPTION_TEXT,     MEMBER(create.bridge),        "NAME",    "of the bridge device (chosen)" },
	{ 0,   "parent",        OPTION_TEXT,     MEMBER(create.parent),        "NAME",    "the host's device below; phys: that device" },
	{ 0,   "vlan",          OPTION_UNSIGNED, MEMBER(create.vlan),          "TAG",     "macvlan, ipvlan: on the parent, 1 to 4094" },
	{ 0,   "mode",          OPTION_TEXT,     MEMBER(create.mode),          "NAME",    "macvlan: bridge, private, vepa, passthru; ipvlan: l2, l3" },
	{ 'l', "label",         OPTION_TEXTS,    MEMBER(labels),               "KEY=VALUE", "may be repeated" },
	{ 0,   "json",          OPTION_FLAG,     MEMBER(json),                 NULL,      "print the network as JSON" },
	{ 0 },
};

static const struct option_row connect_rows[] = {
	{ 0, "ip",      OPTION_TEXTS,    MEMBER(ips),             "ADDRESS", "static, at most one a subnet (chosen); may be repeated" },
	{ 0, "mac",     OPTION_TEXT,     MEMBER(connect.mac),     "ADDRESS", "of the interface (chosen)" },
	{ 0, "alias",   OPTION_TEXTS,    MEMBER(aliases),         "NAME",    "a further name for neighbours; may be repeated" },
	{ 0, "name",    OPTION_TEXT,     MEMBER(connect.name),    "NAME",    "of the interface inside (the next eth)" },
	{ 0, "gateway", OPTION_FLAG,     MEMBER(connect.gateway), NULL,      "take the default route from here" },
	{ 0, "metric",  OPTION_UNSIGNED, MEMBER(connect.metric),  "NUMBER",  "of its default route" },
	{ 0, "mtu",     OPTION_UNSIGNED, MEMBER(connect.mtu),     "BYTES",   "of the interface (the network's)" },
	{ 0, "json",    OPTION_FLAG,     MEMBER(json),            NULL,      "print the network as JSON" },
	{ 0 },
};

static const struct option_row json_rows[] = {
	{ 0, "json", OPTION_FLAG, MEMBER(json), NULL, "print JSON" },
	{ 0 },
};

static const struct answer_column columns[] = {
	{ "name",       "NAME",       ANSWER_TEXT },
	{ "driver",     "DRIVER",     ANSWER_TEXT },
	{ "device",     "DEVICE",     ANSWER_TEXT },
	{ "subnets",    "SUBNETS",    ANSWER_WORDS },
	{ "internal",   "INTERNAL",   ANSWER_TEXT },
	{ "interfaces", "INTERFACES", ANSWER_TEXT },
	{ 0 },
};

/* clang-format on */

/* Lines that come one by one: as they are, or as a JSON array. */
struct lines {
	bool json;
	int count;
};

static void print_line(const char *text, void *data)
{
	struct lines *lines = data;

	if (lines->json) {
		printf("%s", lines->count ? "," : "[");
		print_json_text(stdout, text);
	} else {
		printf("%s\n", text);
	}
	lines->count++;
}

static void end_lines(const struct lines *lines)
{
	if (lines->json)
		printf("%s]\n", lines->count ? "" : "[");
}

static int run_create(struct cli *cli, void *data, struct masu_error *error)
{
	struct network_values *values = data;
	struct masu_network_options *options = &values->create;
	char *text = NULL, *json;

	cli->subject = cli->args[0];
	if (values->file) {
		text = input_read(values->file, error);
		if (!text)
			return -1;
	}
	options->size = sizeof(*options);
	options->name = cli->args[0];
	options->definition = text;
	options->subnets = values->subnets;
	options->gateways = values->gateways;
	options->ranges = values->ranges;
	options->labels = values->labels;
	int result = masu_network_create(cli->masu, options, &json, error);

	free(text);
	if (result < 0)
		return -1;
	if (!values->json) {
		free(json);
		return 0;
	}
	return answer_give(json, true, NULL, error);
}

static int run_list(struct cli *cli, void *data, struct masu_error *error)
{
	const struct network_values *values = data;
	char *json;

	if (masu_networks(cli->masu, &json, error) < 0)
		return -1;
	return answer_give(json, values->json, columns, error);
}

static int run_inspect(struct cli *cli, void *data, struct masu_error *error)
{
	char *json;

	(void)data;
	cli->subject = cli->args[0];
	if (masu_network_inspect(cli->masu, cli->args[0], &json, error) < 0)
		return -1;
	return answer_give(json, true, NULL, error);
}

/* What connect and disconnect answer with. */
static int print_network(struct cli *cli, const struct network_values *values,
			 struct masu_error *error)
{
	char *json;

	if (!values->json)
		return 0;
	if (masu_network_inspect(cli->masu, cli->args[0], &json, error) < 0)
		return -1;
	return answer_give(json, true, NULL, error);
}

static int run_connect(struct cli *cli, void *data, struct masu_error *error)
{
	struct network_values *values = data;
	struct masu_connect_options *options = &values->connect;

	cli->subject = cli->args[1];
	options->size = sizeof(*options);
	options->network = cli->args[0];
	options->id = cli->args[1];
	options->ips = values->ips;
	options->aliases = values->aliases;
	if (masu_network_connect(cli->masu, options, error) < 0)
		return -1;
	return print_network(cli, values, error);
}

static int run_disconnect(struct cli *cli, void *data, struct masu_error *error)
{
	cli->subject = cli->args[1];
	if (masu_network_disconnect(cli->masu, cli->args[0], cli->args[1], error) < 0)
		return -1;
	return print_network(cli, data, error);
}

static int run_remove(struct cli *cli, void *data, struct masu_error *error)
{
	const struct network_values *values = data;
	struct lines lines = { .json = values->json };

	for (int i = 0; i < cli->arg_count; i++) {
		cli->subject = cli->args[i];
		if (masu_network_remove(cli->masu, cli->args[i], error) < 0)
			return -1;
		if (values->json)
			print_line(cli->args[i], &lines);
	}
	end_lines(&lines);
	return 0;
}

static int run_reload(struct cli *cli, void *data, struct masu_error *error)
{
	const struct network_values *values = data;

	if (masu_network_reload(cli->masu, error) < 0)
		return -1;
	if (values->json)
		printf("{}\n");
	return 0;
}

static int run_prune(struct cli *cli, void *data, struct masu_error *error)
{
	const struct network_values *values = data;
	struct lines lines = { .json = values->json };

	if (masu_network_prune(cli->masu, print_line, &lines, error) < 0)
		return -1;
	end_lines(&lines);
	return 0;
}

static int run_doctor(struct cli *cli, void *data, struct masu_error *error)
{
	const struct network_values *values = data;
	struct lines lines = { .json = values->json };

	if (masu_network_doctor(cli->masu, print_line, &lines, error) < 0)
		return -1;
	end_lines(&lines);
	return lines.count ? 1 : 0;
}

static const struct command network_create = {
	.name = "network create",
	.usage = "[option...] NAME",
	.about = "make a network",
	.options = create_rows,
	.values = sizeof(struct network_values),
	.least = 1,
	.most = 1,
	.run = run_create,
};

static const struct command network_ls = {
	.name = "network ls",
	.usage = "[option...]",
	.about = "print the networks",
	.options = json_rows,
	.values = sizeof(struct network_values),
	.run = run_list,
};

static const struct command network_inspect = {
	.name = "network inspect",
	.usage = "[option...] NAME",
	.about = "print a network and its containers as JSON",
	.options = json_rows,
	.values = sizeof(struct network_values),
	.least = 1,
	.most = 1,
	.run = run_inspect,
};

static const struct command network_rm = {
	.name = "network rm",
	.usage = "[option...] NAME...",
	.about = "remove networks that no container uses",
	.options = json_rows,
	.values = sizeof(struct network_values),
	.least = 1,
	.most = -1,
	.run = run_remove,
};

static const struct command network_connect = {
	.name = "network connect",
	.usage = "[option...] NETWORK ID",
	.about = "give a running container an interface in one more network",
	.options = connect_rows,
	.values = sizeof(struct network_values),
	.least = 2,
	.most = 2,
	.run = run_connect,
};

static const struct command network_disconnect = {
	.name = "network disconnect",
	.usage = "[option...] NETWORK ID",
	.about = "take a running container's interface in a network away",
	.options = json_rows,
	.values = sizeof(struct network_values),
	.least = 2,
	.most = 2,
	.run = run_disconnect,
};

static const struct command network_reload = {
	.name = "network reload",
	.usage = "[option...]",
	.about = "write the firewall table anew, after somebody flushed it",
	.options = json_rows,
	.values = sizeof(struct network_values),
	.run = run_reload,
};

static const struct command network_prune = {
	.name = "network prune",
	.usage = "[option...]",
	.about = "remove all networks without containers but \"default\"",
	.options = json_rows,
	.values = sizeof(struct network_values),
	.run = run_prune,
};

static const struct command network_doctor = {
	.name = "network doctor",
	.usage = "[option...]",
	.about = "tell what keeps containers from the network; status 1 when something does",
	.options = json_rows,
	.values = sizeof(struct network_values),
	.run = run_doctor,
};

static const struct command *const network_members[] = {
	&network_create,     &network_ls,     &network_inspect, &network_rm,     &network_connect,
	&network_disconnect, &network_reload, &network_prune,   &network_doctor, NULL,
};

const struct command cli_network = {
	.name = "network",
	.usage = "",
	.about = "make, list and remove networks, connect containers, put the firewall right",
	.members = network_members,
};
