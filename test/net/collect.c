/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What dead containers leave is found, told and removed; many starts and stops leave nothing. */
#include <sys/wait.h>

#include "test/net/stage.h"

static bool is_alive(const char *id, void *data)
{
	(void)data;
	return strncmp(id, "dead", 4) != 0;
}

static char reported[4096];

static void take_report(const char *what, void *data)
{
	(void)data;
	strncat(reported, what, sizeof(reported) - strlen(reported) - 2);
	strcat(reported, "\n");
}

static int collect(bool dry_run)
{
	const struct net_sweep sweep = { .is_alive = is_alive,
					 .report = take_report,
					 .dry_run = dry_run };
	struct err err = { 0 };

	reported[0] = '\0';
	int found = net_collect(&stage.place, &sweep, &err);

	CHECK_TEXT(err.text, "");
	return found;
}

static void test_garbage(void)
{
	struct net_interface_spec one[] = { { .network = "default" } };
	struct net_publish_spec ports[] = { { .host_port = "8080", .container_port = "80" },
					    { .host_port = "9000-9010" } };
	struct net_publish_spec other[] = { { .host_port = "8081", .container_port = "80" } };
	struct net_spec spec = { .interfaces = LIST(one), .publish = LIST(ports) };
	struct net_spec alive = { .interfaces = LIST(one), .publish = LIST(other) };
	struct box dead = box_start("dead1", &spec), living = box_start("living", &alive);

	CHECK_INT(dead.result, 0);
	CHECK_INT(living.result, 0);
	/* two elements, a link, two ports, a name, an address; the namespace is still held here */
	CHECK_INT(collect(true), 7);
	CHECK(strstr(reported, "firewall element in map pub4, container dead1"));
	CHECK(strstr(reported, "firewall element in map pub4_range, container dead1"));
	CHECK(strstr(reported, "tcp ports 9000-9010, container dead1"));
	CHECK(strstr(reported, "address 10.210.0.2 of network default, container dead1"));
	CHECK(strstr(reported, "name dead1 in network default, container dead1"));
	CHECK(strstr(reported, "link mv"));
	CHECK_INT(collect(true), 7);
	CHECK_INT(collect(false), 7);
	CHECK_INT(collect(true), 0);
	CHECK(!space_shows(dead.space, "ip link", "eth0"));
	CHECK(space_shows(living.space, "ip link", "eth0"));
	CHECK(!space_shows(-1, "nft list table inet masu", "dead1"));
	CHECK(space_shows(-1, "nft list table inet masu", "c=living"));
	close(dead.space);
	box_end(&living);
	CHECK_INT(collect(true), 0);
}

/* The holder of an address and a port has died without a word: the next who wants them gets them.
 */
static void test_dead_holder(void)
{
	struct net_interface_spec one[] = {
		{ .ips = { (void *)(const char *const[]){ "10.210.0.77" }, 1 } }
	};
	struct net_publish_spec ports[] = { { .host_port = "8080" } };
	struct net_spec spec = { .interfaces = LIST(one), .publish = LIST(ports) };
	struct net_request request = { .id = "dead2", .spec = &spec };
	struct net_state state;
	struct err err = { 0 };

	CHECK_INT(net_reserve(&stage.place, &request, &state, &stage.arena, &err), 0);
	request.id = "next";
	CHECK_INT(net_reserve(&stage.place, &request, &state, &stage.arena, &err), -1);
	CHECK_TEXT(err.text, "network default: take address 10.210.0.77: container dead2 has it");
	request.is_alive = is_alive;
	CHECK_INT(net_reserve(&stage.place, &request, &state, &stage.arena, &err), 0);
	CHECK_INT(net_detach(&stage.place, &state, &err), 0);
	CHECK_INT(collect(true), 0);
}

/* Starts from several processes at once, each in the networks' first moments. */
static void test_parallel_starts(void)
{
	struct net_interface_spec one[] = { { .network = "busy" } };
	struct net_spec spec = { .interfaces = LIST(one) };
	pid_t pids[8];

	make_network((struct net_network){ .name = "busy" });
	for (int i = 0; i < 8; i++) {
		pids[i] = fork();
		if (pids[i])
			continue;
		unit_failures = 0;
		for (int j = 0; j < 5; j++) {
			char id[32];

			snprintf(id, sizeof(id), "par%d-%d", i, j);
			struct box box = box_start(id, &spec);

			CHECK_INT(box.result, 0);
			CHECK(space_shows(box.space, "ip addr show dev eth0", "scope global"));
			box_end(&box);
		}
		_exit(unit_failures > 0);
	}
	for (int i = 0; i < 8; i++) {
		int status;

		waitpid(pids[i], &status, 0);
		CHECK_INT(status, 0);
	}
	CHECK_INT(collect(true), 0);
	struct err err = { 0 };

	CHECK_INT(net_remove_network(&stage.place, "busy", &err), 0);
	CHECK_TEXT(err.text, "");
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	space_begin("net collect");
	stage_begin();
	test_garbage();
	test_dead_holder();
	test_parallel_starts();
	stage_end();
	return unit_done("net collect");
}
