/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making and removing a group beside the kernel's own floor: mkdir, the same writes, rmdir of the
 * same directories. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <masu-resources.h>

enum {
	DIRS_MAX = 16,
	ROUNDS = 200,
};

static const char spec[] = "{\"cpu\":\"500m\",\"memory\":\"64M\",\"pids\":100}";

/* What the spec comes to in either version. */
static const struct {
	const char *file, *text;
} writes[] = {
	{ "cpu.cfs_period_us", "250000" }, { "cpu.cfs_quota_us", "125000" },
	{ "cpu.max", "125000 250000" },    { "memory.limit_in_bytes", "67108864" },
	{ "memory.max", "67108864" },      { "pids.max", "100" },
};

struct dirs {
	char path[DIRS_MAX][PATH_MAX];
	/* which of the writes each has: known before, as it is to masu */
	unsigned int files[DIRS_MAX];
	int count;
};

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void fail(const char *what)
{
	fprintf(stderr, "%s failed\n", what);
	exit(1);
}

static void add_dir(struct dirs *dirs, const char *parent, const char *name)
{
	char *path = dirs->path[dirs->count];
	char file[PATH_MAX + 32];

	snprintf(path, PATH_MAX, "%s/%s", parent, name);
	if (dirs->count == DIRS_MAX || access(path, F_OK) < 0)
		return;
	dirs->files[dirs->count] = 0;
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		snprintf(file, sizeof(file), "%s/%s", path, writes[i].file);
		/* on a hybrid host v2 counts, and limits nothing of this */
		if (access(file, F_OK) == 0)
			dirs->files[dirs->count] |= 1U << i;
	}
	dirs->count++;
}

/* The directories that a group of this name has now. */
static void find_dirs(struct dirs *dirs, const char *name)
{
	DIR *root = opendir("/sys/fs/cgroup");
	char parent[PATH_MAX];

	dirs->count = 0;
	add_dir(dirs, "/sys/fs/cgroup", name);
	for (struct dirent *entry; root && (entry = readdir(root));) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		snprintf(parent, sizeof(parent), "/sys/fs/cgroup/%s", entry->d_name);
		add_dir(dirs, parent, name);
	}
	if (root)
		closedir(root);
}

static void write_file(const char *dir, const char *file, const char *text)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail(path);
	close(fd);
}

static void go_bare(const struct dirs *dirs)
{
	for (int i = 0; i < dirs->count; i++) {
		if (mkdir(dirs->path[i], 0755) < 0)
			fail(dirs->path[i]);
		for (size_t at = 0; at < sizeof(writes) / sizeof(writes[0]); at++) {
			if (dirs->files[i] & 1U << at)
				write_file(dirs->path[i], writes[at].file, writes[at].text);
		}
	}
	for (int i = dirs->count; i > 0; i--) {
		if (rmdir(dirs->path[i - 1]) < 0)
			fail(dirs->path[i - 1]);
	}
}

static void make(struct masu *masu, const char *name)
{
	const struct masu_group_options options = {
		.size = sizeof(options),
		.name = name,
		.spec = spec,
	};
	struct masu_error error;

	if (masu_group_create(masu, &options, &error) < 0)
		fail(error.text);
}

static void unmake(struct masu *masu, const char *name)
{
	struct masu_error error;

	if (masu_group_destroy(masu, name, 0, &error) < 0)
		fail(error.text);
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double median(double *times)
{
	qsort(times, ROUNDS, sizeof(*times), compare);
	return times[ROUNDS / 2];
}

/* group ROOT: the state directory */
int main(int argc, char **argv)
{
	const struct masu_options options = { .size = sizeof(options),
					      .root = argc > 1 ? argv[1] : NULL };
	struct masu *masu;
	struct dirs *dirs = calloc(1, sizeof(*dirs));
	double bare[ROUNDS], ours[ROUNDS];
	char name[64];

	if (!dirs || masu_open(&options, &masu, NULL) < 0)
		fail("masu_open");
	snprintf(name, sizeof(name), "/bench.%d", (int)getpid());
	make(masu, name);
	find_dirs(dirs, name + 1);
	unmake(masu, name);
	/* one after the other, so that both see the same machine */
	for (int i = 0; i < ROUNDS; i++) {
		double begin = now_us();

		go_bare(dirs);
		double middle = now_us();

		make(masu, name);
		unmake(masu, name);
		bare[i] = middle - begin;
		ours[i] = now_us() - middle;
	}
	double floor = median(bare), masus = median(ours);

	printf("%.0f %.0f %.2f\n", masus, floor, masus / floor);
	masu_close(masu);
	free(dirs);
	return 0;
}
