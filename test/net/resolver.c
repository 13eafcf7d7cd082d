/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names inside a container: neighbours by name and alias, both ways round, over udp and tcp;
 * everything else from upstream. */
#include <poll.h>
#include <sys/prctl.h>

#include "net/dns.h"
#include "test/net/stage.h"

#define HEADER "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"

/* The upstream server on the host: it knows that every name has the address 203.0.113.9. */
static void serve_upstream(void)
{
	union traffic_address own;
	socklen_t length = traffic_address("127.0.0.1", 53, &own);
	int on = 1, udp = socket(AF_INET, SOCK_DGRAM, 0), tcp = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	CHECK_INT(bind(udp, &own.any, length), 0);
	CHECK_INT(bind(tcp, &own.any, length), 0);
	CHECK_INT(listen(tcp, 8), 0);
	pid_t pid = fork();

	if (pid) {
		close(udp);
		close(tcp);
		traffic_servers[traffic_server_count++] = pid;
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct ip_address address;

	ip_parse("203.0.113.9", &address);
	for (;;) {
		struct pollfd polled[] = { { udp, POLLIN, 0 }, { tcp, POLLIN, 0 } };
		uint8_t message[1024], answer[1024];
		struct dns_query query;

		poll(polled, 2, -1);
		if (polled[0].revents) {
			union traffic_address peer;
			socklen_t size = sizeof(peer);
			ssize_t got = recvfrom(udp, message, sizeof(message), 0, &peer.any, &size);

			if (got > 0 && dns_read(message, (size_t)got, &query))
				sendto(udp, answer,
				       dns_write_addresses(message, &query, &address, 1, answer,
							   sizeof(answer)),
				       0, &peer.any, size);
		}
		if (polled[1].revents) {
			int talk = accept(tcp, NULL, NULL);
			ssize_t got = recv(talk, message, sizeof(message), 0);

			if (got > 2 && dns_read(message + 2, (size_t)got - 2, &query)) {
				size_t size = dns_write_addresses(message + 2, &query, &address, 1,
								  answer + 2, 1000);

				answer[0] = (uint8_t)(size >> 8);
				answer[1] = (uint8_t)size;
				send(talk, answer, size + 2, 0);
			}
			close(talk);
		}
	}
}

static void serve_names(const struct box *box)
{
	struct net_spec spec = { .dns = { { 0 } } };
	struct err err = { 0 };
	struct net_resolver *resolver = net_resolver_open(&stage.place, &box->state, box->space,
							  &spec, "nameserver 127.0.0.1\n", &err);

	CHECK_TEXT(err.text, "");
	CHECK(resolver);
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			struct pollfd polled = { net_resolver_fd(resolver), POLLIN, 0 };

			poll(&polled, 1, -1);
			net_resolver_serve(resolver);
		}
	}
	traffic_servers[traffic_server_count++] = pid;
	net_resolver_close(resolver);
}

/* Put the question from inside the box; the last `tail` bytes of the answer, or -1 and so on as
 * text for comparison. */
static const char *ask(const struct box *box, int type, const char *question, size_t size)
{
	static char text[128];
	union traffic_address server;
	socklen_t length = traffic_address(NET_RESOLVER_ADDRESS, 53, &server);
	struct timeval wait = { .tv_sec = 4 };
	uint8_t message[512], *payload = message + (type == SOCK_STREAM ? 2 : 0);
	struct dns_query query;

	space_enter(box->space);
	int client = socket(AF_INET, type, 0);

	space_enter(stage.here);
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	message[0] = 0;
	message[1] = (uint8_t)size;
	memcpy(payload, question, size);
	CHECK(dns_read(payload, size, &query));
	CHECK_INT(connect(client, &server.any, length), 0);
	CHECK(send(client, message, size + (size_t)(payload - message), 0) > 0);
	ssize_t got = recv(client, message, sizeof(message), 0);

	close(client);
	if (got < 12 || payload[0] != 0x12 || payload[1] != 0x34)
		return "no answer";
	uint8_t *end = message + got;

	if (payload[7] == 0)
		snprintf(text, sizeof(text), "code %d", payload[3] & 15);
	else if (query.type == DNS_PTR)
		snprintf(text, sizeof(text), "%s",
			 memcmp(end - 5, "\3one", 5) == 0  ? "one"
			 : memcmp(end - 4, "\2db", 4) == 0 ? "db"
							   : "else");
	else
		inet_ntop(query.type == DNS_AAAA ? AF_INET6 : AF_INET,
			  end - (query.type == DNS_AAAA ? 16 : 4), text, sizeof(text));
	return text;
}

#define ASK(box, type, question) ask(box, type, question, sizeof(question) - 1)

static void test_names(void)
{
	const char *const aliases[] = { "db" };
	struct net_interface_spec first[] = { { .network = "names",
						.aliases = { (void *)aliases, 1 } } };
	struct net_interface_spec second[] = { { .network = "names" } },
				  third[] = { { .network = "default" } };
	struct net_spec specs[] = { { .interfaces = LIST(first) },
				    { .interfaces = LIST(second) },
				    { .interfaces = LIST(third) } };

	make_network((struct net_network){ .name = "names", .ipv6 = true });
	struct box one = box_start("one", &specs[0]), two = box_start("Two", &specs[1]),
		   other = box_start("other", &specs[2]);

	serve_upstream();
	serve_names(&two);
	CHECK_TEXT(ASK(&two, SOCK_DGRAM, HEADER "\3one\0\0\1\0\1"), box_address(&one, 0));
	CHECK_TEXT(ASK(&two, SOCK_DGRAM, HEADER "\3ONE\0\0\x1c\0\1"), box_address(&one, 1));
	CHECK_TEXT(ASK(&two, SOCK_DGRAM, HEADER "\2db\0\0\1\0\1"), box_address(&one, 0));
	CHECK_TEXT(ASK(&two, SOCK_DGRAM, HEADER "\3two\0\0\1\0\1"), box_address(&two, 0));
	CHECK_TEXT(ASK(&two, SOCK_STREAM, HEADER "\3one\0\0\1\0\1"), box_address(&one, 0));
	CHECK_TEXT(ASK(&two, SOCK_DGRAM, HEADER "\3one\0\0\x0f\0\1"), "code 0");
	/* not on a network of its own: upstream */
	CHECK_TEXT(ASK(&two, SOCK_DGRAM, HEADER "\5other\0\0\1\0\1"), "203.0.113.9");
	CHECK_TEXT(ASK(&two, SOCK_DGRAM, HEADER "\3www\3org\0\0\1\0\1"), "203.0.113.9");
	CHECK_TEXT(ASK(&two, SOCK_STREAM, HEADER "\3www\3org\0\0\1\0\1"), "203.0.113.9");
	/* the reverse of one's address: written by hand from "10.A.B.C" */
	unsigned int part[3];
	char question[128], *to = question + 12;

	CHECK_INT(sscanf(box_address(&one, 0), "10.%u.%u.%u", &part[0], &part[1], &part[2]), 3);
	memcpy(question, HEADER, 12);
	for (int i = 2; i >= 0; i--) {
		to[0] = (char)sprintf(to + 1, "%u", part[i]);
		to += 1 + to[0];
	}
	memcpy(to,
	       "\2"
	       "10"
	       "\7in-addr\4arpa\0\0\x0c\0\1",
	       22);
	const char *name = ask(&two, SOCK_DGRAM, question, (size_t)(to - question) + 21);

	CHECK(strcmp(name, "one") == 0 || strcmp(name, "db") == 0);
	box_end(&one);
	CHECK_TEXT(ASK(&two, SOCK_DGRAM, HEADER "\3one\0\0\1\0\1"), "203.0.113.9");
	box_end(&two);
	box_end(&other);
	traffic_end();
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	space_begin("net resolver");
	stage_begin();
	test_names();
	stage_end();
	return unit_done("net resolver");
}
