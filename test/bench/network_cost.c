/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the network of one container costs beside many others: net/ alone, without a process, next
 *to the same kernel objects wired by hand through the same netlink library.
 *
 *	network_cost ROUNDS PORTS ALIVE...
 *
 * One JSON line for each ALIVE, medians in microseconds. Each round starts one container more and
 * none ends meanwhile, so that no namespace is torn down while the clock runs.
 */
#include <net/if.h>
#include <sys/mount.h>
#include <time.h>

#include "net/netlink.h"
#include "test/net/stage.h"

enum {
	ROUNDS_MAX = 1000,
	BOXES_MAX = 4096,
	PORTS_MAX = 10000,
};

static struct box boxes[BOXES_MAX];
static size_t box_count;
static int bare_host, bare_bridge;
static size_t bare_count;

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

static void stop(const char *what, const struct err *err)
{
	fprintf(stderr, "network_cost: %s: %s\n", what, err->text);
	exit(1);
}

/* ---- net/ ---- */

struct cost {
	double reserve, attach;
};

static struct cost start_box(const struct net_spec *spec)
{
	struct box *box = &boxes[box_count];
	char id[16];
	const struct net_request request = { .id = id, .hostname = id, .spec = spec };

	snprintf(id, sizeof(id), "box%zu", box_count++);
	box->space = space_new();
	space_enter(box->space);
	net_raise_loopback(NULL);
	space_enter(stage.here);
	double begin = now_us();

	if (net_reserve(&stage.place, &request, &box->state, &stage.arena, &box->err) < 0)
		stop("reserve", &box->err);
	double between = now_us();

	if (net_attach(&stage.place, &box->state, box->space, &box->err) < 0)
		stop("attach", &box->err);
	return (struct cost){ between - begin, now_us() - between };
}

static double stop_box(struct box *box)
{
	double begin = now_us();

	if (net_detach(&stage.place, &box->state, &box->err) < 0)
		stop("detach", &box->err);
	return now_us() - begin;
}

/* ---- the same by hand ---- */

static void run(struct netlink_session *session, struct netlink_request *requests, size_t count)
{
	struct err err = { 0 };

	if (session->ops->run(session->socket, requests, count, &err) < 0)
		stop("bare", &err);
}

static void open_session(struct netlink_session *session)
{
	struct err err = { 0 };

	if (netlink_open(session, -1, &err) < 0)
		stop("bare", &err);
}

static void bare_begin(void)
{
	struct netlink_session host = { 0 };
	struct netlink_request bridge = {
		.verb = NETLINK_ADD_LINK,
		.link = { .name = "bare0", .kind = "bridge", .up = true },
	};

	bare_host = space_new();
	space_enter(bare_host);
	space_run(-1, "sysctl -qw net.ipv6.conf.default.disable_ipv6=1");
	open_session(&host);
	run(&host, &bridge, 1);
	bare_bridge = bridge.link.index;
	netlink_close(&host);
	space_enter(stage.here);
}

/* A pair on the bridge, an address and a default route: what the kernel cannot do without. */
static double start_bare(void)
{
	static int spaces[BOXES_MAX];
	int space = spaces[bare_count] = space_new();
	struct netlink_session host = { 0 }, inside = { 0 };
	char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "bare-%zu", ++bare_count);
	space_enter(space);
	net_raise_loopback(NULL);
	space_enter(bare_host);
	double begin = now_us();

	open_session(&host);
	space_enter(space);
	FILE *off = fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w");

	if (off) {
		fputs("1", off);
		fclose(off);
	}
	open_session(&inside);
	space_enter(bare_host);
	struct netlink_request pair = {
		.verb = NETLINK_ADD_LINK,
		.link = { .name = name,
			  .kind = "veth",
			  .master = bare_bridge,
			  .up = true,
			  .peer_name = "eth0",
			  .peer_netns = space },
	};

	run(&host, &pair, 1);
	const struct ip_address own = {
		AF_INET, { 10, 9, (uint8_t)(bare_count >> 8), (uint8_t)bare_count }
	};
	const struct ip_address gateway = { AF_INET, { 10, 9, 255, 254 } };
	struct netlink_request setup[] = {
		{ .verb = NETLINK_SET_LINK, .link = { .index = pair.link.peer_index, .up = true } },
		{ .verb = NETLINK_ADD_ADDRESS,
		  .address = { .index = pair.link.peer_index, .prefix = { own, 16 } } },
		{ .verb = NETLINK_ADD_ROUTE,
		  .route = { .index = pair.link.peer_index,
			     .destination = { .address.family = AF_INET },
			     .gateway = gateway } },
	};

	run(&inside, setup, 3);
	double end = now_us();

	netlink_close(&inside);
	netlink_close(&host);
	space_enter(stage.here);
	return end - begin;
}

/* ---- one row ---- */

/* So many ports, each an entry of its own. */
static void publish_many(size_t count)
{
	static char numbers[PORTS_MAX][8];
	static struct net_publish_spec entries[PORTS_MAX];
	struct net_interface_spec one[] = { { .network = "wide" } };
	struct net_spec spec = { .interfaces = LIST(one), .publish = { entries, count } };

	for (size_t i = 0; i < count && i < PORTS_MAX; i++) {
		snprintf(numbers[i], sizeof(numbers[i]), "%zu", 20000 + i);
		entries[i] = (struct net_publish_spec){ .host_port = numbers[i],
							.container_port = "80" };
	}
	start_box(&spec);
}

/*
 * Rounds of: one by hand, one without and one with a port, so that all see the same machine. The
 * ratio is the median of theirs round by round, port_us the median difference.
 */
static void measure(size_t alive, size_t rounds, const struct net_spec *plain,
		    struct net_publish_spec *port, struct net_spec *open)
{
	static double reserve[ROUNDS_MAX], attach[ROUNDS_MAX], all[ROUNDS_MAX], bare[ROUNDS_MAX];
	static double ratio[ROUNDS_MAX], extra[ROUNDS_MAX], end[ROUNDS_MAX], end_port[ROUNDS_MAX];
	char number[16];

	while (box_count < alive)
		start_box(plain);
	while (bare_count < alive)
		start_bare();
	for (size_t i = 0; i < rounds; i++) {
		bare[i] = start_bare();
		struct cost cost = start_box(plain);

		reserve[i] = cost.reserve;
		attach[i] = cost.attach;
		all[i] = cost.reserve + cost.attach;
		ratio[i] = all[i] / bare[i];
		snprintf(number, sizeof(number), "%zu", 40000 + box_count);
		port->host_port = number;
		cost = start_box(open);
		extra[i] = cost.reserve + cost.attach - all[i];
	}
	for (size_t i = rounds; i--;) {
		end_port[i] = stop_box(&boxes[--box_count]);
		end[i] = stop_box(&boxes[--box_count]);
	}
	printf("{\"alive\": %zu, \"start_us\": %.0f, \"reserve_us\": %.0f, \"attach_us\": %.0f, "
	       "\"bare_us\": %.0f, \"ratio\": %.2f, \"port_us\": %.0f, \"end_us\": %.0f, "
	       "\"end_with_port_us\": %.0f}\n",
	       alive, median(all, rounds), median(reserve, rounds), median(attach, rounds),
	       median(bare, rounds), median(ratio, rounds), median(extra, rounds),
	       median(end, rounds), median(end_port, rounds));
	fflush(stdout);
	for (size_t i = 0; i < 2 * rounds; i++)
		close(boxes[box_count + i].space);
}

int main(int argc, char **argv)
{
	struct net_subnet_spec wide[] = { { .subnet = "10.64.0.0/16" } };
	struct net_interface_spec one[] = { { .network = "wide" } };
	struct net_publish_spec port[] = { { .container_port = "80" } };
	struct net_spec plain = { .interfaces = LIST(one) };
	struct net_spec open = { .interfaces = LIST(one), .publish = LIST(port) };

	if (argc < 4)
		return 2;
	space_begin("network_cost");
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/tmp", "tmpfs", 0, NULL) < 0) /* leases lie on tmpfs, as in /run */
		return 1;
	stage_begin();
	bare_begin();
	make_network((struct net_network){ .name = "wide", .subnets = LIST(wide) });
	if (atoi(argv[2]))
		publish_many((size_t)atoi(argv[2]));
	for (int i = 3; i < argc; i++)
		measure((size_t)atoi(argv[i]), (size_t)atoi(argv[1]), &plain, port, &open);
	return 0;
}
