/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What making a container's cgroups and limiting it would write, as a list; nothing is written. */
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "cgroup/cgroup.h"
#include "cgroup/devices.h"
#include "cgroup/place.h"
#include "cgroup/resources.h"

/* clang-format off */
#define AT(member) offsetof(struct cgroup_explained, member)
static const struct json_row explained_rows[] = {
	{ "field", JSON_TEXT, AT(field) },
	{ "file",  JSON_TEXT, AT(file) },
	{ "value", JSON_TEXT, AT(value) },
	{ "note",  JSON_TEXT, AT(note) },
};
#undef AT
/* clang-format on */

const struct json_object cgroup_explained_object =
	JSON_OBJECT_OF(struct cgroup_explained, explained_rows);

static const char devices_field[] = "linux.resources.devices";

int cgroup_explain_put(struct cgroup_explanation *to, const struct cgroup_explained *row)
{
	struct cgroup_explained *new = json_grow(to->arena, to->rows, sizeof(*new));

	if (!new)
		return -1;
	*new = *row;
	return 0;
}

/* A row about a file of the place. */
static int put(struct cgroup_explanation *to, const struct cgroup_place *place, const char *file,
	       const struct cgroup_explained *rest)
{
	struct cgroup_explained row = *rest;

	row.file = arena_printf(to->arena, "%s/%s", place->dir, file);
	return row.file && row.value ? cgroup_explain_put(to, &row) : -1;
}

static int put_write(struct cgroup_explanation *to, const struct cgroup_place *place,
		     const struct cgroup_write *write)
{
	char buffer[CGROUP_FIELD_MAX];
	struct cgroup_explained row = {
		.field = arena_strdup(to->arena, cgroup_write_field(write, buffer)),
		.value = write->text,
	};

	if (!row.field)
		return -1;
	if (!write->file) {
		row.note = arena_printf(to->arena, "not in force, cgroup %s has nothing like it",
					place->ops->name);
		return row.note ? cgroup_explain_put(to, &row) : -1;
	}
	if (write->other_file) {
		row.note = arena_printf(to->arena, "where it is missing: %s to %s",
					write->other_text, write->other_file);
		if (!row.note)
			return -1;
	} else if (write->flags & (WRITE_OPTIONAL | WRITE_SILENT)) {
		row.note = "where the kernel has it";
	}
	return put(to, place, write->file, &row);
}

static int explain_writes(struct cgroup_explanation *to, const struct cgroup_place *place,
			  const struct cgroup_writes *writes)
{
	for (size_t i = 0; i < writes->count; i++) {
		if (put_write(to, place, &writes->items[i]) < 0)
			return -1;
	}
	return 0;
}

/* The place's own preparation, then its limits. */
static int explain_place(struct cgroup_explanation *to, struct cgroup_place *place,
			 const struct cgroup_resources *resources, struct err *err)
{
	struct cgroup_writes writes = { .arena = to->arena };
	uint32_t needed = 0;

	if (cgroup_knobs_compile(place->ops->knobs, place->mask, resources, &writes, err) < 0)
		return -1;
	for (size_t i = 0; i < writes.count; i++)
		needed |= writes.items[i].file ? CGROUP_BIT(writes.items[i].controller) : 0;
	if (place->ops->explain_settle(place, needed, to) < 0 ||
	    explain_writes(to, place, &writes) < 0)
		return err_set(err, ENOMEM, "explain limits: out of memory");
	return 0;
}

static int explain_v1_devices(struct cgroup_explanation *to, const struct cgroup_place *place,
			      bool allow, const struct device_rule *exceptions, size_t count)
{
	struct cgroup_explained row = { .field = devices_field, .value = "a" };

	if (put(to, place, allow ? "devices.allow" : "devices.deny", &row) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		char line[DEVICE_LINE_MAX];

		if (!exceptions[i].access)
			continue;
		row.value = arena_strdup(to->arena, device_rule_line(&exceptions[i], line));
		if (put(to, place, allow ? "devices.deny" : "devices.allow", &row) < 0)
			return -1;
	}
	return 0;
}

static int explain_devices(struct cgroup_explanation *to, const struct cgroup *cgroup,
			   const struct cgroup_resources *resources, struct err *err)
{
	struct cgroup_place *place = cgroup_find_place(cgroup, CGROUP_DEVICES);
	struct cgroup_place *main = cgroup_main_place(cgroup);
	struct device_rules rules;
	size_t count;

	if (!resources->devices.count || !place)
		return 0;
	if (device_rules_build(&resources->devices, to->arena, &rules, err) < 0)
		return -1;
	struct device_rule *exceptions =
		arena_alloc(to->arena, (2 * rules.count + 1) * sizeof(*exceptions));

	if (!exceptions)
		return err_sys(err, "explain limits");
	if (!place->ops->whole && device_rules_flatten(&rules, exceptions, &count))
		return explain_v1_devices(to, place, rules.allow, exceptions, count) < 0
			       ? err_sys(err, "explain limits")
			       : 0;
	const struct cgroup_explained row = {
		.field = devices_field,
		.file = main->dir,
		.value = arena_printf(to->arena, "BPF program of %zu rules, else %s", rules.count,
				      rules.allow ? "allow" : "deny"),
	};

	return row.value && cgroup_explain_put(to, &row) == 0 ? 0 : err_sys(err, "explain limits");
}

int cgroup_explain(struct cgroup *cgroup, const struct cgroup_resources *resources,
		   struct json_list *rows, struct err *err)
{
	struct cgroup_explanation to = { .arena = cgroup->arena, .rows = rows };

	if (cgroup_refuse_uncovered(cgroup, resources, err) < 0)
		return -1;
	for (size_t i = 0; i < cgroup->count; i++) {
		if (explain_place(&to, &cgroup->places[i], resources, err) < 0)
			return -1;
	}
	return explain_devices(&to, cgroup, resources, err);
}
