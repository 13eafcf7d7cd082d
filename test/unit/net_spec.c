/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The spec's "network" object from JSON, its checks, the state's way through JSON, hosts and
 * resolv.conf texts. */
#include <netinet/in.h>

#include "base/err.h"
#include "net/net.h"
#include "test/unit/unit.h"

static const struct {
	const char *json;
	const char *text; /* part of the error; NULL: accepted */
} rows[] = {
	/* clang-format off */
	{ "{}", NULL },
	{ "{\"interfaces\":[{\"network\":\"default\"}]}", NULL },
	{ "{\"mode\":\"host\"}", NULL },
	{ "{\"mode\":\"container:web1\"}", NULL },
	{ "{\"mode\":\"ns:/run/netns/x\"}", NULL },
	{ "{\"mode\":\"container:\"}", "masu.network.mode: \"container:\" is none of" },
	{ "{\"mode\":\"Bridge\"}", "masu.network.mode: \"Bridge\" is none of" },
	{ "{\"mode\":\"host\",\"interfaces\":[{}]}", "masu.network.mode: \"host\" goes without interfaces" },
	{ "{\"publish\":[{\"hostPort\":\"80\"}]}", "masu.network.publish: needs an interface" },
	{ "{\"interfaces\":[{\"name\":\"lo\"}]}", "masu.network.interfaces[0].name: \"lo\"" },
	{ "{\"interfaces\":[{\"name\":\"all\"}]}", "masu.network.interfaces[0].name: \"all\"" },
	{ "{\"interfaces\":[{\"name\":\"abcdefghijklmnop\"}]}", "masu.network.interfaces[0].name: " },
	{ "{\"interfaces\":[{\"name\":\"a\"},{\"name\":\"a\"}]}", "masu.network.interfaces[1].name: \"a\" is given twice" },
	{ "{\"interfaces\":[{\"network\":\"../x\"}]}", "masu.network.interfaces[0].network: " },
	{ "{\"interfaces\":[{\"mac\":\"02:00:00:00:00:1\"}]}", "masu.network.interfaces[0].mac: " },
	{ "{\"interfaces\":[{\"mac\":\"03:00:00:00:00:01\"}]}", "masu.network.interfaces[0].mac: " },
	{ "{\"interfaces\":[{\"mac\":\"02:00:00:00:00:0A\"}]}", NULL },
	{ "{\"interfaces\":[{\"ips\":[\"10.0.0.1\",\"10.0.0\"]}]}", "masu.network.interfaces[0].ips[1]: \"10.0.0\"" },
	{ "{\"interfaces\":[{\"aliases\":[\"a/b\"]}]}", "masu.network.interfaces[0].aliases[0]: " },
	{ "{\"interfaces\":[{\"mtu\":67}]}", "mtu" },
	{ "{\"interfaces\":[{}],\"publish\":[{\"hostPort\":\"80\",\"proto\":\"udp\"}]}", NULL },
	{ "{\"interfaces\":[{}],\"publish\":[{}]}", "hostPort" },
	{ "{\"interfaces\":[{}],\"publish\":[{\"hostPort\":\"0\"}]}", "masu.network.publish[0].hostPort: " },
	{ "{\"interfaces\":[{}],\"publish\":[{\"hostPort\":\"65536\"}]}", "masu.network.publish[0].hostPort: " },
	{ "{\"interfaces\":[{}],\"publish\":[{\"hostPort\":\"90-80\"}]}", "masu.network.publish[0].hostPort: " },
	{ "{\"interfaces\":[{}],\"publish\":[{\"hostPort\":\"80-90\",\"containerPort\":\"80-89\"}]}", "masu.network.publish[0].containerPort: \"80-89\" has not as many ports" },
	{ "{\"interfaces\":[{}],\"publish\":[{\"hostPort\":\"80\",\"proto\":\"icmp\"}]}", "proto" },
	{ "{\"interfaces\":[{}],\"publish\":[{\"hostPort\":\"80\",\"host\":\"localhost\"}]}", "masu.network.publish[0].host: " },
	{ "{\"interfaces\":[{}],\"publish\":[{\"hostPort\":\"80\",\"host\":\"::1\"}]}", "use 127.0.0.1" },
	{ "{\"interfaces\":[{}],\"publish\":[{\"hostPort\":\"80\",\"allowFrom\":[\"10.0.0.0\"]}]}", "masu.network.publish[0].allowFrom[0]: " },
	{ "{\"interfaces\":[{\"sysctls\":{\"net.ipv4.conf.IFNAME.rp_filter\":\"2\"}}]}", NULL },
	{ "{\"interfaces\":[{\"sysctls\":{\"net.ipv4.ip_forward\":\"1\"}}]}", "masu.network.interfaces[0].sysctls: " },
	{ "{\"interfaces\":[{\"sysctls\":{\"net.ipv4.conf.IFNAME./../x\":\"1\"}}]}", "masu.network.interfaces[0].sysctls: " },
	{ "{\"interfaces\":[{\"sysctls\":{\"net/../kernel.IFNAME.x\":\"1\"}}]}", "masu.network.interfaces[0].sysctls: " },
	{ "{\"interfaces\":[{\"sysctls\":{\"net.a..IFNAME.x\":\"1\"}}]}", "masu.network.interfaces[0].sysctls: " },
	{ "{\"interfaces\":[{\"bandwidth\":{\"ingress\":\"1mbit\",\"egress\":\"8000\",\"burst\":\"2K\"}}]}", NULL },
	{ "{\"interfaces\":[{\"bandwidth\":{\"ingress\":\"1000Gbit\",\"burst\":\"1024m\"}}]}", NULL },
	{ "{\"interfaces\":[{\"bandwidth\":{\"ingress\":\"1001gbit\"}}]}", "masu.network.interfaces[0].bandwidth.ingress: " },
	{ "{\"interfaces\":[{\"bandwidth\":{\"egress\":\"7999\"}}]}", "masu.network.interfaces[0].bandwidth.egress: " },
	{ "{\"interfaces\":[{\"bandwidth\":{\"egress\":\"mbit\"}}]}", "masu.network.interfaces[0].bandwidth.egress: " },
	{ "{\"interfaces\":[{\"bandwidth\":{\"egress\":\"18446744073709551615gbit\"}}]}", "masu.network.interfaces[0].bandwidth.egress: " },
	{ "{\"interfaces\":[{\"bandwidth\":{\"egress\":\"1mbit\",\"burst\":\"2047\"}}]}", "masu.network.interfaces[0].bandwidth.burst: " },
	{ "{\"interfaces\":[{\"bandwidth\":{\"burst\":\"4k\"}}]}", "masu.network.interfaces[0].bandwidth.burst: goes with" },
	{ "{\"dns\":{\"servers\":[\"one\"]}}", "masu.network.dns.servers[0]: " },
	{ "{\"hosts\":[\"a:10.0.0.1\",\"b\"]}", "masu.network.hosts[1]: \"b\"" },
	{ "{\"interfaces\":[{}],\"routes\":[{\"dst\":\"10.0.0.0/8\",\"via\":\"fd00::1\"}]}", "masu.network.routes[0].via: " },
	{ "{\"interfaces\":[{}],\"routes\":[{\"dst\":\"10.0.0.0\",\"via\":\"10.0.0.1\"}]}", "masu.network.routes[0].dst: " },
	/* clang-format on */
};

static int decode(const char *json, struct net_spec *spec, struct arena *arena, struct err *err)
{
	*spec = (struct net_spec){ 0 };
	return json_decode("spec", json, strlen(json), &net_spec_object, spec, arena, err);
}

static void test_checks(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena = { 0 };
		struct net_spec spec;
		struct err err = { 0 };
		int result = decode(rows[i].json, &spec, &arena, &err);

		if (result == 0)
			result = net_check(&spec, &err);
		CHECK_ROW(rows[i].json, (result == 0) == !rows[i].text);
		CHECK_ROW(rows[i].json, !rows[i].text || strstr(err.text, rows[i].text));
		CHECK_ROW(rows[i].json, !rows[i].text || err.code == ERR_INPUT);
		arena_free(&arena);
	}
}

static void test_modes(void)
{
	enum net_mode mode;
	const char *target;

	CHECK_INT(net_parse_mode(NULL, &mode, &target, NULL), 0);
	CHECK_INT(mode, NET_BRIDGE);
	CHECK_INT(net_parse_mode("ns:/x", &mode, &target, NULL), 0);
	CHECK_INT(mode, NET_PATH);
	CHECK_TEXT(target, "/x");
}

static const char state_json[] =
	"{\"id\":\"web1\",\"interfaces\":[{\"network\":\"default\",\"driver\":\"bridge\",\"name\":\"eth0\",\"hostName\":\"mv01\","
	"\"mac\":\"02:00:00:00:00:01\",\"addresses\":[\"10.210.0.2/24\",\"fd00::2/64\"],\"gateways\":[\"10.210.0.1\"],"
	"\"names\":[\"web1\",\"db\"],\"mtu\":1500}],\"ports\":[{\"proto\":\"udp\",\"host\":\"0.0.0.0\",\"first\":53,\"last\":53,"
	"\"address\":\"10.210.0.2\",\"port\":5353}],\"routes\":[{\"dst\":\"10.9.0.0/16\",\"via\":\"10.210.0.1\"}]}";

static void test_state_and_texts(void)
{
	struct arena arena = { 0 };
	struct net_state state = { 0 };
	struct net_spec spec, bare;
	struct err err = { 0 };

	CHECK_INT(json_decode("state", state_json, strlen(state_json), &net_state_object, &state,
			      &arena, &err),
		  0);
	CHECK_TEXT(err.text, "");
	CHECK_TEXT(json_encode(&net_state_object, &state, 0, &arena, &err), state_json);
	CHECK_INT(decode("{\"hosts\":[\"up:fd00::9\"],\"dns\":{\"search\":[\"x.org\"]}}", &spec,
			 &arena, &err),
		  0);
	CHECK_INT(decode("{}", &bare, &arena, &err), 0);
	CHECK_TEXT(
		net_hosts_text(&state, &spec, "box", &arena, &err),
		"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n10.210.0.2\tbox web1 db\n"
		"fd00::2\tbox web1 db\nfd00::9\tup\n");
	static const char host[] =
		"# c\nnameserver 127.0.0.53\nnameserver 9.9.9.9\nsearch a.b c.d\noptions edns0 trust-ad # x\n";

	CHECK_TEXT(net_resolv_text(&spec, host, false, &arena, &err),
		   "nameserver 9.9.9.9\nsearch x.org\noptions edns0 trust-ad\n");
	CHECK_TEXT(net_resolv_text(&bare, host, true, &arena, &err),
		   "nameserver 127.0.0.11\nsearch a.b c.d\noptions edns0 trust-ad\n");
	CHECK_TEXT(net_resolv_text(&bare, "", false, &arena, &err), "");
	arena_free(&arena);
}

int main(void)
{
	test_checks();
	test_modes();
	test_state_and_texts();
	return unit_done("net_spec");
}
