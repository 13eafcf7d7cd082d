/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The features document, put together from the folders' own tables (features.md): null means
 * unknown, an empty list means none. */
#include "runtime/features.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "runtime/masu.h"
#include "runtime/spec.h"

#ifndef MASU_COMMIT
#define MASU_COMMIT ""
#endif

struct flag {
	bool enabled;
};

struct cgroup_features {
	bool v1, v2, systemd, systemd_user, rdma;
};

struct seccomp_features {
	bool enabled;
	struct json_list actions, operators, archs, known_flags, supported_flags;
};

struct rdt_features {
	bool enabled, schemata, monitoring;
};

struct memory_policy_features {
	struct json_list modes, flags;
};

struct mount_extension_features {
	struct flag idmap;
};

struct linux_features {
	struct json_list namespaces, capabilities;
	struct cgroup_features cgroup;
	struct seccomp_features seccomp;
	struct flag apparmor, selinux;
	struct rdt_features rdt;
	struct memory_policy_features memory_policy;
	struct mount_extension_features mount_extensions;
	struct flag net_devices;
};

struct features {
	const char *version_min, *version_max;
	struct json_list hooks, mount_options;
	struct linux_features linux_part;
	struct json_list annotations, unsafe_annotations;
};

/* clang-format off */
#define AT(type, member) offsetof(struct type, member)
#define BOOL_ROW(name, type, member) { name, JSON_BOOL, AT(type, member), .flags = JSON_ALWAYS }
#define TEXTS_ROW(name, type, member) { name, JSON_TEXTS, AT(type, member), .flags = JSON_ALWAYS }

static const struct json_row flag_rows[] = { BOOL_ROW("enabled", flag, enabled) };
static const struct json_object flag_object = JSON_OBJECT_OF(struct flag, flag_rows);

static const struct json_row cgroup_rows[] = {
	BOOL_ROW("v1",          cgroup_features, v1),
	BOOL_ROW("v2",          cgroup_features, v2),
	BOOL_ROW("systemd",     cgroup_features, systemd),
	BOOL_ROW("systemdUser", cgroup_features, systemd_user),
	BOOL_ROW("rdma",        cgroup_features, rdma),
};
static const struct json_object cgroup_object = JSON_OBJECT_OF(struct cgroup_features, cgroup_rows);

static const struct json_row seccomp_rows[] = {
	BOOL_ROW("enabled",         seccomp_features, enabled),
	TEXTS_ROW("actions",        seccomp_features, actions),
	TEXTS_ROW("operators",      seccomp_features, operators),
	TEXTS_ROW("archs",          seccomp_features, archs),
	TEXTS_ROW("knownFlags",     seccomp_features, known_flags),
	TEXTS_ROW("supportedFlags", seccomp_features, supported_flags),
};
static const struct json_object seccomp_object = JSON_OBJECT_OF(struct seccomp_features, seccomp_rows);

static const struct json_row rdt_rows[] = {
	BOOL_ROW("enabled",    rdt_features, enabled),
	BOOL_ROW("schemata",   rdt_features, schemata),
	BOOL_ROW("monitoring", rdt_features, monitoring),
};
static const struct json_object rdt_object = JSON_OBJECT_OF(struct rdt_features, rdt_rows);

static const struct json_row memory_policy_rows[] = {
	TEXTS_ROW("modes", memory_policy_features, modes),
	TEXTS_ROW("flags", memory_policy_features, flags),
};
static const struct json_object memory_policy_object = JSON_OBJECT_OF(struct memory_policy_features, memory_policy_rows);

static const struct json_row mount_extension_rows[] = {
	{ "idmap", JSON_OBJECT, AT(mount_extension_features, idmap), .nested = &flag_object, .flags = JSON_ALWAYS },
};
static const struct json_object mount_extension_object = JSON_OBJECT_OF(struct mount_extension_features, mount_extension_rows);

#define OBJECT_ROW(name, type, member, object) { name, JSON_OBJECT, AT(type, member), .nested = &(object), .flags = JSON_ALWAYS }

static const struct json_row linux_rows[] = {
	TEXTS_ROW("namespaces",       linux_features, namespaces),
	TEXTS_ROW("capabilities",     linux_features, capabilities),
	OBJECT_ROW("cgroup",          linux_features, cgroup, cgroup_object),
	OBJECT_ROW("seccomp",         linux_features, seccomp, seccomp_object),
	OBJECT_ROW("apparmor",        linux_features, apparmor, flag_object),
	OBJECT_ROW("selinux",         linux_features, selinux, flag_object),
	OBJECT_ROW("intelRdt",        linux_features, rdt, rdt_object),
	OBJECT_ROW("memoryPolicy",    linux_features, memory_policy, memory_policy_object),
	OBJECT_ROW("mountExtensions", linux_features, mount_extensions, mount_extension_object),
	OBJECT_ROW("netDevices",      linux_features, net_devices, flag_object),
};
static const struct json_object linux_object = JSON_OBJECT_OF(struct linux_features, linux_rows);

static const struct json_row features_rows[] = {
	{ "ociVersionMin", JSON_TEXT, AT(features, version_min) },
	{ "ociVersionMax", JSON_TEXT, AT(features, version_max) },
	TEXTS_ROW("hooks",        features, hooks),
	TEXTS_ROW("mountOptions", features, mount_options),
	OBJECT_ROW("linux",       features, linux_part, linux_object),
	{ "annotations", JSON_MAP_TEXT, AT(features, annotations), .flags = JSON_ALWAYS },
	TEXTS_ROW("potentiallyUnsafeConfigAnnotations", features, unsafe_annotations),
};
static const struct json_object features_object = JSON_OBJECT_OF(struct features, features_rows);

/* clang-format on */

/* The words of a table, in its order. */
static struct json_list words_of(const struct name *table, struct arena *arena)
{
	size_t count = 0;

	while (table[count].text)
		count++;
	const char **words = arena_alloc(arena, (count + 1) * sizeof(*words));

	for (size_t i = 0; words && i < count; i++)
		words[i] = table[i].text;
	return (struct json_list){ words, words ? count : 0 };
}

static struct json_list texts_of(const char *const *texts)
{
	size_t count = 0;

	while (texts[count])
		count++;
	return (struct json_list){ (void *)texts, count };
}

static void fill_linux(struct linux_features *part, struct arena *arena)
{
	part->namespaces = words_of(ns_type_names, arena);
	part->capabilities = words_of(security_capability_names, arena);
	/* what this build can do; whether systemd runs shows at create */
	part->cgroup = (struct cgroup_features){
		.v1 = true,
		.v2 = true,
		.systemd = true,
		.systemd_user = true,
		.rdma = true,
	};
	part->seccomp = (struct seccomp_features){
		.enabled = true,
		.actions = words_of(security_seccomp_actions, arena),
		.operators = words_of(security_seccomp_operators, arena),
		.archs = words_of(security_seccomp_archs, arena),
		.known_flags = words_of(security_seccomp_flags, arena),
		.supported_flags = words_of(security_seccomp_flags, arena),
	};
	/* the code is always built in; whether the kernel has the module shows at create */
	part->apparmor.enabled = true;
	part->selinux.enabled = true;
	part->rdt = (struct rdt_features){ true, true, true };
	part->memory_policy.modes = words_of(security_memory_modes, arena);
	part->memory_policy.flags = words_of(security_memory_flags, arena);
	part->mount_extensions.idmap.enabled = true;
	part->net_devices.enabled = true;
}

char *features_json(struct err *err)
{
	auto_arena struct arena arena = { 0 };
	static const char *const no_texts[] = { NULL };
	struct json_pair annotations[] = {
		{ "org.masu.version", MASU_VERSION },
		{ "io.github.seccomp.libseccomp.version", security_seccomp_version() },
		{ "org.opencontainers.runc.checkpoint.enabled", "false" },
	};
	struct features features = {
		.version_min = "1.0.0",
		.version_max = SPEC_VERSION,
		.hooks = words_of(spec_hook_names, &arena),
		.mount_options = texts_of(ns_mount_option_names),
		.annotations = { annotations, sizeof(annotations) / sizeof(*annotations) },
		.unsafe_annotations = texts_of(no_texts), /* no annotation changes what masu does */
	};

	fill_linux(&features.linux_part, &arena);
	const char *text = json_encode(&features_object, &features, 2, &arena, err);
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		err_sys(err, "make features");
	return copy;
}

const char *features_about(int what)
{
	switch ((enum masu_about)what) {
	case MASU_ABOUT_COMMIT:
		return MASU_COMMIT;
	case MASU_ABOUT_SPEC:
		return SPEC_VERSION;
	case MASU_ABOUT_LIBSECCOMP:
		return security_seccomp_version();
	case MASU_ABOUT_FEATURES:
		return "+SECCOMP +CAP +APPARMOR +SELINUX +YAJL -SYSTEMD -CRIU";
	}
	return NULL;
}
