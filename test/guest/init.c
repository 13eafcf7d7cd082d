/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The guest's first process: reaches the root, mounts what the profile wants, waits for one command
 * and runs it. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHARE_OPTIONS "trans=virtio,version=9p2000.L,msize=262144"
#define SELF          "/run/guest-init" /* the agent's program once the initramfs is out of sight */

/* The ports of the first virtio device, which is the serial one, in the order of `run`. */
#define PORT_CONTROL "/dev/vport0p1"
#define PORT_OUT     "/dev/vport0p2"
#define PORT_ERR     "/dev/vport0p3"

#define FOR_ALL     7
#define FOR_V2      1
#define FOR_SYSTEMD 2
#define FOR_V1      4

struct mount_row {
	int profiles;
	const char *type, *source, *target;
	unsigned long flags;
	const char *options;
};

/* clang-format off */
static const struct mount_row root_mounts[] = {
	{ FOR_ALL, "tmpfs",   "run",      "/run",      0,         "mode=755" },
	{ FOR_ALL, "tmpfs",   "upper",    "/upper",    0,         "mode=755" },
	{ FOR_ALL, "ext4",    "/dev/vda", "/lower",    MS_RDONLY, "noload" },
};

/* Seen from the new root. A tmpfs where layers are kept: overlayfs cannot be the upper layer of another. */
static const struct mount_row system_mounts[] = {
	{ FOR_ALL, "devpts",     "devpts",     "/dev/pts",              0, "mode=620,ptmxmode=666" },
	{ FOR_ALL, "tmpfs",      "shm",        "/dev/shm",              0, "mode=1777" },
	{ FOR_ALL, "mqueue",     "mqueue",     "/dev/mqueue",           0, "" },
	{ FOR_ALL, "securityfs", "securityfs", "/sys/kernel/security",  0, "" },
	{ FOR_ALL, "bpf",        "bpf",        "/sys/fs/bpf",           0, "" },
	{ FOR_ALL, "tmpfs",      "tmp",        "/tmp",                  0, "mode=1777" },
	{ FOR_ALL, "tmpfs",      "tmp",        "/var/tmp",              0, "mode=1777" },
	{ FOR_ALL, "tmpfs",      "tmp",        "/mnt",                  0, "mode=755" },
	{ FOR_ALL, "tmpfs",      "masu",       "/var/lib/masu",         0, "mode=755" },
	{ FOR_ALL, "tmpfs",      "containers", "/var/lib/containers",   0, "mode=755" },
	{ FOR_ALL, "tmpfs",      "docker",     "/var/lib/docker",       0, "mode=755" },
	{ FOR_ALL, "tmpfs",      "containerd", "/var/lib/containerd",   0, "mode=755" },
	{ FOR_V2,  "cgroup2",    "cgroup2",    "/sys/fs/cgroup",        0, "nsdelegate,memory_recursiveprot" },
	{ FOR_V1,  "tmpfs",      "cgroup",     "/sys/fs/cgroup",        0, "mode=755" },
	{ FOR_V1,  "cgroup", "cgroup", "/sys/fs/cgroup/cpuset",           0, "cpuset" },
	{ FOR_V1,  "cgroup", "cgroup", "/sys/fs/cgroup/cpu,cpuacct",      0, "cpu,cpuacct" },
	{ FOR_V1,  "cgroup", "cgroup", "/sys/fs/cgroup/blkio",            0, "blkio" },
	{ FOR_V1,  "cgroup", "cgroup", "/sys/fs/cgroup/memory",           0, "memory" },
	{ FOR_V1,  "cgroup", "cgroup", "/sys/fs/cgroup/devices",          0, "devices" },
	{ FOR_V1,  "cgroup", "cgroup", "/sys/fs/cgroup/freezer",          0, "freezer" },
	{ FOR_V1,  "cgroup", "cgroup", "/sys/fs/cgroup/net_cls,net_prio", 0, "net_cls,net_prio" },
	{ FOR_V1,  "cgroup", "cgroup", "/sys/fs/cgroup/perf_event",       0, "perf_event" },
	{ FOR_V1,  "cgroup", "cgroup", "/sys/fs/cgroup/hugetlb",          0, "hugetlb" },
	{ FOR_V1,  "cgroup", "cgroup", "/sys/fs/cgroup/pids",             0, "pids" },
	{ FOR_V1,  "cgroup", "cgroup", "/sys/fs/cgroup/rdma",             0, "rdma" },
	{ FOR_V1,  "cgroup", "cgroup", "/sys/fs/cgroup/misc",             0, "misc" },
};

static const struct { const char *name; int profile; } profiles[] = {
	{ "v2", FOR_V2 }, { "systemd", FOR_SYSTEMD }, { "v1", FOR_V1 },
};

/* clang-format on */

#define ROWS(table) (sizeof(table) / sizeof(*(table)))

/* To the console, which `run` shows when no status comes. */
static void warn(const char *what, const char *object)
{
	fprintf(stderr, "guest: %s %s: %s\n", what, object, strerror(errno));
}

static void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void die(const char *what, const char *object)
{
	warn(what, object);
	power_off();
}

static void make_directories(const char *path)
{
	char part[4096];

	for (const char *end = strchr(path + 1, '/'); end; end = strchr(end + 1, '/')) {
		snprintf(part, sizeof(part), "%.*s", (int)(end - path), path);
		mkdir(part, 0755);
	}
	mkdir(path, 0755);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		warn("write", path);
	close(fd);
}

static void mount_at(const struct mount_row *row)
{
	make_directories(row->target);
	if (mount(row->source, row->target, row->type, row->flags, row->options))
		warn("mount", row->target);
}

static void mount_rows(const struct mount_row *rows, size_t count, int profile)
{
	for (size_t i = 0; i < count; i++)
		if (rows[i].profiles & profile)
			mount_at(&rows[i]);
}

/* Devices appear some time after the driver is loaded. */
static int open_when_there(const char *path, int flags)
{
	for (int tries = 0; tries < 1000; tries++) {
		int fd = open(path, flags | O_CLOEXEC);

		if (fd >= 0)
			return fd;
		usleep(10000);
	}
	die("open", path);
	return -1;
}

static void load_modules(void)
{
	char path[256];
	FILE *order = fopen("/modules/order", "re");

	while (order && fgets(path, sizeof(path), order)) {
		path[strcspn(path, "\n")] = 0;
		int fd = open(path, O_RDONLY | O_CLOEXEC);

		if (syscall(SYS_finit_module, fd, "", 0))
			warn("load", path);
		close(fd);
	}
}

static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR);

	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
}

/* The image below a tmpfs: what a run writes is gone with it. */
static void enter_root(void)
{
	static const char *const moved[] = { "/run", "/sys", "/dev", "/proc" };
	char target[64];

	close(open_when_there("/dev/vda", O_RDONLY));
	mount_rows(root_mounts, ROWS(root_mounts), FOR_ALL);
	make_directories("/upper/data");
	make_directories("/upper/work");
	make_directories("/root");
	if (mount("overlay", "/root", "overlay", 0,
		  "lowerdir=/lower,upperdir=/upper/data,workdir=/upper/work"))
		die("mount", "/root");
	close(open(SELF, O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
	if (mount("/init", SELF, NULL, MS_BIND, NULL))
		die("mount", SELF);
	for (size_t i = 0; i < ROWS(moved); i++) {
		snprintf(target, sizeof(target), "/root%s", moved[i]);
		if (mount(moved[i], target, NULL, MS_MOVE, NULL))
			die("move", moved[i]);
	}
	if (chdir("/root") || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		die("enter", "/root");
}

static void link_devices(void)
{
	static const char *const names[] = { "stdin", "stdout", "stderr" };
	char from[32], to[32];

	(void)!symlink("/proc/self/fd", "/dev/fd");
	for (int i = 0; i < 3; i++) {
		snprintf(from, sizeof(from), "/dev/%s", names[i]);
		snprintf(to, sizeof(to), "/proc/self/fd/%d", i);
		(void)!symlink(to, from);
	}
}

static void raise_loopback(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (ioctl(fd, SIOCSIFFLAGS, &request))
		warn("raise", "lo");
	close(fd);
}

/* Every controller reaches the children; the processes there are sit in a child, as under systemd.
 */
static void delegate_controllers(void)
{
	char name[64], word[66];
	FILE *list = fopen("/sys/fs/cgroup/cgroup.controllers", "re");

	mkdir("/sys/fs/cgroup/init.scope", 0755);
	write_file("/sys/fs/cgroup/init.scope/cgroup.procs", "1");
	while (list && fscanf(list, "%63s", name) == 1) {
		snprintf(word, sizeof(word), "+%s", name);
		write_file("/sys/fs/cgroup/cgroup.subtree_control", word);
	}
	if (list)
		fclose(list);
}

static int run_shell(const char *dir, const char *command)
{
	pid_t child = fork(), ended;
	int status = 0;

	if (child == 0) {
		setsid();
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(open_when_there(PORT_OUT, O_WRONLY), 1);
		dup2(open_when_there(PORT_ERR, O_WRONLY), 2);
		syscall(SYS_close_range, 3, ~0u, 0);
		if (chdir(dir) == 0)
			execl("/bin/bash", "bash", "-c", command, NULL);
		warn("run in", dir);
		_exit(125);
	}
	do /* whatever else was left to the first process is reaped too */
		ended = wait(&status);
	while (ended != child && (ended > 0 || errno == EINTR));
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* A saved state sleeps in this read. A port gives 0 as long as the host's side is closed. */
static void read_line(int fd, char *line, size_t size)
{
	for (size_t used = 0; used + 1 < size;) {
		ssize_t count = read(fd, line + used, size - 1 - used);

		if (count <= 0) {
			usleep(1000);
			continue;
		}
		used += count;
		line[used] = 0;
		if (line[used - 1] == '\n') {
			line[used - 1] = 0;
			return;
		}
	}
	errno = E2BIG;
	die("read", "the request");
}

/* Request: "SECONDS\tSHARE\tDIRECTORY\tCOMMAND\n"; answers: "ready\n" before it, "status N\n" after
 * the end. */
static void serve(void)
{
	static char line[1 << 20];
	struct mount_row share = { FOR_ALL, "9p", "share", NULL, 0, SHARE_OPTIONS };
	const char *dir, *command;
	char *rest = line;
	int control = open_when_there(PORT_CONTROL, O_RDWR);

	dprintf(control, "ready\n");
	read_line(control, line, sizeof(line));
	dprintf(control, "started\n");
	settimeofday(&(struct timeval){ .tv_sec = atol(strsep(&rest, "\t")) }, NULL);
	share.target = strsep(&rest, "\t");
	dir = strsep(&rest, "\t");
	command = rest;
	if (!command) {
		errno = EINVAL;
		die("read", "the request");
	}
	mount_at(&share);
	dprintf(control, "status %d\n", run_shell(dir, command));
	power_off();
}

static int profile_from_kernel_arguments(void)
{
	const char *wanted = getenv("guest_profile");

	for (size_t i = 0; wanted && i < ROWS(profiles); i++)
		if (strcmp(wanted, profiles[i].name) == 0)
			return profiles[i].profile;
	errno = EINVAL;
	die("start", "this guest_profile");
	return 0;
}

static void set_environment(void)
{
	clearenv();
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("TERM", "dumb", 1);
	setenv("LANG", "C.UTF-8", 1);
	setenv("DM_DISABLE_UDEV", "1", 1); /* else dmsetup waits for a udev to make its nodes */
}

int main(int argc, char **argv)
{
	static const struct mount_row first[] = {
		{ FOR_ALL, "proc", "proc", "/proc", 0, "" },
		{ FOR_ALL, "sysfs", "sysfs", "/sys", 0, "" },
		{ FOR_ALL, "devtmpfs", "dev", "/dev", 0, "" },
	};
	int profile;

	if (argc > 1 && strcmp(argv[1], "agent") == 0) {
		set_environment();
		serve();
	}
	mount_rows(first, ROWS(first), FOR_ALL);
	open_console();
	profile = profile_from_kernel_arguments();
	set_environment();
	load_modules();
	enter_root();
	link_devices();
	mount_rows(system_mounts, ROWS(system_mounts), profile);
	sethostname("guest", 5);
	raise_loopback();
	if (profile == FOR_SYSTEMD) {
		execl("/lib/systemd/systemd", "systemd", "--unit=guest.target",
		      "--show-status=false", NULL);
		die("run", "systemd");
	}
	if (profile == FOR_V2)
		delegate_controllers();
	serve();
}
