/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* linux.seccomp: its words, decoder rows and checks, and what the rest of security/ asks about it.
 */
#include "security/seccomp.h"

#include <linux/seccomp.h>
#include <seccomp.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/names.h"
#include "security/security.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

enum {
	ARG_INDEX_MAX = 5,
	ERRNO_MAX = 4095, /* the kernel's MAX_ERRNO */
	TRACE_MAX = 0xffff,
};

/* clang-format off */
const struct name security_seccomp_actions[] = {
	{ "SCMP_ACT_KILL",         SECCOMP_ACTION_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", SECCOMP_ACTION_KILL_PROCESS },
	{ "SCMP_ACT_KILL_THREAD",  SECCOMP_ACTION_KILL_THREAD },
	{ "SCMP_ACT_TRAP",         SECCOMP_ACTION_TRAP },
	{ "SCMP_ACT_ERRNO",        SECCOMP_ACTION_ERRNO },
	{ "SCMP_ACT_TRACE",        SECCOMP_ACTION_TRACE },
	{ "SCMP_ACT_ALLOW",        SECCOMP_ACTION_ALLOW },
	{ "SCMP_ACT_LOG",          SECCOMP_ACTION_LOG },
	{ "SCMP_ACT_NOTIFY",       SECCOMP_ACTION_NOTIFY },
	{ NULL,                    0 },
};

const struct name security_seccomp_operators[] = {
	{ "SCMP_CMP_NE",        SECCOMP_NE },
	{ "SCMP_CMP_LT",        SECCOMP_LT },
	{ "SCMP_CMP_LE",        SECCOMP_LE },
	{ "SCMP_CMP_EQ",        SECCOMP_EQ },
	{ "SCMP_CMP_GE",        SECCOMP_GE },
	{ "SCMP_CMP_GT",        SECCOMP_GT },
	{ "SCMP_CMP_MASKED_EQ", SECCOMP_MASKED_EQ },
	{ NULL,                 0 },
};

const struct name security_seccomp_flags[] = {
	{ "SECCOMP_FILTER_FLAG_TSYNC",              SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_LOG",                SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW",         SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
	{ NULL,                                     0 },
};

#define AT(type, member) offsetof(struct type, member)

static const struct json_row arg_rows[] = {
	{ "index", JSON_UINT, AT(seccomp_arg, index), .flags = JSON_REQUIRED, .min = 0, .max = ARG_INDEX_MAX },
	{ "value", JSON_U64, AT(seccomp_arg, value), .flags = JSON_REQUIRED },
	{ "valueTwo", JSON_U64, AT(seccomp_arg, value_two) },
	{ "op", JSON_NAME, AT(seccomp_arg, op), .names = security_seccomp_operators, .flags = JSON_REQUIRED },
};
static const struct json_object arg_object = JSON_OBJECT_OF(struct seccomp_arg, arg_rows);

static const struct json_row rule_rows[] = {
	{ "names", JSON_TEXTS, AT(seccomp_rule, names), .flags = JSON_REQUIRED | JSON_NOT_EMPTY },
	{ "action", JSON_NAME, AT(seccomp_rule, action), .names = security_seccomp_actions, .flags = JSON_REQUIRED },
	{ "errnoRet", JSON_U64, AT(seccomp_rule, errno_ret), .min = 0, .max = TRACE_MAX },
	{ "args", JSON_LIST, AT(seccomp_rule, args), .nested = &arg_object },
};
static const struct json_object rule_object = JSON_OBJECT_OF(struct seccomp_rule, rule_rows);

static const struct json_row seccomp_rows[] = {
	{ "defaultAction", JSON_NAME, AT(security_seccomp, default_action), .names = security_seccomp_actions, .flags = JSON_REQUIRED },
	{ "defaultErrnoRet", JSON_U64, AT(security_seccomp, default_errno), .min = 0, .max = TRACE_MAX },
	{ "architectures", JSON_NAMES, AT(security_seccomp, archs), .names = security_seccomp_archs },
	{ "flags", JSON_NAMES, AT(security_seccomp, flags), .names = security_seccomp_flags },
	{ "listenerPath", JSON_TEXT, AT(security_seccomp, listener_path), .flags = JSON_CLEAN },
	{ "listenerMetadata", JSON_TEXT, AT(security_seccomp, listener_metadata) },
	{ "syscalls", JSON_LIST, AT(security_seccomp, rules), .nested = &rule_object },
};
const struct json_object security_seccomp_object = JSON_OBJECT_OF(struct security_seccomp, seccomp_rows);

static const uint32_t action_rets[] = {
	[SECCOMP_ACTION_KILL_THREAD]  = SECCOMP_RET_KILL_THREAD,
	[SECCOMP_ACTION_KILL_PROCESS] = SECCOMP_RET_KILL_PROCESS,
	[SECCOMP_ACTION_TRAP]         = SECCOMP_RET_TRAP,
	[SECCOMP_ACTION_ERRNO]        = SECCOMP_RET_ERRNO,
	[SECCOMP_ACTION_TRACE]        = SECCOMP_RET_TRACE,
	[SECCOMP_ACTION_ALLOW]        = SECCOMP_RET_ALLOW,
	[SECCOMP_ACTION_LOG]          = SECCOMP_RET_LOG,
	[SECCOMP_ACTION_NOTIFY]       = SECCOMP_RET_USER_NOTIF,
};

/* clang-format on */

static bool takes_errno(int action)
{
	return action == SECCOMP_ACTION_ERRNO || action == SECCOMP_ACTION_TRACE;
}

uint32_t seccomp_ret(int action, struct opt_u64 errno_ret)
{
	if (!takes_errno(action))
		return action_rets[action];
	return action_rets[action] |
	       (uint32_t)((errno_ret.set ? errno_ret.value : EPERM) & SECCOMP_RET_DATA);
}

static int check_errno(const char *field, int action, struct opt_u64 errno_ret, struct err *err)
{
	if (errno_ret.set && !takes_errno(action))
		return err_set(err, ERR_INPUT, "%s: the action %s takes none", field,
			       names_text(security_seccomp_actions, action));
	if (errno_ret.set && action == SECCOMP_ACTION_ERRNO && errno_ret.value > ERRNO_MAX)
		return err_set(err, ERR_INPUT, "%s: %llu is above %d", field,
			       (unsigned long long)errno_ret.value, ERRNO_MAX);
	return 0;
}

static int check_rule(const struct seccomp_rule *rule, size_t number, struct err *err)
{
	const char *const *names = rule->names.items;
	char field[64];

	str_format(field, sizeof(field), "linux.seccomp.syscalls[%zu].errnoRet", number);
	if (check_errno(field, rule->action, rule->errno_ret, err) < 0)
		return -1;
	for (size_t i = 0; i < rule->names.count; i++) {
		if (!*names[i])
			return err_set(err, ERR_INPUT,
				       "linux.seccomp.syscalls[%zu].names[%zu]: empty", number, i);
		/* masu-init hands the listener's number over by write(2), before anyone can answer
		 * for it */
		if (rule->action == SECCOMP_ACTION_NOTIFY && strcmp(names[i], "write") == 0)
			return err_set(
				err, ERR_INPUT,
				"linux.seccomp.syscalls[%zu]: SCMP_ACT_NOTIFY cannot be used for write",
				number);
	}
	return 0;
}

int seccomp_check(const struct security_seccomp *seccomp, struct err *err)
{
	const struct seccomp_rule *rules = seccomp->rules.items;

	if (seccomp->default_action == SECCOMP_ACTION_NOTIFY)
		return err_set(
			err, ERR_INPUT,
			"linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be the default");
	if (check_errno("linux.seccomp.defaultErrnoRet", seccomp->default_action,
			seccomp->default_errno, err) < 0)
		return -1;
	for (size_t i = 0; i < seccomp->rules.count; i++) {
		if (check_rule(&rules[i], i, err) < 0)
			return -1;
	}
	if (seccomp->listener_metadata && !seccomp->listener_path)
		return err_set(err, ERR_INPUT,
			       "linux.seccomp.listenerMetadata: not allowed without listenerPath");
	if (seccomp->listener_path && seccomp->listener_path[0] != '/')
		return err_set(err, ERR_INPUT, "linux.seccomp.listenerPath: %s is not absolute",
			       seccomp->listener_path);
	if (seccomp_notifies(seccomp) && !seccomp->listener_path)
		return err_set(
			err, ERR_INPUT,
			"linux.seccomp.listenerPath: missing, and a rule has SCMP_ACT_NOTIFY");
	return 0;
}

bool seccomp_notifies(const struct security_seccomp *seccomp)
{
	const struct seccomp_rule *rules = seccomp->rules.items;

	for (size_t i = 0; i < seccomp->rules.count; i++) {
		if (rules[i].action == SECCOMP_ACTION_NOTIFY)
			return true;
	}
	return false;
}

bool seccomp_allows_all(const struct security_seccomp *seccomp)
{
	const struct seccomp_rule *rules = seccomp->rules.items;

	for (size_t i = 0; i < seccomp->rules.count; i++) {
		if (rules[i].action != SECCOMP_ACTION_ALLOW)
			return false;
	}
	return seccomp->default_action == SECCOMP_ACTION_ALLOW;
}

uint32_t seccomp_flags(const struct security_seccomp *seccomp)
{
	const int *flags = seccomp->flags.items;
	uint32_t all = 0;

	/* Without a word about flags peers ask for this one: before 5.16 a filter else turned on a
	 * costly mitigation. */
	if (!seccomp->flags.count)
		return SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	for (size_t i = 0; i < seccomp->flags.count; i++)
		all |= (uint32_t)flags[i];
	/*
	 * Two flags that the kernel refuses where they mean nothing: TSYNC together with a listener
	 * (masu-init has one thread), and how to wait for a listener's answer where there is no
	 * listener.
	 */
	if (seccomp_notifies(seccomp))
		return all & ~(uint32_t)SECCOMP_FILTER_FLAG_TSYNC;
	return all & ~(uint32_t)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
}

int security_seccomp_compile(const struct security_seccomp *seccomp, struct arena *arena,
			     void **program, size_t *size, struct err *err)
{
	*program = NULL;
	*size = 0;
	if (seccomp_allows_all(seccomp))
		return 0;
	struct sock_filter room[BPF_MAXINSNS];
	int count = seccomp_compile(seccomp, seccomp_arch_native(), arena, room, err);

	if (count < 0)
		return -1;
	log_debug("seccomp: filter of %d instructions", count);
	*size = (size_t)count * sizeof(room[0]);
	*program = arena_copy(arena, room, *size);
	return *program ? 0 : err_sys(err, "compile linux.seccomp");
}

#define TEXT_OF(number)                 #number
#define VERSION_OF(major, minor, micro) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(micro)

const char *security_seccomp_version(void)
{
	return VERSION_OF(SCMP_VER_MAJOR, SCMP_VER_MINOR, SCMP_VER_MICRO);
}
