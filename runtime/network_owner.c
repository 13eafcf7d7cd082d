/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who holds addresses, names and ports: containers of all state roots that share this host's
 * networks. */
#include "runtime/network.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "runtime/gc.h"
#include "runtime/listing.h"
#include "runtime/masu.h"

/*
 * Owners are called ID, or ID@ROOT for those of another state root than the usual one; ROOT is the
 * root's number. The folder "roots" beside the leases has one file a root, with its path: so a
 * command can ask after every owner, whichever root it works on itself.
 */
#define USUAL_ROOT  "/run/masu"
#define ROOTS       "roots"
#define ROOT_LENGTH 8

static void number_of(const char *root, char number[ROOT_LENGTH + 1])
{
	uint32_t hash = 2166136261U; /* FNV-1a */

	for (const char *at = root; *at; at++)
		hash = (hash ^ (uint8_t)*at) * 16777619U;
	str_format(number, ROOT_LENGTH + 1, "%08x", hash);
}

const char *network_owner(const struct masu *masu, const char *id, struct arena *arena)
{
	char number[ROOT_LENGTH + 1];

	if (strcmp(masu->root, USUAL_ROOT) == 0)
		return arena_strdup(arena, id);
	number_of(masu->root, number);
	return arena_printf(arena, "%s@%s", id, number);
}

int network_register_root(const struct masu *masu, const struct net_place *place, struct err *err)
{
	char number[ROOT_LENGTH + 1];

	number_of(masu->root, number);
	return net_place_note(place, ROOTS, number, masu->root, err);
}

/* The path behind a number; false when it is not known. */
static bool find_root(const struct net_place *place, const char *number, char root[PATH_MAX])
{
	char path[PATH_MAX];

	return strlen(number) == ROOT_LENGTH && !strchr(number, '/') &&
	       str_format(path, sizeof(path), "%s/" ROOTS "/%s", place->state, number) == 0 &&
	       fd_read_file(AT_FDCWD, path, root, PATH_MAX) > 0;
}

/* Of a root that nobody knows: not ours to judge. */
static bool lives(const struct net_place *place, const char *owner)
{
	char root[PATH_MAX] = USUAL_ROOT, id[NET_ID_MAX + 1];
	auto_container struct container container = CONTAINER_INIT;
	struct masu masu = { .root = root };
	struct err why = { 0 };
	const char *at = strchr(owner, '@');

	if ((at && !find_root(place, at + 1, root)) ||
	    str_format(id, sizeof(id), "%.*s", (int)strcspn(owner, "@"), owner) < 0)
		return true;
	if (container_open(&masu, id, STATE_UNLOCKED, true, &container, &why) < 0)
		return why.code != ERR_NOT_FOUND;
	enum container_status status = container_status(&container);

	return status != CONTAINER_STOPPED && status != CONTAINER_BROKEN;
}

bool network_is_alive(const char *owner, void *data)
{
	auto_arena struct arena arena = { 0 };
	const struct net_place place = network_place(data, &arena);

	return lives(&place, owner);
}

/* ---- all containers with a network ---- */

/* A record's arena goes when it is closed: copied by way of its text. */
static int add_state(const struct net_state *state, struct json_list *states, struct arena *arena,
		     struct err *err)
{
	const char *text = json_encode(&net_state_object, state, 0, arena, err);
	struct net_state *copy = text ? json_grow(arena, states, sizeof(*copy)) : NULL;

	if (!copy)
		return text ? err_sys(err, "list containers") : -1;
	*copy = (struct net_state){ 0 };
	return json_decode("network", text, strlen(text), &net_state_object, copy, arena, err);
}

static int add_root(char *root, struct json_list *states, struct arena *arena, struct err *err)
{
	struct masu masu = { .root = root };
	struct masu_container_info *first;
	int result = 0;

	if (listing_make(&masu, &first, err) < 0)
		return -1;
	for (const struct masu_container_info *each = first; each && result == 0;
	     each = each->next) {
		auto_container struct container container = CONTAINER_INIT;

		if (container_open(&masu, each->id, STATE_UNLOCKED, true, &container, NULL) == 0 &&
		    container.pidfd >= 0 && container.state.network.interfaces.count)
			result = add_state(&container.state.network, states, arena, err);
	}
	listing_free(first);
	return result;
}

int network_states(const struct net_place *place, struct json_list *states, struct arena *arena,
		   struct err *err)
{
	char path[PATH_MAX], root[PATH_MAX];

	*states = (struct json_list){ 0 };
	if (str_format(path, sizeof(path), "%s/" ROOTS, place->state) < 0)
		return err_sys(err, "list state directories");
	auto_closedir DIR *roots = opendir(path);

	if (!roots)
		return errno == ENOENT ? 0 : err_sys(err, "open %s", path);
	for (struct dirent *entry; (entry = readdir(roots));) {
		if (find_root(place, entry->d_name, root) && add_root(root, states, arena, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- what has no owner ---- */

struct network_gc {
	struct net_place place;
	gc_report *report;
	void *data;
};

static bool is_alive(const char *owner, void *data)
{
	const struct network_gc *gc = data;

	return lives(&gc->place, owner);
}

static void tell(const char *what, void *data)
{
	const struct network_gc *gc = data;

	if (gc->report)
		gc->report("network", what, gc->data);
}

int network_collect(struct masu *masu, bool dry_run, gc_report *report, void *data, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct network_gc gc = { network_place(masu, &arena), report, data };
	const struct net_sweep sweep = {
		.is_alive = is_alive,
		.report = tell,
		.data = &gc,
		.dry_run = dry_run,
	};

	/* no container has had a network here: nothing to load plug-ins for */
	if (access(gc.place.state, F_OK) < 0)
		return errno == ENOENT ? 0 : err_sys(err, "look at %s", gc.place.state);
	return net_collect(&gc.place, &sweep, err) < 0 ? -1 : 0;
}
