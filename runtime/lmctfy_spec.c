/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads lmctfy's ContainerSpec as limits as intent, and its InitSpec as mounts. */
#include "runtime/lmctfy_spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"

enum {
	CPUS_A_WORD = 64,
	CPUS_MAX = 64 * CPUS_A_WORD,
	IO_WEIGHT_UNIT = 10, /* of 1000, for each hundredth of a device's time */
};

struct translation {
	const struct spec_text *text;
	struct arena *arena;
	struct group_spec *spec;
	unsigned int parts;
	struct err *err;
};

static int refuse(const struct translation *to, const char *what)
{
	return err_set(to->err, ERR_INPUT, "%s: %s", to->text->source, what);
}

/* Upstream said UNIMPLEMENTED, or only Google's kernel could. */
static int cannot(const struct translation *to, const char *what, const char *hint)
{
	err_set(to->err, ERR_UNSUPPORTED, "%s: %s", to->text->source, what);
	return err_hint(to->err, "%s", hint);
}

static int no_memory(const struct translation *to)
{
	return err_sys(to->err, "read %s", to->text->source);
}

/* Numbers of 64 bits where ours have a sign. */
static int take_amount(const struct translation *to, const struct opt_u64 *given, const char *field,
		       struct opt_i64 *amount)
{
	if (!given->set)
		return 0;
	if (given->value > INT32_MAX)
		return err_set(to->err, ERR_INPUT, "%s: %s: %" PRIu64 " is out of range",
			       to->text->source, field, given->value);
	*amount = (struct opt_i64){ true, (int64_t)given->value };
	return 0;
}

static int take_bytes(const struct translation *to, const struct opt_i64 *given, const char *field,
		      struct opt_i64 *amount)
{
	if (given->set && given->value < CGROUP_UNLIMITED)
		return err_set(to->err, ERR_INPUT, "%s: %s: %" PRId64 " is out of range",
			       to->text->source, field, given->value);
	if (given->set)
		*amount = *given;
	return 0;
}

/* "0-3,7" of words of bits, of which the last one has the first 64 CPUs. */
static int take_mask(const struct translation *to, const struct lmctfy_mask *mask)
{
	const uint64_t *words = mask->data.items;
	size_t count = mask->data.count, room = 16, length = 0;
	char *list;

	if (count * CPUS_A_WORD > CPUS_MAX)
		return refuse(to, "cpu.mask.data: too many words");
	room += count * CPUS_A_WORD * sizeof("4095,");
	list = arena_alloc(to->arena, room);
	if (!list)
		return no_memory(to);
	for (size_t cpu = 0; cpu < count * CPUS_A_WORD; cpu++) {
		uint64_t word = words[count - 1 - cpu / CPUS_A_WORD];

		if (word >> cpu % CPUS_A_WORD & 1)
			length += (size_t)snprintf(list + length, room - length, "%s%zu",
						   length ? "," : "", cpu);
	}
	if (!length)
		return refuse(to, "cpu.mask.data: no CPU is in it");
	to->spec->intent.cpu.mask = list;
	return 0;
}

static int take_cpu(struct translation *to, const struct lmctfy_cpu *cpu)
{
	static const enum cgroup_class classes[] = {
		[LMCTFY_BEST_EFFORT] = CGROUP_BEST_EFFORT,
		[LMCTFY_NORMAL] = CGROUP_NORMAL,
		[LMCTFY_PRIORITY] = CGROUP_PRIORITY,
		[LMCTFY_PREMIER] = CGROUP_PREMIER,
	};
	struct cgroup_intent_cpu *intent = &to->spec->intent.cpu;

	to->parts |= CGROUP_PART_CPU;
	if (cpu->latency.set)
		intent->class = (int)classes[cpu->latency.value];
	if (take_amount(to, &cpu->limit, "cpu.limit", &intent->share) < 0 ||
	    take_amount(to, &cpu->max_limit, "cpu.max_limit", &intent->max) < 0)
		return -1;
	return cpu->mask ? take_mask(to, cpu->mask) : 0;
}

/* With a max_limit, `limit` is what may be passed for a while; alone it is the end. */
static int take_limits(struct translation *to, const struct lmctfy_memory *memory)
{
	struct cgroup_intent_memory *intent = &to->spec->intent.memory;
	bool both = memory->max_limit.set && memory->limit.set;

	if (take_bytes(to, &memory->limit, "memory.limit", both ? &intent->soft : &intent->max) <
		    0 ||
	    take_bytes(to, &memory->max_limit, "memory.max_limit", &intent->max) < 0 ||
	    take_bytes(to, &memory->reservation, "memory.reservation", &intent->guarantee) < 0)
		return -1;
	if (!memory->swap_limit.set)
		return 0;
	if (memory->swap_limit.value < 0) {
		intent->swap = (struct opt_i64){ true, CGROUP_UNLIMITED };
		return 0;
	}
	if (!intent->max.set || intent->max.value < 0 ||
	    memory->swap_limit.value < intent->max.value)
		return refuse(to, "memory.swap_limit: it counts memory and swap together, so it "
				  "must not be below the memory's limit");
	intent->swap = (struct opt_i64){ true, memory->swap_limit.value - intent->max.value };
	return 0;
}

static int take_memory(struct translation *to, const struct lmctfy_memory *memory)
{
	static const char google[] = "only Google's kernel of that time had it";

	to->parts |= CGROUP_PART_MEMORY;
	if (memory->dirty)
		return cannot(to, "memory.dirty: not for one group alone", google);
	if (memory->compression_sampling_ratio.value)
		return cannot(to, "memory.compression_sampling_ratio: not there", google);
	if (memory->stale_page_age.value)
		return cannot(to, "memory.stale_page_age: not there", google);
	if (memory->tmpfs || memory->hugetlbfs_path)
		return cannot(to, "memory.tmpfs, memory.hugetlbfs_path: a group mounts nothing",
			      "mounts belong to a container: masu run --group");
	if (memory->kmem_charge_usage.set && !memory->kmem_charge_usage.value)
		return cannot(to, "memory.kmem_charge_usage: false is not possible",
			      "the kernel always counts its own memory");
	if (memory->eviction_priority.set &&
	    (memory->eviction_priority.value < 0 || memory->eviction_priority.value > 10000))
		return refuse(to, "memory.eviction_priority: not within 0 to 10000");
	if (memory->eviction_priority.set)
		to->spec->eviction_priority = memory->eviction_priority;
	return take_limits(to, memory);
}

/* The device's entry in the intent, made when it is missing. */
static struct cgroup_intent_device *device_of(const struct translation *to,
					      const struct lmctfy_block_device *device)
{
	struct json_list *list = &to->spec->intent.io.devices;
	struct cgroup_intent_device *entry;
	const char *name;

	if (!device || !device->major.set || !device->minor.set || device->major.value < 0 ||
	    device->minor.value < 0) {
		refuse(to, "blockio: a device needs major and minor");
		return NULL;
	}
	name = arena_printf(to->arena, "%" PRId64 ":%" PRId64, device->major.value,
			    device->minor.value);
	for (size_t i = 0; name && i < list->count; i++) {
		entry = &JSON_ITEMS(struct cgroup_intent_device, list)[i];
		if (strcmp(entry->device, name) == 0)
			return entry;
	}
	entry = name ? json_grow(to->arena, list, sizeof(*entry)) : NULL;
	if (!entry) {
		no_memory(to);
		return NULL;
	}
	entry->device = name;
	return entry;
}

static int take_weight(const struct translation *to, const struct opt_u64 *limit,
		       struct opt_i64 *weight)
{
	if (limit->value < 1 || limit->value > 100)
		return refuse(to, "blockio.device_limit_set: a limit is not within 1 to 100");
	*weight = (struct opt_i64){ true, (int64_t)limit->value * IO_WEIGHT_UNIT };
	return 0;
}

static int take_weights(const struct translation *to, const struct lmctfy_device_limit_set *set)
{
	const struct lmctfy_device_limit *limits = set->device_limits.items;

	if (set->default_limit.set &&
	    take_weight(to, &set->default_limit, &to->spec->intent.io.weight) < 0)
		return -1;
	for (size_t i = 0; i < set->device_limits.count; i++) {
		struct cgroup_intent_device *device = device_of(to, limits[i].device);

		if (!device || take_weight(to, &limits[i].limit, &device->weight) < 0)
			return -1;
	}
	return 0;
}

static int take_max_limit(const struct translation *to, const struct lmctfy_max_limit *max)
{
	const struct lmctfy_device_limit *limits = max->limits.items;
	bool operations = max->limit_type.value == LMCTFY_IO_PER_SECOND;

	if (!max->op_type.set || !max->limit_type.set)
		return refuse(to, "blockio.max_device_limit_set.max_limits: op_type and limit_type "
				  "are needed");
	for (size_t i = 0; i < max->limits.count; i++) {
		struct cgroup_intent_device *device = device_of(to, limits[i].device);

		if (!device)
			return -1;
		if (!limits[i].limit.set || limits[i].limit.value > INT64_MAX)
			return refuse(to, "blockio.max_device_limit_set.max_limits: a limit is "
					  "missing or out of range");
		struct opt_i64 *rate = max->op_type.value == LMCTFY_OP_READ
					       ? (operations ? &device->read_ops : &device->read)
					       : (operations ? &device->write_ops : &device->write);

		*rate = (struct opt_i64){ true, (int64_t)limits[i].limit.value };
	}
	return 0;
}

static int take_blockio(struct translation *to, const struct lmctfy_blockio *blockio)
{
	const struct lmctfy_max_limit_set *caps = blockio->max_device_limit_set;

	to->parts |= CGROUP_PART_IO;
	/* what an update names replaces the whole list */
	to->spec->intent.io.devices = (struct json_list){ 0 };
	if (blockio->device_limit_set && take_weights(to, blockio->device_limit_set) < 0)
		return -1;
	for (size_t i = 0; caps && i < caps->max_limits.count; i++) {
		if (take_max_limit(to, &JSON_ITEMS(struct lmctfy_max_limit, &caps->max_limits)[i]) <
		    0)
			return -1;
	}
	return 0;
}

/* "rwm" of a list of words, each once. */
static bool write_access(const struct json_list *list, char access[4])
{
	static const char letters[] = {
		[LMCTFY_READ] = 'r', [LMCTFY_WRITE] = 'w', [LMCTFY_MKNOD] = 'm'
	};
	const int64_t *words = list->items;

	for (size_t i = 0; i < list->count; i++) {
		if (i == 3 || strchr(access, letters[words[i]]))
			return false;
		access[i] = letters[words[i]];
	}
	return true;
}

static const char *add_number(const struct translation *to, const char *rule, const char *name,
			      const struct opt_i64 *number)
{
	if (!rule || !number->set)
		return rule;
	return arena_printf(to->arena, "%s,\"%s\":%" PRId64, rule, name, number->value);
}

/* One rule as linux.resources.devices has it. */
static const char *write_rule(const struct translation *to, const struct lmctfy_restriction *rule)
{
	static const char types[] = {
		[LMCTFY_CHAR] = 'c', [LMCTFY_BLOCK] = 'b', [LMCTFY_ALL] = 'a'
	};
	char access[4] = "";

	if (!rule->permission.set || !rule->type.set) {
		refuse(to, "device.restrictions_set.restrictions: permission and type are needed");
		return NULL;
	}
	if ((rule->type.value != LMCTFY_ALL && !rule->access.count) ||
	    !write_access(&rule->access, access)) {
		refuse(to, "device.restrictions_set.restrictions: access is needed, one to three, "
			   "each once");
		return NULL;
	}
	const char *text = arena_printf(to->arena, "{\"allow\":%s,\"type\":\"%c\"%s%s%s",
					rule->permission.value == LMCTFY_ALLOW ? "true" : "false",
					types[rule->type.value],
					rule->type.value == LMCTFY_ALL ? "" : ",\"access\":\"",
					rule->type.value == LMCTFY_ALL ? "" : access,
					rule->type.value == LMCTFY_ALL ? "" : "\"");

	text = add_number(to, text, "major", &rule->major);
	text = add_number(to, text, "minor", &rule->minor);
	text = text ? arena_printf(to->arena, "%s}", text) : NULL;
	if (!text)
		no_memory(to);
	return text;
}

static int take_devices(struct translation *to, const struct lmctfy_device *device)
{
	const struct lmctfy_restrictions *set = device->restrictions_set;
	const char *list = "[";

	to->parts |= CGROUP_PART_DEVICES;
	for (size_t i = 0; set && i < set->restrictions.count; i++) {
		const char *rule = write_rule(
			to, &JSON_ITEMS(struct lmctfy_restriction, &set->restrictions)[i]);

		if (!rule)
			return -1;
		list = arena_printf(to->arena, "%s%s%s", list, i ? "," : "", rule);
		if (!list)
			return no_memory(to);
	}
	list = arena_printf(to->arena, "%s]", list);
	if (!list)
		return no_memory(to);
	to->spec->devices = (struct json_raw){ list, strlen(list) };
	return 0;
}

static int take_id(const struct translation *to, const struct opt_i64 *given, const char *field,
		   struct opt_u64 *id)
{
	if (!given->set)
		return 0;
	if (given->value < 0 || given->value > INT32_MAX)
		return err_set(to->err, ERR_INPUT, "%s: %s: %" PRId64 " is out of range",
			       to->text->source, field, given->value);
	*id = (struct opt_u64){ true, (uint64_t)given->value };
	return 0;
}

static int take_spec(struct translation *to, const struct lmctfy_spec *given)
{
	static const char run[] = "a group has no namespaces: masu run --group puts a container "
				  "into it";
	struct group_spec *spec = to->spec;

	if (given->virtual_host)
		return cannot(to, "virtual_host: not for a group", run);
	if (given->security_spec)
		return cannot(to, "security_spec: not for a group", run);
	if (given->filesystem && given->filesystem->rootfs)
		return cannot(to, "filesystem.rootfs: not for a group", run);
	if (take_id(to, &given->owner, "owner", &spec->owner) < 0 ||
	    take_id(to, &given->owner_group, "owner_group", &spec->owner_group) < 0 ||
	    take_id(to, &given->children_limit, "children_limit", &spec->children) < 0)
		return -1;
	if (given->filesystem && given->filesystem->fd_limit.set)
		spec->open_files = given->filesystem->fd_limit;
	if (spec->open_files.set && (!spec->open_files.value || spec->open_files.value > INT32_MAX))
		return refuse(to, "filesystem.fd_limit: out of range");
	if (given->monitoring && given->monitoring->enable_perf_counters.set)
		spec->perf = given->monitoring->enable_perf_counters;
	if (given->cpu && take_cpu(to, given->cpu) < 0)
		return -1;
	if (given->memory && take_memory(to, given->memory) < 0)
		return -1;
	if (given->blockio && take_blockio(to, given->blockio) < 0)
		return -1;
	return given->device ? take_devices(to, given->device) : 0;
}

static bool is_text(const struct spec_text *text)
{
	for (size_t i = 0; i < text->length; i++) {
		unsigned char byte = (unsigned char)text->text[i];

		if (byte < ' ' && !strchr("\t\r\n\v\f", byte))
			return false;
		if (!byte)
			return false;
	}
	return true;
}

int lmctfy_read_spec(const struct spec_text *text, struct arena *arena, struct group_spec *spec,
		     unsigned int *parts, struct err *err)
{
	struct lmctfy_spec given = { 0 };
	struct translation to = { .text = text, .arena = arena, .spec = spec, .err = err };
	int read = is_text(text) ? proto_read_text(text->source, text->text, text->length,
						   &lmctfy_spec_message, &given, arena, err)
				 : proto_read_bytes(text->source, text->text, text->length,
						    &lmctfy_spec_message, &given, arena, err);

	if (read < 0 || take_spec(&to, &given) < 0)
		return -1;
	*parts |= to.parts;
	return 0;
}

/* "cpu,cpuacct" of the numbers that InitSpec has for them. */
static const char *list_controllers(const struct lmctfy_mount *mount, const struct spec_text *text,
				    struct arena *arena, struct err *err)
{
	const int64_t *numbers = mount->hierarchies.items;
	const char *list = "";

	for (size_t i = 0; i < mount->hierarchies.count; i++) {
		const char *name = names_text(lmctfy_hierarchy_controllers, numbers[i]);

		if (!name) {
			err_set(err, ERR_UNSUPPORTED,
				"%s: cgroup_mount.hierarchy: CGROUP_JOB and CGROUP_RLIMIT were in "
				"Google's kernel only",
				text->source);
			return NULL;
		}
		list = arena_printf(arena, "%s%s%s", list, i ? "," : "", name);
		if (!list)
			break;
	}
	if (list && !*list) {
		err_set(err, ERR_INPUT, "%s: cgroup_mount: hierarchy is missing", text->source);
		return NULL;
	}
	if (!list)
		err_sys(err, "read %s", text->source);
	return list;
}

int lmctfy_read_init(const struct spec_text *text, struct arena *arena, struct json_list *mounts,
		     struct err *err)
{
	struct lmctfy_init given = { 0 };
	int read = is_text(text) ? proto_read_text(text->source, text->text, text->length,
						   &lmctfy_init_message, &given, arena, err)
				 : proto_read_bytes(text->source, text->text, text->length,
						    &lmctfy_init_message, &given, arena, err);

	for (size_t i = 0; read == 0 && i < given.cgroup_mounts.count; i++) {
		const struct lmctfy_mount *mount =
			&JSON_ITEMS(struct lmctfy_mount, &given.cgroup_mounts)[i];
		struct cgroup_mounting *mounting = json_grow(arena, mounts, sizeof(*mounting));

		if (!mount->mount_path)
			return err_set(err, ERR_INPUT, "%s: cgroup_mount: mount_path is missing",
				       text->source);
		if (!mounting)
			return err_sys(err, "read %s", text->source);
		mounting->path = mount->mount_path;
		mounting->controllers = list_controllers(mount, text, arena, err);
		if (!mounting->controllers)
			return -1;
	}
	return read;
}
