/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names as directories: adding and removing one costs the same however many there are, and readers
 * need no lock. */
#include "net/names.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"

enum {
	ADDRESSES_MAX = NET_SUBNETS_MAX * IP_TEXT_MAX,
};

static int open_names(const struct net_place *place, const char *network, struct err *err)
{
	auto_close int dir = net_network_state(place, network, err);

	return dir < 0 ? -1 : net_place_open_at(dir, "names", err);
}

/* Small letters: a name may be asked for in any. */
static const char *fold(const char *name, char folded[64])
{
	size_t length = 0;

	for (; length < 63 && name[length]; length++)
		folded[length] = (char)tolower((unsigned char)name[length]);
	folded[length] = '\0';
	return folded;
}

/* "10.210.0.2/24" and so on as "10.210.0.2 fd00::2". */
static void join_addresses(const struct net_interface_state *interface, char text[ADDRESSES_MAX])
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < interface->addresses.count && i < NET_SUBNETS_MAX; i++) {
		const char *address = JSON_ITEMS(const char *, &interface->addresses)[i];

		used += (size_t)snprintf(text + used, ADDRESSES_MAX - used, "%s%.*s",
					 used ? " " : "", (int)strcspn(address, "/"), address);
	}
}

int net_names_publish(const struct net_place *place, const struct net_interface_state *interface,
		      const char *id, struct err *err)
{
	char text[ADDRESSES_MAX], folded[64];

	if (!interface->names.count)
		return 0;
	auto_close int network = net_network_state(place, interface->network, err);
	auto_close int names = network < 0 ? -1 : net_place_open_at(network, "names", err);

	if (names < 0)
		return -1;
	join_addresses(interface, text);
	for (size_t i = 0; i < interface->names.count; i++) {
		const char *name = fold(JSON_ITEMS(const char *, &interface->names)[i], folded);

		/* somebody else may remove the directory as empty between these two */
		for (int tries = 0;; tries++) {
			auto_close int dir = net_place_open_at(names, name, err);

			if (dir < 0)
				return -1;
			if (net_place_write(dir, id, text, err) == 0)
				break;
			if (errno != ENOENT || tries == 8)
				return -1;
		}
	}
	/* last, and gone first: who has a line has a name, too, by which gc finds it */
	return net_neighbours_add(network, interface, id, err);
}

int net_names_withdraw(const struct net_place *place, const struct net_interface_state *interface,
		       const char *id, struct err *err)
{
	char folded[64];

	if (!interface->names.count)
		return 0;
	auto_close int network = net_network_state(place, interface->network, err);
	auto_close int names = network < 0 ? -1 : net_place_open_at(network, "names", err);

	if (names < 0 || net_neighbours_drop(network, id, err) < 0)
		return -1;
	for (size_t i = 0; i < interface->names.count; i++) {
		const char *name = fold(JSON_ITEMS(const char *, &interface->names)[i], folded);
		auto_close int dir =
			openat(names, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

		if (dir < 0)
			continue;
		if (unlinkat(dir, id, 0) < 0 && errno != ENOENT)
			return err_sys(err, "withdraw name %s", name);
		unlinkat(names, name, AT_REMOVEDIR); /* as soon as nobody has it */
	}
	return 0;
}

/* Walk over the containers of one name. */
static int each_holder(int names, const char *name,
		       int (*visit)(const char *name, const char *addresses, const char *id,
				    void *data),
		       void *data)
{
	auto_close int dir = openat(names, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	auto_closedir DIR *entries = dir < 0 ? NULL : fdopendir(dir);
	char addresses[ADDRESSES_MAX];

	if (!entries)
		return 0; /* gone meanwhile */
	int stream = take_fd(&dir);

	for (struct dirent *entry; (entry = readdir(entries));) {
		if (entry->d_name[0] == '.' ||
		    fd_read_file(stream, entry->d_name, addresses, sizeof(addresses)) <= 0)
			continue;
		if (visit(name, addresses, entry->d_name, data) < 0)
			return -1;
	}
	return 0;
}

struct gathered {
	char *text;
	size_t size;
};

static int gather(const char *name, const char *addresses, const char *id, void *data)
{
	struct gathered *gathered = data;
	size_t used = strlen(gathered->text);

	(void)name;
	(void)id;
	if (used + strlen(addresses) + 2 <= gathered->size)
		snprintf(gathered->text + used, gathered->size - used, "%s%s", used ? " " : "",
			 addresses);
	return 0;
}

int net_names_find_addresses(const struct net_place *place, const char *network, const char *name,
			     char *addresses, size_t size, struct err *err)
{
	struct gathered gathered = { addresses, size };
	char folded[64];
	auto_close int names = open_names(place, network, err);

	if (names < 0)
		return -1;
	addresses[0] = '\0';
	if (!net_name_is_valid(name))
		return 0;
	return each_holder(names, fold(name, folded), gather, &gathered);
}

int net_names_each(const struct net_place *place, const char *network,
		   int (*visit)(const char *name, const char *addresses, const char *id,
				void *data),
		   void *data, struct err *err)
{
	auto_close int names = open_names(place, network, err);
	auto_closedir DIR *entries = names < 0 ? NULL : fdopendir(names);

	if (!entries)
		return names < 0 ? -1 : err_sys(err, "list names of network %s", network);
	int stream = take_fd(&names);

	for (struct dirent *entry; (entry = readdir(entries));) {
		if (entry->d_name[0] != '.' && each_holder(stream, entry->d_name, visit, data) < 0)
			return -1;
	}
	return 0;
}

struct sweep {
	int network, names;
	bool (*judge)(const char *name, const char *id, void *data);
	void *data;
	int swept;
};

static int sweep_name(const char *name, const char *addresses, const char *id, void *data)
{
	struct sweep *sweep = data;
	char path[2 * NAME_MAX + 2];

	(void)addresses;
	if (!sweep->judge(name, id, sweep->data))
		return 0;
	net_neighbours_drop(sweep->network, id, NULL);
	if (str_format(path, sizeof(path), "%s/%s", name, id) == 0 &&
	    unlinkat(sweep->names, path, 0) == 0)
		sweep->swept++;
	unlinkat(sweep->names, name, AT_REMOVEDIR);
	return 0;
}

int net_names_sweep(const struct net_place *place, const char *network,
		    bool (*judge)(const char *name, const char *id, void *data), void *data,
		    struct err *err)
{
	auto_close int state = net_network_state(place, network, err);
	auto_close int names = state < 0 ? -1 : net_place_open_at(state, "names", err);
	struct sweep sweep = { .network = state, .names = names, .judge = judge, .data = data };

	if (names < 0 || net_names_each(place, network, sweep_name, &sweep, err) < 0)
		return -1;
	return sweep.swept;
}
