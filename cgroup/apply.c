/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing limits: the compiled writes of each place, in order, and the device rules. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "cgroup/cgroup.h"
#include "cgroup/devices.h"
#include "cgroup/manager.h"
#include "cgroup/place.h"
#include "cgroup/resources.h"

enum {
	WRITE_DONE = 1 << 16, /* a write's own mark while a list is worked off */
	FIELD_TEXT_MAX = 4096,
};

/* One list on its way into one place. */
struct application {
	struct cgroup_place *place;
	struct cgroup_writes writes;
	bool live;   /* the cgroup holds what an earlier update wrote */
	bool strict; /* cgroup_set_strict() */
};

/* The file is not there: the controller is not, or the kernel has no such file. */
static int explain_missing(const struct application *to, const struct cgroup_write *write,
			   struct err *err)
{
	const char *name =
		write->controller == CGROUP_CORE
			? NULL
			: cgroup_controller_name(write->controller, to->place->ops->whole);
	char list[512] = "";

	char buffer[CGROUP_FIELD_MAX];
	const char *field = cgroup_write_field(write, buffer);

	if (name && to->place->ops->whole &&
	    cgroup_place_read(to->place, "cgroup.controllers", list, sizeof(list)) >= 0 &&
	    !(cgroup_controllers_parse(list, ' ', true) & CGROUP_BIT(write->controller))) {
		err_set(err, ERR_UNSUPPORTED,
			"%s: %s/%s: the %s controller is not available in cgroup v2 here", field,
			to->place->dir, write->file, name);
		return err_hint(err, "see cgroup.controllers of %s and /proc/cgroups",
				to->place->mount);
	}
	return err_set(err, ERR_UNSUPPORTED, "%s: %s/%s: this kernel has no such file", field,
		       to->place->dir, write->file);
}

static int explain(const struct application *to, const struct cgroup_write *write, int failed,
		   struct err *err)
{
	char buffer[CGROUP_FIELD_MAX];

	if (failed == ENOENT)
		return explain_missing(to, write, err);
	errno = failed;
	err_sys(err, "%s: write %.80s to %s/%s", cgroup_write_field(write, buffer), write->text,
		to->place->dir, write->file);
	if (failed == EBUSY && write->controller == CGROUP_MEMORY)
		err_hint(err, "the container uses more than that now");
	if (failed == EOPNOTSUPP && write->controller == CGROUP_BLKIO)
		err_hint(err,
			 "the device has neither the BFQ scheduler nor a cost model (io.cost.qos)");
	if (failed == ENODEV && write->controller == CGROUP_BLKIO)
		err_hint(err, "only whole block devices that exist can be limited, by major:minor");
	return -1;
}

/* The text to write: with WRITE_KEEP_FIRST on a live container its first word is the file's. */
static const char *text_for(const struct application *to, const struct cgroup_write *write)
{
	char now[128];

	if (!(write->flags & WRITE_KEEP_FIRST) || !to->live ||
	    cgroup_place_read(to->place, write->file, now, sizeof(now)) <= 0)
		return write->text;
	now[strcspn(now, " ")] = '\0';
	const char *text = arena_printf(to->writes.arena, "%s%s", now, strchr(write->text, ' '));

	return text ? text : write->text;
}

/* The kernel takes any partition and says afterwards that it is none: "root invalid (reason)". */
static int check_partition(const struct application *to, const struct cgroup_write *write,
			   struct err *err)
{
	char now[256], buffer[CGROUP_FIELD_MAX];

	if (strcmp(write->file, "cpuset.cpus.partition") != 0 ||
	    cgroup_place_read(to->place, write->file, now, sizeof(now)) < 0 ||
	    !strstr(now, "invalid"))
		return 0;
	err_set(err, EINVAL, "%s: %s/%s is %s", cgroup_write_field(write, buffer), to->place->dir,
		write->file, now);
	return err_hint(err, "its CPUs must be free in all directories above and beside it");
}

/* No such file, or a device whose scheduler has no weights. */
static bool is_lacking(int failed)
{
	return failed == ENOENT || failed == EOPNOTSUPP;
}

static int try_write(const struct application *to, const struct cgroup_write *write)
{
	if (cgroup_place_try(to->place, write->file, text_for(to, write)) == 0)
		return 0;
	if (!is_lacking(errno) || !write->other_file)
		return -1;
	return cgroup_place_try(to->place, write->other_file, write->other_text);
}

/* A control that this kernel lacks: the container goes on without, unless it may not. */
static int go_without(const struct application *to, const struct cgroup_write *write,
		      struct err *err)
{
	char buffer[CGROUP_FIELD_MAX];
	const char *field = cgroup_write_field(write, buffer);

	if (to->strict && write->file)
		return explain_missing(to, write, err);
	if (to->strict)
		return err_set(err, ERR_UNSUPPORTED, "%s: cgroup %s has nothing like it", field,
			       to->place->ops->name);
	if (write->file)
		log_warning("%s: not in force, %s/%s does not exist", field, to->place->dir,
			    write->file);
	else
		log_warning("%s: not in force, cgroup %s has nothing like it", field,
			    to->place->ops->name);
	return 0;
}

static int do_write(struct application *to, size_t index, struct err *err)
{
	struct cgroup_write *write = &to->writes.items[index];
	const struct cgroup_write *next = write + 1;

	if (write->flags & WRITE_DONE)
		return 0;
	write->flags |= WRITE_DONE;
	if (!write->file)
		return go_without(to, write, err);
	if (try_write(to, write) == 0)
		return check_partition(to, write, err);
	int failed = errno;

	if (failed == EINVAL && write->flags & WRITE_NEXT_FIRST && index + 1 < to->writes.count &&
	    next->controller == write->controller) {
		if (do_write(to, index + 1, err) < 0)
			return -1;
		if (try_write(to, write) == 0)
			return 0;
		failed = errno;
	}
	if (is_lacking(failed) && write->flags & WRITE_SILENT)
		return 0;
	/* intent names a wish, not a file */
	if (failed == ENOENT && (write->flags & WRITE_OPTIONAL || write->from))
		return go_without(to, write, err);
	return explain(to, write, failed, err);
}

static int apply_place(const struct cgroup *cgroup, struct cgroup_place *place,
		       const struct cgroup_resources *resources, bool live, struct err *err)
{
	struct application to = {
		.place = place,
		.writes = { .arena = cgroup->arena },
		.live = live,
		.strict = cgroup->strict,
	};

	if (cgroup_knobs_compile(place->ops->knobs, place->mask, resources, &to.writes, err) < 0)
		return -1;
	for (size_t i = 0; i < to.writes.count; i++) {
		if (do_write(&to, i, err) < 0)
			return -1;
	}
	return 0;
}

/* Does the kernel have it at all? */
static int hint_at_controller(struct arena *arena, const char *name, struct err *err)
{
	const char *known = cgroup_read_text("/proc/cgroups", arena, NULL);

	if (!name || !known)
		return -1;
	if (cgroup_host_knows(known, name))
		return err_hint(err, "the kernel has it: mount it below /sys/fs/cgroup, writable");
	return err_hint(err, "this kernel was built or started without it, see /proc/cgroups");
}

int cgroup_refuse_uncovered(const struct cgroup *cgroup, const struct cgroup_resources *resources,
			    struct err *err)
{
	struct cgroup_writes writes = { .arena = cgroup->arena };
	uint32_t covered = 0;

	for (size_t i = 0; i < cgroup->count; i++)
		covered |= cgroup->places[i].mask;
	if (covered == ~UINT32_C(0))
		return 0;
	if (cgroup_knobs_compile(&cgroup_v2_knobs, ~covered, resources, &writes, err) < 0)
		return -1;
	for (size_t i = 0; i < writes.count; i++) {
		const struct cgroup_write *write = &writes.items[i];
		const char *name = cgroup_controller_name(write->controller, false);

		char buffer[CGROUP_FIELD_MAX];
		const char *field = cgroup_write_field(write, buffer);

		if (write->flags & WRITE_SILENT)
			continue;
		if (!name)
			err_set(err, ERR_UNSUPPORTED, "%s: there is no cgroup v2 hierarchy for it",
				field);
		else
			err_set(err, ERR_UNSUPPORTED,
				"%s: the %s controller is not mounted or not writable", field,
				name);
		return hint_at_controller(cgroup->arena, name, err);
	}
	return 0;
}

/*
 * Device rules go to the v1 controller where there is one; what it cannot express (an exception cut
 * out of a wildcard) goes to a BPF program on the v2 twin instead.
 */
static int apply_devices(const struct cgroup *cgroup, const struct cgroup_resources *resources,
			 bool live, struct err *err)
{
	struct cgroup_place *place = cgroup_find_place(cgroup, CGROUP_DEVICES);
	struct cgroup_place *main = cgroup_main_place(cgroup);
	struct device_rules rules;

	if (!resources->devices.count)
		return 0;
	if (device_rules_build(&resources->devices, cgroup->arena, &rules, err) < 0)
		return -1;
	if (!place)
		return err_set(err, ERR_UNSUPPORTED,
			       "linux.resources.devices: no hierarchy that can hold device rules");
	int done = place->ops->devices(place, &rules, live, cgroup->arena, err);

	if (done == 1 && main != place)
		return main->ops->devices(main, &rules, live, cgroup->arena, err);
	if (done == 1)
		return err_set(
			err, ERR_UNSUPPORTED,
			"linux.resources.devices: cgroup v1 cannot deny a part of what a rule "
			"with a wildcard allows");
	if (done == 0 && live && main != place && main->ops->forget_devices)
		return main->ops->forget_devices(main, err);
	return done;
}

static int apply(struct cgroup *cgroup, const struct cgroup_resources *resources, bool live,
		 struct err *err)
{
	if (cgroup_refuse_uncovered(cgroup, resources, err) < 0)
		return -1;
	for (size_t i = 0; i < cgroup->count; i++) {
		if (apply_place(cgroup, &cgroup->places[i], resources, live, err) < 0)
			return -1;
	}
	return apply_devices(cgroup, resources, live, err);
}

int cgroup_apply(struct cgroup *cgroup, const struct cgroup_resources *resources, struct err *err)
{
	/* the holder counts, too */
	cgroup->no_births = resources->pids.limit.set && resources->pids.limit.value >= 0 &&
			    resources->pids.limit.value <= (cgroup->holder.pid ? 1 : 0);
	return apply(cgroup, resources, false, err);
}

/* A swap limit includes memory's: one that comes alone goes with the limit in force. */
static int complete_swap(struct cgroup *cgroup, struct cgroup_memory *memory, struct err *err)
{
	struct cgroup_stats stats;

	if (memory->swap.value <= 0 || memory->limit.value)
		return 0;
	if (cgroup_stats_read(cgroup, cgroup->arena, &stats, err) < 0)
		return -1;
	if (stats.memory.usage.limit.set && stats.memory.usage.limit.value <= INT64_MAX)
		memory->limit.value = (int64_t)stats.memory.usage.limit.value;
	return 0;
}

/* The controllers that the resources need, also where the container had no use for them before. */
static int settle(const struct cgroup *cgroup, const struct cgroup_resources *resources,
		  struct err *err)
{
	for (size_t i = 0; i < cgroup->count; i++) {
		struct cgroup_place *place = &cgroup->places[i];
		struct cgroup_writes writes = { .arena = cgroup->arena };
		uint32_t needed = 0;

		if (cgroup_knobs_compile(place->ops->knobs, place->mask, resources, &writes, err) <
		    0)
			return -1;
		for (size_t at = 0; at < writes.count; at++)
			needed |=
				writes.items[at].file ? CGROUP_BIT(writes.items[at].controller) : 0;
		if (needed && place->ops->settle(place, needed, err) < 0)
			return -1;
	}
	return 0;
}

int cgroup_update(struct cgroup *cgroup, const struct cgroup_resources *asked, struct err *err)
{
	struct cgroup_resources resources = *asked;
	struct cgroup_place *memory = cgroup_find_place(cgroup, CGROUP_MEMORY);
	/* device rules change in steps: nothing may run in between and find a device missing */
	bool freeze = resources.devices.count && !cgroup_is_frozen(cgroup);

	if (complete_swap(cgroup, &resources.memory, err) < 0 || cgroup_check(&resources, err) < 0)
		return -1;
	if (memory && memory->ops->check_update &&
	    memory->ops->check_update(memory, &resources, err) < 0)
		return -1;
	if (cgroup->manager->update && cgroup->manager->update(cgroup, &resources, err) < 0)
		return -1;
	if (settle(cgroup, &resources, err) < 0 || (freeze && cgroup_freeze(cgroup, err) < 0))
		return -1;
	int result = apply(cgroup, &resources, true, err);

	if (freeze && cgroup_thaw(cgroup, result < 0 ? NULL : err) < 0)
		return -1;
	return result;
}
