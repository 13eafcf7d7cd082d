/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A cgroup's counters with their files kept open, to be read once or again and again. */
#include "cgroup/stats.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/place.h"

enum {
	TEXT_FIRST_ROOM = 8192, /* memory.stat of 6.18 has 2 KiB */
	TEXT_MAX = 16 << 20,
	OWN = -1,
	STILL_LEAST = 16,
};

/* One file and the rows that it fills. */
struct meter_file {
	const struct cgroup_counter *rows;
	size_t count;
	const char *path;
	int fd;                  /* -1: opened for each reading */
	int page;                /* which size of huge pages it is about, or OWN */
	enum cgroup_brief brief; /* the most urgent of its rows */
};

struct cgroup_meter {
	struct cgroup *cgroup;
	enum cgroup_detail detail;
	uint64_t machine;       /* bytes of memory */
	struct json_list files; /* struct meter_file */
	struct json_list sizes; /* const char *: of huge pages */
	char *text;             /* malloc'ed: a file as it was read last */
	size_t room;

	/* CGROUP_BRIEF: in most containers nothing runs just then. What was read of one holds for
	 * so many readings more, but not for ever: limits are changed from outside. */
	struct cgroup_stats last;
	unsigned int still_left;
};

/* How many of the rows are about the first one's file. */
static size_t rows_of_file(const struct cgroup_counter *rows, size_t count)
{
	size_t same = 1;

	while (same < count && strcmp(rows[same].file, rows[0].file) == 0)
		same++;
	return same;
}

static bool is_wanted(const struct cgroup_meter *meter, const struct cgroup_counter *row,
		      uint32_t mask)
{
	return mask & CGROUP_BIT(row->controller) && (meter->detail == CGROUP_FULL || row->brief);
}

/* True when another file tells this number already, as it does on a hybrid host. */
static bool is_known(const struct cgroup_meter *meter, const struct cgroup_counter *row)
{
	const struct meter_file *files = meter->files.items;

	if (meter->detail == CGROUP_FULL || row->read != cgroup_count_number)
		return false;
	for (size_t i = 0; i < meter->files.count; i++) {
		for (size_t k = 0; k < files[i].count; k++) {
			if (files[i].rows[k].brief && files[i].rows[k].offset == row->offset)
				return true;
		}
	}
	return false;
}

/* True when there is a row to read it for. */
static bool choose(const struct cgroup_meter *meter, struct meter_file *file, uint32_t mask)
{
	bool wanted = false;

	for (size_t i = 0; i < file->count; i++) {
		const struct cgroup_counter *row = &file->rows[i];

		if (!is_wanted(meter, row, mask) || is_known(meter, row))
			continue;
		wanted = true;
		if (row->brief == BRIEF_SIGN || file->brief == BRIEF_NOT)
			file->brief = row->brief;
	}
	return wanted;
}

/* A file that the kernel does not have is left out. */
static int add_file(struct cgroup_meter *meter, const struct meter_file *file)
{
	struct meter_file opened = *file;

	opened.fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (opened.fd < 0 && errno != EMFILE && errno != ENFILE)
		return 0;
	struct meter_file *added =
		cgroup_stats_add(&meter->files, sizeof(*added), meter->cgroup->arena);

	if (!added) {
		if (opened.fd >= 0)
			close(opened.fd);
		return -1;
	}
	*added = opened;
	return 0;
}

/* All files of some rows in one directory; `prefix` is in front of each one's name. */
static int add_rows(struct cgroup_meter *meter, uint32_t mask, const char *prefix, int page,
		    const struct cgroup_counter *rows, size_t count)
{
	for (size_t i = 0, same; i < count; i += same) {
		same = rows_of_file(rows + i, count - i);

		struct meter_file file = { .rows = rows + i, .count = same, .page = page };

		if (!choose(meter, &file, mask))
			continue;
		file.path = arena_printf(meter->cgroup->arena, "%s%s", prefix, rows[i].file);
		if (!file.path || add_file(meter, &file) < 0)
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

static int add_page_size(struct cgroup_meter *meter, const struct cgroup_place *place,
			 const char *name, size_t length)
{
	const struct cgroup_counters *counters = place->ops->counters;
	struct arena *arena = meter->cgroup->arena;
	const char **size = cgroup_stats_add(&meter->sizes, sizeof(*size), arena);

	if (!size)
		return -1;
	*size = arena_strndup(arena, name, length);
	const char *prefix = arena_printf(arena, "%s/hugetlb.%s.", place->dir, *size);

	if (!*size || !prefix)
		return -1;
	return add_rows(meter, place->mask, prefix, (int)meter->sizes.count - 1,
			counters->page_rows, counters->page_count);
}

/* Which sizes of huge pages there are, the directory tells. */
static int add_pages(struct cgroup_meter *meter, const struct cgroup_place *place)
{
	const char *first = place->ops->counters->page_rows[0].file;
	auto_closedir DIR *dir = NULL;

	if (meter->detail == CGROUP_FULL && place->mask & CGROUP_BIT(CGROUP_HUGETLB))
		dir = opendir(place->dir);
	for (const struct dirent *entry; dir && (entry = readdir(dir));) {
		size_t length = page_size_length(entry->d_name, first);

		if (length &&
		    add_page_size(meter, place, entry->d_name + strlen("hugetlb."), length) < 0)
			return -1;
	}
	return 0;
}

/* The directories above, up to the mount, whose own files are those of the whole host. */
static int add_ancestors(struct cgroup_meter *meter, const struct cgroup_place *place)
{
	const struct cgroup_counters *counters = place->ops->counters;
	size_t top = place->mount ? strlen(place->mount) : 0, length = strlen(place->dir);

	if (!counters->ancestor_count || !top || strncmp(place->dir, place->mount, top) != 0)
		return 0;
	for (;;) {
		do {
			length--;
		} while (length > top && place->dir[length] != '/');
		if (length <= top)
			return 0;
		const char *prefix =
			arena_printf(meter->cgroup->arena, "%.*s/", (int)length, place->dir);

		if (!prefix || add_rows(meter, place->mask, prefix, OWN, counters->ancestor_rows,
					counters->ancestor_count) < 0)
			return -1;
	}
}

static int add_place(struct cgroup_meter *meter, const struct cgroup_place *place)
{
	const struct cgroup_counters *counters = place->ops->counters;
	const char *prefix = arena_printf(meter->cgroup->arena, "%s/", place->dir);

	if (!prefix ||
	    add_rows(meter, place->mask, prefix, OWN, counters->rows, counters->count) < 0)
		return -1;
	return add_pages(meter, place) < 0 ? -1 : add_ancestors(meter, place);
}

struct cgroup_meter *cgroup_meter_open(struct cgroup *cgroup, enum cgroup_detail detail,
				       struct err *err)
{
	struct cgroup_meter *meter = arena_alloc(cgroup->arena, sizeof(*meter));
	struct sysinfo machine;

	if (!cgroup->count) {
		err_set(err, ERR_UNSUPPORTED, "read statistics: the container has no cgroup");
		return NULL;
	}
	if (cgroup_is_gone(cgroup)) {
		err_set(err, ENOENT, "read statistics: the container's cgroup is gone");
		return NULL;
	}
	if (!meter) {
		err_sys(err, "read statistics");
		return NULL;
	}
	meter->cgroup = cgroup;
	meter->detail = detail;
	if (sysinfo(&machine) == 0)
		meter->machine = (uint64_t)machine.totalram * machine.mem_unit;
	for (size_t i = 0; i < cgroup->count; i++) {
		if (add_place(meter, &cgroup->places[i]) == 0)
			continue;
		err_sys(err, "read statistics of %s", cgroup->places[i].dir);
		cgroup_meter_close(meter);
		return NULL;
	}
	return meter;
}

/* The whole text into meter->text, without its last newline; its length, -1 with errno. */
static ssize_t load(struct cgroup_meter *meter, int fd)
{
	for (;;) {
		ssize_t length = meter->room ? pread(fd, meter->text, meter->room - 1, 0) : 0;

		if (length < 0)
			return -1;
		if ((size_t)length + 1 < meter->room) {
			length -= length && meter->text[length - 1] == '\n';
			meter->text[length] = '\0';
			return length;
		}
		size_t room = meter->room ? meter->room * 2 : TEXT_FIRST_ROOM;
		char *larger = room > TEXT_MAX ? NULL : realloc(meter->text, room);

		if (!larger)
			return -1;
		meter->text = larger;
		meter->room = room;
	}
}

/* 1 when there was something to read, 0 when not. */
static int read_file(struct cgroup_meter *meter, const struct meter_file *file, struct arena *arena,
		     struct cgroup_stats *stats)
{
	auto_close int opened = file->fd < 0 ? open(file->path, O_RDONLY | O_CLOEXEC) : -1;
	int fd = file->fd < 0 ? opened : file->fd;
	void *target = stats;

	if (fd < 0 || load(meter, fd) < 0)
		return 0;
	if (file->page != OWN)
		target = &JSON_ITEMS(struct cgroup_page_stats, &stats->pages)[file->page];
	for (const struct cgroup_counter *row = file->rows; row < file->rows + file->count; row++) {
		if ((meter->detail == CGROUP_FULL || row->brief) &&
		    row->read(row, meter->text, arena, target) < 0)
			return -1;
	}
	return 1;
}

static int prepare_pages(const struct cgroup_meter *meter, struct arena *arena,
			 struct json_list *pages)
{
	for (size_t i = 0; i < meter->sizes.count; i++) {
		struct cgroup_page_stats *page = cgroup_stats_add(pages, sizeof(*page), arena);

		if (!page)
			return -1;
		*page = (struct cgroup_page_stats){
			.size = JSON_ITEMS(const char *, &meter->sizes)[i],
		};
	}
	return 0;
}

/* What follows from several numbers. */
static void derive(const struct cgroup_meter *meter, struct cgroup_memory_stats *memory)
{
	uint64_t usage = memory->usage.usage.value, inactive = memory->inactive_file.value;

	if (!memory->usage.usage.set)
		return;
	if (memory->inactive_file.set) /* the two are not counted at the same moment */
		memory->working_set =
			(struct opt_u64){ true, usage > inactive ? usage - inactive : 0 };
	if (meter->machine &&
	    (!memory->effective_limit.set || memory->effective_limit.value > meter->machine))
		memory->effective_limit = (struct opt_u64){ true, meter->machine };
}

/* All files of that kind, or with BRIEF_NOT all there are; how many could be read, -1 on error. */
static int read_files(struct cgroup_meter *meter, enum cgroup_brief brief, struct arena *arena,
		      struct cgroup_stats *stats, struct err *err)
{
	const struct meter_file *files = meter->files.items;
	int seen = 0;

	for (size_t i = 0; i < meter->files.count; i++) {
		if (brief && files[i].brief != brief)
			continue;
		int read = read_file(meter, &files[i], arena, stats);

		if (read < 0)
			return err_sys(err, "read %s", files[i].path);
		seen += read;
	}
	return seen;
}

/* Nothing has run in there since the last reading. */
static bool is_still(struct cgroup_meter *meter, const struct cgroup_stats *stats)
{
	const struct cgroup_stats *last = &meter->last;

	if (!stats->cpu.usage.total.set || !meter->still_left ||
	    last->cpu.usage.total.value != stats->cpu.usage.total.value ||
	    last->memory.usage.usage.value != stats->memory.usage.usage.value)
		return false;
	meter->still_left--;
	return true;
}

/* As few files as will do. */
static int read_brief(struct cgroup_meter *meter, struct arena *arena, struct cgroup_stats *stats,
		      struct err *err)
{
	int signs = read_files(meter, BRIEF_SIGN, arena, stats, err), others = 0;

	if (signs < 0)
		return -1;
	if (is_still(meter, stats)) {
		*stats = meter->last;
	} else {
		/* differs from one to the other, so that their ends do not come together */
		meter->still_left = STILL_LEAST + (unsigned int)(uintptr_t)meter / 64 % STILL_LEAST;
		others = read_files(meter, BRIEF_STILL, arena, stats, err);
		meter->last = *stats;
	}
	int always = others < 0 ? -1 : read_files(meter, BRIEF_ALWAYS, arena, stats, err);

	return always < 0 ? -1 : signs + others + always;
}

int cgroup_meter_read(struct cgroup_meter *meter, struct arena *arena, struct cgroup_stats *stats,
		      struct err *err)
{
	*stats = (struct cgroup_stats){ 0 };
	if (prepare_pages(meter, arena, &stats->pages) < 0)
		return err_sys(err, "read statistics");
	int seen = meter->detail == CGROUP_BRIEF ? read_brief(meter, arena, stats, err)
						 : read_files(meter, BRIEF_NOT, arena, stats, err);

	if (seen < 0)
		return -1;
	if (meter->files.count && !seen)
		return err_set(err, ENOENT, "read statistics: the container's cgroup is gone");
	derive(meter, &stats->memory);
	return 0;
}

void cgroup_meter_close(struct cgroup_meter *meter)
{
	const struct meter_file *files = meter ? meter->files.items : NULL;

	if (!meter)
		return;
	for (size_t i = 0; i < meter->files.count; i++) {
		if (files[i].fd >= 0)
			close(files[i].fd);
	}
	free(meter->text);
	*meter = (struct cgroup_meter){ 0 };
}

int cgroup_stats_read(struct cgroup *cgroup, struct arena *arena, struct cgroup_stats *stats,
		      struct err *err)
{
	struct cgroup_meter *meter = cgroup_meter_open(cgroup, CGROUP_FULL, err);
	int result = meter ? cgroup_meter_read(meter, arena, stats, err) : -1;

	cgroup_meter_close(meter);
	return result;
}
