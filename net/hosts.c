/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The texts of /etc/hosts and /etc/resolv.conf for a container. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "net/private.h"

/* A text that grows in an arena; a lack of memory is remembered and told once, at the end. */
struct text {
	struct arena *arena;
	char *data;
	size_t used, room;
	bool failed;
};

__attribute__((format(printf, 2, 3))) static void append(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *end = text->data ? text->data + text->used : NULL;
	int length = vsnprintf(end, text->room - text->used, format, args);
	va_end(args);
	if (text->failed || length < 0)
		return;
	if (text->used + (size_t)length < text->room) {
		text->used += (size_t)length;
		return;
	}
	size_t room = 2 * (text->used + (size_t)length) + 512;
	char *more = arena_alloc(text->arena, room);

	if (!more) {
		text->failed = true;
		return;
	}
	if (text->used)
		memcpy(more, text->data, text->used);
	text->data = more;
	text->room = room;
	va_start(args, format);
	text->used += (size_t)vsnprintf(more + text->used, room - text->used, format, args);
	va_end(args);
}

static char *finish(struct text *text, const char *what, struct err *err)
{
	if (!text->failed)
		return text->data;
	errno = ENOMEM;
	err_sys(err, "write %s", what);
	return NULL;
}

/* One line an address: "10.210.0.2\tweb1 db". */
static void append_own(struct text *text, const struct net_interface_state *interface,
		       const char *hostname)
{
	for (size_t i = 0; i < interface->addresses.count; i++) {
		const char *address = JSON_ITEMS(const char *, &interface->addresses)[i];
		bool named = hostname != NULL;

		if (!hostname && !interface->names.count)
			continue;
		append(text, "%.*s\t%s", (int)strcspn(address, "/"), address,
		       hostname ? hostname : "");
		for (size_t j = 0; j < interface->names.count; j++) {
			const char *name = JSON_ITEMS(const char *, &interface->names)[j];

			if (hostname && strcmp(name, hostname) == 0)
				continue;
			append(text, "%s%s", named ? " " : "", name);
			named = true;
		}
		append(text, "\n");
	}
}

char *net_hosts_text(const struct net_state *state, const struct net_spec *spec,
		     const char *hostname, struct arena *arena, struct err *err)
{
	struct text text = { .arena = arena };

	append(&text, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
	for (size_t i = 0; i < state->interfaces.count; i++)
		append_own(&text,
			   &JSON_ITEMS(const struct net_interface_state, &state->interfaces)[i],
			   hostname);
	if (hostname && !state->interfaces.count)
		append(&text, "127.0.1.1\t%s\n", hostname);
	for (size_t i = 0; i < spec->hosts.count; i++) {
		const char *line = JSON_ITEMS(const char *, &spec->hosts)[i];
		size_t length = strcspn(line, ":");

		if (line[length])
			append(&text, "%s\t%.*s\n", line + length + 1, (int)length, line);
	}
	return finish(&text, "/etc/hosts", err);
}

/* ---- resolv.conf ---- */

/* Call `take` for each word behind `key` in the lines of a resolv.conf(5) text. */
static void each_word(const char *host_text, const char *key, void *data,
		      void (*take)(void *data, const char *word, size_t length))
{
	for (const char *line = host_text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		line += strspn(line, " \t");
		if (!str_starts(line, key) || !strchr(" \t", line[strlen(key)]))
			continue;
		const char *word = line + strlen(key);

		while (*(word += strspn(word, " \t")) && !strchr("\n#;", *word)) {
			size_t length = strcspn(word, " \t\n");

			take(data, word, length);
			word += length;
		}
	}
}

static void take_server(void *data, const char *word, size_t length)
{
	struct text *text = data;
	char server[IP_TEXT_MAX];
	struct ip_address address;

	if (str_format(server, sizeof(server), "%.*s", (int)length, word) == 0 &&
	    ip_parse(server, &address) && !ip_is_loopback(&address))
		append(text, "nameserver %s\n", server);
}

static void take_word(void *data, const char *word, size_t length)
{
	append(data, " %.*s", (int)length, word);
}

/* "search a b": the spec's list, else the host's; nothing when both are empty. */
static void append_list(struct text *text, const char *key, const struct json_list *own,
			const char *host_text)
{
	size_t begin = text->used;

	append(text, "%s", key);
	size_t empty = text->used;

	for (size_t i = 0; i < own->count; i++)
		append(text, " %s", JSON_ITEMS(const char *, own)[i]);
	if (!own->count)
		each_word(host_text, key, text, take_word);
	if (text->used != empty) {
		append(text, "\n");
	} else if (text->data) {
		text->used = begin;
		text->data[begin] = '\0';
	}
}

char *net_resolv_text(const struct net_spec *spec, const char *host_text, bool resolver,
		      struct arena *arena, struct err *err)
{
	struct text text = { .arena = arena };

	append(&text, "%s", ""); /* a text even when nothing follows */
	if (resolver)
		append(&text, "nameserver %s\n", NET_RESOLVER_ADDRESS);
	for (size_t i = 0; !resolver && i < spec->dns.servers.count; i++)
		append(&text, "nameserver %s\n", JSON_ITEMS(const char *, &spec->dns.servers)[i]);
	if (!resolver && !spec->dns.servers.count)
		each_word(host_text, "nameserver", &text, take_server);
	append_list(&text, "search", &spec->dns.search, host_text);
	append_list(&text, "options", &spec->dns.options, host_text);
	return finish(&text, "/etc/resolv.conf", err);
}

/* ---- upstream servers of the name server ---- */

struct servers {
	struct ip_address *items;
	size_t count, room;
};

static void take_upstream(void *data, const char *word, size_t length)
{
	struct servers *servers = data;
	char text[IP_TEXT_MAX];

	if (servers->count < servers->room &&
	    str_format(text, sizeof(text), "%.*s", (int)length, word) == 0 &&
	    ip_parse(text, &servers->items[servers->count]))
		servers->count++;
}

size_t net_read_servers(const struct net_spec *spec, const char *host_text,
			struct ip_address *items, size_t room)
{
	struct servers servers = { .items = items, .room = room };

	for (size_t i = 0; i < spec->dns.servers.count; i++) {
		const char *text = JSON_ITEMS(const char *, &spec->dns.servers)[i];

		take_upstream(&servers, text, strlen(text));
	}
	if (!spec->dns.servers.count)
		each_word(host_text, "nameserver", &servers, take_upstream);
	return servers.count;
}
