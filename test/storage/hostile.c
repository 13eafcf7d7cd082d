/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tars made to do harm: each is refused or contained, and nothing outside of the store changes. */
#include "test/storage/bed.h"

#include <sys/sysmacros.h>

#include "base/auto.h"
#include "base/str.h"
#include "storage/archive.h"
#include "storage/store.h"
#include "storage/tree.h"

static struct err err;
static struct storage *store;
static const struct archive_ops *archive;

/* One entry of a tar: what it is by the first letter of `kind`. */
struct entry {
	const char *kind; /* file, dir, link (symbolic), hard, char, 0 (whiteout device), sized */
	const char *path, *target;
};

struct row {
	const char *name;
	struct entry entries[6];
	const char *refused; /* part of the message; NULL: contained */
	const char *check;   /* shell, in the root of what was unpacked */
};

#define OUTSIDE "/tmp/masu-outside-of-everything"

/* clang-format off */
static const struct row rows[] = {
	{ "dots", { { "file", "../../../../../../../../../../../../" OUTSIDE, NULL } }, "\"..\"", NULL },
	{ "dots inside", { { "file", "a/../../x", NULL } }, "\"..\"", NULL },
	{ "absolute", { { "file", OUTSIDE, NULL } }, NULL, "test -f ./" OUTSIDE },
	{ "through an absolute link", { { "link", "out", "/tmp" }, { "file", "out/masu-outside-of-everything", NULL } }, NULL,
	  "test -f ./" OUTSIDE },
	{ "through a climbing link", { { "link", "out", "../../../../../../../../tmp" }, { "file", "out/masu-outside-of-everything", NULL } },
	  NULL, "test -f ./" OUTSIDE },
	{ "over a link", { { "link", "x", OUTSIDE }, { "file", "x", NULL } }, NULL, "test -f x && test ! -L x" },
	{ "directory over a link", { { "link", "x", "/tmp" }, { "dir", "x", NULL }, { "file", "x/masu-outside-of-everything", NULL } }, NULL,
	  "test -f x/masu-outside-of-everything && test ! -L x" },
	{ "hard link to the host", { { "hard", "passwd", "/etc/passwd" } }, "link to", NULL },
	{ "hard link by dots", { { "hard", "passwd", "../../../../../../etc/passwd" } }, "\"..\"", NULL },
	{ "hard link through a link", { { "link", "e", "/etc" }, { "hard", "p", "e/passwd" } }, "link to", NULL },
	{ "hard link to a link", { { "link", "e", "/etc/passwd" }, { "hard", "p", "e" } }, NULL, "test -L p" },
	{ "hard link to itself", { { "file", "a", NULL }, { "hard", "a", "a" } }, "itself", NULL },
	{ "whiteout device", { { "0", "gone", NULL } }, "whiteout", NULL },
	{ "whiteout of the parent", { { "file", "a/.wh...", NULL } }, "whiteout of nothing", NULL },
	{ "whiteout of nothing", { { "file", ".wh.", NULL } }, "whiteout of nothing", NULL },
	{ "opaque through a link", { { "link", "t", "/tmp" }, { "file", "t/.wh..wh..opq", NULL } }, NULL, "test -L t" },
	{ "duplicate", { { "file", "a", "one" }, { "file", "a", "two" } }, NULL, "test \"$(cat a)\" = two" },
	{ "file becomes directory", { { "file", "a", NULL }, { "dir", "a", NULL }, { "file", "a/b", NULL } }, NULL, "test -f a/b" },
	{ "directory becomes file", { { "dir", "a/b/c", NULL }, { "file", "a", "x" } }, NULL, "test -f a" },
	{ "directory becomes link", { { "dir", "a", NULL }, { "link", "a", "/tmp" }, { "file", "a/masu-outside-of-everything", NULL } }, NULL,
	  "test -L a && test -f ./" OUTSIDE },
	{ "the root as a file", { { "file", "./", NULL } }, "without a readable name", NULL },
	{ "the root as a link", { { "link", "./", "/tmp" } }, "root is not a directory", NULL },
	{ "link loop", { { "link", "a", "b" }, { "link", "b", "a" }, { "file", "a/x", NULL } }, "Too many levels", NULL },
	{ "overlay's attribute", { { "xattr", "a", "trusted.overlay.redirect" } }, "overlay's own", NULL },
	{ "overlay's user attribute", { { "xattr", "a", "user.overlay.opaque" } }, "overlay's own", NULL },
	{ "too many entries", { { "many", "f", NULL } }, "more entries than the limit", NULL },
	{ "too large", { { "sized", "f", NULL } }, "larger than the limit", NULL },
	{ "long name", { { "long", "f", NULL } }, "too long", NULL },
	{ "device", { { "char", "null", NULL } }, NULL, "test -c null" },
};

/* clang-format on */

static void put(struct archive_writer *writer, const struct archive_item *item, const char *data)
{
	CHECK(archive->put(writer, item, &err) == 0);
	if (data && item->size)
		CHECK(archive->write(writer, data, item->size, &err) == 0);
}

static void put_many(struct archive_writer *writer)
{
	char name[16];

	for (int i = 0; i < 1200; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		put(writer, &(struct archive_item){ .path = name, .mode = S_IFREG | 0644 }, NULL);
	}
}

static void put_entry(struct archive_writer *writer, const struct entry *entry)
{
	static char large[2 << 20], name[5000];
	struct archive_item item = { .path = entry->path, .mode = S_IFREG | 0644 };
	const char *data = entry->target ? entry->target : "data";
	struct xattr xattr = { entry->target, "x", 1 };

	switch (entry->kind[0]) {
	case 'd':
		item.mode = S_IFDIR | 0755;
		break;
	case 'l':
		item.mode = S_IFLNK | 0777;
		item.symlink = entry->target;
		if (strcmp(entry->kind, "long") != 0)
			break;
		item.mode = S_IFREG | 0644;
		memset(name, 'n', sizeof(name) - 1);
		item.path = name;
		break;
	case 'h':
		item.hard_link = entry->target;
		break;
	case 'c':
		item.mode = S_IFCHR | 0666;
		item.device = makedev(1, 3);
		break;
	case '0':
		item.mode = S_IFCHR;
		break;
	case 'm':
		put_many(writer);
		return;
	case 'x':
		item.xattrs = &xattr;
		item.xattr_count = 1;
		break;
	case 's':
		item.size = sizeof(large);
		data = large;
		break;
	default:
		item.size = strlen(data);
	}
	put(writer, &item, data);
}

static int write_tar(const struct row *row)
{
	struct archive_digests digests;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/hostile.tar", bed);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct archive_writer *writer = archive->create(&(struct archive_output){ .fd = fd }, &err);

	CHECK(writer);
	for (const struct entry *entry = row->entries; entry->kind; entry++)
		put_entry(writer, entry);
	CHECK_OK(archive->end(writer, &digests, &err), &err);
	return fd;
}

static int import_fd(int fd, struct arena *arena)
{
	struct storage_image image;
	const struct storage_import options = {
		.name = "hostile", .fd = fd, .max_bytes = 1 << 20, .max_entries = 1000
	};

	err.text[0] = '\0';
	return storage_import(store, &options, arena, &image, &err);
}

static void check_unpacked(const struct row *row)
{
	auto_arena struct arena arena = { 0 };
	const struct volume_mount view = { .userns_fd = -1, .readonly = true };
	struct image_record image;

	CHECK_ROW(row->name, image_resolve(store, "hostile", &arena, &image, &err) == 0);
	const char *const *chain = image.chain.items;
	const struct volume volume = { .key = chain[0],
				       .chain = chain + 1,
				       .depth = image.chain.count - 1 };
	auto_close int tree = store->ops->mount(store, &volume, &view, &err);

	CHECK_ROW(row->name, tree >= 0);
	if (row->check)
		CHECK_ROW(row->name,
			  shell("cd /proc/%d/fd/%d/ && %s", (int)getpid(), tree, row->check));
	CHECK_ROW(row->name, storage_image_remove(store, "hostile", &err) == 0);
}

static int fail_on_finding(const struct storage_finding *finding, void *data)
{
	(void)data;
	fprintf(stderr, "  %s %s: %s\n", finding->kind, finding->name, finding->problem);
	return 0;
}

static void run_row(const struct row *row)
{
	auto_arena struct arena arena = { 0 };
	auto_close int fd = write_tar(row);
	int result = import_fd(fd, &arena);

	CHECK_ROW(row->name, access(OUTSIDE, F_OK) < 0);
	if (row->refused) {
		CHECK_ROW(row->name, result < 0);
		CHECK_ROW(row->name, strstr(err.text, row->refused));
		if (!strstr(err.text, row->refused))
			fprintf(stderr, "  said: %s\n", err.text);
	} else {
		if (result < 0)
			fprintf(stderr, "  said: %s\n", err.text);
		CHECK_ROW(row->name, result == 0);
		if (result == 0)
			check_unpacked(row);
	}
	CHECK_ROW(row->name, storage_fsck(store, false, fail_on_finding, NULL, &err) == 0);
}

/* Every cut and many flipped bits of a compressed tar: an error or a whole image, never a crash,
 * never a rest. */
static void test_damaged(void)
{
	char path[PATH_MAX];
	struct stat st;

	CHECK(shell(
		"cd %s && mkdir -p good/d && seq 1 3000 > good/d/f && tar -C good -czf good.tar.gz . && tar -C good -cf good.tar .",
		bed));
	for (int step = 1; step < 20; step++) {
		auto_arena struct arena arena = { 0 };

		snprintf(path, sizeof(path), "%s/good.tar.gz", bed);
		CHECK(stat(path, &st) == 0);
		CHECK(shell("cd %s && head -c %lld good.tar.gz > cut.tar.gz", bed,
			    (long long)st.st_size * step / 20));
		snprintf(path, sizeof(path), "%s/cut.tar.gz", bed);
		auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);

		CHECK(import_fd(fd, &arena) < 0);
		CHECK(err.text[0]);
	}
	srand(7);
	for (int step = 0; step < 30; step++) {
		auto_arena struct arena arena = { 0 };

		CHECK(shell("cd %s && cp good.tar.gz bad.tar.gz", bed));
		snprintf(path, sizeof(path), "%s/bad.tar.gz", bed);
		auto_close int fd = open(path, O_RDWR | O_CLOEXEC);
		char byte;
		off_t at = rand() % st.st_size;

		CHECK(pread(fd, &byte, 1, at) == 1);
		byte ^= (char)(1 << (rand() % 8));
		CHECK(pwrite(fd, &byte, 1, at) == 1);
		if (import_fd(fd, &arena) == 0)
			CHECK_OK(storage_image_remove(store, "hostile", &err), &err);
		else
			CHECK(err.text[0]);
	}
	CHECK(storage_fsck(store, false, fail_on_finding, NULL, &err) == 0);
}

/* A layout whose documents or layers are not what their digests say. */
static void test_digests(void)
{
	static const char *const damages[] = {
		"for f in blobs/sha256/*; do case $(head -c1 $f) in '{') ;; *) printf x >> $f;; esac; done",
		"f=$(grep -l schemaVersion blobs/sha256/* | head -1); sed -i 's/schemaVersion\\\":2/schemaVersion\\\":3/' $f",
		"f=$(grep -l diff_ids blobs/sha256/* | head -1); printf ' ' >> $f",
		"rm $(grep -l diff_ids blobs/sha256/* | head -1)",
		"sed -i 's/sha256:/sha512:/' index.json",
		"echo '{\"manifests\":[]}' > index.json",
		"echo '{' > index.json",
	};
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/good.tar", bed);
	auto_close int tar = open(path, O_RDONLY | O_CLOEXEC);
	auto_arena struct arena arena = { 0 };

	CHECK_OK(import_fd(tar, &arena), &err);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		CHECK(shell("cd %s && rm -rf layout && mkdir layout", bed));
		snprintf(path, sizeof(path), "%s/layout", bed);
		auto_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		const struct storage_export options = { .name = "hostile",
							.fd = dir,
							.is_directory = true };
		struct storage_image image;

		CHECK_OK(storage_image_export(store, &options, &err), &err);
		CHECK(shell("cd %s/layout && { %s; }", bed, damages[i]));
		/* known layers would not be read again, so it goes to a store of its own */
		snprintf(path, sizeof(path), "%s/store-%zu", bed, i);
		auto_store struct storage *fresh =
			storage_open(path, STORAGE_AUTO, STORAGE_CREATE, &err);

		CHECK(fresh);
		CHECK_ROW(damages[i],
			  storage_import(fresh, &(struct storage_import){ .name = "x", .fd = dir },
					 &arena, &image, &err) < 0);
		CHECK(storage_fsck(fresh, false, fail_on_finding, NULL, &err) == 0);
	}
}

/* docker-archive as `docker save` writes it, plain and compressed, with a layer given by a link. */
static void test_docker_archive(void)
{
	static const char *const files[] = { "docker.tar", "docker.tar.gz" };

	CHECK(shell(
		"set -e; cd %s; rm -rf dk; mkdir -p dk/l1 dk/l2 dk/t1/x dk/t2; echo 1 > dk/t1/x/f; echo keep > dk/t1/k; cd dk;"
		"touch t2/.wh.k; echo 2 > t2/g; tar -C t1 -cf l1/layer.tar x k; tar -C t2 -cf l2/layer.tar .wh.k g;"
		"d1=$(sha256sum < l1/layer.tar | cut -c1-64); d2=$(sha256sum < l2/layer.tar | cut -c1-64);"
		"h=$(printf %%064d 7); mkdir $h; mv l1/layer.tar $h/layer.tar; g=$(printf %%064d 8); mkdir $g; mv l2/layer.tar $g/layer.tar;"
		"k=$(printf %%064d 9); mkdir $k; ln -s ../$h/layer.tar $k/layer.tar;"
		"printf '{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Env\":[\"A=b\"],\"Cmd\":[\"/bin/sh\"],\"Entrypoint\":null,\"Volumes\":{\"/data\":{}}},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:%%s\",\"sha256:%%s\"]}}' $d1 $d2 > $h.json;"
		"printf '[{\"Config\":\"%%s.json\",\"RepoTags\":[\"a/b:1\"],\"Layers\":[\"%%s/layer.tar\",\"%%s/layer.tar\"]}]' $h $k $g > manifest.json;"
		"tar -cf ../docker.tar manifest.json $h.json $h $g $k; cd ..; gzip -kf docker.tar",
		bed));
	for (size_t i = 0; i < 2; i++) {
		auto_arena struct arena arena = { 0 };
		struct storage_image image;
		char path[PATH_MAX];
		const struct row row = {
			files[i],
			{ { 0 } },
			NULL,
			"test $(cat x/f) = 1 && test $(cat g) = 2 && test ! -e k"
		};

		snprintf(path, sizeof(path), "%s/%s", bed, files[i]);
		auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);

		CHECK_OK(import_fd(fd, &arena), &err);
		CHECK_OK(storage_image_find(store, "hostile", &arena, &image, &err), &err);
		CHECK_INT(image.layers.count, 2);
		CHECK_TEXT(JSON_ITEMS(const char *, &image.config.env)[0], "A=b");
		CHECK_TEXT(JSON_ITEMS(struct storage_key, &image.config.volumes)[0].key, "/data");
		check_unpacked(&row);
	}
}

int main(void)
{
	char path[PATH_MAX];

	if (!bed_open())
		return 0;
	unlink(OUTSIDE);
	archive = archive_load(&err);
	snprintf(path, sizeof(path), "%s/store", bed);
	store = storage_open(path, STORAGE_AUTO, STORAGE_CREATE, &err);
	if (!archive || !store) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run_row(&rows[i]);
	test_damaged();
	test_digests();
	test_docker_archive();
	storage_close(store);
	bed_close();
	return unit_done("storage hostile");
}
