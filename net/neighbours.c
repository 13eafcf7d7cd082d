/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The hosts file of a network, bound into containers that have no name server to ask: one line an
 * address, put in and blanked in place while they read it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "net/names.h"

#define HOSTS_FILE "hosts"

enum {
	LINE_MAX_BYTES = 2048,
	FILE_MAX_BYTES = 16 << 20,
};

/*
 * A line is never moved: every container has the same open file. One that went is "#" and blanks,
 * and is taken by the next that fits. Behind the names stands "# ID".
 */
struct hosts {
	int file;
	char *text; /* owned */
	size_t size;
};

static void hosts_close(struct hosts *hosts)
{
	auto_close_fd(&hosts->file);
	free(hosts->text);
}

#define auto_hosts __attribute__((cleanup(hosts_close)))

/* Open and lock; whoever makes it writes the first lines. */
static int hosts_open(int dir, struct hosts *hosts, struct err *err)
{
	static const char loopback[] =
		"127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";

	*hosts = (struct hosts){ .file = openat(dir, HOSTS_FILE,
						O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644) };
	if (hosts->file < 0 || net_place_wait(hosts->file) < 0)
		return err_sys(err, "open hosts file of a network");
	hosts->text = fd_slurp(dir, HOSTS_FILE, FILE_MAX_BYTES, &hosts->size, err);
	if (!hosts->text)
		return -1;
	if (hosts->size)
		return 0;
	/* whatever the umask says: programs inside read it */
	if (fchmod(hosts->file, 0644) < 0 ||
	    pwrite(hosts->file, loopback, strlen(loopback), 0) != (ssize_t)strlen(loopback))
		return err_sys(err, "write hosts file of a network");
	hosts->size = strlen(loopback);
	free(hosts->text);
	hosts->text = strdup(loopback);
	return hosts->text ? 0 : err_sys(err, "read hosts file of a network");
}

/* Write a line over the `room` bytes from `at` on, the last of which is its newline. */
static int put_line(struct hosts *hosts, size_t at, size_t room, const char *line, struct err *err)
{
	char whole[LINE_MAX_BYTES];
	size_t length = strlen(line);

	if (length >= room || room > sizeof(whole))
		return err_set(err, ERR_INPUT, "write hosts file of a network: too many names");
	memset(whole, ' ', room);
	memcpy(whole, line, length);
	whole[room - 1] = '\n';
	if (pwrite(hosts->file, whole, room, (off_t)at) != (ssize_t)room)
		return err_sys(err, "write hosts file of a network");
	if (at < hosts->size)
		memcpy(hosts->text + at, whole, room);
	else
		hosts->size += room;
	return 0;
}

/* Where the next line begins, or the end. */
static size_t line_end(const struct hosts *hosts, size_t at)
{
	const char *newline = memchr(hosts->text + at, '\n', hosts->size - at);

	return newline ? (size_t)(newline - hosts->text) + 1 : hosts->size;
}

static bool is_blank(const struct hosts *hosts, size_t at, size_t end)
{
	return hosts->text[at] == '#' && at + 1 + strspn(hosts->text + at + 1, " ") == end - 1;
}

static int add_line(struct hosts *hosts, const char *line, struct err *err)
{
	size_t read = strlen(hosts->text), room = strlen(line) + 1;

	for (size_t at = 0, end; at < read; at = end) {
		end = line_end(hosts, at);
		if (end - at >= room && is_blank(hosts, at, end))
			return put_line(hosts, at, end - at, line, err);
	}
	return put_line(hosts, hosts->size, room, line, err);
}

int net_neighbours_add(int dir, const struct net_interface_state *interface, const char *id,
		       struct err *err)
{
	auto_hosts struct hosts hosts;

	if (hosts_open(dir, &hosts, err) < 0)
		return -1;
	for (size_t i = 0; i < interface->addresses.count; i++) {
		const char *address = JSON_ITEMS(const char *, &interface->addresses)[i];
		char line[LINE_MAX_BYTES];
		size_t used = (size_t)snprintf(line, sizeof(line), "%.*s\t",
					       (int)strcspn(address, "/"), address);

		/* those that do not fit are left out: 16 long names do */
		for (size_t j = 0; j < interface->names.count; j++) {
			const char *name = JSON_ITEMS(const char *, &interface->names)[j];

			if (used + strlen(name) + NET_ID_MAX + 8 < sizeof(line))
				used += (size_t)snprintf(line + used, sizeof(line) - used, "%s ",
							 name);
		}
		snprintf(line + used, sizeof(line) - used, "# %s", id);
		if (add_line(&hosts, line, err) < 0)
			return -1;
	}
	return 0;
}

/* Is it a line of that container? */
static bool is_of(const struct hosts *hosts, size_t at, size_t end, const char *id)
{
	size_t length = strlen(id);

	for (end--; end > at && hosts->text[end - 1] == ' '; end--)
		;
	return end - at > length + 2 && memcmp(hosts->text + end - length, id, length) == 0 &&
	       memcmp(hosts->text + end - length - 2, "# ", 2) == 0;
}

int net_neighbours_drop(int dir, const char *id, struct err *err)
{
	auto_hosts struct hosts hosts;

	if (faccessat(dir, HOSTS_FILE, F_OK, 0) < 0)
		return 0;
	if (hosts_open(dir, &hosts, err) < 0)
		return -1;
	for (size_t at = 0, end; at < hosts.size; at = end) {
		end = line_end(&hosts, at);
		if (is_of(&hosts, at, end, id) && put_line(&hosts, at, end - at, "#", err) < 0)
			return -1;
	}
	return 0;
}

/*
 * One network, and nothing to say that its file does not hold: then there is no need for one of the
 * container's own.
 */
char *net_hosts_file(const struct net_place *place, const struct net_state *state,
		     const struct net_spec *spec, const char *hostname, struct arena *arena)
{
	const struct net_interface_state *interface = state->interfaces.items;

	if (state->interfaces.count != 1 || spec->hosts.count || !interface->names.count ||
	    (hostname && !net_name_is_valid(hostname)))
		return NULL;
	return arena_printf(arena, "%s/networks/%s/" HOSTS_FILE, place->state, interface->network);
}
