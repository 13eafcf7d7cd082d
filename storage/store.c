/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening, making and locking a store. */
#include "storage/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/sys.h"
#include "storage/recover.h"

struct store_file {
	struct opt_i64 version;
	int driver;
	const char *uuid;
	struct opt_u64 volume_size;
};

/* clang-format off */
static const struct json_row store_rows[] = {
	{ "version",	JSON_I64,  offsetof(struct store_file, version), .flags = JSON_REQUIRED },
	{ "driver",	JSON_NAME, offsetof(struct store_file, driver), .names = storage_driver_names, .flags = JSON_REQUIRED },
	{ "uuid",	JSON_TEXT, offsetof(struct store_file, uuid), .flags = JSON_REQUIRED },
	{ "volumeSize", JSON_U64,  offsetof(struct store_file, volume_size) },
};
static const struct json_object store_object = JSON_OBJECT_OF(struct store_file, store_rows);

static const char *const store_dirs[] = {
	"blobs", "blobs/sha256", "images", "layers", "roots", "snapshots", "intents", "tmp", "data",
};

/* clang-format on */

int store_lock(struct storage *store, enum store_lock_mode mode, struct err *err)
{
	struct flock lock = {
		.l_type = mode == STORE_EXCLUSIVE ? F_WRLCK : F_RDLCK,
		.l_whence = SEEK_SET,
	};

	while (fcntl(store->lock, F_OFD_SETLKW, &lock) < 0) {
		if (errno != EINTR)
			return err_sys(err, "lock %s", store->path);
	}
	return 0;
}

void store_unlock(struct storage *store)
{
	struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	fcntl(store->lock, F_OFD_SETLK, &lock);
}

/* Other users could swap what we are about to mount as root, so the store must be ours alone. */
static int check_owner(const struct storage *store, struct err *err)
{
	struct stat st;

	if (fstat(store->root, &st) < 0)
		return err_sys(err, "look at %s", store->path);
	if (st.st_uid != geteuid() || (st.st_mode & 022)) {
		err_set(err, EPERM, "open store %s: it belongs to uid %u, mode %03o", store->path,
			st.st_uid, st.st_mode & 0777);
		return err_hint(
			err,
			"a store belongs to the user who runs masu and only that user may write to it");
	}
	return 0;
}

static int make_path(const char *path, struct err *err)
{
	char part[PATH_MAX];

	for (const char *at = path; (at = strchr(at + 1, '/'));) {
		if (str_format(part, sizeof(part), "%.*s", (int)(at - path), path) < 0)
			return err_sys(err, "make directory %.60s...", path);
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return err_sys(err, "make directory %s", part);
	}
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(err, "make directory %s", path);
	return 0;
}

static int open_root(struct storage *store, const char *root, unsigned int flags, struct err *err)
{
	const char *path = root ? root : STORAGE_DEFAULT_ROOT;

	store->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->root < 0 && errno == ENOENT && (flags & STORAGE_CREATE)) {
		if (make_path(path, err) < 0)
			return -1;
		store->root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (store->root < 0 && errno == ENOENT)
		return err_set(err, ERR_NOT_FOUND, "open store %s: there is none", path);
	if (store->root < 0 || !realpath(path, store->path))
		return err_sys(err, "open store %s", path);
	return check_owner(store, err);
}

static void make_uuid(char uuid[37])
{
	uint8_t b[16] = { 0 };
	int at = 0;

	(void)!getrandom(b, sizeof(b), 0);
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			uuid[at++] = '-';
		snprintf(uuid + at, 3, "%02x", b[i]);
		at += 2;
	}
}

static int open_dirs(struct storage *store, struct err *err)
{
	store->tmp = openat(store->root, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	store->data = openat(store->root, "data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->lock < 0)
		store->lock = openat(store->root, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->tmp < 0 || store->data < 0 || store->lock < 0)
		return err_sys(err, "open store %s", store->path);
	return 0;
}

/* A directory that somebody else filled is not taken over: `--storage-root /home` must not end in a
 * surprise. */
static int check_empty(struct storage *store, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	char **names;
	size_t count;

	if (store_list_dir(store->root, ".", &arena, &names, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		bool ours = strcmp(names[i], "lock") == 0 || strcmp(names[i], "pool-lock") == 0 ||
			    strcmp(names[i], "lost+found") == 0;

		for (size_t j = 0; j < sizeof(store_dirs) / sizeof(store_dirs[0]); j++)
			ours = ours || strcmp(names[i], store_dirs[j]) == 0;
		if (!ours)
			return err_set(err, ENOTEMPTY,
				       "make a store in %s: it holds %s, which is not masu's",
				       store->path, names[i]);
	}
	return 0;
}

static int write_store_file(struct storage *store, const struct store_file *file, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	const char *text = json_encode(&store_object, file, 2, &arena, err);

	if (!text)
		return -1;
	return store_write_file(store, "store.json", text, strlen(text), RECORD_NEW | RECORD_SYNC,
				err);
}

/* Under the exclusive lock. store.json comes last: until it is there, the next command starts
 * again. */
static int make_store(struct storage *store, const struct storage_init *init, struct err *err)
{
	struct store_file file = { .version = { true, STORE_VERSION }, .uuid = store->uuid };

	if (check_empty(store, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(store_dirs) / sizeof(store_dirs[0]); i++) {
		if (mkdirat(store->root, store_dirs[i], 0700) < 0 && errno != EEXIST)
			return err_sys(err, "make directory %s/%s", store->path, store_dirs[i]);
	}
	if (init->driver == STORAGE_AUTO)
		store->ops = driver_choose(store->root, err);
	else
		store->ops = driver_find(init->driver, err);
	if (!store->ops)
		return -1;
	/* a btrfs in a file does not mind where the file is */
	bool brings_own = init->loop_size && store->ops->driver == STORAGE_BTRFS;

	if (!brings_own && store->ops->probe(store->root, err) < 0)
		return -1;
	if (init->volume_size)
		file.volume_size = (struct opt_u64){ true, init->volume_size };
	file.driver = store->ops->driver;
	make_uuid(store->uuid);
	if (open_dirs(store, err) < 0)
		return -1;
	if (store->ops->init && store->ops->init(store, init, err) < 0)
		return -1;
	if (write_store_file(store, &file, err) < 0)
		return -1;
	close(store->tmp);
	close(store->data);
	store->tmp = store->data = -1;
	return 0;
}

static bool has_store_file(const struct storage *store)
{
	return faccessat(store->root, "store.json", F_OK, 0) == 0;
}

static int make_store_once(struct storage *store, const struct storage_init *init, struct err *err)
{
	store->lock = openat(store->root, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock < 0)
		return err_sys(err, "make file %s/lock", store->path);
	if (store_lock(store, STORE_EXCLUSIVE, err) < 0)
		return -1;
	int result = has_store_file(store) ? 0 : make_store(store, init, err);

	store_unlock(store);
	return result;
}

static int load_store_file(struct storage *store, enum storage_driver driver, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct store_file file = { 0 };
	char source[PATH_MAX + 16];

	snprintf(source, sizeof(source), "%s/store.json", store->path);
	if (json_decode_file(store->root, "store.json", source, &store_object, &file, &arena, err) <
	    0)
		return -1;
	if (file.version.value != STORE_VERSION)
		return err_set(err, ERR_UNSUPPORTED,
			       "open store %s: it has version %lld, this masu knows %d",
			       store->path, (long long)file.version.value, STORE_VERSION);
	if (driver != STORAGE_AUTO && (int)driver != file.driver) {
		err_set(err, ERR_INPUT, "open store %s: it uses the driver %s, not %s", store->path,
			names_text(storage_driver_names, file.driver),
			names_text(storage_driver_names, driver));
		return err_hint(err, "one store has one driver; give another --storage-root");
	}
	snprintf(store->uuid, sizeof(store->uuid), "%s", file.uuid);
	store->volume_size = file.volume_size.value;
	store->ops = driver_find((enum storage_driver)file.driver, err);
	return store->ops ? 0 : -1;
}

/* True when nothing was recovered since the machine started. */
static bool is_first_since_boot(struct storage *store, char boot_id[37])
{
	char seen[64];

	if (proc_boot_id(boot_id, NULL) < 0)
		return true;
	return fd_read_file(store->root, "tmp/boot", seen, sizeof(seen)) < 0 ||
	       strcmp(seen, boot_id) != 0;
}

static int recover_if_needed(struct storage *store, struct err *err)
{
	char boot_id[37] = "";
	bool rebooted = is_first_since_boot(store, boot_id);

	if (!rebooted && !intent_any(store))
		return 0;
	auto_unlock struct storage *locked = NULL;

	if (store_lock(store, STORE_EXCLUSIVE, err) < 0)
		return -1;
	locked = store;
	if (recover_store(store, rebooted, err) < 0)
		return -1;
	return rebooted ? store_write_file(store, "tmp/boot", boot_id, strlen(boot_id), 0, err) : 0;
}

static struct storage *open_store(const char *root, const struct storage_init *init,
				  unsigned int flags, struct err *err)
{
	auto_store struct storage *store = calloc(1, sizeof(*store));

	if (!store) {
		err_sys(err, "open store %s", root);
		return NULL;
	}
	store->root = store->data = store->tmp = store->lock = -1;
	store->readonly = flags & STORAGE_READONLY;
	if (open_root(store, root, flags, err) < 0)
		return NULL;
	if (!has_store_file(store) && (flags & STORAGE_CREATE) &&
	    make_store_once(store, init, err) < 0)
		return NULL;
	if (!has_store_file(store)) {
		err_set(err, ERR_NOT_FOUND, "open store %s: there is none", store->path);
		return NULL;
	}
	if (load_store_file(store, init->driver, err) < 0 || open_dirs(store, err) < 0)
		return NULL;
	if (store->ops->open && store->ops->open(store, err) < 0)
		return NULL;
	if (!store->readonly && recover_if_needed(store, err) < 0)
		return NULL;
	return take_ptr(&store);
}

struct storage *storage_open(const char *root, enum storage_driver driver, unsigned int flags,
			     struct err *err)
{
	return open_store(root, &(struct storage_init){ .driver = driver }, flags, err);
}

int storage_init_store(const char *root, const struct storage_init *init, struct err *err)
{
	char path[PATH_MAX];

	if (str_format(path, sizeof(path), "%s/store.json", root ? root : STORAGE_DEFAULT_ROOT) < 0)
		return err_sys(err, "open store %.60s...", root);
	if (access(path, F_OK) == 0)
		return err_set(err, ERR_EXISTS, "make store %s: there is one already",
			       root ? root : STORAGE_DEFAULT_ROOT);
	struct storage *store = open_store(root, init, STORAGE_CREATE, err);

	if (!store)
		return -1;
	storage_close(store);
	return 0;
}

void storage_close(struct storage *store)
{
	const int fds[] = { store->root, store->data, store->tmp, store->lock };

	if (store->ops && store->ops->close)
		store->ops->close(store);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	free(store);
}
