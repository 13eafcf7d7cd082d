/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu.resources: one section of the spec, applied by cgroup/, net/ and storage/. */
#include "runtime/intent.h"

#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "runtime/create.h"

static const char prefix[] = "masu.resources.";

/* ---- disk: size and inodes of the root that masu.storage makes ---- */

static int compose_disk(struct spec *spec, struct arena *arena, struct err *err)
{
	const struct cgroup_intent_disk *disk = &spec->masu.resources->disk;
	struct storage_spec *storage = &spec->masu.storage;

	if (!disk->size.set && !disk->inodes.set)
		return 0;
	if (!storage->present) {
		err_set(err, ERR_INPUT, "%sdisk: needs masu.storage, whose root it limits", prefix);
		return err_hint(err, "a root from the bundle is limited by its file system");
	}
	if ((disk->size.set && storage->size) || (disk->inodes.set && storage->inodes.set))
		return err_set(err, ERR_INPUT, "%sdisk: masu.storage.%s says it already", prefix,
			       storage->size ? "size" : "inodes");
	if (disk->inodes.set)
		storage->inodes = (struct opt_u64){ true, (uint64_t)disk->inodes.value };
	if (disk->size.set)
		storage->size = arena_printf(arena, "%lld", (long long)disk->size.value);
	return !disk->size.set || storage->size ? 0 : err_sys(err, "read masu.resources");
}

/* ---- network: the rates of the container's one interface ---- */

static int set_rate(const char **member, const struct opt_i64 *rate, const char *name,
		    struct arena *arena, struct err *err)
{
	if (!rate->set || rate->value < 0)
		return 0;
	if (*member)
		return err_set(err, ERR_INPUT, "%snetwork.%s: masu.network says it already", prefix,
			       name);
	*member = arena_printf(arena, "%lld", (long long)rate->value * 8);
	return *member ? 0 : err_sys(err, "read masu.resources");
}

static int compose_network(struct spec *spec, struct arena *arena, struct err *err)
{
	const struct cgroup_intent_network *intent = &spec->masu.resources->network;
	const struct net_spec *network = spec->masu.network;
	size_t count = network ? network->interfaces.count : 0;

	if (!intent->egress.set && !intent->ingress.set)
		return 0;
	if (count != 1) {
		err_set(err, ERR_INPUT, "%snetwork: rates need a container with one interface",
			prefix);
		return err_hint(err, count ? "masu.network.interfaces[].bandwidth is for each of "
					     "several"
					   : "masu.network.interfaces gives it one");
	}
	struct net_bandwidth_spec *bandwidth =
		&JSON_ITEMS(struct net_interface_spec, &network->interfaces)[0].bandwidth;

	if (set_rate(&bandwidth->egress, &intent->egress, "egress", arena, err) < 0)
		return -1;
	return set_rate(&bandwidth->ingress, &intent->ingress, "ingress", arena, err);
}

int intent_compose(struct spec *spec, bool strict, struct arena *arena, struct err *err)
{
	const struct cgroup_intent_options options = { .prefix = prefix, .strict = strict };
	struct cgroup_intent *intent = spec->masu.resources;
	struct json_list warnings = { 0 };

	if (!intent)
		return 0;
	if (cgroup_intent_check(intent, prefix, err) < 0 || compose_disk(spec, arena, err) < 0 ||
	    compose_network(spec, arena, err) < 0)
		return -1;
	if (!spec->linux_part.resources)
		spec->linux_part.resources = cgroup_resources_new(arena);
	if (!spec->linux_part.resources)
		return err_sys(err, "read masu.resources");
	if (cgroup_intent_compile(intent, &options, arena, spec->linux_part.resources, &warnings,
				  err) < 0)
		return -1;
	for (size_t i = 0; i < warnings.count; i++) {
		const struct cgroup_warning *warning =
			&JSON_ITEMS(struct cgroup_warning, &warnings)[i];

		log_warning("%s: %s", warning->field, warning->text);
	}
	return 0;
}

/* ---- what would be written, and what is in force ---- */

struct explanation {
	struct json_list rows; /* struct cgroup_explained */
};

char *intent_explain(struct creation *creation, struct err *err)
{
	static const struct json_row rows[] = {
		{ "rows", JSON_LIST, offsetof(struct explanation, rows), &cgroup_explained_object,
		  .flags = JSON_ALWAYS },
	};
	static const struct json_object object = JSON_OBJECT_OF(struct explanation, rows);
	struct container *container = &creation->container;
	struct explanation explanation = { 0 };

	if (creation->spec.linux_part.resources &&
	    (container_open_cgroup(container, err) < 0 ||
	     cgroup_explain(container->cgroup, creation->spec.linux_part.resources,
			    &explanation.rows, err) < 0))
		return NULL;
	return json_encode(&object, &explanation, 2, &container->arena, err);
}

char *intent_effective(struct container *container, struct err *err)
{
	struct cgroup_intent effective;

	if (container_open_cgroup(container, err) < 0 ||
	    cgroup_intent_read(container->cgroup, &container->arena, &effective, err) < 0)
		return NULL;
	return json_encode(&cgroup_intent_object, &effective, 2, &container->arena, err);
}
