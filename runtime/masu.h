/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libmasu: make, run, change and remove containers from a C or C++ program. */
#ifndef MASU_H
#define MASU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Rules that hold for every function here.
 *
 * Results. 0 or a value >= 0 is success, -1 is failure with *error filled; `error` may be NULL when
 * the reason is not wanted. A call that fails leaves nothing behind, and writes no output argument.
 *
 * Ownership. Every text and list given to a function stays the caller's and is read during the call
 * only. A text or array that comes back belongs to the caller: free() it; a list has its own
 * _free().
 *
 * Options. A struct that ends in _options starts with `size`, set to sizeof of the struct as the
 * caller was compiled; all else zero means the default. Members that a newer library adds are zero
 * for a program compiled before them; one compiled after them that sets such a member gets
 * MASU_ERR_UNSUPPORTED from an older library:
 *
 *	struct masu_create_options options = { .size = sizeof(options), .id = "web1" };
 *
 * Threads. A struct masu does not change after masu_open(): several threads may use one at the same
 * time, also for the same container (a lock in the state directory orders them). The exceptions are
 * masu_set_log() and everything started with `foreground`; see there.
 *
 * Manners. Nothing prints, exits, aborts or changes the caller's directory, umask, signal mask or
 * handlers, environment, subreaper or session; the exception is `foreground` again. The first
 * process of a container is a child of the caller: a caller that wants its status uses masu_wait()
 * or waitpid(), and one with SIGCHLD ignored gets no status.
 *
 * Versions. Within one soname a function keeps its meaning, and structs grow at their end only.
 */
#define MASU_VERSION_MAJOR 0
#define MASU_VERSION_MINOR 1
#define MASU_VERSION_PATCH 0

#if defined(__GNUC__)
#define MASU_API __attribute__((visibility("default")))
#else
#define MASU_API
#endif

/* The library's version at run time, "0.1.0". Static text. */
MASU_API const char *masu_version(void);

enum masu_about {
	MASU_ABOUT_COMMIT,     /* the commit it was built from; "" when that was not known */
	MASU_ABOUT_SPEC,       /* the OCI runtime specification it implements, "1.3.0" */
	MASU_ABOUT_LIBSECCOMP, /* "2.5.4" */
	MASU_ABOUT_FEATURES,   /* what was built in and what was not: "+SECCOMP +CAP -SYSTEMD -CRIU"
				*/
};

/* One fact about the build. Static text; NULL for a number this library does not know. */
MASU_API const char *masu_about(enum masu_about what);

/* ---- errors ---- */

/*
 * What went wrong: plain bytes on the caller's stack. `text` reads "verb object: reason" without a
 * final full stop; `hint` is what the user can do about it, or empty.
 */
struct masu_error {
	int code; /* an errno value, or one of enum masu_error_code */
	char text[512];
	char hint[160];
};

enum masu_error_code {
	MASU_ERR_INPUT = 1000, /* the spec, an option or an identifier is not acceptable */
	MASU_ERR_NOT_FOUND,    /* no container of that name */
	MASU_ERR_EXISTS,       /* the name is taken */
	MASU_ERR_STATE,        /* the container's status does not allow the operation */
	MASU_ERR_UNSUPPORTED,  /* this kernel or build cannot do what was asked */
	MASU_ERR_HOOK,         /* a hook failed or timed out */
	MASU_ERR_PEER,         /* the other process of a start went away without saying why */
	MASU_ERR_PLUGIN,       /* a plug-in is needed that this static program cannot load */
};

/* ---- warnings and debug lines ---- */

enum masu_log_level {
	MASU_LOG_ERROR,
	MASU_LOG_WARNING,
	MASU_LOG_DEBUG, /* also the name of each step of a start as it begins */
};

/* Called with one line without a newline, from the thread whose call it is about. */
typedef void masu_log_callback(enum masu_log_level level, const char *message, void *data);

/*
 * Where warnings and debug lines up to level `most` go; NULL drops them, which is the default. One
 * for the whole process: call it before other threads use the library.
 */
MASU_API void masu_set_log(masu_log_callback *callback, void *data, enum masu_log_level most);

/* ---- a state root and how its containers are managed ---- */

struct masu;

enum masu_cgroup_manager {
	MASU_CGROUP_FS,       /* directories in the cgroup file systems */
	MASU_CGROUP_DISABLED, /* no cgroup at all; a spec that asks for limits is refused */
	MASU_CGROUP_SYSTEMD,  /* transient scopes; of the user's systemd when rootless */
};

enum masu_rootless {
	MASU_ROOTLESS_AUTO, /* found out from the ids and capabilities of the process */
	MASU_ROOTLESS_NO,
	MASU_ROOTLESS_YES,
};

struct masu_options {
	size_t size;
	const char *root; /* state directory, made when absent; NULL: /run/masu, or
			     $XDG_RUNTIME_DIR/masu when not root. "/" is refused */
	enum masu_cgroup_manager cgroup_manager;
	enum masu_rootless rootless;
	const char *storage_root;       /* images, roots and networks; NULL: /var/lib/masu, or
					   $XDG_DATA_HOME/masu or ~/.local/share/masu when not root */
	unsigned int systemd_timeout_s; /* how long systemd may take for one answer; 0: 30 s */
	bool strict; /* a limit that this kernel has nothing for is MASU_ERR_UNSUPPORTED, in place
			of a warning */
};

/*
 * Get ready to work on the containers below one state root. Makes no directory yet. `options` may
 * be NULL. Checks once that the kernel is new enough (5.10). *masu is released with masu_close().
 */
MASU_API int masu_open(const struct masu_options *options, struct masu **masu,
		       struct masu_error *error);

/* Release it; containers are not touched. NULL is allowed. */
MASU_API void masu_close(struct masu *masu);

/* ---- create, start, run ---- */

struct masu_create_options {
	size_t size;
	const char *id; /* required: letters, digits and _ + . - ; the first a letter, digit or _;
			   at most 128 of them */
	const char *bundle;    /* directory that relative paths of the spec start from; NULL: the
				  directory of spec_file, or the current one */
	const char *spec_file; /* NULL: config.json in the bundle */

	const int *stdio;           /* three descriptors for 0, 1, 2; NULL: the caller's own */
	const char *console_socket; /* unix socket that gets the pty master; needed for a terminal
				       unless `foreground` */
	const char *pidfd_socket;   /* unix socket that gets a pidfd of the first process */
	const char *pid_file;       /* gets the host pid in decimal, no newline, in one rename */
	const char *notify_socket;  /* sd_notify socket to forward READY=1 to; NULL: none */
	unsigned int listen_fds;    /* so many descriptors from 3 on, with LISTEN_FDS, LISTEN_PID=1;
				       each must be open and not close-on-exec */
	unsigned int preserve_fds;  /* pass that many more, after the listen_fds */

	bool no_pivot;       /* move the root instead of pivot_root: for a root on an initramfs */
	bool no_new_keyring; /* stay in the caller's session keyring */
	const char *trace_file; /* write the steps' times there as Chrome trace events */

	/* masu_run() only */
	bool detach;       /* return as soon as the program was started */
	bool keep;         /* leave the stopped container; otherwise it is deleted at its end */
	bool no_subreaper; /* with foreground: do not adopt orphans of the container */
	bool foreground;   /* see masu_run() */

	const char *group; /* put its cgroups below those of this group, see masu-resources.h; NULL:
			      masu.group of the spec */
};

/*
 * Make a container; its program waits for masu_start(). Status afterwards: "created". Errors:
 * MASU_ERR_EXISTS; MASU_ERR_INPUT with the field's path in the text; MASU_ERR_HOOK; an errno whose
 * text names the mount, file or limit that failed.
 */
MASU_API int masu_create(struct masu *masu, const struct masu_create_options *options,
			 struct masu_error *error);

/*
 * Let the program of a created container run. Returns when it was executed and the poststart hooks
 * are through; a program that cannot be executed is an error here. MASU_ERR_STATE unless "created".
 *
 * A stopped container with masu.storage.keep is made anew from its spec, which is read again, on
 * the root that it has left. When that fails late, the container is gone and its root is not:
 * masu_run() under the same id goes on with it.
 */
MASU_API int masu_start(struct masu *masu, const char *id, struct masu_error *error);

/*
 * Create and start in one go. With `detach` returns then, *status untouched. Otherwise waits for
 * the end, deletes the container (unless `keep`) and fills *status: the exit status 0-255, or 128 +
 * the number of the signal that ended it. `status` may be NULL.
 *
 * `foreground` is for a program whose main thread has nothing else to do, like masu's own command
 * line: while the call lasts it blocks signals and forwards those that arrive to the container,
 * puts the terminal on descriptor 0 into raw mode and copies between it and the container's (when
 * the spec asks for a terminal and no console_socket is given), and makes the process a subreaper
 * that reaps every child. All is put back before it returns. Never use it beside other threads.
 */
MASU_API int masu_run(struct masu *masu, const struct masu_create_options *options, int *status,
		      struct masu_error *error);

/*
 * What a start would do, as text: the steps in order, the mounts, limits and capabilities as they
 * would be applied. Makes and changes nothing.
 */
MASU_API int masu_plan(struct masu *masu, const struct masu_create_options *options, char **text,
		       struct masu_error *error);

/*
 * The limits of a spec as they would be written: JSON {rows: [{field, file, value,
 * note}]} in order. `field` is what asks for it ("masu.resources.cpu.max"); without `file` this
 * kernel has nothing for it, and with `note` there is more to say. Makes and changes nothing.
 * free() the text.
 */
MASU_API int masu_explain(struct masu *masu, const struct masu_create_options *options, char **json,
			  struct masu_error *error);

/* The limits in force in a container, read back from the kernel, as JSON like `masu.resources`;
 * free() it. */
MASU_API int masu_effective(struct masu *masu, const char *id, char **json,
			    struct masu_error *error);

/* ---- another process in a container ---- */

struct masu_exec_options {
	size_t size;
	const char *id;

	/* The process: a JSON object like `process` of config.json, or NULL: the container's own
	   `process`, then with `args` required. What follows replaces that part of it where not
	   NULL. */
	const char *process_json;
	const char *const *args; /* ends with NULL */
	const char *const *env;  /* "KEY=value", added, ends with NULL */
	const char *cwd;
	const char *user;                /* "uid" or "uid:gid", numbers */
	const char *const *capabilities; /* "CAP_...", added to bounding, effective and permitted;
					    ends with NULL */
	const char *apparmor_profile;
	const char *selinux_label;
	const unsigned int *additional_gids;
	size_t additional_gid_count;
	bool terminal;
	bool no_new_privileges;

	const char *cgroup; /* path below the container's own; may start with "controller[,..]:" */
	bool ignore_paused; /* also into a paused container, where it waits for resume */

	/* As in masu_create_options and masu_run(). */
	const int *stdio;
	const char *console_socket;
	const char *pidfd_socket;
	const char *pid_file;
	unsigned int listen_fds;
	unsigned int preserve_fds;
	bool detach;
	bool no_subreaper;
	bool foreground;
};

/*
 * Run one more process in a created or running container. `detach` and *status are as in
 * masu_run(). MASU_ERR_STATE when it is stopped, or paused without ignore_paused.
 */
MASU_API int masu_exec(struct masu *masu, const struct masu_exec_options *options, int *status,
		       struct masu_error *error);

/* ---- a container that exists ---- */

enum masu_kill_flags {
	MASU_KILL_ALL = 1, /* every process of the container; then a stopped one is no error */
};

#define MASU_STOP_SIGNAL (-1) /* what the container's image says, else SIGTERM */

/*
 * Send a signal to the first process. Cannot hit another process that got the same pid.
 * MASU_ERR_STATE ("container not running") when it is stopped.
 */
MASU_API int masu_kill(struct masu *masu, const char *id, int signal, unsigned int flags,
		       struct masu_error *error);

enum masu_delete_flags {
	MASU_DELETE_FORCE =
		1, /* kill it first; clean up a broken record; no error when there is none */
};

/*
 * Remove a stopped or created container and all that its create made. MASU_ERR_STATE when it runs.
 * May be called again after a failure.
 */
MASU_API int masu_delete(struct masu *masu, const char *id, unsigned int flags,
			 struct masu_error *error);

/* Its state as the OCI specification says (ociVersion, id, status, pid, bundle, annotations), and
   rootfs, created, owner. `pid` is 0 when stopped. */
MASU_API int masu_state(struct masu *masu, const char *id, char **json, struct masu_error *error);

/* Wait until its first process has ended. *status is as in masu_run(), or -1 when the kernel does
   not tell (not our child, before 6.15). `status` may be NULL. Does not delete. */
MASU_API int masu_wait(struct masu *masu, const char *id, int *status, struct masu_error *error);

/* Freeze or thaw all of its processes. MASU_ERR_STATE unless it is running or paused, respectively.
 */
MASU_API int masu_pause(struct masu *masu, const char *id, struct masu_error *error);
MASU_API int masu_resume(struct masu *masu, const char *id, struct masu_error *error);

/* The host pids of all of its processes, ascending. */
MASU_API int masu_pids(struct masu *masu, const char *id, pid_t **pids, size_t *count,
		       struct masu_error *error);

/*
 * What the kernel counts for it, as one line of JSON like runc's: {"type":"stats","id":...,"data":
 * {"cpu":...,"cpuset":...,"memory":...,"pids":...,"blkio":...,"hugetlb":...,"intel_rdt":...,
 * "network_interfaces":[...]}}. Times are in ns, sizes in bytes; a counter that the kernel does not
 * have and a limit that is not set are left out. `name` is a container's id, or the path of a
 * cgroup, "/a/b". MASU_ERR_STATE when it is stopped, MASU_ERR_UNSUPPORTED when it has no cgroup.
 */
MASU_API int masu_stats(struct masu *masu, const char *name, char **json, struct masu_error *error);

/* Called with one line of JSON without a newline; returns false to have no more of them. */
typedef bool masu_event_callback(const char *json, void *data);

/*
 * Report the line of masu_stats() now and every interval_ms (at least 1), and
 * {"type":"oom","id":...} soon after the kernel killed a process for lack of memory. Returns when
 * the container has stopped or `report` returned false.
 */
MASU_API int masu_events(struct masu *masu, const char *name, unsigned int interval_ms,
			 masu_event_callback *report, void *data, struct masu_error *error);

struct masu_update_options {
	size_t size;
	const char *resources_json;  /* an object like `linux.resources`; what it lacks stays */
	const char *l3_cache_schema; /* like linux.intelRdt.l3CacheSchema, or NULL */
	const char *mem_bw_schema;   /* like linux.intelRdt.memBwSchema, or NULL */
};

/* Change the limits of a container that is not stopped. */
MASU_API int masu_update(struct masu *masu, const char *id,
			 const struct masu_update_options *options, struct masu_error *error);

/* ---- all containers ---- */

struct masu_container_info {
	struct masu_container_info *next;
	const char *id;
	const char *status; /* creating created running paused stopped; broken: unreadable record */
	pid_t pid;          /* host pid of the first process; 0 when stopped or broken */
	const char *bundle; /* texts are "" when a broken record does not tell */
	const char *rootfs;
	const char *created;     /* RFC 3339 */
	const char *owner;       /* user name, or the number when it has none */
	const char *annotations; /* a JSON object */
};

/* The containers of this state root by name; *first is NULL when there are none. masu_list_free().
 */
MASU_API int masu_list(struct masu *masu, struct masu_container_info **first,
		       struct masu_error *error);
MASU_API void masu_list_free(struct masu_container_info *first);

enum masu_gc_flags {
	MASU_GC_DRY_RUN = 1, /* report only */
	MASU_GC_KEPT = 2,    /* also roots made with masu.storage.keep; without it these stay, even
				when their container's record went with a reboot */
};

/* One thing without an owner: its kind ("record", "cgroup", ...) and its name. */
typedef void masu_gc_callback(const char *kind, const char *name, void *data);

/*
 * Remove what crashed or killed starts left behind: records of a create that did not get through,
 * records that cannot be read, kernel objects without a record, and what masu_storage_gc() removes.
 * A stopped container is kept. `report` (may be NULL) is called for each. What cannot be removed
 * does not stop the rest; the first such failure is the error.
 */
MASU_API int masu_gc(struct masu *masu, unsigned int flags, masu_gc_callback *report, void *data,
		     struct masu_error *error);

/* ---- images ---- */

/*
 * Images and the root file systems of containers are in the store, a directory (`storage_root` of
 * masu_open()). NAME is NAME[:TAG] (the tag is "latest" when left out), a digest "sha256:HEX", or
 * at least 8 digits of one.
 *
 * Reading and writing images needs the plug-in `archive`. A static program that cannot load it gets
 * MASU_ERR_PLUGIN, before anything was done that would have to be undone.
 */

/* Called while a layer is read: bytes done of `total`, which is 0 when it is not known. */
typedef void masu_progress_callback(const char *layer, uint64_t done, uint64_t total, void *data);

struct masu_import_options {
	size_t size;
	const char *path;                 /* a tar file or an OCI layout directory; NULL: `fd` */
	int fd;                           /* the same, opened; may be a pipe */
	const char *name;                 /* required: NAME[:TAG]; one that exists is replaced */
	const char *reference;            /* which image, when there are several: its
					     org.opencontainers.image.ref.name or its docker tag */
	uint64_t max_bytes;               /* unpacked, all layers; 0: 64 GiB */
	uint64_t max_entries;             /* 0: 4 million */
	masu_progress_callback *progress; /* may be NULL */
	void *data;
};

/*
 * Make an image of the tar of a root file system, a docker-archive, or an OCI layout (directory or
 * tar); what it is is told by its content, and tars may be compressed. Digests are checked. The
 * store is made when there is none. *json (may be NULL) is the image as in masu_images().
 * Nothing is left of an import that fails.
 */
MASU_API int masu_image_import(struct masu *masu, const struct masu_import_options *options,
			       char **json, struct masu_error *error);

/* A JSON array of objects with name, digest, created, architecture, os, size (bytes unpacked) and
   layers (DiffIDs, lowest first), by name. */
MASU_API int masu_images(struct masu *masu, char **json, struct masu_error *error);

/* One such object, and in it `config` as OCI's image specification has it. */
MASU_API int masu_image_inspect(struct masu *masu, const char *name, char **json,
				struct masu_error *error);

/* A JSON array of OCI history entries, oldest first. */
MASU_API int masu_image_history(struct masu *masu, const char *name, char **json,
				struct masu_error *error);

/* Give the image one more name; one that exists is replaced. */
MASU_API int masu_image_tag(struct masu *masu, const char *name, const char *new_name,
			    struct masu_error *error);

/* Remove a name. Layers go with the last name, unless a container still stands on them. */
MASU_API int masu_image_remove(struct masu *masu, const char *name, struct masu_error *error);

enum masu_compression {
	MASU_COMPRESSION_NONE,
	MASU_COMPRESSION_GZIP,
	MASU_COMPRESSION_ZSTD,
};

struct masu_export_options {
	size_t size;
	const char *name;      /* required */
	const char *directory; /* write an OCI layout there: made, or empty; NULL: a tar to `fd` */
	int fd;
	enum masu_compression compression; /* of the layers */
};

/* Write the image as an OCI layout. The same image gives the same bytes each time. */
MASU_API int masu_image_export(struct masu *masu, const struct masu_export_options *options,
			       struct masu_error *error);

/* ---- the root of a container that was made from an image ---- */

struct masu_commit_options {
	size_t size;
	const char *id;   /* required */
	const char *name; /* required: NAME[:TAG] of the new image */
	const char *author, *comment;
};

/* Make an image of what the container stands on and what it has written. It may be running. *json
   (may be NULL) is the image as in masu_images(). */
MASU_API int masu_commit(struct masu *masu, const struct masu_commit_options *options, char **json,
			 struct masu_error *error);

enum masu_diff_form {
	MASU_DIFF_LINES, /* "A /path": 'A'dded, 'C'hanged, 'D'eleted; control characters and
			    backslashes of the path as \\ooo */
	MASU_DIFF_JSON,  /* an array of objects with kind and path */
};

/* What differs from the image, sorted by path. */
MASU_API int masu_diff(struct masu *masu, const char *id, enum masu_diff_form form, char **text,
		       struct masu_error *error);

/* The same as the tar of an OCI layer. */
MASU_API int masu_diff_tar(struct masu *masu, const char *id, int fd, struct masu_error *error);

/* The whole root as a tar. */
MASU_API int masu_export(struct masu *masu, const char *id, int fd, struct masu_error *error);

/* {"bytes":...,"inodes":...,"limit":...}: what this container alone has written. `inodes` is left
   out where the driver cannot tell, `limit` where there is none. */
MASU_API int masu_usage(struct masu *masu, const char *id, char **json, struct masu_error *error);

/* Snapshots go with the container. A rollback needs it stopped: MASU_ERR_STATE otherwise. */
MASU_API int masu_snapshot_create(struct masu *masu, const char *id, const char *name,
				  struct masu_error *error);
MASU_API int masu_snapshot_remove(struct masu *masu, const char *id, const char *name,
				  struct masu_error *error);
MASU_API int masu_snapshot_rollback(struct masu *masu, const char *id, const char *name,
				    struct masu_error *error);
/* A JSON array of objects with name and created. */
MASU_API int masu_snapshots(struct masu *masu, const char *id, char **json,
			    struct masu_error *error);

/* ---- the store ---- */

struct masu_storage_options {
	size_t size;
	const char *driver;      /* auto overlay btrfs devicemapper copy; NULL: auto */
	uint64_t loop_size;      /* bytes: the store's own block device, in a file; 0: none */
	bool sparse;             /* do not reserve the file's blocks */
	const char *data_device; /* devicemapper, in place of a file */
	const char *metadata_device;
	uint64_t volume_size; /* devicemapper: size of a root that asks for none; 0: 10 GiB */
};

/* Make the store. MASU_ERR_EXISTS. Not needed for the drivers that are chosen by themselves. */
MASU_API int masu_storage_init(struct masu *masu, const struct masu_storage_options *options,
			       struct masu_error *error);

/* A JSON object: root, driver, filesystem, bytesTotal, bytesFree, images, layers, roots, snapshots,
   details, and drivers: for each one whether it is chosen and usable, or the reason why not. */
MASU_API int masu_storage_info(struct masu *masu, char **json, struct masu_error *error);

enum masu_check_flags {
	MASU_CHECK_REPAIR = 1, /* remove what is damaged */
};

struct masu_storage_finding {
	const char *kind; /* layer, image, root, snapshot, volume, blob, intent */
	const char *name;
	const char *problem;
	bool repaired;
};

typedef void masu_finding_callback(const struct masu_storage_finding *finding, void *data);

/* Compare records, layers, roots and digests. Returns how many problems are left. */
MASU_API int masu_storage_check(struct masu *masu, unsigned int flags, masu_finding_callback *found,
				void *data, struct masu_error *error);

/* The part of masu_gc() that is about the store, with the same flags: layers and blobs that nothing
   refers to, roots of containers of this state root that are gone. */
MASU_API int masu_storage_gc(struct masu *masu, unsigned int flags, masu_gc_callback *report,
			     void *data, struct masu_error *error);

/* Give unused blocks back to the file system or device below. */
MASU_API int masu_storage_trim(struct masu *masu, struct masu_error *error);

/* Make a store larger that has a file or a thin pool of its own: the file to `bytes`; with 0 the
   pool takes what its devices have grown by. MASU_ERR_UNSUPPORTED for a store in a directory. */
MASU_API int masu_storage_grow(struct masu *masu, uint64_t bytes, struct masu_error *error);

/* Give a container's root another size limit, 0 for none, as masu.storage.size does. */
MASU_API int masu_resize(struct masu *masu, const char *id, uint64_t bytes,
			 struct masu_error *error);

/* ---- networks ---- */

/*
 * A network has a definition, a file below the storage root, and is made on the host with its first
 * container. masu.network of a spec names it; docs/network.md tells what it becomes. Its kernel
 * objects are made and removed by plug-ins: see MASU_ERR_PLUGIN.
 */
struct masu_network_options {
	size_t size;
	const char *name;       /* 1 to 63 of letters, digits and - _ . */
	const char *definition; /* a JSON object like the file, or NULL. What follows replaces that
				   part of it where not NULL, 0 or false */
	const char *driver;     /* "bridge" (default), "macvlan", "ipvlan", "phys" */
	const char *bridge;     /* name of the bridge device; chosen when left out */
	const char *parent;     /* the host's device below, or with "phys" itself */
	const char *mode;       /* of the driver; see docs/network.md */
	const char *const *subnets;  /* "10.9.0.0/24", ends with NULL; chosen when left out */
	const char *const *gateways; /* of the subnets, in their order; "": the first address */
	const char *const *ranges;   /* where addresses are chosen from; "": the whole subnet */
	const char *const *labels;   /* "KEY=VALUE" */
	unsigned int mtu;            /* 0: that of the default route's device */
	bool ipv6;                   /* choose an IPv6 subnet as well */
	bool internal;               /* no way out, no published ports */
	bool no_isolate;             /* other networks may come in */
	bool no_icc;                 /* its containers do not reach each other */
	bool no_masquerade;          /* what goes out keeps the container's address */
	unsigned int vlan;           /* macvlan, ipvlan: the tag on the parent; 0: none */
};

/* Check a definition, choose what it leaves open, store it. MASU_ERR_EXISTS; MASU_ERR_INPUT also
   for a subnet that this host uses already. *json (`json` may be NULL) is as of
   masu_network_inspect(). */
MASU_API int masu_network_create(struct masu *masu, const struct masu_network_options *options,
				 char **json, struct masu_error *error);

/* A JSON array of objects with name, driver, device (bridge or parent), subnets, internal, and
   interfaces (how many running containers have there), by name. */
MASU_API int masu_networks(struct masu *masu, char **json, struct masu_error *error);

/* The definition with everything that was chosen, and `containers`: an array of objects with id,
   interface, mac and addresses, of those that run. MASU_ERR_NOT_FOUND. */
MASU_API int masu_network_inspect(struct masu *masu, const char *name, char **json,
				  struct masu_error *error);

struct masu_connect_options {
	size_t size;
	const char *network;        /* NULL: "default" */
	const char *id;             /* of the container */
	const char *name;           /* of the interface inside; chosen when left out */
	const char *mac;            /* chosen when left out */
	const char *const *ips;     /* static addresses, at most one a subnet; ends with NULL */
	const char *const *aliases; /* further names for neighbours; ends with NULL */
	bool gateway;               /* take the default route from here */
	unsigned int metric, mtu;
};

/*
 * Give a running or created container one more interface, in another network. MASU_ERR_STATE when
 * it is stopped or uses the host's network; MASU_ERR_EXISTS when it is in that network.
 */
MASU_API int masu_network_connect(struct masu *masu, const struct masu_connect_options *options,
				  struct masu_error *error);

/* Take the interface in that network away from it, and the published ports that lead there.
   MASU_ERR_NOT_FOUND when it has none. */
MASU_API int masu_network_disconnect(struct masu *masu, const char *network, const char *id,
				     struct masu_error *error);

/* Remove the definition, the device and its rules. MASU_ERR_STATE while containers have addresses
   in it. */
MASU_API int masu_network_remove(struct masu *masu, const char *name, struct masu_error *error);

/* Called with one line of text. */
typedef void masu_text_callback(const char *text, void *data);

/* Remove all networks in which no container has an address, but never "default". `report` (may be
   NULL) gets the name of each. */
MASU_API int masu_network_prune(struct masu *masu, masu_text_callback *report, void *data,
				struct masu_error *error);

/* Write the firewall table anew for all running containers, after somebody flushed it. One batch;
   connections live on. */
MASU_API int masu_network_reload(struct masu *masu, struct masu_error *error);

/* Tell what on this host keeps containers from the network, one sentence each. */
MASU_API int masu_network_doctor(struct masu *masu, masu_text_callback *report, void *data,
				 struct masu_error *error);

/* ---- no container needed ---- */

/* What this build supports: features.json of the OCI specification. */
MASU_API int masu_features(char **json, struct masu_error *error);

/*
 * What this host gives and lacks: a JSON array of objects with check, state ("ok", "warn": some
 * specs are refused, "missing": an ordinary container does not run), found, and where it is not ok
 * consequence and remedy. Makes nothing that stays. Returns how many are missing.
 */
MASU_API int masu_doctor(struct masu *masu, char **json, struct masu_error *error);

/*
 * The same for one spec, with the fields of the spec as checks. Of the options bundle, spec_file
 * and id count; no container of that id need be, and none is made. No hook is called and no image's
 * root mounted: a spec can still fail at these.
 */
MASU_API int masu_doctor_spec(struct masu *masu, const struct masu_create_options *options,
			      char **json, struct masu_error *error);

enum masu_spec_flags {
	MASU_SPEC_ROOTLESS = 1, /* with a user namespace that maps the caller to root */
};

/* A complete config.json to start from. */
MASU_API int masu_spec_template(unsigned int flags, char **json, struct masu_error *error);

/* "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3": the signal's number, or -1. */
MASU_API int masu_parse_signal(const char *text, struct masu_error *error);

#ifdef __cplusplus
}
#endif

#endif /* MASU_H */
