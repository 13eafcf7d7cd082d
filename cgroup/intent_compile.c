/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From intent to linux.resources, for the controllers and versions that this host has. */
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/arena.h"
#include "base/err.h"
#include "cgroup/cgroup.h"
#include "cgroup/host.h"
#include "cgroup/intent_private.h"
#include "cgroup/resources.h"

enum {
	SHARES_LEAST = 2,
	SHARES_OF_CPU = 1024,
	FIELD_MAX = 96,
};

/* ---- what is told: origins, warnings, conflicts ---- */

static int no_memory(struct cgroup_compilation *to)
{
	return err_set(to->err, ENOMEM, "compile resources: out of memory");
}

/* Remember what `field` of linux.resources was in the intent. */
static int set_origin(struct cgroup_compilation *to, const char *field, const char *from)
{
	struct cgroup_origin *origin =
		json_grow(to->arena, &to->resources->origins, sizeof(*origin));

	if (!origin)
		return no_memory(to);
	origin->field = arena_strdup(to->arena, field);
	origin->from = arena_printf(to->arena, "%s%s", to->options->prefix, from);
	return origin->field && origin->from ? 0 : no_memory(to);
}

static int warn(struct cgroup_compilation *to, const char *field, const char *text)
{
	if (to->options->strict)
		return err_set(to->err, ERR_UNSUPPORTED, "%s%s: %s", to->options->prefix, field,
			       text);
	struct cgroup_warning *warning = json_grow(to->arena, to->warnings, sizeof(*warning));

	if (!warning)
		return no_memory(to);
	warning->field = arena_printf(to->arena, "%s%s", to->options->prefix, field);
	warning->text = arena_strdup(to->arena, text);
	return warning->field && warning->text ? 0 : no_memory(to);
}

/* linux.resources says something else about the same thing. */
static int conflict(struct cgroup_compilation *to, const char *field, const char *other)
{
	cgroup_intent_refuse(to->err, to->options->prefix,
			     "%s: linux.resources.%s says something else", field, other);
	return err_hint(to->err, "leave out one of them");
}

static bool has(const struct cgroup_compilation *to, enum cgroup_controller controller)
{
	return (to->support.v1 | to->support.v2) & CGROUP_BIT(controller);
}

static bool in_v1(const struct cgroup_compilation *to, enum cgroup_controller controller)
{
	return to->support.v1 & CGROUP_BIT(controller);
}

/* 1: the controller is there; 0: it is not, and that was said; -1. */
static int need(struct cgroup_compilation *to, enum cgroup_controller controller, const char *field)
{
	char text[FIELD_MAX];

	if (has(to, controller))
		return 1;
	snprintf(text, sizeof(text), "not in force, this host has no %s controller",
		 cgroup_controller_name(controller, false));
	return warn(to, field, text);
}

/* A member of linux.resources that the intent gives; `other` is its name there. */
static int set_i64(struct cgroup_compilation *to, const char *field, const char *other,
		   struct opt_i64 *member, int64_t value)
{
	if (member->set && member->value && member->value != value)
		return conflict(to, field, other);
	*member = (struct opt_i64){ true, value };
	return set_origin(to, other, field);
}

static int set_u64(struct cgroup_compilation *to, const char *field, const char *other,
		   struct opt_u64 *member, uint64_t value)
{
	if (member->set && member->value && member->value != value)
		return conflict(to, field, other);
	*member = (struct opt_u64){ true, value };
	return set_origin(to, other, field);
}

/* A v2 file that no property of linux.resources stands for. */
static int set_unified(struct cgroup_compilation *to, const char *field, const char *file,
		       const char *value)
{
	struct json_list *unified = &to->resources->unified;
	char other[FIELD_MAX];

	snprintf(other, sizeof(other), "unified.%s", file);
	for (size_t i = 0; i < unified->count; i++) {
		const struct json_pair *pair = &JSON_ITEMS(struct json_pair, unified)[i];

		if (strcmp(pair->key, file) == 0)
			return strcmp(pair->value, value) == 0 ? 0 : conflict(to, field, other);
	}
	struct json_pair *pair = json_grow(to->arena, unified, sizeof(*pair));

	if (!pair)
		return no_memory(to);
	pair->key = file;
	pair->value = arena_strdup(to->arena, value);
	return pair->value ? set_origin(to, other, field) : no_memory(to);
}

/* ---- CPU ---- */

static int compile_share(struct cgroup_compilation *to, int64_t share)
{
	int64_t shares = share * SHARES_OF_CPU / 1000;

	to->resources->cpu.proportional = true;
	return set_u64(to, "cpu.share", "cpu.shares", &to->resources->cpu.shares,
		       (uint64_t)(shares < SHARES_LEAST ? SHARES_LEAST : shares));
}

/* A period that linux.resources chose is kept: the cap is the same in any. */
static int compile_cap(struct cgroup_compilation *to, const struct cgroup_intent_cpu *cpu)
{
	struct cgroup_cpu *target = &to->resources->cpu;

	if (cpu->max.value < 0)
		return set_i64(to, "cpu.max", "cpu.quota", &target->quota, -1);
	if (!target->period.value &&
	    set_u64(to, "cpu.max", "cpu.period", &target->period, CGROUP_PERIOD_US) < 0)
		return -1;
	int64_t period = (int64_t)target->period.value;
	int64_t quota = cpu->max.value * period / 1000;

	if (quota < CGROUP_QUOTA_LEAST_US)
		return cgroup_intent_refuse(
			to->err, to->options->prefix,
			"cpu.max: %lldm of linux.resources.cpu.period, %lld us, "
			"is below the kernel's least of %d us",
			(long long)cpu->max.value, (long long)period, CGROUP_QUOTA_LEAST_US);
	if (set_i64(to, "cpu.max", "cpu.quota", &target->quota, quota) < 0)
		return -1;
	return cpu->burst.value ? set_u64(to, "cpu.burst", "cpu.burst", &target->burst,
					  (uint64_t)(cpu->burst.value * period / 1000))
				: 0;
}

static int compile_class(struct cgroup_compilation *to, int class)
{
	struct cgroup_cpu *cpu = &to->resources->cpu;

	if (class == CGROUP_PREMIER) {
		cpu->uclamp_min = "max";
		return set_origin(to, "cpu.uclampMin", "cpu.class");
	}
	if (class != CGROUP_BEST_EFFORT)
		return 0;
	if (cpu->shares.value)
		return conflict(to, "cpu.class", "cpu.shares");
	return set_i64(to, "cpu.class", "cpu.idle", &cpu->idle, 1);
}

static int compile_cpus(struct cgroup_compilation *to, const struct cgroup_intent_cpu *cpu)
{
	const char *field = cpu->mask ? "cpu.mask" : "cpu.pin", *cpus = cpu->mask;
	int there = need(to, CGROUP_CPUSET, field);

	if (there <= 0)
		return there;
	if (to->resources->cpu.cpus && *to->resources->cpu.cpus &&
	    (!cpus || strcmp(to->resources->cpu.cpus, cpus) != 0))
		return conflict(to, field, "cpu.cpus");
	if (cpus && cgroup_cpus_check(cpus, to->options->prefix, to->err) < 0)
		return -1;
	if (!cpus)
		cpus = cgroup_cpus_pick(&cpu->pin, to->options->prefix, to->arena, to->err);
	if (!cpus)
		return -1;
	to->resources->cpu.cpus = cpus;
	return set_origin(to, "cpu.cpus", field);
}

static int compile_cpu(struct cgroup_compilation *to, const struct cgroup_intent_cpu *cpu)
{
	const struct {
		bool asked;
		const char *field;
	} fields[] = {
		{ cpu->share.set, "cpu.share" },
		{ cpu->max.set, "cpu.max" },
		{ cpu->class == CGROUP_BEST_EFFORT || cpu->class == CGROUP_PREMIER, "cpu.class" },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].asked && need(to, CGROUP_CPU, fields[i].field) < 0)
			return -1;
	}
	if ((cpu->mask || cpu->pin.cpus.set) && compile_cpus(to, cpu) < 0)
		return -1;
	if (!has(to, CGROUP_CPU))
		return 0;
	if (cpu->share.set && compile_share(to, cpu->share.value) < 0)
		return -1;
	if (cpu->max.set && compile_cap(to, cpu) < 0)
		return -1;
	return compile_class(to, cpu->class);
}

/* ---- memory ---- */

/* v1 has one file where v2 has two, and what it holds is neither: beyond that much, memory goes
 * first when the whole host runs short. */
static int compile_v1_protection(struct cgroup_compilation *to,
				 const struct cgroup_intent_memory *memory)
{
	struct opt_i64 *reservation = &to->resources->memory.reservation;

	if (memory->soft.set &&
	    set_i64(to, "memory.soft", "memory.reservation", reservation, memory->soft.value) < 0)
		return -1;
	if (memory->guarantee.value <= 0)
		return 0;
	if (memory->soft.set)
		return warn(to, "memory.guarantee",
			    "not in force, cgroup v1 has only memory.soft for it");
	if (set_i64(to, "memory.guarantee", "memory.reservation", reservation,
		    memory->guarantee.value) < 0)
		return -1;
	return warn(to, "memory.guarantee",
		    "cgroup v1 guarantees nothing, it only takes from others' excess first");
}

static int compile_v2_protection(struct cgroup_compilation *to,
				 const struct cgroup_intent_memory *memory)
{
	char text[24];

	if (memory->soft.value < 0)
		snprintf(text, sizeof(text), "max");
	else
		snprintf(text, sizeof(text), "%lld", (long long)memory->soft.value);
	if (memory->soft.set && set_unified(to, "memory.soft", "memory.high", text) < 0)
		return -1;
	return memory->guarantee.value > 0
		       ? set_i64(to, "memory.guarantee", "memory.reservation",
				 &to->resources->memory.reservation, memory->guarantee.value)
		       : 0;
}

static int compile_memory(struct cgroup_compilation *to, const struct cgroup_intent_memory *memory)
{
	struct cgroup_memory *target = &to->resources->memory;

	if (!memory->max.set && !memory->soft.set && !memory->guarantee.set && !memory->swap.set)
		return 0;
	int there = need(to, CGROUP_MEMORY, "memory");

	if (there <= 0)
		return there;
	if (memory->max.set &&
	    set_i64(to, "memory.max", "memory.limit", &target->limit, memory->max.value) < 0)
		return -1;
	if (memory->swap.set &&
	    set_i64(to, "memory.swap", "memory.swap", &target->swap,
		    memory->swap.value < 0 ? -1 : memory->max.value + memory->swap.value) < 0)
		return -1;
	return in_v1(to, CGROUP_MEMORY) ? compile_v1_protection(to, memory)
					: compile_v2_protection(to, memory);
}

/* ---- block devices ---- */

static int find_device(struct cgroup_compilation *to, const char *name, const char *field,
		       int *major, int *minor)
{
	struct stat status;
	char end;

	if (sscanf(name, "%d:%d%c", major, minor, &end) == 2 && *major >= 0 && *minor >= 0)
		return 0;
	if (name[0] != '/')
		return cgroup_intent_refuse(to->err, to->options->prefix,
					    "%s: \"%.60s\" is neither a path nor MAJOR:MINOR",
					    field, name);
	if (stat(name, &status) < 0) {
		err_sys(to->err, "open %.200s", name);
		return err_wrap(to->err, "%s%s", to->options->prefix, field);
	}
	if (!S_ISBLK(status.st_mode))
		return cgroup_intent_refuse(to->err, to->options->prefix,
					    "%s: %.200s is not a block device", field, name);
	*major = (int)major(status.st_rdev);
	*minor = (int)minor(status.st_rdev);
	return 0;
}

static int compile_device(struct cgroup_compilation *to, const struct cgroup_intent_device *device,
			  size_t index)
{
	struct cgroup_block_io *io = &to->resources->block_io;

	const struct {
		const struct opt_i64 *rate;
		struct json_list *list;
	} rates[] = {
		{ &device->read, &io->throttle_read_bps },
		{ &device->write, &io->throttle_write_bps },
		{ &device->read_ops, &io->throttle_read_iops },
		{ &device->write_ops, &io->throttle_write_iops },
	};

	char field[FIELD_MAX];
	int major, minor;

	snprintf(field, sizeof(field), "io.devices[%zu].device", index);
	if (find_device(to, device->device, field, &major, &minor) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		if (!rates[i].rate->set)
			continue;
		struct cgroup_throttle_device *entry =
			json_grow(to->arena, rates[i].list, sizeof(*entry));
		int64_t rate = rates[i].rate->value;

		if (!entry)
			return no_memory(to);
		*entry = (struct cgroup_throttle_device){ major,
							  minor,
							  { true, rate < 0 ? 0 : (uint64_t)rate } };
	}
	if (!device->weight.set)
		return 0;
	struct cgroup_weight_device *entry =
		json_grow(to->arena, &io->weight_device, sizeof(*entry));

	if (!entry)
		return no_memory(to);
	*entry = (struct cgroup_weight_device){
		.major = major,
		.minor = minor,
		.weight = { true, (uint64_t)device->weight.value },
	};
	return 0;
}

/* The names that the rows of both versions use for the four lists. */
static int set_device_origins(struct cgroup_compilation *to)
{
	static const struct {
		const char *field, *from;
	} origins[] = {
		{ "blockIO.throttle", "io.devices" },
		{ "blockIO.throttleReadBpsDevice", "io.devices.read" },
		{ "blockIO.throttleWriteBpsDevice", "io.devices.write" },
		{ "blockIO.throttleReadIOPSDevice", "io.devices.readOps" },
		{ "blockIO.throttleWriteIOPSDevice", "io.devices.writeOps" },
		{ "blockIO.weightDevice", "io.devices.weight" },
	};

	for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
		if (set_origin(to, origins[i].field, origins[i].from) < 0)
			return -1;
	}
	return 0;
}

static int compile_devices(struct cgroup_compilation *to, const struct json_list *list)
{
	const struct cgroup_intent_device *devices = list->items;
	struct cgroup_block_io *io = &to->resources->block_io;
	bool writes = false;

	if (io->throttle_read_bps.count || io->throttle_write_bps.count ||
	    io->throttle_read_iops.count || io->throttle_write_iops.count ||
	    io->weight_device.count)
		return conflict(to, "io.devices", "blockIO");
	for (size_t i = 0; i < list->count; i++) {
		if (compile_device(to, &devices[i], i) < 0)
			return -1;
		writes |= devices[i].write.value > 0 || devices[i].write_ops.value > 0;
	}
	if (set_device_origins(to) < 0)
		return -1;
	if (writes && in_v1(to, CGROUP_BLKIO))
		return warn(to, "io.devices",
			    "cgroup v1 limits direct writing only, not what the page cache writes "
			    "back later");
	return 0;
}

static int compile_io(struct cgroup_compilation *to, const struct cgroup_intent_io *io)
{
	struct cgroup_block_io *target = &to->resources->block_io;

	if (!io->weight.set && !io->devices.count)
		return 0;
	int there = need(to, CGROUP_BLKIO, "io");

	if (there <= 0)
		return there;
	if (io->devices.count && compile_devices(to, &io->devices) < 0)
		return -1;
	target->proportional = true;
	if (io->weight.set && !in_v1(to, CGROUP_BLKIO) && !to->io_weights &&
	    warn(to, "io.weight",
		 "without effect until a device has the BFQ scheduler or a cost model "
		 "(io.cost.qos)") < 0)
		return -1;
	return io->weight.set ? set_u64(to, "io.weight", "blockIO.weight", &target->weight,
					(uint64_t)io->weight.value)
			      : 0;
}

/* ---- the others ---- */

static int compile_pids(struct cgroup_compilation *to, const struct cgroup_intent_pids *pids)
{
	struct opt_i64 *limit = &to->resources->pids.limit;

	if (!pids->max.set)
		return 0;
	int there = need(to, CGROUP_PIDS, "pids.max");

	if (there <= 0)
		return there;
	if (limit->set && limit->value != pids->max.value)
		return conflict(to, "pids.max", "pids.limit");
	*limit = pids->max;
	return set_origin(to, "pids.limit", "pids.max");
}

static int compile_hugepages(struct cgroup_compilation *to, const struct json_list *list)
{
	const struct cgroup_intent_hugepage *pages = list->items;
	int there = list->count ? need(to, CGROUP_HUGETLB, "hugepages") : 0;

	if (there <= 0)
		return there;
	if (to->resources->hugepages.count)
		return conflict(to, "hugepages", "hugepageLimits");
	for (size_t i = 0; i < list->count; i++) {
		struct cgroup_hugepage *page =
			json_grow(to->arena, &to->resources->hugepages, sizeof(*page));
		char name[CGROUP_PAGE_NAME_MAX];

		if (!page || !cgroup_page_name(pages[i].size, name))
			return no_memory(to);
		page->page_size = arena_strdup(to->arena, name);
		page->limit = (struct opt_u64){ true, (uint64_t)pages[i].max.value };
		if (!page->page_size)
			return no_memory(to);
	}
	return set_origin(to, "hugepageLimits", "hugepages");
}

/* net_prio has a line for each link of the host; those made later have none. */
static int compile_priority(struct cgroup_compilation *to,
			    const struct cgroup_intent_network *network)
{
	if (!network->priority.set)
		return 0;
	if (!in_v1(to, CGROUP_NET_PRIO))
		return warn(to, "network.priority",
			    "not in force, the cgroup v1 controller net_prio is not mounted");
	if (to->resources->network.priorities.count)
		return conflict(to, "network.priority", "network.priorities");
	struct if_nameindex *links = if_nameindex();

	if (!links)
		return err_sys(to->err, "list network links");
	int result = 0;

	for (const struct if_nameindex *link = links; result == 0 && link->if_name; link++) {
		struct cgroup_priority *entry =
			json_grow(to->arena, &to->resources->network.priorities, sizeof(*entry));

		if (entry)
			entry->name = arena_strdup(to->arena, link->if_name);
		if (entry)
			entry->priority = (unsigned int)network->priority.value;
		if (!entry || !entry->name)
			result = no_memory(to);
	}
	if_freenameindex(links);
	return result < 0 ? -1 : set_origin(to, "network.priorities", "network.priority");
}

struct cgroup_resources *cgroup_resources_new(struct arena *arena)
{
	return arena_alloc(arena, sizeof(struct cgroup_resources));
}

int cgroup_intent_compile_on(struct cgroup_compilation *to, const struct cgroup_intent *intent)
{
	if (compile_cpu(to, &intent->cpu) < 0 || compile_memory(to, &intent->memory) < 0 ||
	    compile_io(to, &intent->io) < 0 || compile_pids(to, &intent->pids) < 0 ||
	    compile_hugepages(to, &intent->hugepages) < 0)
		return -1;
	return compile_priority(to, &intent->network);
}

int cgroup_intent_compile(const struct cgroup_intent *intent,
			  const struct cgroup_intent_options *options, struct arena *arena,
			  struct cgroup_resources *resources, struct json_list *warnings,
			  struct err *err)
{
	struct cgroup_compilation to = {
		.options = options,
		.arena = arena,
		.resources = resources,
		.warnings = warnings,
		.err = err,
	};

	if (cgroup_host_support(arena, &to.support, err) < 0)
		return -1;
	to.io_weights = intent->io.weight.set && cgroup_io_has_weights(arena);
	return cgroup_intent_compile_on(&to, intent);
}
