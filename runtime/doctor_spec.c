/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `masu doctor SPEC`: what a spec asks for, each thing held against what this host has. */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "runtime/create.h"
#include "runtime/doctor.h"
#include "runtime/rows.h"

/* ---- the parts of a start that only look: what they refuse, create refuses ---- */

static int look_at_mounts(struct startup *startup, struct err *err)
{
	/* the root of an image is mounted with the first side effect; its mounts go on that */
	if (startup->spec->masu.storage.present)
		return 0;
	if (container_open_cgroup(startup->container, err) < 0)
		return -1;
	return startup_compile_spec(startup, err);
}

static int look_at_seccomp(struct startup *startup, struct err *err)
{
	return startup->spec->linux_part.security.seccomp ? run_seccomp_compile(startup, err) : 0;
}

/* clang-format off */
static const struct {
	const char *check;
	startup_run *look;
} parts[] = {
	{ "linux.namespaces",     run_namespaces },
	{ "root, mounts, process", look_at_mounts },
	{ "linux.seccomp",        look_at_seccomp },
};

/* clang-format on */

/* Returns 1 when it was refused: later parts stand on earlier ones. */
static int ask_part(struct doctor *doctor, struct startup *startup, size_t part, struct err *err)
{
	struct err why = { 0 };
	bool able = parts[part].look(startup, &why) == 0;
	const struct doctor_answer answer = {
		.check = parts[part].check,
		.found = able ? "accepted" : why.text,
		.consequence = "masu refuses to create the container",
		.remedy = why.hint[0] ? arena_strdup(doctor->arena, why.hint) : NULL,
	};

	if (doctor_add(doctor, able ? DOCTOR_OK : DOCTOR_MISSING, &answer, err) < 0)
		return -1;
	return !able;
}

/* ---- what the spec asks of the host's own rows ---- */

/* A row of the host's examination for a field of the spec: what is worth a warning there is missing
 * here. */
static int ask_need(struct doctor *doctor, const char *field, const char *check, struct err *err)
{
	const struct doctor_row *row = doctor_find(check);
	struct doctor_note note = { "" };

	if (!row)
		return err_set(err, EINVAL, "examine %s: no row \"%s\"", field, check);
	bool able = row->look(row->about, &note) == DOCTOR_OK;
	const struct doctor_answer answer = {
		.check = field,
		.found = arena_printf(doctor->arena, "%s: %s", check, note.text),
		.consequence = "masu refuses to create the container",
		.remedy = row->remedy,
	};

	return doctor_add(doctor, able ? DOCTOR_OK : DOCTOR_MISSING, &answer, err);
}

struct limits {
	struct doctor *doctor;
	struct err *err;
	int result;
	char last[64]; /* several writes may come of one property */
};

static void ask_limit(const char *field, const char *check, void *data)
{
	struct limits *limits = data;
	char path[64];

	if (limits->result < 0 || str_format(path, sizeof(path), "linux.resources.%s", field) < 0 ||
	    strcmp(path, limits->last) == 0)
		return;
	str_format(limits->last, sizeof(limits->last), "%s", path);
	limits->result = ask_need(limits->doctor, path, check, limits->err);
}

static int ask_limits(struct doctor *doctor, const struct creation *creation, struct err *err)
{
	const struct cgroup_resources *resources = creation->spec.linux_part.resources;
	struct limits limits = { .doctor = doctor, .err = err };

	if (resources && cgroup_each_need(resources, doctor->arena, ask_limit, &limits, err) < 0)
		return -1;
	return limits.result;
}

static bool wants_network(const struct creation *creation)
{
	return creation->own_network;
}

static bool wants_devices(const struct creation *creation)
{
	return creation->spec.linux_part.net_devices.count > 0;
}

static bool wants_resctrl(const struct creation *creation)
{
	return creation->spec.linux_part.intel_rdt != NULL;
}

static bool wants_time(const struct creation *creation)
{
	return ns_is_new(&creation->spec.linux_part.ns, NS_TIME);
}

/* Hard limits are raised from outside, which needs the capability. */
static bool wants_higher_limits(const struct creation *creation)
{
	const struct spec_process *process = creation->spec.process;
	const struct json_list none = { 0 };
	const struct json_list *rows = process ? &process->security.rlimits : &none;

	for (size_t i = 0; i < rows->count; i++) {
		const struct security_rlimit *row = &JSON_ITEMS(struct security_rlimit, rows)[i];
		struct rlimit own;

		if (getrlimit(row->type, &own) == 0 && own.rlim_max != RLIM_INFINITY &&
		    row->hard.value > own.rlim_max)
			return true;
	}
	return false;
}

/* The kernel refuses it only when the program is about to run. */
static int ask_profile(struct doctor *doctor, const struct creation *creation, struct err *err)
{
	const struct spec_process *process = creation->spec.process;
	const char *profile = process ? process->security.apparmor_profile : NULL;

	if (!profile || !*profile || !security_apparmor_enabled())
		return 0;
	bool lacks = security_apparmor_lacks(profile);
	const struct doctor_answer answer = {
		.check = "process.apparmorProfile",
		.found =
			arena_printf(doctor->arena, "%s%s", profile, lacks ? " is not loaded" : ""),
		.consequence = "masu refuses to start the container",
		.remedy = "load it with apparmor_parser(8)",
	};

	return doctor_add(doctor, lacks ? DOCTOR_MISSING : DOCTOR_OK, &answer, err);
}

/* clang-format off */
static const struct {
	const char *field;
	bool (*wants)(const struct creation *creation);
	const char *check;
} needs[] = {
	{ "masu.network",      wants_network,       "links: bridge" },
	{ "masu.network",      wants_network,       "links: veth" },
	{ "masu.network",      wants_network,       "CAP_NET_ADMIN" },
	{ "linux.netDevices",  wants_devices,       "CAP_NET_ADMIN" },
	{ "linux.intelRdt",    wants_resctrl,       "resctrl" },
	{ "linux.timeOffsets", wants_time,          "time namespaces" },
	{ "process.rlimits",   wants_higher_limits, "CAP_SYS_RESOURCE" },
};

/* clang-format on */

int doctor_examine_spec(struct doctor *doctor, struct creation *creation, struct err *err)
{
	int refused = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts) && !refused; i++)
		refused = ask_part(doctor, &creation->startup, i, err);
	if (refused < 0 || ask_limits(doctor, creation, err) < 0 ||
	    ask_profile(doctor, creation, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++) {
		if (needs[i].wants(creation) &&
		    ask_need(doctor, needs[i].field, needs[i].check, err) < 0)
			return -1;
	}
	return 0;
}
