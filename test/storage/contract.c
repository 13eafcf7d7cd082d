/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The contract that every storage driver keeps: the same story told to each of them. */
#include "test/storage/bed.h"

#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "base/auto.h"
#include "base/sys.h"
#include "storage/candidates.h"
#include "storage/root.h"

struct place {
	const char *driver_name;
	enum storage_driver driver;
	const char *filesystem; /* NULL: where the bed is */
	uint64_t loop_size;     /* the store makes its own file system in a file */
};

/* clang-format off */
static const struct place places[] = {
	{ "overlay", STORAGE_OVERLAY, NULL,    0 },
	{ "copy",    STORAGE_COPY,    NULL,    0 },
	{ "copy",    STORAGE_COPY,    "xfs",   0 },
	{ "overlay", STORAGE_OVERLAY, "xfs",   0 },
	{ "overlay", STORAGE_OVERLAY, "btrfs", 0 },
	{ "btrfs",   STORAGE_BTRFS,   "btrfs", 0 },
	{ "btrfs",   STORAGE_BTRFS,   NULL,    512 << 20 },
	{ "devicemapper", STORAGE_DEVMAPPER, NULL, 600 << 20 },
};
/* clang-format on */

static struct err err;
static char store_path[PATH_MAX];
static struct storage *store;

/* Two layers: the second hides a file, a directory's content, and changes a file of the first. */
static bool make_image_source(void)
{
	return shell(
		"set -e; cd %s; rm -rf src oci; mkdir -p src/etc/conf.d src/bin src/var/lib/old src/opt/gone src/dev;"
		"cd src; echo hello > etc/motd; echo a > etc/conf.d/a; echo b > etc/conf.d/b; echo o > var/lib/old/f;"
		"echo x > opt/gone/x; head -c 200000 /dev/urandom > bin/tool; chmod 4755 bin/tool;"
		"ln bin/tool bin/tool2; ln -s ../bin/tool etc/link; ln -s /nowhere etc/dangling;"
		"truncate -s 3M var/sparse; printf end >> var/sparse; mknod dev/null c 1 3; mkfifo var/fifo;"
		"setfattr -n user.note -v one etc/motd; setcap cap_net_raw+ep bin/tool2 2>/dev/null || true;"
		"chown 1000:1000 var/lib/old; chmod 1777 var; touch -d '2001-02-03 04:05:06.789' etc/motd;"
		"echo uml > 'etc/\xc3\xa4\xc3\xb6 \xc3\xbc';"
		"tar --format=posix -S --xattrs --xattrs-include='*' -cf ../base.tar . ; cd ..;"
		"gzip -k -f base.tar; rm -rf src",
		bed);
}

static void open_store(const struct place *place, int number)
{
	char base[PATH_MAX];

	snprintf(base, sizeof(base), "%s%s%s%s", bed, place->filesystem ? "/" : "",
		 place->filesystem ? place->filesystem : "", place->filesystem ? ".mnt" : "");
	snprintf(store_path, sizeof(store_path), "%s/store%d", base, number);
	if (place->loop_size) {
		struct storage_init init = { .driver = place->driver,
					     .loop_size = place->loop_size,
					     .volume_size = 400 << 20,
					     .sparse = true };

		CHECK_OK(storage_init_store(store_path, &init, &err), &err);
	}
	store = storage_open(store_path, place->driver, STORAGE_CREATE, &err);
	CHECK(store);
	if (!store)
		fprintf(stderr, "  %s\n", err.text);
}

static int import_tar(const char *file, const char *name, struct arena *arena,
		      struct storage_image *image)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", bed, file);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);

	return storage_import(store, &(struct storage_import){ .name = name, .fd = fd }, arena,
			      image, &err);
}

struct container {
	struct storage_spec spec;
	struct storage_request request;
	struct storage_state state;
	int mount;
};

static void attach(struct container *c, const char *id, const char *image, struct arena *arena)
{
	c->spec = (struct storage_spec){ .present = true, .image = image };
	c->request = (struct storage_request){
		.spec = &c->spec, .root = store_path, .id = id, .userns_fd = -1
	};
	c->mount = -1;
	CHECK_OK(storage_plan(&c->request, arena, &c->state, NULL, &err), &err);
	c->mount = storage_attach(&c->request, &c->state, &err);
	CHECK_OK(c->mount, &err);
}

static void detach(struct container *c)
{
	if (c->mount >= 0)
		close(c->mount);
	CHECK_OK(storage_detach(&c->state, &err), &err);
	CHECK_OK(storage_detach(&c->state, &err), &err); /* twice is as good as once */
}

static bool inside(const struct container *c, const char *script)
{
	return shell("cd /proc/%d/fd/%d/ && { %s; }", (int)getpid(), c->mount, script);
}

/* Number of differences between two trees, the first few shown. */
static size_t differences(int left, int right)
{
	auto_arena struct arena arena = { 0 };
	struct change_list list = { .arena = &arena };

	CHECK_OK(tree_compare(left, right, NULL, &list, &err), &err);
	for (size_t i = 0; i < list.count && i < 5; i++)
		fprintf(stderr, "  differs: %c %s\n", list.items[i].kind, list.items[i].path);
	return list.count;
}

static int mount_count(void)
{
	int lines = 0, c;
	FILE *table = fopen("/proc/self/mountinfo", "re");

	while (table && (c = getc(table)) != EOF)
		lines += c == '\n';
	if (table)
		fclose(table);
	return lines;
}

/* What the driver says against both trees walked: they must agree to the letter. */
static void check_diff(const char *id)
{
	auto_arena struct arena arena = { 0 };
	struct change_list naive = { .arena = &arena };
	struct storage_change *changes;
	struct root_views views;
	struct root root;
	size_t count;

	CHECK_OK(storage_diff(store, id, &arena, &changes, &count, &err), &err);
	CHECK_OK(root_load(store, id, &arena, &root, &err), &err);
	CHECK_OK(root_open_views(store, &root, &views, &err), &err);
	CHECK_OK(tree_compare(views.base, views.now, NULL, &naive, &err), &err);
	close(views.base);
	close(views.now);
	CHECK_INT(count, naive.count);
	CHECK(count > 0);
	for (size_t i = 0; i < count && i < naive.count; i++) {
		if (changes[i].kind == naive.items[i].kind &&
		    strcmp(changes[i].path + 1, naive.items[i].path) == 0)
			continue;
		fprintf(stderr, "  driver %c %s, walk %c %s\n", changes[i].kind, changes[i].path,
			naive.items[i].kind, naive.items[i].path);
		CHECK(false);
		break;
	}
}

static const char mutations[] =
	"set -e; echo changed >> etc/motd; rm -rf opt/gone; rm etc/conf.d/a; mkdir -p new/deep/er; echo n > new/deep/er/f;"
	"mv etc/conf.d etc/moved; mkdir etc/conf.d; echo again > etc/conf.d/b; rm -rf var/lib/old; mkdir var/lib/old;"
	"echo two > var/lib/old/g; ln etc/motd etc/motd2; chmod 700 bin; setfattr -n user.note -v two etc/motd;"
	"rm etc/link; mkdir etc/link; echo i > etc/link/inner; rm -rf dev; echo file > dev; mknod blk b 7 9;"
	"echo w >> bin/tool; ln -s target sym; chown 5:6 etc/dangling -h; touch 'sp ace\\n'; mkdir swap1 swap2;"
	"echo 1 > swap1/a; echo 2 > swap2/b; mv swap1 swap3; mv swap2 swap1; mv swap3 swap2";

/* Random renames, deletions, links and writes; the seed makes a failure repeatable. */
static void mutate_randomly(const struct container *c, unsigned int seed)
{
	char from[64], to[64];

	srand(seed);
	for (int i = 0; i < 150; i++) {
		snprintf(from, sizeof(from), "r/%d/%d", rand() % 4, rand() % 6);
		snprintf(to, sizeof(to), "r/%d/%d", rand() % 4, rand() % 6);
		switch (rand() % 7) {
		case 0:
			renameat(c->mount, from, c->mount, to);
			break;
		case 1:
			(void)!linkat(c->mount, from, c->mount, to, 0);
			break;
		case 2:
			if (unlinkat(c->mount, from, 0) < 0)
				unlinkat(c->mount, from, AT_REMOVEDIR);
			break;
		case 3:
			mkdirat(c->mount, from, 0755);
			break;
		case 4:
			(void)!fchmodat(c->mount, from, (mode_t)(0600 + rand() % 64), 0);
			break;
		default: {
			auto_close int fd = openat(c->mount, from,
						   O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

			if (fd >= 0)
				(void)!write(fd, from, strlen(from));
		}
		}
	}
	for (int i = 0; i < 4; i++) {
		snprintf(from, sizeof(from), "r/%d", rand() % 4);
		snprintf(to, sizeof(to), "r/%d", rand() % 4);
		renameat2(c->mount, from, c->mount, to, RENAME_EXCHANGE);
	}
}

static void test_commit(struct arena *arena)
{
	struct container one, two;
	struct storage_image image;

	attach(&one, "one", "base", arena);
	CHECK(inside(&one, mutations));
	check_diff("one");
	CHECK_OK(storage_commit(store, &(struct storage_commit){ .id = "one", .name = "work:v1" },
				arena, &image, &err),
		 &err);
	CHECK_INT(image.layers.count, 2);
	attach(&two, "two", "work:v1", arena);
	CHECK_INT(differences(one.mount, two.mount), 0);
	detach(&one);
	detach(&two);
}

static void test_random(struct arena *arena)
{
	struct container before, after;
	struct storage_image image;

	attach(&before, "before", "base", arena);
	CHECK(inside(
		&before,
		"for d in 0 1 2 3; do mkdir -p r/$d; for f in 0 1 2; do echo $d$f > r/$d/$f; done; "
		"mkdir r/$d/3; echo x > r/$d/3/x; done; ln r/0/0 r/1/5"));
	CHECK_OK(storage_commit(store, &(struct storage_commit){ .id = "before", .name = "tree" },
				arena, &image, &err),
		 &err);
	detach(&before);
	for (unsigned int seed = 1; seed <= 6; seed++) {
		attach(&after, "after", "tree", arena);
		mutate_randomly(&after, seed);
		check_diff("after");
		detach(&after);
	}
	CHECK_OK(storage_image_remove(store, "tree", &err), &err);
}

/* Export as a layout, read by us and by others, and in again: the same tree. */
static void test_export(struct arena *arena)
{
	struct container old, new;
	struct storage_image image;
	char path[PATH_MAX];

	for (int compression = STORAGE_PLAIN; compression <= STORAGE_ZSTD; compression++) {
		snprintf(path, sizeof(path), "%s/out.tar", bed);
		auto_close int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		const struct storage_export options = {
			.name = "work:v1",
			.fd = fd,
			.compression = (enum storage_compression)compression
		};

		CHECK_OK(storage_image_export(store, &options, &err), &err);
		CHECK_OK(import_tar("out.tar", "again:v1", arena, &image), &err);
		attach(&old, "old", "work:v1", arena);
		attach(&new, "new", "again:v1", arena);
		CHECK_INT(differences(old.mount, new.mount), 0);
		detach(&old);
		detach(&new);
	}
	CHECK(shell("cd %s && rm -rf layout && mkdir layout", bed));
	snprintf(path, sizeof(path), "%s/layout", bed);
	auto_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct storage_export options = {
		.name = "work:v1", .fd = dir, .is_directory = true, .compression = STORAGE_GZIP
	};

	CHECK_OK(storage_image_export(store, &options, &err), &err);
	if (has_tool("umoci"))
		CHECK(shell(
			"cd %s && rm -rf unpacked && umoci unpack --image layout:v1 unpacked 2>&1 | grep -v level=info; "
			"grep -q changed unpacked/rootfs/etc/motd && test ! -e unpacked/rootfs/opt/gone",
			bed));
	if (has_tool("skopeo"))
		CHECK(shell(
			"cd %s && rm -rf copied && skopeo --insecure-policy copy -q oci:layout:v1 oci:copied:v1",
			bed));
	CHECK_OK(storage_import(store, &(struct storage_import){ .name = "third", .fd = dir },
				arena, &image, &err),
		 &err);
	CHECK_OK(storage_image_remove(store, "again:v1", &err), &err);
	CHECK_OK(storage_image_remove(store, "third", &err), &err);
}

static void test_snapshots(struct arena *arena)
{
	struct container c;
	struct storage_snapshot *snapshots;
	size_t count;

	attach(&c, "snap", "base", arena);
	CHECK(inside(&c, "echo first > state; rm etc/motd"));
	CHECK_OK(storage_snapshot_create(store, "snap", "s1", &err), &err);
	CHECK(storage_snapshot_create(store, "snap", "s1", &err) < 0 && err.code == ERR_EXISTS);
	CHECK(inside(&c, "echo second > state; echo new > etc/motd; mkdir more"));
	CHECK_OK(storage_snapshots(store, "snap", arena, &snapshots, &count, &err), &err);
	CHECK_INT(count, 1);
	close(c.mount);
	CHECK_OK(storage_snapshot_rollback(store, "snap", "s1", &err), &err);
	c.mount = storage_mount(&c.request, &c.state, &err);
	CHECK_OK(c.mount, &err);
	CHECK(inside(&c, "test $(cat state) = first && test ! -e etc/motd && test ! -e more"));
	CHECK_OK(storage_snapshot_create(store, "snap", "s2", &err), &err);
	CHECK_OK(storage_snapshot_remove(store, "snap", "s1", &err), &err);
	CHECK(storage_snapshot_remove(store, "snap", "s1", &err) < 0 && err.code == ERR_NOT_FOUND);
	detach(&c); /* takes s2 along */
}

/* In a user namespace the image's root is the namespace's root; on disk it stays 0. */
static void test_id_map(struct arena *arena)
{
	int ready[2], hold[2];
	struct container c;
	struct stat st;
	char byte;

	CHECK(pipe(ready) == 0 && pipe(hold) == 0);
	pid_t child = fork();

	if (child == 0) {
		if (unshare(CLONE_NEWUSER) < 0)
			_exit(1);
		close(hold[1]);
		(void)!write(ready[1], "x", 1);
		(void)!read(hold[0], &byte, 1);
		_exit(0);
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	CHECK(shell(
		"echo 0 200000 65536 > /proc/%d/uid_map; echo 0 200000 65536 > /proc/%d/gid_map",
		child, child));
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", child);
	c.spec = (struct storage_spec){ .present = true, .image = "work:v1" };
	c.request = (struct storage_request){ .spec = &c.spec,
					      .root = store_path,
					      .id = "mapped",
					      .userns_fd = open(path, O_RDONLY | O_CLOEXEC),
					      .root_uid = 200000,
					      .root_gid = 200000 };
	CHECK_OK(storage_plan(&c.request, arena, &c.state, NULL, &err), &err);
	c.mount = storage_attach(&c.request, &c.state, &err);
	CHECK_OK(c.mount, &err);
	CHECK(fstatat(c.mount, "etc/motd", &st, 0) == 0);
	CHECK_INT(st.st_uid, 200000);
	pid_t writer = fork();

	if (writer == 0) {
		if (setns(c.request.userns_fd, CLONE_NEWUSER) < 0 || setresgid(0, 0, 0) < 0 ||
		    setresuid(0, 0, 0) < 0)
			_exit(2);
		_exit(mkdirat(c.mount, "made", 0755) < 0 ||
		      unlinkat(c.mount, "etc/moved/b", 0) < 0);
	}
	int status = -1;

	waitpid(writer, &status, 0);
	CHECK_INT(status, 0);
	CHECK(fstatat(c.mount, "made", &st, 0) == 0);
	CHECK_INT(st.st_uid, 200000);
	auto_close int now = -1;
	struct root_views views = { -1, -1 };
	struct root root;

	CHECK_OK(root_load(store, "mapped", arena, &root, &err), &err);
	CHECK_OK(root_open_views(store, &root, &views, &err), &err);
	now = views.now;
	CHECK(fstatat(now, "made", &st, 0) == 0);
	CHECK_INT(st.st_uid, 0);
	close(views.base);
	close(take_fd(&now));
	check_diff("mapped");
	close(c.request.userns_fd);
	close(hold[1]);
	close(hold[0]);
	close(ready[0]);
	close(ready[1]);
	waitpid(child, NULL, 0);
	detach(&c);
}

static void test_basics(struct arena *arena)
{
	struct container one, two, same;
	int before = mount_count();

	attach(&one, "one", "base", arena);
	attach(&two, "two", "base:latest", arena);
	CHECK_INT(mount_count(), before);
	CHECK_INT(differences(one.mount, two.mount), 0);
	CHECK(inside(
		&one,
		"test $(cat etc/motd) = hello && test -u bin/tool && test -c dev/null && test -p var/fifo"));
	CHECK(inside(
		&one,
		"test $(stat -c %h bin/tool) = 2 && test \"$(cat etc/\xc3\xa4\xc3\xb6\\ \xc3\xbc)\" = uml"));
	CHECK(inside(&one,
		     "test $(stat -c %a var) = 1777 && test $(stat -c %u var/lib/old) = 1000"));
	CHECK(inside(
		&one,
		"test \"$(stat -c %y etc/motd | cut -c1-23)\" = '2001-02-03 04:05:06.789' || stat etc/motd"));
	CHECK(inside(
		&one,
		"test $(stat -c %b var/sparse) -lt 100 && test $(stat -c %s var/sparse) = 3145731"));
	CHECK(inside(&one, "getfattr --only-values -n user.note etc/motd | grep -q one"));
	CHECK(inside(&one, "getfattr -d -m- bin/tool | grep -q security.capability"));
	CHECK(inside(&one, "echo mine > etc/motd && rm bin/tool2"));
	CHECK(inside(&two, "test $(cat etc/motd) = hello && test -e bin/tool2"));
	/* a second root of the same name is refused and the first one stays */
	same = one;
	CHECK(storage_attach(&same.request, &same.state, &err) < 0);
	CHECK_INT(err.code, ERR_EXISTS);
	CHECK(inside(&one, "test $(cat etc/motd) = mine"));
	struct storage_usage usage;

	CHECK_OK(storage_root_usage(store, "one", &usage, &err), &err);
	CHECK(usage.bytes > 0);
	detach(&one);
	detach(&two);
}

/* 20 MiB, or for a thin volume 60 MiB more than the smallest that there is. */
static void test_limit(const struct place *place, struct arena *arena)
{
	bool is_thin = place->driver == STORAGE_DEVMAPPER;
	struct container c;

	c.spec = (struct storage_spec){ .present = true,
					.image = "base",
					.size = is_thin ? "460M" : "20M" };
	c.request = (struct storage_request){
		.spec = &c.spec, .root = store_path, .id = "small", .userns_fd = -1
	};
	CHECK_OK(storage_plan(&c.request, arena, &c.state, NULL, &err), &err);
	c.mount = storage_attach(&c.request, &c.state, &err);
	if (c.mount < 0) {
		fprintf(stderr, "  %s\n", err.text);
		CHECK_INT(err.code, ERR_UNSUPPORTED);
		CHECK(err.hint[0]);
	} else if (is_thin) {
		CHECK(inside(&c, "test $(($(stat -f -c '%b * %S' .))) -gt 420000000"));
		c.spec.size = "20M";
		detach(&c);
		c.mount = storage_attach(&c.request, &c.state, &err);
		CHECK(c.mount < 0);
		CHECK_INT(err.code, ERR_INPUT);
	} else {
		/* quotas let a process with CAP_SYS_RESOURCE pass */
		CHECK(inside(&c, "head -c 8M /dev/zero > a && sync"));
		CHECK(inside(
			&c,
			"! setpriv --bounding-set=-sys_resource head -c 40M /dev/urandom > b 2>/dev/null"));
	}
	detach(&c);
}

static int show_finding(const struct storage_finding *finding, void *data)
{
	(void)data;
	fprintf(stderr, "  found: %s %s: %s\n", finding->kind, finding->name, finding->problem);
	return 0;
}

static int count_volume(const char *key, void *data)
{
	fprintf(stderr, "  left: %s\n", key);
	++*(int *)data;
	return 0;
}

/* In the end nothing is left: no volume, no record, no intent. */
static void test_empty(void)
{
	int volumes = 0;

	CHECK_INT(storage_fsck(store, false, show_finding, NULL, &err), 0);
	CHECK_OK(storage_image_remove(store, "work:v1", &err), &err);
	CHECK_OK(storage_image_remove(store, "base", &err), &err);
	CHECK_OK(store->ops->each(store, count_volume, &volumes, &err), &err);
	CHECK_INT(volumes, 0);
	CHECK(shell(
		"cd %s && test -z \"$(ls -A layers images roots snapshots intents blobs/sha256)\" 2>/dev/null || "
		"test $(find layers images roots snapshots intents blobs -type f | wc -l) = 0",
		store_path));
	CHECK_OK(storage_trim(store, &err), &err);
}

static void tell_story(const struct place *place, int number)
{
	auto_arena struct arena arena = { 0 };
	struct storage_image image;
	struct storage_info info;

	printf("%s on %s%s\n", place->driver_name,
	       place->filesystem ? place->filesystem : "the bed",
	       place->loop_size ? ", in a file of its own" : "");
	open_store(place, number);
	if (!store)
		return;
	fflush(stdout);
	if (import_tar("base.tar.gz", "base", &arena, &image) < 0) {
		fprintf(stderr, "  %s\n", err.text);
		CHECK(false);
		return;
	}
	CHECK_TEXT(image.name, "base:latest");
	test_basics(&arena);
	test_commit(&arena);
	test_random(&arena);
	test_export(&arena);
	test_snapshots(&arena);
	test_id_map(&arena);
	test_limit(place, &arena);
	CHECK_OK(storage_get_info(store_path, &arena, &info, &err), &err);
	CHECK_TEXT(info.driver, place->driver_name);
	test_empty();
	storage_close(store);
}

/* Device-mapper is missing on many a test machine; the guest has it. */
static bool is_possible(const struct place *place)
{
	if (place->driver != STORAGE_DEVMAPPER)
		return true;
	const struct storage_ops *ops = driver_find(place->driver, &err);

	if (ops && ops->probe(AT_FDCWD, &err) == 0)
		return true;
	printf("skip: %s: %s\n", place->driver_name, err.text);
	return false;
}

int main(int argc, char **argv)
{
	if (!bed_open())
		return 0;
	bool btrfs = bed_filesystem("btrfs", "btrfs", "1G");
	bool xfs = bed_filesystem("xfs", "xfs", "1G");

	CHECK(make_image_source());
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const char *filesystem = places[i].filesystem;

		if (argc > 1 && strcmp(argv[1], places[i].driver_name) != 0)
			continue;
		if (filesystem && !(strcmp(filesystem, "btrfs") == 0 ? btrfs : xfs))
			continue;
		if (!is_possible(&places[i]))
			continue;
		tell_story(&places[i], (int)i);
	}
	bed_close();
	return unit_done("storage contract");
}
