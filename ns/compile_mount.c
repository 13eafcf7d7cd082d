/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Turns one mounts[] entry into rows of the plan, opening its source with the host's eyes. */
#include "ns/compile.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/kernel.h"
#include "base/log.h"
#include "base/str.h"
#include "base/sys.h"
#include "ns/check.h"
#include "ns/init.h"
#include "ns/userns.h"

/* File systems that show a namespace: who may not make one in a user namespace gets what the host
 * has mounted. */
static const struct {
	const char *type;
	enum ns_type owner;
	const char *host_path;
} view_rows[] = {
	{ "proc", NS_PID, "/proc" },
	{ "sysfs", NS_NETWORK, "/sys" },
	{ "mqueue", NS_IPC, "/dev/mqueue" },
};

/* File systems whose content comes from namespaces of the process that makes them: always made by
 * init. */
static const char *const own_types[] = { "proc", "sysfs", "mqueue", "devpts", "cgroup", "cgroup2" };

/* File systems without a context= option. */
static const char *const unlabelled[] = { "proc", "sysfs", "mqueue", "cgroup", "cgroup2" };

uint64_t compile_propagation(const struct compiler *compiler)
{
	const char *word = compiler->request->linux_part->rootfs_propagation;
	uint64_t value = 0;

	if (word && *word)
		ns_propagation_find(word, &value);
	value &= ~(uint64_t)MS_REC;
	/* in a user namespace of its own a container must not mount on the host, as the kernel's
	 * own copies do not either */
	if (value == MS_SHARED && !compiler->in_user)
		return 0;
	return value == MS_PRIVATE || value == MS_UNBINDABLE ? MS_PRIVATE : MS_SLAVE;
}

/* The place holder is any open file: init puts the real mount behind its number. */
static flat_fd_t place_holder(struct compiler *compiler)
{
	return flat_fd(compiler->flat, fcntl(compiler->here, F_DUPFD_CLOEXEC, 3));
}

static int make_source(struct compiler *compiler, struct ns_mount_plan *row, struct err *err)
{
	const struct flat_view view = { .data = compiler->flat->data,
					.size = compiler->flat->size };
	struct stat status;

	if (!compiler->can_clone) {
		row->flags |= NS_MOUNT_PREPARE;
		row->fd = place_holder(compiler);
		return 0;
	}
	auto_close int made = ns_source_make(&view, row, err);

	if (made < 0)
		return err_wrap(err, "mount %s on %s", flat_string(&view, row->source),
				flat_string(&view, row->target));
	if (fstat(made, &status) < 0)
		return err_sys(err, "look at %s", flat_string(&view, row->source));
	row->flags |= S_ISDIR(status.st_mode) ? 0 : NS_MOUNT_FILE;
	row->fd = flat_fd(compiler->flat, take_fd(&made));
	return 0;
}

static int append(struct compiler *compiler, const struct ns_mount_plan *row)
{
	if (compiler->row_count == compiler->row_room) {
		size_t room = compiler->row_room ? 2 * compiler->row_room : 32;
		struct ns_mount_plan *rows = realloc(compiler->rows, room * sizeof(*rows));

		if (!rows) {
			compiler->failed = true;
			return 0;
		}
		compiler->rows = rows;
		compiler->row_room = room;
	}
	compiler->rows[compiler->row_count++] = *row;
	return 0;
}

int compile_add(struct compiler *compiler, struct ns_mount_plan *row, struct err *err)
{
	if (compiler->flat->failed)
		return 0; /* reported once, by flat_finish() */
	if ((row->kind == NS_MOUNT_BIND || row->kind == NS_MOUNT_NEW) &&
	    make_source(compiler, row, err) < 0)
		return -1;
	return append(compiler, row);
}

/* A relative source is relative to the bundle. */
static const char *source_path(struct compiler *compiler, const char *source)
{
	if (!source || *source == '/')
		return source;
	const char *path =
		arena_printf(&compiler->arena, "%s/%s", compiler->request->bundle, source);

	compiler->failed |= !path;
	return path ? path : source;
}

/* The propagation of a clone: cut off from the host first, then the words of the mount. */
static struct flat_ref propagation_list(struct compiler *compiler, const struct ns_options *options,
					bool is_clone)
{
	uint64_t list[NS_OPTIONS_PROPAGATION_MAX + 1],
		first = is_clone ? compile_propagation(compiler) : 0;
	size_t count = 0;

	if (first)
		list[count++] = first | MS_REC;
	for (size_t i = 0; i < options->propagation_count; i++)
		list[count++] = options->propagation[i];
	return flat_put(compiler->flat, list, sizeof(*list), count);
}

static bool maps_equal(const struct json_list *left, const struct json_list *right)
{
	return left->count == right->count &&
	       (!left->count ||
		memcmp(left->items, right->items, left->count * sizeof(struct ns_id_map)) == 0);
}

/* The user namespace whose maps the mount gets. It stays with the compiler (or with the host's
 * record). */
static int find_userns(struct compiler *compiler, const struct ns_mount_spec *mount,
		       struct err *err)
{
	if (!mount->uid_maps.count)
		return compiler->host->join[NS_USER];
	for (size_t i = 0; i < compiler->userns_count; i++) {
		const struct compiler_userns *have = &compiler->userns[i];

		if (maps_equal(&have->spec->uid_maps, &mount->uid_maps) &&
		    maps_equal(&have->spec->gid_maps, &mount->gid_maps))
			return have->fd;
	}
	struct compiler_userns *more =
		realloc(compiler->userns, (compiler->userns_count + 1) * sizeof(*more));

	if (!more)
		return err_sys(err, "map ids");
	compiler->userns = more;
	int fd = userns_create(&mount->uid_maps, &mount->gid_maps, NULL, err);

	if (fd >= 0)
		more[compiler->userns_count++] = (struct compiler_userns){ mount, fd };
	return fd;
}

/* Only who has power over the file system may map its ids, so never init and never an ordinary
 * user. */
static int map_ids(struct compiler *compiler, const struct ns_mount_spec *mount,
		   const struct ns_options *options, const struct ns_mount_plan *row,
		   struct err *err)
{
	struct sys_mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	unsigned int tree = options->special & NS_OPTION_IDMAP_TREE ? AT_RECURSIVE : 0;

	if (!(options->special & NS_OPTION_IDMAP) && !mount->uid_maps.count)
		return 0;
	if (!compiler->can_clone || !kernel_has(KERNEL_MOUNT_SETATTR))
		return err_set(
			err, ERR_UNSUPPORTED,
			"map ids of mount %s: it needs CAP_SYS_ADMIN on the host and Linux 5.12",
			mount->destination);
	int userns = find_userns(compiler, mount, err);

	if (userns < 0)
		return err_wrap(err, "map ids of mount %s", mount->destination);
	attr.userns_fd = (uint64_t)userns;
	if (sys_mount_setattr(compiler->flat->fds[row->fd], "", AT_EMPTY_PATH | tree, &attr) == 0)
		return 0;
	err_sys(err, "map ids of mount %s", mount->destination);
	return errno == EINVAL
		       ? err_hint(err, "the source's file system may not support id-mapped mounts")
		       : -1;
}

/* Only a procfs may be bound on /proc: what writes to /proc must reach the kernel. */
static int check_proc_source(const struct compiler *compiler, const struct ns_mount_spec *mount,
			     const struct ns_mount_plan *row, struct err *err)
{
	struct statfs fs;

	if (!ns_path_is(mount->destination, "proc"))
		return 0;
	int result = compiler->can_clone ? fstatfs(compiler->flat->fds[row->fd], &fs)
					 : statfs(mount->source, &fs);

	if (result < 0)
		return err_sys(err, "look at %s", mount->source);
	if (fs.f_type == PROC_SUPER_MAGIC)
		return 0;
	return err_set(err, ERR_INPUT, "mount %s on /proc: only a procfs may be there",
		       mount->source);
}

/* copy-symlink: a link is copied as a link. 1 when it was one. */
static int copy_symlink(struct compiler *compiler, const char *source, struct ns_mount_plan *row,
			struct err *err)
{
	char content[PATH_MAX];
	ssize_t length = readlink(source, content, sizeof(content) - 1);

	if (length < 0)
		return errno == EINVAL ? 0 : err_sys(err, "mount %s: read link", source);
	content[length] = '\0';
	row->kind = NS_MOUNT_LINK;
	row->source = flat_text(compiler->flat, content);
	return compile_add(compiler, row, err) < 0 ? -1 : 1;
}

static int compile_bind(struct compiler *compiler, const struct ns_mount_spec *mount,
			const struct ns_options *options, struct ns_mount_plan *row,
			struct err *err)
{
	const char *source = source_path(compiler, mount->source);

	if (options->special & NS_OPTION_COPY_SYMLINK) {
		int copied = copy_symlink(compiler, source, row, err);

		if (copied)
			return copied < 0 ? -1 : 0;
	}
	row->kind = NS_MOUNT_BIND;
	row->flags |= options->special & NS_OPTION_RECURSIVE ? NS_MOUNT_RECURSIVE : 0;
	row->flags |= options->special & NS_OPTION_SOURCE_LINK ? NS_MOUNT_SOURCE_LINK : 0;
	row->source = flat_text(compiler->flat, source);
	row->propagation = propagation_list(compiler, options, true);
	if (compile_add(compiler, row, err) < 0)
		return -1;
	if (compiler->flat->failed)
		return 0;
	/* the row was copied; the descriptor is the same */
	return check_proc_source(compiler, mount, row, err) < 0
		       ? -1
		       : map_ids(compiler, mount, options, row, err);
}

static bool is_one_of(const char *type, const char *const *types, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(type, types[i]) == 0)
			return true;
	}
	return false;
}

/* True when the source or the options name something of the host, which only the host side can see.
 */
static bool names_host(const struct ns_mount_spec *mount)
{
	if (strcmp(mount->type, "overlay") == 0)
		return true;
	return mount->source && *mount->source == '/' && strcmp(mount->type, "tmpfs") != 0 &&
	       !is_one_of(mount->type, own_types, sizeof(own_types) / sizeof(*own_types));
}

/* SELinux's context for everything in the file system. */
static const char *label_of(const struct compiler *compiler, const char *type)
{
	const char *label = compiler->request->linux_part->mount_label;

	if (is_one_of(type, unlabelled, sizeof(unlabelled) / sizeof(*unlabelled)))
		return NULL;
	return label && *label ? label : NULL;
}

/* True when a gid= word names a group that the container's user namespace does not have: devpts
 * would refuse it. */
static bool is_unmapped_group(const struct compiler *compiler, const char *word)
{
	const struct json_list *maps = &compiler->request->linux_part->gid_maps;
	uint64_t gid;

	if (!str_starts(word, "gid=") || !compiler->host->own_user ||
	    !str_parse_u64(word + 4, &gid))
		return false;
	for (size_t i = 0; i < maps->count; i++) {
		const struct ns_id_map *map = &JSON_ITEMS(struct ns_id_map, maps)[i];

		if (gid >= map->container_id && gid - map->container_id < map->size)
			return false;
	}
	return true;
}

/* The customary gid=5 of a devpts does not exist in small user namespaces; the terminals then
 * belong to the process's group. */
static struct json_list drop_unmapped(struct compiler *compiler, const struct ns_mount_spec *mount)
{
	const char *const *words = mount->options.items;
	const char **kept =
		arena_alloc(&compiler->arena, (mount->options.count + 1) * sizeof(*kept));
	struct json_list list = { .items = kept };

	if (!kept) {
		compiler->failed = true;
		return mount->options;
	}
	for (size_t i = 0; i < mount->options.count; i++) {
		if (is_unmapped_group(compiler, words[i]))
			log_warning(
				"mount devpts on %s: without %s, a group that the user namespace does not have",
				mount->destination, words[i]);
		else
			kept[list.count++] = words[i];
	}
	return list;
}

static struct flat_ref data_of(struct compiler *compiler, const struct ns_mount_spec *mount)
{
	const struct json_list words = strcmp(mount->type, "devpts") == 0
					       ? drop_unmapped(compiler, mount)
					       : mount->options;
	const char *data = ns_options_data(&words, &compiler->arena, &compiler->failed);
	const char *label = label_of(compiler, mount->type);

	if (label) {
		data = arena_printf(&compiler->arena, "%s%scontext=\"%s\"", data ? data : "",
				    data ? "," : "", label);
		compiler->failed |= !data;
	}
	return flat_text(compiler->flat, data);
}

static bool has_mode(const struct ns_mount_spec *mount)
{
	for (size_t i = 0; i < mount->options.count; i++) {
		const char *word = JSON_ITEMS(const char *, &mount->options)[i];

		if (str_starts(word, "mode=") || strstr(word, ",mode="))
			return true;
	}
	return false;
}

/* The host's mount, in case that the container's own is refused. */
static int compile_fallback(struct compiler *compiler, struct ns_mount_plan *row,
			    const char *host_path, struct err *err)
{
	const struct ns_options none = { 0 };

	row->source = flat_text(compiler->flat, host_path);
	row->propagation = propagation_list(compiler, &none, true);
	row->flags |= NS_MOUNT_FALLBACK | NS_MOUNT_RECURSIVE;
	struct ns_mount_plan clone = *row;

	if (!compiler->can_clone || compiler->flat->failed)
		return 0;
	clone.kind = NS_MOUNT_BIND;
	if (make_source(compiler, &clone, err) < 0)
		return -1;
	row->fd = clone.fd;
	row->flags |= NS_MOUNT_FALLBACK_READY;
	return 0;
}

/* In a user namespace, what shows a namespace is made before the pivot, and may be refused when
 * that namespace is the host's. */
static int compile_view(struct compiler *compiler, struct ns_mount_plan *row, const char *type,
			struct err *err)
{
	size_t i = 0, count = sizeof(view_rows) / sizeof(*view_rows);

	while (i < count && strcmp(type, view_rows[i].type) != 0)
		i++;
	if (i == count || !compiler->in_user)
		return 0;
	row->flags |= NS_MOUNT_PREPARE;
	if (!ns_is_new(compiler->request->linux_part, view_rows[i].owner) &&
	    access(view_rows[i].host_path, F_OK) == 0 &&
	    compile_fallback(compiler, row, view_rows[i].host_path, err) < 0)
		return -1;
	if (!(row->flags & NS_MOUNT_FALLBACK_READY))
		row->fd = place_holder(compiler);
	return 0;
}

static int compile_filesystem(struct compiler *compiler, const struct ns_mount_spec *mount,
			      const struct ns_options *options, struct ns_mount_plan *row,
			      struct err *err)
{
	bool maps = (options->special & NS_OPTION_IDMAP) || mount->uid_maps.count;
	bool own = is_one_of(mount->type, own_types, sizeof(own_types) / sizeof(*own_types));

	if (maps && own)
		return err_set(err, ERR_INPUT, "map ids of mount %s: the file system %s cannot",
			       mount->destination, mount->type);
	if (maps && (row->flags & NS_MOUNT_COPY_UP))
		return err_set(err, ERR_UNSUPPORTED,
			       "map ids of mount %s: not together with tmpcopyup",
			       mount->destination);
	row->kind = maps || names_host(mount) ? NS_MOUNT_NEW : NS_MOUNT_FS;
	row->type = flat_text(compiler->flat, mount->type);
	row->source = flat_text(compiler->flat,
				mount->source && *mount->source ? mount->source : mount->type);
	row->data = data_of(compiler, mount);
	row->propagation = propagation_list(compiler, options, false);
	if (strcmp(mount->type, "tmpfs") == 0 && !has_mode(mount))
		row->flags |= NS_MOUNT_KEEP_MODE;
	if (strcmp(mount->type, "proc") == 0 || strcmp(mount->type, "sysfs") == 0)
		row->flags |= NS_MOUNT_ORDINARY_DIR;
	if (strcmp(mount->type, "proc") == 0)
		row->flags |= NS_MOUNT_PROC_ALLOWED;
	if (row->kind == NS_MOUNT_FS && compile_view(compiler, row, mount->type, err) < 0)
		return -1;
	if (compile_add(compiler, row, err) < 0 || compiler->flat->failed)
		return compiler->flat->failed ? 0 : -1;
	return row->kind == NS_MOUNT_NEW ? map_ids(compiler, mount, options, row, err) : 0;
}

int compile_mount(struct compiler *compiler, const struct ns_mount_spec *mount, struct err *err)
{
	const char *destination = mount->destination;
	struct ns_options options;

	ns_options_of_mount(mount, &options); /* ns_check() has seen that it can be */
	struct ns_mount_plan row = {
		.target = flat_text(compiler->flat, destination),
		.super = options.super,
		.attributes = options.attributes,
		.fd = FLAT_NO_FD,
	};

	if (ns_path_is(destination, "proc") || ns_path_is(destination, "sys"))
		row.flags |= NS_MOUNT_ORDINARY_DIR;
	if (ns_path_is(destination, "proc") || ns_path_proc_allowed(destination))
		row.flags |= NS_MOUNT_PROC_ALLOWED;
	row.flags |= options.special & NS_OPTION_TARGET_LINK ? NS_MOUNT_TARGET_LINK : 0;
	row.flags |= options.special & NS_OPTION_COPY_UP ? NS_MOUNT_COPY_UP : 0;
	if (options.special & NS_OPTION_REMOUNT) {
		row.kind = NS_MOUNT_REMOUNT;
		row.source = flat_text(compiler->flat, mount->source ? mount->source : "remount");
		row.data =
			flat_text(compiler->flat, ns_options_data(&mount->options, &compiler->arena,
								  &compiler->failed));
		return compile_add(compiler, &row, err);
	}
	if (options.special & NS_OPTION_BIND)
		return compile_bind(compiler, mount, &options, &row, err);
	if (strcmp(mount->type, "cgroup") == 0)
		return compile_cgroup_mount(compiler, mount, &options, err);
	return compile_filesystem(compiler, mount, &options, &row, err);
}
