/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What this host gives and lacks, and whether a given spec can run on it. */
#pragma once

#include <stddef.h>

#include "base/arena.h"
#include "base/doctor.h"
#include "base/json.h"

struct creation;
struct err;
struct masu;

/* The answers so far. Zero-initialise, with an arena. */
struct doctor {
	struct masu *masu;
	struct arena *arena;
	struct json_list answers; /* struct doctor_answer */
	int missing;              /* how many say so */
};

struct doctor_answer {
	const char *check, *state, *found, *consequence, *remedy;
};
extern const struct json_object doctor_answer_object;

/* Add an answer; what it points to is copied. Consequence and remedy count where it is not ok. */
int doctor_add(struct doctor *doctor, enum doctor_state state, const struct doctor_answer *answer,
	       struct err *err);

/* Ask one row, and all of this host. ERR_PLUGIN in the static program, before anything is asked. */
int doctor_ask(struct doctor *doctor, const struct doctor_row *row, struct err *err);
int doctor_examine_host(struct doctor *doctor, struct err *err);

/* The row of that name in the folders' tables, or NULL. */
const struct doctor_row *doctor_find(const char *check);

/* Ask for what a prepared creation needs; an answer is named by the field of the spec. */
int doctor_examine_spec(struct doctor *doctor, struct creation *creation, struct err *err);
