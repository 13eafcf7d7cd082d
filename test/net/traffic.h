/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Servers that answer with the address they see, and clients that ask, each in a namespace of the
 * test's. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "test/net/space.h"

enum {
	TRAFFIC_SERVERS_MAX = 64,
};

static pid_t traffic_servers[TRAFFIC_SERVERS_MAX];
static size_t traffic_server_count;

union traffic_address {
	struct sockaddr any;
	struct sockaddr_in four;
	struct sockaddr_in6 six;
	struct sockaddr_storage room;
};

static inline socklen_t traffic_address(const char *text, int port, union traffic_address *address)
{
	memset(address, 0, sizeof(*address));
	if (strchr(text, ':')) {
		address->six.sin6_family = AF_INET6;
		address->six.sin6_port = htons((uint16_t)port);
		inet_pton(AF_INET6, text, &address->six.sin6_addr);
		return sizeof(address->six);
	}
	address->four.sin_family = AF_INET;
	address->four.sin_port = htons((uint16_t)port);
	inet_pton(AF_INET, text, &address->four.sin_addr);
	return sizeof(address->four);
}

static inline void traffic_answer(int server, int type, const char *name)
{
	for (;;) {
		union traffic_address peer;
		socklen_t length = sizeof(peer);
		char text[160], host[INET6_ADDRSTRLEN] = "", request[16];
		int talk = server;

		if (type == SOCK_STREAM)
			talk = accept(server, &peer.any, &length);
		else if (recvfrom(server, request, sizeof(request), 0, &peer.any, &length) < 0)
			continue;
		if (talk < 0)
			continue;
		if (peer.any.sa_family == AF_INET6)
			inet_ntop(AF_INET6, &peer.six.sin6_addr, host, sizeof(host));
		else
			inet_ntop(AF_INET, &peer.four.sin_addr, host, sizeof(host));
		int size = snprintf(text, sizeof(text), "%s from %s", name, host);

		if (sendto(talk, text, (size_t)size, MSG_NOSIGNAL,
			   type == SOCK_DGRAM ? &peer.any : NULL,
			   type == SOCK_DGRAM ? length : 0) < 0)
			perror("answer");
		if (type == SOCK_STREAM)
			close(talk);
	}
}

/* A server in `space` on all addresses of the family ("0.0.0.0" or "::"); it answers "NAME from
 * ADDRESS". */
static inline void traffic_serve(int space, const char *address, int type, int port,
				 const char *name)
{
	union traffic_address own;
	socklen_t length = traffic_address(address, port, &own);
	int here = space_here(), on = 1;

	space_enter(space);
	int server = socket(own.any.sa_family, type | SOCK_CLOEXEC, 0);

	setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(server, &own.any, length) < 0 || (type == SOCK_STREAM && listen(server, 64) < 0))
		perror("serve");
	space_enter(here);
	close(here);
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		traffic_answer(server, type, name);
	}
	close(server);
	traffic_servers[traffic_server_count++] = pid;
}

/* Ask and return the answer; "" when there is none in time. */
static inline const char *traffic_try(int space, const char *address, int type, int port, int ms)
{
	static char answer[160];
	union traffic_address peer;
	socklen_t length = traffic_address(address, port, &peer);
	struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	int here = space_here();

	space_enter(space);
	int client = socket(peer.any.sa_family, type | SOCK_CLOEXEC, 0);

	space_enter(here);
	close(here);
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	ssize_t size = -1;

	if (connect(client, &peer.any, length) == 0 &&
	    (type == SOCK_STREAM || send(client, "?", 1, 0) == 1))
		size = recv(client, answer, sizeof(answer) - 1, 0);
	answer[size < 0 ? 0 : size] = '\0';
	close(client);
	return answer;
}

/* For answers that are expected: waits long, because the machine may be busy. */
static inline const char *traffic_ask(int space, const char *address, int type, int port)
{
	return traffic_try(space, address, type, port, 4000);
}

/* For silence that is expected. */
static inline int traffic_is_silent(int space, const char *address, int type, int port)
{
	return traffic_try(space, address, type, port, 300)[0] == '\0';
}

static inline void traffic_end(void)
{
	for (size_t i = 0; i < traffic_server_count; i++) {
		kill(traffic_servers[i], SIGKILL);
		waitpid(traffic_servers[i], NULL, 0);
	}
	traffic_server_count = 0;
}
