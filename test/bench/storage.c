/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times of one storage driver inside one process, beside the kernel calls that it cannot do
 * without: a root that is ready, its changes, its removal, and hundreds of roots at once. */
#include <fcntl.h>
#include <linux/btrfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/sys.h"
#include "storage/root.h"
#include "test/storage/dm.h"

enum {
	LAYERS = 20,
	CHANGES = 10,
	FILES_IN_DIR = 100,
	ROUNDS_MAX = 1000,
	BARE_ID = 0x800000, /* thin ids that the driver does not reach here */
};

/* What was asked for on the command line, and what came of it. */
struct bench {
	int rounds, files, many;
	const char *driver;
	FILE *json;
	struct storage *store;
	char path[PATH_MAX];
	struct err err;
};

/* One scenario: times of the driver, and of the bare calls that it is compared with. */
struct series {
	double driver[ROUNDS_MAX], bare[ROUNDS_MAX];
};

static double now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

__attribute__((noreturn)) static void stop(const struct bench *bench, const char *what)
{
	fprintf(stderr, "bench-storage: %s: %s: %s\n", bench->driver, what, bench->err.text);
	exit(1);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), compare);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void print_row(const struct bench *bench, const char *scenario, double *values, int count,
		      double base)
{
	double middle = median(values, count), low = values[0], high = values[count * 9 / 10];

	printf("%-34s %-13s %9.3f ms %9.3f %9.3f", scenario, bench->driver, middle, low, high);
	if (base > 0)
		printf(" %7.2f", middle / base);
	printf("\n");
	if (bench->json)
		fprintf(bench->json,
			"{\"scenario\":\"%s\",\"subject\":\"%s\",\"rounds\":%d,\"wall_ms\":%.4f,"
			"\"low_ms\":%.4f,\"high_ms\":%.4f,\"base_ms\":%.4f}\n",
			scenario, bench->driver, count, middle, low, high, base);
}

/* ---- roots ---- */
struct container {
	struct arena arena;
	struct storage_spec spec;
	struct storage_request request;
	struct storage_state state;
	int mount;
};

static void attach(struct bench *bench, struct container *c, const char *id, const char *image)
{
	*c = (struct container){ .spec = { .present = true, .image = image } };
	c->request = (struct storage_request){
		.spec = &c->spec, .root = bench->path, .id = id, .userns_fd = -1
	};
	if (storage_plan(&c->request, &c->arena, &c->state, NULL, &bench->err) < 0)
		stop(bench, "plan");
	c->mount = storage_attach(&c->request, &c->state, &bench->err);
	if (c->mount < 0)
		stop(bench, "attach");
}

static void detach(struct bench *bench, struct container *c)
{
	if (storage_detach(&c->state, &bench->err) < 0)
		stop(bench, "detach");
	arena_free(&c->arena);
}

static void write_file(struct bench *bench, int dir, const char *name, size_t size)
{
	static const char bytes[4096] = "x";
	auto_close int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd >= 0 && fd_write_all(fd, bytes, size) == 0)
		return;
	err_sys(&bench->err, "write %s", name);
	stop(bench, "fill a root");
}

static void fill_base(struct bench *bench, int root)
{
	char name[64];

	for (int i = 0; i < bench->files; i++) {
		snprintf(name, sizeof(name), "d%d", i / FILES_IN_DIR);
		if (i % FILES_IN_DIR == 0 && mkdirat(root, name, 0755) < 0)
			stop(bench, "make a directory");
		snprintf(name, sizeof(name), "d%d/f%d", i / FILES_IN_DIR, i % FILES_IN_DIR);
		write_file(bench, root, name, (size_t)(i % 4096));
	}
}

/* Ten of the changes that there are: new, changed, deleted, renamed. */
static void change(struct bench *bench, int root, int salt)
{
	char name[64];

	for (int i = 0; i < CHANGES; i++) {
		int dir = (salt + i * 17) % (bench->files / FILES_IN_DIR);

		snprintf(name, sizeof(name), "d%d/%s%d", dir, i % 2 ? "new" : "f", i);
		if (i % 5 == 4)
			unlinkat(root, name, 0);
		else
			write_file(bench, root, name, 100);
	}
}

/* A base of many files and changes on it, layer by layer, each a commit. */
static void make_image(struct bench *bench)
{
	struct container c;
	char from[16] = "l0", to[16];
	int empty[2];

	/* the first layer comes from a tar of nothing: two blocks of zeroes */
	static const char zeroes[10240];

	if (pipe(empty) < 0 || write(empty[1], zeroes, sizeof(zeroes)) != sizeof(zeroes))
		stop(bench, "make a pipe");
	close(empty[1]);
	for (int i = 0; i < LAYERS; i++) {
		auto_arena struct arena arena = { 0 };
		struct storage_image image;

		snprintf(to, sizeof(to), "l%d", i);
		if (i == 0) {
			if (storage_import(bench->store,
					   &(struct storage_import){ .name = to, .fd = empty[0] },
					   &arena, &image, &bench->err) < 0)
				stop(bench, "import");
			continue;
		}
		attach(bench, &c, "maker", from);
		if (i == 1)
			fill_base(bench, c.mount);
		else
			change(bench, c.mount, i);
		if (storage_commit(bench->store,
				   &(struct storage_commit){ .id = "maker", .name = to }, &arena,
				   &image, &bench->err) < 0)
			stop(bench, "commit");
		close(c.mount);
		detach(bench, &c);
		memcpy(from, to, sizeof(from));
	}
	close(empty[0]);
}

/* ---- what the kernel alone takes ---- */
/* A detached clone of a directory, as a bundle's own root file system needs it. */
static double bare_bind(struct bench *bench)
{
	double start = now_ms();
	auto_close int mount =
		sys_open_tree(AT_FDCWD, bench->path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (mount < 0)
		stop(bench, "clone a mount");
	return now_ms() - start;
}

/* The id and the size of the image's topmost layer. */
static void find_origin(struct bench *bench, unsigned int *id, unsigned long long *size)
{
	auto_arena struct arena arena = { 0 };
	struct image_record image;
	char path[PATH_MAX], text[256];

	if (image_resolve(bench->store, "l19", &arena, &image, &bench->err) < 0)
		stop(bench, "find the image");
	snprintf(path, sizeof(path), "data/%s.json", JSON_ITEMS(const char *, &image.chain)[0]);
	if (fd_read_file(bench->store->root, path, text, sizeof(text)) < 0 ||
	    sscanf(text, " { \"id\" : %u , \"size\" : %llu", id, size) != 2)
		stop(bench, "read the layer's record");
}

/* A snapshot in the pool, a device for it, a mount of it: nothing recorded, nothing looked up. */
static double bare_thin(struct bench *bench, int number)
{
	char pool[64], text[64], path[32];
	struct dm_call status = { 0 };
	unsigned long long size;
	unsigned int origin;

	find_origin(bench, &origin, &size);
	snprintf(pool, sizeof(pool), "masu-%.8s-pool", bench->store->uuid);
	if (dm_run(DM_DEV_STATUS, pool, &status) < 0)
		stop(bench, "find the pool");
	double start = now_ms();

	snprintf(text, sizeof(text), "create_snap %d %u", BARE_ID + number, origin);
	if (dm_message(pool, text) < 0)
		stop(bench, "create_snap");
	snprintf(text, sizeof(text), "/dev/dm-%u %d", minor(status.io.dev), BARE_ID + number);
	int device = dm_make("bare-thin", "thin", size / 512, text);

	snprintf(path, sizeof(path), "/dev/dm-%d", device);
	int fs = sys_fsopen("ext4", FSOPEN_CLOEXEC);
	int mount = -1;

	if (device >= 0 && sys_fsconfig(fs, SYS_FSCONFIG_SET_STRING, "source", path, 0) == 0 &&
	    sys_fsconfig(fs, SYS_FSCONFIG_SET_FLAG, "noinit_itable", NULL, 0) == 0 &&
	    sys_fsconfig(fs, SYS_FSCONFIG_CREATE, NULL, NULL, 0) == 0)
		mount = sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
	double spent = now_ms() - start;

	if (mount < 0)
		stop(bench, "bare mount");
	close(mount);
	close(fs);
	snprintf(text, sizeof(text), "delete %d", BARE_ID + number);
	if (dm_remove("bare-thin") < 0 || dm_message(pool, text) < 0)
		stop(bench, "remove the bare device");
	return spent;
}

/* The one ioctl that a root on btrfs begins with: it commits a transaction. */
static double bare_snapshot(struct bench *bench)
{
	auto_arena struct arena arena = { 0 };
	struct btrfs_ioctl_vol_args_v2 args = { .name = "bare" };
	struct image_record image;

	if (image_resolve(bench->store, "l19", &arena, &image, &bench->err) < 0)
		stop(bench, "find the image");
	auto_close int layer = openat(bench->store->data, JSON_ITEMS(const char *, &image.chain)[0],
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	args.fd = layer;
	double start = now_ms();

	if (ioctl(bench->store->data, BTRFS_IOC_SNAP_CREATE_V2, &args) < 0)
		stop(bench, "bare snapshot");
	double spent = now_ms() - start;

	if (ioctl(bench->store->data, BTRFS_IOC_SNAP_DESTROY_V2, &args) < 0)
		stop(bench, "destroy the bare snapshot");
	return spent;
}

static double bare(struct bench *bench, int number)
{
	switch (bench->store->ops->driver) {
	case STORAGE_DEVMAPPER:
		return bare_thin(bench, number);
	case STORAGE_BTRFS:
		return bare_snapshot(bench);
	default:
		return bare_bind(bench);
	}
}

static const char *bare_name(const struct bench *bench)
{
	switch (bench->store->ops->driver) {
	case STORAGE_DEVMAPPER:
		return "bare ioctls and mount";
	case STORAGE_BTRFS:
		return "bare snapshot";
	default:
		return "bare bind";
	}
}

/* ---- scenarios ---- */
static double time_diff(struct bench *bench, struct container *c)
{
	struct storage_change *changes;
	size_t count;
	double start = now_ms();

	if (storage_diff(bench->store, c->request.id, &c->arena, &changes, &count, &bench->err) < 0)
		stop(bench, "diff");
	return now_ms() - start;
}

static void bench_one(struct bench *bench)
{
	static struct series ready;
	static double fresh[ROUNDS_MAX], diff[ROUNDS_MAX], removal[ROUNDS_MAX];
	struct container c;

	for (int i = -2; i < bench->rounds; i++) {
		int at = i < 0 ? 0 : i;
		double start;

		ready.bare[at] = bare(bench, i + 2);
		start = now_ms();
		attach(bench, &c, "one", "l19");
		ready.driver[at] = now_ms() - start;
		change(bench, c.mount, i + 100);
		fresh[at] = time_diff(bench, &c);
		/* as it is when the writes are older than the kernel's write-back */
		syncfs(bench->store->data);
		diff[at] = time_diff(bench, &c);
		close(c.mount);
		start = now_ms();
		detach(bench, &c);
		removal[at] = now_ms() - start;
	}
	double base = median(ready.bare, bench->rounds);

	print_row(bench, bare_name(bench), ready.bare, bench->rounds, 0);
	print_row(bench, "root ready, 20 layers", ready.driver, bench->rounds, base);
	print_row(bench, "diff of 10 changes, just written", fresh, bench->rounds, 0);
	print_row(bench, "diff of 10 changes", diff, bench->rounds, 0);
	print_row(bench, "remove", removal, bench->rounds, 0);
}

/* KiB that the kernel and we have for ourselves; the page cache can be had back. */
static long used_kib(void)
{
	FILE *info = fopen("/proc/meminfo", "re");
	char line[128], name[32];
	long value, used = 0;

	while (info && fgets(line, sizeof(line), info)) {
		if (sscanf(line, "%31[^:]: %ld", name, &value) != 2)
			continue;
		if (strcmp(name, "SUnreclaim") == 0 || strcmp(name, "AnonPages") == 0 ||
		    strcmp(name, "SReclaimable") == 0 || strcmp(name, "Percpu") == 0)
			used += value;
	}
	if (info)
		fclose(info);
	return used;
}

static void bench_many(struct bench *bench)
{
	struct container *all = calloc((size_t)bench->many, sizeof(*all));
	static double times[ROUNDS_MAX], removals[ROUNDS_MAX];
	char(*ids)[16] = calloc((size_t)bench->many, sizeof(*ids));
	int part = bench->many / 10;

	if (!all || !ids)
		stop(bench, "memory");
	long half = 0, before = used_kib();

	for (int i = 0; i < bench->many; i++) {
		snprintf(ids[i], sizeof(ids[i]), "many%d", i);
		double start = now_ms();

		attach(bench, &all[i], ids[i], "l19");
		times[i] = now_ms() - start;
		if (i + 1 == bench->many / 2)
			half = used_kib();
	}
	long after = used_kib();

	for (int i = 0; i < bench->many; i++) {
		close(all[i].mount);
		double start = now_ms();

		detach(bench, &all[i]);
		removals[i] = now_ms() - start;
	}
	double first = median(times, part);

	print_row(bench, "many roots: first tenth", times, part, 0);
	print_row(bench, "many roots: last tenth", times + bench->many - part, part, first);
	print_row(bench, "many roots: remove", removals, bench->many, 0);
	printf("%-34s %-13s %6.1f KiB each in the first half, %.1f in the second\n",
	       "many roots: memory", bench->driver, (double)(half - before) / (bench->many / 2),
	       (double)(after - half) / (bench->many - bench->many / 2));
	if (bench->json)
		fprintf(bench->json,
			"{\"scenario\":\"many roots: memory\",\"subject\":\"%s\",\"first_kib\":%.1f,"
			"\"second_kib\":%.1f}\n",
			bench->driver, (double)(half - before) / (bench->many / 2),
			(double)(after - half) / (bench->many - bench->many / 2));
	free(all);
	free(ids);
}

/* bench-storage DRIVER DIR FILE [ROUNDS [FILES [MANY]]]: a new store in DIR, rows as JSON to FILE.
 */
int main(int argc, char **argv)
{
	struct bench bench = { .rounds = 50, .files = 20000, .many = 500 };
	struct storage_init init = { .volume_size = 1ULL << 30 };
	int64_t driver;

	if (argc < 4 || !names_find(storage_driver_names, argv[1], &driver)) {
		fprintf(stderr, "usage: bench-storage DRIVER DIR FILE [ROUNDS [FILES [MANY]]]\n");
		return 2;
	}
	bench.driver = argv[1];
	bench.rounds = argc > 4 ? (int)strtol(argv[4], NULL, 10) : bench.rounds;
	bench.files = argc > 5 ? (int)strtol(argv[5], NULL, 10) : bench.files;
	bench.many = argc > 6 ? (int)strtol(argv[6], NULL, 10) : bench.many;
	if (bench.rounds < 1 || bench.rounds > ROUNDS_MAX || bench.files < 20 * FILES_IN_DIR ||
	    bench.many > ROUNDS_MAX)
		return 2;
	snprintf(bench.path, sizeof(bench.path), "%s/store", argv[2]);
	init.driver = (enum storage_driver)driver;
	init.loop_size = init.driver == STORAGE_DEVMAPPER ? 1ULL << 30 : 0;
	bench.json = fopen(argv[3], "ae");
	if (storage_init_store(bench.path, &init, &bench.err) < 0)
		stop(&bench, "make a store");
	bench.store = storage_open(bench.path, init.driver, 0, &bench.err);
	if (!bench.store)
		stop(&bench, "open the store");
	make_image(&bench);
	bench_one(&bench);
	if (bench.many >= 10)
		bench_many(&bench);
	storage_close(bench.store);
	if (bench.json)
		fclose(bench.json);
	return 0;
}
