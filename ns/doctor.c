/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Namespaces, user namespaces in particular, and the ids that they may map, for `masu doctor`. */
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/doctor.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/names.h"
#include "base/privilege.h"
#include "base/str.h"
#include "ns/ns.h"
#include "ns/privilege.h"
#include "ns/userns.h"

static enum doctor_state look_namespace(int type, struct doctor_note *note)
{
	static const char *const files[NS_TYPES] = {
		[NS_PID] = "pid", [NS_MOUNT] = "mnt",     [NS_NETWORK] = "net", [NS_IPC] = "ipc",
		[NS_UTS] = "uts", [NS_CGROUP] = "cgroup", [NS_USER] = "user",
	};
	char path[64];

	str_format(path, sizeof(path), "/proc/self/ns/%s", files[type]);
	bool has = access(path, F_OK) == 0;

	return doctor_say(note, has ? DOCTOR_OK : DOCTOR_MISSING, "%s",
			  has ? "there" : "not in this kernel");
}

/* What a refusal means to whoever asks: root can do without, a user cannot. */
static enum doctor_state refusal(void)
{
	return ns_is_rootless() ? DOCTOR_MISSING : DOCTOR_WARN;
}

enum { LIMIT, DEBIAN_SWITCH, APPARMOR_SWITCH };

static enum doctor_state look_sysctl(int about, struct doctor_note *note)
{
	static const struct {
		const char *path, *name;
		bool zero_is_bad;
	} rows[] = {
		[LIMIT] = { "/proc/sys/user/max_user_namespaces", "user.max_user_namespaces",
			    true },
		[DEBIAN_SWITCH] = { "/proc/sys/kernel/unprivileged_userns_clone",
				    "kernel.unprivileged_userns_clone", true },
		[APPARMOR_SWITCH] = { "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
				      "kernel.apparmor_restrict_unprivileged_userns", false },
	};

	char text[32];

	if (fd_read_file(AT_FDCWD, rows[about].path, text, sizeof(text)) < 0)
		return doctor_say(note, DOCTOR_OK, "no such switch in this kernel");
	bool bad = (strcmp(text, "0") == 0) == rows[about].zero_is_bad;

	return doctor_say(note, bad ? refusal() : DOCTOR_OK, "%s is %s", rows[about].name, text);
}

/* No question is as good as trying. */
static enum doctor_state look_userns(int about, struct doctor_note *note)
{
	struct ns_id_map uid = { .host_id = geteuid(), .size = 1 };
	struct ns_id_map gid = { .host_id = getegid(), .size = 1 };
	const struct json_list uids = { &uid, 1 }, gids = { &gid, 1 };
	struct err err = { 0 };
	auto_close int made = userns_create(&uids, &gids, NULL, &err);

	(void)about;
	return made < 0 ? doctor_say(note, refusal(), "%s", err.text)
			: doctor_say(note, DOCTOR_OK, "made one to see");
}

/* By fgetpwent(3): what may ask a name service does not work in a static program. */
static bool is_own_name(const char *name)
{
	FILE *in = fopen("/etc/passwd", "re");
	const struct passwd *entry = NULL;
	bool found = false;

	while (in && !found && (entry = fgetpwent(in)))
		found = entry->pw_uid == geteuid() && strcmp(entry->pw_name, name) == 0;
	if (in)
		fclose(in);
	return found;
}

/* The caller's line in /etc/subuid or /etc/subgid: "NAME:FIRST:COUNT", by name or by number. */
static bool find_range(const char *file, char *range, size_t size)
{
	FILE *in = fopen(file, "re");
	char line[256], number[24];
	bool found = false;

	str_format(number, sizeof(number), "%u", geteuid());
	while (in && !found && fgets(line, sizeof(line), in)) {
		char *colon = strchr(line, ':');

		if (!colon)
			continue;
		*colon = '\0';
		colon[1 + strcspn(colon + 1, "\n")] = '\0';
		found = (strcmp(line, number) == 0 || is_own_name(line)) &&
			str_format(range, size, "%s", colon + 1) == 0;
	}
	if (in)
		fclose(in);
	return found;
}

static enum doctor_state look_range(int group, struct doctor_note *note)
{
	const char *file = group ? "/etc/subgid" : "/etc/subuid";
	char range[64];

	if (geteuid() == 0)
		return doctor_say(note, DOCTOR_OK, "root may map any id");
	if (find_range(file, range, sizeof(range)))
		return doctor_say(note, DOCTOR_OK, "%s: %s", file, range);
	return doctor_say(note, DOCTOR_WARN, "no line in %s", file);
}

/* It must be setuid, or hold the capability by an attribute. */
static enum doctor_state look_helper(int group, struct doctor_note *note)
{
	const char *const *places = group ? userns_gid_helpers : userns_uid_helpers;
	struct stat status;

	if (geteuid() == 0)
		return doctor_say(note, DOCTOR_OK, "root needs none");
	for (; *places; places++) {
		if (stat(*places, &status) < 0)
			continue;
		bool able = status.st_mode & S_ISUID ||
			    getxattr(*places, "security.capability", NULL, 0) > 0;

		return doctor_say(note, able ? DOCTOR_OK : DOCTOR_WARN, "%s%s", *places,
				  able ? "" : ", neither setuid nor with a capability");
	}
	return doctor_say(note, DOCTOR_WARN, "not found");
}

static enum doctor_state look_mounts(int about, struct doctor_note *note)
{
	(void)about;
	if (ns_can_clone_mounts())
		return doctor_say(note, DOCTOR_OK, "by detached mounts");
	return doctor_say(note, ns_is_rootless() ? DOCTOR_OK : DOCTOR_MISSING, "%s",
			  ns_is_rootless() ? "inside the user namespace" : "not allowed");
}

/* The kernel lets a user namespace mount /proc only if nothing covers a part of the one outside. */
static enum doctor_state look_proc(int about, struct doctor_note *note)
{
	FILE *in = fopen("/proc/self/mountinfo", "re");
	char line[4096], at[256], covered[256] = "";

	(void)about;
	while (in && !covered[0] && fgets(line, sizeof(line), in)) {
		if (sscanf(line, "%*s %*s %*s %*s %255s", at) == 1 && str_starts(at, "/proc/") &&
		    !str_starts(at, "/proc/sys/fs/binfmt_misc") && !str_starts(at, "/proc/fs/nfsd"))
			str_format(covered, sizeof(covered), "%s", at);
	}
	if (in)
		fclose(in);
	if (!covered[0])
		return doctor_say(note, DOCTOR_OK, "nothing covers it");
	return doctor_say(note, ns_is_rootless() ? DOCTOR_MISSING : DOCTOR_WARN, "covered at %s",
			  covered);
}

/* clang-format off */
#define NAMESPACE(name, type) \
	{ name " namespaces", look_namespace, type, "a spec that asks for one is refused, as every ordinary spec does", "a kernel with this kind of namespace" }
#define FOR_USER "a user who is not root has no containers, and root none with a user namespace"

const struct doctor_row ns_doctor_rows[] = {
	NAMESPACE("mount",   NS_MOUNT),
	NAMESPACE("pid",     NS_PID),
	NAMESPACE("network", NS_NETWORK),
	NAMESPACE("ipc",     NS_IPC),
	NAMESPACE("uts",     NS_UTS),
	NAMESPACE("cgroup",  NS_CGROUP),
	NAMESPACE("user",    NS_USER),
	{ "user namespaces: trial",    look_userns, 0, FOR_USER, "see the next three" },
	{ "user namespaces: limit",    look_sysctl, LIMIT, FOR_USER, "sysctl user.max_user_namespaces=15000" },
	{ "user namespaces: switch",   look_sysctl, DEBIAN_SWITCH, "a user who is not root has no containers", "sysctl kernel.unprivileged_userns_clone=1" },
	{ "user namespaces: AppArmor", look_sysctl, APPARMOR_SWITCH, "a user who is not root has no containers unless a profile allows masu `userns,`", "a profile for masu with `userns,`, or sysctl kernel.apparmor_restrict_unprivileged_userns=0" },
	{ "user ids",  look_range,  0, "a user namespace has the user's own id alone", "usermod --add-subuids 100000-165535 USER" },
	{ "group ids", look_range,  1, "a user namespace has the user's own group alone", "usermod --add-subgids 100000-165535 USER" },
	{ "newuidmap", look_helper, 0, "more ids than the user's own are refused", "install the package uidmap" },
	{ "newgidmap", look_helper, 1, "more groups than the user's own are refused", "install the package uidmap" },
	{ "mounts",    look_mounts, 0, "no container gets a root file system", "give masu CAP_SYS_ADMIN" },
	{ "/proc",     look_proc,   0, "a container with a user namespace cannot mount /proc", "unmask /proc where masu itself runs in a container (podman: --security-opt unmask=ALL)" },
	{ 0 },
};
/* clang-format on */
