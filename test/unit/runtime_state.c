/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* State folders below /tmp: the record there and back, records that are none, locks, the root's
 * permissions. */
#include "runtime/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "test/unit/unit.h"

static const char minimal[] = "{\"version\":1,\"id\":\"a\",\"cgroup\":{\"driver\":0}}";

static void put_file(int dir, const char *name, const char *text)
{
	auto_close int fd = openat(dir, name, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);

	CHECK_INT(fd_write_all(fd, text, strlen(text)), 0);
}

static void test_round_trip(int root)
{
	struct json_pair notes[] = { { "org.example", "a\nb \"c\"" } };
	struct spec_hook hook = { .path = "/bin/true", .timeout = { true, 7 } };
	struct state out = {
		.version = STATE_VERSION,
		.id = "round",
		.oci_version = "1.3.0",
		.bundle = "/a bundle",
		.owner = 1000,
		.annotations = { notes, 1 },
		.start_time = { true, UINT64_MAX },
		.pid = { true, 1 << 22 },
		.boot_id = "c0ffee",
		.namespaces = { true, 0x2c020000 },
		.own_pids = true,
		.root_gid = 7,
		.cgroup = { .path = "/masu/round" },
		.hooks.lists[SPEC_POSTSTOP] = { &hook, 1 },
	};
	auto_arena struct arena arena = { 0 };
	auto_close int dir = state_make_dir(root, "round", NULL);
	struct state in;
	struct err err = { 0 };

	CHECK(dir >= 0);
	CHECK_INT(state_write(dir, &out, &err), 0);
	CHECK_INT(state_read(dir, &arena, &in, &err), 0);
	CHECK_TEXT(in.id, "round");
	CHECK_TEXT(in.bundle, "/a bundle");
	CHECK(!in.rootfs && !in.denied_groups && in.own_pids && !in.own_root);
	CHECK_INT(in.owner, 1000);
	CHECK(in.pid.set && in.pid.value == 1 << 22);
	CHECK(in.start_time.set && in.start_time.value == UINT64_MAX);
	CHECK(in.namespaces.set && in.namespaces.value == 0x2c020000);
	CHECK_INT(in.root_gid, 7);
	CHECK_TEXT(in.cgroup.path, "/masu/round");
	CHECK_INT(in.annotations.count, 1);
	CHECK_TEXT(JSON_ITEMS(struct json_pair, &in.annotations)[0].value, "a\nb \"c\"");
	CHECK_INT(in.hooks.lists[SPEC_POSTSTOP].count, 1);
	CHECK_INT(JSON_ITEMS(struct spec_hook, &in.hooks.lists[SPEC_POSTSTOP])[0].timeout.value, 7);
	CHECK_INT(in.hooks.lists[SPEC_POSTSTART].count, 0);

	/* the second record takes the place of the first, and nothing else stays */
	out.pid.value = 2;
	CHECK_INT(state_write(dir, &out, &err), 0);
	CHECK_INT(state_read(dir, &arena, &in, &err), 0);
	CHECK_INT(in.pid.value, 2);
	CHECK_INT(unlinkat(dir, STATE_RECORD, 0), 0);
	CHECK_INT(unlinkat(root, "round", AT_REMOVEDIR), 0);
}

/* The record of a create that goes on is read until there is the other one. */
static void test_creating(int root)
{
	struct state first = { .version = STATE_VERSION, .id = "new" }, in;
	auto_arena struct arena arena = { 0 };
	auto_close int dir = state_make_dir(root, "new", NULL);
	struct err err = { 0 };

	CHECK_INT(state_read(dir, &arena, &in, &err), -1);
	CHECK_INT(state_begin(dir, &first, &err), 0);
	CHECK_INT(state_read(dir, &arena, &in, &err), 0);
	CHECK(!in.start_time.set);
	first.start_time = (struct opt_u64){ true, 5 };
	CHECK_INT(state_write(dir, &first, &err), 0);
	CHECK_INT(state_read(dir, &arena, &in, &err), 0);
	CHECK_INT(in.start_time.value, 5);
	CHECK_INT(state_remove_dir(root, "new", &err), 0);
}

static void test_broken(int root)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ "empty", "" },
		{ "cut off", "{\"version\":1,\"id\":\"a\",\"cgr" },
		{ "garbage", "\x7f"
			     "ELF\x02\x01\x01" },
		{ "another document", "[1, 2]" },
		{ "no version", "{\"id\":\"a\"}" },
		{ "no id", "{\"version\":1}" },
		{ "version 0", "{\"version\":0,\"id\":\"a\"}" },
		{ "a newer version", "{\"version\":2,\"id\":\"a\"}" },
		{ "something behind it", "{\"version\":1,\"id\":\"a\"} {}" },
		{ "twice the same", "{\"version\":1,\"id\":\"a\",\"pid\":1,\"pid\":2}" },
		{ "a negative pid", "{\"version\":1,\"id\":\"a\",\"pid\":-1}" },
		{ "a pid that no kernel has", "{\"version\":1,\"id\":\"a\",\"pid\":4194305}" },
		{ "a text for a number", "{\"version\":1,\"id\":\"a\",\"startTime\":\"1\"}" },
	};

	auto_close int dir = state_make_dir(root, "broken", NULL);

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		auto_arena struct arena arena = { 0 };
		struct state state;
		struct err err = { 0 };

		put_file(dir, STATE_RECORD, rows[i].text);
		CHECK_ROW(rows[i].name, state_read(dir, &arena, &state, &err) == -1);
		CHECK_ROW(rows[i].name, strncmp(err.text, "its record is broken: ", 22) == 0);
		CHECK_ROW(rows[i].name, strstr(err.hint, "delete --force") != NULL);
	}
	auto_arena struct arena arena = { 0 };
	struct state state;
	struct err err = { 0 };

	put_file(dir, STATE_RECORD, minimal);
	CHECK_INT(state_read(dir, &arena, &state, &err), 0);
	CHECK_INT(unlinkat(dir, STATE_RECORD, 0), 0);
	CHECK_INT(mkfifoat(dir, STATE_RECORD, 0600), 0);
	CHECK_INT(state_read(dir, &arena, &state, &err), -1); /* and does not wait for a writer */
	CHECK_INT(unlinkat(dir, STATE_RECORD, 0), 0);
	CHECK_INT(symlinkat("/dev/zero", dir, STATE_RECORD), 0);
	CHECK_INT(state_read(dir, &arena, &state, &err), -1);
	CHECK_INT(state_remove_dir(root, "broken", &err), 0);
}

static void test_locks(int root)
{
	struct err err = { 0 };
	int maker = state_make_dir(root, "lock", &err);
	auto_close int other = state_open_dir(root, "lock", STATE_UNLOCKED, &err);

	CHECK_INT(state_make_dir(root, "lock", &err), -1);
	CHECK_INT(err.code, ERR_EXISTS);
	CHECK(state_is_locked(other));
	close(maker);
	CHECK(!state_is_locked(other));

	/* asking takes nothing away from whoever asks next */
	auto_close int locked = state_open_dir(root, "lock", STATE_LOCKED, &err);

	CHECK(state_is_locked(other));
	state_unlock(locked);
	CHECK(!state_is_locked(other));
	CHECK_INT(state_relock(locked, "lock", &err), 0);
	CHECK(state_is_locked(other));

	/* who waited for the lock learns that the container is gone */
	pid_t child = fork();

	if (child == 0) {
		close(locked);
		_exit(state_relock(other, "lock", &err) == -1 && err.code == ERR_NOT_FOUND ? 0 : 1);
	}
	usleep(20000);
	CHECK_INT(state_remove_dir(root, "lock", &err), 0);
	state_unlock(locked);
	int status = -1;

	CHECK_INT(waitpid(child, &status, 0), child);
	CHECK_INT(status, 0);
	CHECK_INT(state_open_dir(root, "lock", STATE_LOCKED, &err), -1);
	CHECK_INT(err.code, ERR_NOT_FOUND);
}

static void test_removal(int root)
{
	struct err err = { 0 };
	auto_close int dir = state_make_dir(root, "full", &err);

	put_file(dir, STATE_RECORD, minimal);
	put_file(dir, ".state.json.1", "left over");
	CHECK_INT(mkdirat(dir, STATE_NOTIFY, 0700), 0);
	CHECK_INT(mkdirat(dir, STATE_NOTIFY "/x", 0700), 0);
	put_file(dir, STATE_NOTIFY "/x/y", "");
	CHECK_INT(symlinkat("/etc", dir, "link"), 0);
	CHECK_INT(state_remove_dir(root, "full", &err), 0);
	CHECK_INT(faccessat(AT_FDCWD, "/etc/passwd", F_OK, 0), 0);
	CHECK_INT(state_remove_dir(root, "full", &err), 0); /* gone already */
	CHECK_INT(symlinkat("/etc", root, "link"), 0);
	CHECK_INT(state_remove_dir(root, "link", &err), -1);
	CHECK_INT(state_open_dir(root, "link", STATE_LOCKED, &err), -1);
	CHECK_INT(unlinkat(root, "link", 0), 0);
}

static void test_root(const char *base)
{
	static const struct {
		mode_t mode;
		bool accepted;
	} rows[] = {
		{ 0700, true },  { 0711, true },  { 0755, true },
		{ 0720, false }, { 0702, false }, { 01777, false },
	};

	char path[128];
	struct err err = { 0 };

	snprintf(path, sizeof(path), "%s/one/two", base);
	CHECK_INT(state_open_root(path, false, &err), -1);
	CHECK_INT(err.code, ENOENT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		auto_close int root = state_open_root(path, true, &err);

		CHECK(root >= 0);
		CHECK_INT(chmod(path, rows[i].mode), 0);
		auto_close int again = state_open_root(path, false, &err);

		CHECK_INT(again >= 0, rows[i].accepted);
		CHECK(rows[i].accepted || (err.code == ERR_INPUT && err.hint[0]));
		CHECK_INT(chmod(path, 0700), 0);
	}
	if (geteuid() == 0) {
		CHECK_INT(chown(path, 1, 1), 0);
		CHECK_INT(state_open_root(path, true, &err), -1);
		CHECK(strstr(err.text, "belongs to user 1") != NULL);
	}
	CHECK_INT(rmdir(path), 0);
	CHECK_INT(symlink("/dev/null", path), 0);
	CHECK_INT(state_open_root(path, true, &err), -1);
	CHECK_INT(err.code, ENOTDIR);
	CHECK_INT(unlink(path), 0);
	*strrchr(path, '/') = '\0';
	CHECK_INT(rmdir(path), 0);
}

int main(void)
{
	char base[] = "/tmp/masu-state-XXXXXX";

	if (!mkdtemp(base))
		return 1;
	auto_close int root = state_open_root(base, false, NULL);

	CHECK(root >= 0);
	test_round_trip(root);
	test_creating(root);
	test_broken(root);
	test_locks(root);
	test_removal(root);
	test_root(base);
	CHECK_INT(rmdir(base), 0); /* nothing was left in it */
	return unit_done("runtime_state");
}
