/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many containers measured at a time, with everything kept open from one reading to the next. */
#include "runtime/meter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "net/net.h"
#include "runtime/subject.h"

enum {
	NETWORK_ROOM = 1 << 16, /* some 500 interfaces */
};

/* One container, and its place in the list that is handed out. */
struct entry {
	struct masu_reading reading;
	struct subject subject;
	struct cgroup_meter *meter;
	int network; /* its table of interfaces; -1: none of its own */
	bool ended;
	struct entry *next; /* by name */
};

struct masu_meter {
	struct masu *masu;
	enum cgroup_detail detail;
	struct entry *first;
	size_t count;
	struct pollfd *processes; /* of the entries, in their order; room for `count` */
	char *text;

	/* With all containers of the state root: looked through again when it has changed. */
	bool all;
	bool unsettled; /* one was still being made */
	struct timespec changed;
};

static void close_entry(struct entry *entry)
{
	cgroup_meter_close(entry->meter);
	if (entry->network >= 0)
		close(entry->network);
	subject_close(&entry->subject);
	free(entry);
}

static struct entry *open_entry(struct masu_meter *meter, const char *name, struct err *err)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (!entry) {
		err_sys(err, "measure %s", name);
		return NULL;
	}
	*entry = (struct entry){ .subject = SUBJECT_INIT, .network = -1 };
	if (subject_open(meter->masu, name, &entry->subject, err) == 0)
		entry->meter = cgroup_meter_open(entry->subject.cgroup, meter->detail, err);
	if (!entry->meter) {
		close_entry(entry);
		return NULL;
	}
	entry->network = subject_open_network(&entry->subject);
	entry->reading.name = entry->subject.name;
	return entry;
}

/* The list stays sorted; a name that is given twice is there twice. */
static int add_entry(struct masu_meter *meter, const char *name, struct err *err)
{
	struct entry *entry = open_entry(meter, name, err), **at = &meter->first;

	if (!entry)
		return -1;
	struct pollfd *larger =
		realloc(meter->processes, (meter->count + 1) * sizeof(*meter->processes));

	if (!larger) {
		close_entry(entry);
		return err_sys(err, "measure %s", name);
	}
	meter->processes = larger;
	while (*at && strcmp((*at)->reading.name, name) < 0)
		at = &(*at)->next;
	entry->next = *at;
	*at = entry;
	meter->count++;
	return 0;
}

static bool has_entry(const struct masu_meter *meter, const char *name)
{
	const struct entry *entry = meter->first;

	while (entry && strcmp(entry->reading.name, name) < 0)
		entry = entry->next;
	return entry && strcmp(entry->reading.name, name) == 0;
}

/* One that is stopped or gone is passed over. */
static int add_found(struct masu_meter *meter, int root, const char *name, struct err *err)
{
	char creating[SPEC_ID_MAX + sizeof("/" STATE_CREATING)];
	struct err why = { 0 };

	if (name[0] == '.' || spec_check_id(name, NULL) < 0 || has_entry(meter, name) ||
	    add_entry(meter, name, &why) == 0)
		return 0;
	if (why.code == ENOMEM || why.code == EMFILE || why.code == ENFILE) {
		if (err)
			*err = why;
		return -1;
	}
	snprintf(creating, sizeof(creating), "%s/%s", name, STATE_CREATING);
	meter->unsettled |= faccessat(root, creating, F_OK, 0) == 0;
	return 0;
}

/* New containers change the state root's own time; one that was not ready then does not. */
static int find_new(struct masu_meter *meter, struct err *err)
{
	auto_close int root = state_open_root(meter->masu->root, false, NULL);
	struct stat status;

	if (root < 0) /* nobody has made one yet */
		return 0;
	if (fstat(root, &status) < 0)
		return err_sys(err, "read state directory %s", meter->masu->root);
	if (!meter->unsettled && status.st_mtim.tv_sec == meter->changed.tv_sec &&
	    status.st_mtim.tv_nsec == meter->changed.tv_nsec)
		return 0;
	meter->unsettled = false;
	meter->changed = status.st_mtim;
	int stream_fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_closedir DIR *stream = stream_fd < 0 ? NULL : fdopendir(stream_fd);

	if (!stream)
		return err_sys(err, "read state directory %s", meter->masu->root);
	for (struct dirent *found; (found = readdir(stream));) {
		if (add_found(meter, root, found->d_name, err) < 0)
			return -1;
	}
	return 0;
}

/* One call tells for all of them whose process has ended. */
static void find_ended(struct masu_meter *meter)
{
	struct pollfd *process = meter->processes;

	for (struct entry *entry = meter->first; entry; entry = entry->next)
		*process++ = (struct pollfd){ entry->subject.container.pidfd, POLLIN, 0 };
	if (poll(meter->processes, meter->count, 0) <= 0)
		return;
	process = meter->processes;
	for (struct entry *entry = meter->first; entry; entry = entry->next)
		entry->ended |= process++->revents != 0;
}

static uint64_t known(struct opt_u64 number)
{
	return number.set ? number.value : MASU_UNKNOWN;
}

static uint64_t known_ns(struct opt_u64 microseconds)
{
	return microseconds.set ? microseconds.value * 1000 : MASU_UNKNOWN;
}

/* The sum over all devices of what is called `op`. */
static uint64_t sum_of(const struct cgroup_io_stats *io, const struct json_list *counts,
		       const char *op)
{
	uint64_t sum = io->counted ? 0 : MASU_UNKNOWN;

	for (size_t i = 0; i < counts->count; i++) {
		const struct cgroup_io_count *count =
			&JSON_ITEMS(const struct cgroup_io_count, counts)[i];

		if (strcmp(count->op, op) == 0)
			sum += count->value.value;
	}
	return sum;
}

static void fill(struct masu_reading *reading, const struct cgroup_stats *stats)
{
	const struct cgroup_memory_stats *memory = &stats->memory;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	*reading = (struct masu_reading){
		.name = reading->name,
		.time_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec,
		.cpu_ns = known(stats->cpu.usage.total),
		.cpu_user_ns = known(stats->cpu.usage.user),
		.cpu_system_ns = known(stats->cpu.usage.kernel),
		.cpu_periods = known(stats->cpu.throttling.periods),
		.cpu_throttled_periods = known(stats->cpu.throttling.throttled_periods),
		.cpu_throttled_ns = known(stats->cpu.throttling.throttled_time),
		.memory = known(memory->usage.usage),
		.memory_working_set = known(memory->working_set),
		.memory_limit = known(memory->usage.limit),
		.memory_effective_limit = known(memory->effective_limit),
		.memory_peak = known(memory->usage.max),
		.memory_and_swap = known(memory->swap.usage),
		.oom_kills = known(memory->events.oom_kill),
		.pids = known(stats->pids.current),
		.pids_limit = known(stats->pids.limit),
		.io_read = sum_of(&stats->io, &stats->io.bytes, "Read"),
		.io_written = sum_of(&stats->io, &stats->io.bytes, "Write"),
		.io_reads = sum_of(&stats->io, &stats->io.operations, "Read"),
		.io_writes = sum_of(&stats->io, &stats->io.operations, "Write"),
		.network_received = MASU_UNKNOWN,
		.network_sent = MASU_UNKNOWN,
		.cpu_stall_ns = known_ns(stats->cpu.psi.some.total),
		.memory_stall_ns = known_ns(memory->psi.some.total),
		.io_stall_ns = known_ns(stats->io.psi.some.total),
	};
}

static int fill_network(struct masu_meter *meter, struct entry *entry, struct arena *arena)
{
	struct json_list interfaces = { 0 };
	ssize_t length = pread(entry->network, meter->text, NETWORK_ROOM - 1, 0);

	if (length < 0)
		return 0;
	meter->text[length] = '\0';
	if (net_counters_parse(meter->text, arena, &interfaces) < 0)
		return -1;
	entry->reading.network_received = entry->reading.network_sent = 0;
	for (size_t i = 0; i < interfaces.count; i++) {
		const struct net_counters *counters =
			&JSON_ITEMS(const struct net_counters, &interfaces)[i];

		entry->reading.network_received += counters->rx_bytes.value;
		entry->reading.network_sent += counters->tx_bytes.value;
	}
	return 0;
}

static int read_entry(struct masu_meter *meter, struct entry *entry, struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct cgroup_stats stats;
	struct err why = { 0 };

	if (cgroup_meter_read(entry->meter, &arena, &stats, &why) < 0) {
		entry->ended = why.code == ENOENT;
		if (!entry->ended && err)
			*err = why;
		return entry->ended ? 0 : -1;
	}
	fill(&entry->reading, &stats);
	if (entry->network >= 0 && fill_network(meter, entry, &arena) < 0)
		return err_sys(err, "measure %s", entry->reading.name);
	return 0;
}

/* Takes out what has ended, and links the rest for the caller. */
static const struct masu_reading *link_readings(struct masu_meter *meter)
{
	const struct masu_reading *first = NULL, **last = &first;

	for (struct entry **at = &meter->first; *at;) {
		struct entry *entry = *at;

		if (entry->ended) {
			*at = entry->next;
			meter->count--;
			close_entry(entry);
			continue;
		}
		*last = &entry->reading;
		last = &entry->reading.next;
		at = &entry->next;
	}
	*last = NULL;
	return first;
}

int meter_read(struct masu_meter *meter, const struct masu_reading **first, struct err *err)
{
	if (meter->all && find_new(meter, err) < 0)
		return -1;
	find_ended(meter);
	for (struct entry *entry = meter->first; entry; entry = entry->next) {
		if (!entry->ended && read_entry(meter, entry, err) < 0)
			return -1;
	}
	*first = link_readings(meter);
	return 0;
}

int meter_open(struct masu *masu, const char *const *names, unsigned int flags,
	       struct masu_meter **made, struct err *err)
{
	struct masu_meter *meter = calloc(1, sizeof(*meter));

	if (meter)
		meter->text = malloc(NETWORK_ROOM);
	if (!meter || !meter->text) {
		meter_close(meter);
		return err_sys(err, "measure");
	}
	meter->masu = masu;
	meter->detail = flags & MASU_METER_FULL ? CGROUP_FULL : CGROUP_BRIEF;
	meter->all = !names;
	for (; names && *names; names++) {
		if (add_entry(meter, *names, err) == 0)
			continue;
		err_wrap(err, "%s", *names);
		meter_close(meter);
		return -1;
	}
	*made = meter;
	return 0;
}

void meter_close(struct masu_meter *meter)
{
	while (meter && meter->first) {
		struct entry *entry = meter->first;

		meter->first = entry->next;
		close_entry(entry);
	}
	if (meter) {
		free(meter->processes);
		free(meter->text);
	}
	free(meter);
}
