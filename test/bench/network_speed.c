/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Throughput and latency between two containers and through a published port, each beside two
 * namespaces that were wired by hand with ip and nft.
 *
 *	network_speed ROUNDS
 *
 * Rounds alternate between the two; one JSON line a way, medians of the rounds and of their ratios.
 */
#include <netinet/tcp.h>
#include <sys/mount.h>
#include <time.h>

#include "test/net/stage.h"

enum {
	ROUNDS_MAX = 1000,
	BYTES = 96 << 20, /* sent in one round */
	CHUNK = 128 << 10,
	TRIPS = 4000, /* of one byte, in one round */
	STREAM_PORT = 80,
	ECHO_PORT = 81,
};

static double now_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int compare(const void *left, const void *right)
{
	const double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/* Take what comes (STREAM_PORT) and close, or send each byte back (ECHO_PORT). */
static void serve(int space, int port)
{
	static char buffer[CHUNK];
	union traffic_address own;
	int on = 1, server;
	socklen_t size = traffic_address("0.0.0.0", port, &own);

	if (fork() != 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	space_enter(space);
	server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(server, &own.any, size) < 0 || listen(server, 8) < 0)
		_exit(1);
	for (;;) {
		int talk = accept(server, NULL, NULL);
		ssize_t got;

		setsockopt(talk, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		while ((got = read(talk, buffer, port == ECHO_PORT ? 1 : sizeof(buffer))) > 0)
			if (port == ECHO_PORT && write(talk, buffer, (size_t)got) != got)
				break;
		close(talk);
	}
}

static int dial(int space, const char *host, int port)
{
	union traffic_address to;
	socklen_t size = traffic_address(host, port, &to);
	int on = 1, talk = -1;

	for (int tries = 0; tries < 100; tries++) {
		space_enter(space);
		talk = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		setsockopt(talk, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		int result = connect(talk, &to.any, size);

		space_enter(stage.here);
		if (result == 0)
			return talk;
		close(talk);
		usleep(50000);
	}
	fprintf(stderr, "network_speed: connect to %s port %d: %s\n", host, port, strerror(errno));
	exit(1);
}

/* Gbit/s. */
static double stream(int space, const char *host, int port)
{
	static char buffer[CHUNK];
	int talk = dial(space, host, port);
	double begin = now_us();

	for (size_t sent = 0; sent < BYTES;) {
		ssize_t wrote = write(talk, buffer, sizeof(buffer));

		if (wrote < 0)
			exit(1);
		sent += (size_t)wrote;
	}
	shutdown(talk, SHUT_WR);
	if (read(talk, buffer, 1) != 0) /* the other end has read all of it */
		exit(1);
	close(talk);
	return (double)BYTES * 8 / (now_us() - begin) / 1e3;
}

/* Microseconds there and back. */
static double echo(int space, const char *host, int port)
{
	int talk = dial(space, host, port);
	double begin = now_us();
	char byte = 0;

	for (int i = 0; i < TRIPS; i++) {
		if (write(talk, &byte, 1) != 1 || read(talk, &byte, 1) != 1)
			exit(1);
	}
	double end = now_us();

	close(talk);
	return (end - begin) / TRIPS;
}

/* ---- by hand ---- */

static struct {
	int host, outside, left, right;
} bare;

static void wire_by_hand(void)
{
	const char *const rules =
		"nft 'add table ip nat; add chain ip nat pre { type nat hook prerouting priority "
		"-100; }; add rule ip nat pre tcp dport 8080 dnat to 10.9.0.2:80; add rule ip nat "
		"pre tcp dport 8081 dnat to 10.9.0.2:81; add chain ip nat post { type nat hook "
		"postrouting priority 100; }; add rule ip nat post ip saddr 10.9.0.0/24 oifname "
		"!= \"br0\" masquerade'";

	bare.host = space_new();
	bare.outside = space_new();
	bare.left = space_new();
	bare.right = space_new();
	space_run(bare.host, "ip link set lo up; ip link add br0 type bridge; "
			     "ip addr add 10.9.0.1/24 dev br0; ip link set br0 up");
	for (int i = 0; i < 3; i++) {
		const int spaces[] = { bare.left, bare.right, bare.outside };

		space_run(bare.host,
			  "ip link add v%d %s type veth peer name eth0 netns /proc/%d/fd/%d", i,
			  i < 2 ? "master br0" : "", getpid(), spaces[i]);
		space_run(bare.host, "ip link set v%d up", i);
		space_run(spaces[i], "ip link set eth0 up; ip addr add %s.%d/24 dev eth0",
			  i < 2 ? "10.9.0" : "192.0.3", i + 2);
		space_run(spaces[i], "ip route add default via %s.1", i < 2 ? "10.9.0" : "192.0.3");
	}
	space_run(bare.host, "ip addr add 192.0.3.1/24 dev v2; sysctl -qw net.ipv4.ip_forward=1");
	space_run(bare.host, "%s", rules);
	serve(bare.left, STREAM_PORT);
	serve(bare.left, ECHO_PORT);
}

/* ---- rows ---- */

struct way {
	const char *name;
	int space, bare_space;
	char host[64], bare_host[64];
	int stream_port, echo_port;
};

static void measure(const struct way *way, size_t rounds)
{
	static double speed[ROUNDS_MAX], bare_speed[ROUNDS_MAX], speed_ratio[ROUNDS_MAX];
	static double trip[ROUNDS_MAX], bare_trip[ROUNDS_MAX], trip_ratio[ROUNDS_MAX];

	for (size_t i = 0; i < rounds; i++) {
		speed[i] = stream(way->space, way->host, way->stream_port);
		bare_speed[i] = stream(way->bare_space, way->bare_host, way->stream_port);
		speed_ratio[i] = speed[i] / bare_speed[i];
		trip[i] = echo(way->space, way->host, way->echo_port);
		bare_trip[i] = echo(way->bare_space, way->bare_host, way->echo_port);
		trip_ratio[i] = bare_trip[i] / trip[i];
	}
	printf("{\"way\": \"%s\", \"gbit\": %.2f, \"bare_gbit\": %.2f, \"throughput_ratio\": %.3f, "
	       "\"round_trip_us\": %.2f, \"bare_round_trip_us\": %.2f, \"latency_ratio\": %.3f}\n",
	       way->name, median(speed, rounds), median(bare_speed, rounds),
	       median(speed_ratio, rounds), median(trip, rounds), median(bare_trip, rounds),
	       median(trip_ratio, rounds));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct net_interface_spec one[] = { { 0 } };
	struct net_publish_spec ports[] = {
		{ .host_port = "8080-8081", .container_port = "80-81" },
	};
	struct net_spec plain = { .interfaces = LIST(one) };
	struct net_spec open = { .interfaces = LIST(one), .publish = LIST(ports) };
	size_t rounds = argc > 1 ? (size_t)atoi(argv[1]) : 0;

	if (!rounds || rounds > ROUNDS_MAX)
		return 2;
	space_begin("network_speed");
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/tmp", "tmpfs", 0, NULL) < 0)
		return 1;
	stage_begin();
	struct box web = box_start("web", &open), other = box_start("other", &plain);

	if (web.result < 0 || other.result < 0)
		return 1;
	serve(web.space, STREAM_PORT);
	serve(web.space, ECHO_PORT);
	wire_by_hand();
	struct way neighbours = { "between two containers",
				  other.space,
				  bare.right,
				  "",
				  "10.9.0.2",
				  STREAM_PORT,
				  ECHO_PORT };
	struct way published = { "through a published port",
				 stage.outside,
				 bare.outside,
				 "192.0.2.1",
				 "192.0.3.1",
				 8080,
				 8081 };

	snprintf(neighbours.host, sizeof(neighbours.host), "%s", box_address(&web, 0));
	measure(&neighbours, rounds);
	measure(&published, rounds);
	return 0;
}
