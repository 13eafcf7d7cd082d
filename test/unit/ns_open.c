/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ns_open(): namespaces that are joined, and user namespaces with their maps. Needs root; leaves
 * nothing. */
#include "ns/ns.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/privilege.h"
#include "base/str.h"
#include "base/sys.h"
#include "ns/privilege.h"
#include "test/unit/unit.h"

#define LIST(array)                                                                                \
	{                                                                                          \
		.items = (void *)(array), .count = sizeof(array) / sizeof(*(array))                \
	}
#define MAPS(...)   LIST(((struct ns_id_map[]){ __VA_ARGS__ }))
#define SPACES(...) LIST(((struct ns_namespace_spec[]){ __VA_ARGS__ }))

/* clang-format off */
static const struct {
	const char *message; /* part of it, NULL: works */
	struct ns_linux linux_part;
	const char *hostname;
} rows[] = {
	{ NULL, { .namespaces = SPACES({ NS_UTS, NULL }) }, NULL },
	{ NULL, { .namespaces = SPACES({ NS_UTS, "/proc/self/ns/uts" }) }, NULL },
	{ "hostname: the uts namespace to join is the host's own", { .namespaces = SPACES({ NS_UTS, "/proc/self/ns/uts" }) }, "box" },
	{ "linux.sysctl.net.a.b: the network namespace to join is the host's own",
	  { .namespaces = SPACES({ NS_NETWORK, "/proc/self/ns/net" }), .sysctl = LIST(((struct json_pair[]){ { "net.a.b", "1" } })) }, NULL },
	{ "open namespace /proc/self/ns/uts: it is a uts namespace, linux.namespaces says network",
	  { .namespaces = SPACES({ NS_NETWORK, "/proc/self/ns/uts" }) }, NULL },
	{ "open namespace /dev/null: it is not a namespace", { .namespaces = SPACES({ NS_PID, "/dev/null" }) }, NULL },
	{ "open namespace /no/such: No such file or directory", { .namespaces = SPACES({ NS_PID, "/no/such" }) }, NULL },
	{ "linux.uidMappings: they are missing, a new user namespace needs them", { .namespaces = SPACES({ NS_USER, NULL }) }, NULL },
};

/* clang-format on */

static void test_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct ns_request request = { .linux_part = &rows[i].linux_part,
						    .hostname = rows[i].hostname };
		struct ns_host host;
		struct err err = { 0 };
		const char *name = rows[i].message ? rows[i].message : "works";

		CHECK_ROW(name, ns_open(&request, &host, &err) == (rows[i].message ? -1 : 0));
		if (rows[i].message)
			CHECK_TEXT(err.text, rows[i].message);
		ns_close(&host);
	}
}

static void test_flags(void)
{
	const struct ns_linux all = { .namespaces = SPACES({ NS_PID, NULL }, { NS_MOUNT, NULL },
							   { NS_NETWORK, NULL }, { NS_IPC, NULL },
							   { NS_UTS, NULL }, { NS_CGROUP, NULL },
							   { NS_TIME, NULL }) };
	const struct ns_request request = { .linux_part = &all };
	struct ns_host host;
	struct err err;

	CHECK_INT(ns_open(&request, &host, &err), 0);
	CHECK_INT(host.new_flags,
		  CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS);
	CHECK(host.root_mapped && !host.own_user && host.join[NS_USER] < 0);
	ns_close(&host);
}

static void test_user(void)
{
	const struct ns_linux zero = { .namespaces = SPACES({ NS_USER, NULL }),
				       .uid_maps = MAPS({ 0, 1000, 10 }, { 10, 5000, 5 }),
				       .gid_maps = MAPS({ 0, 1000, 10 }) };
	const struct ns_linux seven = { .namespaces = SPACES({ NS_USER, NULL }),
					.uid_maps = MAPS({ 7, 1000, 10 }),
					.gid_maps = MAPS({ 8, 1000, 10 }) };
	struct ns_request request = { .linux_part = &zero };
	struct ns_host host, joined;
	struct err err;
	char path[64];

	CHECK_INT(ns_open(&request, &host, &err), 0);
	CHECK(host.own_user && host.root_mapped && host.root_uid == 0 && host.root_gid == 0 &&
	      !host.denied_groups);
	ns_close(&host);
	request.linux_part = &seven;
	CHECK_INT(ns_open(&request, &host, &err), 0);
	CHECK(!host.root_mapped && host.root_uid == 7 && host.root_gid == 8);
	/* joined again by its path, it tells the same about itself */
	str_format(path, sizeof(path), "/proc/self/fd/%d", host.join[NS_USER]);
	const struct ns_linux join = { .namespaces = SPACES({ NS_USER, path }) };

	request.linux_part = &join;
	CHECK_INT(ns_open(&request, &joined, &err), 0);
	CHECK(!joined.own_user && !joined.root_mapped && joined.root_uid == 7 &&
	      joined.root_gid == 8);
	ns_close(&joined);
	ns_close(&host);
}

/* As an ordinary user: one own id, groups given up; other ids only by the helpers, which are asked
 * or missed by name. */
static void test_ordinary(void)
{
	const struct ns_linux none = { .namespaces = SPACES({ NS_USER, NULL }) };
	const struct ns_linux foreign = { .namespaces = SPACES({ NS_USER, NULL }),
					  .uid_maps = MAPS({ 0, 0, 1 }),
					  .gid_maps = MAPS({ 0, 0, 1 }) };
	struct ns_request request = { .linux_part = &none };
	struct ns_host host;
	struct err err = { 0 };

	CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0); /* as after an exec: our own /proc files are ours */
	CHECK(ns_is_rootless() && !ns_can_clone_mounts());
	CHECK_INT(ns_open(&request, &host, &err), 0);
	CHECK(host.own_user && host.root_mapped && host.denied_groups);
	ns_close(&host);
	request.linux_part = &foreign;
	CHECK_INT(ns_open(&request, &host, &err), -1);
	CHECK(strstr(err.text, "newuidmap") && *err.hint);
}

int main(void)
{
	int status = -1;

	if (geteuid() != 0) {
		printf("ns_open: skipped: it makes user namespaces with foreign ids, which needs root\n");
		return 0;
	}
	CHECK(!privilege_in_first_user_namespace() || privilege_has(0));
	test_rows();
	test_flags();
	test_user();
	pid_t pid = fork();

	if (pid == 0) {
		test_ordinary();
		_exit(unit_failures > 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	return unit_done("ns_open");
}
