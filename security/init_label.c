/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In masu-init: the session keyring and the label that the workload's exec takes. */
#include "security/security.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/proc.h"

/* lsm_set_self_attr(2) of Linux 6.8: <linux/lsm.h>, which Debian 12 does not have. */
#ifndef SYS_lsm_set_self_attr
#define SYS_lsm_set_self_attr 460
#endif

enum {
	LABEL_MAX = 4096, /* the kernel takes no more than a page */
	KEYRING_JOIN_SESSION = 1,
};

/* Which attribute to set: the kernel's number for it and its file below /proc/thread-self/attr. */
enum label_attribute {
	LABEL_EXEC = 101,
	LABEL_KEY_CREATE = 103,
};

enum label_module {
	LABEL_SELINUX = 101,
	LABEL_APPARMOR = 104,
};

struct label_context {
	uint64_t module;
	uint64_t flags;
	uint64_t length;      /* of the whole struct */
	uint64_t text_length; /* of the text behind it */
	char text[LABEL_MAX];
};

/* True when the kernel took it. What it does not know, or an outer sandbox hides, is tried through
 * procfs. */
static bool set_by_call(enum label_module module, enum label_attribute attribute, const char *text)
{
	struct label_context context = { .module = (uint64_t)module };
	size_t length = strlen(text);

	if (length >= sizeof(context.text))
		return false;
	memcpy(context.text, text, length);
	context.text_length = length;
	context.length = offsetof(struct label_context, text) + length;
	return syscall(SYS_lsm_set_self_attr, (unsigned int)attribute, &context,
		       (uint32_t)context.length, 0) == 0;
}

static const char *attribute_file(enum label_module module, enum label_attribute attribute)
{
	if (module == LABEL_APPARMOR)
		return "thread-self/attr/apparmor/exec";
	return attribute == LABEL_EXEC ? "thread-self/attr/exec" : "thread-self/attr/keycreate";
}

static int set_attribute(enum label_module module, enum label_attribute attribute, const char *text,
			 struct err *err)
{
	struct err first = { 0 };

	if (set_by_call(module, attribute, text))
		return 0;
	auto_close int proc = proc_open(err);

	if (proc < 0)
		return -1;
	if (proc_write(proc, attribute_file(module, attribute), text, &first) == 0)
		return 0;
	/* before 5.8 the first module alone had the file, without a folder of its own */
	if (module == LABEL_APPARMOR && first.code == ENOENT)
		return proc_write(proc, "thread-self/attr/exec", text, err);
	if (err)
		*err = first;
	return -1;
}

int security_join_keyring(const struct flat_view *view, const struct security_plan *plan,
			  struct err *err)
{
	const char *name = flat_string(view, plan->keyring);
	const char *selinux = flat_string(view, plan->selinux);

	if (!name || !*name)
		return 0;
	/* the keyring belongs to the workload: it gets the workload's label */
	if (selinux && set_attribute(LABEL_SELINUX, LABEL_KEY_CREATE, selinux, err) < 0)
		return err_wrap(err, "label the session keyring");
	if (syscall(SYS_keyctl, KEYRING_JOIN_SESSION, name) < 0 && errno != ENOSYS) {
		int code = errno;

		err_sys(err, "join session keyring %s", name);
		if (code == EDQUOT)
			return err_hint(err, "see /proc/key-users and the limits in "
					     "/proc/sys/kernel/keys");
		return err_hint(err,
				"an outer container may forbid keyctl(2): try --no-new-keyring");
	}
	if (selinux && set_attribute(LABEL_SELINUX, LABEL_KEY_CREATE, "", err) < 0)
		return err_wrap(err, "reset the label of new keys");
	return 0;
}

int security_apply_label(const struct flat_view *view, const struct security_plan *plan,
			 struct err *err)
{
	const char *apparmor = flat_string(view, plan->apparmor);
	const char *selinux = flat_string(view, plan->selinux);
	char command[LABEL_MAX];
	struct err why = { 0 };

	if (apparmor) {
		if (str_format(command, sizeof(command), "exec %s", apparmor) < 0)
			return err_sys(err, "process.apparmorProfile");
		if (set_attribute(LABEL_APPARMOR, LABEL_EXEC, command, &why) < 0) {
			/* the file is there, for AppArmor is enabled: it is the profile that is not
			 */
			if (why.code == ENOENT)
				err_set(err, ENOENT, "process.apparmorProfile: %.64s is not loaded",
					apparmor);
			else
				err_set(err, why.code, "process.apparmorProfile: apply %.64s: %s",
					apparmor, why.text);
			return err_hint(err,
					"see aa-status(8), and apparmor_parser(8) to load one");
		}
	}
	if (selinux && set_attribute(LABEL_SELINUX, LABEL_EXEC, selinux, err) < 0)
		return err_wrap(err, "process.selinuxLabel: apply %.100s", selinux);
	return 0;
}
