/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Discovery on recorded mount tables of the kinds of host that exist. */
#include "cgroup/host.h"

#include <stdlib.h>

#include "base/arena.h"
#include "test/unit/unit.h"

struct host_row {
	const char *name;
	const char *mountinfo;
	const char *self_cgroup;
	const char *found; /* "controllers@mount[ro]=own;" for each hierarchy; own as a directory */
};

/* clang-format off */
static const struct host_row rows[] = {
	{ "pure v1, controllers joined",
	  "24 1 0:22 / /sys rw - sysfs sysfs rw\n"
	  "30 24 0:26 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755\n"
	  "33 30 0:28 / /sys/fs/cgroup/cpuacct,cpu rw,nosuid,relatime shared:9 - cgroup cgroup rw,cpuacct,cpu\n"
	  "34 30 0:29 / /sys/fs/cgroup/net_cls,net_prio rw,relatime shared:10 - cgroup cgroup rw,net_cls,net_prio\n"
	  "35 30 0:30 / /sys/fs/cgroup/systemd rw shared:11 - cgroup cgroup rw,xattr,release_agent=/lib/a,name=systemd\n",
	  "4:cpu,cpuacct:/user.slice\n3:net_cls,net_prio:/\n1:name=systemd:/user.slice/a\n",
	  "cpuacct,cpu@/sys/fs/cgroup/cpuacct,cpu=/sys/fs/cgroup/cpuacct,cpu/user.slice;"
	  "net_cls,net_prio@/sys/fs/cgroup/net_cls,net_prio=/sys/fs/cgroup/net_cls,net_prio;"
	  "name=systemd@/sys/fs/cgroup/systemd=/sys/fs/cgroup/systemd/user.slice/a;" },
	{ "hybrid, v2 is put last",
	  "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n"
	  "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	  "39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n",
	  "8:pids:/\n4:memory:/api/cad6\n0::/\n",
	  "memory@/sys/fs/cgroup/memory=/sys/fs/cgroup/memory/api/cad6;pids@/sys/fs/cgroup/pids=/sys/fs/cgroup/pids;"
	  "@/sys/fs/cgroup/unified=/sys/fs/cgroup/unified;" },
	{ "v2 with systemd",
	  "29 23 0:25 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n",
	  "0::/user.slice/user-1000.slice/session-1.scope\n",
	  "@/sys/fs/cgroup=/sys/fs/cgroup/user.slice/user-1000.slice/session-1.scope;" },
	{ "nested in a v1 container, read-only, not the hierarchy's root",
	  "812 811 0:28 /docker/abc /sys/fs/cgroup/memory ro,nosuid,nodev - cgroup cgroup rw,memory\n"
	  "813 811 0:29 /docker/abc /sys/fs/cgroup/pids ro,nosuid,nodev - cgroup cgroup rw,pids\n",
	  "3:pids:/docker/abc/sub\n4:memory:/other\n",
	  "memory@/sys/fs/cgroup/memory[ro]=(outside);pids@/sys/fs/cgroup/pids[ro]=/sys/fs/cgroup/pids/sub;" },
	{ "nested in a v2 container with a cgroup namespace",
	  "700 699 0:25 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup rw,nsdelegate\n", "0::/\n",
	  "@/sys/fs/cgroup=/sys/fs/cgroup;" },
	{ "a bind mount elsewhere does not win, a later mount on the same place does",
	  "50 1 0:25 / /srv/rootfs/cgroup rw - cgroup2 cgroup2 rw\n"
	  "51 1 0:25 / /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n"
	  "52 1 0:25 / /var/x rw - cgroup2 cgroup2 rw\n"
	  "53 51 0:25 /inner /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
	  "0::/inner/me (deleted)\n",
	  "@/sys/fs/cgroup=/sys/fs/cgroup/me;" },
	{ "escapes in a mount point, options that only look like controllers",
	  "60 1 0:40 / /my\\040cg\\134x rw - cgroup none rw,noprefix,clone_children,cpuset\n", "1:cpuset:/\n",
	  "cpuset@/my cg\\x=/my cg\\x;" },
	{ "no cgroups at all", "24 1 0:22 / / rw - ext4 /dev/vda rw\n", "", "" },
	{ "torn lines", "24\n\n1 2 - cgroup2\n - cgroup\n33 30 0:28 / - cgroup cgroup rw,cpu\n", "x\n:\n::\n", "" },
};

/* clang-format on */

static void check_row(const struct host_row *row)
{
	auto_arena struct arena arena = { 0 };
	struct cgroup_host host;
	char text[2048] = "";

	CHECK_INT(cgroup_host_parse(arena_strdup(&arena, row->mountinfo), &arena, &host, NULL), 0);
	cgroup_host_locate(arena_strdup(&arena, row->self_cgroup), &host);
	for (size_t i = 0; i < host.count; i++) {
		const struct cgroup_hierarchy *at = &host.hierarchies[i];
		const char *own = cgroup_host_own_dir(at, &arena);
		size_t length = strlen(text);

		snprintf(text + length, sizeof(text) - length, "%s@%s%s=%s;", at->controllers,
			 at->mount, at->read_only ? "[ro]" : "", own ? own : "(outside)");
		CHECK_INT(at->v2, !at->controllers[0]);
	}
	if (strcmp(text, row->found) != 0)
		fprintf(stderr, "%s:\n", row->name);
	CHECK_TEXT(text, row->found);
}

int main(void)
{
	static const char proc_cgroups[] = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
					   "cpu\t1\t1\t1\nmemory\t0\t1\t0\nnet_cls\t0\t1\t1\n";

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i]);
	CHECK(cgroup_host_knows(proc_cgroups, "cpu"));
	CHECK(cgroup_host_knows(proc_cgroups, "net_cls"));
	CHECK(!cgroup_host_knows(proc_cgroups, "memory"));
	CHECK(!cgroup_host_knows(proc_cgroups, "cp"));
	CHECK_INT(
		cgroup_controllers_parse("cpuset cpu io memory hugetlb pids rdma misc", ' ', true),
		CGROUP_BIT(CGROUP_CPUSET) | CGROUP_BIT(CGROUP_CPU) | CGROUP_BIT(CGROUP_BLKIO) |
			CGROUP_BIT(CGROUP_MEMORY) | CGROUP_BIT(CGROUP_HUGETLB) |
			CGROUP_BIT(CGROUP_PIDS) | CGROUP_BIT(CGROUP_RDMA) |
			CGROUP_BIT(CGROUP_MISC));
	return unit_done("cgroup_host");
}
