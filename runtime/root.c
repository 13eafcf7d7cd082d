/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu.storage: plan before the start table, attach and detach as its row "storage". */
#include "runtime/root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "runtime/rows.h"
#include "storage/storage.h"

#define ROOT_FOLDER "rootfs" /* in the state folder: where hooks see the root */

enum {
	PASSWD_MAX = 10 << 20,
};

static bool same_name(const char *left, const char *right)
{
	size_t length = strcspn(left, "=");

	return strcspn(right, "=") == length && strncmp(left, right, length) == 0;
}

static bool has_name(const struct json_list *env, const char *entry)
{
	for (size_t i = 0; i < env->count; i++) {
		if (same_name(JSON_ITEMS(const char *, env)[i], entry))
			return true;
	}
	return false;
}

/* The image's variables first; those that the spec has, too, are the spec's. */
static int fill_env(struct spec_process *process, const struct json_list *env, struct arena *arena,
		    struct err *err)
{
	const char **all = arena_alloc(arena, (process->env.count + env->count + 1) * sizeof(*all));
	size_t count = 0;

	if (!all)
		return err_sys(err, "fill in the image's environment");
	for (size_t i = 0; i < env->count; i++) {
		const char *entry = JSON_ITEMS(const char *, env)[i];

		if (!has_name(&process->env, entry))
			all[count++] = entry;
	}
	if (process->env.count)
		memcpy(all + count, process->env.items, process->env.count * sizeof(*all));
	process->env = (struct json_list){ all, count + process->env.count };
	return 0;
}

/* Entrypoint and command of the image, when the spec names no program. */
static int fill_args(struct spec_process *process, const struct storage_image_config *config,
		     struct arena *arena, struct err *err)
{
	size_t count = config->entrypoint.count + config->cmd.count;
	const char **args = arena_alloc(arena, (count + 1) * sizeof(*args));

	if (!args)
		return err_sys(err, "fill in the image's program");
	if (config->entrypoint.count)
		memcpy(args, config->entrypoint.items, config->entrypoint.count * sizeof(*args));
	if (config->cmd.count)
		memcpy(args + config->entrypoint.count, config->cmd.items,
		       config->cmd.count * sizeof(*args));
	process->args = (struct json_list){ args, count };
	return 0;
}

static int fill_process(struct creation *creation, const struct storage_image_config *config,
			struct err *err)
{
	struct arena *arena = &creation->container.arena;
	struct spec *spec = &creation->spec;

	if (!spec->process)
		return 0; /* created without a program, as the spec says */
	if (!spec->process->args.count && fill_args(spec->process, config, arena, err) < 0)
		return -1;
	/* "/" is also what the preset says when nobody says anything */
	if (config->working_dir && config->working_dir[0] == '/' &&
	    (!spec->process->cwd || strcmp(spec->process->cwd, "/") == 0))
		spec->process->cwd = config->working_dir;
	creation->image_user = config->user && config->user[0] ? config->user : NULL;
	return fill_env(spec->process, &config->env, arena, err);
}

/* As an annotation, unless the spec has it. The image's labels do not become any: they could ask
 * things of the cgroup manager. */
static int fill_stop_signal(struct spec *spec, const char *signal, struct arena *arena,
			    struct err *err)
{
	const struct json_list *given = &spec->annotations;

	for (size_t i = 0; i < given->count; i++) {
		if (strcmp(JSON_ITEMS(struct json_pair, given)[i].key, ROOT_STOP_SIGNAL) == 0)
			return 0;
	}
	struct json_pair *all = arena_alloc(arena, (given->count + 1) * sizeof(*all));

	if (!all)
		return err_sys(err, "fill in the image's stop signal");
	if (given->count)
		memcpy(all, given->items, given->count * sizeof(*all));
	all[given->count] = (struct json_pair){ ROOT_STOP_SIGNAL, signal };
	spec->annotations = (struct json_list){ all, given->count + 1 };
	return 0;
}

int root_prepare(struct creation *creation, struct err *err)
{
	struct container *container = &creation->container;
	struct spec *spec = &creation->spec;
	const struct storage_spec *storage = &spec->masu.storage;
	struct storage_image_config config = { 0 };

	if (!storage->present)
		return 0;
	creation->storage = (struct storage_request){
		.spec = storage,
		.root = container->masu->storage_root,
		.id = container->id,
		.owner = container->masu->root,
		.userns_fd = -1,
	};
	if (storage_check(storage, err) < 0 ||
	    storage_plan(&creation->storage, &container->arena, &container->state.storage, &config,
			 err) < 0)
		return -1;
	spec->root.readonly |= storage->readonly;
	creation->storage.volumes = config.volumes;
	if (config.stop_signal && config.stop_signal[0] &&
	    fill_stop_signal(spec, config.stop_signal, &container->arena, err) < 0)
		return -1;
	return fill_process(creation, &config, err);
}

int root_place(struct creation *creation, struct err *err)
{
	struct container *container = &creation->container;

	if (!creation->spec.masu.storage.present)
		return 0;
	container->state.rootfs = arena_printf(&container->arena, "%s/%s/" ROOT_FOLDER,
					       container->masu->root, container->id);
	creation->spec.root.path = container->state.rootfs;
	return container->state.rootfs ? 0 : err_sys(err, "place the root file system");
}

/* Fields of "name:password:uid:gid:..." or "name:password:gid:..."; false for another name. */
static bool line_has(char *line, const char *name, uint64_t *first, uint64_t *second)
{
	char *rest = line;
	const char *fields[4] = { NULL };

	for (int i = 0; i < 4 && rest; i++)
		fields[i] = strsep(&rest, ":");
	if (!fields[2] || strcmp(fields[0], name) != 0 || !str_parse_u64(fields[2], first))
		return false;
	if (second && (!fields[3] || !str_parse_u64(fields[3], second)))
		return false;
	return true;
}

/* Looks a name up in a file of the image: a regular file of at most 10 MiB, nothing of it is
 * executed. */
static int look_up(int root, const char *file, const char *name, uint64_t *first, uint64_t *second,
		   struct err *err)
{
	size_t size;
	char path[PATH_FD_MAX];
	auto_close int fd = path_open_in_root(root, file, O_RDONLY | O_NONBLOCK | O_NOCTTY, err);

	if (fd < 0)
		return -1;
	auto_free char *text = fd_slurp(AT_FDCWD, path_of_fd(fd, path), PASSWD_MAX, &size, err);

	if (!text)
		return -1;
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		if (line_has(line, name, first, second))
			return 0;
	}
	return err_set(err, ERR_INPUT, "user \"%s\" of the image: not in its /%s", name, file);
}

/* "uid", "uid:gid", "name", "name:group" of the image's config. */
static int resolve_user(struct startup *startup, const char *user, int root, struct err *err)
{
	struct security_user *target = &startup->spec->process->security.user;
	uint64_t uid = 0, gid = 0;
	char name[256];
	const char *colon = strchr(user, ':');

	if (str_format(name, sizeof(name), "%.*s",
		       (int)(colon ? (size_t)(colon - user) : strlen(user)), user) < 0)
		return err_set(err, ERR_INPUT, "user of the image: too long");
	if (!str_parse_u64(name, &uid) && look_up(root, "etc/passwd", name, &uid, &gid, err) < 0)
		return -1;
	if (colon && !str_parse_u64(colon + 1, &gid) &&
	    look_up(root, "etc/group", colon + 1, &gid, NULL, err) < 0)
		return -1;
	if (uid >= UINT32_MAX || gid >= UINT32_MAX)
		return err_set(err, ERR_INPUT, "user \"%s\" of the image: out of range", user);
	target->uid = (unsigned int)uid;
	target->gid = (unsigned int)gid;
	return 0;
}

int run_storage(struct startup *startup, struct err *err)
{
	struct creation *creation = startup->creation;
	struct container *container = startup->container;
	const struct security_user *user =
		startup->process ? &startup->process->security.user : NULL;

	creation->storage.userns_fd = startup->host.join[NS_USER];
	creation->storage.root_uid = startup->host.host_uid;
	creation->storage.root_gid = startup->host.host_gid;
	auto_close int root = storage_attach(&creation->storage, &container->state.storage, err);

	if (root < 0)
		return -1;
	/* the spec's user counts; one that was left out is root, and then the image's counts */
	if (creation->image_user && user && !user->uid && !user->gid &&
	    resolve_user(startup, creation->image_user, root, err) < 0)
		return -1;
	if (mkdirat(container->dir_fd, ROOT_FOLDER, 0755) < 0)
		return err_sys(err, "make folder %s", ROOT_FOLDER);
	startup->request.rootfs_fd = take_fd(&root);
	return 0;
}

int undo_storage(struct container *container, struct err *err)
{
	const struct storage_state *storage = &container->state.storage;

	/* what was kept before this start is not this start's to remove */
	return storage->root && !storage->reused ? storage_detach(storage, err) : 0;
}
