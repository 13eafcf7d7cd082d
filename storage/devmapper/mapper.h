/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dozen device-mapper operations that the driver needs, over libdevmapper, without udev. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

struct mapper_state {
	bool exists, suspended, deferred;
	int open_count;
	unsigned int major, minor;
};

enum {
	MAPPER_PATH_MAX = 32,
};

/* 0 with the reason in the record's absence when this kernel has device-mapper and the target. */
int mapper_probe(const char *target, struct err *err);

int mapper_get_state(const char *name, struct mapper_state *state, struct err *err);

/* One target over the whole device. `path` gets /dev/dm-N; may be NULL. */
struct mapper_table {
	const char *name, *uuid, *target, *parameters;
	uint64_t sectors;
};

int mapper_create(const struct mapper_table *table, char path[MAPPER_PATH_MAX], struct err *err);

/* Another table for a device that exists; it counts from the next resume on. */
int mapper_reload(const struct mapper_table *table, struct err *err);

int mapper_suspend(const char *name, struct err *err);
int mapper_resume(const char *name, struct err *err);

/* Gone already is success. `deferred`: go with the last user. */
int mapper_remove(const char *name, bool deferred, struct err *err);

/* -1 with errno kept, so that EEXIST, ENODATA and EBUSY can be told apart. */
int mapper_message(const char *name, struct err *err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

int mapper_status(const char *name, char *text, unsigned int size, struct err *err);

/* Every device whose name begins so. */
int mapper_each(const char *prefix, int (*found)(const char *name, void *data), void *data,
		struct err *err);

/* /dev/dm-N of a state. */
void mapper_path(const struct mapper_state *state, char path[MAPPER_PATH_MAX]);
