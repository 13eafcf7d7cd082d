/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions of masu-resources.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "runtime/api.h"
#include "runtime/group.h"
#include "runtime/group_text.h"
#include "runtime/lmctfy_spec.h"
#include "runtime/masu-resources.h"

static struct spec_text spec_of(const struct masu_group_options *options)
{
	const char *text = options->spec ? options->spec : "";

	return (struct spec_text){
		.source = options->source ? options->source : "spec",
		.text = text,
		.length = options->spec_length ? options->spec_length : strlen(text),
	};
}

static int check_name(const char *name, struct err *err)
{
	return name ? 0 : err_set(err, ERR_INPUT, "group name: it is missing");
}

int masu_group_create(struct masu *masu, const struct masu_group_options *given,
		      struct masu_error *error)
{
	struct err *err = api_error(error);
	struct masu_group_options options;

	if (api_options(&options, sizeof(options), given, err) < 0 ||
	    check_name(options.name, err) < 0)
		return -1;
	const struct spec_text spec = spec_of(&options);
	const struct group_creation creation = {
		.name = options.name,
		.spec = &spec,
		.owner = options.owner,
		.threaded = options.threaded,
		.v1_owner_too = options.v1_owner_too,
		.batch_by_default = options.batch_by_default,
		.strict = options.strict,
	};

	return group_create(masu, &creation, err);
}

int masu_group_init(struct masu *masu, const struct masu_group_options *given,
		    struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_arena struct arena arena = { 0 };
	struct masu_group_options options;
	struct json_list mounts = { 0 };

	(void)masu;
	if (api_options(&options, sizeof(options), given, err) < 0)
		return -1;
	const struct spec_text spec = spec_of(&options);

	if (lmctfy_read_init(&spec, &arena, &mounts, err) < 0)
		return -1;
	return cgroup_setup(mounts.items, mounts.count, err);
}

int masu_group_update(struct masu *masu, enum masu_group_update_mode mode,
		      const struct masu_group_options *given, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_group struct group group = GROUP_INIT;
	struct masu_group_options options;

	if (api_options(&options, sizeof(options), given, err) < 0 ||
	    check_name(options.name, err) < 0 ||
	    group_open(masu, options.name, GROUP_LOCKED, &group, err) < 0)
		return -1;
	const struct spec_text spec = spec_of(&options);

	return group_update(&group,
			    mode == MASU_GROUP_REPLACE ? GROUP_UPDATE_REPLACE : GROUP_UPDATE_DIFF,
			    &spec, options.strict, err);
}

int masu_group_destroy(struct masu *masu, const char *name, unsigned int flags,
		       struct masu_error *error)
{
	return group_destroy(masu, name, flags & MASU_GROUP_FORCE, api_error(error));
}

int masu_groups(struct masu *masu, const char *name, unsigned int flags, masu_text_callback *report,
		void *data, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_group struct group group = GROUP_INIT;
	struct json_list names = { 0 };

	if (group_open(masu, name, GROUP_UNLOCKED, &group, err) < 0)
		return -1;
	int result = flags & MASU_GROUP_RECURSIVE
			     ? group_descendants(masu, group.name, false, &group.arena, &names, err)
			     : group_children(masu, group.name, false, &group.arena, &names, err);

	for (size_t i = 0; result == 0 && i < names.count; i++)
		report(JSON_ITEMS(const char *, &names)[i], data);
	return result;
}

/* Open a group and its cgroup. */
static int open_live(struct masu *masu, const char *name, enum group_lock lock, struct group *group,
		     struct err *err)
{
	if (group_open(masu, name, lock, group, err) < 0)
		return -1;
	return group_open_cgroup(group, err);
}

int masu_group_tasks(struct masu *masu, const char *name, unsigned int flags, pid_t **pids,
		     size_t *count, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_group struct group group = GROUP_INIT;
	unsigned int kind = (flags & MASU_GROUP_THREADS ? CGROUP_THREADS : CGROUP_PROCESSES) |
			    (flags & MASU_GROUP_RECURSIVE ? CGROUP_BELOW : 0);
	pid_t *found, *copy;
	size_t found_count;

	if (open_live(masu, name, GROUP_UNLOCKED, &group, err) < 0 ||
	    cgroup_members(group.cgroup, kind, &group.arena, &found, &found_count, err) < 0)
		return -1;
	copy = calloc(found_count + 1, sizeof(*copy));
	if (!copy)
		return err_sys(err, "processes of %s", name);
	memcpy(copy, found, found_count * sizeof(*copy));
	*pids = copy;
	*count = found_count;
	return 0;
}

int masu_group_detect(struct masu *masu, pid_t tid, char **name, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_arena struct arena arena = { 0 };
	const char *found = group_detect(masu, tid, &arena, err);
	char *copy = found ? strdup(found) : NULL;

	if (!copy)
		return found ? err_sys(err, "find task %d", (int)tid) : -1;
	*name = copy;
	return 0;
}

int masu_group_enter(struct masu *masu, const char *name, const pid_t *tids, size_t count,
		     unsigned int flags, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_group struct group group = GROUP_INIT;

	if (open_live(masu, name, GROUP_UNLOCKED, &group, err) < 0)
		return -1;
	return group_enter(&group, tids, count, flags & MASU_GROUP_THREADS, err);
}

static int check_args(const char *const *args, struct err *err)
{
	return args && args[0] ? 0 : err_set(err, ERR_INPUT, "no program given");
}

int masu_group_exec(struct masu *masu, const char *name, const char *const *args,
		    struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_group struct group group = GROUP_INIT;

	if (check_args(args, err) < 0 || open_live(masu, name, GROUP_UNLOCKED, &group, err) < 0)
		return -1;
	return group_exec(&group, args, err);
}

int masu_group_run(struct masu *masu, const char *name, const char *const *args, const int *stdio,
		   pid_t *pid, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_group struct group group = GROUP_INIT;

	if (check_args(args, err) < 0 || open_live(masu, name, GROUP_UNLOCKED, &group, err) < 0)
		return -1;
	pid_t born = group_run(&group, args, stdio, err);

	if (born < 0)
		return -1;
	*pid = born;
	return 0;
}

static int check_not_root(const struct group *group, struct err *err)
{
	return group->is_root ? err_set(err, ERR_STATE, "it is the machine's") : 0;
}

int masu_group_pause(struct masu *masu, const char *name, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_group struct group group = GROUP_INIT;

	if (open_live(masu, name, GROUP_LOCKED, &group, err) < 0 || check_not_root(&group, err) < 0)
		return -1;
	return cgroup_freeze(group.cgroup, err);
}

int masu_group_resume(struct masu *masu, const char *name, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_group struct group group = GROUP_INIT;

	if (open_live(masu, name, GROUP_LOCKED, &group, err) < 0 || check_not_root(&group, err) < 0)
		return -1;
	return cgroup_thaw(group.cgroup, err);
}

int masu_group_kill(struct masu *masu, const char *name, unsigned int flags,
		    struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_group struct group group = GROUP_INIT;

	if (open_live(masu, name, GROUP_UNLOCKED, &group, err) < 0 ||
	    check_not_root(&group, err) < 0)
		return -1;
	return cgroup_kill_members(group.cgroup, flags & MASU_GROUP_RECURSIVE, err);
}

int masu_group_reclaim(struct masu *masu, const char *name, uint64_t bytes, int swappiness,
		       struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_group struct group group = GROUP_INIT;

	if (open_live(masu, name, GROUP_LOCKED, &group, err) < 0)
		return -1;
	return cgroup_reclaim(group.cgroup, bytes, swappiness, err);
}

/* What a group_text function wrote, for the caller. */
static int give(const struct group_answer *answer, char **text, size_t *length, struct err *err)
{
	char *copy = malloc(answer->length + 1);

	if (!copy)
		return err_sys(err, "copy the answer");
	memcpy(copy, answer->bytes, answer->length);
	copy[answer->length] = '\0';
	*text = copy;
	if (length)
		*length = answer->length;
	return 0;
}

int masu_group_spec(struct masu *masu, const char *name, enum masu_group_form form,
		    unsigned int flags, char **text, size_t *length, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_group struct group group = GROUP_INIT;
	struct group_answer answer;

	if (group_open(masu, name, GROUP_UNLOCKED, &group, err) < 0 ||
	    group_write_spec(&group, (enum group_form)form, flags & MASU_GROUP_WANTED, &answer,
			     err) < 0)
		return -1;
	return give(&answer, text, length, err);
}

int masu_group_stats(struct masu *masu, const char *name, enum masu_group_form form,
		     unsigned int flags, char **text, size_t *length, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_group struct group group = GROUP_INIT;
	struct group_answer answer;

	if (open_live(masu, name, GROUP_UNLOCKED, &group, err) < 0 ||
	    group_write_stats(&group, (enum group_form)form, flags & MASU_GROUP_SUMMARY, &answer,
			      err) < 0)
		return -1;
	return give(&answer, text, length, err);
}
