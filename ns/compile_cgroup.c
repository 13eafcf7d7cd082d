/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mount of type "cgroup": what the container sees of its own cgroups, in cgroup v1, hybrid and
 * v2. */
#include <string.h>

#include "base/err.h"
#include "base/sys.h"
#include "ns/compile.h"

/* The parts that all rows of this mount have in common. */
static struct ns_mount_plan new_row(struct compiler *compiler, const struct ns_options *options,
				    const char *target)
{
	return (struct ns_mount_plan){
		.target = flat_text(compiler->flat, target),
		.attributes = options->attributes,
		.fd = FLAT_NO_FD,
	};
}

/* The container's own cgroup, cloned; in its cgroup namespace that is indistinguishable from a
 * mount. */
static int add_bind(struct compiler *compiler, const struct ns_options *options, const char *target,
		    const struct ns_cgroup_mount *cgroup, struct err *err)
{
	struct ns_mount_plan row = new_row(compiler, options, target);
	const uint64_t propagation[] = { MS_PRIVATE };

	row.kind = NS_MOUNT_BIND;
	row.source = flat_text(compiler->flat, cgroup->host_path);
	row.propagation = flat_put(compiler->flat, propagation, sizeof(*propagation), 1);
	return compile_add(compiler, &row, err);
}

static int add_filesystem(struct compiler *compiler, const struct ns_options *options,
			  const char *target, const struct ns_cgroup_mount *cgroup, struct err *err)
{
	struct ns_mount_plan row = new_row(compiler, options, target);

	row.kind = NS_MOUNT_FS;
	row.type = flat_text(compiler->flat, cgroup->v2 ? "cgroup2" : "cgroup");
	row.source = flat_text(compiler->flat, "cgroup");
	row.data = flat_text(compiler->flat, cgroup->v2 ? NULL : cgroup->controllers);
	return compile_add(compiler, &row, err);
}

static int add_one(struct compiler *compiler, const struct ns_options *options, const char *target,
		   const struct ns_cgroup_mount *cgroup, struct err *err)
{
	const struct ns_linux *linux_part = compiler->request->linux_part;
	bool own_namespace =
		ns_is_new(linux_part, NS_CGROUP) || ns_is_joined(linux_part, NS_CGROUP);

	/* a joined cgroup namespace may have its root elsewhere, and an ordinary user cannot clone
	 */
	if (own_namespace &&
	    (cgroup->v2 || !compiler->can_clone || ns_is_joined(linux_part, NS_CGROUP)))
		return add_filesystem(compiler, options, target, cgroup, err);
	return add_bind(compiler, options, target, cgroup, err);
}

/* "cpu,cpuacct" is also found as "cpu" and as "cpuacct". */
static int add_links(struct compiler *compiler, const char *top, const char *name, struct err *err)
{
	const struct ns_options none = { 0 };

	for (const char *at = name; strchr(name, ',') && *at;) {
		size_t length = strcspn(at, ",");
		const char *path = arena_printf(&compiler->arena, "%s/%.*s", top, (int)length, at);

		if (!path) {
			compiler->failed = true;
			return 0;
		}
		struct ns_mount_plan row = new_row(compiler, &none, path);

		row.kind = NS_MOUNT_LINK;
		row.source = flat_text(compiler->flat, name);
		if (compile_add(compiler, &row, err) < 0)
			return -1;
		at += length + (at[length] == ',');
	}
	return 0;
}

/* The directory that holds the hierarchies: a tmpfs, read-only at the end when that is asked. A
 * container without a cgroup of its own finds it empty. */
static int add_top(struct compiler *compiler, const struct ns_options *options, const char *target,
		   struct err *err)
{
	struct ns_mount_plan row = new_row(compiler, options, target);

	row.kind = NS_MOUNT_FS;
	row.type = flat_text(compiler->flat, "tmpfs");
	row.source = row.type;
	row.data = flat_text(compiler->flat, "mode=755,size=1m");
	row.attributes.set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	row.attributes.tree_set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	return compile_add(compiler, &row, err);
}

static int finish_top(struct compiler *compiler, const struct ns_options *options,
		      const char *target, struct err *err)
{
	struct ns_mount_plan row = new_row(compiler, options, target);

	if (!((options->attributes.set | options->attributes.tree_set) & MOUNT_ATTR_RDONLY))
		return 0;
	row.kind = NS_MOUNT_REMOUNT;
	row.source = flat_text(compiler->flat, "cgroup");
	row.attributes = (struct ns_attributes){ .set = MOUNT_ATTR_RDONLY };
	return compile_add(compiler, &row, err);
}

int compile_cgroup_mount(struct compiler *compiler, const struct ns_mount_spec *mount,
			 const struct ns_options *options, struct err *err)
{
	const struct ns_cgroup_mount *cgroups = compiler->request->cgroup_mounts;
	size_t count = compiler->request->cgroup_mount_count;
	const char *top = mount->destination;

	if (count == 1 && cgroups[0].v2)
		return add_one(compiler, options, top, &cgroups[0], err);
	if (add_top(compiler, options, top, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const char *target = arena_printf(&compiler->arena, "%s/%s", top, cgroups[i].name);

		if (!target) {
			compiler->failed = true;
			return 0;
		}
		if (add_one(compiler, options, target, &cgroups[i], err) < 0 ||
		    add_links(compiler, top, cgroups[i].name, err) < 0)
			return -1;
	}
	return finish_top(compiler, options, top, err);
}
