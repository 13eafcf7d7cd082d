/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The name server of one container: it answers for neighbours and passes all else on, from a loop
 * that somebody else runs. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"
#include "net/dns.h"
#include "net/names.h"
#include "net/private.h"

enum {
	SERVERS_MAX = 3, /* as resolv.conf(5) */
	PENDING_MAX = 512,
	RELAYS_MAX = 16,      /* tcp connections */
	PACKETS_AT_ONCE = 64, /* then the caller's loop has its turn */
	UDP_MAX = 4096,
	TIMEOUT_S = 5, /* then a query is forgotten, a connection closed */
	SILENCE_S = 2, /* then another server is asked */
	DNS_PORT = 53,
};

/* A query that waits for its answer from upstream, in the slot that its new number selects. */
struct pending {
	bool active;
	uint16_t own_id, client_id;
	struct sockaddr_in client;
	time_t since;
};

/* A tcp connection from the container; bytes go through to and from the server once the first query
 * is known. */
struct relay {
	int client, server; /* -1: none */
	time_t since;
	bool sent;   /* the query is with the server */
	size_t have; /* bytes of it */
	uint8_t query[2 + UDP_MAX];
};

struct net_resolver {
	const struct net_place *place;
	const struct net_state *state;
	int epoll, udp, tcp;
	int upstream[SERVERS_MAX]; /* connected udp sockets */
	struct ip_address servers[SERVERS_MAX];
	size_t server_count, server; /* the one that is asked */
	time_t silent_since;         /* it owes an answer since then; 0: it does not */
	struct pending pending[PENDING_MAX];
	struct relay relays[RELAYS_MAX];
};

/* What an epoll event is about, in its 64 bits of data: a kind and an index. */
enum event_kind { EVENT_UDP, EVENT_TCP, EVENT_UPSTREAM, EVENT_CLIENT, EVENT_SERVER };

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
	return time.tv_sec;
}

static uint64_t tag(enum event_kind kind, size_t at)
{
	return (uint64_t)kind << 32 | at;
}

/* Change (EPOLL_CTL_ADD, EPOLL_CTL_MOD) what is waited for on a descriptor. */
static int watch(const struct net_resolver *resolver, int operation, int fd, uint32_t events,
		 uint64_t what)
{
	struct epoll_event event = { .events = events, .data.u64 = what };

	return epoll_ctl(resolver->epoll, operation, fd, &event);
}

/* ---- sockets ---- */

static int listen_inside(struct net_resolver *resolver, int netns, struct err *err)
{
	auto_close int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_port = htons(DNS_PORT) };
	const int flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
	struct ip_address address;

	if (!ip_parse(NET_RESOLVER_ADDRESS, &address))
		return -1;
	memcpy(&own.sin_addr, address.bytes, 4);
	if (home < 0 || setns(netns, CLONE_NEWNET) < 0)
		return err_sys(err, "enter network namespace");
	resolver->udp = socket(AF_INET, SOCK_DGRAM | flags, 0);
	resolver->tcp = socket(AF_INET, SOCK_STREAM | flags, 0);
	if (setns(home, CLONE_NEWNET) < 0)
		return err_sys(err, "return to own network namespace");
	if (resolver->udp < 0 || resolver->tcp < 0 ||
	    bind(resolver->udp, (struct sockaddr *)&own, sizeof(own)) < 0 ||
	    bind(resolver->tcp, (struct sockaddr *)&own, sizeof(own)) < 0 ||
	    listen(resolver->tcp, RELAYS_MAX) < 0)
		return err_sys(err, "listen for names at " NET_RESOLVER_ADDRESS);
	return 0;
}

static int connect_to(const struct ip_address *server, int type)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(DNS_PORT) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(DNS_PORT) };
	bool is_six = server->family == AF_INET6;
	auto_close int made = socket(server->family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(&six.sin6_addr, server->bytes, 16);
	memcpy(&four.sin_addr, server->bytes, 4);
	if (made < 0 || (connect(made, is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four,
				 is_six ? sizeof(six) : sizeof(four)) < 0 &&
			 errno != EINPROGRESS))
		return -1;
	return take_fd(&made);
}

/* ---- names ---- */

struct found {
	const char *name;
	struct ip_address addresses[4 * DNS_ANSWERS_MAX];
	size_t count;
	bool known;
};

static bool find_in_network(const struct net_resolver *resolver, const char *network, void *data)
{
	struct found *found = data;
	char text[4096], *rest = text;

	if (net_names_find_addresses(resolver->place, network, found->name, text, sizeof(text),
				     NULL) < 0)
		return true;
	for (char *word; (word = strsep(&rest, " "));) {
		if (found->count < sizeof(found->addresses) / sizeof(found->addresses[0]) &&
		    ip_parse(word, &found->addresses[found->count]))
			found->count++;
	}
	found->known |= found->count > 0;
	return true;
}

struct reverse {
	const struct ip_address *address;
	char name[64];
};

static int match_reverse(const char *name, const char *addresses, const char *id, void *data)
{
	struct reverse *reverse = data;
	char text[4096], *rest = text;
	struct ip_address address;

	(void)id;
	if (str_format(text, sizeof(text), "%s", addresses) < 0)
		return 0;
	for (char *word; (word = strsep(&rest, " "));) {
		if (ip_parse(word, &address) && ip_equal(&address, reverse->address))
			return str_format(reverse->name, sizeof(reverse->name), "%s", name) == 0
				       ? -1
				       : /* found: no need to go on */
				       0;
	}
	return 0;
}

static bool find_reverse(const struct net_resolver *resolver, const char *network, void *data)
{
	struct reverse *reverse = data;

	net_names_each(resolver->place, network, match_reverse, reverse, NULL);
	return !reverse->name[0];
}

/* Call `visit` for each network that the container is in now, until it returns false. */
static void each_network(const struct net_resolver *resolver,
			 bool (*visit)(const struct net_resolver *resolver, const char *network,
				       void *data),
			 void *data)
{
	const struct json_list *list = &resolver->state->interfaces;
	char text[NET_MEMBERS_MAX], *rest = text;

	if (net_members_read(resolver->place, resolver->state->id, text)) {
		for (char *word; (word = strsep(&rest, " "));) {
			if (*word && !visit(resolver, word, data))
				return;
		}
		return;
	}
	for (size_t i = 0; i < list->count; i++) {
		if (!visit(resolver, JSON_ITEMS(const struct net_interface_state, list)[i].network,
			   data))
			return;
	}
}

/* The answer when the question is about a neighbour; 0 when somebody else has to be asked. */
static size_t answer_here(const struct net_resolver *resolver, const uint8_t *message,
			  const struct dns_query *query, uint8_t *answer, size_t room)
{
	struct found found = { .name = query->name };
	struct ip_address address;

	if (query->type == DNS_PTR && dns_read_reverse(query->name, &address)) {
		struct reverse reverse = { .address = &address };

		each_network(resolver, find_reverse, &reverse);
		return reverse.name[0] ? dns_write_name(message, query, reverse.name, answer, room)
				       : 0;
	}
	each_network(resolver, find_in_network, &found);
	if (!found.known) /* of a name that is ours, there is nothing else than addresses */
		return 0;
	return dns_write_addresses(message, query, found.addresses, found.count, answer, room);
}

/* ---- udp ---- */

static struct pending *choose_slot(struct net_resolver *resolver)
{
	uint16_t id;

	/* numbers that nobody can guess; a slot whose query waits in vain may be taken over */
	for (int tries = 0; tries < 8; tries++) {
		if (getrandom(&id, sizeof(id), 0) != sizeof(id))
			return NULL;
		struct pending *pending = &resolver->pending[id % PENDING_MAX];

		if (pending->active && now() - pending->since < TIMEOUT_S)
			continue;
		pending->own_id = id;
		return pending;
	}
	return NULL;
}

static bool forward(struct net_resolver *resolver, uint8_t *message, size_t size,
		    const struct sockaddr_in *client)
{
	struct pending *pending = resolver->server_count ? choose_slot(resolver) : NULL;

	if (!pending)
		return false;
	if (resolver->silent_since && now() - resolver->silent_since >= SILENCE_S) {
		resolver->server = (resolver->server + 1) % resolver->server_count;
		resolver->silent_since = 0;
	}
	if (!resolver->silent_since)
		resolver->silent_since = now();
	pending->active = true;
	pending->client_id = (uint16_t)(message[0] << 8 | message[1]);
	pending->client = *client;
	pending->since = now();
	message[0] = (uint8_t)(pending->own_id >> 8);
	message[1] = (uint8_t)pending->own_id;
	return send(resolver->upstream[resolver->server], message, size, MSG_NOSIGNAL) ==
	       (ssize_t)size;
}

/* Whatever cannot be answered or passed on is told so at once: waiting helps nobody. */
static void take_query(struct net_resolver *resolver)
{
	uint8_t message[UDP_MAX], answer[UDP_MAX];
	struct sockaddr_in client;
	socklen_t length = sizeof(client);
	struct dns_query query;
	ssize_t size = recvfrom(resolver->udp, message, sizeof(message), 0,
				(struct sockaddr *)&client, &length);

	if (size < 0 || !dns_read(message, (size_t)size, &query))
		return;
	size_t ready = answer_here(resolver, message, &query, answer, 512);

	if (!ready && forward(resolver, message, (size_t)size, &client))
		return;
	if (!ready)
		ready = dns_write_code(message, &query, DNS_SERVER_FAILURE, answer, 512);
	sendto(resolver->udp, answer, ready, MSG_NOSIGNAL, (struct sockaddr *)&client, length);
}

static void take_answer(struct net_resolver *resolver, size_t server)
{
	uint8_t message[UDP_MAX];
	ssize_t size = recv(resolver->upstream[server], message, sizeof(message), 0);

	if (size < DNS_HEADER)
		return;
	uint16_t id = (uint16_t)(message[0] << 8 | message[1]);
	struct pending *pending = &resolver->pending[id % PENDING_MAX];

	if (!pending->active || pending->own_id != id)
		return;
	resolver->silent_since = 0;
	pending->active = false;
	message[0] = (uint8_t)(pending->client_id >> 8);
	message[1] = (uint8_t)pending->client_id;
	sendto(resolver->udp, message, (size_t)size, MSG_NOSIGNAL,
	       (struct sockaddr *)&pending->client, sizeof(pending->client));
}

/* ---- tcp ---- */

static void relay_close(struct relay *relay)
{
	auto_close_fd(&relay->client);
	auto_close_fd(&relay->server);
	relay->client = relay->server = -1;
}

static void take_connection(struct net_resolver *resolver)
{
	auto_close int client = accept4(resolver->tcp, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (size_t i = 0; client >= 0 && i < RELAYS_MAX; i++) {
		struct relay *relay = &resolver->relays[i];

		if (relay->client >= 0 && now() - relay->since < TIMEOUT_S)
			continue;
		relay_close(relay);
		if (watch(resolver, EPOLL_CTL_ADD, client, EPOLLIN, tag(EVENT_CLIENT, i)) < 0)
			return;
		*relay = (struct relay){ .client = take_fd(&client), .server = -1, .since = now() };
		return;
	}
}

/* The first query is complete: answered here, or the connection continues to a server. */
static bool relay_begin(struct net_resolver *resolver, size_t at)
{
	struct relay *relay = &resolver->relays[at];
	uint8_t answer[2 + UDP_MAX];
	struct dns_query query;

	if (!dns_read(relay->query + 2, relay->have - 2, &query))
		return false;
	size_t ready = answer_here(resolver, relay->query + 2, &query, answer + 2, UDP_MAX);

	if (ready) {
		answer[0] = (uint8_t)(ready >> 8);
		answer[1] = (uint8_t)ready;
		relay->have = 0;
		return send(relay->client, answer, ready + 2, MSG_NOSIGNAL) == (ssize_t)ready + 2;
	}
	if (!resolver->server_count)
		return false;
	relay->server = connect_to(&resolver->servers[resolver->server], SOCK_STREAM);
	/* until it is connected, the client is not listened to */
	return relay->server >= 0 &&
	       watch(resolver, EPOLL_CTL_ADD, relay->server, EPOLLIN | EPOLLOUT,
		     tag(EVENT_SERVER, at)) == 0 &&
	       watch(resolver, EPOLL_CTL_MOD, relay->client, 0, tag(EVENT_CLIENT, at)) == 0;
}

/* Bytes from one side to the other. Answers are short: a side that cannot take one at once is cut
 * off. */
static bool relay_pass(int from, int to)
{
	uint8_t bytes[UDP_MAX];
	ssize_t size = recv(from, bytes, sizeof(bytes), 0);

	if (size < 0)
		return errno == EAGAIN;
	return size > 0 && send(to, bytes, (size_t)size, MSG_NOSIGNAL) == size;
}

static bool relay_from_client(struct net_resolver *resolver, size_t at)
{
	struct relay *relay = &resolver->relays[at];

	if (relay->sent)
		return relay_pass(relay->client, relay->server);
	if (relay->server >= 0)
		return false; /* not listened to: it hung up */
	ssize_t size = recv(relay->client, relay->query + relay->have,
			    sizeof(relay->query) - relay->have, 0);

	if (size <= 0)
		return size < 0 && errno == EAGAIN;
	relay->have += (size_t)size;
	if (relay->have < 2)
		return true;
	size_t want = 2 + ((size_t)relay->query[0] << 8 | relay->query[1]);

	if (want > sizeof(relay->query))
		return false;
	return relay->have < want || relay_begin(resolver, at);
}

static bool relay_from_server(struct net_resolver *resolver, size_t at)
{
	struct relay *relay = &resolver->relays[at];

	if (relay->sent)
		return relay_pass(relay->server, relay->client);
	relay->sent = true;
	return send(relay->server, relay->query, relay->have, MSG_NOSIGNAL) ==
		       (ssize_t)relay->have &&
	       watch(resolver, EPOLL_CTL_MOD, relay->server, EPOLLIN, tag(EVENT_SERVER, at)) == 0 &&
	       watch(resolver, EPOLL_CTL_MOD, relay->client, EPOLLIN, tag(EVENT_CLIENT, at)) == 0;
}

/* ---- the door ---- */

/* Upstream: what the spec says, else what the host asks; from the host's namespace, so its loopback
 * servers work too. */
static void open_upstream(struct net_resolver *resolver, const struct net_spec *spec,
			  const char *host_text)
{
	struct ip_address servers[SERVERS_MAX];
	size_t count = net_read_servers(spec, host_text, servers, SERVERS_MAX);

	for (size_t i = 0; i < count; i++) {
		int made = connect_to(&servers[i], SOCK_DGRAM);
		size_t at = resolver->server_count;

		if (made < 0)
			continue; /* no route to a server of that family */
		resolver->upstream[at] = made;
		resolver->servers[at] = servers[i];
		if (watch(resolver, EPOLL_CTL_ADD, made, EPOLLIN, tag(EVENT_UPSTREAM, at)) == 0)
			resolver->server_count++;
		else
			close(made);
	}
}

struct net_resolver *net_resolver_open(const struct net_place *place, const struct net_state *state,
				       int netns, const struct net_spec *spec,
				       const char *host_text, struct err *err)
{
	struct net_resolver *resolver = calloc(1, sizeof(*resolver));

	if (!resolver) {
		err_sys(err, "start name server");
		return NULL;
	}
	resolver->place = place;
	resolver->state = state;
	resolver->udp = resolver->tcp = -1;
	for (size_t i = 0; i < RELAYS_MAX; i++)
		resolver->relays[i].client = resolver->relays[i].server = -1;
	resolver->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (resolver->epoll < 0)
		err_sys(err, "start name server");
	if (resolver->epoll < 0 || listen_inside(resolver, netns, err) < 0) {
		net_resolver_close(resolver);
		return NULL;
	}
	if (watch(resolver, EPOLL_CTL_ADD, resolver->udp, EPOLLIN, tag(EVENT_UDP, 0)) < 0 ||
	    watch(resolver, EPOLL_CTL_ADD, resolver->tcp, EPOLLIN, tag(EVENT_TCP, 0)) < 0) {
		err_sys(err, "start name server");
		net_resolver_close(resolver);
		return NULL;
	}
	open_upstream(resolver, spec, host_text);
	return resolver;
}

int net_resolver_fd(const struct net_resolver *resolver)
{
	return resolver->epoll;
}

static void take_event(struct net_resolver *resolver, const struct epoll_event *event)
{
	enum event_kind kind = (enum event_kind)(event->data.u64 >> 32);
	size_t at = (size_t)(event->data.u64 & 0xffffffff);
	bool alive = true;

	switch (kind) {
	case EVENT_UDP:
		take_query(resolver);
		break;
	case EVENT_TCP:
		take_connection(resolver);
		break;
	case EVENT_UPSTREAM:
		take_answer(resolver, at);
		break;
	case EVENT_CLIENT: /* the relay may have been closed by an event before this one */
		alive = resolver->relays[at].client < 0 || relay_from_client(resolver, at);
		break;
	case EVENT_SERVER:
		alive = resolver->relays[at].server < 0 || relay_from_server(resolver, at);
		break;
	}
	if (!alive)
		relay_close(&resolver->relays[at]);
}

void net_resolver_serve(struct net_resolver *resolver)
{
	struct epoll_event events[PACKETS_AT_ONCE];
	int count = epoll_wait(resolver->epoll, events, PACKETS_AT_ONCE, 0);

	for (int i = 0; i < count; i++)
		take_event(resolver, &events[i]);
}

void net_resolver_close(struct net_resolver *resolver)
{
	for (size_t i = 0; i < RELAYS_MAX; i++)
		relay_close(&resolver->relays[i]);
	for (size_t i = 0; i < resolver->server_count; i++)
		close(resolver->upstream[i]);
	auto_close_fd(&resolver->tcp);
	auto_close_fd(&resolver->udp);
	auto_close_fd(&resolver->epoll);
	free(resolver);
}
