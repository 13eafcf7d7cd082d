/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Device-mapper tasks. Devices are used as /dev/dm-N, which devtmpfs makes before the ioctl
 * returns: no udev, no cookies, no waiting. */
#include "storage/devmapper/mapper.h"

#include <errno.h>
#include <libdevmapper.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

/* udev, where it runs, is told to leave our devices alone: a scan that holds one open for an
 * instant makes its removal fail. */
enum {
	HANDS_OFF = DM_UDEV_DISABLE_DM_RULES_FLAG | DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG |
		    DM_UDEV_DISABLE_DISK_RULES_FLAG | DM_UDEV_DISABLE_OTHER_RULES_FLAG |
		    DM_UDEV_LOW_PRIORITY_FLAG,
};

__attribute__((format(printf, 5, 6))) static void ignore_log(int level, const char *file, int line,
							     int code, const char *format, ...)
{
	(void)level;
	(void)file;
	(void)line;
	(void)code;
	(void)format;
}

static struct dm_task *start(int type, const char *name)
{
	struct dm_task *task;

	dm_log_with_errno_init(ignore_log);
	dm_udev_set_sync_support(0);
	task = dm_task_create(type);
	if (!task || (name && !dm_task_set_name(task, name))) {
		if (task)
			dm_task_destroy(task);
		errno = ENOMEM;
		return NULL;
	}
	return task;
}

/*
 * Give up the library's descriptor of /dev/mapper/control: it is opened without O_CLOEXEC and would
 * be inherited by whatever is started next.
 */
static void end(struct dm_task *task)
{
	int code = errno;

	if (task)
		dm_task_destroy(task);
	dm_lib_release();
	errno = code;
}

static int run(struct dm_task *task)
{
	uint32_t cookie = 0;

	if (dm_task_set_cookie(task, &cookie, HANDS_OFF) && dm_task_run(task))
		return 0;
	errno = dm_task_get_errno(task);
	if (!errno)
		errno = EIO;
	return -1;
}

/* A task with nothing but a name. */
static int run_simple(int type, const char *name)
{
	struct dm_task *task = start(type, name);
	int result = task ? run(task) : -1;

	end(task);
	return result;
}

static int has_target(struct dm_task *task, const char *target)
{
	struct dm_versions *row = dm_task_get_versions(task);

	for (;;) {
		if (strcmp(row->name, target) == 0)
			return 1;
		if (!row->next)
			return 0;
		row = (struct dm_versions *)((char *)row + row->next);
	}
}

int mapper_probe(const char *target, struct err *err)
{
	struct dm_task *task = start(DM_DEVICE_LIST_VERSIONS, NULL);
	int result = task ? run(task) : -1;

	if (result < 0)
		err_set(err, ERR_UNSUPPORTED, "this kernel has no device-mapper");
	else if (!has_target(task, target))
		result = err_set(err, ERR_UNSUPPORTED,
				 "this kernel has no target %s: modprobe dm-thin-pool", target);
	end(task);
	return result;
}

int mapper_get_state(const char *name, struct mapper_state *state, struct err *err)
{
	struct dm_task *task = start(DM_DEVICE_INFO, name);
	struct dm_info info = { 0 };
	int result = task ? run(task) : -1;

	*state = (struct mapper_state){ 0 };
	if (result == 0 && !dm_task_get_info(task, &info))
		result = -1;
	if (result < 0 && errno != ENXIO) {
		err_sys(err, "look at device %s", name);
		end(task);
		return -1;
	}
	state->exists = result == 0 && info.exists;
	state->suspended = info.suspended;
	state->deferred = info.deferred_remove;
	state->open_count = info.open_count;
	state->major = info.major;
	state->minor = info.minor;
	end(task);
	return 0;
}

void mapper_path(const struct mapper_state *state, char path[MAPPER_PATH_MAX])
{
	snprintf(path, MAPPER_PATH_MAX, "/dev/dm-%u", state->minor);
}

int mapper_create(const struct mapper_table *table, char path[MAPPER_PATH_MAX], struct err *err)
{
	struct dm_task *task = start(DM_DEVICE_CREATE, table->name);
	struct dm_info info = { 0 };
	int result = -1;

	if (task && dm_task_set_uuid(task, table->uuid) &&
	    dm_task_add_target(task, 0, table->sectors, table->target, table->parameters))
		result = run(task);
	if (result == 0 && path) {
		dm_task_get_info(task, &info);
		mapper_path(&(struct mapper_state){ .minor = info.minor }, path);
	}
	end(task);
	return result < 0 ? err_sys(err, "make device %s", table->name) : 0;
}

int mapper_reload(const struct mapper_table *table, struct err *err)
{
	struct dm_task *task = start(DM_DEVICE_RELOAD, table->name);
	int result = -1;

	if (task && dm_task_add_target(task, 0, table->sectors, table->target, table->parameters))
		result = run(task);
	end(task);
	return result < 0 ? err_sys(err, "change device %s", table->name) : 0;
}

int mapper_suspend(const char *name, struct err *err)
{
	return run_simple(DM_DEVICE_SUSPEND, name) < 0 ? err_sys(err, "suspend device %s", name)
						       : 0;
}

int mapper_resume(const char *name, struct err *err)
{
	return run_simple(DM_DEVICE_RESUME, name) < 0 ? err_sys(err, "resume device %s", name) : 0;
}

int mapper_remove(const char *name, bool deferred, struct err *err)
{
	struct dm_task *task = start(DM_DEVICE_REMOVE, name);
	int result = -1;

	if (task && (!deferred || dm_task_deferred_remove(task)))
		result = run(task);
	end(task);
	if (result == 0 || errno == ENXIO)
		return 0;
	return err_sys(err, "remove device %s", name);
}

int mapper_message(const char *name, struct err *err, const char *format, ...)
{
	struct dm_task *task = start(DM_DEVICE_TARGET_MSG, name);
	char message[128];
	va_list args;
	int result = -1;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	if (task && dm_task_set_message(task, message) && dm_task_set_sector(task, 0))
		result = run(task);
	end(task);
	if (result == 0)
		return 0;
	int code = errno;

	err_sys(err, "tell device %s \"%s\"", name, message);
	errno = code;
	return -1;
}

int mapper_status(const char *name, char *text, unsigned int size, struct err *err)
{
	struct dm_task *task = start(DM_DEVICE_STATUS, name);
	int result = task ? run(task) : -1;
	char *type = NULL, *parameters = NULL;
	uint64_t from, length;

	if (result == 0) {
		dm_get_next_target(task, NULL, &from, &length, &type, &parameters);
		result = parameters ? str_format(text, size, "%s", parameters) : -1;
	}
	end(task);
	return result < 0 ? err_sys(err, "ask device %s for its status", name) : 0;
}

int mapper_each(const char *prefix, int (*found)(const char *name, void *data), void *data,
		struct err *err)
{
	struct dm_task *task = start(DM_DEVICE_LIST, NULL);
	int result = task ? run(task) : -1;

	if (result < 0) {
		err_sys(err, "list the devices");
		end(task);
		return -1;
	}
	struct dm_names *row = dm_task_get_names(task);

	for (bool more = row && row->dev; more && result == 0;) {
		if (str_starts(row->name, prefix))
			result = found(row->name, data);
		more = row->next != 0;
		row = (struct dm_names *)((char *)row + row->next);
	}
	end(task);
	return result;
}
