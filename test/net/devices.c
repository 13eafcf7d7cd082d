/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Moving host devices (veth ends here) into a namespace: names, templates, addresses, clashes, the
 * way back. */
#include "base/err.h"
#include "net/net.h"
#include "test/net/space.h"

static struct json_list list_of(struct net_device_spec *devices, size_t count)
{
	return (struct json_list){ .items = devices, .count = count };
}

static void test_rename_and_addresses(void)
{
	int inside = space_new();
	struct net_device_spec device = { "dev0", "eth0" };
	struct json_list list = list_of(&device, 1);
	struct err err = { 0 };

	space_run(-1, "ip link add dev0 type veth peer name far0 && ip link set far0 up");
	space_run(-1, "ip addr add 10.1.2.3/24 dev dev0; ip addr add 10.9.9.9/32 dev dev0");
	space_run(
		-1,
		"ip addr add fd00:1::5/64 dev dev0; ip addr add 169.254.7.7/16 scope link dev dev0");
	space_run(-1, "ip addr add 10.5.5.5/24 valid_lft 500 preferred_lft 500 dev dev0");
	CHECK_INT(net_move_devices(&list, inside, &err), 0);
	CHECK_TEXT(err.text, "");
	CHECK(!space_shows(-1, "ip link", "dev0:"));
	CHECK(space_shows(inside, "ip -4 addr show dev eth0", "10.1.2.3/24"));
	CHECK(space_shows(inside, "ip -4 addr show dev eth0", "10.9.9.9/32"));
	CHECK(space_shows(inside, "ip -6 addr show dev eth0", "fd00:1::5/64"));
	CHECK(space_shows(inside, "ip link show dev eth0", ",UP"));
	CHECK(!space_shows(inside, "ip addr", "169.254.7.7"));
	CHECK(!space_shows(inside, "ip addr", "10.5.5.5"));
	close(inside);
}

static void test_templates(void)
{
	int inside = space_new();
	struct net_device_spec devices[] = { { "dev1", "eth%d" },
					     { "eth1", "eth%d" },
					     { "same", NULL } };
	struct json_list list = list_of(devices, 3);
	struct err err = { 0 };

	space_run(inside, "ip link add eth1 type bridge; ip link add dev1 type bridge");
	space_run(
		-1,
		"ip link add dev1 type veth peer name far6; ip link add eth1 type veth peer name far1");
	space_run(-1, "ip link add same type veth peer name far2");
	CHECK_INT(net_move_devices(&list, inside, &err), 0);
	CHECK_TEXT(err.text, "");
	CHECK(space_shows(inside, "ip -d link show dev eth0", "veth"));
	CHECK(space_shows(inside, "ip -d link show dev eth2", "veth"));
	CHECK(space_shows(inside, "ip -d link show dev same", "veth"));
	CHECK(space_shows(inside, "ip -d link show dev eth1", "bridge"));
	close(inside);
}

static void test_name_clash_goes_back(void)
{
	int inside = space_new();
	struct net_device_spec devices[] = { { "good", "in0" }, { "bad", "taken" } };
	struct json_list list = list_of(devices, 2);
	struct err err = { 0 };

	space_run(inside, "ip link add taken type bridge");
	space_run(-1, "ip link add master0 type bridge; ip link add good type veth peer name far3");
	space_run(-1, "ip link set good master master0 up; ip addr add 10.3.0.1/24 dev good");
	space_run(-1, "ip link add bad type veth peer name far4");
	CHECK_INT(net_move_devices(&list, inside, &err), -1);
	CHECK_INT(err.code, EEXIST);
	CHECK(strstr(err.text, "already has a device \"taken\""));
	CHECK(space_shows(-1, "ip addr show dev good", "10.3.0.1/24"));
	CHECK(space_shows(-1, "ip addr show dev good", "master master0"));
	CHECK(space_shows(-1, "ip link show dev good", ",UP"));
	CHECK(space_shows(-1, "ip link show dev bad", "bad"));
	CHECK(!space_shows(inside, "ip link", "in0"));
	close(inside);
}

static void test_address_refused_goes_back(void)
{
	int inside = space_new();
	struct net_device_spec device = { "six", NULL };
	struct json_list list = list_of(&device, 1);
	struct err err = { 0 };

	space_run(
		inside,
		"sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
	space_run(-1, "ip link add six type veth peer name far5; ip addr add fd00:6::1/64 dev six");
	CHECK_INT(net_move_devices(&list, inside, &err), -1);
	CHECK(strstr(err.text, "move device six: add address fd00:6::1/64: "));
	CHECK(space_shows(-1, "ip addr show dev six", "fd00:6::1/64"));
	close(inside);
}

static void test_refusals(void)
{
	int inside = space_new();
	struct net_device_spec none = { "nothere", NULL }, loopback = { "lo", "lo1" };
	struct json_list list = list_of(&none, 1);
	struct err err = { 0 };

	CHECK_INT(net_move_devices(&list, inside, &err), -1);
	CHECK_TEXT(err.text, "move device nothere: no such network device on the host");
	list = list_of(&loopback, 1);
	CHECK_INT(net_move_devices(&list, inside, &err), -1);
	CHECK(strstr(err.text, "move device lo: change network link lo1: Invalid argument"));
	CHECK(space_shows(-1, "ip link show dev lo", "lo:"));
	close(inside);
}

static void test_loopback(void)
{
	int inside = space_new(), here = space_here();
	struct err err = { 0 };

	space_enter(inside);
	CHECK_INT(net_raise_loopback(&err), 0);
	CHECK_INT(net_raise_loopback(&err), 0);
	space_enter(here);
	CHECK(space_shows(inside, "ip addr show dev lo", ",UP"));
	CHECK(space_shows(inside, "ip addr show dev lo", "127.0.0.1/8"));
	close(inside);
	close(here);
}

int main(void)
{
	space_begin("net devices");
	test_rename_and_addresses();
	test_templates();
	test_name_clash_goes_back();
	test_address_refused_goes_back();
	test_refusals();
	test_loopback();
	return unit_done("net devices");
}
