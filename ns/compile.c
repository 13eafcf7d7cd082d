/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ns_compile(): the request becomes the plan that masu-init carries out. */
#include "ns/compile.h"

#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/privilege.h"
#include "base/str.h"
#include "base/sys.h"
#include "ns/check.h"
#include "ns/init.h"
#include "ns/privilege.h"

enum {
	DEVICE_MODE = 0666, /* when fileMode is absent */
};

/* What every container has, unless the specification lists the same path. */
static const struct {
	const char *path;
	uint32_t major, minor;
} default_devices[] = {
	{ "/dev/null", 1, 3 },   { "/dev/zero", 1, 5 },    { "/dev/full", 1, 7 },
	{ "/dev/random", 1, 8 }, { "/dev/urandom", 1, 9 }, { "/dev/tty", 5, 0 },
};

enum {
	DEFAULT_DEVICES = sizeof(default_devices) / sizeof(*default_devices),
};

/* /dev is the host's own, bound as a whole: nothing may be made in it. */
static bool has_foreign_dev(const struct ns_request *request)
{
	struct ns_options options;

	for (size_t i = 0; request->mounts && i < request->mounts->count; i++) {
		const struct ns_mount_spec *mount =
			&JSON_ITEMS(struct ns_mount_spec, request->mounts)[i];

		if (ns_path_is(mount->destination, "dev") && ns_options_of_mount(mount, &options) &&
		    (options.special & NS_OPTION_BIND))
			return true;
	}
	return false;
}

static int detach_root(struct compiler *compiler, int root, struct err *err)
{
	struct sys_mount_attr attr = { .propagation = compile_propagation(compiler) };

	/* pivot_root(2) refuses a shared root; ns_seal_root() shares it again where that is asked
	 */
	attr.propagation = attr.propagation ? attr.propagation : MS_SLAVE;
	if (sys_mount_setattr(root, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr) < 0 && errno != ENOSYS)
		return err_sys(err, "set the propagation of the root file system");
	return 0;
}

static int refuse_root(const char *place, struct err *err)
{
	return err_set(err, ERR_INPUT, "open root.path %s: not a directory", place);
}

static int compile_root(struct compiler *compiler, struct err *err)
{
	const struct ns_request *request = compiler->request;
	bool own_mounts = compiler->plan->flags & NS_PLAN_MOUNTS;
	bool joined = ns_is_joined(request->linux_part, NS_MOUNT);
	char path[PATH_MAX], real[PATH_MAX];
	auto_close int root = -1;

	if (request->rootfs_fd >= 0) {
		root = fcntl(request->rootfs_fd, F_DUPFD_CLOEXEC, 3);
		compiler->plan->rootfs_target = flat_text(compiler->flat, request->rootfs_target);
		compiler->plan->rootfs = flat_fd(compiler->flat, take_fd(&root));
		return 0;
	}
	const char *given = request->root->path;
	struct stat status;

	if (str_format(path, sizeof(path), "%s%s%s", *given == '/' ? "" : request->bundle,
		       *given == '/' ? "" : "/", given) < 0)
		return err_sys(err, "open root.path %.100s", given);
	/* a joined mount namespace has its own idea of that path */
	const char *place = joined ? path : realpath(path, real);

	if (!place)
		return err_sys(err, "open root.path %s", path);
	compiler->plan->rootfs_target = flat_text(
		compiler->flat,
		compiler->can_clone && request->rootfs_target ? request->rootfs_target : place);
	if (joined)
		return 0;
	if (own_mounts && !compiler->can_clone)
		return stat(place, &status) == 0 && !S_ISDIR(status.st_mode)
			       ? refuse_root(place, err)
			       : 0;
	root = own_mounts ? sys_open_tree(AT_FDCWD, place,
					  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE)
			  : open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(err, "open root.path %s", place);
	if (fstat(root, &status) < 0)
		return err_sys(err, "stat root.path %s", place);
	if (!S_ISDIR(status.st_mode))
		return refuse_root(place, err);
	if (own_mounts && detach_root(compiler, root, err) < 0)
		return -1;
	compiler->plan->rootfs = flat_fd(compiler->flat, take_fd(&root));
	return 0;
}

static bool is_listed(const struct json_list *devices, const char *path)
{
	for (size_t i = 0; i < devices->count; i++) {
		if (strcmp(JSON_ITEMS(struct ns_device_spec, devices)[i].path, path) == 0)
			return true;
	}
	return false;
}

static bool is_host_device(const char *path, const struct ns_device_plan *device)
{
	struct stat status;

	return stat(path, &status) == 0 && (status.st_mode & S_IFMT) == (device->mode & S_IFMT) &&
	       status.st_rdev == makedev(device->major, device->minor);
}

/* Where the host has the device: at the same path, as one of the usual ones, or by its number. */
static void find_host_device(const char *path, const struct ns_device_plan *device,
			     char source[PATH_MAX])
{
	str_format(source, PATH_MAX, "%s", path);
	for (size_t i = 0; i < DEFAULT_DEVICES && !is_host_device(source, device); i++)
		str_format(source, PATH_MAX, "%s", default_devices[i].path);
	if (is_host_device(source, device))
		return;
	str_format(source, PATH_MAX, "/dev/%s/%u:%u", S_ISBLK(device->mode) ? "block" : "char",
		   device->major, device->minor);
	if (!is_host_device(source, device))
		str_format(source, PATH_MAX, "%s",
			   path); /* the message will say that it is not there */
}

/* Nodes cannot be made in a user namespace or without CAP_MKNOD: the host's are bound instead. A
 * FIFO always can. */
static int bind_device(struct compiler *compiler, struct ns_device_plan *device, const char *path,
		       struct err *err)
{
	char source[PATH_MAX];

	if (compiler->can_make_nodes || S_ISFIFO(device->mode))
		return 0;
	find_host_device(path, device, source);
	device->source = flat_text(compiler->flat, source);
	device->prepare = !compiler->can_clone;
	int node = device->prepare ? fcntl(compiler->here, F_DUPFD_CLOEXEC, 3)
				   : ns_source_device(source, device->mode, device->major,
						      device->minor, err);

	if (node < 0)
		return device->prepare ? err_sys(err, "make device %s", path) : -1;
	device->fd = flat_fd(compiler->flat, node);
	return 0;
}

static int compile_device(struct compiler *compiler, const struct ns_device_spec *spec,
			  struct ns_device_plan *device, struct err *err)
{
	*device = (struct ns_device_plan){
		.path = flat_text(compiler->flat, spec->path),
		.mode = spec->mode.set ? (uint32_t)spec->mode.value : DEVICE_MODE,
		.major = (uint32_t)spec->major.value,
		.minor = (uint32_t)spec->minor.value,
		.uid = (uint32_t)spec->uid.value,
		.gid = (uint32_t)spec->gid.value,
		.fd = FLAT_NO_FD,
	};
	device->mode |= ns_device_type(*spec->type);
	if (S_ISFIFO(device->mode))
		device->major = device->minor = 0;
	return bind_device(compiler, device, spec->path, err);
}

static int compile_devices(struct compiler *compiler, struct err *err)
{
	const struct json_list *list = &compiler->request->linux_part->devices;
	size_t count = 0;
	struct ns_device_plan *devices =
		arena_alloc(&compiler->arena, (list->count + DEFAULT_DEVICES) * sizeof(*devices));

	if (!devices)
		return err_sys(err, "compile devices");
	for (size_t i = 0; i < DEFAULT_DEVICES && (compiler->plan->flags & NS_PLAN_DEV); i++) {
		const struct ns_device_spec spec = {
			.path = default_devices[i].path,
			.type = "c",
			.major = { true, default_devices[i].major },
			.minor = { true, default_devices[i].minor },
		};

		if (!is_listed(list, spec.path) &&
		    compile_device(compiler, &spec, &devices[count++], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < list->count; i++) {
		if (compile_device(compiler, &JSON_ITEMS(struct ns_device_spec, list)[i],
				   &devices[count++], err) < 0)
			return err_wrap(err, "linux.devices[%zu]", i);
	}
	compiler->plan->devices = flat_put(compiler->flat, devices, sizeof(*devices), count);
	return 0;
}

static void compile_sysctls(struct compiler *compiler)
{
	const struct json_list *list = &compiler->request->linux_part->sysctl;
	struct ns_sysctl_plan *rows =
		arena_alloc(&compiler->arena, (list->count + 1) * sizeof(*rows));
	char path[PATH_MAX], whole[PATH_MAX + 4];

	compiler->failed |= !rows;
	for (size_t i = 0; rows && i < list->count; i++) {
		const struct json_pair *pair = &JSON_ITEMS(struct json_pair, list)[i];

		ns_sysctl_path(pair->key, path); /* ns_check() has seen that it is one */
		snprintf(whole, sizeof(whole), "sys/%s", path);
		rows[i].path = flat_text(compiler->flat, whole);
		rows[i].value = flat_text(compiler->flat, pair->value);
	}
	if (rows)
		compiler->plan->sysctl = flat_put(compiler->flat, rows, sizeof(*rows), list->count);
}

/* All lines of /proc/self/timens_offsets, for one write. */
static void compile_time(struct compiler *compiler)
{
	const struct json_list *list = &compiler->request->linux_part->time_offsets;
	const char *text = NULL;

	for (size_t i = 0; i < list->count; i++) {
		const struct ns_time_offset *offset = &JSON_ITEMS(struct ns_time_offset, list)[i];

		text = arena_printf(&compiler->arena, "%s%s %lld %llu\n", text ? text : "",
				    offset->clock, (long long)offset->secs.value,
				    (unsigned long long)offset->nanosecs.value);
		compiler->failed |= !text;
	}
	compiler->plan->time_offsets = flat_text(compiler->flat, text);
	if (ns_is_new(compiler->request->linux_part, NS_TIME))
		compiler->plan->flags |= NS_PLAN_NEW_TIME;
	if (compiler->host->join[NS_TIME] >= 0)
		compiler->plan->time_namespace = flat_fd(
			compiler->flat, fcntl(compiler->host->join[NS_TIME], F_DUPFD_CLOEXEC, 3));
}

static struct flat_ref compile_paths(struct compiler *compiler, const struct json_list *list)
{
	return flat_texts(compiler->flat, list->items, list->count);
}

static uint64_t plan_flags(const struct compiler *compiler)
{
	const struct ns_request *request = compiler->request;
	uint64_t flags = 0;

	flags |= ns_is_new(request->linux_part, NS_MOUNT) ? NS_PLAN_MOUNTS : 0;
	flags |= request->hooks_see_root ? NS_PLAN_LATE : 0;
	flags |= request->no_pivot ? NS_PLAN_NO_PIVOT : 0;
	flags |= request->root && request->root->readonly ? NS_PLAN_READONLY : 0;
	flags |= compile_propagation(compiler) == MS_PRIVATE ? NS_PLAN_PRIVATE : 0;
	if ((flags & NS_PLAN_MOUNTS) && !has_foreign_dev(request))
		flags |= NS_PLAN_DEV;
	return flags;
}

static const char *or_null(const char *text)
{
	return text && *text ? text : NULL;
}

/* A label that nothing enforces would be dropped in silence. */
static int check_mount_label(const char *label, struct err *err)
{
	if (!label || access("/sys/fs/selinux/enforce", F_OK) == 0)
		return 0;
	return err_set(err, ERR_UNSUPPORTED,
		       "linux.mountLabel: %.100s: SELinux is not enabled on this machine", label);
}

static int compile_all(struct compiler *compiler, struct err *err)
{
	const struct ns_request *request = compiler->request;
	const struct ns_linux *linux_part = request->linux_part;
	struct ns_plan *plan = compiler->plan;

	if (check_mount_label(or_null(linux_part->mount_label), err) < 0)
		return -1;
	plan->flags = plan_flags(compiler);
	if (or_null(linux_part->rootfs_propagation))
		ns_propagation_find(linux_part->rootfs_propagation, &plan->root_propagation);
	if (compile_root(compiler, err) < 0)
		return -1;
	if ((plan->flags & NS_PLAN_LATE) && !plan->rootfs_target.count)
		return err_set(err, EINVAL, "attach root file system: no place was given");
	for (size_t i = 0; request->mounts && i < request->mounts->count; i++) {
		if (compile_mount(compiler, &JSON_ITEMS(struct ns_mount_spec, request->mounts)[i],
				  err) < 0)
			return -1;
	}
	plan->mounts = flat_put(compiler->flat, compiler->rows, sizeof(*compiler->rows),
				compiler->row_count);
	if ((plan->flags & NS_PLAN_MOUNTS) && compile_devices(compiler, err) < 0)
		return -1;
	compile_sysctls(compiler);
	compile_time(compiler);
	plan->masked = compile_paths(compiler, &linux_part->masked_paths);
	plan->readonly = compile_paths(compiler, &linux_part->readonly_paths);
	plan->hostname = flat_text(compiler->flat, or_null(request->hostname));
	plan->domainname = flat_text(compiler->flat, or_null(request->domainname));
	return 0;
}

int ns_compile(const struct ns_request *request, const struct ns_host *host, struct flat *flat,
	       struct ns_plan *plan, struct err *err)
{
	struct compiler compiler = {
		.request = request,
		.host = host,
		.flat = flat,
		.plan = plan,
		.can_clone = ns_can_clone_mounts(),
		.in_user = host->join[NS_USER] >= 0 || !privilege_in_first_user_namespace(),
		.here = -1,
	};

	compiler.can_make_nodes = !compiler.in_user && privilege_has(CAP_MKNOD);

	*plan = (struct ns_plan){ .rootfs = FLAT_NO_FD, .time_namespace = FLAT_NO_FD };
	if (compiler.in_user || !compiler.can_clone)
		compiler.here = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int result = compile_all(&compiler, err);

	for (size_t i = 0; i < compiler.userns_count; i++)
		close(compiler.userns[i].fd);
	free(compiler.userns);
	free(compiler.rows);
	arena_free(&compiler.arena);
	auto_close_fd(&compiler.here);
	if (result == 0 && compiler.failed)
		return err_set(err, ENOMEM, "compile mounts: out of memory");
	return result;
}
