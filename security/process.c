/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The properties of `process` that belong to security/, as decoder rows. */
#include "security/security.h"

#include "security/names.h"

enum {
	ID_MAX = UINT32_MAX - 1, /* 4294967295 means "no change" to the kernel */
	UMASK_MAX = 0777,
	OOM_MIN = -1000,
	OOM_MAX = 1000,
};

/* clang-format off */
#define AT(type, member) offsetof(struct type, member)

static const struct json_row user_rows[] = {
	{ "uid", JSON_UINT, AT(security_user, uid), .min = 0, .max = ID_MAX },
	{ "gid", JSON_UINT, AT(security_user, gid), .min = 0, .max = ID_MAX },
	{ "umask", JSON_U64, AT(security_user, umask), .min = 0, .max = UMASK_MAX },
	{ "additionalGids", JSON_U64S, AT(security_user, additional_gids), .min = 0, .max = ID_MAX },
};
static const struct json_object user_object = JSON_OBJECT_OF(struct security_user, user_rows);

static const struct json_row rlimit_rows[] = {
	{ "type", JSON_NAME, AT(security_rlimit, type), .names = security_rlimit_names, .flags = JSON_REQUIRED },
	{ "soft", JSON_U64, AT(security_rlimit, soft), .flags = JSON_REQUIRED },
	{ "hard", JSON_U64, AT(security_rlimit, hard), .flags = JSON_REQUIRED },
};
static const struct json_object rlimit_object = JSON_OBJECT_OF(struct security_rlimit, rlimit_rows);

static const struct json_row capability_rows[] = {
	{ "bounding",    JSON_TEXTS, AT(security_capabilities, sets[CAPS_BOUNDING]) },
	{ "effective",   JSON_TEXTS, AT(security_capabilities, sets[CAPS_EFFECTIVE]) },
	{ "inheritable", JSON_TEXTS, AT(security_capabilities, sets[CAPS_INHERITABLE]) },
	{ "permitted",   JSON_TEXTS, AT(security_capabilities, sets[CAPS_PERMITTED]) },
	{ "ambient",     JSON_TEXTS, AT(security_capabilities, sets[CAPS_AMBIENT]) },
};
static const struct json_object capabilities_object = JSON_OBJECT_OF(struct security_capabilities, capability_rows);

static const struct json_row scheduler_rows[] = {
	{ "policy", JSON_NAME, AT(security_scheduler, policy), .names = security_scheduler_policies, .flags = JSON_REQUIRED },
	{ "nice", JSON_I64, AT(security_scheduler, nice), .min = -20, .max = 19 },
	{ "priority", JSON_I64, AT(security_scheduler, priority), .min = 0, .max = 99 },
	{ "flags", JSON_NAMES, AT(security_scheduler, flags), .names = security_scheduler_flags },
	{ "runtime", JSON_U64, AT(security_scheduler, runtime) },
	{ "deadline", JSON_U64, AT(security_scheduler, deadline) },
	{ "period", JSON_U64, AT(security_scheduler, period) },
};
static const struct json_object scheduler_object = JSON_OBJECT_OF(struct security_scheduler, scheduler_rows);

static const struct json_row io_priority_rows[] = {
	{ "class", JSON_NAME, AT(security_io_priority, class), .names = security_io_classes, .flags = JSON_REQUIRED },
	{ "priority", JSON_I64, AT(security_io_priority, priority), .min = 0, .max = 7 },
};
static const struct json_object io_priority_object = JSON_OBJECT_OF(struct security_io_priority, io_priority_rows);

static const struct json_row affinity_rows[] = {
	{ "initial", JSON_TEXT, AT(security_cpu_affinity, initial) },
	{ "final", JSON_TEXT, AT(security_cpu_affinity, final) },
};
static const struct json_object affinity_object = JSON_OBJECT_OF(struct security_cpu_affinity, affinity_rows);

static const struct json_row process_rows[] = {
	{ "user", JSON_OBJECT, AT(security_process, user), .nested = &user_object },
	{ "rlimits", JSON_LIST, AT(security_process, rlimits), .nested = &rlimit_object },
	{ "capabilities", JSON_OBJECT_PTR, AT(security_process, capabilities), .nested = &capabilities_object },
	{ "noNewPrivileges", JSON_BOOL, AT(security_process, no_new_privileges) },
	{ "apparmorProfile", JSON_TEXT, AT(security_process, apparmor_profile), .flags = JSON_CLEAN },
	{ "selinuxLabel", JSON_TEXT, AT(security_process, selinux_label), .flags = JSON_CLEAN },
	{ "oomScoreAdj", JSON_I64, AT(security_process, oom_score_adj), .min = OOM_MIN, .max = OOM_MAX },
	{ "scheduler", JSON_OBJECT_PTR, AT(security_process, scheduler), .nested = &scheduler_object },
	{ "ioPriority", JSON_OBJECT_PTR, AT(security_process, io_priority), .nested = &io_priority_object },
	{ "execCPUAffinity", JSON_OBJECT_PTR, AT(security_process, exec_cpu_affinity), .nested = &affinity_object },
};
/* clang-format on */

const struct json_object security_process_object =
	JSON_OBJECT_OF(struct security_process, process_rows);
