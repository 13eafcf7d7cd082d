/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel counts for a container: read by the tables of each version, written as JSON. */
#include "cgroup/stats.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/place.h"

/* clang-format off */
#define AT(type, member) offsetof(struct type, member)
static const struct json_row usage_rows[] = {
	{ "limit",   JSON_U64, AT(cgroup_usage, limit) },
	{ "usage",   JSON_U64, AT(cgroup_usage, usage) },
	{ "max",     JSON_U64, AT(cgroup_usage, max) },
	{ "failcnt", JSON_U64, AT(cgroup_usage, failcnt) },
};
static const struct json_object usage_object = JSON_OBJECT_OF(struct cgroup_usage, usage_rows);

static const struct json_row pressure_line_rows[] = {
	{ "avg10",  JSON_RAW, AT(cgroup_pressure_line, avg10) },
	{ "avg60",  JSON_RAW, AT(cgroup_pressure_line, avg60) },
	{ "avg300", JSON_RAW, AT(cgroup_pressure_line, avg300) },
	{ "total",  JSON_U64, AT(cgroup_pressure_line, total) },
};
static const struct json_object pressure_line_object = JSON_OBJECT_OF(struct cgroup_pressure_line, pressure_line_rows);

static const struct json_row pressure_rows[] = {
	{ "some", JSON_OBJECT, AT(cgroup_pressure, some), &pressure_line_object },
	{ "full", JSON_OBJECT, AT(cgroup_pressure, full), &pressure_line_object },
};
static const struct json_object pressure_object = JSON_OBJECT_OF(struct cgroup_pressure, pressure_rows);

static const struct json_row cpu_usage_rows[] = {
	{ "total",         JSON_U64,  AT(cgroup_cpu_usage, total) },
	{ "percpu",        JSON_U64S, AT(cgroup_cpu_usage, percpu) },
	{ "percpu_kernel", JSON_U64S, AT(cgroup_cpu_usage, percpu_kernel) },
	{ "percpu_user",   JSON_U64S, AT(cgroup_cpu_usage, percpu_user) },
	{ "kernel",        JSON_U64,  AT(cgroup_cpu_usage, kernel) },
	{ "user",          JSON_U64,  AT(cgroup_cpu_usage, user) },
};
static const struct json_object cpu_usage_object = JSON_OBJECT_OF(struct cgroup_cpu_usage, cpu_usage_rows);

static const struct json_row throttling_rows[] = {
	{ "periods",          JSON_U64, AT(cgroup_throttling, periods) },
	{ "throttledPeriods", JSON_U64, AT(cgroup_throttling, throttled_periods) },
	{ "throttledTime",    JSON_U64, AT(cgroup_throttling, throttled_time) },
};
static const struct json_object throttling_object = JSON_OBJECT_OF(struct cgroup_throttling, throttling_rows);

static const struct json_row cpu_rows[] = {
	{ "usage",      JSON_OBJECT, AT(cgroup_cpu_stats, usage),      &cpu_usage_object },
	{ "throttling", JSON_OBJECT, AT(cgroup_cpu_stats, throttling), &throttling_object },
	{ "psi",        JSON_OBJECT, AT(cgroup_cpu_stats, psi),        &pressure_object },
};
static const struct json_object cpu_object = JSON_OBJECT_OF(struct cgroup_cpu_stats, cpu_rows);

static const struct json_row memory_rows[] = {
	{ "cache",     JSON_U64,    AT(cgroup_memory_stats, cache) },
	{ "usage",     JSON_OBJECT, AT(cgroup_memory_stats, usage),      &usage_object },
	{ "swap",      JSON_OBJECT, AT(cgroup_memory_stats, swap),       &usage_object },
	{ "kernel",    JSON_OBJECT, AT(cgroup_memory_stats, kernel),     &usage_object },
	{ "kernelTCP", JSON_OBJECT, AT(cgroup_memory_stats, kernel_tcp), &usage_object },
	{ "raw",       JSON_RAW,    AT(cgroup_memory_stats, raw) },
	{ "psi",       JSON_OBJECT, AT(cgroup_memory_stats, psi),        &pressure_object },
};
static const struct json_object memory_object = JSON_OBJECT_OF(struct cgroup_memory_stats, memory_rows);

static const struct json_row pids_rows[] = {
	{ "current", JSON_U64, AT(cgroup_pids_stats, current) },
	{ "limit",   JSON_U64, AT(cgroup_pids_stats, limit) },
};
static const struct json_object pids_object = JSON_OBJECT_OF(struct cgroup_pids_stats, pids_rows);

static const struct json_row io_count_rows[] = {
	{ "major", JSON_U64,  AT(cgroup_io_count, major) },
	{ "minor", JSON_U64,  AT(cgroup_io_count, minor) },
	{ "op",    JSON_TEXT, AT(cgroup_io_count, op) },
	{ "value", JSON_U64,  AT(cgroup_io_count, value) },
};
static const struct json_object io_count_object = JSON_OBJECT_OF(struct cgroup_io_count, io_count_rows);

static const struct json_row io_rows[] = {
	{ "ioServiceBytesRecursive", JSON_LIST,   AT(cgroup_io_stats, bytes),      &io_count_object },
	{ "ioServicedRecursive",     JSON_LIST,   AT(cgroup_io_stats, operations), &io_count_object },
	{ "psi",                     JSON_OBJECT, AT(cgroup_io_stats, psi),        &pressure_object },
};
static const struct json_object io_object = JSON_OBJECT_OF(struct cgroup_io_stats, io_rows);

static const struct json_row page_rows[] = {
	{ NULL, JSON_EMBED, AT(cgroup_page_stats, usage), &usage_object },
};
static const struct json_object page_object = JSON_OBJECT_OF(struct cgroup_page_stats, page_rows);

/* The sections are always there, so that a reader need not ask for each. */
static const struct json_row stats_rows[] = {
	{ "cpu",     JSON_OBJECT, AT(cgroup_stats, cpu),    &cpu_object,    .flags = JSON_ALWAYS },
	{ "memory",  JSON_OBJECT, AT(cgroup_stats, memory), &memory_object, .flags = JSON_ALWAYS },
	{ "pids",    JSON_OBJECT, AT(cgroup_stats, pids),   &pids_object,   .flags = JSON_ALWAYS },
	{ "blkio",   JSON_OBJECT, AT(cgroup_stats, io),     &io_object,     .flags = JSON_ALWAYS },
	{ "hugetlb", JSON_MAP,    AT(cgroup_stats, pages),  &page_object,   .flags = JSON_ALWAYS },
};
#undef AT
/* clang-format on */

const struct json_object cgroup_stats_object = JSON_OBJECT_OF(struct cgroup_stats, stats_rows);

int cgroup_count_number(const struct cgroup_counter *counter, const char *text, struct arena *arena,
			void *target)
{
	/* v1's "no limit" is LONG_MAX, rounded down to a page, whatever its size */
	static const uint64_t no_limit = INT64_MAX & ~(uint64_t)0xffff;
	struct opt_u64 *member = (struct opt_u64 *)((char *)target + counter->offset);
	uint64_t unit = counter->unit ? counter->unit : 1, value = 0;
	bool found = counter->key ? cgroup_read_key(text, counter->key, &value)
				  : str_parse_u64(text, &value) && value < no_limit;

	(void)arena;
	if (found && !member->set)
		*member = (struct opt_u64){ true, value * unit };
	return 0;
}

int cgroup_count_list(const struct cgroup_counter *counter, const char *text, struct arena *arena,
		      void *target)
{
	struct json_list *list = (struct json_list *)((char *)target + counter->offset);
	uint64_t *numbers = arena_alloc(arena, (strlen(text) / 2 + 1) * sizeof(*numbers));
	size_t count = 0;
	char *end;

	if (!numbers)
		return -1;
	for (;; text = end) {
		uint64_t number = strtoull(text, &end, 10);

		if (end == text)
			break;
		numbers[count++] = number;
	}
	if (count)
		*list = (struct json_list){ numbers, count };
	return 0;
}

/* Writes "KEY":NUMBER for one line of the kernel's "KEY NUMBER" at `out`; how long it is, 0 when
 * the line is something else. */
static size_t put_entry(char *out, size_t room, const char *line, size_t length)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	size_t key = strspn(line, letters), digits = length - key - 1;

	if (!key || key + 1 >= length || line[key] != ' ' ||
	    strspn(line + key + 1, "0123456789") < digits ||
	    str_format(out, room, "%s\"%.*s\":%.*s", out[-1] == '{' ? "" : ",", (int)key, line,
		       (int)digits, line + key + 1) < 0)
		return 0;
	return strlen(out);
}

int cgroup_count_map(const struct cgroup_counter *counter, const char *text, struct arena *arena,
		     void *target)
{
	struct json_raw *member = (struct json_raw *)((char *)target + counter->offset);
	/* two quotes and a comma more than a line, the shortest of which has four bytes */
	size_t room = strlen(text) * 2 + 8, used = 1;
	char *json = arena_alloc(arena, room);

	if (!json)
		return -1;
	json[0] = '{';
	while (*text) {
		size_t length = strcspn(text, "\n");

		used += put_entry(json + used, room - used - 1, text, length);
		text += length + (text[length] == '\n');
	}
	json[used] = '}';
	json[used + 1] = '\0';
	if (!member->text && used > 1)
		*member = (struct json_raw){ json, used + 1 };
	return 0;
}

/* "some avg10=0.12 avg60=0.00 avg300=0.00 total=1234" */
static int read_pressure_line(const char *text, const char *name, struct arena *arena,
			      struct cgroup_pressure_line *line)
{
	char avg10[16], avg60[16], avg300[16];
	const char *found = strstr(text, name);
	uint64_t total;

	if (!found || sscanf(found + strlen(name),
			     " avg10=%15[0-9.] avg60=%15[0-9.] avg300=%15[0-9.] total=%" SCNu64,
			     avg10, avg60, avg300, &total) != 4)
		return 0;
	line->total = (struct opt_u64){ true, total };
	line->avg10 = (struct json_raw){ arena_strdup(arena, avg10), strlen(avg10) };
	line->avg60 = (struct json_raw){ arena_strdup(arena, avg60), strlen(avg60) };
	line->avg300 = (struct json_raw){ arena_strdup(arena, avg300), strlen(avg300) };
	return line->avg10.text && line->avg60.text && line->avg300.text ? 0 : -1;
}

int cgroup_count_pressure(const struct cgroup_counter *counter, const char *text,
			  struct arena *arena, void *target)
{
	struct cgroup_pressure *pressure =
		(struct cgroup_pressure *)((char *)target + counter->offset);

	if (read_pressure_line(text, "some", arena, &pressure->some) < 0)
		return -1;
	return read_pressure_line(text, "full", arena, &pressure->full);
}

/* Room for one more item of `size`: the list doubles at each power of two. */
static int make_room(struct json_list *list, size_t size, struct arena *arena)
{
	if (list->count & (list->count - 1))
		return 0;
	char *items = arena_alloc(arena, (list->count ? list->count * 2 : 1) * size);

	if (!items)
		return -1;
	if (list->count)
		memcpy(items, list->items, list->count * size);
	list->items = items;
	return 0;
}

int cgroup_count_add_io(struct json_list *list, const struct cgroup_io_count *count,
			struct arena *arena)
{
	if (make_room(list, sizeof(*count), arena) < 0)
		return -1;
	JSON_ITEMS(struct cgroup_io_count, list)[list->count++] = *count;
	return 0;
}

/* A file's text without its last newline; NULL when the kernel does not have it. */
static char *load(const struct cgroup_place *place, const char *prefix, const char *file,
		  struct arena *arena)
{
	char path[PATH_MAX];

	if (str_format(path, sizeof(path), "%s/%s%s", place->dir, prefix, file) < 0)
		return NULL;
	char *text = cgroup_read_text(path, arena, NULL);
	size_t length = text ? strlen(text) : 0;

	if (length && text[length - 1] == '\n')
		text[length - 1] = '\0';
	return text;
}

static int read_rows(const struct cgroup_place *place, const char *prefix,
		     const struct cgroup_counter *rows, size_t count, struct arena *arena,
		     void *target)
{
	const char *file = "", *text = NULL;

	for (const struct cgroup_counter *row = rows; row < rows + count; row++) {
		if (!(place->mask & CGROUP_BIT(row->controller)))
			continue;
		if (strcmp(row->file, file) != 0)
			text = load(place, prefix, row->file, arena);
		file = row->file;
		if (text && row->read(row, text, arena, target) < 0)
			return -1;
	}
	return 0;
}

/* "2MB" of "hugetlb.2MB.current", which the first row's file is named for; 0: it is another file.
 */
static size_t page_size_length(const char *name, const char *file)
{
	static const char prefix[] = "hugetlb.";

	if (!str_starts(name, prefix))
		return 0;
	name += sizeof(prefix) - 1;
	size_t length = strcspn(name, ".");

	return name[length] == '.' && strcmp(name + length + 1, file) == 0 ? length : 0;
}

/* Which sizes of huge pages there are, the directory tells. */
static int read_pages(const struct cgroup_place *place, struct arena *arena, struct json_list *list)
{
	const struct cgroup_counters *counters = place->ops->counters;
	auto_closedir DIR *dir = NULL;

	if (place->mask & CGROUP_BIT(CGROUP_HUGETLB))
		dir = opendir(place->dir);
	for (const struct dirent *entry; dir && (entry = readdir(dir));) {
		size_t length = page_size_length(entry->d_name, counters->page_rows[0].file);

		if (!length)
			continue;
		struct cgroup_page_stats page = {
			.size = arena_strndup(arena, entry->d_name + strlen("hugetlb."), length),
		};
		const char *prefix = arena_printf(arena, "hugetlb.%s.", page.size);

		if (!page.size || !prefix ||
		    read_rows(place, prefix, counters->page_rows, counters->page_count, arena,
			      &page) < 0 ||
		    make_room(list, sizeof(page), arena) < 0)
			return -1;
		JSON_ITEMS(struct cgroup_page_stats, list)[list->count++] = page;
	}
	return 0;
}

int cgroup_stats_read(struct cgroup *cgroup, struct arena *arena, struct cgroup_stats *stats,
		      struct err *err)
{
	*stats = (struct cgroup_stats){ 0 };
	if (!cgroup->count)
		return err_set(err, ERR_UNSUPPORTED,
			       "read statistics: the container has no cgroup");
	if (cgroup_is_gone(cgroup))
		return err_set(err, ENOENT, "read statistics: the container's cgroup is gone");
	for (size_t i = 0; i < cgroup->count; i++) {
		const struct cgroup_place *place = &cgroup->places[i];
		const struct cgroup_counters *counters = place->ops->counters;

		if (read_rows(place, "", counters->rows, counters->count, arena, stats) < 0 ||
		    read_pages(place, arena, &stats->pages) < 0)
			return err_sys(err, "read statistics of %s", place->dir);
	}
	return 0;
}
