/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The whole life of a container's cgroups on this host, as root; skipped with a reason elsewhere.
 */
#include "cgroup/cgroup.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/flat.h"
#include "base/str.h"
#include "cgroup/place.h"
#include "cgroup/resources.h"
#include "test/unit/unit.h"

enum {
	SAW_NULL = 1, /* a child's report of what it could open */
	SAW_KMSG = 2,
	JOINED = 4,
};

/* One container of a test. */
struct box {
	struct arena arena;
	struct cgroup_state state;
	struct cgroup *cgroup;
	char id[64];
};

#define OK(call)                                                                                   \
	do {                                                                                       \
		struct err err = { 0 };                                                            \
		CHECK_INT((call), 0);                                                              \
		if (err.text[0])                                                                   \
			fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, err.text,          \
				err.hint);                                                         \
	} while (0)

static void box_plan(struct box *box, const char *name, const char *path)
{
	memset(box, 0, sizeof(*box));
	str_format(box->id, sizeof(box->id), "unit-%d-%s", (int)getpid(), name);
	OK(cgroup_plan(CGROUP_FS, path, box->id, true, &box->arena, &box->state, &err));
	box->cgroup = cgroup_open(&box->state, &box->arena, NULL);
	CHECK(box->cgroup != NULL);
}

static struct cgroup_resources resources_of(struct box *box, const char *json)
{
	struct cgroup_resources resources = { 0 };

	OK(json_decode("test", json, strlen(json), &cgroup_resources_object, &resources,
		       &box->arena, &err));
	OK(cgroup_check(&resources, &err));
	return resources;
}

static void box_create(struct box *box, const char *json)
{
	struct cgroup_resources resources = resources_of(box, json);

	OK(cgroup_create(box->cgroup, &box->state, &resources, &err));
	OK(cgroup_apply(box->cgroup, &resources, &err));
}

static void box_destroy(struct box *box)
{
	OK(cgroup_destroy(box->cgroup, &err));
	OK(cgroup_destroy(box->cgroup, &err)); /* twice is fine */
	cgroup_close(box->cgroup);
	CHECK(cgroup_is_gone(box->cgroup));
	cgroup_close(box->cgroup);
	arena_free(&box->arena);
}

static void check_file(const struct box *box, enum cgroup_controller controller, const char *file,
		       const char *want)
{
	struct cgroup_place *place = cgroup_find_place(box->cgroup, controller);
	char text[512] = "";

	CHECK(place && cgroup_place_read(place, file, text, sizeof(text)) >= 0);
	CHECK_TEXT(text, want);
}

/* A child that joins by the compiled plan, reports, and waits for its end. */
static pid_t box_enter(struct box *box, bool cloned, int *report)
{
	struct flat flat = FLAT_INIT;
	struct cgroup_plan plan = { 0 };
	int pipes[2];
	unsigned char saw = 0;

	OK(cgroup_compile(box->cgroup, cloned, &flat, &plan, &err));
	OK(flat_finish(&flat, &err));
	CHECK_INT(pipe2(pipes, O_CLOEXEC), 0);
	pid_t child = fork();

	if (child == 0) {
		struct flat_view view = { flat.data, flat.size, flat.fds, flat.fd_count };

		if (cgroup_join(&view, &plan, NULL) == 0)
			saw |= JOINED;
		if (open("/dev/null", O_RDWR) >= 0)
			saw |= SAW_NULL;
		if (open("/dev/kmsg", O_RDONLY) >= 0)
			saw |= SAW_KMSG;
		if (write(pipes[1], &saw, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(pipes[1]);
	CHECK_INT(read(pipes[0], &saw, 1), 1);
	close(pipes[0]);
	flat_free(&flat);
	*report = saw;
	return child;
}

static void test_life(void)
{
	struct box box;
	int report;

	box_plan(&box, "life", NULL);
	box_create(
		&box,
		"{\"memory\":{\"limit\":67108864,\"swap\":134217728,\"reservation\":33554432,\"swappiness\":0},"
		"\"pids\":{\"limit\":7},\"cpu\":{\"shares\":512,\"quota\":50000,\"period\":100000,\"cpus\":\"0\",\"mems\":\"0\"},"
		"\"blockIO\":{\"weight\":200},\"devices\":[{\"allow\":false}]}");
	check_file(&box, CGROUP_MEMORY, "memory.limit_in_bytes", "67108864");
	check_file(&box, CGROUP_MEMORY, "memory.memsw.limit_in_bytes", "134217728");
	check_file(&box, CGROUP_PIDS, "pids.max", "7");
	check_file(&box, CGROUP_CPU, "cpu.shares", "512");
	check_file(&box, CGROUP_CPU, "cpu.cfs_quota_us", "50000");
	check_file(&box, CGROUP_CPUSET, "cpuset.cpus", "0");
	check_file(&box, CGROUP_BLKIO, "blkio.bfq.weight", "200");
	pid_t child = box_enter(&box, false, &report);
	pid_t *pids;
	size_t count;

	CHECK_INT(report, JOINED | SAW_NULL);
	OK(cgroup_pids(box.cgroup, &box.arena, &pids, &count, &err));
	CHECK_INT(count, 1);
	CHECK_INT(count ? pids[0] : 0, child);
	OK(cgroup_freeze(box.cgroup, &err));
	CHECK(cgroup_is_frozen(box.cgroup));
	OK(cgroup_thaw(box.cgroup, &err));
	CHECK(!cgroup_is_frozen(box.cgroup));
	OK(cgroup_freeze(box.cgroup, &err)); /* frozen ones die too */
	OK(cgroup_kill(box.cgroup, &err));
	CHECK_INT(waitpid(child, &report, 0), child);
	CHECK_INT(WTERMSIG(report), SIGKILL);
	CHECK_INT(cgroup_oom_kills(box.cgroup), 0);
	box_destroy(&box);
}

static const struct {
	const char *json;
	const char *limit,
		*total; /* then in memory.limit_in_bytes and memory.memsw.limit_in_bytes */
	const char *period, *quota;
} updates[] = {
	{ "{\"memory\":{\"limit\":134217728,\"swap\":134217728},\"cpu\":{\"quota\":50000}}",
	  "134217728", "134217728", "100000", "50000" },
	{ "{\"memory\":{\"limit\":268435456,\"swap\":536870912},\"cpu\":{\"period\":200000}}",
	  "268435456", "536870912", "200000", "50000" },
	{ "{\"memory\":{\"limit\":33554432,\"swap\":33554432},\"cpu\":{\"period\":1000,\"quota\":1000}}",
	  "33554432", "33554432", "1000", "1000" },
	{ "{\"memory\":{\"limit\":-1},\"cpu\":{\"quota\":-1}}", "9223372036854771712",
	  "9223372036854771712", "1000", "-1" },
};

static void test_update(void)
{
	struct box box;

	box_plan(&box, "update", NULL);
	box_create(&box, "{}");
	for (size_t i = 0; i < sizeof(updates) / sizeof(updates[0]); i++) {
		struct cgroup_resources resources = resources_of(&box, updates[i].json);

		OK(cgroup_update(box.cgroup, &resources, &err));
		check_file(&box, CGROUP_MEMORY, "memory.limit_in_bytes", updates[i].limit);
		check_file(&box, CGROUP_MEMORY, "memory.memsw.limit_in_bytes", updates[i].total);
		check_file(&box, CGROUP_CPU, "cpu.cfs_period_us", updates[i].period);
		check_file(&box, CGROUP_CPU, "cpu.cfs_quota_us", updates[i].quota);
	}
	box_destroy(&box);
}

static const struct {
	const char *json;
	int report; /* of a new child after the update */
} device_updates[] = {
	/* an exception cut out of a wildcard: only the BPF program can say it */
	{ "[{\"allow\":false},{\"allow\":true,\"type\":\"c\",\"access\":\"rw\"},{\"allow\":false,\"type\":\"c\",\"major\":1,\"minor\":11}]",
	  JOINED | SAW_NULL },
	{ "[{\"allow\":false},{\"allow\":true,\"type\":\"c\",\"access\":\"rw\"},{\"allow\":false,\"type\":\"c\",\"major\":9,\"minor\":11}]",
	  JOINED | SAW_NULL | SAW_KMSG },
	/* back to the v1 list, the program goes */
	{ "[{\"allow\":false},{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":11}]",
	  JOINED | SAW_NULL | SAW_KMSG },
	{ "[{\"allow\":false}]", JOINED | SAW_NULL },
	{ "[{\"allow\":true}]", JOINED | SAW_NULL | SAW_KMSG },
};

static void test_devices(void)
{
	struct box box;

	box_plan(&box, "devices", NULL);
	box_create(&box, "{}");
	for (size_t i = 0; i < sizeof(device_updates) / sizeof(device_updates[0]); i++) {
		const char *json =
			arena_printf(&box.arena, "{\"devices\":%s}", device_updates[i].json);
		struct cgroup_resources resources = resources_of(&box, json);
		int report;

		OK(cgroup_update(box.cgroup, &resources, &err));
		CHECK(!cgroup_is_frozen(box.cgroup));
		pid_t child = box_enter(&box, false, &report);

		CHECK_ROW(json, report == device_updates[i].report);
		OK(cgroup_signal(box.cgroup, SIGTERM, &err));
		CHECK_INT(waitpid(child, &report, 0), child);
		CHECK_INT(WTERMSIG(report), SIGTERM);
	}
	box_destroy(&box);
}

/* Without the v2 twin: the freezer and one SIGKILL each. */
static void test_v1_alone(void)
{
	struct box box;
	int report;

	box_plan(&box, "v1", NULL);
	CHECK(box.state.hierarchies.count > 1);
	box.state.hierarchies.count--; /* v2 is last */
	box.cgroup = cgroup_open(&box.state, &box.arena, NULL);
	box_create(&box, "{\"pids\":{\"limit\":3}}");
	CHECK_INT(cgroup_clone_fd(box.cgroup), -1);
	pid_t child = box_enter(&box, true, &report);

	CHECK(report & JOINED);
	OK(cgroup_freeze(box.cgroup, &err));
	CHECK(cgroup_is_frozen(box.cgroup));
	OK(cgroup_kill(box.cgroup, &err));
	CHECK_INT(waitpid(child, &report, 0), child);
	box_destroy(&box);
	/* and what no hierarchy can do is said */
	struct err refusal = { 0 };

	box_plan(&box, "v1", NULL);
	box.state.hierarchies.count--;
	box.cgroup = cgroup_open(&box.state, &box.arena, NULL);
	struct cgroup_resources resources =
		resources_of(&box, "{\"unified\":{\"memory.high\":\"max\"}}");

	CHECK_INT(cgroup_apply(box.cgroup, &resources, &refusal), -1);
	CHECK_TEXT(
		refusal.text,
		"linux.resources.unified.memory.high: the memory controller is not mounted or not writable");
	arena_free(&box.arena);
}

/* The controllers of the v2 side, where there are any: enabled down the path, and put back as they
 * were. */
static void test_v2_controllers(void)
{
	struct box box;
	char before[256] = "";

	char path[64];

	str_format(path, sizeof(path), "/masu-unit-%d", (int)getpid());
	box_plan(&box, "v2", path); /* a path of its own: the default ones may be in use */
	struct cgroup_place *v2 = cgroup_main_place(box.cgroup);
	auto_close int mount = open(v2->mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char have[256] = "";

	CHECK(fd_read_file(mount, "cgroup.controllers", have, sizeof(have)) >= 0);
	if (!v2->ops->whole || !strstr(have, "hugetlb")) {
		printf("cgroup_live: skipped v2 controllers: hugetlb is not in cgroup v2 here\n");
		arena_free(&box.arena);
		return;
	}
	CHECK(fd_read_file(mount, "cgroup.subtree_control", before, sizeof(before)) >= 0);
	box_create(&box,
		   "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4194304}],"
		   "\"unified\":{\"cgroup.max.depth\":\"2\",\"hugetlb.2MB.max\":\"2097152\"}}");
	check_file(&box, CGROUP_HUGETLB, "hugetlb.2MB.max", "2097152");
	check_file(&box, CGROUP_HUGETLB, "hugetlb.2MB.rsvd.max", "4194304");
	check_file(&box, CGROUP_CORE, "cgroup.max.depth", "2");
	struct cgroup_resources missing =
		resources_of(&box, "{\"unified\":{\"memory.high\":\"max\"}}");
	struct err refusal = { 0 };

	CHECK_INT(cgroup_apply(box.cgroup, &missing, &refusal), -1);
	CHECK(strstr(refusal.text, "the memory controller is not available in cgroup v2 here"));
	struct cgroup_resources odd =
		resources_of(&box, "{\"hugepageLimits\":[{\"pageSize\":\"3MB\",\"limit\":1}]}");

	CHECK_INT(cgroup_apply(box.cgroup, &odd, &refusal), -1);
	CHECK(strstr(refusal.text, "hugetlb.3MB.max: this kernel has no such file"));
	box_destroy(&box);
	if (!strstr(before, "hugetlb"))
		fd_write_file(mount, "cgroup.subtree_control", "-hugetlb", NULL);
}

/* A place of the user's: used when empty, refused when not, and left where it is. */
static void test_found(void)
{
	char path[64], dir[128];
	struct err refusal = { 0 };
	struct box box;
	int report;

	str_format(path, sizeof(path), "/masu-unit-%d", (int)getpid());
	str_format(dir, sizeof(dir), "/sys/fs/cgroup/pids%s", path);
	CHECK_INT(mkdir(dir, 0755), 0);
	box_plan(&box, "found", path);
	box_create(&box, "{}");
	pid_t child = box_enter(&box, false, &report);
	struct box second;

	box_plan(&second, "second", path);
	CHECK_INT(cgroup_create(second.cgroup, &second.state, NULL, &refusal), -1);
	CHECK_INT(refusal.code, EBUSY);
	OK(cgroup_destroy(second.cgroup, &err)); /* nothing of the first one's */
	cgroup_close(second.cgroup);
	arena_free(&second.arena);
	CHECK(!cgroup_is_gone(box.cgroup));
	OK(cgroup_kill(box.cgroup, &err));
	CHECK_INT(waitpid(child, &report, 0), child);
	OK(cgroup_destroy(box.cgroup, &err));
	CHECK_INT(rmdir(dir), 0); /* still there, and empty */
	cgroup_close(box.cgroup);
	CHECK(cgroup_is_gone(box.cgroup));
	cgroup_close(box.cgroup);
	arena_free(&box.arena);
}

struct leftovers {
	const char *id;
	int count;
};

static int count_leftover(const char *dir, const char *id, void *data)
{
	struct leftovers *leftovers = data;

	if (strcmp(id, leftovers->id) != 0)
		return 0;
	leftovers->count++;
	return cgroup_remove_dir(dir, NULL);
}

/* What a killed command leaves, with cgroups of the container's own in it. */
static void test_leftovers(void)
{
	struct box box;
	char nested[192];

	box_plan(&box, "left", NULL);
	box_create(&box, "{}");
	struct cgroup_place *main_place = cgroup_main_place(box.cgroup);

	for (const char *tail = "/a\0/a/b\0/c\0"; *tail; tail += strlen(tail) + 1) {
		str_format(nested, sizeof(nested), "%s%s", main_place->dir, tail);
		CHECK_INT(mkdir(nested, 0755), 0);
	}
	struct cgroup *below = cgroup_open_below(&box.state, "a/b", &box.arena, NULL);

	CHECK(below && !cgroup_is_gone(below));
	cgroup_close(below);
	CHECK(!cgroup_open_below(&box.state, "nothing", &box.arena, NULL));
	CHECK(!cgroup_open_below(&box.state, "../x", &box.arena, NULL));
	struct leftovers leftovers = { .id = box.id };

	OK(cgroup_each_leftover(count_leftover, &leftovers, &err));
	CHECK_INT(leftovers.count, box.state.hierarchies.count);
	leftovers.count = 0;
	OK(cgroup_each_leftover(count_leftover, &leftovers, &err));
	CHECK_INT(leftovers.count, 0);
	box_destroy(&box);
}

int main(void)
{
	bool v1, v2;

	cgroup_host_kinds(&v1, &v2);
	if (geteuid() != 0 || !v1 || !v2) {
		printf("cgroup_live: skipped: needs root on a hybrid host (cgroup v1 and v2 mounted)\n");
		return 0;
	}
	test_life();
	test_update();
	test_devices();
	test_v1_alone();
	test_v2_controllers();
	test_found();
	test_leftovers();
	return unit_done("cgroup_live");
}
