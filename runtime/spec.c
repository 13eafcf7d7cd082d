/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The spec's own rows, the folders' parts put together, and how a document becomes a checked
 * struct. */
#include "runtime/spec.h"

#include <fcntl.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "runtime/preset.h"

const struct name spec_hook_names[] = {
	{ "prestart", SPEC_PRESTART },
	{ "createRuntime", SPEC_CREATE_RUNTIME },
	{ "createContainer", SPEC_CREATE_CONTAINER },
	{ "startContainer", SPEC_START_CONTAINER },
	{ "poststart", SPEC_POSTSTART },
	{ "poststop", SPEC_POSTSTOP },
	{ NULL, 0 },
};

#define AT(type, member) offsetof(struct type, member)
#define TIMEOUT_MAX      2147483 /* seconds that poll(2) can still take as milliseconds */

/* clang-format off */
static const struct json_row console_size_rows[] = {
	{ "height", JSON_UINT, AT(spec_console_size, height), .flags = JSON_REQUIRED, .max = 65535 },
	{ "width",  JSON_UINT, AT(spec_console_size, width),  .flags = JSON_REQUIRED, .max = 65535 },
};
static const struct json_object console_size_object = {
	.rows = console_size_rows, .row_count = 2, .size = sizeof(struct spec_console_size),
	.present = AT(spec_console_size, present) + 1,
};

static const struct json_row process_rows[] = {
	{ "terminal",    JSON_BOOL,   AT(spec_process, terminal) },
	{ "consoleSize", JSON_OBJECT, AT(spec_process, console_size), &console_size_object },
	{ "cwd",         JSON_TEXT,   AT(spec_process, cwd) },
	{ "args",        JSON_TEXTS,  AT(spec_process, args) },
	{ "env",         JSON_TEXTS,  AT(spec_process, env) },
	{ NULL,          JSON_EMBED,  AT(spec_process, security), &security_process_object },
};
const struct json_object spec_process_object = JSON_OBJECT_OF(struct spec_process, process_rows);

static const struct json_row hook_rows[] = {
	{ "path",    JSON_TEXT,  AT(spec_hook, path), .flags = JSON_REQUIRED },
	{ "args",    JSON_TEXTS, AT(spec_hook, args) },
	{ "env",     JSON_TEXTS, AT(spec_hook, env) },
	{ "timeout", JSON_I64,   AT(spec_hook, timeout), .min = 1, .max = TIMEOUT_MAX },
};
static const struct json_object hook_object = JSON_OBJECT_OF(struct spec_hook, hook_rows);

static const struct json_row hooks_rows[] = {
	{ "prestart",        JSON_LIST, AT(spec_hooks, lists[SPEC_PRESTART]),         &hook_object },
	{ "createRuntime",   JSON_LIST, AT(spec_hooks, lists[SPEC_CREATE_RUNTIME]),   &hook_object },
	{ "createContainer", JSON_LIST, AT(spec_hooks, lists[SPEC_CREATE_CONTAINER]), &hook_object },
	{ "startContainer",  JSON_LIST, AT(spec_hooks, lists[SPEC_START_CONTAINER]),  &hook_object },
	{ "poststart",       JSON_LIST, AT(spec_hooks, lists[SPEC_POSTSTART]),        &hook_object },
	{ "poststop",        JSON_LIST, AT(spec_hooks, lists[SPEC_POSTSTOP]),         &hook_object },
};
const struct json_object spec_hooks_object = JSON_OBJECT_OF(struct spec_hooks, hooks_rows);

static const struct json_row linux_rows[] = {
	{ NULL,          JSON_EMBED,      AT(spec_linux, ns),       &ns_linux_object },
	{ NULL,          JSON_EMBED,      AT(spec_linux, security), &security_linux_object },
	{ "cgroupsPath", JSON_TEXT,       AT(spec_linux, cgroups_path), .flags = JSON_CLEAN },
	{ "resources",   JSON_OBJECT_PTR, AT(spec_linux, resources),   &cgroup_resources_object, .flags = JSON_MERGE },
	{ "netDevices",  JSON_MAP,        AT(spec_linux, net_devices), &net_device_object, .flags = JSON_CLEAN | JSON_NOT_EMPTY },
	{ "intelRdt",    JSON_OBJECT_PTR, AT(spec_linux, intel_rdt),   &cgroup_rdt_object },
};
static const struct json_object linux_object = JSON_OBJECT_OF(struct spec_linux, linux_rows);

static const struct json_row pressure_rows[] = {
	{ "full",     JSON_BOOL, AT(spec_pressure, full) },
	{ "stallMs",  JSON_UINT, AT(spec_pressure, stall_ms),  .min = 1,   .max = 10000 },
	{ "windowMs", JSON_UINT, AT(spec_pressure, window_ms), .min = 500, .max = 10000 }, /* psi.rst */
};
static const struct json_object pressure_object = {
	.rows = pressure_rows,
	.row_count = sizeof(pressure_rows) / sizeof(pressure_rows[0]),
	.size = sizeof(struct spec_pressure),
	.present = offsetof(struct spec_pressure, present) + 1,
};

static const struct json_row masu_rows[] = {
	{ "preset",    JSON_TEXT, AT(spec_masu, preset) },
	{ "storage",   JSON_OBJECT,     AT(spec_masu, storage), &storage_spec_object },
	{ "network",   JSON_OBJECT_PTR, AT(spec_masu, network), &net_spec_object },
	{ "group",     JSON_TEXT,       AT(spec_masu, group), .flags = JSON_CLEAN | JSON_NOT_EMPTY },
	{ "resources", JSON_OBJECT_PTR, AT(spec_masu, resources), &cgroup_intent_object },
	{ "memoryPressure", JSON_OBJECT, AT(spec_masu, memory_pressure), &pressure_object },
};
static const struct json_object masu_object = JSON_OBJECT_OF(struct spec_masu, masu_rows);

static const struct json_row spec_rows[] = {
	{ "ociVersion",  JSON_TEXT,       AT(spec, oci_version), .flags = JSON_REQUIRED },
	{ "process",     JSON_OBJECT_PTR, AT(spec, process), &spec_process_object, .flags = JSON_MERGE },
	{ "root",        JSON_OBJECT,     AT(spec, root), &ns_root_object },
	{ "hostname",    JSON_TEXT,       AT(spec, hostname), .flags = JSON_CLEAN },
	{ "domainname",  JSON_TEXT,       AT(spec, domainname), .flags = JSON_CLEAN },
	{ "mounts",      JSON_LIST,       AT(spec, mounts), &ns_mount_object },
	{ "hooks",       JSON_OBJECT,     AT(spec, hooks), &spec_hooks_object },
	{ "annotations", JSON_MAP_TEXT,   AT(spec, annotations), .flags = JSON_NOT_EMPTY },
	{ "linux",       JSON_OBJECT,     AT(spec, linux_part), &linux_object },
	{ "masu",        JSON_OBJECT,     AT(spec, masu), &masu_object },
};
/* clang-format on */
const struct json_object spec_object = JSON_OBJECT_OF(struct spec, spec_rows);

int spec_decode(const char *source, const char *text, size_t length, struct arena *arena,
		struct spec *spec, struct err *err)
{
	const struct preset_document document = { source, text, length };

	*spec = (struct spec){ 0 };
	if (preset_decode(&document, arena, spec, err) < 0)
		return -1;
	if (spec_check(spec, err) < 0)
		return err_wrap(err, "%s", source);
	return 0;
}

int spec_load(const char *bundle_path, int bundle_fd, const char *file, struct arena *arena,
	      struct spec *spec, struct err *err)
{
	size_t length;
	auto_free char *text = fd_slurp(bundle_fd, file, SPEC_FILE_MAX, &length, err);

	if (!text) {
		err_wrap(err, "bundle %s", bundle_path);
		if (err && err->code == ENOENT)
			err_hint(err, "`masu spec` writes one to begin with");
		return -1;
	}
	const struct preset_document document = { file, text, length };

	*spec = (struct spec){ 0 };
	return preset_decode(&document, arena, spec, err);
}

int spec_decode_process(const char *source, const char *text, size_t length, struct arena *arena,
			struct spec_process *process, struct err *err)
{
	*process = (struct spec_process){ 0 };
	if (json_decode(source, text, length, &spec_process_object, process, arena, err) < 0)
		return -1;
	if (spec_check_process(process, err) < 0)
		return err_wrap(err, "%s", source);
	return 0;
}
