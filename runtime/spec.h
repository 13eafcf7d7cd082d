/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The spec: config.json as structs, put together from the folders' parts; loading, presets and
 * checks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "net/net.h"
#include "ns/ns.h"
#include "security/security.h"
#include "storage/storage.h"

struct err;

#define SPEC_VERSION "1.3.0" /* the newest version of the runtime specification that masu knows */

enum {
	SPEC_ID_MAX = 128,           /* bytes of a container id: NAME_MAX less room for suffixes */
	SPEC_FILE_MAX = 16 << 20,    /* bytes of config.json */
	SPEC_PROCESS_MAX = 16 << 20, /* bytes of exec's process.json */
};

/*
 * Lists: `items` is NULL when the property was absent, not NULL when it was written, even as []. A
 * hook without `env` and one with an empty `env` differ by that.
 */
struct spec_console_size {
	bool present;
	unsigned int height, width;
};

struct spec_process {
	bool terminal;
	struct spec_console_size console_size; /* to be ignored without `terminal` */
	const char *cwd;
	struct json_list args; /* const char *, never empty after spec_check_process() */
	struct json_list env;  /* const char *: NAME=VALUE */
	struct security_process security;
};
extern const struct json_object spec_process_object;

enum spec_hook_kind {
	SPEC_PRESTART,
	SPEC_CREATE_RUNTIME,
	SPEC_CREATE_CONTAINER,
	SPEC_START_CONTAINER,
	SPEC_POSTSTART,
	SPEC_POSTSTOP,
	SPEC_HOOK_KINDS,
};

struct spec_hook {
	const char *path;       /* absolute */
	struct json_list args;  /* const char *, args[0] included; may be empty */
	struct json_list env;   /* const char * */
	struct opt_i64 timeout; /* seconds, more than 0 */
};

struct spec_hooks {
	struct json_list lists[SPEC_HOOK_KINDS]; /* struct spec_hook */
};
extern const struct json_object spec_hooks_object;

/* "prestart", "createRuntime", ...: enum spec_hook_kind. For messages and `masu features`. */
extern const struct name spec_hook_names[];

struct spec_linux {
	struct ns_linux ns;
	struct security_linux security;
	const char *cgroups_path;
	struct cgroup_resources *resources; /* NULL: nothing asked for */
	struct json_list net_devices;       /* struct net_device_spec */
	struct cgroup_rdt_spec *intel_rdt;  /* NULL: not used */
};

/* masu.memoryPressure: the trigger that the program is to write; 0 stands for the default. */
struct spec_pressure {
	bool present;
	bool full; /* all processes waited, not just some */
	unsigned int stall_ms, window_ms;
};

/* The extension object "masu", which other runtimes ignore. */
struct spec_masu {
	const char *preset;          /* "default", or NULL: the file means exactly what OCI says */
	struct storage_spec storage; /* .present tells whether it was there */
	struct net_spec *network;    /* NULL: not there */
	const char *group;           /* whose limits hold for the container, too; NULL: none */
	struct cgroup_intent *resources; /* limits as intent; NULL: not there */
	struct spec_pressure memory_pressure;
};

struct spec {
	const char *oci_version;
	struct spec_process *process; /* NULL: legal for create, an error for start */
	struct ns_root_spec root;     /* path never NULL after spec_check() */
	const char *hostname, *domainname;
	struct json_list mounts; /* struct ns_mount_spec */
	struct spec_hooks hooks;
	struct json_list annotations; /* struct json_pair */
	struct spec_linux linux_part;
	struct spec_masu masu;
};
extern const struct json_object spec_object;

/*
 * Read `file` below `bundle_fd`, decode it, fill in its preset. The caller checks it (spec_check())
 * when an image has filled in its part. `bundle_path` is only for messages ("BUNDLE/config.json" in
 * what cannot be opened; the file's name alone in front of what is wrong inside). All that the spec
 * points to lives in `arena`.
 */
int spec_load(const char *bundle_path, int bundle_fd, const char *file, struct arena *arena,
	      struct spec *spec, struct err *err);

/* The same from text (config.json over the library's API); `source` names it in messages. */
int spec_decode(const char *source, const char *text, size_t length, struct arena *arena,
		struct spec *spec, struct err *err);

/* exec's process.json; decoded and checked. */
int spec_decode_process(const char *source, const char *text, size_t length, struct arena *arena,
			struct spec_process *process, struct err *err);

/*
 * Everything that can be checked without the host, the folders' own checks included; only
 * ns_check() is left to the caller, who has its request. ERR_INPUT with the field's full path in
 * front.
 */
int spec_check(const struct spec *spec, struct err *err);
int spec_check_process(const struct spec_process *process, struct err *err);

/* A container id: letters, digits, '_', '+', '.', '-'; the first one a letter, a digit or '_'; at
 * most SPEC_ID_MAX bytes. */
int spec_check_id(const char *id, struct err *err);

/* Semantic version with major 1. */
int spec_check_version(const char *version, struct err *err);

/* ---- presets and templates, embedded from configs/ ---- */
enum spec_template {
	SPEC_TEMPLATE_FULL,     /* everything written out, for any OCI runtime */
	SPEC_TEMPLATE_ROOTLESS, /* the same for a caller without privileges: maps the ids given */
	SPEC_TEMPLATE_SHORT,    /* a few lines that lean on the default preset */
};

/* The text that `masu spec` writes; ends with a newline. NULL when memory is short. */
const char *spec_template(enum spec_template kind, uid_t uid, gid_t gid, struct arena *arena,
			  struct err *err);

/* Names of the presets, for messages and completion; NULL-terminated. */
extern const char *const spec_preset_names[];
