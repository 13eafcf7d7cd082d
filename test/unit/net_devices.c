/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The checks of linux.netDevices before anything is touched, and interface names. */
#include "base/err.h"
#include "net/name.h"
#include "net/net.h"
#include "test/unit/unit.h"

static const struct {
	const char *what;
	struct net_device_spec devices[2];
	size_t count;
	const char *text; /* part of the error; NULL: accepted */
} rows[] = {
	/* clang-format off */
	{ "plain",            { { "eth5", NULL } },                          1, NULL },
	{ "renamed",          { { "eth5", "eth0" } },                        1, NULL },
	{ "template",         { { "eth5", "eth%d" }, { "eth6", "eth%d" } },  2, NULL },
	{ "longest",          { { "abcdefghijklmno", NULL } },               1, NULL },
	{ "swapped",          { { "a", "b" }, { "b", "a" } },                2, NULL },
	{ "too long",         { { "abcdefghijklmnop", NULL } },              1, "linux.netDevices.abcdefghijklmnop: " },
	{ "long new name",    { { "eth5", "abcdefghijklmnop" } },            1, "linux.netDevices.eth5.name: \"abcdefghijklmnop\"" },
	{ "empty key",        { { "", NULL } },                              1, "not a network device name" },
	{ "slash",            { { "a/b", NULL } },                           1, "linux.netDevices.a/b: " },
	{ "colon",            { { "eth5", "eth0:1" } },                      1, "linux.netDevices.eth5.name: " },
	{ "space",            { { "eth5", "eth 0" } },                       1, "linux.netDevices.eth5.name: " },
	{ "dot",              { { ".", NULL } },                             1, "linux.netDevices..: " },
	{ "dots",             { { "eth5", ".." } },                          1, "linux.netDevices.eth5.name: " },
	{ "template in key",  { { "eth%d", NULL } },                         1, "linux.netDevices.eth%d: " },
	{ "two numbers",      { { "eth5", "e%d%d" } },                       1, "linux.netDevices.eth5.name: " },
	{ "other conversion", { { "eth5", "e%s" } },                         1, "linux.netDevices.eth5.name: " },
	{ "bare percent",     { { "eth5", "e%" } },                          1, "linux.netDevices.eth5.name: " },
	{ "twice",            { { "eth5", "eth0" }, { "eth6", "eth0" } },    2, "linux.netDevices.eth6.name: \"eth0\" is given twice" },
	{ "twice by key",     { { "eth0", NULL }, { "eth6", "eth0" } },      2, "linux.netDevices.eth6.name: \"eth0\" is given twice" },
	/* clang-format on */
};

static void test_checks(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct net_device_spec devices[2] = { rows[i].devices[0], rows[i].devices[1] };
		struct json_list list = { devices, rows[i].count };
		struct err err = { 0 };
		int result = net_check_devices(&list, true, &err);

		CHECK_ROW(rows[i].what, (result == 0) == !rows[i].text);
		CHECK_ROW(rows[i].what, !rows[i].text || strstr(err.text, rows[i].text));
		CHECK_ROW(rows[i].what, !rows[i].text || err.code == ERR_INPUT);
	}
}

static void test_namespace_needed(void)
{
	struct net_device_spec device = { "eth5", NULL };
	struct json_list none = { NULL, 0 }, one = { &device, 1 };
	struct err err = { 0 };

	CHECK_INT(net_check_devices(&none, false, &err), 0);
	CHECK_INT(net_check_devices(&one, false, &err), -1);
	CHECK(strstr(err.text, "needs a network namespace"));
}

static void test_templates(void)
{
	char name[IFNAMSIZ];

	CHECK(net_ifname_from_template("eth%d", 12, name));
	CHECK_TEXT(name, "eth12");
	CHECK(net_ifname_from_template("a%db", 0, name));
	CHECK_TEXT(name, "a0b");
	CHECK(net_ifname_from_template("lan", 3, name));
	CHECK_TEXT(name, "lan");
	CHECK(!net_ifname_from_template("abcdefghijklm%d", 100, name));
}

int main(void)
{
	test_checks();
	test_namespace_needed();
	test_templates();
	return unit_done("net_devices");
}
