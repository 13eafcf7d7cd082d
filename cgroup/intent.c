/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits as intent: the JSON rows, and the checks that need no host. */
#include "cgroup/intent.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cgroup/cgroup.h"
#include "cgroup/intent_private.h"

enum {
	SHARE_MAX = 256000, /* as many CPUs as cpu.shares of v1 can say */
	CPUS_MAX = 8192,
	PIDS_MAX = 4194304, /* the kernel's PID_MAX_LIMIT */
	IO_WEIGHT_MIN = 10, /* what both versions can say */
	IO_WEIGHT_MAX = 1000,
	DISK_MIN = 1 << 20,
	TEXT_MAX = 256,
};

const struct name cgroup_class_names[] = {
	{ "best-effort", CGROUP_BEST_EFFORT },
	{ "normal", CGROUP_NORMAL },
	{ "priority", CGROUP_PRIORITY },
	{ "premier", CGROUP_PREMIER },
	{ NULL, 0 },
};

static const struct name pin_names[] = {
	{ "compact", CGROUP_PIN_COMPACT },
	{ "spread", CGROUP_PIN_SPREAD },
	{ NULL, 0 },
};

/* clang-format off */
#define AT(type, member) offsetof(struct type, member)
#define AMOUNT(unit_name, least, most) .unit = &cgroup_unit_##unit_name, .min = (least), .max = (most)
static const struct json_row pin_rows[] = {
	{ "cpus",  JSON_AMOUNT, AT(cgroup_pin, cpus),  AMOUNT(count, 1, CPUS_MAX), .flags = JSON_REQUIRED },
	{ "order", JSON_NAME,   AT(cgroup_pin, order), .names = pin_names },
};
static const struct json_object pin_object = {
	.rows = pin_rows, .row_count = 2, .size = sizeof(struct cgroup_pin), .scalar = 1,
};
static const struct json_row cpu_rows[] = {
	{ "max",   JSON_AMOUNT, AT(cgroup_intent_cpu, max),   AMOUNT(cpu, -1, INT32_MAX) },
	{ "share", JSON_AMOUNT, AT(cgroup_intent_cpu, share), AMOUNT(cpu, 1, SHARE_MAX) },
	{ "burst", JSON_AMOUNT, AT(cgroup_intent_cpu, burst), AMOUNT(cpu, 0, INT32_MAX) },
	{ "class", JSON_NAME,   AT(cgroup_intent_cpu, class), .names = cgroup_class_names },
	{ "mask",  JSON_TEXT,   AT(cgroup_intent_cpu, mask),  .flags = JSON_CLEAN | JSON_NOT_EMPTY },
	{ "pin",   JSON_OBJECT, AT(cgroup_intent_cpu, pin),   &pin_object },
};
static const struct json_row memory_rows[] = {
	{ "max",       JSON_AMOUNT, AT(cgroup_intent_memory, max),       AMOUNT(bytes, -1, INT64_MAX) },
	{ "soft",      JSON_AMOUNT, AT(cgroup_intent_memory, soft),      AMOUNT(bytes, -1, INT64_MAX) },
	{ "guarantee", JSON_AMOUNT, AT(cgroup_intent_memory, guarantee), AMOUNT(bytes, 0, INT64_MAX) },
	{ "swap",      JSON_AMOUNT, AT(cgroup_intent_memory, swap),      AMOUNT(bytes, -1, INT64_MAX) },
};
static const struct json_row device_rows[] = {
	{ "device",   JSON_TEXT,   AT(cgroup_intent_device, device),    .flags = JSON_REQUIRED | JSON_CLEAN | JSON_NOT_EMPTY },
	{ "weight",   JSON_AMOUNT, AT(cgroup_intent_device, weight),    AMOUNT(count, IO_WEIGHT_MIN, IO_WEIGHT_MAX) },
	{ "read",     JSON_AMOUNT, AT(cgroup_intent_device, read),      AMOUNT(rate, -1, INT64_MAX) },
	{ "write",    JSON_AMOUNT, AT(cgroup_intent_device, write),     AMOUNT(rate, -1, INT64_MAX) },
	{ "readOps",  JSON_AMOUNT, AT(cgroup_intent_device, read_ops),  AMOUNT(count, -1, INT64_MAX) },
	{ "writeOps", JSON_AMOUNT, AT(cgroup_intent_device, write_ops), AMOUNT(count, -1, INT64_MAX) },
};
static const struct json_object device_object = JSON_OBJECT_OF(struct cgroup_intent_device, device_rows);
static const struct json_row io_rows[] = {
	{ "weight",  JSON_AMOUNT, AT(cgroup_intent_io, weight),  AMOUNT(count, IO_WEIGHT_MIN, IO_WEIGHT_MAX) },
	{ "devices", JSON_LIST,   AT(cgroup_intent_io, devices), &device_object },
};
static const struct json_row pids_rows[] = {
	{ "max", JSON_AMOUNT, AT(cgroup_intent_pids, max), AMOUNT(count, -1, PIDS_MAX) },
};
static const struct json_row network_rows[] = {
	{ "egress",   JSON_AMOUNT, AT(cgroup_intent_network, egress),   AMOUNT(rate, -1, INT64_MAX / 8) },
	{ "ingress",  JSON_AMOUNT, AT(cgroup_intent_network, ingress),  AMOUNT(rate, -1, INT64_MAX / 8) },
	{ "priority", JSON_AMOUNT, AT(cgroup_intent_network, priority), AMOUNT(count, 0, UINT32_MAX) },
};
static const struct json_row hugepage_rows[] = {
	{ "max", JSON_AMOUNT, AT(cgroup_intent_hugepage, max), AMOUNT(bytes, 0, INT64_MAX), .flags = JSON_REQUIRED },
};
static const struct json_row disk_rows[] = {
	{ "size",   JSON_AMOUNT, AT(cgroup_intent_disk, size),   AMOUNT(bytes, DISK_MIN, INT64_MAX) },
	{ "inodes", JSON_AMOUNT, AT(cgroup_intent_disk, inodes), AMOUNT(count, 1, INT64_MAX) },
};

/* A number or text in place of an object is its first row: the max, or the size of a disk. */
#define SHORT_OBJECT(type, table) \
	{ .rows = (table), .row_count = sizeof(table) / sizeof((table)[0]), .size = sizeof(type), .scalar = 1 }
static const struct json_object cpu_object = SHORT_OBJECT(struct cgroup_intent_cpu, cpu_rows);
static const struct json_object memory_object = SHORT_OBJECT(struct cgroup_intent_memory, memory_rows);
static const struct json_object io_object = JSON_OBJECT_OF(struct cgroup_intent_io, io_rows);
static const struct json_object pids_object = SHORT_OBJECT(struct cgroup_intent_pids, pids_rows);
static const struct json_object network_object = JSON_OBJECT_OF(struct cgroup_intent_network, network_rows);
static const struct json_object hugepage_object = SHORT_OBJECT(struct cgroup_intent_hugepage, hugepage_rows);
static const struct json_object disk_object = SHORT_OBJECT(struct cgroup_intent_disk, disk_rows);

static const struct json_row intent_rows[] = {
	{ "cpu",       JSON_OBJECT, AT(cgroup_intent, cpu),       &cpu_object },
	{ "memory",    JSON_OBJECT, AT(cgroup_intent, memory),    &memory_object },
	{ "io",        JSON_OBJECT, AT(cgroup_intent, io),        &io_object },
	{ "pids",      JSON_OBJECT, AT(cgroup_intent, pids),      &pids_object },
	{ "network",   JSON_OBJECT, AT(cgroup_intent, network),   &network_object },
	{ "hugepages", JSON_MAP,    AT(cgroup_intent, hugepages), &hugepage_object, .flags = JSON_CLEAN },
	{ "disk",      JSON_OBJECT, AT(cgroup_intent, disk),      &disk_object },
};
#undef AT
#undef AMOUNT
/* clang-format on */

const struct json_object cgroup_intent_object = JSON_OBJECT_OF(struct cgroup_intent, intent_rows);

int cgroup_intent_refuse(struct err *err, const char *prefix, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return err_set(err, ERR_INPUT, "%s%s", prefix, text);
}

/* Both are set, and the lower bound is above the upper one. */
static bool is_above(const struct opt_i64 *low, const struct opt_i64 *high)
{
	return low->set && high->set && high->value >= 0 &&
	       (low->value > high->value || low->value < 0);
}

static int check_cpu(const struct cgroup_intent_cpu *cpu, const char *prefix, struct err *err)
{
	if (cpu->max.set && cpu->max.value >= 0 && cpu->max.value < CGROUP_CPU_MAX_LEAST)
		return cgroup_intent_refuse(err, prefix,
					    "cpu.max: %lldm is below %dm, the least that the "
					    "kernel can hold to",
					    (long long)cpu->max.value, CGROUP_CPU_MAX_LEAST);
	if (is_above(&cpu->share, &cpu->max))
		return cgroup_intent_refuse(err, prefix, "cpu.max: %lldm is below cpu.share, %lldm",
					    (long long)cpu->max.value, (long long)cpu->share.value);
	if (cpu->burst.value > 0 && (!cpu->max.set || cpu->max.value < 0))
		return cgroup_intent_refuse(err, prefix,
					    "cpu.burst: needs cpu.max, above which it is");
	if (is_above(&cpu->burst, &cpu->max))
		return cgroup_intent_refuse(err, prefix, "cpu.burst: %lldm is above cpu.max, %lldm",
					    (long long)cpu->burst.value, (long long)cpu->max.value);
	if (cpu->class == CGROUP_BEST_EFFORT && cpu->share.set)
		return cgroup_intent_refuse(
			err, prefix,
			"cpu.share: class best-effort has none: it takes what is left");
	if (cpu->mask && !str_is_cpu_list(cpu->mask))
		return cgroup_intent_refuse(err, prefix,
					    "cpu.mask: \"%.60s\" is not a list such as \"0-3,7\"",
					    cpu->mask);
	if (cpu->mask && cpu->pin.cpus.set)
		return cgroup_intent_refuse(err, prefix,
					    "cpu.pin: chooses CPUs, which cpu.mask names already");
	return 0;
}

static int check_memory(const struct cgroup_intent_memory *memory, const char *prefix,
			struct err *err)
{
	const struct {
		const char *low_name, *high_name;
		const struct opt_i64 *low, *high;
	} pairs[] = {
		{ "guarantee", "soft", &memory->guarantee, &memory->soft },
		{ "guarantee", "max", &memory->guarantee, &memory->max },
		{ "soft", "max", &memory->soft, &memory->max },
	};

	if (memory->max.set && memory->max.value == 0)
		return cgroup_intent_refuse(err, prefix, "memory.max: nothing runs in 0 bytes");
	if (memory->soft.set && memory->soft.value == 0)
		return cgroup_intent_refuse(err, prefix, "memory.soft: nothing runs in 0 bytes");
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		/* an unlimited soft limit is as good as none */
		if (pairs[i].low->value >= 0 && is_above(pairs[i].low, pairs[i].high))
			return cgroup_intent_refuse(
				err, prefix, "memory.%s: %lld is below memory.%s, %lld",
				pairs[i].high_name, (long long)pairs[i].high->value,
				pairs[i].low_name, (long long)pairs[i].low->value);
	}
	if (memory->swap.set && memory->swap.value >= 0 &&
	    (!memory->max.set || memory->max.value < 0))
		return cgroup_intent_refuse(
			err, prefix,
			"memory.swap: needs memory.max: cgroup v1 limits both together");
	if (memory->swap.value > 0 && memory->max.value > INT64_MAX - memory->swap.value)
		return cgroup_intent_refuse(err, prefix, "memory.swap: too large with memory.max");
	return 0;
}

/* 0 takes a limit away in v1 and is refused in v2. */
static bool stands_still(const struct opt_i64 *rate)
{
	return rate->set && rate->value == 0;
}

static int check_devices(const struct cgroup_intent_io *io, const char *prefix, struct err *err)
{
	const struct cgroup_intent_device *devices = io->devices.items;

	for (size_t i = 0; i < io->devices.count; i++) {
		const struct cgroup_intent_device *device = &devices[i];

		if (!device->weight.set && !device->read.set && !device->write.set &&
		    !device->read_ops.set && !device->write_ops.set)
			return cgroup_intent_refuse(
				err, prefix,
				"io.devices[%zu]: needs weight, read, write, readOps or writeOps",
				i);
		if (stands_still(&device->read) || stands_still(&device->write) ||
		    stands_still(&device->read_ops) || stands_still(&device->write_ops))
			return cgroup_intent_refuse(
				err, prefix, "io.devices[%zu]: nothing moves at a rate of 0", i);
		for (size_t before = 0; before < i; before++) {
			if (strcmp(devices[before].device, device->device) == 0)
				return cgroup_intent_refuse(
					err, prefix,
					"io.devices[%zu].device: %.60s is listed twice", i,
					device->device);
		}
	}
	return 0;
}

static int check_network(const struct cgroup_intent_network *network, const char *prefix,
			 struct err *err)
{
	if (stands_still(&network->egress) || stands_still(&network->ingress))
		return cgroup_intent_refuse(err, prefix, "network.%s: nothing moves at a rate of 0",
					    stands_still(&network->egress) ? "egress" : "ingress");
	return 0;
}

static int check_hugepages(const struct cgroup_intent *intent, const char *prefix, struct err *err)
{
	const struct cgroup_intent_hugepage *pages = intent->hugepages.items;
	char name[CGROUP_PAGE_NAME_MAX];

	for (size_t i = 0; i < intent->hugepages.count; i++) {
		if (!cgroup_page_name(pages[i].size, name))
			return cgroup_intent_refuse(
				err, prefix, "hugepages: \"%.40s\" is not a page size such as 2M",
				pages[i].size);
	}
	return 0;
}

int cgroup_intent_check(const struct cgroup_intent *intent, const char *prefix, struct err *err)
{
	if (check_cpu(&intent->cpu, prefix, err) < 0 ||
	    check_memory(&intent->memory, prefix, err) < 0 ||
	    check_devices(&intent->io, prefix, err) < 0 ||
	    check_network(&intent->network, prefix, err) < 0)
		return -1;
	return check_hugepages(intent, prefix, err);
}
