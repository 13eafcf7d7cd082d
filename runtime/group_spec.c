/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads what a group is asked to be, and compiles it for this host. */
#include "runtime/group_spec.h"

#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "runtime/lmctfy_spec.h"

enum {
	SHARE_DEFAULT = 1000,
	IO_WEIGHT_DEFAULT = 100,
	EVICTION_MAX = 10000,
	ID_MAX = 0x7ffffffe,
};

/* Which parts the text names: an empty object asks for the part without a limit. */
struct named {
	struct json_raw cpu, memory, io, pids, network, hugepages, devices, disk;
};

/* clang-format off */
#define AT(member) offsetof(struct group_spec, member)
static const struct json_row spec_rows[] = {
	{ "owner",            JSON_U64,      AT(owner), .min = 0, .max = ID_MAX },
	{ "ownerGroup",       JSON_U64,      AT(owner_group), .min = 0, .max = ID_MAX },
	{ "children",         JSON_U64,      AT(children), .min = 0, .max = INT32_MAX },
	{ "evictionPriority", JSON_I64,      AT(eviction_priority), .min = 0, .max = EVICTION_MAX },
	{ "openFiles",        JSON_U64,      AT(open_files), .min = 1, .max = INT32_MAX },
	{ "perf",             JSON_OPT_BOOL, AT(perf) },
	{ "devices",          JSON_RAW,      AT(devices) },
	{ NULL,               JSON_EMBED,    AT(intent), &cgroup_intent_object },
};
#undef AT
const struct json_object group_spec_object = JSON_OBJECT_OF(struct group_spec, spec_rows);

#define AT(member) offsetof(struct named, member)
static const struct json_row named_rows[] = {
	{ "cpu",       JSON_RAW, AT(cpu) },
	{ "memory",    JSON_RAW, AT(memory) },
	{ "io",        JSON_RAW, AT(io) },
	{ "pids",      JSON_RAW, AT(pids) },
	{ "network",   JSON_RAW, AT(network) },
	{ "hugepages", JSON_RAW, AT(hugepages) },
	{ "devices",   JSON_RAW, AT(devices) },
	{ "disk",      JSON_RAW, AT(disk) },
};
#undef AT
/* clang-format on */

static const struct json_object named_object = {
	.rows = named_rows,
	.row_count = sizeof(named_rows) / sizeof(named_rows[0]),
	.size = sizeof(struct named),
	.partial = true,
};

static bool is_json(const struct spec_text *text)
{
	size_t at = 0;

	while (at < text->length && strchr(" \t\r\n", text->text[at]) && text->text[at])
		at++;
	return at < text->length && text->text[at] == '{';
}

static int read_json(const struct spec_text *text, struct arena *arena, struct group_spec *spec,
		     unsigned int *parts, struct err *err)
{
	struct named named = { 0 };

	const struct {
		const struct json_raw *raw;
		enum cgroup_part part;
	} rows[] = {
		{ &named.cpu, CGROUP_PART_CPU },
		{ &named.memory, CGROUP_PART_MEMORY },
		{ &named.io, CGROUP_PART_IO },
		{ &named.pids, CGROUP_PART_PIDS },
		{ &named.network, CGROUP_PART_NETWORK },
		{ &named.hugepages, CGROUP_PART_HUGEPAGES },
		{ &named.devices, CGROUP_PART_DEVICES },
	};

	if (json_decode(text->source, text->text, text->length, &group_spec_object, spec, arena,
			err) < 0 ||
	    json_decode(text->source, text->text, text->length, &named_object, &named, arena, err) <
		    0)
		return -1;
	if (named.disk.text) {
		err_set(err, ERR_INPUT, "%s: disk: a group has no files of its own", text->source);
		return err_hint(err, "give it in masu.resources of the container's spec");
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		*parts |= rows[i].raw->text ? rows[i].part : 0;
	return 0;
}

int group_spec_read(const struct spec_text *text, struct arena *arena, struct group_spec *spec,
		    unsigned int *parts, struct err *err)
{
	const struct cgroup_intent *intent = &spec->intent;

	*parts = 0;
	if (is_json(text) ? read_json(text, arena, spec, parts, err) < 0
			  : lmctfy_read_spec(text, arena, spec, parts, err) < 0)
		return -1;
	if (intent->cpu.mask || intent->cpu.pin.cpus.set)
		*parts |= CGROUP_PART_CPUSET;
	if (spec->perf.value)
		*parts |= CGROUP_PART_PERF;
	if (intent->network.egress.set || intent->network.ingress.set) {
		err_set(err, ERR_INPUT, "%s: network.%s: a group has no link of its own",
			text->source, intent->network.egress.set ? "egress" : "ingress");
		return err_hint(err, "give it in masu.resources of the container's spec");
	}
	if (cgroup_intent_check(intent, "", err) < 0)
		return err_wrap(err, "%s", text->source);
	return 0;
}

/* The device rules, by the rows that linux.resources has for them. */
static int read_devices(const struct json_raw *devices, struct cgroup_resources *resources,
			struct arena *arena, struct err *err)
{
	const char *text;

	if (!devices->text)
		return 0;
	text = arena_printf(arena, "{\"devices\":%s}", devices->text);
	if (!text)
		return err_sys(err, "read devices");
	return json_decode("spec", text, strlen(text), &cgroup_resources_object, resources, arena,
			   err);
}

struct cgroup_resources *group_spec_compile(const struct group_spec *spec, bool strict,
					    struct arena *arena, struct err *err)
{
	const struct cgroup_intent_options options = { .prefix = "", .strict = strict };
	struct cgroup_resources *resources = cgroup_resources_new(arena);
	struct json_list warnings = { 0 };

	if (!resources) {
		err_sys(err, "compile limits");
		return NULL;
	}
	if (cgroup_intent_compile(&spec->intent, &options, arena, resources, &warnings, err) < 0 ||
	    read_devices(&spec->devices, resources, arena, err) < 0 ||
	    cgroup_check(resources, err) < 0)
		return NULL;
	for (size_t i = 0; i < warnings.count; i++) {
		const struct cgroup_warning *warning =
			&JSON_ITEMS(struct cgroup_warning, &warnings)[i];

		log_warning("%s: %s", warning->field, warning->text);
	}
	return resources;
}

bool group_spec_is_batch(const struct group_spec *spec)
{
	return spec->intent.cpu.class == CGROUP_NORMAL ||
	       spec->intent.cpu.class == CGROUP_BEST_EFFORT;
}

static struct cgroup_intent_device *find_device(const struct json_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		struct cgroup_intent_device *device =
			&JSON_ITEMS(struct cgroup_intent_device, list)[i];

		if (strcmp(device->device, name) == 0)
			return device;
	}
	return NULL;
}

/* An amount that was set and is no longer. */
static void reset_amount(struct opt_i64 *now, const struct opt_i64 *before, int64_t value)
{
	if (!now->set && before->set)
		*now = (struct opt_i64){ true, value };
}

static int reset_devices(struct cgroup_intent_io *io, const struct cgroup_intent_io *before,
			 struct arena *arena, struct err *err)
{
	for (size_t i = 0; i < before->devices.count; i++) {
		const struct cgroup_intent_device *old =
			&JSON_ITEMS(struct cgroup_intent_device, &before->devices)[i];
		struct cgroup_intent_device *now = find_device(&io->devices, old->device);

		if (!now) {
			now = json_grow(arena, &io->devices, sizeof(*now));
			if (!now)
				return err_sys(err, "reset limits");
			now->device = old->device;
		}
		reset_amount(&now->weight, &old->weight, IO_WEIGHT_DEFAULT);
		reset_amount(&now->read, &old->read, CGROUP_UNLIMITED);
		reset_amount(&now->write, &old->write, CGROUP_UNLIMITED);
		reset_amount(&now->read_ops, &old->read_ops, CGROUP_UNLIMITED);
		reset_amount(&now->write_ops, &old->write_ops, CGROUP_UNLIMITED);
	}
	return 0;
}

int group_spec_reset(struct group_spec *spec, const struct group_spec *before, struct arena *arena,
		     struct err *err)
{
	struct cgroup_intent *now = &spec->intent;
	const struct cgroup_intent *old = &before->intent;

	const struct {
		struct opt_i64 *now;
		const struct opt_i64 *old;
		int64_t value;
	} amounts[] = {
		{ &now->cpu.max, &old->cpu.max, CGROUP_UNLIMITED },
		{ &now->memory.guarantee, &old->memory.guarantee, 0 },
		{ &now->memory.soft, &old->memory.soft, CGROUP_UNLIMITED },
		{ &now->memory.max, &old->memory.max, CGROUP_UNLIMITED },
		{ &now->memory.swap, &old->memory.swap, CGROUP_UNLIMITED },
		{ &now->io.weight, &old->io.weight, IO_WEIGHT_DEFAULT },
		{ &now->pids.max, &old->pids.max, CGROUP_UNLIMITED },
		{ &now->network.priority, &old->network.priority, 0 },
	};

	if ((old->cpu.mask || old->cpu.pin.cpus.set) && !now->cpu.mask && !now->cpu.pin.cpus.set)
		return err_set(err, ERR_INPUT,
			       "cpu.mask: replacing needs one, since the group has one");
	if (old->hugepages.count && !now->hugepages.items)
		return err_set(err, ERR_INPUT,
			       "hugepages: replacing needs them, since the group limits them");
	for (size_t i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++)
		reset_amount(amounts[i].now, amounts[i].old, amounts[i].value);
	if (now->cpu.class != CGROUP_BEST_EFFORT)
		reset_amount(&now->cpu.share, &old->cpu.share, SHARE_DEFAULT);
	return reset_devices(&now->io, &old->io, arena, err);
}
