/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Leases and ports on files in a temporary directory: choosing, static ones, conflicts, quarantine,
 * exhaustion, dead owners. */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "net/lease.h"
#include "net/port.h"
#include "test/unit/unit.h"

static int folder_open(char path[32])
{
	strcpy(path, "/tmp/masu-lease-XXXXXX");
	return mkdtemp(path) ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
}

static void folder_close(const char *path, int dir)
{
	char command[64];

	close(dir);
	snprintf(command, sizeof(command), "rm -rf %s", path);
	CHECK_INT(system(command), 0);
}

static struct subnet subnet_of(const char *prefix, const char *range)
{
	struct subnet subnet;

	CHECK(ip_parse_prefix(prefix, &subnet.prefix));
	CHECK(ip_parse_prefix(range ? range : prefix, &subnet.range));
	subnet.gateway = ip_at(&subnet.prefix, 1);
	return subnet;
}

/* Take in a table that is opened for this one operation, as callers do; the address or the error as
 * text. */
static const char *take(int dir, const struct subnet *subnet, const char *wanted, const char *owner)
{
	static char text[600];
	struct net_lease_table table = LEASE_TABLE_CLOSED;
	struct ip_address address = { 0 }, taken;
	struct err err = { 0 };

	if (wanted)
		CHECK(ip_parse(wanted, &address));
	if (net_lease_open(dir, 0, subnet, &table, &err) < 0 ||
	    net_lease_take(&table, &address, owner, &taken, &err) < 0)
		snprintf(text, sizeof(text), "%s", err.text);
	else
		ip_format(&taken, text);
	net_lease_close(&table);
	return text;
}

static void release(int dir, const struct subnet *subnet, const char *text, const char *owner)
{
	struct net_lease_table table = LEASE_TABLE_CLOSED;
	struct ip_address address;
	struct err err = { 0 };

	CHECK(ip_parse(text, &address));
	CHECK_INT(net_lease_open(dir, 0, subnet, &table, &err), 0);
	CHECK_INT(net_lease_release(&table, &address, owner, &err), 0);
	net_lease_close(&table);
}

static bool is_b(const struct ip_address *address, const char *owner, void *data)
{
	(void)address;
	(void)data;
	return strcmp(owner, "b") == 0;
}

static void test_small_subnet(void)
{
	char path[32];
	int dir = folder_open(path);
	struct subnet subnet = subnet_of("10.0.0.0/29", NULL);
	struct net_lease_table table = LEASE_TABLE_CLOSED;

	CHECK_TEXT(take(dir, &subnet, NULL, "a"), "10.0.0.2");
	CHECK_TEXT(take(dir, &subnet, NULL, "b"), "10.0.0.3");
	CHECK_TEXT(take(dir, &subnet, "10.0.0.4", "c"), "10.0.0.4");
	CHECK_TEXT(take(dir, &subnet, "10.0.0.4", "d"),
		   "take address 10.0.0.4: container c has it");
	CHECK_TEXT(take(dir, &subnet, NULL, "d"), "10.0.0.5");
	CHECK(strstr(take(dir, &subnet, "10.0.0.1", "e"), "it is the network's"));
	CHECK(strstr(take(dir, &subnet, "10.0.0.7", "e"), "broadcast"));
	/* given back by a stranger: nothing; by its owner: it rests, and goes last */
	release(dir, &subnet, "10.0.0.3", "a");
	release(dir, &subnet, "10.0.0.2", "a");
	release(dir, &subnet, "10.0.0.2", "a");
	CHECK_TEXT(take(dir, &subnet, NULL, "e"), "10.0.0.6");
	CHECK_TEXT(take(dir, &subnet, NULL, "f"), "10.0.0.2");
	CHECK_TEXT(take(dir, &subnet, NULL, "g"),
		   "take an address: all of 10.0.0.0/29 are in use (5)");
	CHECK_INT(net_lease_open(dir, 0, &subnet, &table, NULL), 0);
	CHECK_INT(net_lease_sweep(&table, is_b, NULL, NULL), 1);
	CHECK_INT(net_lease_held(&table), 4);
	net_lease_close(&table);
	CHECK_TEXT(take(dir, &subnet, NULL, "g"), "10.0.0.3");
	folder_close(path, dir);
}

static void test_ranges(void)
{
	char path[32];
	int dir = folder_open(path);
	struct subnet subnet = subnet_of("fd00:7::/64", "fd00:7::8000:0/112");

	CHECK_TEXT(take(dir, &subnet, NULL, "a"), "fd00:7::8000:0");
	CHECK_TEXT(take(dir, &subnet, NULL, "b"), "fd00:7::8000:1");
	CHECK_TEXT(take(dir, &subnet, "fd00:7::dead:beef:1", "c"), "fd00:7::dead:beef:1");
	CHECK(strstr(take(dir, &subnet, "fd00:7::dead:beef:1", "d"), "container c has it"));
	release(dir, &subnet, "fd00:7::dead:beef:1", "c");
	CHECK_TEXT(take(dir, &subnet, "fd00:7::dead:beef:1", "d"), "fd00:7::dead:beef:1");
	/* another subnet of that number starts over */
	subnet = subnet_of("10.9.0.0/16", NULL);
	CHECK_TEXT(take(dir, &subnet, NULL, "a"), "10.9.0.2");
	CHECK_TEXT(take(dir, &subnet, "10.9.255.254", "a"), "10.9.255.254");
	folder_close(path, dir);
}

static void test_id_length(void)
{
	char path[32], id[NET_ID_MAX + 2];
	int dir = folder_open(path);
	struct subnet subnet = subnet_of("10.0.0.0/24", NULL);

	memset(id, 'x', sizeof(id));
	id[NET_ID_MAX + 1] = '\0';
	CHECK(strstr(take(dir, &subnet, NULL, id), "longer than"));
	id[NET_ID_MAX] = '\0';
	CHECK_TEXT(take(dir, &subnet, NULL, id), "10.0.0.2");
	folder_close(path, dir);
}

static struct port_range range_of(int protocol, const char *host, unsigned int first,
				  unsigned int last)
{
	struct port_range range = {
		.protocol = protocol, .first = first, .last = last, .port = first
	};

	CHECK(ip_parse(host, &range.host));
	return range;
}

static bool is_owner(const struct port_range *range, const char *owner, void *data)
{
	(void)range;
	return strcmp(owner, data) == 0;
}

static void test_ports(void)
{
	static const struct {
		const char *what, *host;
		int protocol;
		unsigned int first, last;
		const char *owner; /* who has it already; NULL: free */
	} rows[] = {
		/* clang-format off */
		{ "any",              "0.0.0.0",   IPPROTO_TCP, 40080, 40080, NULL },
		{ "same again",       "0.0.0.0",   IPPROTO_TCP, 40080, 40080, "any" },
		{ "one address",      "127.0.0.1", IPPROTO_TCP, 40080, 40080, "any" },
		{ "other protocol",   "0.0.0.0",   IPPROTO_UDP, 40080, 40080, NULL },
		{ "other family",     "::",        IPPROTO_TCP, 40080, 40080, NULL },
		{ "range",            "127.0.0.1", IPPROTO_TCP, 40100, 40110, NULL },
		{ "range over range", "127.0.0.1", IPPROTO_TCP, 40110, 40120, "range" },
		{ "any over range",   "0.0.0.0",   IPPROTO_TCP, 40105, 40105, "range" },
		{ "beside",           "0.0.0.0",   IPPROTO_TCP, 40111, 40112, NULL },
		/* clang-format on */
	};

	char path[32], want[128];
	int dir = folder_open(path);
	struct port_range range;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = { 0 };

		range = range_of(rows[i].protocol, rows[i].host, rows[i].first, rows[i].last);
		CHECK_ROW(rows[i].what,
			  (net_port_take(dir, &range, rows[i].what, &err) == 0) == !rows[i].owner);
		snprintf(want, sizeof(want), "container %s has it already",
			 rows[i].owner ? rows[i].owner : "");
		CHECK_ROW(rows[i].what, !rows[i].owner || strstr(err.text, want));
	}
	range = range_of(IPPROTO_TCP, "0.0.0.0", 40080, 40080);
	CHECK_INT(net_port_release(dir, &range, "stranger", NULL), 0);
	CHECK_INT(net_port_take(dir, &range, "b", NULL), -1);
	CHECK_INT(net_port_release(dir, &range, "any", NULL), 0);
	CHECK_INT(net_port_take(dir, &range, "b", NULL), 0);
	CHECK_INT(net_port_sweep(dir, is_owner, (void *)"b", NULL), 1);
	CHECK_INT(net_port_take(dir, &range, "c", NULL), 0);
	folder_close(path, dir);
}

int main(void)
{
	test_small_subnet();
	test_ranges();
	test_id_length();
	test_ports();
	return unit_done("net_lease");
}
