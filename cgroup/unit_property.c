/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits as properties of a unit: a table from the files of cgroup v2 to what systemd calls them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "cgroup/knobs.h"
#include "cgroup/place.h"
#include "cgroup/unit.h"

enum {
	DEFAULT_PERIOD_US = 100000,
	DEFAULT_WEIGHT = 100,
	QUOTA_STEP_US = 10000, /* systemd keeps quotas as whole percents of a CPU */
	MASK_BITS = 8192,      /* the kernel's largest NR_CPUS */
	MASK_BYTES = MASK_BITS / 8,
};

/* One file, the property that it is, and how its text becomes the value. */
struct unit_row {
	const char *file;
	const char *property;
	void (*convert)(const struct unit_row *row, const char *text, struct cgroup_place *live,
			struct unit_properties *properties);
};

void unit_put(struct unit_properties *properties, const struct unit_property *property)
{
	struct unit_property *added =
		json_grow(properties->arena, &properties->list, sizeof(*added));

	if (added)
		*added = *property;
	else
		properties->failed = true;
}

static void put_number(struct unit_properties *properties, const char *name, uint64_t number)
{
	unit_put(properties,
		 &(struct unit_property){ .name = name, .type = UNIT_NUMBER, .number = number });
}

/* "max", or a number that may end in K, M, G or T as the kernel reads it. False for another text:
 * the kernel will say what it thinks of it. */
static bool read_limit(const char *text, uint64_t *value)
{
	static const char units[] = "KMGT";
	char digits[24];
	size_t length = strspn(text, "0123456789");

	if (strcmp(text, "max") == 0) {
		*value = UINT64_MAX;
		return true;
	}
	if (str_format(digits, sizeof(digits), "%.*s", (int)length, text) < 0 ||
	    !str_parse_u64(digits, value))
		return false;
	if (!text[length])
		return true;
	const char *unit = strchr(units, text[length] & ~0x20);
	unsigned int shift = unit ? 10 * (unsigned int)(unit - units + 1) : 0;

	if (!unit || text[length + 1] || *value > UINT64_MAX >> shift)
		return false;
	*value <<= shift;
	return true;
}

static void convert_limit(const struct unit_row *row, const char *text, struct cgroup_place *live,
			  struct unit_properties *properties)
{
	uint64_t value;

	(void)live;
	if (read_limit(text, &value))
		put_number(properties, row->property, value);
}

/* systemd takes no 0 here: the container's own directory has it. */
static void convert_tasks(const struct unit_row *row, const char *text, struct cgroup_place *live,
			  struct unit_properties *properties)
{
	if (strcmp(text, "0") != 0)
		convert_limit(row, text, live, properties);
}

static bool has_property(const struct unit_properties *properties, const char *name)
{
	const struct unit_property *items = properties->list.items;

	for (size_t i = 0; i < properties->list.count; i++) {
		if (strcmp(items[i].name, name) == 0)
			return true;
	}
	return false;
}

/* An idle unit is one of weight 0 (systemd 252); one that is idle no more has a weight again. */
static void convert_idle(const struct unit_row *row, const char *text, struct cgroup_place *live,
			 struct unit_properties *properties)
{
	if (strcmp(text, "1") == 0)
		put_number(properties, row->property, 0);
	else if (live && !has_property(properties, row->property))
		put_number(properties, row->property, DEFAULT_WEIGHT);
}

/* What "QUOTA PERIOD" leaves out is what a running container has, or the kernel's default. */
static uint64_t period_in_force(struct cgroup_place *live)
{
	char text[64] = "";
	uint64_t period;

	if (live && cgroup_place_read(live, "cpu.max", text, sizeof(text)) > 0 &&
	    strchr(text, ' ') && str_parse_u64(strchr(text, ' ') + 1, &period))
		return period;
	return DEFAULT_PERIOD_US;
}

/* Time a second, rounded up to what systemd keeps: the exact quota is the container's own. */
static void convert_quota(const struct unit_row *row, const char *text, struct cgroup_place *live,
			  struct unit_properties *properties)
{
	const char *space = strchr(text, ' ');
	char quota_text[24];
	uint64_t quota, period;

	if (str_format(quota_text, sizeof(quota_text), "%.*s", (int)strcspn(text, " "), text) < 0 ||
	    !read_limit(quota_text, &quota))
		return;
	if (!space)
		period = period_in_force(live);
	else if (!str_parse_u64(space + 1, &period) || !period)
		return;
	if (quota > UINT64_MAX / 1000000) {
		put_number(properties, row->property, UINT64_MAX);
	} else {
		uint64_t a_second = (quota * 1000000 + period - 1) / period;

		put_number(properties, row->property,
			   (a_second + QUOTA_STEP_US - 1) / QUOTA_STEP_US * QUOTA_STEP_US);
	}
	if (space)
		put_number(properties, "CPUQuotaPeriodUSec", period);
}

/* "0-3,7" as bytes, the lowest number in the first byte's lowest bit. */
static void convert_mask(const struct unit_row *row, const char *text, struct cgroup_place *live,
			 struct unit_properties *properties)
{
	unsigned long mask[MASK_BITS / (8 * sizeof(long))] = { 0 };
	uint8_t *bytes = arena_alloc(properties->arena, MASK_BYTES);
	size_t length = 0;

	(void)live;
	if (!bytes) {
		properties->failed = true;
		return;
	}
	if (!str_parse_cpu_list(text, mask, MASK_BITS))
		return;
	for (size_t bit = 0; bit < MASK_BITS; bit++) {
		if (!(mask[bit / (8 * sizeof(long))] >> bit % (8 * sizeof(long)) & 1))
			continue;
		bytes[bit / 8] |= (uint8_t)(1 << bit % 8);
		length = bit / 8 + 1;
	}
	unit_put(properties, &(struct unit_property){ .name = row->property,
						      .type = UNIT_MASK,
						      .bytes = bytes,
						      .length = length });
}

/* The device file of "8:0 ...": systemd wants a path. NULL when the host has none. */
static const char *device_path(const char *text, struct arena *arena)
{
	char link[64], uevent[512];
	int length = (int)strcspn(text, " ");

	if (str_format(link, sizeof(link), "/sys/dev/block/%.*s/uevent", length, text) < 0 ||
	    fd_read_file(AT_FDCWD, link, uevent, sizeof(uevent)) < 0)
		return NULL;
	const char *name = strstr(uevent, "DEVNAME=");

	if (!name)
		return NULL;
	name += strlen("DEVNAME=");
	return arena_printf(arena, "/dev/%.*s", (int)strcspn(name, "\n"), name);
}

static void put_device(struct unit_properties *properties, const char *name, const char *path,
		       uint64_t value)
{
	if (path)
		unit_put(properties, &(struct unit_property){ .name = name,
							      .type = UNIT_DEVICE,
							      .text = path,
							      .number = value });
}

/* "100", "default 100" or "8:0 100". */
static void convert_io_weight(const struct unit_row *row, const char *text,
			      struct cgroup_place *live, struct unit_properties *properties)
{
	const char *number = strrchr(text, ' ');
	uint64_t weight;

	(void)live;
	if (!str_parse_u64(number ? number + 1 : text, &weight))
		return;
	if (strchr(text, ':'))
		put_device(properties, "IODeviceWeight", device_path(text, properties->arena),
			   weight);
	else
		put_number(properties, row->property, weight);
}

/* "8:0 rbps=1048576 wiops=max" */
static void convert_io_max(const struct unit_row *row, const char *text, struct cgroup_place *live,
			   struct unit_properties *properties)
{
	static const struct {
		const char *word, *property;
	} kinds[] = {
		{ " rbps=", "IOReadBandwidthMax" },
		{ " wbps=", "IOWriteBandwidthMax" },
		{ " riops=", "IOReadIOPSMax" },
		{ " wiops=", "IOWriteIOPSMax" },
	};

	const char *path = device_path(text, properties->arena);

	(void)row, (void)live;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *at = strstr(text, kinds[i].word);
		char number[24];
		uint64_t value;

		if (!at)
			continue;
		at += strlen(kinds[i].word);
		if (str_format(number, sizeof(number), "%.*s", (int)strcspn(at, " "), at) == 0 &&
		    read_limit(number, &value))
			put_device(properties, kinds[i].property, path, value);
	}
}

/* When one is killed for want of memory, all are. Taken at the start only. */
static void convert_group_kill(const struct unit_row *row, const char *text,
			       struct cgroup_place *live, struct unit_properties *properties)
{
	if (!live)
		unit_put(properties,
			 &(struct unit_property){ .name = row->property,
						  .type = UNIT_TEXT,
						  .text = strcmp(text, "1") == 0 ? "kill"
										 : "continue" });
}

/* clang-format off */
static const struct unit_row rows[] = {
	{ "cpu.weight",       "CPUWeight",           convert_limit },
	{ "cpu.idle",         "CPUWeight",           convert_idle },
	{ "cpu.max",          "CPUQuotaPerSecUSec",  convert_quota },
	{ "cpuset.cpus",      "AllowedCPUs",         convert_mask },
	{ "cpuset.mems",      "AllowedMemoryNodes",  convert_mask },
	{ "memory.min",       "MemoryMin",           convert_limit },
	{ "memory.low",       "MemoryLow",           convert_limit },
	{ "memory.high",      "MemoryHigh",          convert_limit },
	{ "memory.max",       "MemoryMax",           convert_limit },
	{ "memory.swap.max",  "MemorySwapMax",       convert_limit },
	{ "memory.zswap.max", "MemoryZSwapMax",      convert_limit },
	{ "memory.oom.group", "OOMPolicy",           convert_group_kill },
	{ "pids.max",         "TasksMax",            convert_tasks },
	{ "io.weight",        "IOWeight",            convert_io_weight },
	{ "io.max",           NULL,                  convert_io_max },
};

/* clang-format on */

static void convert(const struct cgroup_write *write, struct cgroup_place *live,
		    struct unit_properties *properties)
{
	const char *file = write->file, *text = write->text;

	/* the period alone: the quota that stands before it was not asked for */
	if (live && write->flags & WRITE_KEEP_FIRST) {
		uint64_t period;

		if (str_parse_u64(strchr(text, ' ') + 1, &period))
			put_number(properties, "CPUQuotaPeriodUSec", period);
		return;
	}
	for (size_t i = 0; file && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].file, file) == 0)
			rows[i].convert(&rows[i], text, live, properties);
	}
}

int unit_limits(const struct cgroup_resources *resources, struct cgroup_place *live,
		struct unit_properties *properties, struct err *err)
{
	struct cgroup_writes writes = { .arena = properties->arena };

	if (!resources)
		return 0;
	if (cgroup_knobs_compile(&cgroup_v2_knobs, ~UINT32_C(0), resources, &writes, err) < 0)
		return -1;
	for (size_t i = 0; i < writes.count; i++)
		convert(&writes.items[i], live, properties);
	return properties->failed ? err_set(err, ENOMEM, "name limits for systemd: out of memory")
				  : 0;
}

/*
 * What a spec may set by annotation, as GVariant text: how the unit ends.
 * Nothing that starts programs or lifts limits (CVE-2023-6476, CVE-2024-3154).
 */
/* clang-format off */
static const struct {
	const char *name;
	const char *property;
	enum unit_type type;
	uint64_t scale;
} allowed[] = {
	{ "CollectMode",     "CollectMode",     UNIT_TEXT,   1 },
	{ "KillMode",        "KillMode",        UNIT_TEXT,   1 },
	{ "SendSIGHUP",      "SendSIGHUP",      UNIT_BOOL,   1 },
	{ "SendSIGKILL",     "SendSIGKILL",     UNIT_BOOL,   1 },
	{ "TimeoutStopUSec", "TimeoutStopUSec", UNIT_NUMBER, 1 },
	{ "TimeoutStopSec",  "TimeoutStopUSec", UNIT_NUMBER, 1000000 },
};

/* clang-format on */

/* 'text', true, 5 or uint64 5. */
static bool read_variant(const char *text, struct unit_property *property, struct arena *arena)
{
	size_t length = strlen(text);

	switch (property->type) {
	case UNIT_TEXT:
		if (length < 2 || !strchr("'\"", text[0]) || text[length - 1] != text[0])
			return false;
		property->text = arena_strndup(arena, text + 1, length - 2);
		return property->text && !strchr(property->text, '\\') &&
		       !strchr(property->text, text[0]) && str_is_clean(property->text);
	case UNIT_BOOL:
		property->number = strcmp(text, "true") == 0;
		return property->number || strcmp(text, "false") == 0;
	default:
		if (str_starts(text, "uint64 "))
			text += strlen("uint64 ");
		return str_parse_u64(text, &property->number);
	}
}

static int put_annotation(const struct json_pair *pair, const char *name,
			  struct unit_properties *properties, struct err *err)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		struct unit_property property = {
			.name = allowed[i].property,
			.type = allowed[i].type,
		};

		if (strcmp(allowed[i].name, name) != 0)
			continue;
		if (!read_variant(pair->value, &property, properties->arena) ||
		    property.number > UINT64_MAX / allowed[i].scale)
			return err_set(err, ERR_INPUT,
				       "annotations.%s: \"%.60s\" is not a value of this property",
				       pair->key, pair->value);
		property.number *= allowed[i].scale;
		unit_put(properties, &property);
		return 0;
	}
	err_set(err, ERR_INPUT, "annotations.%.100s: a spec may not set this property", pair->key);
	return err_hint(err, "it may set CollectMode, KillMode, SendSIGHUP, SendSIGKILL and "
			     "TimeoutStopUSec");
}

int unit_annotations(const struct json_list *annotations, struct unit_properties *properties,
		     struct err *err)
{
	static const char prefix[] = "org.systemd.property.";

	for (size_t i = 0; i < annotations->count; i++) {
		const struct json_pair *pair = &JSON_ITEMS(struct json_pair, annotations)[i];

		if (str_starts(pair->key, prefix) &&
		    put_annotation(pair, pair->key + strlen(prefix), properties, err) < 0)
			return -1;
	}
	return properties->failed ? err_sys(err, "read annotations") : 0;
}
