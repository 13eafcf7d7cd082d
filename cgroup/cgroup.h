/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The door of cgroup/: the measure. Finds each controller's place, makes a container's cgroups,
 * writes limits, freezes, kills, removes. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/doctor.h"
#include "base/flat.h"
#include "base/json.h"
#include "cgroup/intent.h"

struct cgroup;
struct err;

/* ---- linux.resources of config.json (config-linux.md "Control groups"); rows in
 * cgroup/resources.c ---- */
struct cgroup_resources; /* defined in cgroup/resources.h, decoded through this object */
extern const struct json_object cgroup_resources_object;

/* Range and combination checks that need no host ("swap needs a limit"). ERR_INPUT with the field's
 * full path. */
int cgroup_check(const struct cgroup_resources *resources, struct err *err);

/* True when the spec asks for something that must be enforced (an absent or all-default section
 * asks for nothing). */
bool cgroup_asks(const struct cgroup_resources *resources);

/* The same without device rules, which go with the cgroups when a user disables these: engines
 * leave their default "deny all" in such a spec. */
bool cgroup_asks_limits(const struct cgroup_resources *resources);

/* ---- limits as intent: masu.resources, and what a group is made with; cgroup/intent.h ---- */
extern const struct json_object cgroup_intent_object; /* decodes and encodes struct cgroup_intent */

/* Ranges and combinations, without a look at the host. ERR_INPUT; `prefix` ("masu.resources.", or
 * "") comes in front of the field's path in messages. */
int cgroup_intent_check(const struct cgroup_intent *intent, const char *prefix, struct err *err);

/* A control that is not in force, or not quite: the field with its prefix, and why. */
struct cgroup_warning {
	const char *field;
	const char *text;
};

struct cgroup_intent_options {
	const char *prefix;
	bool strict; /* a control that this host lacks is ERR_UNSUPPORTED in place of a warning */
};

/*
 * Adds to `resources` (zeroed, or decoded from linux.resources) what the intent comes to on this
 * host; a value that both want differently is ERR_INPUT. `warnings` receives struct cgroup_warning.
 * What the cgroups do not do (network rates, disk) is left to the caller. The intent was checked.
 */
int cgroup_intent_compile(const struct cgroup_intent *intent,
			  const struct cgroup_intent_options *options, struct arena *arena,
			  struct cgroup_resources *resources, struct json_list *warnings,
			  struct err *err);

/* An empty one, to compile into. NULL without memory. */
struct cgroup_resources *cgroup_resources_new(struct arena *arena);

/* The limits in force, read back from the kernel: the same for the same intent in every version.
 * What is not limited stays absent. */
int cgroup_intent_read(struct cgroup *cgroup, struct arena *arena, struct cgroup_intent *effective,
		       struct err *err);

/* ---- a container's cgroups ---- */
enum cgroup_driver {
	CGROUP_FS,           /* cgroupfs: we make directories */
	CGROUP_DISABLED,     /* --cgroup-manager disabled: no cgroup at all */
	CGROUP_SYSTEMD,      /* a transient scope made by systemd */
	CGROUP_SYSTEMD_USER, /* one made by the calling user's systemd */
};

/*
 * What state.json keeps: enough for every later command and for removal after a crash. Filled by
 * cgroup_plan(), before anything exists. Paths are absolute host paths of the directories.
 */
struct cgroup_state {
	int driver;                   /* enum cgroup_driver */
	const char *path;             /* the container's path below each hierarchy ("/masu-web1") */
	bool own_name;                /* the path is "/masu-ID": the spec gave none */
	bool in_group;                /* a group, or a container in one: see cgroup_plan_group() */
	bool threaded;                /* v2: a group whose threads are placed one by one */
	struct json_list hierarchies; /* struct cgroup_hierarchy_state */

	/* with systemd */
	const char *unit;  /* the scope's name */
	const char *slice; /* what it lies in */
	const char *mark;  /* in its description: tells it from one of the same name */

	/* not in the record */
	struct json_list properties; /* struct unit_property: what annotations ask for */
	int timeout_ms; /* how long systemd may take to answer; 0: 30 s. The caller's to set */
};
extern const struct json_object cgroup_state_object;

struct cgroup_hierarchy_state {
	const char *controllers; /* "cpu,cpuacct", "name=systemd"; "" for v2 */
	const char *dir;         /* absolute host path of the container's directory */
	const char *mount;       /* where the hierarchy is mounted */
	bool v2;
	bool existed;      /* was there before us: never removed */
	const char *group; /* groups: the name of the group whose directory it is, "" above all */
	unsigned int passing; /* groups: so many directories above it are there for its sake */
	bool batch;           /* groups: the first of these is the top of the batch groups */
};

/* An open container cgroup; lives in the arena, descriptors closed by cgroup_close(). */
struct cgroup;

/*
 * Work out where the container's cgroups will be; makes nothing. `path` is linux.cgroupsPath or
 * NULL (then "/masu-ID", with systemd ":masu:ID"); ERR_INPUT for "..". A hierarchy that is mounted
 * read-only is left out; `required` (cgroup_asks(), with CGROUP_DISABLED cgroup_asks_limits())
 * makes that an error naming mount and reason.
 */
int cgroup_plan(enum cgroup_driver driver, const char *path, const char *id, bool required,
		struct arena *arena, struct cgroup_state *state, struct err *err);

/* What the spec's annotations (struct json_pair) ask of the cgroup manager that was planned for:
 * org.systemd.property.NAME. ERR_INPUT for what a spec may not ask. */
int cgroup_annotate(const struct json_list *annotations, struct arena *arena,
		    struct cgroup_state *state, struct err *err);

/* Can cgroup_update() and cgroup_destroy() be called from this program? ERR_PLUGIN when they need
 * more than the static one has. To be asked before anything is changed. */
int cgroup_reach(const struct cgroup_state *state, struct err *err);

/* Open for use from a state (planned or loaded), which must stay where it is until the end;
 * directories that are gone are tolerated and remembered as gone. */
struct cgroup *cgroup_open(const struct cgroup_state *state, struct arena *arena, struct err *err);
void cgroup_close(struct cgroup *cgroup);

/* From here on a limit that this kernel has nothing for is ERR_UNSUPPORTED in place of a warning.
 */
void cgroup_set_strict(struct cgroup *cgroup, bool strict);

/*
 * Make the directories (with systemd the scope around them; parents too, v1 cpuset filled from
 * ancestors, v2 controllers enabled down the path as `resources` needs). Sets `existed` in state's
 * hierarchies. A found non-empty or frozen cgroup is an error.
 */
int cgroup_create(struct cgroup *cgroup, struct cgroup_state *state,
		  const struct cgroup_resources *resources, struct err *err);

/* Write all limits. Order and conversions: the knob tables. A limit that cannot be applied names
 * file, value and reason. */
int cgroup_apply(struct cgroup *cgroup, const struct cgroup_resources *resources, struct err *err);

/* The same for a live container (`update`): only what is set, checked as cgroup_check() does
 * together with what is in force; refuses as the kernel or memory.checkBeforeUpdate says. */
int cgroup_update(struct cgroup *cgroup, const struct cgroup_resources *asked, struct err *err);

/*
 * What cgroup_create() and cgroup_apply() would write, in order; nothing is done. `rows` receives
 * struct cgroup_explained, which cgroup_explained_object encodes.
 */
struct cgroup_explained {
	const char *field; /* what asks for it: "masu.resources.cpu.max" */
	const char *file;  /* absolute; NULL: there is nothing like it here */
	const char *value;
	const char *note; /* or NULL */
};
extern const struct json_object cgroup_explained_object;

int cgroup_explain(struct cgroup *cgroup, const struct cgroup_resources *resources,
		   struct json_list *rows, struct err *err);

/* Descriptor for CLONE_INTO_CGROUP (the v2 directory), or -1 when there is no v2 hierarchy or
 * nobody can be born there (its pids limit, a foreign tree). Owned by the cgroup. */
int cgroup_clone_fd(const struct cgroup *cgroup);

/*
 * Hand the descriptors that the first process writes "0" to (v1 `tasks`: the RCU-free way in;
 * performance fact 1) to the plan. `cloned` tells that CLONE_INTO_CGROUP will place it in v2
 * already.
 */
struct cgroup_plan {
	struct flat_ref join; /* list of flat_fd_t */
};

int cgroup_compile(const struct cgroup *cgroup, bool cloned, struct flat *flat,
		   struct cgroup_plan *plan, struct err *err);

/* In masu-init: move myself into every cgroup of the plan. */
int cgroup_join(const struct flat_view *view, const struct cgroup_plan *plan, struct err *err);

/*
 * A process has been started for it, and joined as far as it could. Where it cannot come in by
 * itself (the scope of a user's systemd, and we outside that systemd's tree) systemd is asked to
 * move it. From here it keeps the cgroup in existence.
 */
int cgroup_adopt(struct cgroup *cgroup, pid_t pid, struct err *err);

/* Move another process (slow on v1). For exec where the child cannot. */
int cgroup_enter(struct cgroup *cgroup, pid_t pid, struct err *err);

/* A cgroup below the container's for `exec --cgroup`, opened; it must exist. ERR_INPUT when it
 * leaves the container's. */
struct cgroup *cgroup_open_below(const struct cgroup_state *state, const char *path,
				 struct arena *arena, struct err *err);

/* True when no directory is left of it (or there never was one). */
bool cgroup_is_gone(const struct cgroup *cgroup);

int cgroup_freeze(struct cgroup *cgroup, struct err *err);
int cgroup_thaw(struct cgroup *cgroup, struct err *err);
bool cgroup_is_frozen(const struct cgroup *cgroup);

/* Kill everything in it and below: cgroup.kill, else freeze, SIGKILL to all, thaw. Returns when no
 * process is left or after 10 s with an error. */
int cgroup_kill(struct cgroup *cgroup, struct err *err);

/* Send a signal to every process in it and below. */
int cgroup_signal(struct cgroup *cgroup, int signal, struct err *err);

/* All processes in it and below, host pids, ascending, no duplicates. */
int cgroup_pids(const struct cgroup *cgroup, struct arena *arena, pid_t **pids, size_t *count,
		struct err *err);

/* Remove all that create made, deepest first, EBUSY retried with a back-off; what is gone already
 * is success. */
int cgroup_destroy(struct cgroup *cgroup, struct err *err);

/* v2 delegation: chown the directory and the files of /sys/kernel/cgroup/delegate to a host uid. */
int cgroup_delegate(const struct cgroup *cgroup, uid_t uid, gid_t gid, struct err *err);

/* v2: let a host user set triggers on its memory.pressure, and nothing else. ERR_UNSUPPORTED where
 * the kernel does not measure it. */
int cgroup_give_pressure(struct cgroup *cgroup, uid_t uid, gid_t gid, struct err *err);

/* Number of OOM kills in it so far (0 when unknown), to explain a process that was killed. */
uint64_t cgroup_oom_kills(const struct cgroup *cgroup);

/* ---- notifications ---- */
enum cgroup_event_kind {
	CGROUP_EVENT_OOM,       /* the kernel killed for lack of memory; value: kills so far */
	CGROUP_EVENT_THRESHOLD, /* memory crossed a mark, up or down; value: bytes in use */
	CGROUP_EVENT_PRESSURE,  /* memory is short; value: bytes in use */
	CGROUP_EVENT_EMPTY,     /* no process is left in it and below */
	CGROUP_EVENT_POPULATED, /* there are processes again */
	CGROUP_EVENT_FROZEN,
	CGROUP_EVENT_THAWED,
	CGROUP_EVENT_PIDS,     /* a fork was refused for its pids limit; value: how often so far */
	CGROUP_EVENT_THROTTLE, /* its CPU limit began to hold it back; value: periods so far */
	CGROUP_EVENT_END,      /* it is gone: the last one, comes without being asked for */
};

/* "oom", "threshold", ..., "end". */
extern const struct name cgroup_event_names[];

enum cgroup_pressure_level {
	CGROUP_PRESSURE_LOW,
	CGROUP_PRESSURE_MEDIUM,
	CGROUP_PRESSURE_CRITICAL,
};

struct cgroup_wish {
	enum cgroup_event_kind kind;
	uint64_t mark;        /* CGROUP_EVENT_THRESHOLD: bytes; CGROUP_EVENT_PRESSURE: the level */
	const char *argument; /* both: what stood behind '='; else "" */
};

/* "oom", "threshold=100M", "pressure=low". What it refers to stays the text's. ERR_INPUT. */
int cgroup_wish_parse(const char *text, struct cgroup_wish *wish, struct err *err);

/* Called with an event; false: no more of them. */
typedef bool cgroup_event_callback(const struct cgroup_wish *wish, uint64_t value, void *data);

/*
 * Watch for what is wished. States (empty, populated, frozen, thawed, a threshold) that hold
 * already are reported at the first dispatch. `process` is a pidfd whose end is the end of it all,
 * or -1: then the directory's. Needs no CPU while nothing happens, but for what this kernel does
 * not tell: throttling, thresholds on v2, and states on a host with v1 alone are looked at about
 * once a second. ERR_UNSUPPORTED names a controller or kernel feature that is missing.
 */
struct cgroup_watching {
	struct cgroup *cgroup; /* outlives the watch */
	int process;
	const struct cgroup_wish *wishes;
	size_t count;
	cgroup_event_callback *report;
	void *data;
};

struct cgroup_watch;

/* False where the memory controller is not mounted or was left out. */
bool cgroup_counts_memory(const struct cgroup *cgroup);

struct cgroup_watch *cgroup_watch_open(const struct cgroup_watching *watching, struct err *err);

/* Ready for reading when there is something to dispatch. */
int cgroup_watch_fd(const struct cgroup_watch *watch);

/* Report what has happened, without waiting. 1; or 0 when that was the last. */
int cgroup_watch_dispatch(struct cgroup_watch *watch, struct err *err);
void cgroup_watch_close(struct cgroup_watch *watch);

/* ---- statistics ----
 * Nothing is made up: a counter that this kernel or version does not have, and a limit that is not
 * set, stay absent. Times are in nanoseconds, sizes in bytes. */
struct cgroup_usage {
	struct opt_u64 limit, usage;
	struct opt_u64 max;     /* the highest that usage ever was */
	struct opt_u64 failcnt; /* how often the limit was hit */
};

struct cgroup_pressure_line {
	struct json_raw avg10, avg60, avg300; /* percent, as the kernel writes them */
	struct opt_u64 total; /* stalled time in microseconds, as the kernel has it */
};

struct cgroup_pressure {
	struct cgroup_pressure_line some, full;
};

struct cgroup_cpu_usage {
	struct opt_u64 total, kernel, user;
	struct json_list percpu, percpu_kernel, percpu_user; /* uint64_t; v1 only */
};

struct cgroup_throttling {
	struct opt_u64 periods, throttled_periods, throttled_time;
};

struct cgroup_cpu_stats {
	struct cgroup_cpu_usage usage;
	struct cgroup_throttling throttling;
	struct cgroup_pressure psi;
};

/* The share of one NUMA node; what the version does not tell apart is absent. */
struct cgroup_numa_stats {
	const char *node; /* "0" */
	struct opt_u64 total, file, anon, unevictable;
};

/* How often each happened since the cgroup was made, with all below. */
struct cgroup_memory_events {
	struct opt_u64 low, high, max, oom, oom_kill, oom_group_kill;
};

struct cgroup_memory_stats {
	struct opt_u64 cache;
	struct opt_u64 working_set;     /* usage without file pages that nobody has used lately */
	struct opt_u64 effective_limit; /* the least of its own, its ancestors' and the machine */
	struct opt_u64 reservation;     /* soft limit, protection */
	struct opt_u64 inactive_file;   /* not in the JSON: a part of `raw` */
	struct cgroup_usage usage;
	struct cgroup_usage swap; /* memory and swap together, in v2 as well */
	struct cgroup_usage kernel, kernel_tcp;
	struct json_raw raw;   /* memory.stat as a JSON object */
	struct json_list numa; /* struct cgroup_numa_stats */
	struct cgroup_memory_events events;
	struct cgroup_pressure psi;
};

struct cgroup_cpuset_stats {
	struct json_list cpus, mems; /* uint64_t: those that it may use */
};

struct cgroup_pids_stats {
	struct opt_u64 current, limit;
};

struct cgroup_io_count {
	struct opt_u64 major, minor;
	const char *op; /* "Read", "Write", "Discard"; in v1 "Sync", "Async" and "Total", too */
	struct opt_u64 value;
};

struct cgroup_io_stats {
	bool counted; /* lists that are empty mean nothing was read or written */
	struct json_list bytes, operations; /* struct cgroup_io_count */
	struct cgroup_pressure psi;
};

struct cgroup_page_stats {
	const char *size; /* "2MB" */
	struct cgroup_usage usage;
};

struct cgroup_stats {
	struct cgroup_cpu_stats cpu;
	struct cgroup_cpuset_stats cpuset;
	struct cgroup_memory_stats memory;
	struct cgroup_pids_stats pids;
	struct cgroup_io_stats io;
	struct json_list pages; /* struct cgroup_page_stats */
};

/* As `data` of runc's "stats" event. */
extern const struct json_object cgroup_stats_object;

/* Everything at one point in time, or nearly so; what it points to lives in the arena.
 * ERR_UNSUPPORTED when the container has no cgroup. */
int cgroup_stats_read(struct cgroup *cgroup, struct arena *arena, struct cgroup_stats *stats,
		      struct err *err);

/*
 * The same again and again, with the files kept open. A brief reading costs a few microseconds of
 * each of some eight files, and leaves out what they do not tell: pressure, NUMA, events, raw.
 * Where descriptors run out, files are opened for each reading.
 */
enum cgroup_detail {
	CGROUP_BRIEF,
	CGROUP_FULL,
};

struct cgroup_meter;

/* Lives in the cgroup's arena, which must outlive it; close it before the cgroup. */
struct cgroup_meter *cgroup_meter_open(struct cgroup *cgroup, enum cgroup_detail detail,
				       struct err *err);
/* ENOENT when the cgroup has gone. */
int cgroup_meter_read(struct cgroup_meter *meter, struct arena *arena, struct cgroup_stats *stats,
		      struct err *err);
void cgroup_meter_close(struct cgroup_meter *meter);

/* What a mount of type "cgroup" inside the container shows; plain data for ns/. */
struct cgroup_mount {
	const char *controllers; /* "cpu,cpuacct"; "" for v2 */
	const char *name;        /* directory name below /sys/fs/cgroup: "cpu,cpuacct", "systemd",
				    "unified"; "" when v2 is all there is */
	const char *host_path;   /* the container's own directory on the host */
	bool v2;
};

int cgroup_mounts(const struct cgroup *cgroup, struct arena *arena, struct cgroup_mount **mounts,
		  size_t *count, struct err *err);

/*
 * ---- groups: cgroups with names like paths, and no container around them (cgroup/group*.c) ----
 *
 * A group has directories of its own for the parts that it isolates, and in each hierarchy that can
 * track processes (v2, the v1 freezer). In the others its processes are in the directory of the
 * nearest ancestor that has one. Both kinds are in its state, so that cgroup_open(), cgroup_apply()
 * and the rest work on groups as on containers; cgroup_hierarchy_state.group tells them apart.
 */
enum cgroup_part {
	CGROUP_PART_CPU = 1,
	CGROUP_PART_CPUSET = 2,
	CGROUP_PART_MEMORY = 4,
	CGROUP_PART_IO = 8,
	CGROUP_PART_PIDS = 16,
	CGROUP_PART_DEVICES = 32,
	CGROUP_PART_HUGEPAGES = 64,
	CGROUP_PART_NETWORK = 128,
	CGROUP_PART_PERF = 256,
};

/* "cpu", "memory", ... as specs and messages call them. */
extern const struct name cgroup_part_names[];

struct cgroup_group_plan {
	const char *name;                  /* "/a/b" */
	const struct cgroup_state *parent; /* of "/a", or of "/" */
	unsigned int parts;                /* enum cgroup_part */
	bool batch;    /* v1: below "/batch" where CPU is shared out; v2: all of it there */
	bool threaded; /* v2: its members are threads */
};

/* The state of "/": the top of each hierarchy in which we may make directories. For a user that is
 * what was delegated to them. ERR_UNSUPPORTED when there is none. */
int cgroup_plan_top(struct arena *arena, struct cgroup_state *state, struct err *err);

/* Work out a group's directories; makes nothing. ERR_UNSUPPORTED names a part without a hierarchy,
 * ERR_INPUT one that threads cannot have. */
int cgroup_plan_group(const struct cgroup_group_plan *plan, struct arena *arena,
		      struct cgroup_state *state, struct err *err);

/* Without a record: every directory that a group of this name would have, and that is there. */
int cgroup_guess_group(const struct cgroup_state *top, const char *name, struct arena *arena,
		       struct cgroup_state *state, struct err *err);

/* A container's place in a group. */
struct cgroup_group_place {
	const struct cgroup_state *group;
	const char *name; /* of its directory in the group's */
	const char *id;   /* hierarchies of which groups know nothing: as without a path */
};

/* In the place of cgroup_plan(). */
int cgroup_plan_in_group(const struct cgroup_group_place *place, struct arena *arena,
			 struct cgroup_state *state, struct err *err);

/* What a container's directory in a group is called when the spec gives no path. */
#define CGROUP_CONTAINER_PREFIX "masu-"

/* Make the directories. One that is there is an error (ERR_EXISTS); after an error none that was
 * made is left. */
int cgroup_create_group(struct cgroup *cgroup, const struct cgroup_resources *resources,
			struct err *err);

/* Remove its own directories with all below, and what then stands empty above. */
int cgroup_destroy_group(struct cgroup *cgroup, struct err *err);

/* True when one of its own directories is gone; the first of them is then in *dir. */
bool cgroup_group_is_broken(const struct cgroup *cgroup, const char **dir);

/* Give its own directories to a user. Those of v1 only when `v1_too`: the kernel does not guard
 * them well. ERR_UNSUPPORTED when nothing could be given. */
int cgroup_give(struct cgroup *cgroup, uid_t uid, gid_t gid, bool v1_too, struct err *err);

/* v2: so many groups below at most; elsewhere the caller counts. */
int cgroup_limit_children(struct cgroup *cgroup, uint64_t most, struct err *err);

/* The group as processes enter it: where v2 wants them in a leaf, that leaf, made if missing. */
struct cgroup *cgroup_open_members(const struct cgroup_state *state, struct arena *arena,
				   struct err *err);

/* Move one thread alone. ERR_UNSUPPORTED where only whole processes can move. */
int cgroup_enter_thread(struct cgroup *cgroup, pid_t tid, struct err *err);

/* The group with what it has for itself alone (`parts` as planned): for statistics, and to read
 * back limits. */
struct cgroup *cgroup_open_own(const struct cgroup_state *state, unsigned int parts,
			       struct arena *arena, struct err *err);

enum cgroup_members {
	CGROUP_PROCESSES = 0,
	CGROUP_THREADS = 1,
	CGROUP_BELOW = 2, /* those of the groups and containers below, too */
};

/* Ascending, no duplicates. A process is a member where one of its threads is. */
int cgroup_members(const struct cgroup *cgroup, unsigned int kind, struct arena *arena,
		   pid_t **pids, size_t *count, struct err *err);

/*
 * Where a task is, as the path below the top that cgroup_plan_top() found: "/batch/a/b", "" at the
 * top or outside of it. ESRCH when there is no such task.
 */
const char *cgroup_locate_task(const struct cgroup_state *top, pid_t tid, struct arena *arena,
			       struct err *err);

/* The same for the directory that tracks a group's processes. */
const char *cgroup_group_path(const struct cgroup_state *top, const struct cgroup_state *group);

/* SIGKILL to the group's own processes, and not to those of groups below unless `below`. Returns
 * when none is left, or ETIMEDOUT and who it is. */
int cgroup_kill_members(struct cgroup *cgroup, bool below, struct err *err);

/* Take memory back: so many bytes; with `swappiness` 0..200, or -1. EAGAIN when less was found. */
int cgroup_reclaim(struct cgroup *cgroup, uint64_t bytes, int swappiness, struct err *err);

/* A v1 hierarchy that shall be mounted, with these controllers ("cpu,cpuacct"). */
struct cgroup_mounting {
	const char *path;
	const char *controllers;
};

/*
 * Prepare a host for groups: mount these where they are not mounted yet (there already is fine,
 * elsewhere or with others is ERR_STATE), then see that every controller that groups cannot do
 * without is somewhere; a warning for others.
 */
int cgroup_setup(const struct cgroup_mounting *mounts, size_t count, struct err *err);

/* For `masu features` and `doctor`: which hierarchies this host has, as {"v1":bool,"v2":bool}. */
void cgroup_host_kinds(bool *v1, bool *v2);
extern const struct doctor_row cgroup_doctor_rows[];

/* Call back for each limit that is asked for, with its property behind "linux.resources." and the
 * row of cgroup_doctor_rows that has to be ok for it. */
typedef void cgroup_need(const char *field, const char *check, void *data);
int cgroup_each_need(const struct cgroup_resources *resources, struct arena *arena,
		     cgroup_need *tell, void *data, struct err *err);

/* gc: call back for each directory with a name of ours ("/masu-ID") in any hierarchy. */
int cgroup_each_leftover(int (*found)(const char *dir, const char *id, void *data), void *data,
			 struct err *err);
/* True when no process is in the directory itself. */
bool cgroup_dir_is_empty(const char *dir);
int cgroup_remove_dir(const char *dir, struct err *err);

/* ---- linux.intelRdt: /sys/fs/resctrl (config-linux.md "IntelRdt") ---- */
struct cgroup_rdt_spec {
	bool present;
	const char *clos_id; /* NULL: a directory named by the container id, removed at delete */
	const char *l3_cache_schema;
	const char *mem_bw_schema;
	struct json_list schemata; /* const char * */
	bool enable_monitoring;
};
extern const struct json_object cgroup_rdt_object;

struct cgroup_rdt_state {
	const char *group;   /* directory we made, or NULL */
	const char *monitor; /* mon_group we made, or NULL */
};
extern const struct json_object cgroup_rdt_state_object;

int cgroup_rdt_check(const struct cgroup_rdt_spec *spec, struct err *err);
/* Plan (fills state, no side effect), create and write schemata, put `pid` in, remove. Error when
 * resctrl is not mounted. */
int cgroup_rdt_plan(const struct cgroup_rdt_spec *spec, const char *id, struct arena *arena,
		    struct cgroup_rdt_state *state, struct err *err);
int cgroup_rdt_create(const struct cgroup_rdt_spec *spec, const struct cgroup_rdt_state *state,
		      const char *id, struct err *err);
int cgroup_rdt_enter(const struct cgroup_rdt_spec *spec, const struct cgroup_rdt_state *state,
		     const char *id, pid_t pid, struct err *err);
int cgroup_rdt_destroy(const struct cgroup_rdt_state *state, struct err *err);
bool cgroup_rdt_available(void);

/* What one resource of resctrl can do at all. */
struct cgroup_rdt_info {
	const char *cbm_mask;
	struct opt_u64 min_cbm_bits, num_closids;
	struct opt_u64 bandwidth_gran, delay_linear, min_bandwidth;
};

/* Counters of one domain, as a rule a socket. */
struct cgroup_rdt_domain {
	struct opt_u64 occupancy, total_bytes, local_bytes;
};

struct cgroup_rdt_stats {
	struct cgroup_rdt_info l3, bandwidth;
	const char *l3_root, *l3_schema;
	const char *bandwidth_root, *bandwidth_schema;
	struct json_list mbm, cmt; /* struct cgroup_rdt_domain */
};

/* As `intel_rdt` of runc's "stats" event. */
extern const struct json_object cgroup_rdt_stats_object;

/* *stats in the arena; NULL for a container without a group of its own. */
int cgroup_rdt_stats_read(const struct cgroup_rdt_state *state, struct arena *arena,
			  struct cgroup_rdt_stats **stats, struct err *err);
