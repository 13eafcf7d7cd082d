/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu stats: what containers and cgroups use, as a table, as JSON or for Prometheus. */
#include "runtime/cli/stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "runtime/cli/answer.h"
#include "runtime/cli/cli.h"
#include "runtime/cli/interval.h"
#include "runtime/cli/print.h"

enum stats_format {
	STATS_TABLE,
	STATS_JSON,
	STATS_PROMETHEUS,
};

struct stats_values {
	bool watch;
	const char *interval;
	int format; /* enum stats_format */
};

#define MEMBER(name) offsetof(struct stats_values, name)

/* clang-format off */
static const struct option_row stats_rows[] = {
	{ 'w', "watch",    OPTION_FLAG, MEMBER(watch),    NULL,   "again and again, until all have ended; then rates in place of sums" },
	{ 0,   "interval", OPTION_TEXT, MEMBER(interval), "TIME", "time between two rounds, like 500ms or 1m30s (1s)" },
	{ 'f', "format",   OPTION_WORD, MEMBER(format),   "table|json|prometheus", "how to print (table)" },
	{ 0 },
};

enum metric_unit {
	UNIT_NUMBER,
	UNIT_SECONDS, /* of ns */
};

/* Names and base units as Prometheus wants them: seconds and bytes, "_total" for what counts up. */
static const struct metric {
	const char *name, *type, *help;
	size_t offset;
	enum metric_unit unit;
} metrics[] = {
#define AT(member) offsetof(struct masu_reading, member)
	{ "cpu_seconds_total",            "counter", "CPU time used.",                              AT(cpu_ns), UNIT_SECONDS },
	{ "cpu_user_seconds_total",       "counter", "CPU time used outside of the kernel.",        AT(cpu_user_ns), UNIT_SECONDS },
	{ "cpu_system_seconds_total",     "counter", "CPU time used in the kernel.",                AT(cpu_system_ns), UNIT_SECONDS },
	{ "cpu_periods_total",            "counter", "Periods of the CPU limit.",                   AT(cpu_periods) },
	{ "cpu_throttled_periods_total",  "counter", "Periods in which the limit held it back.",    AT(cpu_throttled_periods) },
	{ "cpu_throttled_seconds_total",  "counter", "Time for which the limit held it back.",      AT(cpu_throttled_ns), UNIT_SECONDS },
	{ "cpu_stall_seconds_total",      "counter", "Time in which a process waited for a CPU.",   AT(cpu_stall_ns), UNIT_SECONDS },
	{ "memory_bytes",                 "gauge",   "Memory in use.",                              AT(memory) },
	{ "memory_working_set_bytes",     "gauge",   "Memory in use without inactive file pages.",  AT(memory_working_set) },
	{ "memory_limit_bytes",           "gauge",   "Its own memory limit.",                       AT(memory_limit) },
	{ "memory_effective_limit_bytes", "gauge",   "The least of all limits above it.",           AT(memory_effective_limit) },
	{ "memory_peak_bytes",            "gauge",   "The most memory ever in use.",                AT(memory_peak) },
	{ "memory_and_swap_bytes",        "gauge",   "Memory and swap in use.",                     AT(memory_and_swap) },
	{ "memory_stall_seconds_total",   "counter", "Time in which a process waited for memory.",  AT(memory_stall_ns), UNIT_SECONDS },
	{ "oom_kills_total",              "counter", "Processes killed for lack of memory.",        AT(oom_kills) },
	{ "pids",                         "gauge",   "Processes and threads.",                      AT(pids) },
	{ "pids_limit",                   "gauge",   "Processes and threads at most.",              AT(pids_limit) },
	{ "io_read_bytes_total",          "counter", "Bytes read from devices.",                    AT(io_read) },
	{ "io_written_bytes_total",       "counter", "Bytes written to devices.",                   AT(io_written) },
	{ "io_reads_total",               "counter", "Reads from devices.",                         AT(io_reads) },
	{ "io_writes_total",              "counter", "Writes to devices.",                          AT(io_writes) },
	{ "io_stall_seconds_total",       "counter", "Time in which a process waited for a device.", AT(io_stall_ns), UNIT_SECONDS },
	{ "network_received_bytes_total", "counter", "Bytes received on its own interfaces.",       AT(network_received) },
	{ "network_sent_bytes_total",     "counter", "Bytes sent on its own interfaces.",           AT(network_sent) },
#undef AT
};

/* clang-format on */

int stats_open_meter(struct cli *cli, unsigned int flags, struct masu_meter **meter,
		     struct masu_error *error)
{
	struct rlimit files;

	/* several for each container; where they do not reach, the meter does without */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	return masu_meter_open(cli->masu, cli->arg_count ? (const char *const *)cli->args : NULL,
			       flags, meter, error);
}

/* ---- the table ---- */

void stats_format_size(char *text, size_t size, uint64_t bytes)
{
	if (bytes == MASU_UNKNOWN)
		snprintf(text, size, "-");
	else
		answer_format_size(text, size, bytes);
}

void stats_format_rate(char *text, size_t size, double bytes_per_second)
{
	char bytes[16];

	stats_format_size(bytes, sizeof(bytes),
			  bytes_per_second < 0 ? MASU_UNKNOWN : (uint64_t)bytes_per_second);
	snprintf(text, size, "%s%s", bytes, bytes_per_second < 0 ? "" : "/s");
}

static int add_size(struct print_table *table, uint64_t bytes)
{
	char text[24];

	stats_format_size(text, sizeof(text), bytes);
	return print_table_add(table, "%s", text);
}

static int add_rate(struct print_table *table, double bytes_per_second)
{
	char text[24];

	stats_format_rate(text, sizeof(text), bytes_per_second);
	return print_table_add(table, "%s", text);
}

static int add_percent(struct print_table *table, double percent)
{
	return percent < 0 ? print_table_add(table, "-")
			   : print_table_add(table, "%.1f%%", percent);
}

static int add_time(struct print_table *table, uint64_t ns)
{
	return ns == MASU_UNKNOWN ? print_table_add(table, "-")
				  : print_table_add(table, "%.2f s", (double)ns / 1e9);
}

static int add_number(struct print_table *table, uint64_t number)
{
	return number == MASU_UNKNOWN ? print_table_add(table, "-")
				      : print_table_add(table, "%" PRIu64, number);
}

static int add_row(struct print_table *table, const struct history_entry *entry, bool rates)
{
	const struct masu_reading *last = &entry->last;
	int bad = print_table_add(table, "%s", entry->name);

	bad |= rates ? add_percent(table, entry->cpu_percent) : add_time(table, last->cpu_ns);
	bad |= rates ? add_percent(table, entry->throttled_percent)
		     : add_time(table, last->cpu_throttled_ns);
	bad |= add_size(table, last->memory);
	bad |= add_size(table, last->memory_working_set);
	bad |= add_size(table, last->memory_effective_limit);
	bad |= add_number(table, last->pids);
	bad |= rates ? add_rate(table, entry->read) : add_size(table, last->io_read);
	bad |= rates ? add_rate(table, entry->written) : add_size(table, last->io_written);
	bad |= rates ? add_rate(table, entry->received) : add_size(table, last->network_received);
	bad |= rates ? add_rate(table, entry->sent) : add_size(table, last->network_sent);
	return bad;
}

int stats_print_table(const struct history *history, bool rates, struct masu_error *error)
{
	static const char *const heading[] = { "NAME",    "CPU",      "THROTTLED", "MEMORY",
					       "WORKING", "LIMIT",    "PIDS",      "READ",
					       "WRITTEN", "RECEIVED", "SENT" };
	struct print_table table = { .columns = sizeof(heading) / sizeof(heading[0]) };
	int bad = 0;

	for (size_t i = 0; i < table.columns; i++)
		bad |= print_table_add(&table, "%s", heading[i]);
	for (const struct history_entry *entry = history->first; entry; entry = entry->next)
		bad |= add_row(&table, entry, rates);
	print_table_end(stdout, &table);
	return bad ? cli_fail_sys(error, "print the table") : 0;
}

/* ---- Prometheus ---- */

static void print_label(const char *name)
{
	for (; *name; name++) {
		if (*name == '"' || *name == '\\')
			putchar('\\');
		putchar(*name);
	}
}

static void print_metric(const struct metric *metric, const struct masu_reading *first)
{
	printf("# HELP masu_%s %s\n# TYPE masu_%s %s\n", metric->name, metric->help, metric->name,
	       metric->type);
	for (; first; first = first->next) {
		uint64_t value;

		memcpy(&value, (const char *)first + metric->offset, sizeof(value));
		if (value == MASU_UNKNOWN)
			continue;
		printf("masu_%s{name=\"", metric->name);
		print_label(first->name);
		if (metric->unit == UNIT_SECONDS)
			printf("\"} %" PRIu64 ".%09" PRIu64 "\n", value / 1000000000,
			       value % 1000000000);
		else
			printf("\"} %" PRIu64 "\n", value);
	}
}

/* ---- JSON ---- */

static int print_json(struct cli *cli, const struct masu_reading *first, struct masu_error *error)
{
	for (; first; first = first->next) {
		char *json;

		if (masu_stats(cli->masu, first->name, &json, error) < 0) {
			/* it has ended since it was found */
			if (error->code == MASU_ERR_STATE || error->code == MASU_ERR_NOT_FOUND)
				continue;
			return -1;
		}
		printf("%s\n", json);
		free(json);
	}
	return 0;
}

static int print_round(struct cli *cli, const struct stats_values *values,
		       const struct masu_reading *first, struct history *history,
		       struct masu_error *error)
{
	if (values->format == STATS_JSON)
		return print_json(cli, first, error);
	if (values->format == STATS_PROMETHEUS) {
		for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
			print_metric(&metrics[i], first);
		return 0;
	}
	if (history_update(history, first, error) < 0)
		return -1;
	return stats_print_table(history, values->watch, error);
}

/* Round after round; ends with those that were named, or when nobody reads any more. */
static int print_rounds(struct cli *cli, const struct stats_values *values,
			unsigned int interval_ms, struct masu_meter *meter,
			struct masu_error *error)
{
	struct history history = { 0 };
	const struct masu_reading *first;
	int64_t next_ms = interval_clock_ms() + interval_ms;
	int result = 0;

	for (bool later = false;; later = true) {
		if (masu_meter_read(meter, &first, error) < 0) {
			result = -1;
			break;
		}
		if (later && cli->arg_count && !first)
			break;
		if (later && values->format != STATS_JSON)
			putchar('\n');
		result = print_round(cli, values, first, &history, error);
		if (result < 0 || !values->watch || fflush(stdout) != 0)
			break;
		interval_sleep(&next_ms, interval_ms);
	}
	history_free(&history);
	return result;
}

static int run_stats(struct cli *cli, void *data, struct masu_error *error)
{
	const struct stats_values *values = data;
	unsigned int flags = values->format == STATS_PROMETHEUS ? MASU_METER_FULL : 0;
	struct masu_meter *meter;
	unsigned int interval_ms;

	if (interval_parse(values->interval ? values->interval : "1s", &interval_ms, error) < 0 ||
	    stats_open_meter(cli, flags, &meter, error) < 0)
		return -1;
	int result = print_rounds(cli, values, interval_ms, meter, error);

	masu_meter_close(meter);
	return result;
}

const struct command cli_stats = {
	.name = "stats",
	.usage = "[option...] [NAME...]",
	.about = "print what containers and cgroups use",
	.options = stats_rows,
	.values = sizeof(struct stats_values),
	.most = -1,
	.run = run_stats,
};
