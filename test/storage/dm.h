/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device-mapper by its ioctls alone, for tests and measurements: no library, nothing recorded. */
#pragma once

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "base/auto.h"

enum {
	DM_TEXT_MAX = 512,
};

/* One call's buffer; what follows the header is the target's or the message's. */
struct dm_call {
	struct dm_ioctl io;

	union {
		struct {
			struct dm_target_spec spec;
			char parameters[DM_TEXT_MAX];
		} table;

		struct {
			struct dm_target_msg head;
			char text[DM_TEXT_MAX];
		} message;
	};
};

static inline int dm_run(unsigned long request, const char *name, struct dm_call *call)
{
	auto_close int control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);

	call->io.version[0] = DM_VERSION_MAJOR;
	call->io.data_size = sizeof(*call);
	call->io.data_start = sizeof(call->io);
	snprintf(call->io.name, sizeof(call->io.name), "%s", name);
	return control < 0 ? -1 : ioctl(control, request, &call->io);
}

static inline int dm_plain(unsigned long request, const char *name, uint32_t flags)
{
	struct dm_call call = { .io = { .flags = flags } };

	return dm_run(request, name, &call);
}

static inline int dm_load(const char *name, const char *type, uint64_t sectors,
			  const char *parameters)
{
	struct dm_call call = { .io = { .target_count = 1 } };

	call.table.spec.length = sectors;
	snprintf(call.table.spec.target_type, sizeof(call.table.spec.target_type), "%s", type);
	snprintf(call.table.parameters, sizeof(call.table.parameters), "%s", parameters);
	return dm_run(DM_TABLE_LOAD, name, &call);
}

/* Make a device of one target and let it run; its minor number, or -1. */
static inline int dm_make(const char *name, const char *type, uint64_t sectors,
			  const char *parameters)
{
	struct dm_call call = { 0 };

	if (dm_run(DM_DEV_CREATE, name, &call) < 0 ||
	    dm_load(name, type, sectors, parameters) < 0 || dm_plain(DM_DEV_SUSPEND, name, 0) < 0)
		return -1;
	return (int)minor(call.io.dev);
}

static inline int dm_message(const char *name, const char *text)
{
	struct dm_call call = { 0 };

	snprintf(call.message.text, sizeof(call.message.text), "%s", text);
	return dm_run(DM_TARGET_MSG, name, &call);
}

/* Waits a little: a deferred removal, or a scan, may hold it. */
static inline int dm_remove(const char *name)
{
	for (int tries = 0; tries < 50; tries++) {
		if (dm_plain(DM_DEV_REMOVE, name, 0) == 0 || errno == ENXIO)
			return 0;
		usleep(20000);
	}
	return -1;
}
