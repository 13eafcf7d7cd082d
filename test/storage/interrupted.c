/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands that are killed, or fail, at every fault point, on every driver: afterwards the store is
 * whole, the first image is bit for bit what it was, and the command can be given again. */
#include "test/storage/bed.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "base/fd.h"
#include "base/str.h"
#include "storage/candidates.h"
#include "storage/root.h"

struct place {
	enum storage_driver driver;
	const char *name;
	const char *filesystem; /* NULL: where the bed is */
	uint64_t loop_size;
	const char *points[3]; /* beginnings of the points that only this driver passes */
};

/* clang-format off */
static const struct place places[] = {
	{ STORAGE_OVERLAY,   "overlay",      NULL,    0,         { "overlay.", "directory." } },
	{ STORAGE_COPY,      "copy",         NULL,    0,         { "copy.", "directory." } },
	{ STORAGE_BTRFS,     "btrfs",        "btrfs", 0,         { "btrfs." } },
	{ STORAGE_DEVMAPPER, "devicemapper", NULL,    400 << 20, { "devmapper." } },
};

/* clang-format on */

enum {
	FILE_BYTES = 300000,
};

static struct err err;
static char store_path[PATH_MAX];
static int held = -1; /* a mount of the root */

static struct storage *open_store(void)
{
	struct storage *store = storage_open(store_path, STORAGE_AUTO, STORAGE_CREATE, &err);

	if (!store)
		fprintf(stderr, "  %s\n", err.text);
	return store;
}

static int import_as(const char *file, const char *name)
{
	auto_arena struct arena arena = { 0 };
	struct storage_image image;
	char path[PATH_MAX];
	auto_store struct storage *store = open_store();

	snprintf(path, sizeof(path), "%s/%s", bed, file);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	return store ? storage_import(store, &(struct storage_import){ .name = name, .fd = fd },
				      &arena, &image, &err)
		     : -1;
}

static int attach_c(void)
{
	auto_arena struct arena arena = { 0 };
	struct storage_spec spec = { .present = true, .image = "base" };
	struct storage_request request = {
		.spec = &spec, .root = store_path, .id = "c", .userns_fd = -1
	};
	struct storage_state state;

	if (storage_plan(&request, &arena, &state, NULL, &err) < 0)
		return -1;
	auto_close int mount = storage_attach(&request, &state, &err);

	if (mount < 0)
		return -1;
	return mkdirat(mount, "made", 0755);
}

static int detach_c(void)
{
	const struct storage_state state = { .root = store_path, .id = "c" };

	return storage_detach(&state, &err);
}

static int do_import(void)
{
	return import_as("second.tar", "second");
}

static int do_commit(void)
{
	auto_arena struct arena arena = { 0 };
	struct storage_image image;
	auto_store struct storage *store = open_store();

	return store ? storage_commit(store, &(struct storage_commit){ .id = "c", .name = "work" },
				      &arena, &image, &err)
		     : -1;
}

static int do_snapshot(void)
{
	auto_store struct storage *store = open_store();

	return store ? storage_snapshot_create(store, "c", "s", &err) : -1;
}

/* As a container does: by a process that does not die with the command. */
static int hold_c(void)
{
	auto_arena struct arena arena = { 0 };
	struct storage_spec spec = { .present = true, .image = "base" };
	struct storage_request request = {
		.spec = &spec, .root = store_path, .id = "c", .userns_fd = -1
	};
	struct storage_state state;

	if (storage_plan(&request, &arena, &state, NULL, &err) < 0)
		return -1;
	held = storage_mount(&request, &state, &err);
	return held < 0 ? -1 : mkdirat(held, "more", 0755);
}

static void let_go(void)
{
	if (held >= 0)
		close(held);
	held = -1;
}

static int do_unsnap(void)
{
	auto_store struct storage *store = open_store();

	return store ? storage_snapshot_remove(store, "c", "s", &err) : -1;
}

static int do_rollback(void)
{
	auto_store struct storage *store = open_store();

	return store ? storage_snapshot_rollback(store, "c", "s", &err) : -1;
}

static int do_remove(void)
{
	auto_store struct storage *store = open_store();

	return store ? storage_image_remove(store, "second", &err) : -1;
}

/* `again`: what a second try may say besides success, because the first one was finished by
 * recovery. */
struct scene {
	const char *name;
	int (*act)(void);
	int (*before[3])(void);
	int again;
	const char *points[16];
};

#define MADE    "overlay.made", "copy.made", "btrfs.made", "devmapper.recorded", "devmapper.made"
#define REMOVED "directory.set-aside", "devmapper.deleted"

/* clang-format off */
static const struct scene scenes[] = {
	{ "import",   do_import,   { NULL }, 0,
	  { "intent.begun", "intent.armed", MADE, "import.unpacked", "commit.synced", "btrfs.renamed", "commit.renamed",
	    "record.written", "commit.recorded", "commit.named" } },
	{ "attach",   attach_c,    { NULL }, 0,
	  { "intent.begun", "intent.armed", "record.written", "attach.recorded", MADE, "attach.created", "attach.mounted" } },
	{ "detach",   detach_c,    { attach_c }, 0,
	  { "intent.begun", "intent.armed", REMOVED, "detach.removed" } },
	{ "commit",   do_commit,   { attach_c }, 0,
	  { "intent.begun", "intent.armed", MADE, "commit.cloned", "commit.synced", "btrfs.renamed", "commit.renamed",
	    "record.written", "commit.recorded", "commit.named" } },
	{ "snapshot", do_snapshot, { attach_c }, 0,
	  { "intent.begun", "intent.armed", MADE, "snapshot.cloned", "btrfs.renamed", "record.written" } },
	{ "snapshot of one that runs", do_snapshot, { attach_c, hold_c }, 0,
	  { "devmapper.suspended" } },
	{ "unsnap",   do_unsnap,   { attach_c, do_snapshot }, ERR_NOT_FOUND,
	  { "intent.begun", "intent.armed", REMOVED, "unsnap.removed" } },
	{ "rollback", do_rollback, { attach_c, do_snapshot }, 0,
	  { "intent.begun", "intent.armed", MADE, "rollback.cloned", REMOVED, "rollback.removed" } },
	{ "remove",   do_remove,   { do_import }, ERR_NOT_FOUND,
	  { "intent.begun", "intent.armed", "gc.record-removed", REMOVED } },
};

/* clang-format on */

static int show(const struct storage_finding *finding, void *data)
{
	fprintf(stderr, "  %s: %s %s: %s\n", (const char *)data, finding->kind, finding->name,
		finding->problem);
	return 0;
}

/* The one file with content worth comparing. */
static bool has_same_bytes(int left, int right)
{
	static char old[FILE_BYTES], new[FILE_BYTES];
	auto_close int from = openat(left, "bytes", O_RDONLY | O_CLOEXEC);
	auto_close int to = openat(right, "bytes", O_RDONLY | O_CLOEXEC);

	return fd_read_all(from, old, sizeof(old)) == FILE_BYTES &&
	       fd_read_all(to, new, sizeof(new)) == FILE_BYTES && memcmp(old, new, FILE_BYTES) == 0;
}

/* The first image still is the tree that it was made of: names, attributes, and every byte. */
static void check_image(const char *label, struct storage *store)
{
	auto_arena struct arena arena = { 0 };
	struct change_list list = { .arena = &arena };
	struct image_record image;
	char path[PATH_MAX];

	CHECK_ROW(label, image_resolve(store, "base", &arena, &image, &err) == 0);
	auto_close int view = root_view_chain(store, image.chain.items, image.chain.count, &err);

	snprintf(path, sizeof(path), "%s/src", bed);
	auto_close int source = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CHECK_ROW(label, tree_compare(source, view, NULL, &list, &err) == 0 && list.count == 0);
	CHECK_ROW(label, has_same_bytes(source, view));
}

static bool has_leftovers(struct storage *store)
{
	auto_arena struct arena arena = { 0 };
	char **names;
	size_t count;

	if (store_list_dir(store->tmp, ".", &arena, &names, &count, &err) < 0 || count > 1)
		return true;
	if (store_list_dir(store->data, ".", &arena, &names, &count, &err) < 0)
		return true;
	for (size_t i = 0; i < count; i++) {
		if (str_starts(names[i], "build") || str_starts(names[i], "trash"))
			return true;
	}
	return false;
}

/* Nothing to complain of, and nothing left behind. */
static void check_store(const char *label)
{
	auto_store struct storage *store = open_store();

	CHECK_ROW(label, store);
	if (!store)
		return;
	CHECK_ROW(label, storage_fsck(store, false, show, (void *)(uintptr_t)label, &err) == 0);
	CHECK_ROW(label, !intent_any(store));
	CHECK_ROW(label, !has_leftovers(store));
	check_image(label, store);
}

static void clean_up(void)
{
	let_go();
	detach_c();
	auto_store struct storage *store = open_store();

	if (store) {
		storage_image_remove(store, "second", NULL);
		storage_image_remove(store, "work", NULL);
	}
}

static void run_row(const struct place *place, const struct scene *scene, const char *point,
		    bool kill)
{
	char label[128];

	snprintf(label, sizeof(label), "%s: %s %s at %s", place->name, scene->name,
		 kill ? "killed" : "failed", point);
	if (getenv("VERBOSE") && *getenv("VERBOSE"))
		fprintf(stderr, "%s\n", label);
	for (size_t i = 0; i < 3 && scene->before[i]; i++)
		CHECK_ROW(label, scene->before[i]() == 0);
	fflush(stdout);
	pid_t child = fork();

	if (child == 0) {
		setenv(kill ? "MASU_STORAGE_KILL_AT" : "MASU_STORAGE_FAIL_AT", point, 1);
		_exit(scene->act() == 0 ? 0 : 17);
	}
	int status = 0;

	waitpid(child, &status, 0);
	if (kill)
		CHECK_ROW(label, WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	else
		CHECK_ROW(label, WIFEXITED(status) && WEXITSTATUS(status) == 17);
	check_store(label);
	int again = scene->act();
	bool fine = again == 0 || err.code == scene->again ||
		    /* the interrupted one had got to its end */
		    (scene->act == attach_c && err.code == ERR_EXISTS) ||
		    (scene->act == do_snapshot && err.code == ERR_EXISTS);

	if (!fine)
		fprintf(stderr, "  %s: again: %s\n", label, err.text);
	CHECK_ROW(label, fine);
	check_store(label);
	clean_up();
}

/* Points of another driver do not lie on the way of this one. */
static bool passes(const struct place *place, const char *point)
{
	bool of_a_driver = false;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		for (const char *const *begin = places[i].points; *begin; begin++) {
			if (strncmp(point, *begin, strlen(*begin)) != 0)
				continue;
			if (&places[i] == place)
				return true;
			of_a_driver = true;
		}
	}
	return !of_a_driver;
}

static bool make_place(const struct place *place)
{
	const struct storage_init init = {
		.driver = place->driver,
		.loop_size = place->loop_size,
		.volume_size = 64 << 20,
	};
	const struct storage_ops *ops = driver_find(place->driver, &err);

	if (place->filesystem && !bed_filesystem(place->filesystem, place->filesystem, "400M"))
		return false;
	if (place->driver == STORAGE_DEVMAPPER && (!ops || ops->probe(AT_FDCWD, &err) < 0)) {
		printf("skip: %s: %s\n", place->name, err.text);
		return false;
	}
	snprintf(store_path, sizeof(store_path), "%s/%s%s/store-%s", bed,
		 place->filesystem ? place->filesystem : ".", place->filesystem ? ".mnt" : "",
		 place->name);
	CHECK_OK(storage_init_store(store_path, &init, &err), &err);
	return true;
}

static void run_place(const struct place *place)
{
	if (!make_place(place))
		return;
	printf("%s\n", place->name);
	CHECK(import_as("base.tar", "base") == 0);
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		for (const char *const *point = scenes[i].points; *point; point++) {
			if (!passes(place, *point))
				continue;
			run_row(place, &scenes[i], *point, true);
			run_row(place, &scenes[i], *point, false);
		}
	}
}

int main(int argc, char **argv)
{
#ifndef MASU_FAULTS
	printf("skip: built without fault points (VARIANT=faults)\n");
	return 0;
#endif
	if (!bed_open())
		return 0;
	CHECK(shell(
		"cd %s && mkdir -p src/dir && echo a > src/dir/a && ln -s a src/dir/l && head -c %d /dev/urandom > src/bytes && "
		"tar --format=posix -C src -cf base.tar . && mkdir two && echo b > two/b && "
		"tar --format=posix -C two -cf second.tar .",
		bed, FILE_BYTES));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (argc < 2 || strcmp(argv[1], places[i].name) == 0)
			run_place(&places[i]);
	}
	bed_close();
	return unit_done("storage interrupted");
}
