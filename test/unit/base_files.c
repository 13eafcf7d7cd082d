/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors and rooted paths, in a folder of their own below /tmp. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/path.h"
#include "test/unit/unit.h"

static void write_text(int dir, const char *name, const char *text)
{
	auto_close int fd = openat(dir, name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	CHECK_INT(fd_write_all(fd, text, strlen(text)), 0);
}

static void test_small_files(int dir)
{
	char buffer[6];
	struct err err = { 0 };
	size_t size = 0;

	write_text(dir, "file", "12345\n");
	CHECK_INT(fd_read_file(dir, "file", buffer, sizeof(buffer)), -1);
	CHECK_INT(errno, EFBIG);
	write_text(dir, "file", "123\n");
	CHECK_INT(fd_read_file(dir, "file", buffer, sizeof(buffer)), 3);
	CHECK_TEXT(buffer, "123");
	CHECK_INT(fd_read_file(dir, "none", buffer, sizeof(buffer)), -1);
	CHECK_INT(fd_write_file(dir, "file", "ab", &err), 0);
	CHECK_INT(fd_write_file(dir, "none", "ab", &err), -1);
	CHECK_TEXT(err.text, "open none: No such file or directory");
	auto_free char *text = fd_slurp(dir, "file", 4, &size, &err);

	CHECK_TEXT(text, "ab3\n");
	CHECK_INT(size, 4);
	CHECK(!fd_slurp(dir, "file", 3, &size, &err));
	CHECK_TEXT(err.text, "read file: larger than 3 bytes");
	CHECK(!fd_slurp(dir, ".", 3, &size, &err));
	CHECK_TEXT(err.text, "read .: not a regular file");
	CHECK_INT(unlinkat(dir, "file", 0), 0);
}

static void test_messages_with_descriptors(void)
{
	int pair[2], sent[3] = { 0, 1, 2 }, got[3] = { -1, -1, -1 };
	size_t count = 3;
	char buffer[8];

	CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	CHECK_INT(fd_send(pair[0], "hello", 5, sent, 3), 0);
	CHECK_INT(fd_receive(pair[1], buffer, sizeof(buffer), got, &count), 5);
	CHECK_INT(count, 3);
	for (int i = 0; i < 3; i++) {
		CHECK(got[i] > 2 && fcntl(got[i], F_GETFD) == FD_CLOEXEC);
		close(got[i]);
	}
	count = 2; /* too little room: nothing is kept */
	CHECK_INT(fd_send(pair[0], "hello", 5, sent, 3), 0);
	int next = dup(0);

	close(next);
	CHECK_INT(fd_receive(pair[1], buffer, sizeof(buffer), got, &count), -1);
	CHECK_INT(errno, EMSGSIZE);
	int after = dup(0);

	CHECK_INT(after, next); /* the lowest free one: nothing was left open */
	close(after);
	CHECK_INT(fd_send(pair[0], "too long for it", 15, NULL, 0), 0);
	CHECK_INT(fd_receive(pair[1], buffer, sizeof(buffer), NULL, NULL), -1);
	CHECK_INT(fd_send(pair[0], "x", 1, sent, FD_SEND_MAX + 1), -1);
	close(pair[0]);
	CHECK_INT(fd_receive(pair[1], buffer, sizeof(buffer), NULL, NULL), 0);
	CHECK_INT(fd_send(pair[1], "x", 1, NULL, 0), -1); /* and no SIGPIPE */
	CHECK_INT(errno, EPIPE);
	close(pair[1]);
}

static void test_sealed(void)
{
	char buffer[8] = "";
	auto_close int fd = fd_sealed("test", "bytes", 5, NULL);

	CHECK(fd >= 0);
	CHECK_INT(pread(fd, buffer, sizeof(buffer), 0), 5);
	CHECK_TEXT(buffer, "bytes");
	CHECK_INT(pwrite(fd, "x", 1, 0), -1);
	CHECK_INT(errno, EPERM);
	CHECK_INT(ftruncate(fd, 1), -1);
}

/* Folder: root/{etc/,link -> /etc,out -> ../../..,loop -> loop,abs -> /etc/deep,new-file ->
 * etc/f,file}, and secret beside root. */
static int make_root(int dir)
{
	CHECK_INT(mkdirat(dir, "root", 0755), 0);
	int root = openat(dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);

	CHECK_INT(mkdirat(root, "etc", 0755), 0);
	CHECK_INT(symlinkat("/etc", root, "link"), 0);
	CHECK_INT(symlinkat("../../../../../..", root, "out"), 0);
	CHECK_INT(symlinkat("loop", root, "loop"), 0);
	CHECK_INT(symlinkat("/etc/deep", root, "abs"), 0);
	CHECK_INT(symlinkat("etc/f", root, "new-file"), 0);
	write_text(dir, "secret", "s");
	write_text(dir, "root/file", "f");
	return root;
}

static bool is_same(int one, int root, const char *path)
{
	struct stat left, right;

	return fstat(one, &left) == 0 && fstatat(root, path, &right, AT_SYMLINK_NOFOLLOW) == 0 &&
	       left.st_ino == right.st_ino && left.st_dev == right.st_dev;
}

static void test_lookups(int root)
{
	static const struct {
		const char *path, *in_root, *beneath; /* what is reached, NULL: an error */
	} rows[] = {
		{ "/etc", "etc", "etc" },
		{ "etc/../file", "file", "file" },
		{ "/../../file", "file", NULL },
		{ "link", "etc", NULL },
		{ "out/file", "file", NULL },
		{ "out/../secret", NULL, NULL },
		{ "loop", NULL, NULL },
		{ "file/x", NULL, NULL },
		{ "none", NULL, NULL },
		{ "/", ".", "." },
		{ "", NULL, "." },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		auto_close int rooted = path_open_in_root(root, rows[i].path, O_PATH, NULL);
		auto_close int below = path_open_beneath(root, rows[i].path, O_PATH, NULL);

		CHECK_ROW(rows[i].path,
			  rows[i].in_root ? is_same(rooted, root, rows[i].in_root) : rooted < 0);
		CHECK_ROW(rows[i].path,
			  rows[i].beneath ? is_same(below, root, rows[i].beneath) : below < 0);
	}
	/* magic links lead anywhere */
	auto_close int slash = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	CHECK_INT(path_open_in_root(slash, "/proc/self/root/etc", O_PATH, NULL), -1);
}

static void test_making(int root)
{
	static const struct {
		const char *path, *made;
	} rows[] = {
		{ "/a/b/c", "a/b/c" },  { "a/b/d", "a/b/d" }, { "link/x", "etc/x" },
		{ "out/y//z/", "y/z" }, { "//", "." },        { "abs/q", "etc/deep/q" },
		{ "file/under", NULL }, { "loop/x", NULL },   { "new/../up", "up" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = { 0 };
		auto_close int made = path_make_dir(root, rows[i].path, 0755, &err);

		CHECK_ROW(rows[i].path, rows[i].made ? is_same(made, root, rows[i].made)
						     : made < 0 && err.text[0]);
	}
	auto_close int file = path_make_file(root, "/deep/er/file", 0644, NULL);
	auto_close int again = path_make_file(root, "/deep/er/file", 0644, NULL);
	auto_close int folder = path_make_file(root, "/etc", 0644, NULL);

	CHECK(is_same(file, root, "deep/er/file") && is_same(again, root, "deep/er/file"));
	CHECK(is_same(folder, root, "etc")); /* what is there stays */
	/* a link to nowhere: what it names is made */
	auto_close int linked = path_make_file(root, "/new-file", 0644, NULL);

	CHECK(is_same(linked, root, "etc/f"));
	CHECK_INT(path_make_file(root, "/loop", 0644, NULL), -1);
	CHECK_INT(path_make_file(root, "/deep/", 0644, NULL) >= 0, 1);
	const char *last = NULL;
	auto_close int parent = path_open_parent(root, "/link/p/leaf", &last, NULL);

	CHECK(is_same(parent, root, "etc/p"));
	CHECK_TEXT(last, "leaf");
	CHECK_INT(path_open_parent(root, "/etc/..", &last, NULL), -1);
	CHECK_INT(path_open_parent(root, "/etc/", &last, NULL), -1);
	CHECK_INT(path_open_parent(root, "", &last, NULL), -1);
}

static void test_dotdot(void)
{
	static const struct {
		const char *path;
		bool has;
	} rows[] = {
		{ "..", true },     { "a/..", true }, { "../a", true },     { "/a/../b", true },
		{ "a//..", true },  { "", false },    { "...", false },     { "a..", false },
		{ "..a/b", false }, { "/", false },   { "a/.../b", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK_ROW(rows[i].path, path_has_dotdot(rows[i].path) == rows[i].has);
	char buffer[PATH_FD_MAX];

	CHECK_TEXT(path_of_fd(2147483647, buffer), "/proc/self/fd/2147483647");
}

/* Removes all that this program can have made below `dir`. */
static void remove_all(int dir)
{
	static const char *const names[] = {
		"secret",   "root/file",         "root/link",     "root/out",   "root/loop",
		"root/abs", "root/deep/er/file", "root/new-file", "root/etc/f",
	};
	static const char *const folders[] = {
		"root/deep/er", "root/deep",       "root/a/b/c",    "root/a/b/d",
		"root/a/b",     "root/etc/deep/q", "root/etc/deep", "root/a",
		"root/etc/x",   "root/etc/p",      "root/etc",      "root/y/z",
		"root/y",       "root/new",        "root/up",       "root",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK_ROW(names[i], unlinkat(dir, names[i], 0) == 0);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		CHECK_ROW(folders[i], unlinkat(dir, folders[i], AT_REMOVEDIR) == 0);
}

int main(void)
{
	char folder[] = "/tmp/masu-files-XXXXXX";

	if (!mkdtemp(folder))
		return 1;
	auto_close int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	test_small_files(dir);
	test_messages_with_descriptors();
	test_sealed();
	auto_close int root = make_root(dir);

	test_lookups(root);
	test_making(root);
	test_dotdot();
	remove_all(dir);
	CHECK_INT(rmdir(folder), 0);
	return unit_done("base_files");
}
