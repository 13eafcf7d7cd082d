/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* systemd units as data: their names, their directories, and limits as their properties. Nothing
 * here talks to systemd. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

struct arena;
struct cgroup_resources;
struct cgroup_place;
struct err;

/* ---- names (unit_name.c) ---- */

struct unit_name {
	const char *slice; /* "system.slice"; "-.slice" is the root */
	const char *scope; /* "masu-web1.scope" */
	const char
		*dir; /* of the scope, below the manager's own: "/system.slice/masu-web1.scope" */
};

/*
 * From linux.cgroupsPath as "slice:prefix:name", where slice may be empty for the default; NULL or
 * "" is ":masu:ID". ERR_INPUT for anything else and for names that systemd would refuse.
 */
int unit_name_parse(const char *path, const char *id, const char *default_slice,
		    struct arena *arena, struct unit_name *name, struct err *err);

/* ---- properties (unit_property.c) ---- */

/* As D-Bus calls the types. */
enum unit_type {
	UNIT_BOOL,   /* b: number */
	UNIT_NUMBER, /* t: number */
	UNIT_TEXT,   /* s: text */
	UNIT_PID,    /* au with one element: number */
	UNIT_MASK,   /* ay: bytes */
	UNIT_DEVICE, /* a(st) with one element: text is the device's path, number its value */
};

struct unit_property {
	const char *name;
	enum unit_type type;
	const char *text;
	uint64_t number;
	const uint8_t *bytes;
	size_t length;
	bool unknown; /* set when systemd turned out not to know it */
};

/* A growing list of struct unit_property; running out of memory is remembered in `failed`. */
struct unit_properties {
	struct arena *arena;
	struct json_list list;
	bool failed;
};

void unit_put(struct unit_properties *properties, const struct unit_property *property);

/*
 * The limits that systemd can take. Others are in force through the container's own directory only.
 * `live` (may be NULL) is the directory of a running container: what `resources` leaves open there
 * stays as it is.
 */
int unit_limits(const struct cgroup_resources *resources, struct cgroup_place *live,
		struct unit_properties *properties, struct err *err);

/*
 * The properties that the spec's annotations org.systemd.property.NAME ask for, of those that may
 * be asked for. ERR_INPUT for the others and for a value of the wrong type.
 */
int unit_annotations(const struct json_list *annotations, struct unit_properties *properties,
		     struct err *err);
