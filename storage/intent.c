/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Intents: a locked file per operation under way; the kernel drops the lock of a dead owner, which
 * is how recovery finds it. */
#include "storage/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "storage/fault.h"

static const char *const op_words[INTENT_OPS] = {
	[INTENT_BUILD] = "build",       [INTENT_ATTACH] = "attach", [INTENT_DETACH] = "detach",
	[INTENT_SNAPSHOT] = "snapshot", [INTENT_UNSNAP] = "unsnap", [INTENT_ROLLBACK] = "rollback",
};

static int lock_file(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &lock);
}

/* A dead intent of the same name is taken over: whoever comes does the same thing again. */
static int open_intent(struct storage *store, const char *path, struct err *err)
{
	struct stat st = { 0 };

	/* its last owner may remove the file between our open and our lock */
	for (int tries = 0; tries < 100; tries++) {
		auto_close int fd = openat(store->root, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		if (fd < 0)
			return err_sys(err, "make file %s/%s", store->path, path);
		if (lock_file(fd) < 0 && errno != EAGAIN)
			return err_sys(err, "lock %s/%s", store->path, path);
		if (fstat(fd, &st) == 0 && st.st_nlink && lock_file(fd) == 0)
			return take_fd(&fd);
		if (st.st_nlink)
			break;
	}
	return err_set(err, EBUSY, "%s: another masu is doing this now", path);
}

int intent_begin(struct storage *store, enum intent_op op, const char *object,
		 struct intent *intent, struct err *err)
{
	if (str_format(intent->path, sizeof(intent->path), "intents/%s@%s", op_words[op], object) <
	    0)
		return err_sys(err, "name the intent for %s", object);
	intent->dir = store->root;
	/* shared: recovery holds it exclusively, so it never sees a file that is made but not yet
	 * locked */
	if (store_lock(store, STORE_SHARED, err) < 0)
		return -1;
	intent->fd = open_intent(store, intent->path, err);
	store_unlock(store);
	if (intent->fd < 0)
		return -1;
	if (FAULT_POINT("intent.begun", err) < 0) {
		intent_end(intent);
		return -1;
	}
	return 0;
}

int intent_arm(struct intent *intent, struct err *err)
{
	/* a byte that takes no block: on a full disk things must still be removable */
	if (ftruncate(intent->fd, 1) < 0)
		return err_sys(err, "write %s", intent->path);
	return FAULT_POINT("intent.armed", err);
}

void intent_end(struct intent *intent)
{
	if (intent->fd < 0)
		return;
	unlinkat(intent->dir, intent->path, 0);
	close(intent->fd);
	intent->fd = -1;
}

void intent_abandon(struct intent *intent)
{
	if (intent->fd >= 0)
		close(intent->fd);
	intent->fd = -1;
}

/* "build@KEY" apart; false for a name that is not ours. */
static bool parse_name(const char *name, enum intent_op *op, const char **object)
{
	for (unsigned int i = 0; i < INTENT_OPS; i++) {
		size_t length = strlen(op_words[i]);

		if (strncmp(name, op_words[i], length) == 0 && name[length] == '@') {
			*op = (enum intent_op)i;
			*object = name + length + 1;
			return true;
		}
	}
	return false;
}

static int recover_one(struct storage *store, const char *name, intent_dead *dead, struct err *err)
{
	char path[NAME_MAX + 16];
	enum intent_op op;
	const char *object;
	struct stat st;

	if (!parse_name(name, &op, &object) ||
	    str_format(path, sizeof(path), "intents/%s", name) < 0)
		return 0;
	auto_close int fd = openat(store->root, path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || lock_file(fd) < 0)
		return 0; /* gone meanwhile, or its owner lives */
	log_debug("storage: %s was interrupted", name);
	/* not armed: it had not changed anything yet */
	if (fstat(fd, &st) == 0 && st.st_size && dead(store, op, object, err) < 0)
		return -1;
	if (unlinkat(store->root, path, 0) < 0 && errno != ENOENT)
		return err_sys(err, "remove %s/%s", store->path, path);
	return 0;
}

int intent_recover(struct storage *store, intent_dead *dead, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	char **names;
	size_t count;
	int result = 0;

	if (store_list_dir(store->root, "intents", &arena, &names, &count, err) < 0)
		return -1;
	/* one that cannot be recovered must not stop the others */
	for (size_t i = 0; i < count; i++) {
		if (recover_one(store, names[i], dead, err) < 0)
			result = -1;
	}
	return result;
}

bool intent_any(struct storage *store)
{
	int fd = openat(store->root, "intents", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_closedir DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (stream && (entry = readdir(stream))) {
		if (entry->d_name[0] != '.')
			return true;
	}
	return false;
}
