/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compiles security/'s part of the spec into the plan that masu-init applies. */
#include "security/security.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/log.h"
#include "base/names.h"
#include "security/seccomp.h"

enum {
	NODE_BITS = 1024, /* the kernel's largest CONFIG_NODES_SHIFT */
};

/* ---- capabilities ---- */
static const char *const set_names[] = {
	[CAPS_BOUNDING] = "bounding",       [CAPS_EFFECTIVE] = "effective",
	[CAPS_INHERITABLE] = "inheritable", [CAPS_PERMITTED] = "permitted",
	[CAPS_AMBIENT] = "ambient",
};

/* What masu-init will have to give: all that the kernel knows in a user namespace of its own, else
 * what this process has. */
struct grantable {
	uint64_t bounding, permitted;
};

static int read_grantable(bool user_namespace, struct grantable *grantable, struct err *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	int has;

	*grantable = (struct grantable){ 0 };
	for (unsigned int cap = 0; cap < 64; cap++) {
		has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);
		if (has < 0)
			break; /* EINVAL: behind the last one that this kernel knows */
		if (has || user_namespace)
			grantable->bounding |= 1ULL << cap;
	}
	if (syscall(SYS_capget, &header, data) < 0)
		return err_sys(err, "read own capabilities");
	grantable->permitted = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	if (user_namespace)
		grantable->permitted = grantable->bounding;
	return 0;
}

static uint64_t parse_set(const struct json_list *list, enum security_capability_set set)
{
	const char *const *texts = list->items;
	uint64_t mask = 0;
	int64_t cap;

	for (size_t i = 0; i < list->count; i++) {
		if (names_find(security_capability_names, texts[i], &cap))
			mask |= 1ULL << cap;
		else
			log_warning("process.capabilities.%s: unknown %.64s is left out",
				    set_names[set], texts[i]);
	}
	return mask;
}

/* Leaves out of a set what cannot be granted, with a warning each: config.md wants no failure. */
static void limit_set(uint64_t sets[5], enum security_capability_set set, uint64_t possible,
		      const char *why)
{
	uint64_t out = sets[set] & ~possible;

	for (int cap = 0; cap < 64; cap++) {
		if (out >> cap & 1)
			log_warning("process.capabilities.%s: %s is left out: %s", set_names[set],
				    names_text(security_capability_names, cap), why);
	}
	sets[set] &= possible;
}

/* The kernel's own rules between the five sets (capabilities(7)), so that masu-init can be exact.
 */
static int compile_capabilities(const struct security_capabilities *capabilities,
				bool user_namespace, uint64_t sets[5], struct err *err)
{
	struct grantable grantable;

	memset(sets, 0, 5 * sizeof(sets[0]));
	if (!capabilities)
		return 0;
	if (read_grantable(user_namespace, &grantable, err) < 0)
		return -1;
	for (enum security_capability_set set = CAPS_BOUNDING; set <= CAPS_AMBIENT; set++)
		sets[set] = parse_set(&capabilities->sets[set], set);
	limit_set(sets, CAPS_BOUNDING, grantable.bounding, "not in the bounding set of masu");
	limit_set(sets, CAPS_PERMITTED, grantable.permitted, "masu does not have it");
	limit_set(sets, CAPS_EFFECTIVE, sets[CAPS_PERMITTED], "not permitted");
	limit_set(sets, CAPS_INHERITABLE, sets[CAPS_BOUNDING], "not in the bounding set");
	limit_set(sets, CAPS_AMBIENT, sets[CAPS_PERMITTED] & sets[CAPS_INHERITABLE],
		  "not both permitted and inheritable");
	return 0;
}

/* ---- users and limits ---- */
static int compile_groups(const struct security_user *user, bool denied, struct flat *flat,
			  struct security_plan *plan, struct err *err)
{
	const uint64_t *gids = user->additional_gids.items;
	size_t count = user->additional_gids.count;

	plan->set_groups = !denied;
	if (!count)
		return 0;
	if (denied) {
		err_set(err, ERR_INPUT,
			"process.user.additionalGids: this user namespace may not set groups");
		return err_hint(err, "a map by newgidmap(1) of more than one group allows it");
	}
	auto_free uint32_t *groups = calloc(count, sizeof(*groups));

	if (!groups)
		return err_sys(err, "compile process.user.additionalGids");
	for (size_t i = 0; i < count; i++)
		groups[i] = (uint32_t)gids[i];
	plan->groups = flat_put(flat, groups, sizeof(*groups), count);
	return 0;
}

static struct flat_ref compile_limits(const struct json_list *list, struct flat *flat)
{
	const struct security_rlimit *limits = list->items;
	struct security_rlimit_plan rows[RLIM_NLIMITS] = { 0 };
	size_t count = list->count < RLIM_NLIMITS ? list->count : RLIM_NLIMITS; /* no doubles */

	for (size_t i = 0; i < count; i++)
		rows[i] = (struct security_rlimit_plan){ .type = limits[i].type,
							 .soft = limits[i].soft.value,
							 .hard = limits[i].hard.value };
	return flat_put(flat, rows, sizeof(rows[0]), count);
}

/* ---- labels, memory policy, seccomp ---- */
static int compile_labels(const struct security_process *process, struct flat *flat,
			  struct security_plan *plan, struct err *err)
{
	const char *apparmor = process->apparmor_profile, *selinux = process->selinux_label;

	if (apparmor && *apparmor) {
		if (security_apparmor_enabled())
			plan->apparmor = flat_text(flat, apparmor);
		else if (strcmp(apparmor, "unconfined") != 0)
			return err_set(err, ERR_UNSUPPORTED,
				       "process.apparmorProfile: %.100s: AppArmor is not enabled "
				       "on this machine",
				       apparmor);
	}
	if (selinux && *selinux) {
		if (!security_selinux_enabled())
			return err_set(err, ERR_UNSUPPORTED,
				       "process.selinuxLabel: %.100s: SELinux is not enabled on "
				       "this machine",
				       selinux);
		plan->selinux = flat_text(flat, selinux);
	}
	return 0;
}

static int compile_memory_policy(const struct security_memory_policy *policy, struct flat *flat,
				 struct security_plan *plan, struct err *err)
{
	unsigned long mask[NODE_BITS / (CHAR_BIT * sizeof(unsigned long))] = { 0 };
	const int *flags = policy->flags.items;

	plan->memory_mode = policy->mode;
	for (size_t i = 0; i < policy->flags.count; i++)
		plan->memory_flags |= (uint32_t)flags[i];
	if (!policy->nodes || !*policy->nodes)
		return 0;
	if (!str_parse_cpu_list(policy->nodes, mask, NODE_BITS))
		return err_set(err, ERR_INPUT, "linux.memoryPolicy.nodes: %.64s: not below %d",
			       policy->nodes, NODE_BITS);
	plan->memory_nodes = flat_put(flat, mask, sizeof(mask[0]), sizeof(mask) / sizeof(mask[0]));
	plan->memory_bits = NODE_BITS;
	return 0;
}

enum security_seccomp_time security_seccomp_time(const struct security_plan *plan)
{
	bool admin = plan->capabilities[CAPS_EFFECTIVE] >> CAP_SYS_ADMIN & 1;

	return plan->no_new_privileges || admin ? SECURITY_SECCOMP_LATE : SECURITY_SECCOMP_EARLY;
}

static void compile_seccomp(const struct security_seccomp *seccomp, struct security_plan *plan)
{
	if (seccomp_allows_all(seccomp))
		return;
	plan->seccomp_flags = seccomp_flags(seccomp);
	plan->seccomp_listener = seccomp_notifies(seccomp);
	plan->seccomp = (uint8_t)security_seccomp_time(plan);
}

int security_compile(const struct security_process *process,
		     const struct security_linux *linux_part, unsigned int flags, struct flat *flat,
		     struct security_plan *plan, struct err *err)
{
	const struct security_user *user = &process->user;

	*plan = (struct security_plan){
		.uid = user->uid,
		.gid = user->gid,
		.umask = user->umask.set ? (int32_t)user->umask.value : -1,
		.no_new_privileges = process->no_new_privileges,
		.seccomp = SECURITY_SECCOMP_NONE,
		.personality = -1,
		.memory_mode = -1,
	};
	if (compile_groups(user, flags & SECURITY_DENIED_GROUPS, flat, plan, err) < 0 ||
	    compile_capabilities(process->capabilities, flags & SECURITY_USER_NAMESPACE,
				 plan->capabilities, err) < 0 ||
	    compile_labels(process, flat, plan, err) < 0)
		return -1;
	plan->rlimits = compile_limits(&process->rlimits, flat);
	if (!linux_part)
		return 0;
	if (linux_part->personality)
		plan->personality = linux_part->personality->domain;
	if (linux_part->seccomp)
		compile_seccomp(linux_part->seccomp, plan);
	if (linux_part->memory_policy)
		return compile_memory_policy(linux_part->memory_policy, flat, plan, err);
	return 0;
}
