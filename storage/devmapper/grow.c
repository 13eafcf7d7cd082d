/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making a pool larger while containers use it. */
#include <linux/fs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/err.h"
#include "storage/devmapper/pool.h"
#include "storage/loop.h"

static int grow_files(struct storage *store, uint64_t bytes, struct err *err)
{
	auto_close int data = loop_grow(store->root, POOL_DATA_FILE, bytes, err);
	struct stat st;

	if (data < 0)
		return -1;
	if (fstatat(store->root, POOL_METADATA_FILE, &st, 0) < 0)
		return err_sys(err, "look at %s", POOL_METADATA_FILE);
	if (thin_metadata_size(bytes) <= (uint64_t)st.st_size)
		return 0;
	auto_close int metadata =
		loop_grow(store->root, POOL_METADATA_FILE, thin_metadata_size(bytes), err);

	return metadata < 0 ? -1 : 0;
}

/* The kernel takes both devices' new sizes when the pool goes on with a longer table. Signals wait,
 * as for a snapshot: what stays suspended hangs all containers. */
static int swap_table(const struct pool *pool, const struct pool_table *table, struct err *err)
{
	const struct mapper_table longer = { pool->name, NULL, "thin-pool", table->parameters,
					     table->sectors };
	sigset_t all, before;

	if (mapper_reload(&longer, err) < 0 || pool_note_suspended(pool, pool->name, err) < 0)
		return -1;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int result = mapper_suspend(pool->name, err);

	if (mapper_resume(pool->name, result < 0 ? NULL : err) < 0)
		result = -1;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pool_note_suspended(pool, "", result < 0 ? NULL : err) < 0 ? -1 : result;
}

int pool_enlarge(struct storage *store, uint64_t bytes, struct err *err)
{
	struct pool_table table;
	struct pool pool;
	auto_close int lock = pool_lock(store, &pool, err);

	if (lock < 0)
		return -1;
	if (pool.is_loop && !bytes)
		return err_set(err, ERR_INPUT, "grow pool %s: to which size?", pool.name);
	if (!pool.is_loop && bytes) {
		err_set(err, ERR_INPUT, "grow pool %s: it is on devices of its own", pool.name);
		return err_hint(err, "enlarge these, then grow without a size");
	}
	if (pool.is_loop && grow_files(store, bytes, err) < 0)
		return -1;
	if (pool_open_table(store, &table, err) < 0)
		return -1;
	int result = swap_table(&pool, &table, err);

	pool_close_table(&table);
	return result;
}
