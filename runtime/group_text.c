/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes a group's limits and counters in the form that was asked for. */
#include "runtime/group_text.h"

#include <string.h>

#include "base/err.h"
#include "runtime/group.h"
#include "runtime/lmctfy_spec.h"
#include "runtime/lmctfy_stats.h"

struct report {
	const char *type, *name;
	struct cgroup_stats *data;
};

/* clang-format off */
#define AT(member) offsetof(struct report, member)
static const struct json_row report_rows[] = {
	{ "type", JSON_TEXT,       AT(type) },
	{ "id",   JSON_TEXT,       AT(name) },
	{ "data", JSON_OBJECT_PTR, AT(data), &cgroup_stats_object },
};
/* clang-format on */

static const struct json_object report_object = JSON_OBJECT_OF(struct report, report_rows);

static int write_message(struct group *group, enum group_form form,
			 const struct proto_message *message, const void *from,
			 struct group_answer *answer, struct err *err)
{
	if (form == GROUP_PROTO_BYTES) {
		answer->bytes =
			proto_write_bytes(message, from, &answer->length, &group->arena, err);
		return answer->bytes ? 0 : -1;
	}
	const char *text = proto_write_text(message, from, &group->arena, err);

	if (!text)
		return -1;
	*answer = (struct group_answer){ text, strlen(text) };
	return 0;
}

static int write_json(struct group *group, const struct json_object *object, const void *from,
		      int indent, struct group_answer *answer, struct err *err)
{
	const char *text = json_encode(object, from, indent, &group->arena, err);

	if (!text)
		return -1;
	*answer = (struct group_answer){ text, strlen(text) };
	return 0;
}

int group_write_spec(struct group *group, enum group_form form, bool wanted,
		     struct group_answer *answer, struct err *err)
{
	struct group_spec spec = group->record.spec;
	struct lmctfy_spec *message;

	if (!wanted) {
		memset(&spec.intent, 0, sizeof(spec.intent));
		if (group_read_effective(group, &spec.intent, err) < 0)
			return -1;
	}
	if (form == GROUP_JSON)
		return write_json(group, &group_spec_object, &spec, 2, answer, err);
	message = lmctfy_describe_spec(&spec, group->is_root ? 0 : group_parts(group),
				       &group->arena, err);
	return message ? write_message(group, form, &lmctfy_spec_message, message, answer, err)
		       : -1;
}

int group_write_stats(struct group *group, enum group_form form, bool summary,
		      struct group_answer *answer, struct err *err)
{
	unsigned int parts = group_parts(group);
	struct cgroup_stats stats;
	struct report report = { "stats", group->name, &stats };
	struct lmctfy_stats *message;
	struct cgroup *own = cgroup_open_own(&group->record.cgroup, parts, &group->arena, err);
	int result = own ? cgroup_stats_read(own, &group->arena, &stats, err) : -1;

	if (own)
		cgroup_close(own);
	if (result < 0)
		return -1;
	if (form == GROUP_JSON)
		return write_json(group, &report_object, &report, 0, answer, err);
	message = lmctfy_describe_stats(group, parts, &stats, summary, err);
	return message ? write_message(group, form, &lmctfy_stats_message, message, answer, err)
		       : -1;
}
