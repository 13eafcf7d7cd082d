/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state directory: one folder a container, with the record that every later command and every
 * undo needs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/json.h"
#include "cgroup/cgroup.h"
#include "runtime/spec.h"

struct err;

/* Names within a container's folder. */
#define STATE_CREATING "creating.json" /* the record while the container is being created */
#define STATE_RECORD                                                                               \
	"state.json" /* from then on: another name, since some disks answer the replacing of a     \
			file with a flush */
#define STATE_PROCESS "process.json" /* `process` of config.json, for exec */
#define STATE_FILTER  "seccomp.bpf"  /* the compiled filter, for exec */
#define STATE_START   "start"  /* the socket on which masu-init waits; there while "created" */
#define STATE_NOTIFY  "notify" /* folder with notify.sock, bound into the container */

enum {
	STATE_VERSION = 1,
	STATE_RECORD_MAX = 1 << 20,
};

/*
 * The record. Written before the first side effect (pid 0: "creating") and again when the container
 * is created. Status is not in it: it is worked out from the pid, its start time and the boot
 * (container_status()).
 */
struct state {
	unsigned int version;
	const char *id;
	const char *oci_version;
	const char *bundle, *rootfs;
	const char *spec_file; /* NULL: config.json of the bundle */
	const char *created;   /* RFC 3339 */
	unsigned int owner;
	struct json_list annotations; /* struct json_pair */

	struct opt_i64 pid; /* 0 until masu-init has started */
	struct opt_u64 start_time;
	const char *boot_id;

	struct opt_u64 namespaces; /* CLONE_NEW... of all that differ from masu's own */
	bool own_root;             /* its mount namespace's root is the container's (pivoted) */
	bool own_pids;             /* its pid namespace is new: all end with the first process */
	bool denied_groups;
	bool root_unmapped; /* id 0 is not mapped in its user namespace: exec enters as root_uid and
			       root_gid */
	unsigned int root_uid, root_gid;
	bool no_keyring;
	const char *notify_socket;
	struct opt_u64 seccomp_flags;
	const char *seccomp_listener, *seccomp_metadata;
	struct cgroup_state cgroup;
	struct cgroup_rdt_state rdt;
	struct storage_state storage; /* root NULL: none */
	struct net_state network;     /* id NULL: none */
	struct spec_hooks hooks;      /* poststart, poststop */
};
extern const struct json_object state_object;

/*
 * Open the state root, made if missing when `make`. Refused: not a directory, owned by somebody
 * else than us or root, writable by group or others. -1 with ENOENT in err->code when it does not
 * exist and `make` is off.
 */
int state_open_root(const char *path, bool make, struct err *err);

/* Make a container's folder and lock it. ERR_EXISTS when the id is taken. */
int state_make_dir(int root, const char *id, struct err *err);

enum state_lock {
	STATE_UNLOCKED,
	STATE_LOCKED, /* waits up to 10 s for other commands on the same container */
};

/* Open a container's folder. ERR_NOT_FOUND ("container does not exist"). */
int state_open_dir(int root, const char *id, enum state_lock lock, struct err *err);

/* Let others work on the container, with the folder still open. */
void state_unlock(int dir);

/* Lock a folder of what `kind` calls it ("group"), waiting as STATE_LOCKED does. */
int state_lock(int dir, const char *kind, const char *name, struct err *err);

/* Take the lock again (waits as STATE_LOCKED does). */
int state_relock(int dir, const char *id, struct err *err);

/* True when some command holds the folder's lock. */
bool state_is_locked(int dir);

/* Write the record whole or not at all (unique temporary file, rename). */
int state_write(int dir, const struct state *state, struct err *err);
int state_read(int dir, struct arena *arena, struct state *state, struct err *err);

/* It failed for want of descriptors or memory: that says nothing about the record, and a container
 * that lives must not pass for a wreck that gc may remove. */
bool state_is_unread(const struct err *why);

/* The first record, before the first side effect. */
int state_begin(int dir, const struct state *state, struct err *err);

/* Write another, new file of the folder; nobody looks for it before the record is there. */
int state_write_file(int dir, const char *name, const void *data, size_t size, struct err *err);

/* Remove a container's folder and everything in it; gone already is success. */
int state_remove_dir(int root, const char *id, struct err *err);
