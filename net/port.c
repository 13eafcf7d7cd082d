/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The port list: short keys in one file, so that ten thousand are searched in microseconds; owners
 * beside them in another. */
#include "net/port.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"

#define LOCK_FILE  "ports.lock"
#define KEY_FILE   "ports"
#define OWNER_FILE "port-owners"

enum {
	PROBE_MAX = 64, /* ports of a range that are tried against the host's programs */
};

/* ---- parsing ---- */

static bool parse_range(const char *text, unsigned int *first, unsigned int *last)
{
	const char *dash = strchr(text, '-');
	char head[8];
	uint64_t low, high;

	if (str_format(head, sizeof(head), "%.*s", dash ? (int)(dash - text) : 7, text) < 0 ||
	    !str_parse_u64(head, &low) || !str_parse_u64(dash ? dash + 1 : text, &high))
		return false;
	*first = (unsigned int)low;
	*last = (unsigned int)high;
	return low >= 1 && low <= high && high <= 65535;
}

int net_port_parse(const struct net_publish_spec *publish, struct port_range *range,
		   struct err *err)
{
	const char *inside = publish->container_port;
	unsigned int last;

	*range = (struct port_range){ .protocol =
					      publish->protocol ? publish->protocol : IPPROTO_TCP };
	if (!parse_range(publish->host_port, &range->first, &range->last))
		return err_set(err, ERR_INPUT,
			       "hostPort: \"%s\" is not a port or a range from 1 to 65535",
			       publish->host_port);
	range->port = range->first;
	last = range->last;
	if (inside && !parse_range(inside, &range->port, &last))
		return err_set(err, ERR_INPUT,
			       "containerPort: \"%s\" is not a port or a range from 1 to 65535",
			       inside);
	if (last - range->port != range->last - range->first)
		return err_set(err, ERR_INPUT,
			       "containerPort: \"%s\" has not as many ports as \"%s\"", inside,
			       publish->host_port);
	if (!publish->host)
		return 0;
	if (!ip_parse(publish->host, &range->host))
		return err_set(err, ERR_INPUT, "host: \"%s\" is not an IP address", publish->host);
	if (range->host.family == AF_INET6 && ip_is_loopback(&range->host))
		return err_set(err, ERR_INPUT,
			       "host: \"%s\": the kernel does not route IPv6 loopback traffic; use "
			       "127.0.0.1",
			       publish->host);
	return 0;
}

const char *net_port_protocol(int protocol)
{
	return protocol == IPPROTO_UDP ? "udp" : protocol == IPPROTO_SCTP ? "sctp" : "tcp";
}

const char *net_port_format(const struct port_range *range, char text[PORT_TEXT_MAX])
{
	char host[IP_TEXT_MAX], last[8] = "";

	if (range->last != range->first)
		snprintf(last, sizeof(last), "-%u", range->last & 0xffff);
	bool any = !range->host.family || ip_is_any(&range->host);

	snprintf(text, PORT_TEXT_MAX, "%s port%s %u%s%s%s", net_port_protocol(range->protocol),
		 last[0] ? "s" : "", range->first, last, any ? "" : " of ",
		 any ? "" : ip_format(&range->host, host));
	return text;
}

/* ---- the list ---- */

/* One entry, short since all are read; all zero is a free one. */
struct key {
	uint16_t first, last;
	uint8_t family, protocol;
	uint16_t host; /* 0: every address; else a hash of the one, which is with the owner */
};

struct owner {
	uint8_t host[16];
	char id[NET_ID_MAX + 1];
};

struct list {
	int lock, key_file, owner_file;
	struct key *keys; /* owned */
	size_t count;
};

static void list_close(struct list *list)
{
	auto_close_fd(&list->owner_file);
	auto_close_fd(&list->key_file);
	auto_close_fd(&list->lock);
	free(list->keys);
}

#define auto_list __attribute__((cleanup(list_close)))

static int list_read(struct list *list, struct err *err)
{
	struct stat status;

	if (fstat(list->key_file, &status) < 0)
		return err_sys(err, "read list of ports");
	list->count = (size_t)status.st_size / sizeof(struct key);
	list->keys = malloc((list->count + 1) * sizeof(struct key));
	if (!list->keys || pread(list->key_file, list->keys, list->count * sizeof(struct key), 0) !=
				   (ssize_t)(list->count * sizeof(struct key)))
		return err_sys(err, "read list of ports");
	return 0;
}

static int list_open(int dir, struct list *list, struct err *err)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;

	*list = (struct list){ .lock = -1, .key_file = -1, .owner_file = -1 };
	list->lock = net_place_lock(dir, LOCK_FILE, err);
	if (list->lock < 0)
		return -1;
	list->key_file = openat(dir, KEY_FILE, flags, 0600);
	list->owner_file = openat(dir, OWNER_FILE, flags, 0600);
	if (list->key_file < 0 || list->owner_file < 0)
		return err_sys(err, "open list of ports");
	return list_read(list, err);
}

static int list_set(struct list *list, size_t at, const struct key *key, struct err *err)
{
	if (pwrite(list->key_file, key, sizeof(*key), (off_t)(at * sizeof(*key))) != sizeof(*key))
		return err_sys(err, "write list of ports");
	list->keys[at] = *key;
	return 0;
}

static int list_owner(const struct list *list, size_t at, struct owner *owner, struct err *err)
{
	if (pread(list->owner_file, owner, sizeof(*owner), (off_t)(at * sizeof(*owner))) !=
	    sizeof(*owner))
		return err_sys(err, "read owners of ports");
	owner->id[NET_ID_MAX] = '\0';
	return 0;
}

static uint16_t hash_host(const struct ip_address *host)
{
	uint32_t hash = 2166136261U; /* FNV-1a */

	if (ip_is_any(host))
		return 0;
	for (size_t i = 0; i < sizeof(host->bytes); i++)
		hash = (hash ^ host->bytes[i]) * 16777619U;
	return (uint16_t)(hash ^ hash >> 16) | 1;
}

static struct key make_key(const struct port_range *range)
{
	return (struct key){ .first = (uint16_t)range->first,
			     .last = (uint16_t)range->last,
			     .family = (uint8_t)range->host.family,
			     .protocol = (uint8_t)range->protocol,
			     .host = hash_host(&range->host) };
}

/* As sockets do: the any-address collides with every address. Of two single ones only the hashes
 * are compared. */
static bool may_collide(const struct key *left, const struct key *right)
{
	return left->first <= right->last && right->first <= left->last &&
	       left->protocol == right->protocol && left->family == right->family &&
	       (left->host == right->host || !left->host || !right->host);
}

static bool is_same_host(const struct owner *owner, const struct port_range *range)
{
	return memcmp(owner->host, range->host.bytes, sizeof(owner->host)) == 0;
}

/* Would a program of the host be robbed? A short bind tells. */
static int probe(const struct port_range *range, unsigned int port, struct err *err)
{
	bool tcp = range->protocol == IPPROTO_TCP;
	int type = range->protocol == IPPROTO_UDP ? SOCK_DGRAM : SOCK_STREAM, on = 1;
	auto_close int probing = socket(range->host.family, type | SOCK_CLOEXEC, range->protocol);
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	bool is_six = range->host.family == AF_INET6;
	char text[PORT_TEXT_MAX];

	if (probing < 0)
		return 0; /* then no program can have such a socket either */
	memcpy(&six.sin6_addr, range->host.bytes, 16);
	memcpy(&four.sin_addr, range->host.bytes, 4);
	/* old connections that are fading out do not count for tcp; IPv4 has a row of its own */
	if (tcp)
		setsockopt(probing, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (is_six)
		setsockopt(probing, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(probing, is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four,
		 is_six ? sizeof(six) : sizeof(four)) == 0)
		return 0;
	if (errno == EADDRINUSE)
		return err_set(err, EADDRINUSE, "publish %s: a program on this host uses port %u",
			       net_port_format(range, text), port);
	if (errno == EADDRNOTAVAIL)
		return err_set(err, EADDRNOTAVAIL, "publish %s: this host has no such address",
			       net_port_format(range, text));
	return err_sys(err, "publish %s", net_port_format(range, text));
}

int net_port_take(int dir, const struct port_range *range, const char *owner, struct err *err)
{
	auto_list struct list list;
	struct key key = make_key(range);
	struct owner record = { 0 };
	char text[PORT_TEXT_MAX];

	if (list_open(dir, &list, err) < 0)
		return -1;
	size_t vacant = list.count;

	for (size_t i = 0; i < list.count; i++) {
		if (!list.keys[i].family) {
			if (vacant == list.count)
				vacant = i;
			continue;
		}
		if (!may_collide(&list.keys[i], &key))
			continue;
		if (list_owner(&list, i, &record, err) < 0)
			return -1;
		if (key.host && list.keys[i].host && !is_same_host(&record, range))
			continue;
		return err_set(err, EADDRINUSE, "publish %s: container %s has it already",
			       net_port_format(range, text), record.id);
	}
	for (unsigned int i = 0; i <= range->last - range->first && i < PROBE_MAX; i++) {
		if (probe(range, range->first + i, err) < 0)
			return -1;
	}
	memcpy(record.host, range->host.bytes, sizeof(record.host));
	if (str_format(record.id, sizeof(record.id), "%s", owner) < 0 ||
	    pwrite(list.owner_file, &record, sizeof(record), (off_t)(vacant * sizeof(record))) !=
		    sizeof(record))
		return err_sys(err, "write owners of ports");
	return list_set(&list, vacant, &key, err);
}

/* The place of exactly this range in the list when `owner` has it, else list->count; -1 when the
 * list cannot be read. */
static ssize_t list_find(struct list *list, const struct port_range *range, const char *owner,
			 struct err *err)
{
	struct key key = make_key(range);
	struct owner record;

	for (size_t i = 0; i < list->count; i++) {
		if (memcmp(&list->keys[i], &key, sizeof(key)) != 0)
			continue;
		if (list_owner(list, i, &record, err) < 0)
			return -1;
		if (strcmp(record.id, owner) == 0 && is_same_host(&record, range))
			return (ssize_t)i;
	}
	return (ssize_t)list->count;
}

int net_port_is_held(int dir, const struct port_range *range, const char *owner, struct err *err)
{
	auto_list struct list list;

	if (list_open(dir, &list, err) < 0)
		return -1;
	ssize_t at = list_find(&list, range, owner, err);

	return at < 0 ? -1 : at < (ssize_t)list.count;
}

int net_port_release(int dir, const struct port_range *range, const char *owner, struct err *err)
{
	static const struct key none;
	auto_list struct list list;

	if (list_open(dir, &list, err) < 0)
		return -1;
	ssize_t at = list_find(&list, range, owner, err);

	if (at < 0 || at == (ssize_t)list.count)
		return at < 0 ? -1 : 0;
	return list_set(&list, (size_t)at, &none, err);
}

int net_port_sweep(int dir, net_port_judge *judge, void *data, struct err *err)
{
	static const struct key none;
	auto_list struct list list;
	struct owner record;
	int swept = 0;

	if (list_open(dir, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		const struct key *key = &list.keys[i];
		struct port_range range = { .protocol = key->protocol,
					    .host = { .family = key->family },
					    .first = key->first,
					    .last = key->last };

		if (!key->family)
			continue;
		if (list_owner(&list, i, &record, err) < 0)
			return -1;
		memcpy(range.host.bytes, record.host, sizeof(record.host));
		if (!judge(&range, record.id, data))
			continue;
		if (list_set(&list, i, &none, err) < 0)
			return -1;
		swept++;
	}
	return swept;
}
