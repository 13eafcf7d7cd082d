/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The door of ns/: the box. Namespaces, id maps, the first process, the root file system and
 * everything mounted in it, host name, sysctls. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/doctor.h"
#include "base/flat.h"
#include "base/json.h"
#include "base/str.h"

struct err;

enum ns_type {
	NS_USER,
	NS_PID,
	NS_MOUNT,
	NS_NETWORK,
	NS_IPC,
	NS_UTS,
	NS_CGROUP,
	NS_TIME,
	NS_TYPES,
};

/* ---- config.json parts ---- */
struct ns_namespace_spec {
	int type; /* enum ns_type */
	const char *path;
};

struct ns_id_map {
	uint32_t container_id, host_id, size;
};

struct ns_time_offset {
	const char *clock; /* "monotonic", "boottime" */
	struct opt_i64 secs;
	struct opt_u64 nanosecs;
};

struct ns_device_spec {
	const char *path;
	const char *type; /* c b u p */
	struct opt_i64 major, minor;
	struct opt_u64 mode, uid, gid;
};

struct ns_mount_spec {
	const char *destination, *source, *type;
	struct json_list options;            /* const char * */
	struct json_list uid_maps, gid_maps; /* struct ns_id_map */
};
extern const struct json_object ns_mount_object;

struct ns_root_spec {
	const char *path;
	bool readonly;
};
extern const struct json_object ns_root_object;

/* The parts of `linux` that belong here; to EMBED. */
struct ns_linux {
	struct json_list namespaces;         /* struct ns_namespace_spec */
	struct json_list uid_maps, gid_maps; /* struct ns_id_map */
	struct json_list time_offsets;       /* struct ns_time_offset */
	struct json_list devices;            /* struct ns_device_spec */
	const char *rootfs_propagation;
	struct json_list masked_paths, readonly_paths; /* const char * */
	const char *mount_label;
	struct json_list sysctl; /* struct json_pair */
};
extern const struct json_object ns_linux_object;

/* Everything ns/ is asked to do, put together by runtime/. */
struct ns_request {
	const struct ns_linux *linux_part;
	const struct ns_root_spec *root;
	const struct json_list *mounts; /* struct ns_mount_spec */
	const char *hostname, *domainname;
	const char *bundle; /* absolute host path */
	int rootfs_fd; /* a detached mount of the root from storage/, or -1: root->path is used */
	const char *rootfs_target; /* where the root is attached before a late pivot: host path of
				      root->path, or a directory of the state */
	bool terminal;             /* /dev/console will be bound by runtime/init/console.c */
	bool no_pivot;             /* --no-pivot: MS_MOVE and chroot */
	bool hooks_see_root;       /* prestart, createRuntime or createContainer hooks exist: mounts
				      first, pivot late */
	uint32_t process_uid, process_gid;
	const struct ns_cgroup_mount
		*cgroup_mounts; /* what a mount of type "cgroup" shows (from cgroup/) */
	size_t cgroup_mount_count;
};

struct ns_cgroup_mount {
	const char *controllers, *name, *host_path;
	bool v2;
};

/* Lexical and semantic checks of all of it without touching the host: duplicate namespaces, sysctl
 * allowed by the namespaces, option words, paths, maps. */
int ns_check(const struct ns_request *request, struct err *err);

/* True when the container gets a new namespace of that type / joins one by path / either. */
bool ns_is_new(const struct ns_linux *linux_part, enum ns_type type);
bool ns_is_joined(const struct ns_linux *linux_part, enum ns_type type);

/* ---- host side ---- */
/* Descriptors of the namespaces to join, and of the user namespace (joined or made with its maps).
 */
struct ns_host {
	int join[NS_TYPES]; /* -1: not joined. join[NS_USER] also holds the one that we made */
	unsigned long
		new_flags;  /* CLONE_NEW... without CLONE_NEWUSER, CLONE_NEWTIME, CLONE_NEWCGROUP */
	bool own_user;      /* join[NS_USER] was made for this container */
	bool denied_groups; /* setgroups is "deny" in it */
	uint32_t root_uid, root_gid; /* ids that init takes in the user namespace: 0, or the first
					mapped when 0 is not */
	uint32_t host_uid, host_gid; /* the same ids as we see them */
	bool root_mapped;            /* container id 0 is mapped */
};

#define NS_HOST_INIT                                                                               \
	{                                                                                          \
		.join = { -1, -1, -1, -1, -1, -1, -1, -1 }                                         \
	}

/* Open what is joined (absolute path, right type: error naming both types), make the user namespace
 * and write its maps: directly when allowed, through newuidmap and newgidmap otherwise. */
int ns_open(const struct ns_request *request, struct ns_host *host, struct err *err);
void ns_close(struct ns_host *host);

/* masu's own user namespace is not the host's first, or we lack CAP_SYS_ADMIN: sources cannot be
 * cloned by us. */
bool ns_is_rootless(void);

/* The compiled request. Private to ns/ but for its size. */
struct ns_plan {
	uint64_t flags;         /* NS_PLAN_... in ns/plan.h */
	struct flat_ref mounts; /* struct ns_mount_plan in ns/plan.h */
	struct flat_ref devices;
	struct flat_ref masked, readonly;
	struct flat_ref sysctl;
	struct flat_ref hostname, domainname;
	struct flat_ref time_offsets;
	struct flat_ref rootfs_target;
	flat_fd_t rootfs;         /* detached mount, or FLAT_NO_FD: init binds rootfs_target itself
				     (rootless) */
	flat_fd_t time_namespace; /* joined */
	uint64_t root_propagation;
};

/* Open every mount source with the host's eyes (open_tree clones; paths when rootless), id-map what
 * asks for it, compile all into the plan. */
int ns_compile(const struct ns_request *request, const struct ns_host *host, struct flat *flat,
	       struct ns_plan *plan, struct err *err);

/* ---- the first process, and exec's ---- */
enum {
	FD_KEEP_MAX = 1024, /* preserved descriptors of one process */
};

struct ns_spawn {
	int program;             /* descriptor of masu-init */
	const char *const *argv; /* argv[0] is its name; environment is empty */
	unsigned long new_flags; /* CLONE_NEW... for the new process (not user, time, cgroup) */
	const int *join;         /* NS_TYPES descriptors to enter first, or NULL */
	int join_pidfd;          /* or: all namespaces of this process (exec), -1 */
	unsigned long join_pidfd_flags;
	bool become_root; /* after entering a user namespace: take root_uid, root_gid and drop
			     groups */
	bool deny_groups;
	bool root_mapped;
	uint32_t root_uid, root_gid;
	int cgroup; /* CLONE_INTO_CGROUP, or -1 */
	int stdio[3];
	const int *keep; /* descriptors for 3, 4, ... in order */
	size_t keep_count;
	int control; /* becomes descriptor 3 + keep_count */
};

/*
 * Run masu-init in new and joined namespaces. Nothing of the caller is copied (CLONE_VM|CLONE_VFORK
 * straight into the sealed program), every other descriptor is closed. With namespaces to join, an
 * intermediate child enters them and starts the process as our child (CLONE_PARENT). The child's
 * exit signal is 0, so wait for it with __WALL. Fills *pid and returns a pidfd.
 */
int ns_spawn(const struct ns_spawn *how, pid_t *pid, struct err *err);

/* ---- in masu-init ---- */
/*
 * In the order of the start table. Without a mount namespace of its own the container gets a chroot
 * from ns_attach_root(), and all that follows does nothing. The root is attached on "/" for a pivot
 * that comes next, or, with hooks_see_root, at rootfs_target for one that comes after the mounts.
 * Whatever needs the host's paths is opened within ns_attach_root(); after ns_pivot() nothing of
 * the host is in reach.
 */
int ns_enter_time(const struct flat_view *view, const struct ns_plan *plan,
		  struct err *err); /* join, or unshare and write offsets */
int ns_unshare_cgroup(struct err *err);
/* *root: O_PATH of the attached root, the caller's */
int ns_attach_root(const struct flat_view *view, const struct ns_plan *plan, int *root,
		   struct err *err);
int ns_pivot(const struct flat_view *view, const struct ns_plan *plan, int root, struct err *err);
/* all mounts in order */
int ns_mount(const struct flat_view *view, const struct ns_plan *plan, int root, struct err *err);
/* the listed devices and the default ones, links, ptmx */
int ns_make_devices(const struct flat_view *view, const struct ns_plan *plan, int root,
		    struct err *err);
/* read-only and masked paths */
int ns_cover_paths(const struct flat_view *view, const struct ns_plan *plan, int root,
		   struct err *err);
/* deferred read-only, propagation of the root */
int ns_seal_root(const struct flat_view *view, const struct ns_plan *plan, int root,
		 struct err *err);
/* host name, domain name, sysctls */
int ns_set_identity(const struct flat_view *view, const struct ns_plan *plan, struct err *err);

/* ---- for `masu features` and `masu doctor` ---- */
extern const struct doctor_row ns_doctor_rows[];
extern const struct name ns_type_names[];         /* "pid", "network", ... -> enum ns_type */
extern const char *const ns_mount_option_names[]; /* NULL-terminated, sorted */
extern const char *const ns_propagation_names[];
