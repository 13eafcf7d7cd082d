/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules of cgroup v2, and the orders of writing, on a made-up cgroup root: plain files in a
 * directory, and a kernel of a few lines between them and the code. It sees each write, mkdir and
 * rmdir because this program's own functions of these names stand before libc's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/place.h"
#include "cgroup/resources.h"
#include "test/unit/unit.h"

enum {
	ALWAYS = -1,
	LOG_MAX = 4096,
	RULES_MAX = 4,
};

/* One failure to inject: the call on a path that ends so, with this text, so many times. */
struct fault {
	const char *path; /* NULL ends the list */
	const char *text; /* of a write; NULL: any */
	int times;
	int code;
};

/* Made once a test; `log` has what happened: "PATH=TEXT;", "+PATH;" and "-PATH;". */
static struct {
	char root[64];
	char log[LOG_MAX];
	struct fault faults[RULES_MAX];
	const char *controllers; /* what the root has */
	bool nested;             /* the root is a container's: it has cgroup.type */
	bool on;
} fake;

/* ---- the kernel ---- */

static void note(const char *before, const char *path, const char *text)
{
	size_t length = strlen(fake.log);

	snprintf(fake.log + length, sizeof(fake.log) - length, "%s%s%s%s;", before, path,
		 text ? "=" : "", text ? text : "");
}

/* The path below the fake root, or NULL for what is not ours. */
static const char *inside(const char *path)
{
	size_t length = strlen(fake.root);

	return fake.on && strncmp(path, fake.root, length) == 0 ? path + length : NULL;
}

static bool injected(const char *path, const char *text)
{
	for (struct fault *fault = fake.faults; fault->path; fault++) {
		if (!fault->times || !str_ends(path, fault->path) ||
		    (fault->text && (!text || strcmp(fault->text, text) != 0)))
			continue;
		if (fault->times > 0)
			fault->times--;
		errno = fault->code;
		return true;
	}
	return false;
}

static void put_file(const char *dir, const char *name, const char *text)
{
	char path[PATH_MAX];

	str_format(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0 && syscall(SYS_write, fd, text, strlen(text)) == (long)strlen(text));
	close(fd);
}

static char *get_file(const char *dir, const char *name, char buffer[256])
{
	char path[PATH_MAX];

	str_format(path, sizeof(path), "%s/%s", dir, name);
	if (fd_read_file(AT_FDCWD, path, buffer, 256) < 0)
		buffer[0] = '\0';
	return buffer;
}

/* The files that a directory gets with its controllers. */
static void fill_dir(const char *dir, const char *controllers)
{
	static const struct {
		const char *controller, *file, *text;
	} files[] = {
		{ "cpu", "cpu.max", "max 100000" },
		{ "cpu", "cpu.weight", "100" },
		{ "memory", "memory.max", "max" },
		{ "memory", "memory.high", "max" },
		{ "memory", "memory.low", "0" },
		{ "memory", "memory.oom.group", "0" },
		{ "memory", "memory.swap.max", "max" },
		{ "pids", "pids.max", "max" },
		{ "rdma", "rdma.max", "" },
		{ "misc", "misc.max", "" },
		{ "hugetlb", "hugetlb.2MB.max", "max" },
		{ "hugetlb", "hugetlb.2MB.rsvd.max", "max" },
		{ "cpuset", "cpuset.cpus", "" },
		{ "cpuset", "cpuset.cpus.partition", "member" },
	};

	put_file(dir, "cgroup.controllers", controllers);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (strstr(controllers, files[i].controller))
			put_file(dir, files[i].file, files[i].text);
	}
}

static int make_dir(const char *path)
{
	char parent[PATH_MAX], controllers[256];

	if (injected(path, NULL))
		return -1;
	if (syscall(SYS_mkdirat, AT_FDCWD, path, 0755) < 0)
		return -1;
	note("+", inside(path), NULL);
	str_format(parent, sizeof(parent), "%s", path);
	*strrchr(parent, '/') = '\0';
	put_file(path, "cgroup.subtree_control", "");
	put_file(path, "cgroup.procs", "");
	put_file(path, "cgroup.type", "domain");
	fill_dir(path, get_file(parent, "cgroup.subtree_control", controllers));
	return 0;
}

int mkdir(const char *path, mode_t mode)
{
	return inside(path) ? make_dir(path) : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int mkdirat(int dir, const char *name, mode_t mode)
{
	char path[PATH_MAX], link[64];

	str_format(link, sizeof(link), "/proc/self/fd/%d", dir);
	ssize_t length = readlink(link, path, sizeof(path) - 1);

	if (length < 0 || !fake.on)
		return (int)syscall(SYS_mkdirat, dir, name, mode);
	path[length] = '\0';
	str_format(path + length, sizeof(path) - (size_t)length, "/%s", name);
	return make_dir(path);
}

/* A directory goes with the kernel's files in it. */
int rmdir(const char *path)
{
	char command[PATH_MAX + 32];

	if (!inside(path))
		return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
	if (injected(path, "rmdir"))
		return -1;
	if (access(path, F_OK) < 0)
		return -1;
	note("-", inside(path), NULL);
	str_format(command, sizeof(command), "rm -r '%s'", path);
	return system(command) == 0 ? 0 : -1;
}

/* Rules 1 and 3: from the top down, and not beside processes. */
static int control(const char *dir, const char *text)
{
	char have[256], now[256], buffer[256];
	const char *controllers = get_file(dir, "cgroup.controllers", buffer);
	bool has_processes = get_file(dir, "cgroup.procs", have)[0] != '\0';
	char copy[256], *rest = copy;

	str_format(copy, sizeof(copy), "%s", text);
	str_format(now, sizeof(now), "%s", get_file(dir, "cgroup.subtree_control", have));
	for (const char *word; (word = strsep(&rest, " "));) {
		if (!strstr(controllers, word + 1)) {
			errno = ENOENT;
			return -1;
		}
	}
	if (has_processes && access(dir, F_OK) == 0 &&
	    (fake.nested || strcmp(dir, fake.root) != 0)) {
		errno = EBUSY;
		return -1;
	}
	str_format(copy, sizeof(copy), "%s", text);
	rest = copy;
	for (const char *word; (word = strsep(&rest, " "));) {
		if (!strstr(now, word + 1))
			str_format(now + strlen(now), sizeof(now) - strlen(now), "%s%s",
				   now[0] ? " " : "", word + 1);
	}
	put_file(dir, "cgroup.subtree_control", now);
	str_format(copy, sizeof(copy), "find %s -mindepth 1 -maxdepth 1 -type d", dir);
	FILE *children = popen(copy, "r");

	for (char child[PATH_MAX]; children && fgets(child, sizeof(child), children);) {
		child[strcspn(child, "\n")] = '\0';
		fill_dir(child, now);
	}
	pclose(children);
	return 0;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
	char path[PATH_MAX], link[64], text[256];

	str_format(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t length = fake.on ? readlink(link, path, sizeof(path) - 1) : -1;

	path[length < 0 ? 0 : length] = '\0';
	const char *below = inside(path);

	if (!below)
		return syscall(SYS_write, fd, bytes, size);
	str_format(text, sizeof(text), "%.*s", (int)size, (const char *)bytes);
	if (injected(path, text))
		return -1;
	char *name = strrchr(path, '/');

	*name++ = '\0';
	int result = 0;

	if (strcmp(name, "cgroup.subtree_control") == 0)
		result = control(path, text);
	else
		put_file(path, name, text);
	if (strcmp(name, "cgroup.procs") == 0 && str_ends(path, "/init"))
		put_file(fake.root, "cgroup.procs", ""); /* they come from there */
	if (result == 0) {
		name[-1] = '/';
		note("", below, text);
	}
	return result == 0 ? (ssize_t)size : -1;
}

/* ---- the tests ---- */

struct box {
	struct arena arena;
	struct cgroup_state state;
	struct cgroup_hierarchy_state hierarchy;
	struct cgroup *cgroup;
	struct cgroup_resources resources;
};

static void start(struct box *box, const char *path, const char *controllers, const char *json)
{
	*box = (struct box){ 0 };
	fake.faults[0] = (struct fault){ 0 };
	fake.log[0] = '\0';
	fake.nested = false;
	str_format(fake.root, sizeof(fake.root), "/tmp/masu-fake-XXXXXX");
	CHECK(mkdtemp(fake.root) != NULL);
	fake.on = true;
	put_file(fake.root, "cgroup.subtree_control", "");
	put_file(fake.root, "cgroup.procs", "");
	fill_dir(fake.root, controllers);
	box->hierarchy = (struct cgroup_hierarchy_state){
		.controllers = "",
		.dir = arena_printf(&box->arena, "%s%s", fake.root, path),
		.mount = fake.root,
		.v2 = true,
	};
	box->state.path = path;
	box->state.hierarchies = (struct json_list){ &box->hierarchy, 1 };
	CHECK_INT(json_decode("test", json, strlen(json), &cgroup_resources_object, &box->resources,
			      &box->arena, NULL),
		  0);
	box->cgroup = cgroup_open(&box->state, &box->arena, NULL);
	CHECK(box->cgroup != NULL);
}

static void end(struct box *box)
{
	char command[128];

	fake.on = false;
	cgroup_close(box->cgroup);
	arena_free(&box->arena);
	str_format(command, sizeof(command), "rm -rf '%s'", fake.root);
	CHECK_INT(system(command), 0);
}

static int make(struct box *box, struct err *err)
{
	if (cgroup_create(box->cgroup, &box->state, &box->resources, err) < 0)
		return -1;
	return cgroup_apply(box->cgroup, &box->resources, err);
}

/* What is asked for on a root with these controllers, and what happens in which order. */
static const struct {
	const char *what;
	const char *path, *controllers, *json;
	struct fault faults[RULES_MAX];
	const char *log;  /* NULL: it fails */
	const char *text; /* of the error */
	const char *hint;
} rules[] = {
	/* clang-format off */
	{ "from the root down, the last one left out, all at once",
	  "/a/b/c", "cpu memory pids", "{\"pids\":{\"limit\":5}}", { { 0 } },
	  "+/a;+/a/b;+/a/b/c;/cgroup.subtree_control=+cpu +memory +pids;/a/cgroup.subtree_control=+cpu +memory +pids;"
	  "/a/b/cgroup.subtree_control=+cpu +memory +pids;/a/b/c/pids.max=5;", NULL, NULL },
	{ "one by one when not all can be had, and without what nobody needs",
	  "/a", "cpu memory pids", "{\"pids\":{\"limit\":5}}",
	  { { "/cgroup.subtree_control", "+cpu +memory +pids", ALWAYS, EINVAL }, { "/cgroup.subtree_control", "+cpu", ALWAYS, EINVAL }, { 0 } },
	  "+/a;/cgroup.subtree_control=+memory;/cgroup.subtree_control=+pids;/a/pids.max=5;", NULL, NULL },
	{ "a CPU limit with real-time processes outside the root",
	  "/a", "cpu memory pids", "{\"cpu\":{\"shares\":1024}}", { { "/cgroup.subtree_control", "+cpu +memory +pids", ALWAYS, EINVAL }, { "/cgroup.subtree_control", "+cpu", ALWAYS, EINVAL }, { 0 } },
	  NULL, "enable controllers below", "real-time" },
	{ "a controller that the root does not have",
	  "/a", "cpu pids", "{\"memory\":{\"limit\":4096}}", { { 0 } },
	  NULL, "linux.resources.memory.limit: ", "cgroup.controllers" },
	{ "a controller that some directory in between refuses",
	  "/a/b", "cpu memory", "{\"memory\":{\"limit\":4096}}", { { "/a/cgroup.subtree_control", NULL, ALWAYS, ENOENT }, { 0 } },
	  NULL, "/a: write +memory", "does not hand it down" },
	{ "no domain controllers below a threaded directory",
	  "/a/b", "cpu memory", "{\"memory\":{\"limit\":4096}}", { { "/a/cgroup.subtree_control", NULL, ALWAYS, EOPNOTSUPP }, { 0 } },
	  NULL, "/a: write +memory", "only cpu, cpuset, pids and perf_event" },
	{ "a directory that processes share with others",
	  "/a/b", "cpu memory", "{\"memory\":{\"limit\":4096}}", { { "/a/cgroup.subtree_control", NULL, ALWAYS, EBUSY }, { 0 } },
	  NULL, "/a: write +memory", "has processes beside others" },
	{ "no more directories allowed above",
	  "/a", "pids", "{\"pids\":{\"limit\":5}}", { { "/a", NULL, ALWAYS, EAGAIN }, { 0 } },
	  NULL, "make cgroup ", "cgroup.max.descendants" },
	{ "a quota and its period change together",
	  "/a", "cpu", "{\"cpu\":{\"quota\":50000,\"period\":100000}}", { { 0 } },
	  "+/a;/cgroup.subtree_control=+cpu;/a/cpu.max=50000 100000;", NULL, NULL },
	{ "memory.high, oom.group and what only v2 has, after all others",
	  "/a", "memory pids", "{\"unified\":{\"memory.high\":\"8192\",\"memory.oom.group\":\"1\"},\"memory\":{\"limit\":16384,\"swap\":20480,\"reservation\":4096},\"pids\":{\"limit\":3}}", { { 0 } },
	  "+/a;/cgroup.subtree_control=+memory +pids;/a/memory.max=16384;/a/memory.swap.max=4096;/a/memory.low=4096;/a/pids.max=3;/a/memory.high=8192;/a/memory.oom.group=1;", NULL, NULL },
	{ "rdma and misc are enabled because they are asked for",
	  "/a", "pids rdma misc", "{\"rdma\":{\"mlx5_0\":{\"hcaHandles\":2}},\"unified\":{\"misc.max\":\"sev 1\"}}", { { 0 } },
	  "+/a;/cgroup.subtree_control=+pids +rdma +misc;/a/rdma.max=mlx5_0 hca_handle=2;/a/misc.max=sev 1;", NULL, NULL },
	{ "huge pages are limited when reserved and when touched",
	  "/a", "hugetlb", "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":2097152}]}", { { 0 } },
	  "+/a;/cgroup.subtree_control=+hugetlb;/a/hugetlb.2MB.rsvd.max=2097152;/a/hugetlb.2MB.max=2097152;", NULL, NULL },
	{ "a partition that the kernel calls invalid",
	  "/a", "cpuset", "{\"unified\":{\"cpuset.cpus.partition\":\"root invalid (Parent is not a partition root)\"}}", { { 0 } },
	  NULL, "linux.resources.unified.cpuset.cpus.partition: ", "must be free" },
	{ "a file that this kernel lacks",
	  "/a", "memory", "{\"unified\":{\"memory.zswap.max\":\"0\"}}", { { 0 } },
	  NULL, "this kernel has no such file", "" },
	{ "swap where the kernel has none",
	  "/a", "memory", "{\"memory\":{\"limit\":4096,\"swap\":8192}}", { { "/memory.swap.max", NULL, ALWAYS, ENOENT }, { 0 } },
	  "+/a;/cgroup.subtree_control=+memory;/a/memory.max=4096;", NULL, NULL },
	/* clang-format on */
};

static void check_rules(void)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		struct err err = { 0 };
		struct box box;

		start(&box, rules[i].path, rules[i].controllers, rules[i].json);
		memcpy(fake.faults, rules[i].faults, sizeof(fake.faults));
		int result = make(&box, &err);

		CHECK_ROW(rules[i].what, result == (rules[i].log ? 0 : -1));
		if (rules[i].log)
			CHECK_TEXT(fake.log, rules[i].log);
		CHECK_ROW(err.text, rules[i].log || strstr(err.text, rules[i].text));
		CHECK_ROW(err.hint, rules[i].log || strstr(err.hint, rules[i].hint));
		end(&box);
	}
}

/* Rule 3 at the root of a nested host: its processes move to a leaf, as often as needed. */
static void check_nested(void)
{
	struct err err = { 0 };
	struct box box;

	start(&box, "/a", "memory pids", "{\"memory\":{\"limit\":4096}}");
	fake.nested = true;
	put_file(fake.root, "cgroup.type", "domain");
	put_file(fake.root, "cgroup.procs", "77\n78\n");
	fake.faults[0] = (struct fault){ "/cgroup.subtree_control", "+memory +pids", 3, EBUSY };
	fake.faults[1] = (struct fault){ 0 };
	CHECK_INT(make(&box, &err), 0);
	CHECK_TEXT(fake.log, "+/a;+/init;/init/cgroup.procs=77;/init/cgroup.procs=78;"
			     "/cgroup.subtree_control=+memory +pids;/a/memory.max=4096;");
	end(&box);
}

/* A directory below a threaded one. */
static void check_invalid_domain(void)
{
	struct err err = { 0 };
	struct box box;

	start(&box, "/a", "pids", "{\"pids\":{\"limit\":5}}");
	CHECK_INT(mkdir(box.hierarchy.dir, 0755), 0);
	put_file(box.hierarchy.dir, "cgroup.type", "domain invalid");
	CHECK_INT(make(&box, &err), -1);
	CHECK_INT(err.code, EOPNOTSUPP);
	CHECK(strstr(err.text, "it lies below a threaded cgroup"));
	end(&box);
}

/* Rule 6: moving a process, with what may come in between. */
static void check_moves(void)
{
	static const struct {
		int times, code;
		const char *hint; /* NULL: it works in the end */
	} moves[] = {
		{ 3, EINVAL, NULL }, /* it is being born */
		{ ALWAYS, EINVAL, "" },
		{ ALWAYS, EACCES, "nearest directory above both" },
		{ ALWAYS, ENOENT, "outside this cgroup namespace" },
		{ ALWAYS, EBUSY, "directories at the end of the tree" },
		{ ALWAYS, EOPNOTSUPP, "threaded" },
		{ ALWAYS, ESRCH, "" },
	};

	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
		struct err err = { 0 };
		struct box box;

		start(&box, "/a", "pids", "{\"pids\":{\"limit\":5}}");
		CHECK_INT(make(&box, &err), 0);
		fake.faults[0] =
			(struct fault){ "/a/cgroup.procs", "42", moves[i].times, moves[i].code };
		fake.faults[1] = (struct fault){ 0 };
		CHECK_INT(cgroup_enter(box.cgroup, 42, &err), moves[i].hint ? -1 : 0);
		CHECK_INT(moves[i].hint ? err.code : 0, moves[i].hint ? moves[i].code : 0);
		CHECK_ROW(err.hint, !moves[i].hint || strstr(err.hint, moves[i].hint));
		end(&box);
	}
}

/* Rule 7: removal waits for zombies that let go, and a read-only mount has nothing to remove. */
static void check_removal(void)
{
	static const struct {
		int times, code;
		bool gone; /* it was never there */
		int result;
	} removals[] = {
		{ 0, 0, false, 0 },           { 5, EBUSY, false, 0 },
		{ ALWAYS, EROFS, true, 0 },   { ALWAYS, EROFS, false, -1 },
		{ ALWAYS, EPERM, false, -1 }, { ALWAYS, ENODEV, false, 0 },
	};

	for (size_t i = 0; i < sizeof(removals) / sizeof(removals[0]); i++) {
		struct err err = { 0 };
		struct box box;

		start(&box, "/a", "pids", "{\"pids\":{\"limit\":5}}");
		if (!removals[i].gone)
			CHECK_INT(make(&box, &err), 0);
		fake.faults[0] =
			(struct fault){ "/a", "rmdir", removals[i].times, removals[i].code };
		fake.faults[1] = (struct fault){ 0 };
		CHECK_INT(cgroup_destroy(box.cgroup, &err), removals[i].result);
		CHECK_INT(err.code, removals[i].result ? removals[i].code : 0);
		end(&box);
	}
}

int main(void)
{
	check_rules();
	check_nested();
	check_invalid_domain();
	check_moves();
	check_removal();
	return unit_done("cgroup_rules");
}
