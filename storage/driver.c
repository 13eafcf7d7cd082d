/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The drivers, in the order in which a new store prefers them, and the choice between them. */
#include "storage/driver.h"

#include <string.h>
#include <sys/vfs.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/names.h"
#include "base/plugin.h"

/* devicemapper is not here: it is never chosen by itself, because it needs a pool that somebody
 * made on purpose. */
static const struct storage_ops *const drivers[] = { &btrfs_ops, &overlay_ops, &copy_ops };

enum {
	DRIVERS = sizeof(drivers) / sizeof(drivers[0]),
};

const struct storage_ops *driver_find(enum storage_driver driver, struct err *err)
{
	for (size_t i = 0; i < DRIVERS; i++) {
		if (drivers[i]->driver == driver)
			return drivers[i];
	}
	return plugin_load("devmapper", err);
}

const struct storage_ops *driver_choose(int dir, struct err *err)
{
	for (size_t i = 0; i < DRIVERS; i++) {
		if (drivers[i]->probe(dir, err) == 0)
			return drivers[i];
	}
	return NULL;
}

static int explain_one(int dir, const struct storage_ops *ops, const char *chosen,
		       struct arena *arena, struct storage_driver_info *info)
{
	struct err why = { 0 };

	info->name = ops->name;
	info->chosen = chosen && strcmp(chosen, ops->name) == 0;
	/* the one in use works; a btrfs in a file would not pass for the directory around it */
	info->usable = info->chosen || ops->probe(dir, &why) == 0;
	if (!info->usable)
		info->reason = arena_strdup(arena, why.text);
	return info->usable || info->reason ? 0 : -1;
}

int driver_explain(int dir, const char *chosen, struct arena *arena, struct json_list *list,
		   struct err *err)
{
	struct storage_driver_info *rows = arena_alloc(arena, (DRIVERS + 1) * sizeof(*rows));
	struct err why = { 0 };

	if (!rows)
		return err_sys(err, "list the storage drivers");
	*list = (struct json_list){ rows, DRIVERS + 1 };
	for (size_t i = 0; i < DRIVERS; i++) {
		if (explain_one(dir, drivers[i], chosen, arena, &rows[i]) < 0)
			return err_sys(err, "list the storage drivers");
	}
	const struct storage_ops *ops = driver_find(STORAGE_DEVMAPPER, &why);

	if (ops) {
		if (explain_one(dir, ops, chosen, arena, &rows[DRIVERS]) < 0)
			return err_sys(err, "list the storage drivers");
		return 0;
	}
	/* no reason against the driver: another program can tell */
	if (why.code == ERR_PLUGIN) {
		if (err)
			*err = why;
		return -1;
	}
	rows[DRIVERS].name = names_text(storage_driver_names, STORAGE_DEVMAPPER);
	rows[DRIVERS].reason = arena_strdup(arena, why.text);
	return rows[DRIVERS].reason ? 0 : err_sys(err, "list the storage drivers");
}
