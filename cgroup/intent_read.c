/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits in force, read back from the files of either version into the form of intent. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "cgroup/cgroup.h"
#include "cgroup/intent_private.h"
#include "cgroup/place.h"

enum {
	FILE_MAX = 16384,
	IO_WEIGHT_DEFAULT = 100,
};

struct reading {
	struct cgroup_place *place;
	struct arena *arena;
	struct cgroup_intent *effective;
};

/* One row: a file of one version and the member that it fills. 0, or -1 without memory. */
struct reader {
	enum cgroup_controller controller;
	const char *file;
	int (*read)(const struct reader *reader, struct reading *from, char *text);
	size_t offset;
	const char *key; /* of a line "M:m key=value" */
};

static struct opt_i64 *member_of(const struct reader *reader, struct reading *from)
{
	return (void *)((char *)from->effective + reader->offset);
}

/* v1's "no limit" is the largest number, rounded down to a page of whatever size. */
static bool is_limit(const char *text, int64_t *value)
{
	static const int64_t no_limit = INT64_MAX & ~INT64_C(0x3fffffff);

	return str_parse_i64(text, value) && *value >= 0 && *value < no_limit;
}

static int read_limit(const struct reader *reader, struct reading *from, char *text)
{
	int64_t value;

	if (is_limit(text, &value))
		*member_of(reader, from) = (struct opt_i64){ true, value };
	return 0;
}

static int read_nonzero(const struct reader *reader, struct reading *from, char *text)
{
	return strcmp(text, "0") == 0 ? 0 : read_limit(reader, from, text);
}

/* ---- CPU ---- */

static int read_shares(const struct reader *reader, struct reading *from, char *text)
{
	int64_t shares;

	if (str_parse_i64(text, &shares))
		*member_of(reader, from) = (struct opt_i64){ true, (shares * 1000 + 512) / 1024 };
	return 0;
}

/* An idle cgroup reads as 0: it has none. */
static int read_weight(const struct reader *reader, struct reading *from, char *text)
{
	int64_t weight;

	if (str_parse_i64(text, &weight) && weight > 0)
		*member_of(reader, from) = (struct opt_i64){ true, weight * 10 };
	return 0;
}

static int read_idle(const struct reader *reader, struct reading *from, char *text)
{
	struct cgroup_intent_cpu *cpu = &from->effective->cpu;

	(void)reader;
	if (strcmp(text, "1") != 0)
		return 0;
	cpu->class = CGROUP_BEST_EFFORT;
	cpu->share = (struct opt_i64){ 0 };
	return 0;
}

static int read_uclamp(const struct reader *reader, struct reading *from, char *text)
{
	(void)reader;
	if (strcmp(text, "max") == 0 || strcmp(text, "100.00") == 0)
		from->effective->cpu.class = CGROUP_PREMIER;
	return 0;
}

static void set_part(struct opt_i64 *member, int64_t time, int64_t period)
{
	if (time > 0 && period > 0)
		*member = (struct opt_i64){ true, (time * 1000 + period / 2) / period };
}

/* The period is in a file of its own in v1. */
static int read_quota(const struct reader *reader, struct reading *from, char *text)
{
	char period_text[32];
	int64_t quota, period;

	if (str_parse_i64(text, &quota) &&
	    cgroup_place_read(from->place, "cpu.cfs_period_us", period_text, sizeof(period_text)) >
		    0 &&
	    str_parse_i64(period_text, &period))
		set_part(member_of(reader, from), quota, period);
	return 0;
}

static int read_cpu_max(const struct reader *reader, struct reading *from, char *text)
{
	long long quota, period;

	if (sscanf(text, "%lld %lld", &quota, &period) == 2)
		set_part(member_of(reader, from), quota, period);
	return 0;
}

/* As a part of the period that the quota has. */
static int read_burst(const struct reader *reader, struct reading *from, char *text)
{
	char period_text[64];
	int64_t burst;
	long long period = 0;

	if (!str_parse_i64(text, &burst))
		return 0;
	if (cgroup_place_read(from->place, "cpu.cfs_period_us", period_text, sizeof(period_text)) >
	    0)
		sscanf(period_text, "%lld", &period);
	else if (cgroup_place_read(from->place, "cpu.max", period_text, sizeof(period_text)) > 0)
		sscanf(period_text, "%*s %lld", &period);
	set_part(member_of(reader, from), burst, period);
	return 0;
}

/* A v1 cpuset always has CPUs; all of them are no limit. */
static int read_cpus(const struct reader *reader, struct reading *from, char *text)
{
	char online[4096];

	(void)reader;
	if (!*text ||
	    (fd_read_file(AT_FDCWD, "/sys/devices/system/cpu/online", online, sizeof(online)) > 0 &&
	     strcmp(online, text) == 0))
		return 0;
	from->effective->cpu.mask = arena_strdup(from->arena, text);
	return from->effective->cpu.mask ? 0 : -1;
}

/* ---- memory: v1 counts swap together with it ---- */

static int read_memsw(const struct reader *reader, struct reading *from, char *text)
{
	const struct opt_i64 *max = &from->effective->memory.max;
	int64_t total;

	if (is_limit(text, &total) && max->set && total >= max->value)
		*member_of(reader, from) = (struct opt_i64){ true, total - max->value };
	return 0;
}

/* ---- block devices ---- */

static struct cgroup_intent_device *find_device(struct reading *from, const char *name)
{
	struct json_list *list = &from->effective->io.devices;
	struct cgroup_intent_device *devices = list->items;

	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(devices[i].device, name) == 0)
			return &devices[i];
	}
	struct cgroup_intent_device *new = json_grow(from->arena, list, sizeof(*new));

	if (new)
		new->device = arena_strdup(from->arena, name);
	return new &&new->device ? new : NULL;
}

/* Calls back for each line "M:m rest" with the two parts. */
static int each_device_line(char *text, struct reading *from, const struct reader *reader,
			    int (*line_read)(const struct reader *, struct reading *,
					     const char *name, char *rest))
{
	while (text && *text) {
		char *rest = strsep(&text, "\n");
		const char *name = strsep(&rest, " ");

		if (rest && strchr(name, ':') && line_read(reader, from, name, rest) < 0)
			return -1;
	}
	return 0;
}

/* The row's offset is within the device. */
static int set_device(const struct reader *reader, struct reading *from, const char *name,
		      const char *number)
{
	int64_t value;

	if (!is_limit(number, &value))
		return 0;
	struct cgroup_intent_device *device = find_device(from, name);

	if (!device)
		return -1;
	*(struct opt_i64 *)((char *)device + reader->offset) = (struct opt_i64){ true, value };
	return 0;
}

static int read_throttle_line(const struct reader *reader, struct reading *from, const char *name,
			      char *rest)
{
	return set_device(reader, from, name, rest);
}

static int read_throttle(const struct reader *reader, struct reading *from, char *text)
{
	return each_device_line(text, from, reader, read_throttle_line);
}

static int read_io_max_line(const struct reader *reader, struct reading *from, const char *name,
			    char *rest)
{
	static const struct reader words[] = {
		{ .key = "rbps", .offset = offsetof(struct cgroup_intent_device, read) },
		{ .key = "wbps", .offset = offsetof(struct cgroup_intent_device, write) },
		{ .key = "riops", .offset = offsetof(struct cgroup_intent_device, read_ops) },
		{ .key = "wiops", .offset = offsetof(struct cgroup_intent_device, write_ops) },
	};

	(void)reader;
	for (char *number = strsep(&rest, " "); number; number = strsep(&rest, " ")) {
		const char *word = strsep(&number, "=");

		for (size_t i = 0; number && i < sizeof(words) / sizeof(words[0]); i++) {
			if (strcmp(word, words[i].key) == 0 &&
			    set_device(&words[i], from, name, number) < 0)
				return -1;
		}
	}
	return 0;
}

static int read_io_max(const struct reader *reader, struct reading *from, char *text)
{
	return each_device_line(text, from, reader, read_io_max_line);
}

/* "default 100", or the number alone, then lines for devices. */
static int read_io_weight(const struct reader *reader, struct reading *from, char *text)
{
	static const struct reader device = { .offset = offsetof(struct cgroup_intent_device,
								 weight) };
	const char *number = str_starts(text, "default ") ? text + strlen("default ") : text;
	int64_t weight = strtoll(number, NULL, 10);

	if (number[strcspn(number, ":\n")] != ':' && weight > 0 && weight != IO_WEIGHT_DEFAULT)
		*member_of(reader, from) = (struct opt_i64){ true, weight };
	return each_device_line(text, from, &device, read_throttle_line);
}

/* ---- network ---- */

/* "lo 0" and so on; intent gives all links the same. */
static int read_priorities(const struct reader *reader, struct reading *from, char *text)
{
	while (text && *text) {
		char *number = strsep(&text, "\n");
		int64_t priority;

		strsep(&number, " ");
		if (number && str_parse_i64(number, &priority) && priority)
			*member_of(reader, from) = (struct opt_i64){ true, priority };
	}
	return 0;
}

/* clang-format off */
#define AT(member) offsetof(struct cgroup_intent, member)
#define OF_DEVICE(member) offsetof(struct cgroup_intent_device, member)
static const struct reader v1_readers[] = {
	{ CGROUP_CPU,      "cpu.shares",                  read_shares,     AT(cpu.share) },
	{ CGROUP_CPU,      "cpu.uclamp.min",              read_uclamp },
	{ CGROUP_CPU,      "cpu.idle",                    read_idle },
	{ CGROUP_CPU,      "cpu.cfs_quota_us",            read_quota,      AT(cpu.max) },
	{ CGROUP_CPU,      "cpu.cfs_burst_us",            read_burst,      AT(cpu.burst) },
	{ CGROUP_CPUSET,   "cpuset.cpus",                 read_cpus },
	{ CGROUP_MEMORY,   "memory.limit_in_bytes",       read_limit,      AT(memory.max) },
	{ CGROUP_MEMORY,   "memory.memsw.limit_in_bytes", read_memsw,      AT(memory.swap) },
	{ CGROUP_MEMORY,   "memory.soft_limit_in_bytes",  read_limit,      AT(memory.soft) },
	{ CGROUP_BLKIO,    "blkio.bfq.weight",            read_io_weight,  AT(io.weight) },
	{ CGROUP_BLKIO,    "blkio.bfq.weight_device",     read_throttle,   OF_DEVICE(weight) },
	{ CGROUP_BLKIO,    "blkio.throttle.read_bps_device",   read_throttle, OF_DEVICE(read) },
	{ CGROUP_BLKIO,    "blkio.throttle.write_bps_device",  read_throttle, OF_DEVICE(write) },
	{ CGROUP_BLKIO,    "blkio.throttle.read_iops_device",  read_throttle, OF_DEVICE(read_ops) },
	{ CGROUP_BLKIO,    "blkio.throttle.write_iops_device", read_throttle, OF_DEVICE(write_ops) },
	{ CGROUP_PIDS,     "pids.max",                    read_limit,      AT(pids.max) },
	{ CGROUP_NET_PRIO, "net_prio.ifpriomap",          read_priorities, AT(network.priority) },
};
static const struct reader v2_readers[] = {
	{ CGROUP_CPU,      "cpu.weight",      read_weight,    AT(cpu.share) },
	{ CGROUP_CPU,      "cpu.uclamp.min",  read_uclamp },
	{ CGROUP_CPU,      "cpu.idle",        read_idle },
	{ CGROUP_CPU,      "cpu.max",         read_cpu_max,   AT(cpu.max) },
	{ CGROUP_CPU,      "cpu.max.burst",   read_burst,     AT(cpu.burst) },
	{ CGROUP_CPUSET,   "cpuset.cpus",     read_cpus },
	{ CGROUP_MEMORY,   "memory.max",      read_limit,     AT(memory.max) },
	{ CGROUP_MEMORY,   "memory.swap.max", read_limit,     AT(memory.swap) },
	{ CGROUP_MEMORY,   "memory.high",     read_limit,     AT(memory.soft) },
	{ CGROUP_MEMORY,   "memory.low",      read_nonzero,   AT(memory.guarantee) },
	{ CGROUP_BLKIO,    "io.weight",       read_io_weight, AT(io.weight) },
	{ CGROUP_BLKIO,    "io.bfq.weight",   read_io_weight, AT(io.weight) },
	{ CGROUP_BLKIO,    "io.max",          read_io_max },
	{ CGROUP_PIDS,     "pids.max",        read_limit,     AT(pids.max) },
};
#undef AT
#undef OF_DEVICE

/* clang-format on */

static int read_file(const struct reader *reader, struct reading *from)
{
	char text[FILE_MAX];

	if (!(from->place->mask & CGROUP_BIT(reader->controller)) ||
	    cgroup_place_read(from->place, reader->file, text, sizeof(text)) < 0)
		return 0;
	return reader->read(reader, from, text);
}

/* "hugetlb.2MB.max" is the limit of pages of "2M". */
static int read_page_limit(struct reading *from, const char *file, const char *suffix)
{
	const char *size = file + strlen("hugetlb.");
	size_t length = strlen(size) - strlen(suffix);
	char text[32];
	int64_t limit;

	if (memchr(size, '.', length) || size[length - 1] != 'B' ||
	    cgroup_place_read(from->place, file, text, sizeof(text)) <= 0 ||
	    !is_limit(text, &limit))
		return 0;
	struct cgroup_intent_hugepage *page =
		json_grow(from->arena, &from->effective->hugepages, sizeof(*page));

	if (!page)
		return -1;
	page->size = arena_strndup(from->arena, size, length - 1);
	page->max = (struct opt_i64){ true, limit };
	return page->size ? 0 : -1;
}

static int read_hugepages(struct reading *from)
{
	const char *suffix = from->place->ops->whole ? ".max" : ".limit_in_bytes";
	auto_closedir DIR *stream = NULL;

	if (!(from->place->mask & CGROUP_BIT(CGROUP_HUGETLB)))
		return 0;
	stream = opendir(from->place->dir);
	for (const struct dirent *entry; stream && (entry = readdir(stream));) {
		if (str_starts(entry->d_name, "hugetlb.") && str_ends(entry->d_name, suffix) &&
		    read_page_limit(from, entry->d_name, suffix) < 0)
			return -1;
	}
	return 0;
}

static int read_place(struct reading *from)
{
	bool v2 = from->place->ops->whole;
	const struct reader *readers = v2 ? v2_readers : v1_readers;
	size_t count = v2 ? sizeof(v2_readers) / sizeof(v2_readers[0])
			  : sizeof(v1_readers) / sizeof(v1_readers[0]);

	for (size_t i = 0; i < count; i++) {
		if (read_file(&readers[i], from) < 0)
			return -1;
	}
	return read_hugepages(from);
}

int cgroup_intent_read(struct cgroup *cgroup, struct arena *arena, struct cgroup_intent *effective,
		       struct err *err)
{
	struct reading from = { .arena = arena, .effective = effective };

	*effective = (struct cgroup_intent){ 0 };
	if (cgroup->count && cgroup_is_gone(cgroup))
		return err_set(err, ENOENT, "read limits of %s: the cgroup is gone",
			       cgroup->places[0].dir);
	for (size_t i = 0; i < cgroup->count; i++) {
		from.place = &cgroup->places[i];
		if (read_place(&from) < 0)
			return err_set(err, ENOMEM, "read limits: out of memory");
	}
	return 0;
}
