/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Overlay mounts by descriptors and through a throw-away namespace: the same file system, and
 * nothing in any mount table. */
#include "test/storage/bed.h"

#include "base/auto.h"
#include "storage/detached.h"

typedef int mount_overlay(const struct overlay_parts *parts, struct err *err);

enum {
	LAYERS = 60,
};

static struct err err;

static void test_way(const char *way, mount_overlay *mount_it)
{
	const struct volume_mount plain = { .userns_fd = -1 };
	const char *lowers[LAYERS];
	char names[LAYERS][4], path[PATH_MAX];

	CHECK(shell(
		"cd %s && rm -rf o && mkdir -p o/top/d o/top/w && for i in $(seq 1 %d); do mkdir o/$i && echo $i > o/$i/f$i && "
		"echo $i > o/$i/same; done",
		bed, LAYERS));
	snprintf(path, sizeof(path), "%s/o", bed);
	auto_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < LAYERS; i++) {
		snprintf(names[i], sizeof(names[i]), "%d", i + 1);
		lowers[i] = names[i];
	}
	auto_close int data = detached_clone(dir, "", &plain, &err);
	const struct overlay_parts parts = {
		.data = data, .lowers = lowers, .count = LAYERS, .top = "top"
	};
	auto_close int mount = mount_it(&parts, &err);

	if (mount < 0)
		fprintf(stderr, "  %s: %s\n", way, err.text);
	CHECK_ROW(way, mount >= 0);
	CHECK_ROW(
		way,
		shell("cd /proc/%d/fd/%d && test $(cat same) = 1 && test $(ls | wc -l) = %d && rm same && echo w > f60 && "
		      "! grep -q '%s/o' /proc/mounts",
		      (int)getpid(), mount, LAYERS + 1, bed));
	CHECK_ROW(
		way,
		shell("cd %s/o && test -c top/d/same && test $(cat top/d/f60) = w && test $(cat 60/f60) = 60",
		      bed));
}

int main(void)
{
	if (!bed_open())
		return 0;
	test_way("namespace", overlay_mount_in_namespace);
	test_way("either", overlay_mount);
	bed_close();
	return unit_done("storage mounts");
}
