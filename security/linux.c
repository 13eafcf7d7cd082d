/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The properties of `linux` that belong to security/, as decoder rows (seccomp's own are in
 * seccomp.c). */
#include "security/security.h"

#include "security/names.h"
#include "security/seccomp.h"

/* clang-format off */
#define AT(type, member) offsetof(struct type, member)

static const struct json_row personality_rows[] = {
	{ "domain", JSON_NAME, AT(security_personality, domain), .names = security_personality_domains, .flags = JSON_REQUIRED },
	{ "flags", JSON_TEXTS, AT(security_personality, flags) },
};
static const struct json_object personality_object = JSON_OBJECT_OF(struct security_personality, personality_rows);

static const struct json_row memory_policy_rows[] = {
	{ "mode", JSON_NAME, AT(security_memory_policy, mode), .names = security_memory_modes, .flags = JSON_REQUIRED },
	{ "nodes", JSON_TEXT, AT(security_memory_policy, nodes) },
	{ "flags", JSON_NAMES, AT(security_memory_policy, flags), .names = security_memory_flags },
};
static const struct json_object memory_policy_object = JSON_OBJECT_OF(struct security_memory_policy, memory_policy_rows);

static const struct json_row linux_rows[] = {
	{ "seccomp", JSON_OBJECT_PTR, AT(security_linux, seccomp), .nested = &security_seccomp_object },
	{ "personality", JSON_OBJECT_PTR, AT(security_linux, personality), .nested = &personality_object },
	{ "memoryPolicy", JSON_OBJECT_PTR, AT(security_linux, memory_policy), .nested = &memory_policy_object },
};
/* clang-format on */

const struct json_object security_linux_object = JSON_OBJECT_OF(struct security_linux, linux_rows);
