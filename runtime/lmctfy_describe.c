/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Says a group's limits in the words of lmctfy's ContainerSpec. */
#include <stdio.h>

#include "base/err.h"
#include "runtime/lmctfy_spec.h"

enum {
	CPUS_MAX = 4096,
	IO_WEIGHT_UNIT = 10, /* of 1000, for each hundredth of a device's time */
};

static void give_bytes(const struct opt_i64 *amount, struct opt_i64 *field)
{
	*field = (struct opt_i64){ true, amount->set ? amount->value : CGROUP_UNLIMITED };
}

static int give_mask(const char *list, struct lmctfy_cpu *cpu, struct arena *arena)
{
	unsigned long bits[CPUS_MAX / (8 * sizeof(unsigned long))] = { 0 };
	size_t used = 0;

	if (!list || !str_parse_cpu_list(list, bits, CPUS_MAX))
		return 0;
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		used = bits[i] ? i + 1 : used;
	cpu->mask = arena_alloc(arena, sizeof(*cpu->mask));
	uint64_t *words = arena_alloc(arena, (used + 1) * sizeof(*words));

	if (!cpu->mask || !words)
		return -1;
	for (size_t i = 0; i < used; i++)
		words[used - 1 - i] = bits[i];
	cpu->mask->data = (struct json_list){ words, used };
	return 0;
}

static int give_cpu(const struct cgroup_intent_cpu *intent, struct lmctfy_spec *spec,
		    struct arena *arena)
{
	static const enum lmctfy_latency latencies[] = {
		[CGROUP_CLASS_NONE] = LMCTFY_PRIORITY, [CGROUP_BEST_EFFORT] = LMCTFY_BEST_EFFORT,
		[CGROUP_NORMAL] = LMCTFY_NORMAL,       [CGROUP_PRIORITY] = LMCTFY_PRIORITY,
		[CGROUP_PREMIER] = LMCTFY_PREMIER,
	};
	struct lmctfy_cpu *cpu = arena_alloc(arena, sizeof(*cpu));

	if (!cpu)
		return -1;
	spec->cpu = cpu;
	cpu->latency = (struct opt_i64){ true, latencies[intent->class] };
	if (intent->share.set)
		cpu->limit = (struct opt_u64){ true, (uint64_t)intent->share.value };
	if (intent->max.set && intent->max.value >= 0)
		cpu->max_limit = (struct opt_u64){ true, (uint64_t)intent->max.value };
	return give_mask(intent->mask, cpu, arena);
}

static int give_memory(const struct group_spec *from, struct lmctfy_spec *spec, struct arena *arena)
{
	const struct cgroup_intent_memory *intent = &from->intent.memory;
	struct lmctfy_memory *memory = arena_alloc(arena, sizeof(*memory));

	if (!memory)
		return -1;
	spec->memory = memory;
	memory->eviction_priority = from->eviction_priority;
	give_bytes(intent->soft.set && intent->soft.value >= 0 ? &intent->soft : &intent->max,
		   &memory->limit);
	if (intent->soft.set && intent->soft.value >= 0)
		give_bytes(&intent->max, &memory->max_limit);
	if (intent->guarantee.set)
		memory->reservation = intent->guarantee;
	if (intent->swap.set && intent->swap.value >= 0 && intent->max.set)
		memory->swap_limit =
			(struct opt_i64){ true, intent->max.value + intent->swap.value };
	return 0;
}

static struct lmctfy_device_limit *add_limit(struct json_list *list, const char *device,
					     int64_t limit, struct arena *arena)
{
	struct lmctfy_device_limit *entry = json_grow(arena, list, sizeof(*entry));
	long long major = 0, minor = 0;

	if (!entry)
		return NULL;
	entry->device = arena_alloc(arena, sizeof(*entry->device));
	if (!entry->device || sscanf(device, "%lld:%lld", &major, &minor) != 2)
		return NULL;
	entry->device->major = (struct opt_i64){ true, major };
	entry->device->minor = (struct opt_i64){ true, minor };
	entry->limit = (struct opt_u64){ true, (uint64_t)limit };
	return entry;
}

/* One cap of all devices: READ or WRITE, in bytes or operations. */
static int give_caps(const struct cgroup_intent_io *io, size_t offset, int64_t op, int64_t type,
		     struct json_list *list, struct arena *arena)
{
	struct lmctfy_max_limit max = { .op_type = { true, op }, .limit_type = { true, type } };

	for (size_t i = 0; i < io->devices.count; i++) {
		const struct cgroup_intent_device *device =
			&JSON_ITEMS(struct cgroup_intent_device, &io->devices)[i];
		const struct opt_i64 *rate = (const void *)((const char *)device + offset);

		if (rate->set && rate->value > 0 &&
		    !add_limit(&max.limits, device->device, rate->value, arena))
			return -1;
	}
	if (!max.limits.count)
		return 0;
	struct lmctfy_max_limit *entry = json_grow(arena, list, sizeof(*entry));

	if (entry)
		*entry = max;
	return entry ? 0 : -1;
}

static int give_weights(const struct cgroup_intent_io *io, struct lmctfy_blockio *blockio,
			struct arena *arena)
{
	struct lmctfy_device_limit_set *set = arena_alloc(arena, sizeof(*set));

	if (!set)
		return -1;
	if (io->weight.set)
		set->default_limit =
			(struct opt_u64){ true, (uint64_t)io->weight.value / IO_WEIGHT_UNIT };
	for (size_t i = 0; i < io->devices.count; i++) {
		const struct cgroup_intent_device *device =
			&JSON_ITEMS(struct cgroup_intent_device, &io->devices)[i];

		if (device->weight.set && !add_limit(&set->device_limits, device->device,
						     device->weight.value / IO_WEIGHT_UNIT, arena))
			return -1;
	}
	if (set->default_limit.set || set->device_limits.count)
		blockio->device_limit_set = set;
	return 0;
}

static int give_blockio(const struct cgroup_intent_io *io, struct lmctfy_spec *spec,
			struct arena *arena)
{
	static const struct {
		size_t offset;
		int64_t op, type;
	} caps[] = {
		{ offsetof(struct cgroup_intent_device, read), LMCTFY_OP_READ,
		  LMCTFY_BYTES_PER_SECOND },
		{ offsetof(struct cgroup_intent_device, write), LMCTFY_OP_WRITE,
		  LMCTFY_BYTES_PER_SECOND },
		{ offsetof(struct cgroup_intent_device, read_ops), LMCTFY_OP_READ,
		  LMCTFY_IO_PER_SECOND },
		{ offsetof(struct cgroup_intent_device, write_ops), LMCTFY_OP_WRITE,
		  LMCTFY_IO_PER_SECOND },
	};
	struct lmctfy_blockio *blockio = arena_alloc(arena, sizeof(*blockio));
	struct lmctfy_max_limit_set *set = arena_alloc(arena, sizeof(*set));

	if (!blockio || !set || give_weights(io, blockio, arena) < 0)
		return -1;
	spec->blockio = blockio;
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		if (give_caps(io, caps[i].offset, caps[i].op, caps[i].type, &set->max_limits,
			      arena) < 0)
			return -1;
	}
	if (set->max_limits.count)
		blockio->max_device_limit_set = set;
	return 0;
}

static int give_rest(const struct group_spec *from, struct lmctfy_spec *spec, struct arena *arena)
{
	if (from->open_files.set) {
		spec->filesystem = arena_alloc(arena, sizeof(*spec->filesystem));
		if (!spec->filesystem)
			return -1;
		spec->filesystem->fd_limit = from->open_files;
	}
	if (from->perf.set) {
		spec->monitoring = arena_alloc(arena, sizeof(*spec->monitoring));
		if (!spec->monitoring)
			return -1;
		spec->monitoring->enable_perf_counters = from->perf;
	}
	return 0;
}

static struct opt_i64 as_signed(const struct opt_u64 *number)
{
	return (struct opt_i64){ number->set, (int64_t)number->value };
}

struct lmctfy_spec *lmctfy_describe_spec(const struct group_spec *from, unsigned int parts,
					 struct arena *arena, struct err *err)
{
	struct lmctfy_spec *spec = arena_alloc(arena, sizeof(*spec));

	if (spec) {
		spec->owner = as_signed(&from->owner);
		spec->owner_group = as_signed(&from->owner_group);
		spec->children_limit = as_signed(&from->children);
	}
	if (!spec || (parts & CGROUP_PART_CPU && give_cpu(&from->intent.cpu, spec, arena) < 0) ||
	    (parts & CGROUP_PART_MEMORY && give_memory(from, spec, arena) < 0) ||
	    (parts & CGROUP_PART_IO && give_blockio(&from->intent.io, spec, arena) < 0) ||
	    give_rest(from, spec, arena) < 0) {
		err_sys(err, "describe the group's limits");
		return NULL;
	}
	return spec;
}
