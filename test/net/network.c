/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Containers on bridge networks: reaching out, each other, being reached, and being kept apart. */
#include "test/net/stage.h"

static void test_default_network(void)
{
	struct net_interface_spec one[] = { { 0 } };
	struct net_publish_spec ports[] = {
		{ .host_port = "8080", .container_port = "80" },
		{ .host = "127.0.0.1", .host_port = "8081", .container_port = "80" },
		{ .host = "192.0.2.1", .host_port = "8082", .container_port = "80" },
		{ .host_port = "9000-9010" },
		{ .host_port = "7000-7001", .container_port = "80-81" },
		{ .host_port = "5353", .container_port = "53", .protocol = IPPROTO_UDP },
	};
	struct net_spec plain = { .interfaces = LIST(one) };
	struct net_spec open = { .interfaces = LIST(one), .publish = LIST(ports) };
	struct box web = box_start("web", &open), other = box_start("other", &plain);

	CHECK_INT(web.result, 0);
	CHECK_INT(other.result, 0);
	traffic_serve(web.space, "0.0.0.0", SOCK_STREAM, 80, "web80");
	traffic_serve(web.space, "0.0.0.0", SOCK_STREAM, 81, "web81");
	traffic_serve(web.space, "0.0.0.0", SOCK_STREAM, 9005, "web9005");
	traffic_serve(web.space, "0.0.0.0", SOCK_DGRAM, 53, "dns");
	traffic_serve(stage.outside, "0.0.0.0", SOCK_STREAM, 1000, "outside");
	/* out: the neighbour sees the host's address */
	CHECK_TEXT(traffic_ask(web.space, "192.0.2.2", SOCK_STREAM, 1000),
		   "outside from 192.0.2.1");
	/* each other, directly */
	CHECK(strstr(traffic_ask(other.space, box_address(&web, 0), SOCK_STREAM, 80),
		     "web80 from 10.210.0."));
	/* in: any address, one address, ranges, shifted ranges, udp */
	CHECK_TEXT(traffic_ask(stage.outside, "192.0.2.1", SOCK_STREAM, 8080),
		   "web80 from 192.0.2.2");
	CHECK_TEXT(traffic_ask(stage.outside, "192.0.2.1", SOCK_STREAM, 8082),
		   "web80 from 192.0.2.2");
	CHECK_TEXT(traffic_ask(stage.outside, "192.0.2.1", SOCK_STREAM, 9005),
		   "web9005 from 192.0.2.2");
	CHECK_TEXT(traffic_ask(stage.outside, "192.0.2.1", SOCK_STREAM, 7001),
		   "web81 from 192.0.2.2");
	CHECK_TEXT(traffic_ask(stage.outside, "192.0.2.1", SOCK_DGRAM, 5353), "dns from 192.0.2.2");
	/* from the host itself */
	CHECK(strstr(traffic_ask(stage.here, "127.0.0.1", SOCK_STREAM, 8080),
		     "web80 from 10.210.0.1"));
	CHECK(strstr(traffic_ask(stage.here, "127.0.0.1", SOCK_STREAM, 8081),
		     "web80 from 10.210.0.1"));
	CHECK(strstr(traffic_ask(stage.here, "192.0.2.1", SOCK_STREAM, 8080), "web80"));
	CHECK(strstr(traffic_ask(stage.here, box_address(&web, 0), SOCK_STREAM, 80), "web80"));
	/* from a neighbour and from itself through the host's port */
	CHECK(strstr(traffic_ask(other.space, "192.0.2.1", SOCK_STREAM, 8080),
		     "web80 from 10.210.0.1"));
	CHECK(strstr(traffic_ask(web.space, "192.0.2.1", SOCK_STREAM, 8080),
		     "web80 from 10.210.0.1"));
	CHECK(strstr(traffic_ask(web.space, "10.210.0.1", SOCK_STREAM, 8080),
		     "web80 from 10.210.0.1"));
	/* not in: a port for localhost, by spoofing too; the address itself */
	CHECK(traffic_is_silent(stage.outside, "192.0.2.1", SOCK_STREAM, 8081));
	space_run(stage.outside, "ip route add 10.210.0.0/24 via 192.0.2.1");
	space_run(stage.outside,
		  "ip addr del 127.0.0.1/8 dev lo; ip route flush table local to 127.0.0.0/8; "
		  "ip route add 127.0.0.0/8 via 192.0.2.1; "
		  "sysctl -qw net.ipv4.conf.out0.route_localnet=1");
	CHECK(traffic_is_silent(stage.outside, "127.0.0.1", SOCK_STREAM, 8081));
	CHECK(traffic_is_silent(stage.outside, box_address(&web, 0), SOCK_STREAM, 80));
	box_end(&web);
	CHECK(traffic_is_silent(stage.outside, "192.0.2.1", SOCK_STREAM, 8080));
	box_end(&other);
	CHECK(!space_shows(-1, "nft list table inet masu", "c=web"));
	traffic_end();
}

static void test_port_conflicts(void)
{
	struct net_interface_spec one[] = { { 0 } };
	struct net_publish_spec first[] = { { .host_port = "8000-8010" } };
	struct net_publish_spec second[] = { { .host = "127.0.0.1", .host_port = "8005" } };
	struct net_publish_spec third[] = { { .host_port = "2222" } };
	struct net_spec specs[] = { { .interfaces = LIST(one), .publish = LIST(first) },
				    { .interfaces = LIST(one), .publish = LIST(second) },
				    { .interfaces = LIST(one), .publish = LIST(third) } };
	struct box a = box_start("a", &specs[0]);
	struct net_state state;
	struct net_request request = { .id = "b", .spec = &specs[1] };
	struct err err = { 0 };

	CHECK_INT(a.result, 0);
	CHECK_INT(net_reserve(&stage.place, &request, &state, &stage.arena, &err), -1);
	CHECK_TEXT(err.text, "publish tcp port 8005 of 127.0.0.1: container a has it already");
	traffic_serve(stage.here, "0.0.0.0", SOCK_STREAM, 2222, "host");
	request.spec = &specs[2];
	CHECK_INT(net_reserve(&stage.place, &request, &state, &stage.arena, &err), -1);
	CHECK_TEXT(err.text, "publish tcp port 2222: a program on this host uses port 2222");
	traffic_end();
	box_end(&a);
	/* what it had is free again */
	request.spec = &specs[1];
	CHECK_INT(net_reserve(&stage.place, &request, &state, &stage.arena, &err), 0);
	CHECK_INT(net_detach(&stage.place, &state, &err), 0);
}

static void test_allow_from(void)
{
	const char *const outside4[] = { "192.0.2.0/30", "192.0.2.2/32", "fd01::/16" };
	const char *const nobody[] = { "198.51.100.0/24" };
	struct net_interface_spec one[] = { { .network = "guarded" } };
	struct net_publish_spec ports[] = {
		{ .host_port = "8200",
		  .container_port = "80",
		  .allow_from = { (void *)outside4, 3 } },
		{ .host_port = "8201",
		  .container_port = "80",
		  .allow_from = { (void *)nobody, 1 } },
		{ .host_port = "8202", .container_port = "80" },
		{ .host_port = "8300-8310", .allow_from = { (void *)nobody, 1 } },
	};
	struct net_spec spec = { .interfaces = LIST(one), .publish = LIST(ports) };

	make_network((struct net_network){ .name = "guarded", .ipv6 = true });
	struct box box = box_start("guarded1", &spec);

	CHECK_INT(box.result, 0);
	traffic_serve(box.space, "::", SOCK_STREAM, 80, "web");
	traffic_serve(box.space, "::", SOCK_STREAM, 8305, "range");
	CHECK(traffic_ask(stage.outside, "192.0.2.1", SOCK_STREAM, 8200)[0]);
	CHECK(traffic_ask(stage.outside, "fd01::1", SOCK_STREAM, 8200)[0]);
	CHECK(traffic_is_silent(stage.outside, "192.0.2.1", SOCK_STREAM, 8201));
	CHECK(traffic_is_silent(stage.outside, "fd01::1", SOCK_STREAM, 8201));
	CHECK(traffic_ask(stage.outside, "192.0.2.1", SOCK_STREAM, 8202)[0]);
	CHECK(traffic_is_silent(stage.outside, "192.0.2.1", SOCK_STREAM, 8305));
	CHECK(traffic_ask(stage.here, "127.0.0.1", SOCK_STREAM, 8201)[0]);
	box_end(&box);
	CHECK(!space_shows(-1, "nft list table inet masu", "guarded1"));
	traffic_end();
}

static char told[4096];

static void take_report(const char *what, void *data)
{
	(void)data;
	strncat(told, what, sizeof(told) - strlen(told) - 2);
	strcat(told, "\n");
}

static void test_reload(void)
{
	struct net_interface_spec one[] = { { 0 } };
	struct net_publish_spec ports[] = { { .host_port = "8400", .container_port = "80" } };
	struct net_spec spec = { .interfaces = LIST(one), .publish = LIST(ports) };
	struct box box = box_start("reload1", &spec);
	const struct net_state *const states[] = { &box.state };
	struct err err = { 0 };

	traffic_serve(box.space, "0.0.0.0", SOCK_STREAM, 80, "web");
	CHECK(traffic_ask(stage.outside, "192.0.2.1", SOCK_STREAM, 8400)[0]);
	told[0] = '\0';
	CHECK_INT(net_diagnose(&stage.place, take_report, NULL, &err), 0);
	CHECK_TEXT(told, "");
	space_run(
		-1,
		"nft flush ruleset; nft add table ip foo; "
		"nft add chain ip foo bar '{ type filter hook forward priority 0; policy drop; }'");
	CHECK(traffic_is_silent(stage.outside, "192.0.2.1", SOCK_STREAM, 8400));
	CHECK(net_diagnose(&stage.place, take_report, NULL, &err) >= 2);
	CHECK(strstr(told, "firewall chain bar of table ip foo drops"));
	CHECK(strstr(told, "has no rules for masu0"));
	CHECK_INT(net_reload(&stage.place, states, 1, &err), 0);
	CHECK_TEXT(err.text, "");
	CHECK(traffic_is_silent(stage.outside, "192.0.2.1", SOCK_STREAM, 8400)); /* bar drops */
	space_run(-1, "nft delete table ip foo");
	CHECK(traffic_ask(stage.outside, "192.0.2.1", SOCK_STREAM, 8400)[0]);
	CHECK_INT(net_reload(&stage.place, states, 1, &err), 0);
	CHECK(traffic_ask(stage.outside, "192.0.2.1", SOCK_STREAM, 8400)[0]);
	box_end(&box);
	traffic_end();
}

static void test_macvlan(void)
{
	struct net_interface_spec one[] = {
		{ .network = "lan", .ips = { (void *)(const char *const[]){ "192.0.2.77" }, 1 } }
	};
	struct net_spec spec = { .interfaces = LIST(one) };
	struct net_subnet_spec subnets[] = { { .subnet = "192.0.2.0/24", .gateway = "192.0.2.2" } };

	make_network((struct net_network){
		.name = "lan", .driver = "macvlan", .parent = "wan0", .subnets = LIST(subnets) });
	struct box box = box_start("lan1", &spec);

	CHECK_INT(box.result, 0);
	traffic_serve(stage.outside, "0.0.0.0", SOCK_STREAM, 1000, "outside");
	traffic_serve(box.space, "0.0.0.0", SOCK_STREAM, 80, "lan1");
	CHECK_TEXT(traffic_ask(box.space, "192.0.2.2", SOCK_STREAM, 1000),
		   "outside from 192.0.2.77");
	CHECK_TEXT(traffic_ask(stage.outside, "192.0.2.77", SOCK_STREAM, 80),
		   "lan1 from 192.0.2.2");
	CHECK(space_shows(box.space, "ip route", "default via 192.0.2.2"));
	box_end(&box);
	traffic_end();
}

static void test_bad_networks(void)
{
	struct net_subnet_spec overlap[] = { { .subnet = "192.0.2.128/25" } },
			       twice[] = { { .subnet = "10.9.0.0/16" },
					   { .subnet = "10.9.1.0/24" } },
			       outside[] = { { .subnet = "10.8.0.0/24", .gateway = "10.9.0.1" } };

	const struct {
		struct net_network wanted;
		const char *text;
	} rows[] = {
		{ { .name = "bad/name" }, "a name is 1 to 63" },
		{ { .name = "b", .driver = "token-ring" }, "driver: \"token-ring\" is not known" },
		{ { .name = "b", .subnets = LIST(overlap) },
		  "192.0.2.128/25 overlaps 192.0.2.0/24" },
		{ { .name = "b", .subnets = LIST(twice) }, "subnets[1] overlaps subnets[0]" },
		{ { .name = "b", .subnets = LIST(outside) },
		  "gateway: 10.9.0.1 is not in 10.8.0.0/24" },
		{ { .name = "b", .driver = "macvlan" }, "parent: needed" },
		{ { .name = "b", .bridge = "masu0" }, "masu0 belongs to default" },
		{ { .name = "default" }, "it exists already" },
	};
	struct net_network made;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = { 0 };

		CHECK_INT(net_create_network(&stage.place, &rows[i].wanted, &made, &stage.arena,
					     &err),
			  -1);
		CHECK_ROW(rows[i].text, strstr(err.text, rows[i].text));
	}
}

static void test_isolation(int bridge_netfilter)
{
	make_network((struct net_network){ .name = "red" });
	make_network((struct net_network){ .name = "blue", .isolate = { true, 0 } });
	make_network((struct net_network){ .name = "inner", .internal = true });
	make_network((struct net_network){ .name = "apart", .icc = { true, 0 } });
	struct net_interface_spec in_red[] = { { .network = "red" } },
				  in_blue[] = { { .network = "blue" } },
				  in_inner[] = { { .network = "inner" } },
				  in_apart[] = { { .network = "apart" } },
				  in_both[] = { { .network = "red" }, { .network = "inner" } };
	struct net_publish_spec ports[] = { { .host_port = "8088", .container_port = "80" } };
	struct net_spec specs[] = { { .interfaces = LIST(in_red) },
				    { .interfaces = LIST(in_blue) },
				    { .interfaces = LIST(in_inner) },
				    { .interfaces = LIST(in_apart), .publish = LIST(ports) },
				    { .interfaces = LIST(in_both) },
				    { .interfaces = LIST(in_apart) } };
	static const char *const names[] = {
		"red1", "blue1", "inner1", "apart1", "both1", "apart2"
	};
	struct box boxes[6];

	for (size_t i = 0; i < 6; i++) {
		boxes[i] = box_start(names[i], &specs[i]);
		CHECK_INT(boxes[i].result, 0);
		traffic_serve(boxes[i].space, "0.0.0.0", SOCK_STREAM, 80, names[i]);
	}
	traffic_serve(stage.outside, "0.0.0.0", SOCK_STREAM, 1000, "outside");
#define REACHES(from, to)                                                                          \
	traffic_ask(boxes[from].space, box_address(&boxes[to], 0), SOCK_STREAM, 80)[0]
#define SILENT(from, to)                                                                           \
	traffic_is_silent(boxes[from].space, box_address(&boxes[to], 0), SOCK_STREAM, 80)
	CHECK(SILENT(1, 0));  /* red is isolated */
	CHECK(REACHES(0, 1)); /* blue lets others in */
	CHECK(REACHES(0, 4) && REACHES(4, 0));
	CHECK(REACHES(4, 2)); /* both networks: inner is on its own link */
	CHECK(SILENT(2, 0) && SILENT(2, 1) && SILENT(0, 2));
	CHECK(SILENT(3, 5) && SILENT(5, 3)); /* icc off */
	CHECK(traffic_ask(boxes[3].space, "192.0.2.2", SOCK_STREAM, 1000)[0]);
	CHECK(traffic_is_silent(boxes[2].space, "192.0.2.2", SOCK_STREAM, 1000));
	/* br_netfilter translates inside the bridge, where isolated ports are kept apart */
	if (!bridge_netfilter)
		CHECK(traffic_ask(boxes[5].space, "192.0.2.1", SOCK_STREAM, 8088)[0]);
	CHECK(space_shows(boxes[4].space, "ip route", "default via"));
	CHECK(!space_shows(boxes[2].space, "ip route", "default"));
	struct err err = { 0 };

	CHECK_INT(net_remove_network(&stage.place, "red", &err), -1);
	CHECK_INT(err.code, ERR_STATE);
	for (size_t i = 0; i < 6; i++)
		box_end(&boxes[i]);
	CHECK_INT(net_remove_network(&stage.place, "red", &err), 0);
	CHECK(!space_shows(-1, "ip link", "masu-red"));
	CHECK(!space_shows(-1, "nft list table inet masu", "masu-red"));
	CHECK(space_shows(-1, "nft list table inet masu", "masu-blue"));
	CHECK_INT(net_remove_network(&stage.place, "red", &err), -1);
	CHECK_INT(err.code, ERR_NOT_FOUND);
	traffic_end();
}

static void test_both_families(void)
{
	struct json_pair sysctls[] = { { "net.ipv4.conf.IFNAME.rp_filter", "2" } };
	struct net_interface_spec one[] = { { .network = "six",
					      .name = "lan",
					      .mac = "02:aa:bb:cc:dd:ee",
					      .sysctls = LIST(sysctls) } };
	struct net_publish_spec ports[] = {
		{ .host_port = "8090", .container_port = "80" },
		{ .host = "fd01::1", .host_port = "8091", .container_port = "80" },
		{ .host_port = "8100-8110" }
	};
	struct net_spec spec = { .interfaces = LIST(one), .publish = LIST(ports) };

	make_network((struct net_network){ .name = "six", .ipv6 = true });
	struct box box = box_start("six1", &spec);

	CHECK_INT(box.result, 0);
	CHECK(space_shows(box.space, "ip link show dev lan", "02:aa:bb:cc:dd:ee"));
	CHECK(space_shows(box.space, "cat /proc/sys/net/ipv4/conf/lan/rp_filter", "2"));
	traffic_serve(box.space, "::", SOCK_STREAM, 80, "six");
	traffic_serve(box.space, "::", SOCK_STREAM, 8105, "range");
	traffic_serve(stage.outside, "::", SOCK_STREAM, 1006, "outside");
	CHECK_TEXT(traffic_ask(box.space, "fd01::2", SOCK_STREAM, 1006), "outside from fd01::1");
	CHECK_TEXT(traffic_ask(stage.outside, "fd01::1", SOCK_STREAM, 8090), "six from fd01::2");
	CHECK_TEXT(traffic_ask(stage.outside, "fd01::1", SOCK_STREAM, 8091), "six from fd01::2");
	CHECK_TEXT(traffic_ask(stage.outside, "fd01::1", SOCK_STREAM, 8105), "range from fd01::2");
	CHECK_TEXT(traffic_ask(stage.outside, "192.0.2.1", SOCK_STREAM, 8090),
		   "six from ::ffff:192.0.2.2");
	CHECK(traffic_ask(box.space, "fd01::1", SOCK_STREAM, 8090)[0]);
	space_run(stage.outside, "ip -6 route add fd00::/8 via fd01::1");
	CHECK(traffic_is_silent(stage.outside, box_address(&box, 1), SOCK_STREAM, 80));
	box_end(&box);
	traffic_end();
}

static void run_all(int bridge_netfilter)
{
	fprintf(stderr, "(br_netfilter %d)\n", bridge_netfilter);
	space_run(
		-1,
		"sysctl -qw net.bridge.bridge-nf-call-iptables=%d net.bridge.bridge-nf-call-ip6tables=%d",
		bridge_netfilter, bridge_netfilter);
	stage_begin();
	test_default_network();
	test_port_conflicts();
	test_isolation(bridge_netfilter);
	test_both_families();
	test_allow_from();
	test_reload();
	test_macvlan();
	test_bad_networks();
	stage_end();
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	space_begin("net network");
	run_all(1);
	if (unshare(CLONE_NEWNET) < 0)
		return 1;
	run_all(0);
	return unit_done("net network");
}
