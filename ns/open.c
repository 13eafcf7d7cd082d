/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ns_open(): descriptors of the namespaces to join, and the container's own user namespace. */
#include <linux/nsfs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/kernel.h"
#include "base/str.h"
#include "base/sys.h"
#include "ns/check.h"
#include "ns/ns.h"
#include "ns/userns.h"

static const struct {
	unsigned long flag;
	const char *file; /* below /proc/self/ns */
} ns_rows[NS_TYPES] = {
	[NS_USER] = { CLONE_NEWUSER, "user" },       [NS_PID] = { CLONE_NEWPID, "pid" },
	[NS_MOUNT] = { CLONE_NEWNS, "mnt" },         [NS_NETWORK] = { CLONE_NEWNET, "net" },
	[NS_IPC] = { CLONE_NEWIPC, "ipc" },          [NS_UTS] = { CLONE_NEWUTS, "uts" },
	[NS_CGROUP] = { CLONE_NEWCGROUP, "cgroup" }, [NS_TIME] = { CLONE_NEWTIME, "time" },
};

static const char *flag_name(unsigned long flag)
{
	for (int i = 0; i < NS_TYPES; i++) {
		if (ns_rows[i].flag == flag)
			return names_text(ns_type_names, i);
	}
	return "unknown";
}

static int open_joined(const struct ns_namespace_spec *spec, struct err *err)
{
	auto_close int fd = open(spec->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(err, "open namespace %s", spec->path);
	int type = ioctl(fd, NS_GET_NSTYPE);

	if (type < 0)
		return err_set(err, ERR_INPUT, "open namespace %s: it is not a namespace",
			       spec->path);
	if ((unsigned long)type != ns_rows[spec->type].flag)
		return err_set(err, ERR_INPUT,
			       "open namespace %s: it is a %s namespace, linux.namespaces says %s",
			       spec->path, flag_name((unsigned long)type),
			       names_text(ns_type_names, spec->type));
	return take_fd(&fd);
}

static bool is_our_own(int fd, enum ns_type type)
{
	struct stat joined, own;
	char path[32];

	str_format(path, sizeof(path), "/proc/self/ns/%s", ns_rows[type].file);
	return fstat(fd, &joined) == 0 && stat(path, &own) == 0 && joined.st_dev == own.st_dev &&
	       joined.st_ino == own.st_ino;
}

/* A namespace "joined" that is the host's own must not be changed on the container's behalf. */
static int check_ours(const struct ns_request *request, enum ns_type type, struct err *err)
{
	static const struct {
		enum ns_type type;
		const char *prefix;
	} rows[] = {
		{ NS_NETWORK, "net/" },   { NS_IPC, "kernel/msg" }, { NS_IPC, "kernel/sem" },
		{ NS_IPC, "kernel/shm" }, { NS_IPC, "fs/mqueue/" }, { NS_UTS, "kernel/domainname" },
	};
	const struct json_list *list = &request->linux_part->sysctl;
	char path[PATH_MAX];

	if (type == NS_UTS && ((request->hostname && *request->hostname) ||
			       (request->domainname && *request->domainname)))
		return err_set(err, ERR_INPUT,
			       "hostname: the uts namespace to join is the host's own");
	for (size_t i = 0; i < list->count; i++) {
		const char *key = JSON_ITEMS(struct json_pair, list)[i].key;

		for (size_t row = 0;
		     ns_sysctl_path(key, path) && row < sizeof(rows) / sizeof(*rows); row++) {
			if (rows[row].type == type && str_starts(path, rows[row].prefix))
				return err_set(
					err, ERR_INPUT,
					"linux.sysctl.%s: the %s namespace to join is the host's own",
					key, names_text(ns_type_names, type));
		}
	}
	return 0;
}

static int join_all(const struct ns_request *request, struct ns_host *host, struct err *err)
{
	const struct json_list *list = &request->linux_part->namespaces;

	for (size_t i = 0; i < list->count; i++) {
		const struct ns_namespace_spec *spec =
			&JSON_ITEMS(struct ns_namespace_spec, list)[i];

		if (!spec->path || !*spec->path)
			continue;
		auto_close int fd = open_joined(spec, err);

		if (fd < 0)
			return -1;
		if (!is_our_own(fd, (enum ns_type)spec->type))
			host->join[spec->type] =
				take_fd(&fd); /* ours needs no joining, and setns(2) refuses our
						 user namespace */
		else if (check_ours(request, (enum ns_type)spec->type, err) < 0)
			return -1;
	}
	return 0;
}

static int identify_user(struct ns_host *host, const struct userns_identity *identity)
{
	host->denied_groups = identity->denied_groups;
	host->root_mapped = identity->root_mapped;
	host->root_uid = identity->uid;
	host->root_gid = identity->gid;
	host->host_uid = identity->host_uid;
	host->host_gid = identity->host_gid;
	return 0;
}

/* Without maps an ordinary user gets the one map that needs no help: root inside is the user
 * outside. */
static int make_user(const struct ns_request *request, struct ns_host *host, struct err *err)
{
	const struct ns_linux *linux_part = request->linux_part;
	struct json_list uid_maps = linux_part->uid_maps, gid_maps = linux_part->gid_maps;
	struct ns_id_map own_uid = { .host_id = geteuid(), .size = 1 };
	struct ns_id_map own_gid = { .host_id = getegid(), .size = 1 };
	struct userns_identity identity;

	if (!kernel_has(KERNEL_USER_NAMESPACE))
		return err_set(
			err, ERR_UNSUPPORTED,
			"make a user namespace: this kernel has none, or user.max_user_namespaces is 0");
	if (!uid_maps.count && !ns_is_rootless())
		return err_set(
			err, ERR_INPUT,
			"linux.uidMappings: they are missing, a new user namespace needs them");
	if (!uid_maps.count) {
		uid_maps = (struct json_list){ .items = &own_uid, .count = 1 };
		gid_maps = (struct json_list){ .items = &own_gid, .count = 1 };
	}
	host->join[NS_USER] = userns_create(&uid_maps, &gid_maps, &identity, err);
	if (host->join[NS_USER] < 0)
		return -1;
	host->own_user = true;
	return identify_user(host, &identity);
}

static int open_all(const struct ns_request *request, struct ns_host *host, struct err *err)
{
	const struct ns_linux *linux_part = request->linux_part;
	struct userns_identity identity;

	for (int type = 0; type < NS_TYPES; type++) {
		if (type != NS_USER && type != NS_TIME && type != NS_CGROUP &&
		    ns_is_new(linux_part, (enum ns_type)type))
			host->new_flags |= ns_rows[type].flag;
	}
	if (ns_is_new(linux_part, NS_TIME) && !kernel_has(KERNEL_TIME_NAMESPACE))
		return err_set(err, ERR_UNSUPPORTED, "make a time namespace: this kernel has none");
	if (join_all(request, host, err) < 0)
		return -1;
	if (ns_is_new(linux_part, NS_USER))
		return make_user(request, host, err);
	if (host->join[NS_USER] < 0)
		return 0;
	if (userns_inspect(host->join[NS_USER], &identity, err) < 0)
		return -1;
	return identify_user(host, &identity);
}

int ns_open(const struct ns_request *request, struct ns_host *host, struct err *err)
{
	*host = (struct ns_host)NS_HOST_INIT;
	host->root_mapped = true;
	if (open_all(request, host, err) == 0)
		return 0;
	ns_close(host);
	return -1;
}

void ns_close(struct ns_host *host)
{
	for (int type = 0; type < NS_TYPES; type++) {
		if (host->join[type] >= 0)
			close(host->join[type]);
		host->join[type] = -1;
	}
}
