/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `masu doctor` asks of this host: each folder lists what it knows of as rows. */
#pragma once

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_WARN,    /* some specs are refused, or something surprises */
	DOCTOR_MISSING, /* an ordinary container does not run here */
};

/* What was found, in a few words. */
struct doctor_note {
	char text[256];
};

/* One question. A table ends with a row whose check is NULL. */
struct doctor_row {
	const char *check;
	enum doctor_state (*look)(int about, struct doctor_note *note);
	int about;               /* for a function that serves several rows */
	const char *consequence; /* of an answer that is not "ok" */
	const char *remedy;
};

/* Fill the note (what does not fit is cut off) and return the state. */
enum doctor_state doctor_say(struct doctor_note *note, enum doctor_state state, const char *format,
			     ...) __attribute__((format(printf, 3, 4)));

/* The kernel's version and this process's capabilities. */
extern const struct doctor_row base_doctor_rows[];
