/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can happen to a store: full disks and pools, foreign and damaged pools, missing tools, a
 * power cut, two processes at once. Each a clear error, and nothing of what was committed is lost.
 */
#include "test/storage/bed.h"

#include <sys/wait.h>

#include "base/auto.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "storage/candidates.h"
#include "storage/root.h"
#include "test/storage/dm.h"

enum {
	SECTOR = 512,
};

static struct err err;
static char store_path[PATH_MAX];

static struct storage *open_store(void)
{
	return storage_open(store_path, STORAGE_AUTO, STORAGE_CREATE, &err);
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

/* The root's mount, or -1. */
static int attach_from(const char *id, const char *image)
{
	auto_arena struct arena arena = { 0 };
	struct storage_spec spec = { .present = true, .image = image };
	struct storage_request request = {
		.spec = &spec, .root = store_path, .id = id, .userns_fd = -1
	};
	struct storage_state state;

	if (storage_plan(&request, &arena, &state, NULL, &err) < 0)
		return -1;
	return storage_attach(&request, &state, &err);
}

static int detach(const char *id)
{
	const struct storage_state state = { .root = store_path, .id = id };

	return storage_detach(&state, &err);
}

static int commit_as(const char *id, const char *name)
{
	auto_arena struct arena arena = { 0 };
	struct storage_image image;
	auto_store struct storage *store = open_store();

	return store ? storage_commit(store, &(struct storage_commit){ .id = id, .name = name },
				      &arena, &image, &err)
		     : -1;
}

static int show(const struct storage_finding *finding, void *data)
{
	fprintf(stderr, "  %s: %s %s: %s\n", (const char *)data, finding->kind, finding->name,
		finding->problem);
	return 0;
}

/* Nothing to complain of, and the image "base" is the tree that it was made of, byte for byte. */
static void check_whole(const char *label)
{
	auto_arena struct arena arena = { 0 };
	struct change_list list = { .arena = &arena };
	struct image_record image;
	char path[PATH_MAX];
	auto_store struct storage *store = open_store();

	if (!store)
		fprintf(stderr, "  %s: %s\n", label, err.text);
	CHECK_ROW(label, store);
	if (!store)
		return;
	CHECK_ROW(label, storage_fsck(store, false, show, (void *)(uintptr_t)label, &err) == 0);
	CHECK_ROW(label, image_resolve(store, "base", &arena, &image, &err) == 0);
	auto_close int view = root_view_chain(store, image.chain.items, image.chain.count, &err);

	snprintf(path, sizeof(path), "%s/src", bed);
	auto_close int source = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CHECK_ROW(label, tree_compare(source, view, NULL, &list, &err) == 0 && list.count == 0);
	CHECK_ROW(label, shell("cmp %s/bytes /proc/%d/fd/%d/bytes", path, (int)getpid(), view));
}

static bool says(const char *text, int code)
{
	if (err.code == code && strstr(err.text, text))
		return true;
	fprintf(stderr, "  want \"%s\" (%d), have \"%s\" (%d)\n", text, code, err.text, err.code);
	return false;
}

static bool fill(int root, const char *name, size_t megabytes)
{
	static char block[1 << 20];
	auto_close int fd = openat(root, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	bool whole = fd >= 0;

	memset(block, 'x', sizeof(block));
	for (size_t i = 0; i < megabytes && whole; i++)
		whole = fd_write_all(fd, block, sizeof(block)) == 0;
	return whole && fsync(fd) == 0;
}

static void make_sources(void)
{
	CHECK(shell(
		"cd %s && mkdir -p src/dir && echo a > src/dir/a && head -c 300000 /dev/urandom > src/bytes && "
		"tar --format=posix -C src -cf base.tar . && mkdir two && echo b > two/b && tar -C two -cf second.tar . && "
		"mkdir big && head -c 60000000 /dev/urandom > big/big && tar -C big -cf big.tar . && rm -r big",
		bed));
}

/* ---- any host ---- */
/* btrfs gives the space of a removed subvolume back in its own time. */
static void settle(const char *name, enum storage_driver driver)
{
	if (driver == STORAGE_BTRFS)
		CHECK(shell("btrfs subvolume sync %s/%s.mnt >/dev/null && sync -f %s/%s.mnt", bed,
			    name, bed, name));
}

/* The file system runs full in the middle of an import, of a container's writes, of a commit. */
static void test_full_disk(const char *filesystem, enum storage_driver driver, const char *size)
{
	const struct storage_init init = { .driver = driver };
	char name[32];

	snprintf(name, sizeof(name), "full%d%s", (int)driver, filesystem);
	if (!shell("cd %s && truncate -s %s %s.img && mkfs.%s -q %s.img >/dev/null 2>&1 && mkdir %s.mnt && mount -o loop %s.img %s.mnt",
		   bed, size, name, filesystem, name, name, name, name))
		return;
	snprintf(store_path, sizeof(store_path), "%s/%s.mnt/store", bed, name);
	CHECK_OK(storage_init_store(store_path, &init, &err), &err);
	CHECK_OK(import_as("base.tar", "base"), &err);
	CHECK(shell(
		"head -c 1000000000 /dev/zero > %s/%s.mnt/ballast 2>/dev/null; truncate -s -20M %s/%s.mnt/ballast; sync",
		bed, name, bed, name));
	CHECK(import_as("big.tar", "big") < 0);
	CHECK(says("No space left", ENOSPC) || says("No space left", EBADMSG));
	check_whole(name);
	settle(name, driver);
	int root = attach_from("c", "base");

	if (root < 0)
		fprintf(stderr, "  %s: %s\n", name, err.text);
	CHECK(root >= 0);
	CHECK(!fill(root, "fill", 100));
	CHECK(commit_as("c", "work") < 0 || unlinkat(root, "fill", 0) == 0);
	unlinkat(root, "fill", 0);
	close(root);
	check_whole(name);
	CHECK_OK(detach("c"), &err);
	settle(name, driver);
	CHECK_OK(import_as("second.tar", "second"), &err);
	check_whole(name);
	CHECK(shell("umount -l %s/%s.mnt", bed, name));
}

/* Two processes do everything at once, with the same images and roots of their own. */
static void work_alone(int number)
{
	char id[16], name[16];

	snprintf(id, sizeof(id), "c%d", number);
	snprintf(name, sizeof(name), "work%d", number);
	for (int i = 0; i < 8; i++) {
		if (import_as("second.tar", "second") < 0)
			_exit(1);
		int root = attach_from(id, "base");

		if (root < 0 || !fill(root, "mine", 1) || commit_as(id, name) < 0)
			_exit(2);
		close(root);
		if (detach(id) < 0)
			_exit(3);
	}
	_exit(0);
}

static void test_together(const char *driver_name, enum storage_driver driver, const char *place)
{
	const struct storage_init init = {
		.driver = driver,
		.loop_size = driver == STORAGE_DEVMAPPER ? 400 << 20 : 0,
		.volume_size = 64 << 20,
	};

	snprintf(store_path, sizeof(store_path), "%s/%s/together-%s", bed, place, driver_name);
	CHECK_OK(storage_init_store(store_path, &init, &err), &err);
	CHECK_OK(import_as("base.tar", "base"), &err);
	fflush(stdout);
	pid_t pids[2];

	for (int i = 0; i < 2; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			work_alone(i);
	}
	for (int i = 0; i < 2; i++) {
		int status = -1;

		waitpid(pids[i], &status, 0);
		CHECK_INT(status, 0);
	}
	check_whole(driver_name);
}

/* ---- thin pools ---- */
static char pool[64];

static bool make_pool_store(const char *name, const struct storage_init *init)
{
	snprintf(store_path, sizeof(store_path), "%s/%s", bed, name);
	if (storage_init_store(store_path, init, &err) < 0)
		return false;
	auto_store struct storage *store = open_store();

	snprintf(pool, sizeof(pool), "masu-%.8s-pool", store ? store->uuid : "");
	return store;
}

static void test_missing_tools(void)
{
	const struct storage_init init = { .driver = STORAGE_DEVMAPPER,
					   .loop_size = 100 << 20,
					   .volume_size = 64 << 20 };

	CHECK(shell("mkdir -p %s/none && mount --bind %s/none /usr/sbin", bed, bed));
	CHECK(!make_pool_store("tools", &init));
	CHECK(says("run mkfs.ext4: No such file", ENOENT));
	CHECK(strstr(err.hint, "install"));
	CHECK(umount2("/usr/sbin", MNT_DETACH) == 0);
	CHECK(shell("test ! -e %s/store.json && test ! -e %s/pool-data.img", store_path,
		    store_path));
	CHECK(make_pool_store("tools", &init));
	CHECK_OK(import_as("base.tar", "base"), &err);
	check_whole("tools");
}

/* The container's writes fail, others' roots and the image stay; new roots are refused until there
 * is room, which is made by removing, or by growing while the pool is in use. */
static void test_full_pool(void)
{
	const struct storage_init init = { .driver = STORAGE_DEVMAPPER,
					   .loop_size = 100 << 20,
					   .volume_size = 200 << 20 };

	CHECK(make_pool_store("data", &init));
	CHECK_OK(import_as("base.tar", "base"), &err);
	int root = attach_from("c", "base");

	CHECK_OK(root, &err);
	CHECK(!fill(root, "fill", 150));
	CHECK(attach_from("d", "base") < 0);
	CHECK(says("data space is nearly used up", ENOSPC));
	CHECK(strstr(err.hint, "make the pool larger"));
	close(root);
	CHECK_OK(detach("c"), &err);
	check_whole("pool full of data");
	root = attach_from("d", "base");
	CHECK_OK(root, &err);
	CHECK(fill(root, "some", 50));
	auto_store struct storage *store = open_store();

	CHECK_OK(storage_grow(store, 200 << 20, &err), &err);
	CHECK(storage_grow(store, 100 << 20, &err) < 0);
	CHECK(says("it has 200 MiB already", ERR_INPUT));
	CHECK(fill(root, "more", 70));
	CHECK_OK(storage_trim(store, &err), &err);
	close(root);
	CHECK_OK(detach("d"), &err);
	check_whole("pool that has grown");
}

/* Hundreds of thin devices that no record knows use up the metadata. */
static void test_full_metadata(void)
{
	const struct storage_init init = { .driver = STORAGE_DEVMAPPER,
					   .loop_size = 100 << 20,
					   .volume_size = 64 << 20 };
	char text[64];
	int made = 0;

	CHECK(make_pool_store("metadata", &init));
	CHECK_OK(import_as("base.tar", "base"), &err);
	/* the smallest metadata has 1024 blocks, and a device takes one at least */
	for (; made < 950; made++) {
		snprintf(text, sizeof(text), "create_thin %d", 100000 + made);
		if (dm_message(pool, text) < 0)
			break;
	}
	printf("  %d devices\n", made);
	CHECK(attach_from("c", "base") < 0);
	CHECK(says("metadata space is nearly used up", ENOSPC));
	for (int i = 0; i <= made; i++) {
		snprintf(text, sizeof(text), "delete %d", 100000 + i);
		dm_message(pool, text);
	}
	int root = attach_from("c", "base");

	CHECK_OK(root, &err);
	close(root);
	CHECK_OK(detach("c"), &err);
	check_whole("pool full of metadata");
}

/* What the store believes the pool's transaction to be. */
static int own_transaction(void)
{
	char path[PATH_MAX], text[256];
	int next, reserved, transaction = -1;

	snprintf(path, sizeof(path), "%.4000s/pool-ids.json", store_path);
	CHECK(fd_read_file(AT_FDCWD, path, text, sizeof(text)) > 0);
	CHECK(sscanf(text, " { \"next\" : %d , \"reserved\" : %d , \"transaction\" : %d", &next,
		     &reserved, &transaction) == 3);
	return transaction;
}

static void test_foreign(void)
{
	const struct storage_init init = { .driver = STORAGE_DEVMAPPER,
					   .loop_size = 100 << 20,
					   .volume_size = 64 << 20 };
	const struct storage_init taken = { .driver = STORAGE_DEVMAPPER,
					    .data_device = "/dev/dm-taken",
					    .metadata_device = "/dev/dm-taken" };
	char text[64];

	CHECK(make_pool_store("foreign", &init));
	CHECK_OK(import_as("base.tar", "base"), &err);
	int own = own_transaction();

	for (int step = 0; step < 2; step++) {
		snprintf(text, sizeof(text), "set_transaction_id %d %d", step ? 77 : own,
			 step ? own : 77);
		int told = dm_message(pool, text);

		if (told < 0)
			perror(text);
		CHECK(told == 0);
		auto_store struct storage *store = open_store();

		CHECK(step ? store != NULL : store == NULL);
		if (!store)
			CHECK(says("has transaction 77, not", ERR_STATE));
	}
	check_whole("foreign writer");
	/* a device with something on it is not taken */
	CHECK(shell(
		"mkfs.ext4 -q -F %s/foreign/pool-data.img.taken 20M && ln -sf $(losetup -f --show %s/foreign/pool-data.img.taken) /dev/dm-taken",
		bed, bed));
	CHECK(!make_pool_store("taken", &taken));
	CHECK(says("there is something on it", EEXIST));
	CHECK(shell("losetup -d $(readlink /dev/dm-taken); rm /dev/dm-taken"));
}

/* Zeroes over the pool's metadata: refused, and as it was once the metadata is back. */
static void test_damaged(void)
{
	const struct storage_init init = { .driver = STORAGE_DEVMAPPER,
					   .loop_size = 100 << 20,
					   .volume_size = 64 << 20 };

	CHECK(make_pool_store("damaged", &init));
	CHECK_OK(import_as("base.tar", "base"), &err);
	CHECK(dm_remove(pool) == 0);
	CHECK(shell(
		"cd %s && cp pool-metadata.img saved && dd if=/dev/urandom of=pool-metadata.img bs=4096 count=64 conv=notrunc 2>/dev/null && sync",
		store_path));
	auto_store struct storage *store = open_store();

	CHECK(!store);
	CHECK(says("masu-", err.code));
	dm_remove(pool);
	CHECK(shell("cd %s && cat saved > pool-metadata.img && sync", store_path));
	check_whole("damaged pool");
}

/* ---- power cuts: from a moment on nothing reaches the disk any more, though all seems well ----
 */
struct disk {
	char name[24], file[PATH_MAX], below[32];
	uint64_t sectors;
};

static bool disk_make(struct disk *disk, const char *name, int megabytes)
{
	char parameters[128];
	FILE *lines;

	*disk = (struct disk){ .sectors = (uint64_t)megabytes * ((1 << 20) / SECTOR) };
	snprintf(disk->name, sizeof(disk->name), "cut-%s", name);
	snprintf(disk->file, sizeof(disk->file), "%s/%s.img", bed, disk->name);
	if (!shell("truncate -s %dM %s && losetup -f --show %s > %s.loop", megabytes, disk->file,
		   disk->file, disk->file))
		return false;
	snprintf(parameters, sizeof(parameters), "%.100s.loop", disk->file);
	lines = fopen(parameters, "re");
	if (!lines || fscanf(lines, "%31s", disk->below) != 1)
		return false;
	fclose(lines);
	snprintf(parameters, sizeof(parameters), "%s 0", disk->below);
	return dm_make(disk->name, "linear", disk->sectors, parameters) >= 0;
}

/* Another table, without flushing anything first. */
static bool disk_swap(const struct disk *disk, const char *type, const char *rest)
{
	char parameters[128];

	snprintf(parameters, sizeof(parameters), "%s 0%s", disk->below, rest);
	return dm_load(disk->name, type, disk->sectors, parameters) == 0 &&
	       dm_plain(DM_DEV_SUSPEND, disk->name,
			DM_SUSPEND_FLAG | DM_SKIP_LOCKFS_FLAG | DM_NOFLUSH_FLAG) == 0 &&
	       dm_plain(DM_DEV_SUSPEND, disk->name, 0) == 0;
}

static bool disk_cut(const struct disk *disk)
{
	return disk_swap(disk, "flakey", " 0 1000000 1 drop_writes");
}

static bool disk_power(const struct disk *disk)
{
	return disk_swap(disk, "linear", "");
}

static void disk_path(const struct disk *disk, char path[32])
{
	struct dm_call call = { 0 };

	CHECK(dm_run(DM_DEV_STATUS, disk->name, &call) == 0);
	snprintf(path, 32, "/dev/dm-%u", minor(call.io.dev));
}

static void disk_remove(const struct disk *disk)
{
	CHECK(dm_remove(disk->name) == 0);
	CHECK(shell("losetup -d %s", disk->below));
}

/* What is going on when the light goes out. */
static void keep_working(void)
{
	int root;

	import_as("second.tar", "second");
	root = attach_from("late", "base");
	if (root >= 0) {
		fill(root, "late", 2);
		commit_as("late", "late");
		close(root);
	}
	detach("early");
}

static void test_power_cut_overlay(void)
{
	static const char type[] = "ext4";
	struct disk disk;
	char path[32];

	CHECK(disk_make(&disk, type, 400));
	disk_path(&disk, path);
	CHECK(shell("mkfs.%s -q %s && mkdir -p %s/cut-%s.mnt && mount %s %s/cut-%s.mnt", type, path,
		    bed, type, path, bed, type));
	snprintf(store_path, sizeof(store_path), "%s/cut-%s.mnt/store", bed, type);
	CHECK_OK(import_as("base.tar", "base"), &err);
	int root = attach_from("early", "base");

	CHECK_OK(root, &err);
	close(root);
	CHECK(disk_cut(&disk));
	keep_working();
	CHECK(shell("umount %s/cut-%s.mnt", bed, type));
	CHECK(disk_power(&disk));
	CHECK(shell("mount %s %s/cut-%s.mnt", path, bed, type));
	/* as after a boot: everything is looked at */
	CHECK(shell("rm -f %s/tmp/boot", store_path));
	check_whole(type);
	CHECK_OK(import_as("second.tar", "second"), &err);
	check_whole(type);
	CHECK(shell("umount %s/cut-%s.mnt", bed, type));
	disk_remove(&disk);
}

/* The pool's disks lose power; the records lie on another one that does not, which is worse. */
static void test_power_cut_pool(void)
{
	struct storage_init init = { .driver = STORAGE_DEVMAPPER, .volume_size = 64 << 20 };
	char data_path[32], metadata_path[32];
	struct disk data, metadata;

	CHECK(disk_make(&data, "data", 200));
	CHECK(disk_make(&metadata, "metadata", 8));
	disk_path(&data, data_path);
	disk_path(&metadata, metadata_path);
	init.data_device = data_path;
	init.metadata_device = metadata_path;
	CHECK(make_pool_store("cut", &init));
	CHECK_OK(import_as("base.tar", "base"), &err);
	CHECK(disk_cut(&data));
	CHECK(disk_cut(&metadata));
	keep_working();
	CHECK(shell(
		"for d in $(dmsetup ls | sed -n 's/^\\(%.13s-[0-9]*\\)\\t.*/\\1/p'); do dmsetup remove $d; done",
		pool));
	CHECK(dm_remove(pool) == 0);
	CHECK(disk_power(&data));
	CHECK(disk_power(&metadata));
	CHECK(shell("rm -f %s/tmp/boot", store_path));
	/* what was committed after the cut is gone from the disks, though not from the records */
	auto_store struct storage *store = open_store();

	if (!store)
		fprintf(stderr, "  %s\n", err.text);
	CHECK(store);
	if (store)
		CHECK(storage_fsck(store, true, show, (void *)(uintptr_t) "repair", &err) >= 0);
	check_whole("power cut of a pool");
	CHECK_OK(import_as("second.tar", "second"), &err);
	check_whole("power cut of a pool");
	CHECK(dm_remove(pool) == 0);
	disk_remove(&data);
	disk_remove(&metadata);
}

static void test_pool_together(void)
{
	test_together("devicemapper", STORAGE_DEVMAPPER, ".");
}

static bool has_mapper(void)
{
	const struct storage_ops *ops = driver_find(STORAGE_DEVMAPPER, &err);

	if (ops && ops->probe(AT_FDCWD, &err) == 0)
		return true;
	printf("skip: devicemapper: %s\n", err.text);
	return false;
}

/* clang-format off */
static const struct {
	const char *name;
	void (*run)(void);
} pool_rows[] = {
	{ "tools",     test_missing_tools },
	{ "data",      test_full_pool },
	{ "metadata",  test_full_metadata },
	{ "foreign",   test_foreign },
	{ "damaged",   test_damaged },
	{ "power-cut", test_power_cut_pool },
	{ "overlay",   test_power_cut_overlay },
	{ "together",  test_pool_together },
};

/* clang-format on */

static bool is_wanted(char **names, const char *name)
{
	for (char **at = names; *at; at++) {
		if (strcmp(*at, name) == 0)
			return true;
	}
	return !*names;
}

static void run_pools(char **names)
{
	for (size_t i = 0; i < sizeof(pool_rows) / sizeof(pool_rows[0]); i++) {
		if (!is_wanted(names, pool_rows[i].name))
			continue;
		printf("%s\n", pool_rows[i].name);
		fflush(stdout);
		pool_rows[i].run();
	}
}

/* trouble [NAME...]: everything, or some of the rows of pools */
int main(int argc, char **argv)
{
	(void)argc;
	if (!bed_open())
		return 0;
	make_sources();
	if (!argv[1]) {
		test_full_disk("ext4", STORAGE_OVERLAY, "100M");
		test_full_disk("ext4", STORAGE_COPY, "100M");
		test_full_disk("btrfs", STORAGE_BTRFS, "300M");
		test_together("overlay", STORAGE_OVERLAY, ".");
		test_together("copy", STORAGE_COPY, ".");
		if (bed_filesystem("btrfs", "btrfs", "400M"))
			test_together("btrfs", STORAGE_BTRFS, "btrfs.mnt");
	}
	if (has_mapper())
		run_pools(argv + 1);
	bed_close();
	return unit_done("storage trouble");
}
