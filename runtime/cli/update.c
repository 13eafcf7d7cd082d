/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu update: change the limits of a container, given as JSON or one by one. */
#include "runtime/cli/cli.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runtime/cli/input.h"
#include "runtime/cli/print.h"
#include "runtime/masu.h"

struct update_values {
	struct masu_update_options update;
	const char *resources;
	const char *blkio_weight;
	const char *cpu_burst, *cpu_idle, *cpu_period, *cpu_quota, *cpu_share;
	const char *cpu_rt_period, *cpu_rt_runtime, *cpuset_cpus, *cpuset_mems;
	const char *memory, *memory_reservation, *memory_swap, *kernel_memory, *kernel_memory_tcp;
	const char *pids_limit;
};

#define MEMBER(name) offsetof(struct update_values, name)

/* clang-format off */
static const struct option_row update_rows[] = {
	{ 'r', "resources",          OPTION_TEXT, MEMBER(resources),              "FILE",  "limits as JSON, like linux.resources; - is standard input" },
	{ 0,   "blkio-weight",       OPTION_TEXT, MEMBER(blkio_weight),           "N",     "share of block I/O, 10 to 1000" },
	{ 0,   "cpu-burst",          OPTION_TEXT, MEMBER(cpu_burst),              "US",    "CPU time that may be saved up for later" },
	{ 0,   "cpu-idle",           OPTION_TEXT, MEMBER(cpu_idle),               "0|1",   "1: run only when nothing else does" },
	{ 0,   "cpu-period",         OPTION_TEXT, MEMBER(cpu_period),             "US",    "length of the period that the quota counts in" },
	{ 0,   "cpu-quota",          OPTION_TEXT, MEMBER(cpu_quota),              "US",    "CPU time in each period; -1: no limit" },
	{ 0,   "cpu-share",          OPTION_TEXT, MEMBER(cpu_share),              "N",     "share of CPU time against others" },
	{ 0,   "cpu-rt-period",      OPTION_TEXT, MEMBER(cpu_rt_period),          "US",    "the same period for real-time tasks (cgroup v1)" },
	{ 0,   "cpu-rt-runtime",     OPTION_TEXT, MEMBER(cpu_rt_runtime),         "US",    "the same quota for real-time tasks (cgroup v1)" },
	{ 0,   "cpuset-cpus",        OPTION_TEXT, MEMBER(cpuset_cpus),            "LIST",  "CPUs it may run on, 0-3,7" },
	{ 0,   "cpuset-mems",        OPTION_TEXT, MEMBER(cpuset_mems),            "LIST",  "memory nodes it may use" },
	{ 0,   "memory",             OPTION_TEXT, MEMBER(memory),                 "BYTES", "memory limit; k, m, g behind it; -1: no limit" },
	{ 0,   "memory-reservation", OPTION_TEXT, MEMBER(memory_reservation),     "BYTES", "memory kept for it under pressure" },
	{ 0,   "memory-swap",        OPTION_TEXT, MEMBER(memory_swap),            "BYTES", "limit of memory and swap together" },
	{ 0,   "kernel-memory",      OPTION_TEXT, MEMBER(kernel_memory),          "BYTES", NULL },
	{ 0,   "kernel-memory-tcp",  OPTION_TEXT, MEMBER(kernel_memory_tcp),      "BYTES", NULL },
	{ 0,   "pids-limit",         OPTION_TEXT, MEMBER(pids_limit),             "N",     "number of tasks; -1: no limit" },
	{ 0,   "l3-cache-schema",    OPTION_TEXT, MEMBER(update.l3_cache_schema), "TEXT",  "Intel RDT: level 3 cache schema" },
	{ 0,   "mem-bw-schema",      OPTION_TEXT, MEMBER(update.mem_bw_schema),   "TEXT",  "Intel RDT: memory bandwidth schema" },
	{ 0 },
};

enum value_kind { NUMBER, SIZE, TEXT };

/* Where each value goes in linux.resources. Rows of one section stand together. */
static const struct resource_row {
	const char *section, *key;
	enum value_kind kind;
	size_t offset;
	const char *option;
} resource_rows[] = {
	{ "blockIO", "weight",          NUMBER, MEMBER(blkio_weight),       "blkio-weight" },
	{ "cpu",     "burst",           NUMBER, MEMBER(cpu_burst),          "cpu-burst" },
	{ "cpu",     "idle",            NUMBER, MEMBER(cpu_idle),           "cpu-idle" },
	{ "cpu",     "period",          NUMBER, MEMBER(cpu_period),         "cpu-period" },
	{ "cpu",     "quota",           NUMBER, MEMBER(cpu_quota),          "cpu-quota" },
	{ "cpu",     "shares",          NUMBER, MEMBER(cpu_share),          "cpu-share" },
	{ "cpu",     "realtimePeriod",  NUMBER, MEMBER(cpu_rt_period),      "cpu-rt-period" },
	{ "cpu",     "realtimeRuntime", NUMBER, MEMBER(cpu_rt_runtime),     "cpu-rt-runtime" },
	{ "cpu",     "cpus",            TEXT,   MEMBER(cpuset_cpus),        "cpuset-cpus" },
	{ "cpu",     "mems",            TEXT,   MEMBER(cpuset_mems),        "cpuset-mems" },
	{ "memory",  "limit",           SIZE,   MEMBER(memory),             "memory" },
	{ "memory",  "reservation",     SIZE,   MEMBER(memory_reservation), "memory-reservation" },
	{ "memory",  "swap",            SIZE,   MEMBER(memory_swap),        "memory-swap" },
	{ "memory",  "kernel",          SIZE,   MEMBER(kernel_memory),      "kernel-memory" },
	{ "memory",  "kernelTCP",       SIZE,   MEMBER(kernel_memory_tcp),  "kernel-memory-tcp" },
	{ "pids",    "limit",           NUMBER, MEMBER(pids_limit),         "pids-limit" },
};

/* clang-format on */

#define RESOURCE_ROWS (sizeof(resource_rows) / sizeof(resource_rows[0]))

/* How many bits a unit shifts by; -1 for what is no unit. "k", "kb" and "kib" all mean 1024. */
static int unit_shift(const char *unit)
{
	static const char letters[] = "bkmgtp";
	const char *found = *unit ? strchr(letters, tolower((unsigned char)*unit)) : letters;

	if (!found)
		return -1;
	if (*unit && found > letters && (unit[1] == 'i' || unit[1] == 'I'))
		unit++;
	if (*unit && unit[1] && strcasecmp(unit + 1, "b") != 0)
		return -1;
	return (int)(found - letters) * 10;
}

/* "-1", "100", and for a size "512m". */
static int parse_number(const char *text, enum value_kind kind, int64_t *number)
{
	char *end;

	errno = 0;
	int64_t value = strtoll(text, &end, 10);
	if (end == text || errno || isspace((unsigned char)*text))
		return -1;
	int shift = kind == SIZE ? unit_shift(end) : *end ? -1 : 0;
	if (shift < 0 || value > INT64_MAX >> shift || value < INT64_MIN >> shift)
		return -1;
	*number = value * (INT64_C(1) << shift);
	return 0;
}

static int print_value(FILE *out, const struct resource_row *row, const char *text,
		       struct masu_error *error)
{
	int64_t number;

	fprintf(out, "\"%s\":", row->key);
	if (row->kind == TEXT) {
		print_json_text(out, text);
		return 0;
	}
	if (parse_number(text, row->kind, &number) < 0)
		return cli_fail(error, MASU_ERR_INPUT, "option --%s: \"%s\" is not a %s",
				row->option, text, row->kind == SIZE ? "size" : "number");
	fprintf(out, "%" PRId64, number);
	return 0;
}

/* The given values as an object like linux.resources; *given tells whether there are any. */
static int print_resources(FILE *out, const struct update_values *values, bool *given,
			   struct masu_error *error)
{
	const char *section = NULL;

	fputc('{', out);
	for (size_t i = 0; i < RESOURCE_ROWS; i++) {
		const struct resource_row *row = &resource_rows[i];
		const char *text = *(const char *const *)((const char *)values + row->offset);

		if (!text)
			continue;
		if (!section || strcmp(section, row->section) != 0)
			fprintf(out, "%s\"%s\":{", section ? "}," : "", row->section);
		else
			fputc(',', out);
		section = row->section;
		if (print_value(out, row, text, error) < 0)
			return -1;
	}
	fputs(section ? "}}" : "}", out);
	*given = section != NULL;
	return 0;
}

/* linux.resources from the file or from the single options; free(). NULL with error. */
static char *collect_resources(const struct update_values *values, struct masu_error *error)
{
	char *text = NULL;
	size_t size;
	bool given = false;
	FILE *out = open_memstream(&text, &size);

	if (!out) {
		cli_fail_sys(error, "collect the limits");
		return NULL;
	}
	int result = print_resources(out, values, &given, error);
	if (fclose(out) != 0 && result == 0)
		result = cli_fail_sys(error, "collect the limits");
	if (result == 0 && given && values->resources)
		result =
			cli_fail(error, MASU_ERR_INPUT, "give either --resources or single limits");
	if (result < 0 || values->resources) {
		free(text);
		return result < 0 ? NULL : input_read(values->resources, error);
	}
	return text;
}

static int run_update(struct cli *cli, void *data, struct masu_error *error)
{
	struct update_values *values = data;

	cli->subject = cli->args[0];
	char *resources = collect_resources(values, error);
	if (!resources)
		return -1;
	values->update.size = sizeof(values->update);
	values->update.resources_json = resources;
	int result = masu_update(cli->masu, cli->args[0], &values->update, error);
	free(resources);
	return result;
}

const struct command cli_update = {
	.name = "update",
	.usage = "[option...] ID",
	.about = "change the limits of a container",
	.options = update_rows,
	.values = sizeof(struct update_values),
	.least = 1,
	.most = 1,
	.run = run_update,
};
