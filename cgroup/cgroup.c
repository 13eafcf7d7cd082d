/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container's cgroups: where they will be, the record of them, opening and closing. */
#include "cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/path.h"
#include "base/str.h"
#include "cgroup/manager.h"
#include "cgroup/place.h"

/*
 * Without a cgroupsPath: "/masu-ID", at the top of each hierarchy. A common parent would cost a
 * directory more to make and to remove in every hierarchy, and remain when something fails.
 */
static const char default_prefix[] = "/masu-";

/* clang-format off */
static const struct json_row hierarchy_rows[] = {
	{ "controllers", JSON_TEXT, offsetof(struct cgroup_hierarchy_state, controllers), .flags = JSON_REQUIRED | JSON_ALWAYS },
	{ "dir",         JSON_TEXT, offsetof(struct cgroup_hierarchy_state, dir),         .flags = JSON_REQUIRED | JSON_NOT_EMPTY },
	{ "mount",       JSON_TEXT, offsetof(struct cgroup_hierarchy_state, mount),       .flags = JSON_REQUIRED | JSON_NOT_EMPTY },
	{ "v2",          JSON_BOOL, offsetof(struct cgroup_hierarchy_state, v2) },
	{ "existed",     JSON_BOOL, offsetof(struct cgroup_hierarchy_state, existed) },
	{ "group",       JSON_TEXT, offsetof(struct cgroup_hierarchy_state, group) },
	{ "passing",     JSON_UINT, offsetof(struct cgroup_hierarchy_state, passing) },
	{ "batch",       JSON_BOOL, offsetof(struct cgroup_hierarchy_state, batch) },
};
static const struct json_object hierarchy_object = JSON_OBJECT_OF(struct cgroup_hierarchy_state, hierarchy_rows);

static const struct json_row state_rows[] = {
	{ "driver",      JSON_INT,  offsetof(struct cgroup_state, driver), .flags = JSON_ALWAYS },
	{ "path",        JSON_TEXT, offsetof(struct cgroup_state, path) },
	{ "ownName",     JSON_BOOL, offsetof(struct cgroup_state, own_name) },
	{ "inGroup",     JSON_BOOL, offsetof(struct cgroup_state, in_group) },
	{ "threaded",    JSON_BOOL, offsetof(struct cgroup_state, threaded) },
	{ "hierarchies", JSON_LIST, offsetof(struct cgroup_state, hierarchies), &hierarchy_object },
	{ "unit",        JSON_TEXT, offsetof(struct cgroup_state, unit) },
	{ "slice",       JSON_TEXT, offsetof(struct cgroup_state, slice) },
	{ "mark",        JSON_TEXT, offsetof(struct cgroup_state, mark) },
};
/* clang-format on */
const struct json_object cgroup_state_object = JSON_OBJECT_OF(struct cgroup_state, state_rows);

static const struct cgroup_ops *const versions[] = { &cgroup_v1_ops, &cgroup_v2_ops };

static const struct cgroup_manager *const managers[] = {
	[CGROUP_FS] = &cgroup_fs_manager,
	[CGROUP_DISABLED] = &cgroup_no_manager,
	[CGROUP_SYSTEMD] = &cgroup_systemd_manager,
	[CGROUP_SYSTEMD_USER] = &cgroup_systemd_manager,
};

/* A record may be of a later masu, or damaged. */
static const struct cgroup_manager *manager_of(const struct cgroup_state *state)
{
	size_t count = sizeof(managers) / sizeof(managers[0]);

	return state->driver >= 0 && (size_t)state->driver < count ? managers[state->driver]
								   : &cgroup_fs_manager;
}

/*
 * The container's path below each hierarchy: absolute, no "." or empty parts. A relative
 * cgroupsPath is taken as below the root, as crun does, so that the same text always gives the same
 * place.
 */
static const char *clean_path(const char *path, struct arena *arena, struct err *err)
{
	char *clean = arena_alloc(arena, strlen(path) + 2), *at = clean;

	if (path_has_dotdot(path) || !str_is_clean(path)) {
		err_set(err, ERR_INPUT,
			"linux.cgroupsPath: \"%s\" has a part \"..\" or a control character", path);
		return NULL;
	}
	while (clean && *path) {
		size_t length = strcspn(path, "/");

		if (length && !(length == 1 && path[0] == '.')) {
			*at++ = '/';
			memcpy(at, path, length);
			at += length;
		}
		path += length + (path[length] == '/');
	}
	if (clean && at == clean) {
		err_set(err, ERR_INPUT,
			"linux.cgroupsPath: the root cgroup cannot be a container's");
		return NULL;
	}
	return clean;
}

/* Fills one hierarchy's record; false when it is left out. */
static bool plan_hierarchy(const struct cgroup_hierarchy *hierarchy, const char *base,
			   const char *path, struct arena *arena,
			   struct cgroup_hierarchy_state *planned)
{
	if (hierarchy->read_only || !base)
		return false;
	planned->controllers = hierarchy->controllers;
	planned->mount = hierarchy->mount;
	planned->v2 = hierarchy->v2;
	planned->dir = arena_printf(arena, "%s%s", base, path);
	return planned->dir;
}

/* Something is asked for that cannot be enforced: says which mount is in the way. */
static int refuse(const struct cgroup_host *host, struct err *err)
{
	for (size_t i = 0; i < host->count; i++) {
		const struct cgroup_hierarchy *hierarchy = &host->hierarchies[i];

		if (!hierarchy->read_only)
			continue;
		err_set(err, EROFS, "enforce linux.resources: %s is mounted read-only",
			hierarchy->mount);
		return err_hint(err,
				"remount it read-write, or ask for no limits and no device rules");
	}
	err_set(err, ERR_UNSUPPORTED, "enforce linux.resources: no %s cgroup hierarchy is mounted",
		host->count ? "writable" : "");
	if (host->count && geteuid() != 0)
		return err_hint(err, "a user needs a delegated cgroup: try --systemd-cgroup, or "
				     "`systemd-run --user --scope -p Delegate=yes masu ...`");
	return err_hint(
		err, "mount cgroup2 on /sys/fs/cgroup, or ask for no limits and no device rules");
}

int cgroup_plan_hierarchies(const struct cgroup_host *host, const char *const *bases, bool required,
			    struct arena *arena, struct cgroup_state *state, struct err *err)
{
	struct cgroup_hierarchy_state *planned =
		arena_alloc(arena, (host->count + 1) * sizeof(*planned));
	bool left_out = false;

	if (!planned)
		return err_sys(err, "plan cgroups");
	for (size_t i = 0; i < host->count; i++) {
		const struct cgroup_hierarchy *hierarchy = &host->hierarchies[i];

		if (plan_hierarchy(hierarchy, bases[i], state->path, arena,
				   &planned[state->hierarchies.count]))
			state->hierarchies.count++;
		else
			left_out |= hierarchy->read_only;
	}
	state->hierarchies.items = planned;
	if (required && (left_out || !state->hierarchies.count))
		return refuse(host, err);
	return 0;
}

static int fs_plan(const struct cgroup_request *request, struct arena *arena,
		   struct cgroup_state *state, struct err *err)
{
	bool is_default = !request->path || !*request->path;
	const char *path = is_default ? arena_printf(arena, "%s%s", default_prefix, request->id)
				      : request->path;
	struct cgroup_host host = { 0 };

	state->own_name = is_default;
	state->path = path ? clean_path(path, arena, err) : NULL;
	if (!state->path || cgroup_host_read(arena, &host, err) < 0)
		return -1;
	const char **bases = arena_alloc(arena, (host.count + 1) * sizeof(*bases));

	if (!bases)
		return err_sys(err, "plan cgroups");
	for (size_t i = 0; i < host.count; i++) {
		struct cgroup_hierarchy *hierarchy = &host.hierarchies[i];

		if (is_default)
			bases[i] = cgroup_choose_base(&host, hierarchy, arena);
		else if (cgroup_may_make(&host, hierarchy, state->path, arena))
			bases[i] = hierarchy->mount;
	}
	return cgroup_plan_hierarchies(&host, bases, request->required, arena, state, err);
}

const struct cgroup_manager cgroup_fs_manager = { .plan = fs_plan };

static int no_plan(const struct cgroup_request *request, struct arena *arena,
		   struct cgroup_state *state, struct err *err)
{
	(void)arena, (void)state;
	return request->required
		       ? err_set(err, ERR_INPUT,
				 "enforce linux.resources: cgroups are disabled by the cgroup "
				 "manager that was chosen")
		       : 0;
}

const struct cgroup_manager cgroup_no_manager = { .plan = no_plan };

int cgroup_plan(enum cgroup_driver driver, const char *path, const char *id, bool required,
		struct arena *arena, struct cgroup_state *state, struct err *err)
{
	const struct cgroup_request request = { .path = path, .id = id, .required = required };

	*state = (struct cgroup_state){ .driver = (int)driver, .timeout_ms = state->timeout_ms };
	return manager_of(state)->plan(&request, arena, state, err);
}

int cgroup_annotate(const struct json_list *annotations, struct arena *arena,
		    struct cgroup_state *state, struct err *err)
{
	const struct cgroup_manager *manager = manager_of(state);

	return manager->annotate ? manager->annotate(annotations, arena, state, err) : 0;
}

int cgroup_reach(const struct cgroup_state *state, struct err *err)
{
	const struct cgroup_manager *manager = manager_of(state);

	return manager->reach ? manager->reach(err) : 0;
}

struct cgroup *cgroup_open(const struct cgroup_state *state, struct arena *arena, struct err *err)
{
	const struct cgroup_hierarchy_state *records = state->hierarchies.items;
	size_t count = state->hierarchies.count;
	struct cgroup *cgroup = arena_alloc(arena, sizeof(*cgroup));
	uint32_t taken = 0;

	if (cgroup)
		cgroup->places = arena_alloc(arena, count * sizeof(*cgroup->places));
	if (!cgroup || !cgroup->places) {
		err_sys(err, "open cgroup %s", state->path ? state->path : "");
		return NULL;
	}
	cgroup->manager = manager_of(state);
	cgroup->state = state;
	cgroup->holder = (struct holder)HOLDER_NONE;
	cgroup->foreign = cgroup->manager->is_foreign && cgroup->manager->is_foreign(state);
	cgroup->arena = arena;
	cgroup->count = count;
	cgroup->own_name = state->own_name;
	for (size_t i = 0; i < count; i++) {
		struct cgroup_place *place = &cgroup->places[i];

		place->ops = versions[records[i].v2];
		place->controllers = records[i].controllers;
		place->dir = records[i].dir;
		place->mount = records[i].mount;
		place->existed = records[i].existed;
		place->in_group = state->in_group;
		place->passing = records[i].passing;
		place->batch = records[i].batch;
		place->threaded = state->threaded;
		place->fd = -1;
		place->mask = cgroup_controllers_parse(records[i].controllers, ',', false);
		taken |= place->mask;
	}
	/* what no v1 hierarchy holds can only be in v2 */
	for (size_t i = 0; i < count; i++) {
		if (cgroup->places[i].ops->whole)
			cgroup->places[i].mask = ~taken;
	}
	return cgroup;
}

void cgroup_set_strict(struct cgroup *cgroup, bool strict)
{
	cgroup->strict = strict;
}

void cgroup_close(struct cgroup *cgroup)
{
	for (size_t i = 0; cgroup && i < cgroup->count; i++) {
		if (cgroup->places[i].fd >= 0)
			close(cgroup->places[i].fd);
		cgroup->places[i].fd = -1;
	}
	if (cgroup)
		holder_end(&cgroup->holder);
}

bool cgroup_is_gone(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->count; i++) {
		if (cgroup_place_fd(&cgroup->places[i]) >= 0)
			return false;
	}
	return true;
}

int cgroup_clone_fd(const struct cgroup *cgroup)
{
	struct cgroup_place *place = cgroup_main_place(cgroup);

	if (!place || !place->ops->whole || cgroup->foreign)
		return -1;
	if (cgroup->no_births && place->mask & CGROUP_BIT(CGROUP_PIDS))
		return -1;
	return cgroup_place_fd(place);
}

int cgroup_compile(const struct cgroup *cgroup, bool cloned, struct flat *flat,
		   struct cgroup_plan *plan, struct err *err)
{
	flat_fd_t *list = arena_alloc(cgroup->arena, (cgroup->count + 1) * sizeof(*list));
	size_t count = 0;

	if (!list)
		return err_sys(err, "open cgroups to join");
	for (size_t i = 0; i < cgroup->count; i++) {
		const struct cgroup_place *place = &cgroup->places[i];
		char path[PATH_MAX];

		if (cgroup->foreign || (cloned && place->ops->whole))
			continue;
		if (str_format(path, sizeof(path), "%s/%s", place->dir, place->ops->self_file) < 0)
			return err_sys(err, "open %s", place->dir);
		int fd = open(path, O_WRONLY | O_CLOEXEC);

		if (fd < 0)
			return err_sys(err, "open %s", path);
		list[count++] = flat_fd(flat, fd);
	}
	plan->join = flat_put(flat, list, sizeof(*list), count);
	return 0;
}

int cgroup_adopt(struct cgroup *cgroup, pid_t pid, struct err *err)
{
	if (cgroup->foreign && cgroup->manager->adopt(cgroup, pid, err) < 0)
		return -1;
	holder_end(&cgroup->holder);
	return 0;
}

/* Why a process may not come in, and what helps. */
static int explain_move(const struct cgroup_place *place, int failed, struct err *err)
{
	if (!place->ops->whole)
		return -1;
	if (failed == EACCES || failed == EPERM)
		err_hint(err, "moving needs write access to cgroup.procs there and in the nearest "
			      "directory above both places");
	if (failed == ENOENT)
		err_hint(err, "it lies outside this cgroup namespace (mount option nsdelegate)");
	if (failed == EBUSY)
		err_hint(err, "it hands controllers down to others: only directories at the end of "
			      "the tree hold processes");
	if (failed == EOPNOTSUPP)
		err_hint(err, "it is threaded, or lies below a threaded cgroup: whole processes "
			      "cannot live there");
	return -1;
}

/* A process that is just being born cannot be moved yet (EINVAL), but soon. */
static int move_to(struct cgroup_place *place, pid_t pid, struct err *err)
{
	enum { BIRTH_TIMEOUT_MS = 150 };
	struct cgroup_backoff backoff;
	char text[24];

	str_format(text, sizeof(text), "%d", (int)pid);
	cgroup_backoff_start(&backoff, BIRTH_TIMEOUT_MS);
	while (cgroup_place_write(place, "cgroup.procs", text, err) < 0) {
		int failed = errno;

		if (failed != EINVAL || !cgroup_backoff_wait(&backoff))
			return explain_move(place, failed, err);
	}
	return 0;
}

int cgroup_enter(struct cgroup *cgroup, pid_t pid, struct err *err)
{
	for (size_t i = 0; i < cgroup->count; i++) {
		if (move_to(&cgroup->places[i], pid, err) < 0)
			return -1;
	}
	return 0;
}

/* What the hierarchy's directory below /sys/fs/cgroup is called. */
static const char *mount_name(const struct cgroup_place *place, size_t count)
{
	const char *slash = strrchr(place->mount, '/');

	return place->ops->whole && count == 1 ? "" : slash ? slash + 1 : place->mount;
}

int cgroup_mounts(const struct cgroup *cgroup, struct arena *arena, struct cgroup_mount **mounts,
		  size_t *count, struct err *err)
{
	struct cgroup_mount *list = arena_alloc(arena, (cgroup->count + 1) * sizeof(*list));

	if (!list)
		return err_sys(err, "list cgroup mounts");
	for (size_t i = 0; i < cgroup->count; i++) {
		const struct cgroup_place *place = &cgroup->places[i];

		list[i] = (struct cgroup_mount){
			.controllers = place->controllers,
			.name = mount_name(place, cgroup->count),
			.host_path = place->dir,
			.v2 = place->ops->whole,
		};
	}
	*mounts = list;
	*count = cgroup->count;
	return 0;
}
