/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The floor of the benchmark: the kernel work of one `run` of the default spec and nothing else; no
 * runtime can be faster. */
#include <dirent.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define CGROUPS "/sys/fs/cgroup"

enum {
	CGROUP_MAGIC = 0x63677270, /* cgroup2, linux/magic.h */
	DIRS_MAX = 24,
};

/* One of the container's cgroups: its directory, and whether it is in the v2 hierarchy. */
struct cgroup {
	char dir[320];
	int v2_fd;
};

/* Nothing here is checked as a runtime would: a failure ends the measurement. */
static void must(long result, const char *what)
{
	if (result < 0) {
		perror(what);
		_exit(125);
	}
}

static void put(const char *dir, const char *file, const char *value)
{
	char path[400];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	must(write(fd, value, strlen(value)), path);
	close(fd);
}

static void make_cgroup(struct cgroup *cgroup, const char *hierarchy)
{
	struct statfs fs;

	snprintf(cgroup->dir, sizeof(cgroup->dir), "%s/floor.%d", hierarchy, getpid());
	must(mkdir(cgroup->dir, 0755), cgroup->dir);
	cgroup->v2_fd = -1;
	must(statfs(cgroup->dir, &fs), "statfs");
	if (fs.f_type == CGROUP_MAGIC)
		cgroup->v2_fd = open(cgroup->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (strstr(hierarchy, "cpuset")) {
		put(cgroup->dir, "cpuset.cpus", "0");
		put(cgroup->dir, "cpuset.mems", "0");
	}
}

/* A cgroup in every hierarchy of this host; returns how many. */
static int make_cgroups(struct cgroup *cgroups)
{
	DIR *top = opendir(CGROUPS);
	char hierarchy[300], probe[320];
	int count = 0;

	if (access(CGROUPS "/cgroup.procs", F_OK) == 0)
		make_cgroup(&cgroups[count++], CGROUPS);
	for (struct dirent *entry; top && (entry = readdir(top)) && count < DIRS_MAX;) {
		snprintf(hierarchy, sizeof(hierarchy), CGROUPS "/%s", entry->d_name);
		snprintf(probe, sizeof(probe), "%s/notify_on_release", hierarchy);
		if (entry->d_name[0] == '.' || entry->d_type == DT_LNK)
			continue;
		if (access(probe, F_OK) < 0 && strcmp(entry->d_name, "unified") != 0)
			continue;
		make_cgroup(&cgroups[count++], hierarchy);
	}
	if (top)
		closedir(top);
	return count;
}

struct mount_row {
	const char *type, *target;
	unsigned long flags;
	const char *data;
};

static void mount_all(void)
{
	/* clang-format off */
	static const struct mount_row rows[] = {
		{ "proc",   "proc",	  MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL },
		{ "tmpfs",  "dev",	  MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k" },
		{ "devpts", "dev/pts",	  MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5" },
		{ "tmpfs",  "dev/shm",	  MS_NOSUID | MS_NOEXEC | MS_NODEV, "mode=1777,size=65536k" },
		{ "mqueue", "dev/mqueue", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL },
		{ "sysfs",  "sys",	  MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY, NULL },
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strchr(rows[i].target, '/'))
			mkdir(rows[i].target, 0755);
		must(mount(rows[i].type, rows[i].target, rows[i].type, rows[i].flags, rows[i].data),
		     rows[i].target);
	}
}

/* The spec's mount of type cgroup: a tmpfs with a directory for each hierarchy. */
static void mount_cgroups(const struct cgroup *cgroups, int count)
{
	const unsigned long flags = MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY;
	char target[400];

	must(mount("cgroup", "sys/fs/cgroup", "tmpfs", flags & ~MS_RDONLY, "mode=755"), "cgroup");
	for (int i = 0; i < count; i++) {
		snprintf(target, sizeof(target), "sys/fs/cgroup/%d", i);
		must(mkdir(target, 0755), target);
		must(mount(cgroups[i].dir, target, NULL, MS_BIND, NULL), target);
		must(mount(NULL, target, NULL, MS_BIND | MS_REMOUNT | flags, NULL), target);
	}
	must(mount(NULL, "sys/fs/cgroup", NULL, MS_BIND | MS_REMOUNT | flags, NULL), "cgroup");
}

static void make_nodes(void)
{
	static const struct {
		const char *path;
		unsigned int major, minor;
	} nodes[] = {
		{ "dev/null", 1, 3 },   { "dev/zero", 1, 5 },    { "dev/full", 1, 7 },
		{ "dev/random", 1, 8 }, { "dev/urandom", 1, 9 }, { "dev/tty", 5, 0 },
	};

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		must(mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)),
		     nodes[i].path);
}

static void cover_paths(void)
{
	static const char *const masked[] = {
		"proc/acpi",          "proc/asound",     "proc/kcore",       "proc/keys",
		"proc/latency_stats", "proc/timer_list", "proc/timer_stats", "proc/sched_debug",
		"sys/firmware",       "proc/scsi",
	};
	static const char *const readonly[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys",
						"proc/sysrq-trigger" };
	const unsigned long flags =
		MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NOEXEC | MS_NODEV;

	for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++)
		if (mount("/dev/null", masked[i], NULL, MS_BIND, NULL) < 0)
			mount("tmpfs", masked[i], "tmpfs", MS_RDONLY, NULL);
	for (size_t i = 0; i < sizeof(readonly) / sizeof(readonly[0]); i++) {
		mount(readonly[i], readonly[i], NULL, MS_BIND | MS_REC, NULL);
		mount(NULL, readonly[i], NULL, flags, NULL);
	}
}

static void be_the_container(const char *root, const char *program, const struct cgroup *cgroups,
			     int count)
{
	char *const argv[] = { strdup(program), NULL };
	char path[] = "PATH=/bin";
	char *const envp[] = { path, NULL };

	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "make / private");
	must(mount(root, root, NULL, MS_BIND | MS_REC, NULL), root);
	must(chdir(root), root);
	mount_all();
	mount_cgroups(cgroups, count);
	make_nodes();
	cover_paths();
	must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	must(umount2(".", MNT_DETACH), "umount");
	must(chdir("/"), "chdir");
	must(sethostname("floor", 5), "sethostname");
	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
	execve(program, argv, envp);
	must(-1, program);
}

/* floor ROOTFS PROGRAM */
int main(int argc, char **argv)
{
	struct clone_args args = { .flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC |
					    CLONE_NEWUTS | CLONE_NEWNET,
				   .exit_signal = SIGCHLD };
	struct cgroup cgroups[DIRS_MAX];
	int count, status;
	pid_t pid;

	if (argc != 3)
		return 125;
	count = make_cgroups(cgroups);
	for (int i = 0; i < count; i++) {
		if (cgroups[i].v2_fd < 0)
			continue;
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned int)cgroups[i].v2_fd;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	must(pid, "clone3");
	if (pid == 0) {
		/* "0" to `tasks` moves oneself without the RCU wait that another's pid costs */
		for (int i = 0; i < count; i++)
			if (cgroups[i].v2_fd < 0)
				put(cgroups[i].dir, "tasks", "0");
		be_the_container(argv[1], argv[2], cgroups, count);
	}
	must(waitpid(pid, &status, 0), "waitpid");
	for (int i = 0; i < count; i++)
		rmdir(cgroups[i].dir);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
