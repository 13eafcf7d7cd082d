/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Groups made, changed, read back and removed. */
#include "runtime/group.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "runtime/clock.h"

enum {
	ID_NONE = -1,
	SHARE_DEFAULT = 1000,
};

/* The parts of a mask as the list that records hold. */
static int list_parts(unsigned int parts, struct arena *arena, struct json_list *list,
		      struct err *err)
{
	list->items = arena_alloc(arena, 1); /* also an empty list is one */
	for (const struct name *row = cgroup_part_names; row->text; row++) {
		int *item = parts & (unsigned int)row->value ? json_grow(arena, list, sizeof(*item))
							     : NULL;

		if (item)
			*item = (int)row->value;
	}
	return list->items ? 0 : err_sys(err, "write the parts of a group");
}

unsigned int group_parts(const struct group *group)
{
	unsigned int parts = group->is_root ? ~0U : 0;

	for (size_t i = 0; i < group->record.parts.count; i++)
		parts |= (unsigned int)JSON_ITEMS(int, &group->record.parts)[i];
	return parts;
}

/* "memory, pids", for messages. */
static void describe_parts(unsigned int parts, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (const struct name *row = cgroup_part_names; row->text && length < size; row++) {
		if (parts & (unsigned int)row->value)
			length += (size_t)snprintf(text + length, size - length, "%s%s",
						   length ? ", " : "", row->text);
	}
}

/* Every group above may say how many are to be below it, at any depth. */
static int check_children_limits(struct masu *masu, const char *name, struct arena *arena,
				 struct err *err)
{
	for (const char *above = group_parent_name(name, arena); above && strcmp(above, "/") != 0;
	     above = group_parent_name(above, arena)) {
		auto_group struct group group = GROUP_INIT;
		struct json_list below = { 0 };

		if (group_open(masu, above, GROUP_UNLOCKED, &group, err) < 0)
			return -1;
		if (!group.record.spec.children.set)
			continue;
		if (group_descendants(masu, above, true, &group.arena, &below, err) < 0)
			return -1;
		if (below.count >= group.record.spec.children.value)
			return err_set(err, ERR_STATE,
				       "group %s: %s may have %llu groups below it, and has them",
				       name, above,
				       (unsigned long long)group.record.spec.children.value);
	}
	return 0;
}

static int take_id(const char *text, size_t length, struct opt_u64 *id)
{
	char digits[16];

	if (str_format(digits, sizeof(digits), "%.*s", (int)length, text) < 0 ||
	    !str_parse_u64(digits, &id->value) || id->value >= INT32_MAX)
		return -1;
	id->set = true;
	return 0;
}

/* "uid" or "uid:gid". */
static int take_owner(const char *owner, struct group_spec *spec, struct err *err)
{
	size_t length = owner ? strcspn(owner, ":") : 0;

	if (!owner)
		return 0;
	if (take_id(owner, length, &spec->owner) < 0 ||
	    (owner[length] &&
	     take_id(owner + length + 1, strlen(owner + length + 1), &spec->owner_group) < 0))
		return err_set(err, ERR_INPUT, "owner \"%.60s\": want UID or UID:GID, in numbers",
			       owner);
	return 0;
}

static int give_to_owner(struct group *group, bool v1_too, struct err *err)
{
	const struct group_spec *spec = &group->record.spec;
	uid_t uid = spec->owner.set ? (uid_t)spec->owner.value : (uid_t)ID_NONE;
	gid_t gid = spec->owner_group.set ? (gid_t)spec->owner_group.value : (gid_t)ID_NONE;

	if (!spec->owner.set && !spec->owner_group.set)
		return 0;
	return cgroup_give(group->cgroup, uid, gid, v1_too, err);
}

/* What the kernel is told, once the record says that it will be. */
static int make_cgroup(struct group *group, const struct group_creation *creation,
		       struct cgroup_resources *resources, struct err *err)
{
	const struct group_spec *spec = &group->record.spec;

	group->cgroup = cgroup_open(&group->record.cgroup, &group->arena, err);
	if (!group->cgroup || cgroup_create_group(group->cgroup, resources, err) < 0)
		return -1;
	if (cgroup_apply(group->cgroup, resources, err) < 0 ||
	    (spec->children.set &&
	     cgroup_limit_children(group->cgroup, spec->children.value, err) < 0) ||
	    give_to_owner(group, creation->v1_owner_too, err) < 0) {
		cgroup_destroy_group(group->cgroup, NULL);
		return -1;
	}
	return 0;
}

/* Everything before the first side effect. */
static int prepare(struct masu *masu, const struct group_creation *creation, struct group *group,
		   struct group *parent, struct cgroup_resources **resources, struct err *err)
{
	struct group_record *record = &group->record;
	unsigned int parts = 0;

	if (group_spec_read(creation->spec, &group->arena, &record->spec, &parts, err) < 0 ||
	    take_owner(creation->owner, &record->spec, err) < 0)
		return -1;
	if (creation->batch_by_default && parts & CGROUP_PART_CPU && !record->spec.intent.cpu.class)
		record->spec.intent.cpu.class = CGROUP_NORMAL;
	const struct cgroup_group_plan plan = {
		.name = group->name,
		.parent = &parent->record.cgroup,
		.parts = parts,
		.batch = group_spec_is_batch(&record->spec),
		.threaded = creation->threaded,
	};

	record->version = GROUP_VERSION;
	record->name = group->name;
	record->created = clock_timestamp(&group->arena);
	if (list_parts(parts, &group->arena, &record->parts, err) < 0 ||
	    cgroup_plan_group(&plan, &group->arena, &record->cgroup, err) < 0)
		return -1;
	*resources = group_spec_compile(&record->spec, creation->strict, &group->arena, err);
	if (!*resources)
		return -1;
	return check_children_limits(masu, group->name, &group->arena, err);
}

int group_create(struct masu *masu, const struct group_creation *creation, struct err *err)
{
	auto_group struct group group = GROUP_INIT, parent = GROUP_INIT;
	struct cgroup_resources *resources;
	const char *base = "/", *above;

	group.masu = masu;
	if (creation->name[0] != '/')
		base = group_detect(masu, getpid(), &group.arena, err);
	group.name = base ? group_resolve_name(base, creation->name, &group.arena, err) : NULL;
	if (!group.name)
		return -1;
	if (strcmp(group.name, "/") == 0)
		return err_set(err, ERR_EXISTS, "group / is always there");
	above = group_parent_name(group.name, &group.arena);
	/* the lock of the one above keeps it from going away, and counts of children right */
	if (!above || group_open(masu, above, GROUP_LOCKED, &parent, err) < 0 ||
	    prepare(masu, creation, &group, &parent, &resources, err) < 0 ||
	    group_begin(&group, err) < 0)
		return -1;
	if (make_cgroup(&group, creation, resources, err) == 0 && group_finish(&group, err) == 0)
		return 0;
	group_forget(&group, NULL);
	return -1;
}

/* The class says where the group's directories are. */
static int check_class(const struct group *group, const struct group_spec *spec, struct err *err)
{
	int before = group->record.spec.intent.cpu.class, now = spec->intent.cpu.class;

	if (now == before)
		return 0;
	err_set(err, ERR_INPUT, "cpu.class: %s cannot become %s: it stays what it was made",
		before ? names_text(cgroup_class_names, before) : "nothing",
		now ? names_text(cgroup_class_names, now) : "nothing");
	return err_hint(err, "make another group, and move the processes");
}

static int check_update(const struct group *group, enum group_update_mode mode, unsigned int parts,
			const struct group_spec *spec, struct err *err)
{
	unsigned int own = group_parts(group);
	char text[128];

	if (parts & ~own) {
		describe_parts(parts & ~own, text, sizeof(text));
		err_set(err, ERR_STATE, "it was made without %s", text);
		return err_hint(err, "what a group isolates is chosen when it is made");
	}
	/* the mask is a part of cpu, and perf has nothing to say */
	own &= ~(unsigned int)(CGROUP_PART_CPUSET | CGROUP_PART_PERF);
	if (mode == GROUP_UPDATE_REPLACE && own & ~parts) {
		describe_parts(own & ~parts, text, sizeof(text));
		return err_set(err, ERR_INPUT, "%s is missing, and the group isolates it", text);
	}
	if (spec->owner.value != group->record.spec.owner.value ||
	    spec->owner_group.value != group->record.spec.owner_group.value)
		return err_set(err, ERR_INPUT, "owner: it stays what the group was made with");
	return check_class(group, spec, err);
}

int group_update(struct group *group, enum group_update_mode mode, const struct spec_text *text,
		 bool strict, struct err *err)
{
	const struct group_spec *before = &group->record.spec;
	struct group_spec spec = { 0 }, asked;
	unsigned int parts;

	if (group->is_root)
		return err_set(err, ERR_STATE, "the machine has no limits to update");
	if (mode == GROUP_UPDATE_DIFF)
		spec = *before;
	if (group_spec_read(text, &group->arena, &spec, &parts, err) < 0)
		return -1;
	/* neither can change, so leaving them out of a replacement means nothing */
	if (!spec.intent.cpu.class)
		spec.intent.cpu.class = before->intent.cpu.class;
	if (!spec.owner.set)
		spec.owner = before->owner;
	if (!spec.owner_group.set)
		spec.owner_group = before->owner_group;
	if (check_update(group, mode, parts, &spec, err) < 0)
		return -1;
	asked = spec;
	if (mode == GROUP_UPDATE_REPLACE &&
	    group_spec_reset(&asked, before, &group->arena, err) < 0)
		return -1;
	struct cgroup_resources *resources = group_spec_compile(&asked, strict, &group->arena, err);

	if (!resources || group_open_cgroup(group, err) < 0 ||
	    cgroup_update(group->cgroup, resources, err) < 0 ||
	    (spec.children.set &&
	     cgroup_limit_children(group->cgroup, spec.children.value, err) < 0))
		return -1;
	group->record.spec = spec;
	return group_write(group, err);
}

int group_read_effective(struct group *group, struct cgroup_intent *effective, struct err *err)
{
	unsigned int parts = group_parts(group);

	if (group_open_cgroup(group, err) < 0)
		return -1;
	struct cgroup *own = cgroup_open_own(&group->record.cgroup, parts, &group->arena, err);

	if (!own)
		return -1;
	int result = cgroup_intent_read(own, &group->arena, effective, err);

	cgroup_close(own);
	/* every cgroup has a share; one that nobody asked for is no limit */
	if (effective->cpu.share.value == SHARE_DEFAULT && !group->record.spec.intent.cpu.share.set)
		effective->cpu.share = (struct opt_i64){ 0 };
	/* where it is placed is not in any file */
	if (result == 0 && !effective->cpu.class && parts & CGROUP_PART_CPU)
		effective->cpu.class = group->record.spec.intent.cpu.class;
	return result;
}

/* Nothing may live in it, and nothing below. */
static int check_empty(struct group *group, struct err *err)
{
	struct json_list children = { 0 };
	size_t count = 0;
	pid_t *tasks;

	if (group_children(group->masu, group->name, true, &group->arena, &children, err) < 0)
		return -1;
	if (children.count) {
		err_set(err, ERR_STATE, "there are groups below it, %s is one",
			JSON_ITEMS(const char *, &children)[0]);
		return err_hint(err, "-f destroys them with it");
	}
	if (!group->record.version || group_open_cgroup(group, NULL) < 0)
		return 0;
	if (cgroup_members(group->cgroup, CGROUP_THREADS | CGROUP_BELOW, &group->arena, &tasks,
			   &count, err) < 0)
		return -1;
	if (!count)
		return 0;
	err_set(err, ERR_STATE, "%zu threads are in it, %d is one", count, (int)tasks[0]);
	return err_hint(err, "-f kills them");
}

/* One group that has none below it. Its record goes last, so that a failure can be tried again. */
static int destroy_one(struct masu *masu, const char *name, bool force, struct err *err)
{
	auto_group struct group group = GROUP_INIT;

	if (force ? group_open_wreck(masu, name, &group, err) < 0
		  : group_open(masu, name, GROUP_LOCKED, &group, err) < 0)
		return -1;
	if (!force && check_empty(&group, err) < 0)
		return -1;
	if (group_retire(&group, err) < 0)
		return -1;
	if (!group.record.version &&
	    cgroup_guess_group(&group.top, group.name, &group.arena, &group.record.cgroup, err) < 0)
		return -1;
	group.cgroup = cgroup_open(&group.record.cgroup, &group.arena, err);
	if (!group.cgroup)
		return -1;
	if (force && cgroup_kill_members(group.cgroup, true, err) < 0)
		return -1;
	if (cgroup_destroy_group(group.cgroup, err) < 0)
		return -1;
	return group_forget(&group, err);
}

int group_destroy(struct masu *masu, const char *name, bool force, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct json_list below = { 0 };
	const char *full = NULL;

	{
		/* relative names mean the same for all that follows */
		auto_group struct group group = GROUP_INIT;

		if (group_open_wreck(masu, name, &group, err) < 0)
			return -1;
		if (group.is_root)
			return err_set(err, ERR_STATE, "it is the machine's");
		full = arena_strdup(&arena, group.name);
	}
	if (!full)
		return err_sys(err, "destroy group %s", name);
	if (force && group_descendants(masu, full, true, &arena, &below, err) < 0)
		return -1;
	/* children first: each name stands before those below it */
	for (size_t i = below.count; i > 0; i--) {
		struct err why = { 0 };

		if (destroy_one(masu, JSON_ITEMS(const char *, &below)[i - 1], true, &why) < 0 &&
		    why.code != ERR_NOT_FOUND) {
			if (err)
				*err = why;
			return -1;
		}
	}
	return destroy_one(masu, full, force, err);
}
