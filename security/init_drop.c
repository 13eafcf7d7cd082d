/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In masu-init: from all that the start needed down to the user and the capabilities that the spec
 * grants. */
#include "security/security.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"

/*
 * Raw system calls throughout: C libraries wrap those of credentials to reach all threads of a
 * process, and this one has a single thread. 32-bit machines have two sets of numbers, the older
 * for 16-bit ids.
 */
#ifdef SYS_setresuid32
#define CALL_SETGROUPS SYS_setgroups32
#define CALL_SETRESUID SYS_setresuid32
#define CALL_SETRESGID SYS_setresgid32
#define CALL_GETRESUID SYS_getresuid32
#define CALL_GETRESGID SYS_getresgid32
#else
#define CALL_SETGROUPS SYS_setgroups
#define CALL_SETRESUID SYS_setresuid
#define CALL_SETRESGID SYS_setresgid
#define CALL_GETRESUID SYS_getresuid
#define CALL_GETRESGID SYS_getresgid
#endif

enum {
	CAPABILITY_BITS = 64,
};

typedef struct __user_cap_data_struct cap_words[_LINUX_CAPABILITY_U32S_3];

static int cap_call(long number, cap_words words)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return (int)syscall(number, &header, words);
}

static int drop_bounding(uint64_t keep, struct err *err)
{
	for (unsigned int cap = 0; cap < CAPABILITY_BITS; cap++) {
		if (keep >> cap & 1)
			continue;
		/* reading is cheap, dropping makes new credentials: ask first */
		int has = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (has < 0)
			break; /* behind the kernel's last capability */
		if (has && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return err_sys(err, "drop capability %u from the bounding set", cap);
	}
	return 0;
}

static int set_groups(const struct flat_view *view, const struct security_plan *plan,
		      struct err *err)
{
	const uint32_t *groups = flat_get(view, plan->groups, sizeof(*groups));

	if (!plan->set_groups)
		return 0;
	if (syscall(CALL_SETGROUPS, groups ? plan->groups.count : 0, groups) == 0)
		return 0;
	int code = errno;

	err_sys(err, "process.user.additionalGids: set %u groups", plan->groups.count);
	if (code == EINVAL)
		err_hint(err, "one of them is not mapped in the user namespace");
	return -1;
}

static int set_user(const struct security_plan *plan, struct err *err)
{
	const uint32_t uid = plan->uid, gid = plan->gid;

	if (syscall(CALL_SETRESGID, gid, gid, gid) < 0) {
		err_sys(err, "process.user.gid: become group %u", gid);
		return errno == EINVAL ? err_hint(err, "it is not mapped in the user namespace")
				       : -1;
	}
	if (syscall(CALL_SETRESUID, uid, uid, uid) < 0) {
		err_sys(err, "process.user.uid: become user %u", uid);
		return errno == EINVAL ? err_hint(err, "it is not mapped in the user namespace")
				       : -1;
	}
	return 0;
}

static int set_capabilities(const uint64_t sets[5], struct err *err)
{
	cap_words words;

	for (int half = 0; half < _LINUX_CAPABILITY_U32S_3; half++) {
		words[half].effective = (uint32_t)(sets[CAPS_EFFECTIVE] >> 32 * half);
		words[half].permitted = (uint32_t)(sets[CAPS_PERMITTED] >> 32 * half);
		words[half].inheritable = (uint32_t)(sets[CAPS_INHERITABLE] >> 32 * half);
	}
	if (cap_call(SYS_capset, words) < 0)
		return err_sys(err,
			       "process.capabilities: set effective %#llx, permitted %#llx, "
			       "inheritable %#llx",
			       (unsigned long long)sets[CAPS_EFFECTIVE],
			       (unsigned long long)sets[CAPS_PERMITTED],
			       (unsigned long long)sets[CAPS_INHERITABLE]);
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(err, "process.capabilities.ambient: clear");
	for (unsigned long cap = 0; sets[CAPS_AMBIENT] >> cap; cap++) {
		if (sets[CAPS_AMBIENT] >> cap & 1 &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return err_sys(err, "process.capabilities.ambient: raise capability %lu",
				       cap);
	}
	return 0;
}

/* What a mistake here would turn into a hole is asked from the kernel once more. */
static int verify(const struct security_plan *plan, struct err *err)
{
	uint32_t uid[3], gid[3];
	cap_words words;

	if (cap_call(SYS_capget, words) < 0 ||
	    syscall(CALL_GETRESUID, &uid[0], &uid[1], &uid[2]) < 0 ||
	    syscall(CALL_GETRESGID, &gid[0], &gid[1], &gid[2]) < 0)
		return err_sys(err, "read back the credentials");
	for (int half = 0; half < _LINUX_CAPABILITY_U32S_3; half++) {
		const uint64_t *sets = plan->capabilities;

		if (words[half].effective != (uint32_t)(sets[CAPS_EFFECTIVE] >> 32 * half) ||
		    words[half].permitted != (uint32_t)(sets[CAPS_PERMITTED] >> 32 * half) ||
		    words[half].inheritable != (uint32_t)(sets[CAPS_INHERITABLE] >> 32 * half))
			return err_set(
				err, EPERM,
				"process.capabilities: the kernel set others than asked for");
	}
	for (int id = 0; id < 3; id++) {
		if (uid[id] != plan->uid || gid[id] != plan->gid)
			return err_set(err, EPERM,
				       "process.user: the kernel set others than asked for");
	}
	return 0;
}

int security_drop(const struct flat_view *view, const struct security_plan *plan, struct err *err)
{
	const uint64_t *sets = plan->capabilities;
	const bool keep = plan->uid != 0 && (sets[CAPS_PERMITTED] | sets[CAPS_INHERITABLE]);

	if (drop_bounding(sets[CAPS_BOUNDING], err) < 0)
		return -1;
	/* leaving user 0 empties the permitted set unless this is on */
	if (keep && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_sys(err, "keep capabilities over the change of user");
	if (set_groups(view, plan, err) < 0 || set_user(plan, err) < 0)
		return -1;
	if (keep && prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		return err_sys(err, "reset the keeping of capabilities");
	if (set_capabilities(sets, err) < 0)
		return -1;
	if (plan->umask >= 0)
		umask((mode_t)plan->umask);
	if (plan->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "process.noNewPrivileges: set");
	return verify(plan, err);
}
