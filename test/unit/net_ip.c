/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses and prefixes: parsing, printing, arithmetic. */
#include "net/ip.h"
#include "test/unit/unit.h"

static const struct {
	const char *text;
	const char *network, *last; /* NULL: not a prefix */
	const char *tenth;          /* the address at offset 10 */
} rows[] = {
	/* clang-format off */
	{ "10.1.2.3/24",          "10.1.2.0/24",   "10.1.2.255",     "10.1.2.10" },
	{ "10.1.2.3/0",           "0.0.0.0/0",     "255.255.255.255", "0.0.0.10" },
	{ "10.1.255.250/16",      "10.1.0.0/16",   "10.1.255.255",   "10.1.0.10" },
	{ "172.16.200.1/20",      "172.16.192.0/20", "172.16.207.255", "172.16.192.10" },
	{ "10.1.2.3/32",          "10.1.2.3/32",   "10.1.2.3",       "10.1.2.13" },
	{ "fd00:1::5/64",         "fd00:1::/64",   "fd00:1::ffff:ffff:ffff:ffff", "fd00:1::a" },
	{ "fd00::/8",             "fd00::/8",      "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fd00::a" },
	{ "10.1.2.3",             NULL, NULL, NULL },
	{ "10.1.2.3/33",          NULL, NULL, NULL },
	{ "10.1.2/24",            NULL, NULL, NULL },
	{ "10.1.2.3/-1",          NULL, NULL, NULL },
	{ "10.1.2.3/24 ",         NULL, NULL, NULL },
	{ "fe80::1%eth0/64",      NULL, NULL, NULL },
	{ "/24",                  NULL, NULL, NULL },
	/* clang-format on */
};

static void test_prefixes(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ip_prefix prefix;
		char text[IP_TEXT_MAX];
		bool good = ip_parse_prefix(rows[i].text, &prefix);

		CHECK_ROW(rows[i].text, good == (rows[i].network != NULL));
		if (!good)
			continue;
		struct ip_prefix network = ip_network(&prefix);
		struct ip_address last = ip_last(&prefix), tenth = ip_at(&prefix, 10);

		CHECK_TEXT(ip_format_prefix(&network, text), rows[i].network);
		CHECK_TEXT(ip_format(&last, text), rows[i].last);
		CHECK_TEXT(ip_format(&tenth, text), rows[i].tenth);
		CHECK_ROW(rows[i].text, ip_contains(&prefix, &last));
	}
}

static void test_arithmetic(void)
{
	struct ip_prefix net, other;
	struct ip_address address;
	char text[IP_TEXT_MAX];

	CHECK(ip_parse_prefix("10.2.0.0/15", &net) && ip_parse_prefix("10.3.255.0/24", &other));
	CHECK(ip_overlaps(&net, &other) && ip_overlaps(&other, &net));
	CHECK(ip_parse_prefix("10.4.0.0/16", &other) && !ip_overlaps(&net, &other));
	CHECK(ip_parse_prefix("fd00::/8", &other) && !ip_overlaps(&net, &other));
	CHECK_INT(ip_span(&net), 131072);
	CHECK(ip_span(&other) == UINT64_MAX);
	address = ip_at(&net, 0x1fffe);
	CHECK_TEXT(ip_format(&address, text), "10.3.255.254");
	CHECK_INT(ip_offset(&net, &address), 0x1fffe);
	CHECK(ip_parse("127.3.2.1", &address) && ip_is_loopback(&address));
	CHECK(ip_parse("::1", &address) && ip_is_loopback(&address) && !ip_is_any(&address));
	CHECK(ip_parse("::", &address) && ip_is_any(&address) && !ip_is_loopback(&address));
}

int main(void)
{
	test_prefixes();
	test_arithmetic();
	return unit_done("net_ip");
}
