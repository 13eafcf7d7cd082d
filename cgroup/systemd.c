/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* systemd as the cgroup manager: a transient scope, and the container's directory within it. */
#include "cgroup/systemd.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/plugin.h"
#include "base/str.h"
#include "cgroup/manager.h"
#include "cgroup/place.h"

/*
 * A scope belongs to systemd, which writes its files again whenever it likes (daemon-reload,
 * set-property). So the container lives one level below, in a directory that is delegated to us:
 * what is written there, and the device filter, is ours for good. What concerns the scope's place
 * among others (weights, protection) and what systemctl(1) is to show is given to systemd, too.
 *
 * A scope begins with a process and ends with its last one. A holder is the first, so that the
 * directories and limits stand before the container's own process is born in them.
 */
static const char below[] = "/container";

enum {
	DEFAULT_TIMEOUT_MS = 30000,
	MARK_BYTES = 8,
};

/* A call's bus; released at the end of the function that opened it. */
struct connection {
	const struct systemd_ops *ops;
	struct systemd_bus *bus;
};

static void disconnect(struct connection *connection)
{
	if (connection->bus)
		connection->ops->close(connection->bus);
}

#define auto_connection __attribute__((cleanup(disconnect)))

static bool is_of_user(const struct cgroup_state *state)
{
	return state->driver == CGROUP_SYSTEMD_USER;
}

static int reach_bus(struct err *err)
{
	return plugin_load("systemd", err) ? 0 : -1;
}

static int connect_bus(const struct cgroup_state *state, struct connection *connection,
		       struct err *err)
{
	int timeout_ms = state->timeout_ms > 0 ? state->timeout_ms : DEFAULT_TIMEOUT_MS;

	connection->ops = plugin_load("systemd", err);
	if (connection->ops)
		connection->bus = connection->ops->open(is_of_user(state), timeout_ms, err);
	return connection->bus ? 0 : -1;
}

/* ---- plan ---- */

/* Where the system's manager has its tree: its own directory without the part for itself. */
static const char *find_system_root(struct arena *arena, struct err *err)
{
	static const char suffix[] = "/init.scope";
	char *text = cgroup_read_text("/proc/1/cgroup", arena, err), *path = NULL;

	while (text && *text) {
		char *line = strsep(&text, "\n"), *at = strchr(line, ':');

		/* v2 ("0::") stands last; before it, in v1, the hierarchy of systemd's own */
		if (at && (str_starts(at, "::") || str_starts(at, ":name=systemd:")))
			path = strchr(at + 1, ':') + 1;
		if (!text)
			break;
	}
	if (!path) {
		err_set(err, ERR_UNSUPPORTED, "find systemd's cgroup: not in /proc/1/cgroup");
		return NULL;
	}
	if (str_ends(path, suffix))
		path[strlen(path) - strlen(suffix)] = '\0';
	return strcmp(path, "/") == 0 ? "" : path;
}

static const char *find_user_root(const struct cgroup_state *state, struct arena *arena,
				  struct err *err)
{
	auto_connection struct connection connection = { 0 };
	const char *root = NULL;

	if (connect_bus(state, &connection, err) == 0)
		root = connection.ops->get(connection.bus, NULL, "ControlGroup", arena, err);
	return root;
}

static int check_running(const struct cgroup_state *state, struct err *err)
{
	if (is_of_user(state) || getenv("DBUS_SYSTEM_BUS_ADDRESS") ||
	    access("/run/systemd/system", F_OK) == 0)
		return 0;
	err_set(err, ERR_UNSUPPORTED,
		"make a systemd scope: systemd does not run here "
		"(no /run/systemd/system)");
	return err_hint(err, "leave --systemd-cgroup out: masu makes cgroups itself");
}

static const char *make_mark(struct arena *arena, struct err *err)
{
	unsigned char bytes[MARK_BYTES];
	char text[2 * MARK_BYTES + 1];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes)) {
		err_sys(err, "make a mark");
		return NULL;
	}
	for (int i = 0; i < MARK_BYTES; i++)
		str_format(text + 2 * i, 3, "%02x", bytes[i]);
	return arena_strdup(arena, text);
}

static int systemd_plan(const struct cgroup_request *request, struct arena *arena,
			struct cgroup_state *state, struct err *err)
{
	bool user = is_of_user(state);
	struct cgroup_host host = { 0 };
	struct unit_name name = { 0 };

	if (unit_name_parse(request->path, request->id, user ? "user.slice" : "system.slice", arena,
			    &name, err) < 0 ||
	    check_running(state, err) < 0 || reach_bus(err) < 0 ||
	    cgroup_host_read(arena, &host, err) < 0)
		return -1;
	const char *root = user ? find_user_root(state, arena, err) : find_system_root(arena, err);
	const char **bases = arena_alloc(arena, (host.count + 1) * sizeof(*bases));

	state->mark = root ? make_mark(arena, err) : NULL;
	if (!state->mark)
		return -1;
	state->unit = name.scope;
	state->slice = name.slice;
	state->path = arena_printf(arena, "%s%s%s", root, name.dir, below);
	if (!state->path || !bases)
		return err_sys(err, "plan cgroups");
	/* a user has been given nothing in v1 */
	for (size_t i = 0; i < host.count; i++)
		bases[i] = user && !host.hierarchies[i].v2 ? NULL : host.hierarchies[i].mount;
	return cgroup_plan_hierarchies(&host, bases, request->required, arena, state, err);
}

static int systemd_annotate(const struct json_list *annotations, struct arena *arena,
			    struct cgroup_state *state, struct err *err)
{
	struct unit_properties properties = { .arena = arena };

	if (unit_annotations(annotations, &properties, err) < 0)
		return -1;
	state->properties = properties.list;
	return 0;
}

/* ---- the container's process and the scope ---- */

/* A user's manager has a tree of its own, and we may be in a login session outside of it: nothing
 * can be moved from here to there but by the system's manager. */
static bool systemd_is_foreign(const struct cgroup_state *state)
{
	const char *end = strstr(state->path ? state->path : "", ".service/");
	auto_arena struct arena arena = { 0 };

	if (!is_of_user(state) || !end)
		return false;
	int length = (int)(end - state->path) + (int)strlen(".service/");
	const char *tree = arena_printf(&arena, "0::%.*s", length, state->path);
	const char *own = cgroup_read_text("/proc/self/cgroup", &arena, NULL);

	return tree && own && !strstr(own, tree);
}

static int systemd_adopt(struct cgroup *cgroup, pid_t pid, struct err *err)
{
	const struct cgroup_state *state = cgroup->state;
	auto_connection struct connection connection = { 0 };

	const struct cgroup_place *place = cgroup_main_place(cgroup);
	/* for exec it may be a directory further down */
	const char *dir = place->dir + strlen(place->mount) + strlen(state->path) - strlen(below);

	if (connect_bus(state, &connection, err) < 0)
		return -1;
	return connection.ops->attach(connection.bus, state->unit, dir, (int)pid, err);
}

static void put_text(struct unit_properties *properties, const char *name, const char *text)
{
	if (!text)
		properties->failed = true;
	unit_put(properties,
		 &(struct unit_property){ .name = name, .type = UNIT_TEXT, .text = text });
}

static void put_bool(struct unit_properties *properties, const char *name, bool value)
{
	unit_put(properties,
		 &(struct unit_property){ .name = name, .type = UNIT_BOOL, .number = value });
}

/* All that the scope is to be; the annotations come last and have the last word. */
static int list_properties(const struct cgroup *cgroup, const struct cgroup_resources *resources,
			   struct unit_properties *properties, struct err *err)
{
	const struct cgroup_state *state = cgroup->state;
	const struct unit_property *asked = state->properties.items;

	put_text(properties, "Description",
		 arena_printf(cgroup->arena, "masu container %s", state->mark));
	put_text(properties, "Slice", state->slice);
	put_text(properties, "CollectMode", "inactive-or-failed");
	put_bool(properties, "DefaultDependencies", false);
	put_bool(properties, "Delegate", true);
	put_bool(properties, "CPUAccounting", true);
	put_bool(properties, "MemoryAccounting", true);
	put_bool(properties, "IOAccounting", true);
	put_bool(properties, "TasksAccounting", true);
	unit_put(properties, &(struct unit_property){ .name = "PIDs",
						      .type = UNIT_PID,
						      .number = (uint64_t)cgroup->holder.pid });
	if (unit_limits(resources, NULL, properties, err) < 0)
		return -1;
	for (size_t i = 0; i < state->properties.count; i++)
		unit_put(properties, &asked[i]);
	return properties->failed ? err_set(err, ENOMEM, "start scope %s", state->unit) : 0;
}

/* An older systemd: such a limit is still the container's own directory's, but not the scope's. */
static void tell_unknown(const struct json_list *properties)
{
	const struct unit_property *items = properties->items;

	for (size_t i = 0; i < properties->count; i++) {
		if (items[i].unknown)
			log_warning("this systemd has no property %s: it is in force below the "
				    "scope only",
				    items[i].name);
	}
}

static int systemd_begin(struct cgroup *cgroup, const struct cgroup_resources *resources,
			 struct err *err)
{
	struct unit_properties properties = { .arena = cgroup->arena };
	auto_connection struct connection connection = { 0 };

	if (connect_bus(cgroup->state, &connection, err) < 0)
		return -1;
	if (holder_start(&cgroup->holder, 0, -1) < 0)
		return err_sys(err, "start a process to hold scope %s", cgroup->state->unit);
	if (list_properties(cgroup, resources, &properties, err) < 0)
		return -1;
	int result =
		connection.ops->start(connection.bus, cgroup->state->unit, &properties.list, err);

	tell_unknown(&properties.list);
	return result;
}

/* The holder makes room in the scope itself: what has processes hands no controllers down. */
static int systemd_made(struct cgroup *cgroup, struct cgroup_place *place, struct err *err)
{
	char text[24];

	str_format(text, sizeof(text), "%d", (int)cgroup->holder.pid);
	return cgroup_place_write(place, "cgroup.procs", text, err);
}

static int systemd_update(struct cgroup *cgroup, const struct cgroup_resources *resources,
			  struct err *err)
{
	struct unit_properties properties = { .arena = cgroup->arena };
	auto_connection struct connection connection = { 0 };

	if (unit_limits(resources, cgroup_main_place(cgroup), &properties, err) < 0)
		return -1;
	if (!properties.list.count)
		return 0;
	if (connect_bus(cgroup->state, &connection, err) < 0)
		return -1;
	int result =
		connection.ops->set(connection.bus, cgroup->state->unit, &properties.list, err);

	tell_unknown(&properties.list);
	return result;
}

/* ---- the end ---- */

/* A directory of the scope in one hierarchy. */
static const char *scope_dir(const struct cgroup_place *place, char dir[PATH_MAX])
{
	str_format(dir, PATH_MAX, "%.*s", (int)(strlen(place->dir) - strlen(below)), place->dir);
	return dir;
}

static bool has_scope(const struct cgroup *cgroup)
{
	char dir[PATH_MAX];

	for (size_t i = 0; i < cgroup->count; i++) {
		if (access(scope_dir(&cgroup->places[i], dir), F_OK) == 0)
			return true;
	}
	return false;
}

/* In v1 systemd knows only some of the hierarchies: in the others we made the scope's directory and
 * the slices above, which go when nothing else is in them. */
static void remove_parents(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->count; i++) {
		const struct cgroup_place *place = &cgroup->places[i];
		char dir[PATH_MAX];

		scope_dir(place, dir);
		while (!place->ops->whole && strlen(dir) > strlen(place->mount) && rmdir(dir) == 0)
			*strrchr(dir, '/') = '\0';
	}
}

/*
 * When its last process has gone systemd stops a scope by itself, so there may be nothing left. A
 * scope of the same name that is somebody else's is left alone.
 */
static int stop_scope(struct cgroup *cgroup, struct err *err)
{
	const struct cgroup_state *state = cgroup->state;
	auto_connection struct connection connection = { 0 };
	struct err why = { 0 };

	if (connect_bus(state, &connection, err) < 0)
		return -1;
	const char *description = connection.ops->get(connection.bus, state->unit, "Description",
						      cgroup->arena, &why);

	if (!description && why.code == ERR_NOT_FOUND)
		return 0;
	if (!description) {
		if (err)
			*err = why;
		return -1;
	}
	if (!state->mark || !strstr(description, state->mark)) {
		for (size_t i = 0; i < cgroup->count; i++)
			cgroup->places[i].existed = true;
		return 0;
	}
	/* stopping asks the processes to end and waits long for those that do not */
	if (cgroup_kill(cgroup, err) < 0)
		return -1;
	return connection.ops->stop(connection.bus, state->unit, err);
}

static int systemd_end(struct cgroup *cgroup, struct err *err)
{
	holder_end(&cgroup->holder);
	if (!has_scope(cgroup))
		return 0;
	int result = stop_scope(cgroup, err);

	for (size_t i = 0; result == 0 && i < cgroup->count; i++) {
		if (!cgroup->places[i].existed)
			result = cgroup_remove_dir(cgroup->places[i].dir, err);
	}
	if (result == 0)
		remove_parents(cgroup);
	return result;
}

const struct cgroup_manager cgroup_systemd_manager = {
	.plan = systemd_plan,
	.annotate = systemd_annotate,
	.reach = reach_bus,
	.is_foreign = systemd_is_foreign,
	.begin = systemd_begin,
	.made = systemd_made,
	.adopt = systemd_adopt,
	.update = systemd_update,
	.end = systemd_end,
};
