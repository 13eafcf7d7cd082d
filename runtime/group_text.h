/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A group's limits and counters as JSON and in lmctfy's forms. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;
struct group;

enum group_form {
	GROUP_JSON,
	GROUP_PROTO,
	GROUP_PROTO_BYTES,
};

/* In the group's arena. */
struct group_answer {
	const void *bytes;
	size_t length;
};

int group_write_spec(struct group *group, enum group_form form, bool wanted,
		     struct group_answer *answer, struct err *err);
int group_write_stats(struct group *group, enum group_form form, bool summary,
		      struct group_answer *answer, struct err *err);
