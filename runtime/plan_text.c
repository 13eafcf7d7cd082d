/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `masu run --plan`: what a start would do, for people. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "runtime/create.h"

static const char *side_name(enum step_side side)
{
	return side == SIDE_INIT ? "INIT" : side == SIDE_WHILE ? "WHILE" : "HOST";
}

/* The seccomp rows depend on what is known after compiling; here the spec tells enough. */
static uint64_t expected_conditions(const struct creation *creation)
{
	const struct spec *spec = &creation->spec;
	uint64_t conditions = startup_conditions(&creation->startup);

	if (!spec->linux_part.security.seccomp || !spec->process)
		return conditions;
	return conditions | SECCOMP |
	       (spec->process->security.no_new_privileges ? SECCOMP_LATE : SECCOMP_EARLY);
}

static void write_rows(FILE *out, const struct creation *creation)
{
	uint64_t conditions = expected_conditions(creation);

	for (size_t i = 0; i < startup_create_count; i++) {
		const struct startup_row *row = &startup_create_rows[i];

		if ((row->when & conditions) == row->when)
			fprintf(out, "%-5s %s%s\n", side_name(row->side), row->name,
				row->undo ? " (undoable)" : "");
	}
}

static void write_texts(FILE *out, const char *label, const struct json_list *list)
{
	if (!list->count)
		return;
	fprintf(out, "%s", label);
	for (size_t i = 0; i < list->count; i++)
		fprintf(out, " %s", JSON_ITEMS(const char *, list)[i]);
	fprintf(out, "\n");
}

static void write_mounts(FILE *out, const struct spec *spec)
{
	for (size_t i = 0; i < spec->mounts.count; i++) {
		const struct ns_mount_spec *mount =
			&JSON_ITEMS(struct ns_mount_spec, &spec->mounts)[i];

		fprintf(out, "mount %s %s on %s", mount->type ? mount->type : "bind",
			mount->source ? mount->source : "none", mount->destination);
		for (size_t option = 0; option < mount->options.count; option++)
			fprintf(out, "%s%s", option ? "," : " ",
				JSON_ITEMS(const char *, &mount->options)[option]);
		fprintf(out, "\n");
	}
}

static void write_process(FILE *out, const struct spec_process *process)
{
	static const char *const labels[] = { "capabilities bounding:", "capabilities effective:",
					      "capabilities inheritable:",
					      "capabilities permitted:", "capabilities ambient:" };
	const struct security_process *security = &process->security;

	write_texts(out, "run", &process->args);
	fprintf(out, "user %u:%u\n", security->user.uid, security->user.gid);
	for (size_t set = 0; security->capabilities && set < sizeof(labels) / sizeof(*labels);
	     set++)
		write_texts(out, labels[set], &security->capabilities->sets[set]);
	for (size_t i = 0; i < security->rlimits.count; i++) {
		const struct security_rlimit *limit =
			&JSON_ITEMS(struct security_rlimit, &security->rlimits)[i];

		fprintf(out, "rlimit %s %llu %llu\n",
			names_text(security_rlimit_names, limit->type),
			(unsigned long long)limit->soft.value,
			(unsigned long long)limit->hard.value);
	}
	fprintf(out, "no_new_privs %s\n", security->no_new_privileges ? "on" : "off");
}

static void write_cgroup(FILE *out, const struct creation *creation)
{
	const struct cgroup_state *cgroup = &creation->container.state.cgroup;
	const struct cgroup_resources *resources = creation->spec.linux_part.resources;
	struct arena arena = { 0 };

	for (size_t i = 0; i < cgroup->hierarchies.count; i++) {
		const struct cgroup_hierarchy_state *one =
			&JSON_ITEMS(struct cgroup_hierarchy_state, &cgroup->hierarchies)[i];

		fprintf(out, "cgroup %s\n", one->dir);
	}
	const char *text =
		resources ? json_encode(&cgroup_resources_object, resources, 0, &arena, NULL)
			  : NULL;

	if (text)
		fprintf(out, "resources %s\n", text);
	arena_free(&arena);
}

char *creation_describe(const struct creation *creation, struct err *err)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out) {
		err_sys(err, "describe plan");
		return NULL;
	}
	write_rows(out, creation);
	write_cgroup(out, creation);
	fprintf(out, "root %s%s\n", creation->container.state.rootfs,
		creation->spec.root.readonly ? " read-only" : "");
	write_mounts(out, &creation->spec);
	if (creation->spec.process)
		write_process(out, creation->spec.process);
	if (fclose(out) != 0) {
		err_sys(err, "describe plan");
		free(text);
		return NULL;
	}
	return text;
}
