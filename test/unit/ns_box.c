/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Builds real boxes through ns_compile() and the init side, and looks at them from inside. Needs
 * root; leaves nothing. */
#include "ns/ns.h"

#include <errno.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "test/unit/unit.h"

#define LIST(array)                                                                                \
	{                                                                                          \
		.items = (void *)(array), .count = sizeof(array) / sizeof(*(array))                \
	}
#define TEXTS(...)  LIST(((const char *[]){ __VA_ARGS__ }))
#define MAPS(...)   LIST(((struct ns_id_map[]){ __VA_ARGS__ }))
#define MOUNTS(...) LIST(((struct ns_mount_spec[]){ __VA_ARGS__ }))
#define SPACES(...) LIST(((struct ns_namespace_spec[]){ __VA_ARGS__ }))
#define SET(number)                                                                                \
	{                                                                                          \
		.set = true, .value = (number)                                                     \
	}

enum {
	NOBODY = 65534,
	INFO_MAX = 65536,
};

struct box {
	const char *name;
	void (*prepare)(void); /* in the bundle, beside rootfs/ and decoy/ */
	void (*inside)(void);
	const char *error; /* what the message must contain, when it must fail */
	struct ns_linux linux_part;
	struct json_list mounts;
	const char *hostname;
	bool readonly, late, no_pivot;
	bool ordinary;   /* run all of it as an ordinary user */
	bool cgroups;    /* "tree" stands for two cgroups */
	bool no_setattr; /* as on Linux before 5.12 */
};

/* ---- small helpers ---- */

static void put(const char *path, const char *text)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK_ROW(path, fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static bool holds(const char *path, const char *text)
{
	char have[256] = "";

	return fd_read_file(AT_FDCWD, path, have, sizeof(have)) >= 0 && strcmp(have, text) == 0;
}

static bool is_device(const char *path, unsigned int major_number, unsigned int minor_number)
{
	struct stat status;

	return lstat(path, &status) == 0 && S_ISCHR(status.st_mode) &&
	       status.st_rdev == makedev(major_number, minor_number);
}

static bool is_link(const char *path, const char *content)
{
	char have[256] = "";

	return readlink(path, have, sizeof(have) - 1) >= 0 && strcmp(have, content) == 0;
}

static bool refuses_write(const char *path, int code)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	return fd < 0 && errno == code;
}

/* What mountinfo says behind the mount point of the top mount on `place`. */
static bool find_mount(const char *place, char line[512])
{
	static char info[INFO_MAX];
	bool found = false;

	if (fd_read_file(AT_FDCWD, "/proc/self/mountinfo", info, sizeof(info)) < 0)
		return false;
	for (char *at = strtok(info, "\n"); at; at = strtok(NULL, "\n")) {
		char point[256];
		int end = 0;

		if (sscanf(at, "%*s %*s %*s %*s %255s %n", point, &end) == 1 &&
		    strcmp(point, place) == 0) {
			found = true;
			str_format(line, 512, "%s", at + end);
		}
	}
	return found;
}

static bool mount_has(const char *place, const char *text)
{
	char line[512];

	return find_mount(place, line) && strstr(line, text);
}

static bool contains_busybox(void)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/busybox", "busybox", "true", NULL);
		_exit(127);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

/* ---- what is prepared and what is looked at ---- */

static void prepare_usual(void)
{
	put("file", "file of the host");
	mkdir("tree", 0755);
	put("tree/leaf", "leaf of the host");
	mkdir("rootfs/filled", 0750);
	put("rootfs/filled/one", "1");
	mkdir("rootfs/filled/below", 0700);
	put("rootfs/filled/below/two", "2");
	CHECK(symlink("below/two", "rootfs/filled/link") == 0);
	mkdir("rootfs/kept", 0711);
}

static void inside_usual(void)
{
	char name[65] = "";

	CHECK(is_device("/dev/null", 1, 3) && is_device("/dev/zero", 1, 5) &&
	      is_device("/dev/full", 1, 7));
	CHECK(is_device("/dev/random", 1, 8) && is_device("/dev/urandom", 1, 9) &&
	      is_device("/dev/tty", 5, 0));
	CHECK(is_link("/dev/fd", "/proc/self/fd") && is_link("/dev/stdin", "/proc/self/fd/0"));
	CHECK(is_link("/dev/ptmx", "pts/ptmx") && access("/dev/pts/ptmx", F_OK) == 0);
	CHECK(mount_has("/proc", "nosuid,nodev,noexec") && mount_has("/proc", " - proc proc "));
	CHECK(mount_has("/dev", " - tmpfs tmpfs ") && mount_has("/dev/shm", "nosuid,nodev,noexec"));
	CHECK(mount_has("/dev/mqueue", " - mqueue "));
	CHECK(holds("/etc/file", "file of the host") && refuses_write("/etc/file", EROFS));
	CHECK(mount_has("/tree", "ro,nosuid") && refuses_write("/tree/new", EROFS));
	/* masked */
	CHECK(is_device("/proc/timer_list", 1, 3) || access("/proc/timer_list", F_OK) < 0);
	CHECK(is_device("/proc/cmdline", 1, 3) && refuses_write("/proc/irq/new", EROFS));
	CHECK(mount_has("/proc/irq", "ro,"));
	/* read-only */
	CHECK(refuses_write("/proc/sys/vm/overcommit_memory", EROFS));
	CHECK(mount_has("/proc/sys", "ro,nosuid,nodev,noexec"));
	/* tmpfs: content and modes */
	struct stat status;

	CHECK(holds("/filled/one", "1") && holds("/filled/below/two", "2") &&
	      is_link("/filled/link", "below/two"));
	CHECK(stat("/filled", &status) == 0 && (status.st_mode & 07777) == 0750);
	CHECK(stat("/filled/below", &status) == 0 && (status.st_mode & 07777) == 0700);
	CHECK(refuses_write("/filled/new", EROFS));
	CHECK(stat("/kept", &status) == 0 && (status.st_mode & 07777) == 0711);
	CHECK(gethostname(name, sizeof(name)) == 0);
	CHECK_TEXT(name, "box");
	CHECK(refuses_write("/new", EROFS));
	CHECK(access("/work", F_OK) < 0 && access("/tmp", F_OK) < 0);
	CHECK(contains_busybox());
}

static void inside_old(void)
{
	CHECK(holds("/etc/file", "file of the host") && refuses_write("/etc/file", EROFS));
	CHECK(mount_has("/tree", "ro,nosuid") && refuses_write("/tree/new", EROFS));
	CHECK(is_device("/proc/cmdline", 1, 3) && refuses_write("/proc/irq/new", EROFS));
	CHECK(refuses_write("/proc/sys/vm/overcommit_memory", EROFS) &&
	      refuses_write("/new", EROFS));
	CHECK(mount_has("/proc/sys", "ro,nosuid,nodev,noexec"));
}

/* Every way that a link in an image may point: what is mounted must stay inside, and at the place
 * named. */
static const struct {
	const char *link, *content, *destination, *lands; /* lands: the mount point inside */
	bool file;
} escapes[] = {
	{ "rootfs/abs", "/decoy", "/abs/one", "/decoy/one", false },
	{ "rootfs/rel", "../../../../decoy", "/rel/two", "/decoy/two", false },
	{ "rootfs/up", "..", "/up/three", "/three", false },
	{ "rootfs/chain1", "chain2", "/chain1/four", "/decoy/four", false },
	{ "rootfs/chain2", "/chain3", NULL, NULL, false },
	{ "rootfs/chain3", "../decoy", NULL, NULL, false },
	{ "rootfs/leaf", "/decoy/leaf", "/leaf", "/decoy/leaf", false },
	{ "rootfs/leaffile", "../../decoy/victim", "/leaffile", "/decoy/victim", true },
	{ "rootfs/run2", "/var/run", "/run2/five", "/var/run/five", false },
	{ "rootfs/magic", "/proc/self/cwd", NULL, NULL, false },
};

static void prepare_escapes(void)
{
	prepare_usual();
	mkdir("rootfs/decoy", 0755);
	mkdir("rootfs/decoy/leaf", 0755);
	put("rootfs/decoy/victim", "of the image");
	mkdir("rootfs/var", 0711);
	mkdir("rootfs/var/run", 0711);
	for (size_t i = 0; i < sizeof(escapes) / sizeof(*escapes); i++)
		CHECK_ROW(escapes[i].link, symlink(escapes[i].content, escapes[i].link) == 0);
}

static void inside_escapes(void)
{
	char line[512];

	for (size_t i = 0; i < sizeof(escapes) / sizeof(*escapes); i++) {
		if (escapes[i].destination)
			CHECK_ROW(escapes[i].link, find_mount(escapes[i].lands, line));
	}
	CHECK(holds("/decoy/victim", "file of the host"));
}

static void prepare_foreign_null(void)
{
	prepare_usual();
	mkdir("rootfs/dev", 0755);
	put("rootfs/dev/null", "not a device");
}

static void prepare_right_null(void)
{
	prepare_usual();
	mkdir("rootfs/dev", 0755);
	CHECK(mknod("rootfs/dev/null", S_IFCHR | 0600, makedev(1, 3)) == 0);
	put("rootfs/dev/ptmx", "of the image");
}

static void inside_right_null(void)
{
	struct stat status;

	CHECK(is_device("/dev/null", 1, 3) && is_link("/dev/ptmx", "pts/ptmx"));
	CHECK(is_device("/dev/own", 1, 5) && stat("/dev/own", &status) == 0);
	CHECK((status.st_mode & 07777) == 0640 && status.st_uid == 12 && status.st_gid == 34);
	CHECK(lstat("/deep/er/pipe", &status) == 0 && S_ISFIFO(status.st_mode));
}

static void prepare_linked_proc(void)
{
	mkdir("rootfs/decoy", 0755);
	CHECK(symlink("/decoy", "rootfs/proc") == 0);
}

static void prepare_linked_dev(void)
{
	mkdir("rootfs/decoy", 0755);
	CHECK(symlink("../decoy", "rootfs/dev") == 0);
}

static void inside_linked_dev(void)
{
	CHECK(is_device("/decoy/null", 1, 3));
}

static void prepare_into_proc(void)
{
	prepare_usual();
	CHECK(symlink("/proc/sys", "rootfs/way") == 0);
}

static void prepare_masked_null(void)
{
	prepare_usual();
	mkdir("fakedev", 0755);
	put("fakedev/null", "not a device");
}

static void inside_user(void)
{
	struct stat status;

	CHECK(is_device("/dev/null", 1, 3) && is_device("/dev/own", 1, 5));
	CHECK(access("/sys/kernel", F_OK) == 0 && mount_has("/sys", "ro,"));
	CHECK(stat("/mapped/leaf", &status) == 0 && status.st_uid == 77);
	CHECK(stat("/mapped2/leaf", &status) == 0 && status.st_uid == 77);
	CHECK(refuses_write("/tree/new", EROFS));
	CHECK(mount_has("/dev/pts", " - devpts "));
	auto_close int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	CHECK(null >= 0 && write(null, "x", 1) == 1);
}

static void inside_ordinary(void)
{
	CHECK(is_device("/dev/null", 1, 3));
	CHECK(holds("/tree/leaf", "leaf of the host") && mount_has("/tree", "ro,"));
	CHECK(access("/sys/kernel", F_OK) == 0);
	CHECK(mount_has("/proc", " - proc "));
	CHECK(mount_has("/proc/sys", "ro,"));
	CHECK(access("/work", F_OK) < 0);
	CHECK_INT(getuid(), 0);
}

static void inside_clocks(void)
{
	struct timespec now;

	CHECK(clock_gettime(CLOCK_BOOTTIME, &now) == 0 && now.tv_sec > 86400 * 300);
	CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0 && now.tv_sec > 86400 * 100 &&
	      now.tv_sec < 86400 * 300);
	CHECK(holds("/proc/sys/net/ipv4/ip_forward", "1"));
	CHECK(holds("/proc/sys/kernel/domainname", "example"));
}

static void inside_cgroups(void)
{
	CHECK(holds("/sys/fs/cgroup/cpu,cpuacct/leaf", "leaf of the host"));
	CHECK(is_link("/sys/fs/cgroup/cpu", "cpu,cpuacct") &&
	      is_link("/sys/fs/cgroup/cpuacct", "cpu,cpuacct"));
	CHECK(holds("/sys/fs/cgroup/cpu/leaf", "leaf of the host") &&
	      holds("/sys/fs/cgroup/unified/leaf", "leaf of the host"));
	CHECK(refuses_write("/sys/fs/cgroup/new", EROFS) &&
	      refuses_write("/sys/fs/cgroup/cpu/new", EROFS));
	CHECK(mount_has("/sys/fs/cgroup", "ro,nosuid"));
}

static void prepare_chroot(void)
{
	put("rootfs/here", "1");
}

static void inside_chroot(void)
{
	CHECK(holds("/here", "1") && access("/work", F_OK) < 0 && access("/dev", F_OK) < 0);
}

static void prepare_words(void)
{
	prepare_usual();
	CHECK(symlink("tree/leaf", "pointer") == 0 && symlink("/nowhere", "rootfs/link") == 0);
}

static void inside_words(void)
{
	struct stat status;

	CHECK(is_link("/copied/pointer", "tree/leaf"));
	CHECK(lstat("/link", &status) == 0 && S_ISREG(status.st_mode) &&
	      holds("/link", "file of the host"));
	CHECK(is_link("/bound", "tree/leaf"));
	CHECK(access("/layers/passwd", F_OK) == 0 && access("/layers/busybox", F_OK) == 0);
	CHECK(mount_has("/layers", " - overlay ") && mount_has("/tree", "ro,") &&
	      refuses_write("/tree/new", EROFS));
}

static void inside_shared(void)
{
	CHECK(mount_has("/", "shared:"));
	CHECK(!mount_has("/tree", "shared:") && mount_has("/tree2", "shared:"));
}

/* ---- the boxes ---- */
/* clang-format off */
#define BUSYBOX { .destination = "/bin/busybox", .source = "/bin/busybox", .options = TEXTS("bind", "ro") }
#define LIBRARIES { .destination = "/lib", .source = "/lib", .options = TEXTS("rbind", "rro") }, \
	{ .destination = "/lib64", .source = "/lib64", .options = TEXTS("rbind", "rro") }
#define PROC { .destination = "/proc", .type = "proc", .source = "proc", .options = TEXTS("nosuid", "nodev", "noexec") }
#define DEV { .destination = "/dev", .type = "tmpfs", .options = TEXTS("nosuid", "strictatime", "mode=755", "size=65536k") }
#define PTS { .destination = "/dev/pts", .type = "devpts", .options = TEXTS("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5") }
#define USUAL_MOUNTS MOUNTS(PROC, DEV, PTS,                                                                                  \
	{ .destination = "/dev/shm", .type = "tmpfs", .options = TEXTS("nosuid", "noexec", "nodev", "mode=1777", "size=64k") }, \
	{ .destination = "/dev/mqueue", .type = "mqueue", .options = TEXTS("nosuid", "noexec", "nodev") },                       \
	{ .destination = "/etc/file", .source = "file", .options = TEXTS("bind", "ro") },                                       \
	{ .destination = "/tree", .source = "tree", .options = TEXTS("rbind", "ro", "nosuid", "rprivate") },                    \
	{ .destination = "/filled", .type = "tmpfs", .options = TEXTS("tmpcopyup", "ro") },                                     \
	{ .destination = "/kept", .type = "tmpfs", .options = TEXTS("size=64k") }, BUSYBOX, LIBRARIES)
#define USUAL_LINUX {                                                                                                        \
	.namespaces = SPACES({ NS_MOUNT, NULL }, { NS_PID, NULL }, { NS_IPC, NULL }, { NS_UTS, NULL }),                        \
	.masked_paths = TEXTS("/proc/timer_list", "/proc/cmdline", "/proc/irq", "/proc/no/such", "/etc/file/below"),           \
	.readonly_paths = TEXTS("/proc/sys", "/proc/bus", "/no/such") }
#define USUAL .prepare = prepare_usual, .inside = inside_usual, .mounts = USUAL_MOUNTS, .hostname = "box",                    \
	.readonly = true, .linux_part = USUAL_LINUX
#define SPACES_PID { .namespaces = SPACES({ NS_MOUNT, NULL }, { NS_PID, NULL }) }
#define USER_MAPS .uid_maps = MAPS({ 0, 100000, 1000 }), .gid_maps = MAPS({ 0, 100000, 1000 })
#define OWN_DEVICE { .path = "/dev/own", .type = "c", .major = SET(1), .minor = SET(5), .mode = SET(0640), .uid = SET(12), .gid = SET(34) }

static const struct box boxes[] = {
	{ .name = "the usual", USUAL },
	{ .name = "the usual, pivot late", USUAL, .late = true },
	{ .name = "the usual, no pivot", USUAL, .no_pivot = true },
	{ .name = "the usual, no pivot, late", USUAL, .no_pivot = true, .late = true },
	{ .name = "without mount_setattr", .prepare = prepare_usual, .inside = inside_old, .no_setattr = true, .readonly = true,
	  .mounts = MOUNTS(PROC, DEV, { .destination = "/etc/file", .source = "file", .options = TEXTS("bind", "ro") },
		{ .destination = "/tree", .source = "tree", .options = TEXTS("bind", "ro", "nosuid", "private") }),
	  .linux_part = USUAL_LINUX },
	{ .name = "without mount_setattr and recursive", USUAL, .no_setattr = true,
	  .error = "recursive options and nosymfollow need Linux 5.12" },
	{ .name = "links stay inside", .prepare = prepare_escapes, .inside = inside_escapes, .linux_part = SPACES_PID,
	  .mounts = MOUNTS(PROC,
		{ .destination = "/abs/one", .type = "tmpfs" }, { .destination = "/rel/two", .type = "tmpfs" },
		{ .destination = "/up/three", .type = "tmpfs" }, { .destination = "/chain1/four", .source = "tree", .options = TEXTS("bind") },
		{ .destination = "/leaf", .source = "tree", .options = TEXTS("bind") },
		{ .destination = "/leaffile", .source = "file", .options = TEXTS("bind") },
		{ .destination = "/run2/five", .type = "tmpfs" }) },
	{ .name = "magic links lead nowhere", .prepare = prepare_escapes, .linux_part = SPACES_PID, .error = "Too many levels of symbolic links",
	  .mounts = MOUNTS(PROC, { .destination = "/magic/x", .type = "tmpfs" }) },
	{ .name = "another file where a device belongs", .prepare = prepare_foreign_null, .linux_part = SPACES_PID,
	  .mounts = MOUNTS(PROC), .error = "make device /dev/null: the root file system has something else there" },
	{ .name = "the right devices are kept", .prepare = prepare_right_null, .inside = inside_right_null, .mounts = MOUNTS(PROC),
	  .linux_part = { .namespaces = SPACES({ NS_MOUNT, NULL }, { NS_PID, NULL }),
		.devices = LIST(((struct ns_device_spec[]){ OWN_DEVICE, { .path = "/deep/er/pipe", .type = "p" } })) } },
	{ .name = "/proc is a link", .prepare = prepare_linked_proc, .linux_part = SPACES_PID, .mounts = MOUNTS(PROC),
	  .error = "mount proc on /proc: it is a link or a file in the root file system, it must be a directory" },
	{ .name = "/dev is a link", .prepare = prepare_linked_dev, .inside = inside_linked_dev, .linux_part = SPACES_PID },
	{ .name = "a link into /proc", .prepare = prepare_into_proc, .linux_part = SPACES_PID,
	  .mounts = MOUNTS(PROC, { .destination = "/way/kernel", .source = "tree", .options = TEXTS("bind") }),
	  .error = "/way/kernel in the root file system leads into a procfs" },
	{ .name = "something else bound on /proc", .prepare = prepare_usual, .linux_part = SPACES_PID,
	  .mounts = MOUNTS({ .destination = "/proc", .source = "tree", .options = TEXTS("bind") }),
	  .error = "on /proc: only a procfs may be there" },
	{ .name = "a false null device", .prepare = prepare_masked_null, .mounts = MOUNTS(PROC, { .destination = "/dev", .source = "fakedev", .options = TEXTS("bind") }),
	  .linux_part = { .namespaces = SPACES({ NS_MOUNT, NULL }, { NS_PID, NULL }), .masked_paths = TEXTS("/proc/cmdline") },
	  .error = "mask /proc/cmdline: /dev/null in the container is not the null device" },
	{ .name = "a source that is missing", .linux_part = SPACES_PID, .mounts = MOUNTS({ .destination = "/x", .source = "/no/such", .options = TEXTS("bind") }),
	  .error = "mount /no/such on /x: open /no/such: No such file or directory" },
	{ .name = "a word the file system does not know", .linux_part = SPACES_PID, .mounts = MOUNTS({ .destination = "/x", .type = "tmpfs", .options = TEXTS("bogus=1") }),
	  .error = "mount tmpfs on /x: bogus: tmpfs: Unknown parameter" },
	{ .name = "a file system that does not exist", .linux_part = SPACES_PID, .mounts = MOUNTS({ .destination = "/x", .type = "nosuchfs" }),
	  .error = "mount nosuchfs on /x: No such device" },
	{ .name = "in a user namespace", .prepare = prepare_usual, .inside = inside_user,
	  .mounts = MOUNTS(PROC, DEV, PTS,
		{ .destination = "/sys", .type = "sysfs", .options = TEXTS("nosuid", "noexec", "nodev", "ro") },
		{ .destination = "/tree", .source = "tree", .options = TEXTS("rbind", "rro") },
		{ .destination = "/mapped", .source = "tree", .options = TEXTS("bind", "idmap"), .uid_maps = MAPS({ 0, 100077, 1 }), .gid_maps = MAPS({ 0, 100077, 1 }) },
		{ .destination = "/mapped2", .source = "tree", .options = TEXTS("rbind", "ridmap"), .uid_maps = MAPS({ 0, 100077, 1 }), .gid_maps = MAPS({ 0, 100077, 1 }) }),
	  .linux_part = { .namespaces = SPACES({ NS_MOUNT, NULL }, { NS_PID, NULL }, { NS_USER, NULL }), USER_MAPS,
		.devices = LIST(((struct ns_device_spec[]){ OWN_DEVICE })), .readonly_paths = TEXTS("/proc/sys"), .masked_paths = TEXTS("/proc/cmdline", "/proc/irq") } },
	{ .name = "as an ordinary user", .prepare = prepare_usual, .inside = inside_ordinary, .ordinary = true,
	  .mounts = MOUNTS(PROC, DEV, { .destination = "/sys", .type = "sysfs", .options = TEXTS("ro") },
		{ .destination = "/tree", .source = "tree", .options = TEXTS("rbind", "rw", "rro") }),
	  .linux_part = { .namespaces = SPACES({ NS_MOUNT, NULL }, { NS_PID, NULL }, { NS_USER, NULL }),
		.readonly_paths = TEXTS("/proc/sys"), .masked_paths = TEXTS("/proc/cmdline", "/proc/irq") } },
	{ .name = "clocks, names and sysctls", .inside = inside_clocks, .mounts = MOUNTS(PROC),
	  .linux_part = { .namespaces = SPACES({ NS_MOUNT, NULL }, { NS_PID, NULL }, { NS_TIME, NULL }, { NS_NETWORK, NULL }, { NS_UTS, NULL }),
		.time_offsets = LIST(((struct ns_time_offset[]){ { "boottime", SET(86400 * 400), { 0 } }, { "monotonic", SET(86400 * 200), SET(5) } })),
		.sysctl = LIST(((struct json_pair[]){ { "net.ipv4.ip_forward", "1" }, { "kernel/domainname", "example" } })) } },
	{ .name = "cgroups of version 1", .prepare = prepare_usual, .inside = inside_cgroups, .linux_part = SPACES_PID, .cgroups = true,
	  .mounts = MOUNTS(PROC, { .destination = "/sys/fs/cgroup", .type = "cgroup", .options = TEXTS("ro", "nosuid", "relatime") }) },
	{ .name = "no mount namespace", .prepare = prepare_chroot, .inside = inside_chroot,
	  .linux_part = { .namespaces = SPACES({ NS_PID, NULL }) } },
	{ .name = "rarer words", .prepare = prepare_words, .inside = inside_words, .linux_part = SPACES_PID,
	  .mounts = MOUNTS(PROC,
		{ .destination = "/copied/pointer", .source = "pointer", .options = TEXTS("bind", "copy-symlink") },
		{ .destination = "/link", .source = "file", .options = TEXTS("bind", "dest-nofollow") },
		{ .destination = "/bound", .source = "pointer", .options = TEXTS("bind", "src-nofollow", "dest-nofollow") },
		{ .destination = "/layers", .type = "overlay", .options = TEXTS("lowerdir=/etc:/bin") },
		{ .destination = "/tree", .source = "tree", .options = TEXTS("bind") },
		{ .destination = "/tree", .options = TEXTS("remount", "ro") }) },
	{ .name = "shared propagation", .prepare = prepare_usual, .inside = inside_shared,
	  .mounts = MOUNTS(PROC, { .destination = "/tree", .source = "tree", .options = TEXTS("bind", "private") },
		{ .destination = "/tree2", .source = "tree", .options = TEXTS("bind", "slave", "shared") }),
	  .linux_part = { .namespaces = SPACES({ NS_MOUNT, NULL }, { NS_PID, NULL }), .rootfs_propagation = "rshared" } },
};

/* clang-format on */

/* ---- running a box ---- */

/* The rows of the start table that belong to ns/, in their order. */
static int run_init(const struct box *box, const struct flat_view *view, const struct ns_plan *plan,
		    struct err *err)
{
	int root = -1;

	if (ns_enter_time(view, plan, err) < 0 || ns_set_identity(view, plan, err) < 0 ||
	    ns_attach_root(view, plan, &root, err) < 0)
		return -1;
	if (!box->late && ns_pivot(view, plan, root, err) < 0)
		return -1;
	if (ns_mount(view, plan, root, err) < 0 || ns_make_devices(view, plan, root, err) < 0 ||
	    ns_cover_paths(view, plan, root, err) < 0)
		return -1;
	if ((box->late && ns_pivot(view, plan, root, err) < 0) ||
	    ns_seal_root(view, plan, root, err) < 0)
		return -1;
	return chdir("/");
}

static void forbid_mount_setattr(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mount_setattr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/* What ns_spawn() and the container's first process would be. */
static int live_inside(const struct box *box, const struct ns_host *host,
		       const struct flat_view *view, const struct ns_plan *plan)
{
	struct err err = { 0 };

	if (host->join[NS_USER] >= 0)
		CHECK(setns(host->join[NS_USER], CLONE_NEWUSER) == 0);
	CHECK(unshare((int)host->new_flags) == 0);
	pid_t pid = fork();
	int status = -1;

	if (pid > 0) {
		CHECK(waitpid(pid, &status, 0) == pid);
		return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	}
	if (host->join[NS_USER] >= 0)
		CHECK(setresgid(host->root_gid, host->root_gid, host->root_gid) == 0 &&
		      setresuid(host->root_uid, host->root_uid, host->root_uid) == 0);
	int result = run_init(box, view, plan, &err);

	if (box->error) {
		CHECK_ROW(box->name, result < 0);
		CHECK_ROW(box->name, strstr(err.text, box->error) != NULL);
	} else {
		CHECK_TEXT(err.text, "");
		CHECK_ROW(box->name, result == 0);
		if (result == 0 && box->inside)
			box->inside();
	}
	if (unit_failures)
		fprintf(stderr, "\"%s\" says: %s\n", box->name, err.text);
	_exit(unit_failures > 0);
}

static int compile_and_live(const struct box *box, const char *bundle)
{
	char place[4200], tree[4200];
	const struct ns_cgroup_mount cgroups[] = { { "cpu,cpuacct", "cpu,cpuacct", tree, false },
						   { "", "unified", tree, true } };
	struct ns_root_spec root = { .path = "rootfs", .readonly = box->readonly };
	struct ns_request request = { .linux_part = &box->linux_part,
				      .root = &root,
				      .mounts = &box->mounts,
				      .hostname = box->hostname,
				      .bundle = bundle,
				      .rootfs_fd = -1,
				      .rootfs_target = place,
				      .no_pivot = box->no_pivot,
				      .hooks_see_root = box->late };
	struct ns_host host = NS_HOST_INIT;
	struct flat flat = FLAT_INIT;
	struct ns_plan plan;
	struct err err = { 0 };
	int result = 1;

	str_format(place, sizeof(place), "%s/rootfs", bundle);
	str_format(tree, sizeof(tree), "%s/tree", bundle);
	if (box->cgroups) {
		request.cgroup_mounts = cgroups;
		request.cgroup_mount_count = 2;
	}
	if (box->no_setattr)
		forbid_mount_setattr();
	if (ns_check(&request, &err) == 0 && ns_open(&request, &host, &err) == 0 &&
	    ns_compile(&request, &host, &flat, &plan, &err) == 0 && flat_finish(&flat, &err) == 0) {
		const struct flat_view view = { flat.data, flat.size, flat.fds, flat.fd_count };

		result = live_inside(box, &host, &view, &plan);
	} else {
		CHECK_ROW(box->name, box->error && strstr(err.text, box->error));
		if (unit_failures)
			fprintf(stderr, "\"%s\" says: %s\n", box->name, err.text);
		result = unit_failures > 0;
	}
	flat_free(&flat);
	ns_close(&host);
	return result || unit_failures;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type, (void)walk;
	return remove(path);
}

static void run_box(const struct box *box)
{
	char bundle[] = "/tmp/masu-ns-XXXXXX";
	int status = -1;

	CHECK(mkdtemp(bundle) != NULL && chdir(bundle) == 0 && chmod(bundle, 0755) == 0);
	pid_t pid = fork();

	if (pid == 0) {
		unit_failures = 0;
		mkdir("rootfs", 0755);
		mkdir("decoy", 0755);
		put("decoy/victim", "untouched");
		if (box->prepare)
			box->prepare();
		CHECK(!box->ordinary ||
		      (chown("rootfs", NOBODY, NOBODY) == 0 &&
		       setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
		       setresuid(NOBODY, NOBODY, NOBODY) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0));
		if (box->linux_part.uid_maps.count)
			CHECK(chown("rootfs", 100000, 100000) == 0);
		_exit(compile_and_live(box, bundle));
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_ROW(box->name, status == 0);
	CHECK_ROW(box->name, holds("decoy/victim", "untouched"));
	struct stat decoy;

	CHECK_ROW(box->name, stat("decoy", &decoy) == 0 && decoy.st_nlink == 2 &&
				     access("decoy/null", F_OK) < 0);
	CHECK(chdir("/") == 0);
	CHECK_INT(nftw(bundle, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT), 0);
}

int main(void)
{
	static char before[INFO_MAX], after[INFO_MAX];

	if (geteuid() != 0) {
		printf("ns_box: skipped: it makes namespaces and mounts, which needs root\n");
		return 0;
	}
	CHECK(fd_read_file(AT_FDCWD, "/proc/self/mountinfo", before, sizeof(before)) > 0);
	for (size_t i = 0; i < sizeof(boxes) / sizeof(*boxes); i++)
		run_box(&boxes[i]);
	CHECK(fd_read_file(AT_FDCWD, "/proc/self/mountinfo", after, sizeof(after)) > 0);
	CHECK_TEXT(after, before);
	return unit_done("ns_box");
}
