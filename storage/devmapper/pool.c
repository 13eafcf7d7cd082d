/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Putting the pool together, counting ids, and thin devices by record. */
#include "storage/devmapper/pool.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "storage/fault.h"
#include "storage/loop.h"

/* pool.json: what the pool is made of. Absent devices: the two files beside it. */
struct pool_file {
	const char *data_device, *metadata_device;
};

/* pool-ids.json: the count. */
struct ids_file {
	struct opt_u64 next, reserved, transaction;
};

/* clang-format off */
static const struct json_row pool_rows[] = {
	{ "dataDevice",	    JSON_TEXT, offsetof(struct pool_file, data_device) },
	{ "metadataDevice", JSON_TEXT, offsetof(struct pool_file, metadata_device) },
};
static const struct json_object pool_object = JSON_OBJECT_OF(struct pool_file, pool_rows);

static const struct json_row ids_rows[] = {
	{ "next",	 JSON_U64, offsetof(struct ids_file, next), .flags = JSON_REQUIRED },
	{ "reserved",	 JSON_U64, offsetof(struct ids_file, reserved), .flags = JSON_REQUIRED },
	{ "transaction", JSON_U64, offsetof(struct ids_file, transaction), .flags = JSON_REQUIRED },
};
static const struct json_object ids_object = JSON_OBJECT_OF(struct ids_file, ids_rows);

static const struct json_row thin_rows[] = {
	{ "id",	  JSON_U64, offsetof(struct thin_record, id), .flags = JSON_REQUIRED },
	{ "size", JSON_U64, offsetof(struct thin_record, size), .flags = JSON_REQUIRED },
};
static const struct json_object thin_object = JSON_OBJECT_OF(struct thin_record, thin_rows);
const struct record_kind thin_kind = { "data", &thin_object };

static const struct record_kind pool_kind = { ".", &pool_object };
static const struct record_kind ids_kind = { ".", &ids_object };

/* clang-format on */

void pool_prefix(const struct pool *pool, char prefix[POOL_NAME_MAX])
{
	snprintf(prefix, POOL_NAME_MAX, "masu-%.8s-", pool->uuid);
}

void pool_volume_name(const struct pool *pool, uint32_t id, char name[POOL_NAME_MAX])
{
	snprintf(name, POOL_NAME_MAX, "masu-%.8s-%" PRIu32, pool->uuid, id);
}

/* The open device (it must stay open until the pool holds it) and its path. */
static int open_part(struct storage *store, const char *device, const char *file,
		     char path[PATH_MAX], struct err *err)
{
	char loop[LOOP_PATH_MAX];
	int fd;

	if (!device) {
		fd = loop_attach(store->root, file, loop, err);
		snprintf(path, PATH_MAX, "%s", loop);
		return fd;
	}
	fd = open(device, O_RDWR | O_CLOEXEC);
	snprintf(path, PATH_MAX, "%s", device);
	return fd >= 0 ? fd : err_sys(err, "open %s", device);
}

void pool_close_table(struct pool_table *table)
{
	if (table->data >= 0)
		close(table->data);
	if (table->metadata >= 0)
		close(table->metadata);
	table->data = table->metadata = -1;
}

static int fill_table(struct storage *store, const struct pool_file *file, struct pool_table *table,
		      struct err *err)
{
	char data_path[PATH_MAX], metadata_path[PATH_MAX];
	uint64_t bytes;

	table->data = open_part(store, file->data_device, POOL_DATA_FILE, data_path, err);
	if (table->data < 0)
		return -1;
	table->metadata =
		open_part(store, file->metadata_device, POOL_METADATA_FILE, metadata_path, err);
	if (table->metadata < 0)
		return -1;
	if (ioctl(table->data, BLKGETSIZE64, &bytes) < 0)
		return err_sys(err, "ask %s for its size", data_path);
	bytes -= bytes % ((uint64_t)THIN_BLOCK_SECTORS * THIN_SECTOR);
	table->sectors = bytes / THIN_SECTOR;
	if (thin_pool_table(table->parameters, sizeof(table->parameters), metadata_path,
			    data_path) < 0)
		return err_sys(err, "make the table of a pool");
	return 0;
}

int pool_open_table(struct storage *store, struct pool_table *table, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct pool_file file;

	*table = (struct pool_table){ .data = -1, .metadata = -1 };
	if (record_read(store, &pool_kind, "pool", &arena, &file, err) == 0 &&
	    fill_table(store, &file, table, err) == 0)
		return 0;
	pool_close_table(table);
	return -1;
}

static int start_pool(struct storage *store, struct pool *pool, struct err *err)
{
	struct pool_table table;
	char uuid[64];

	if (pool_open_table(store, &table, err) < 0)
		return -1;
	snprintf(uuid, sizeof(uuid), "MASU-%s-pool", pool->uuid);
	int result = mapper_create(&(struct mapper_table){ pool->name, uuid, "thin-pool",
							   table.parameters, table.sectors },
				   pool->path, err);

	pool_close_table(&table);
	return result;
}

static int ensure_running(struct storage *store, struct pool *pool, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct pool_file file;
	struct mapper_state state;

	if (record_read(store, &pool_kind, "pool", &arena, &file, err) < 0)
		return -1;
	pool->is_loop = !file.data_device;
	if (mapper_get_state(pool->name, &state, err) < 0)
		return -1;
	if (!state.exists)
		return start_pool(store, pool, err);
	mapper_path(&state, pool->path);
	return state.suspended ? mapper_resume(pool->name, err) : 0;
}

static int read_ids(struct storage *store, struct pool *pool, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct ids_file file;

	if (record_read(store, &ids_kind, "pool-ids", &arena, &file, err) < 0)
		return -1;
	pool->ids = (struct thin_ids){ (uint32_t)file.next.value, (uint32_t)file.reserved.value,
				       file.transaction.value };
	return 0;
}

static int write_ids(struct storage *store, const struct thin_ids *ids, unsigned int flags,
		     struct err *err)
{
	const struct ids_file file = {
		.next = { true, ids->next },
		.reserved = { true, ids->reserved },
		.transaction = { true, ids->transaction },
	};

	return record_write(store, &ids_kind, "pool-ids", &file, flags, err);
}

int pool_note_suspended(const struct pool *pool, const char *name, struct err *err)
{
	size_t size = strlen(name);

	if (ftruncate(pool->lock, 0) == 0 && pwrite(pool->lock, name, size, 0) == (ssize_t)size)
		return 0;
	return err_sys(err, "note that %s is suspended", name);
}

static int resume_left(struct pool *pool, struct err *err)
{
	char name[POOL_NAME_MAX] = "";
	struct mapper_state state;
	ssize_t got = pread(pool->lock, name, sizeof(name) - 1, 0);

	if (got < 0)
		return err_sys(err, "read pool-lock");
	/* only names of ours: the file lies in the store, but is not worth more trust than needed
	 */
	if (got == 0 || !str_starts(name, "masu-"))
		return 0;
	if (mapper_get_state(name, &state, err) < 0 ||
	    (state.exists && state.suspended && mapper_resume(name, err) < 0))
		return -1;
	return pool_note_suspended(pool, "", err);
}

int pool_lock(struct storage *store, struct pool *pool, struct err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	auto_close int fd = openat(store->root, "pool-lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_sys(err, "open %s/pool-lock", store->path);
	while (fcntl(fd, F_OFD_SETLKW, &lock) < 0) {
		if (errno != EINTR)
			return err_sys(err, "lock %s/pool-lock", store->path);
	}
	*pool = (struct pool){ .lock = fd };
	snprintf(pool->uuid, sizeof(pool->uuid), "%s", store->uuid);
	snprintf(pool->name, sizeof(pool->name), "masu-%.8s-pool", pool->uuid);
	if (resume_left(pool, err) < 0 || ensure_running(store, pool, err) < 0 ||
	    read_ids(store, pool, err) < 0)
		return -1;
	return take_fd(&fd);
}

int pool_get_status(const struct pool *pool, struct thin_status *status, struct err *err)
{
	char text[256];

	if (mapper_status(pool->name, text, sizeof(text), err) < 0)
		return -1;
	if (thin_parse_status(text, status))
		return 0;
	return err_set(err, EPROTO, "pool %s: status %s is not understood", pool->name, text);
}

static int tell_transaction(const struct pool *pool, struct err *err)
{
	return mapper_message(pool->name, err, "set_transaction_id %" PRIu64 " %" PRIu64,
			      pool->ids.transaction - 1, pool->ids.transaction);
}

int pool_verify(struct storage *store, struct pool *pool, struct err *err)
{
	struct thin_status status;

	if (pool_get_status(pool, &status, err) < 0)
		return -1;
	if (status.failed)
		return err_set(err, EIO, "open store %s: its pool %s: %s", store->path, pool->name,
			       thin_refusal(&status));
	switch (thin_match_transaction(&pool->ids, status.transaction)) {
	case THIN_SAME:
		return 0;
	case THIN_BEHIND:
		return tell_transaction(pool, err);
	case THIN_FOREIGN:
		break;
	}
	err_set(err, ERR_STATE,
		"open store %s: its pool %s has transaction %" PRIu64 ", not %" PRIu64, store->path,
		pool->name, status.transaction, pool->ids.transaction);
	return err_hint(
		err,
		"another program has written to the pool, or one of the two comes from a backup");
}

int pool_check_room(const struct pool *pool, struct err *err)
{
	struct thin_status status;

	if (pool_get_status(pool, &status, err) < 0)
		return -1;
	const char *refusal = thin_refusal(&status);

	if (!refusal)
		return 0;
	err_set(err, ENOSPC, "make a volume in pool %s: %s", pool->name, refusal);
	return err_hint(err, "remove what is not needed, masu storage gc, or make the pool larger");
}

int pool_reserve_id(struct storage *store, struct pool *pool, uint32_t *id, struct err *err)
{
	bool reserve;

	*id = thin_next_id(&pool->ids, &reserve);
	if (write_ids(store, &pool->ids, reserve ? RECORD_SYNC : 0, err) < 0)
		return -1;
	return reserve ? tell_transaction(pool, err) : 0;
}

static bool id_is_known(struct storage *store, uint32_t id, bool *failed)
{
	auto_arena struct arena arena = { 0 };
	struct thin_volume volume;
	char **keys;
	size_t count;

	*failed = record_list(store, &thin_kind, &arena, &keys, &count, NULL) < 0;
	for (size_t i = 0; i < count && !*failed; i++) {
		if (pool_find(store, keys[i], &volume, NULL) < 0)
			*failed = true; /* it may be the very one */
		else if (volume.id == id)
			return true;
	}
	return false;
}

/*
 * After a crash the count that was on disk may be behind: every id of the last chunk that no record
 * owns is deleted, and the count goes on behind the chunk.
 */
int pool_recover_ids(struct storage *store, struct pool *pool, struct err *err)
{
	uint32_t first =
		pool->ids.reserved > THIN_ID_CHUNK ? pool->ids.reserved - THIN_ID_CHUNK : 1;

	for (uint32_t id = first; id < pool->ids.reserved; id++) {
		bool failed;

		if (id_is_known(store, id, &failed))
			continue;
		if (failed)
			return err_set(err, ERR_STATE,
				       "recover pool %s: a record in %s/data cannot be read",
				       pool->name, store->path);
		if (pool_delete(pool, &(struct thin_volume){ .id = id }, err) < 0)
			return -1;
	}
	pool->ids.next = pool->ids.reserved;
	return write_ids(store, &pool->ids, RECORD_SYNC, err);
}

/* A removal may be ordered already: it is called off, or the device would go under our hands. */
static int keep(const char *name, const struct mapper_state *state, struct err *err)
{
	if (state->deferred && mapper_message(name, err, "@cancel_deferred_remove") < 0)
		return -1;
	return state->suspended ? mapper_resume(name, err) : 0;
}

int pool_activate(const struct pool *pool, const struct thin_volume *volume,
		  char path[MAPPER_PATH_MAX], struct err *err)
{
	char name[POOL_NAME_MAX], parameters[64], uuid[64];
	struct mapper_state state;

	pool_volume_name(pool, volume->id, name);
	if (mapper_get_state(name, &state, err) < 0)
		return -1;
	/* it can go between the look and the call: then it is made anew */
	if (state.exists && keep(name, &state, NULL) == 0) {
		mapper_path(&state, path);
		return 0;
	}
	if (thin_table(parameters, sizeof(parameters), pool->path, volume->id) < 0)
		return err_sys(err, "activate %s", name);
	snprintf(uuid, sizeof(uuid), "MASU-%s-%" PRIu32, pool->uuid, volume->id);
	return mapper_create(&(struct mapper_table){ name, uuid, "thin", parameters,
						     volume->size / THIN_SECTOR },
			     path, err);
}

static int send_snapshot(const struct pool *pool, uint32_t origin, uint32_t id, struct err *err)
{
	if (mapper_message(pool->name, err, "create_snap %" PRIu32 " %" PRIu32, id, origin) == 0)
		return 0;
	/* an id that should be free is not: what is there has no record, so nobody misses it */
	if (errno != EEXIST || mapper_message(pool->name, err, "delete %" PRIu32, id) < 0)
		return -1;
	return mapper_message(pool->name, err, "create_snap %" PRIu32 " %" PRIu32, id, origin);
}

static int snapshot_held(const struct pool *pool, const struct thin_volume *origin, uint32_t id,
			 struct err *err)
{
	char name[POOL_NAME_MAX];

	pool_volume_name(pool, origin->id, name);
	if (mapper_suspend(name, err) < 0) {
		/* a removal that had been ordered took place meanwhile */
		return errno == ENXIO ? send_snapshot(pool, origin->id, id, err) : -1;
	}
	int result = FAULT_POINT("devmapper.suspended", err);

	if (result == 0)
		result = send_snapshot(pool, origin->id, id, err);
	return mapper_resume(name, result < 0 ? NULL : err) < 0 ? -1 : result;
}

/*
 * The kernel does not insist on the suspended origin, but without it the snapshot holds a file
 * system in the middle of its writes. Signals wait: a device that stays suspended hangs everybody
 * who uses it.
 */
int pool_snapshot(const struct pool *pool, const struct thin_volume *origin, uint32_t id,
		  struct err *err)
{
	char name[POOL_NAME_MAX];
	struct mapper_state state;
	sigset_t all, before;

	pool_volume_name(pool, origin->id, name);
	if (mapper_get_state(name, &state, err) < 0)
		return -1;
	if (!state.exists)
		return send_snapshot(pool, origin->id, id, err);
	if (pool_note_suspended(pool, name, err) < 0)
		return -1;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int result = snapshot_held(pool, origin, id, err);

	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pool_note_suspended(pool, "", result < 0 ? NULL : err) < 0 ? -1 : result;
}

/* Only a file takes freed blocks back by itself being told; on a device of its own the pool's free
 * list is enough. */
static void discard(const struct pool *pool, const struct thin_volume *volume)
{
	char path[MAPPER_PATH_MAX], name[POOL_NAME_MAX];
	uint64_t range[2] = { 0, volume->size };

	if (!pool->is_loop || !volume->size || pool_activate(pool, volume, path, NULL) < 0)
		return;
	auto_close int device = open(path, O_WRONLY | O_EXCL | O_CLOEXEC);

	if (device >= 0)
		ioctl(device, BLKDISCARD, range);
	if (device >= 0)
		close(take_fd(&device));
	pool_volume_name(pool, volume->id, name);
	mapper_remove(name, true, NULL);
}

int pool_delete(const struct pool *pool, const struct thin_volume *volume, struct err *err)
{
	char name[POOL_NAME_MAX];

	discard(pool, volume);
	pool_volume_name(pool, volume->id, name);
	if (mapper_remove(name, false, err) < 0) {
		mapper_remove(name, true, NULL);
		return err_hint(err, "somebody still has it mounted");
	}
	if (mapper_message(pool->name, err, "delete %" PRIu32, volume->id) == 0 || errno == ENODATA)
		return 0;
	return -1;
}

int pool_find(struct storage *store, const char *key, struct thin_volume *volume, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct thin_record record;

	if (record_read(store, &thin_kind, key, &arena, &record, err) < 0) {
		if (err && err->code == ERR_NOT_FOUND)
			err_set(err, ENOENT, "open volume %s: there is none", key);
		return -1;
	}
	*volume = (struct thin_volume){ (uint32_t)record.id.value, record.size.value };
	return 0;
}

int pool_record(struct storage *store, const char *key, const struct thin_volume *volume,
		unsigned int flags, struct err *err)
{
	const struct thin_record record = { { true, volume->id }, { true, volume->size } };

	return record_write(store, &thin_kind, key, &record, flags, err);
}

int pool_forget(struct storage *store, const char *key, struct err *err)
{
	return record_remove(store, &thin_kind, key, err);
}

int pool_rename(struct storage *store, const char *key, const char *new_key, struct err *err)
{
	char from[NAME_MAX + 1], to[NAME_MAX + 1];

	if (str_format(from, sizeof(from), "%s.json", key) < 0 ||
	    str_format(to, sizeof(to), "%s.json", new_key) < 0 ||
	    renameat2(store->data, from, store->data, to, RENAME_NOREPLACE) < 0)
		return err_sys(err, "rename volume %s to %s", key, new_key);
	return 0;
}

/* A new length takes effect when the device is made anew. */
static int refuse_active(const struct pool *pool, const struct thin_volume *volume, struct err *err)
{
	char name[POOL_NAME_MAX];
	struct mapper_state state;

	pool_volume_name(pool, volume->id, name);
	if (mapper_get_state(name, &state, err) < 0)
		return -1;
	if (!state.exists)
		return 0;
	return err_set(err, EBUSY, "resize %s: it is in use; stop the container first", name);
}

int pool_grow(struct storage *store, const char *key, uint64_t bytes, struct err *err)
{
	struct thin_volume volume;
	struct pool pool;
	auto_close int lock = pool_lock(store, &pool, err);

	if (lock < 0 || pool_find(store, key, &volume, err) < 0)
		return -1;
	if (bytes < volume.size) {
		err_set(err, ERR_INPUT, "resize %s: it has %" PRIu64 " MiB already", key,
			volume.size >> 20);
		return err_hint(err, "a thin volume can grow but not shrink");
	}
	volume.size = bytes - bytes % ((uint64_t)THIN_BLOCK_SECTORS * THIN_SECTOR);
	if (refuse_active(&pool, &volume, err) < 0)
		return -1;
	return pool_record(store, key, &volume, RECORD_SYNC, err);
}

/* A device with something on it is not overwritten. */
static int check_blank(const char *device, struct err *err)
{
	auto_close int fd = open(device, O_RDWR | O_EXCL | O_CLOEXEC);
	char buffer[65536];

	if (fd < 0)
		return err_sys(err, "open %s", device);
	ssize_t got = fd_read_all(fd, buffer, sizeof(buffer));

	if (got < 0)
		return err_sys(err, "read %s", device);
	for (ssize_t i = 0; i < got; i++) {
		if (!buffer[i])
			continue;
		err_set(err, EEXIST, "use %s for a pool: there is something on it", device);
		return err_hint(err, "wipefs -a %s clears it, if you are sure", device);
	}
	return 0;
}

static int make_files(struct storage *store, const struct storage_init *init, struct err *err)
{
	uint64_t metadata = thin_metadata_size(init->loop_size);

	if (loop_make_file(store->root, POOL_DATA_FILE, init->loop_size, init->sparse, err) < 0)
		return -1;
	return loop_make_file(store->root, POOL_METADATA_FILE, metadata, false, err);
}

int pool_make(struct storage *store, const struct storage_init *init, struct err *err)
{
	const struct pool_file file = { init->data_device, init->metadata_device };
	const struct thin_ids ids = { .next = 1, .reserved = 1 };

	if (init->loop_size) {
		if (make_files(store, init, err) < 0)
			return -1;
	} else if (check_blank(init->data_device, err) < 0 ||
		   check_blank(init->metadata_device, err) < 0) {
		return -1;
	}
	if (record_write(store, &pool_kind, "pool", &file, RECORD_SYNC, err) < 0)
		return -1;
	return write_ids(store, &ids, RECORD_SYNC, err);
}

void pool_unmake(struct storage *store, const struct storage_init *init)
{
	char name[POOL_NAME_MAX];

	snprintf(name, sizeof(name), "masu-%.8s-pool", store->uuid);
	mapper_remove(name, false, NULL);
	record_remove(store, &thin_kind, POOL_BASE, NULL);
	record_remove(store, &pool_kind, "pool", NULL);
	record_remove(store, &ids_kind, "pool-ids", NULL);
	if (!init->loop_size)
		return;
	unlinkat(store->root, POOL_DATA_FILE, 0);
	unlinkat(store->root, POOL_METADATA_FILE, 0);
}
