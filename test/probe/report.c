/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The probe's reports: each reads one thing from the kernel and writes it as JSON. */
#include <dirent.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "test/probe/out.h"
#include "test/probe/probe.h"

extern char **environ;

/* The value behind "Key:\t" in /proc/self/status. */
static const char *status_value(const char *key, char *line, size_t size)
{
	FILE *file = fopen("/proc/self/status", "re");
	size_t length = strlen(key);
	const char *value = NULL;

	while (!value && file && fgets(line, (int)size, file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, key, length) == 0 && line[length] == ':')
			value = line + length + 1 + strspn(line + length + 1, "\t ");
	}
	if (file)
		fclose(file);
	return value;
}

static void status_text(struct out *out, const char *key, const char *status_key)
{
	char line[4096];

	out_text(out, key, status_value(status_key, line, sizeof(line)));
}

static void write_ids(struct out *out, const char *name, char **argv)
{
	gid_t groups[256];
	int count = getgroups(256, groups);
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	(void)argv;
	getresuid(&ruid, &euid, &suid);
	getresgid(&rgid, &egid, &sgid);
	out_open(out, name, '{');
	out_number(out, "pid", getpid());
	out_number(out, "ppid", getppid());
	out_number(out, "pgid", getpgid(0));
	out_number(out, "sid", getsid(0));
	out_number(out, "uid", ruid);
	out_number(out, "euid", euid);
	out_number(out, "suid", suid);
	out_number(out, "gid", rgid);
	out_number(out, "egid", egid);
	out_number(out, "sgid", sgid);
	out_open(out, "groups", '[');
	for (int i = 0; i < count; i++)
		out_number(out, NULL, groups[i]);
	out_close(out, ']');
	out_close(out, '}');
}

static void write_caps(struct out *out, const char *name, char **argv)
{
	static const char *const sets[][2] = {
		{ "inheritable", "CapInh" }, { "permitted", "CapPrm" }, { "effective", "CapEff" },
		{ "bounding", "CapBnd" },    { "ambient", "CapAmb" },
	};

	(void)argv;
	out_open(out, name, '{');
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		status_text(out, sets[i][0], sets[i][1]);
	out_number(out, "securebits", prctl(PR_GET_SECUREBITS));
	out_close(out, '}');
}

static void write_security(struct out *out, const char *name, char **argv)
{
	(void)argv;
	out_open(out, name, '{');
	out_number(out, "no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	out_number(out, "dumpable", prctl(PR_GET_DUMPABLE));
	status_text(out, "seccomp", "Seccomp");
	status_text(out, "filters", "Seccomp_filters");
	out_lines(out, "label", "/proc/self/attr/current");
	out_close(out, '}');
}

static void write_umask(struct out *out, const char *name, char **argv)
{
	(void)argv;
	status_text(out, name, "Umask");
}

static void write_cwd(struct out *out, const char *name, char **argv)
{
	char path[4096];

	(void)argv;
	out_text(out, name, getcwd(path, sizeof(path)));
}

static void write_env(struct out *out, const char *name, char **argv)
{
	(void)argv;
	out_texts(out, name, environ);
}

static void write_args(struct out *out, const char *name, char **argv)
{
	out_texts(out, name, argv);
}

static void write_uts(struct out *out, const char *name, char **argv)
{
	struct utsname uts;

	(void)argv;
	uname(&uts);
	out_open(out, name, '{');
	out_text(out, "hostname", uts.nodename);
	out_text(out, "domainname", uts.domainname);
	out_text(out, "machine", uts.machine);
	out_close(out, '}');
}

static void write_rlimits(struct out *out, const char *name, char **argv)
{
	static const char *const names[] = {
		"RLIMIT_CPU",      "RLIMIT_FSIZE", "RLIMIT_DATA",   "RLIMIT_STACK",
		"RLIMIT_CORE",     "RLIMIT_RSS",   "RLIMIT_NPROC",  "RLIMIT_NOFILE",
		"RLIMIT_MEMLOCK",  "RLIMIT_AS",    "RLIMIT_LOCKS",  "RLIMIT_SIGPENDING",
		"RLIMIT_MSGQUEUE", "RLIMIT_NICE",  "RLIMIT_RTPRIO", "RLIMIT_RTTIME",
	};
	struct rlimit limit;

	(void)argv;
	out_open(out, name, '{');
	for (int i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++) {
		if (getrlimit(i, &limit) < 0)
			continue;
		out_open(out, names[i], '{');
		out_limit(out, "soft", limit.rlim_cur);
		out_limit(out, "hard", limit.rlim_max);
		out_close(out, '}');
	}
	out_close(out, '}');
}

static void write_oom(struct out *out, const char *name, char **argv)
{
	char line[32] = "";
	FILE *file = fopen("/proc/self/oom_score_adj", "re");

	(void)argv;
	if (file && !fgets(line, sizeof(line), file))
		line[0] = '\0';
	if (file)
		fclose(file);
	out_number(out, name, strtol(line, NULL, 10));
}

static void write_sched(struct out *out, const char *name, char **argv)
{
	/* struct sched_attr of sched_setattr(2); no C library has it */
	struct {
		unsigned int size, policy;
		unsigned long long flags;
		int nice;
		unsigned int priority;
		unsigned long long runtime, deadline, period;
		unsigned int util_min, util_max;
	} attr = { .size = sizeof(attr) };

	long io = syscall(SYS_ioprio_get, 1 /* IOPRIO_WHO_PROCESS */, 0);

	(void)argv;
	syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0);
	out_open(out, name, '{');
	out_number(out, "policy", attr.policy);
	out_number(out, "flags", (long long)attr.flags);
	out_number(out, "nice", attr.nice);
	out_number(out, "priority", attr.priority);
	out_number(out, "runtime", (long long)attr.runtime);
	out_number(out, "deadline", (long long)attr.deadline);
	out_number(out, "period", (long long)attr.period);
	out_number(out, "io_class", io >> 13);
	out_number(out, "io_priority", io & 0x1fff);
	out_close(out, '}');
}

static void write_affinity(struct out *out, const char *name, char **argv)
{
	(void)argv;
	status_text(out, name, "Cpus_allowed_list");
}

static void write_execution(struct out *out, const char *name, char **argv)
{
	unsigned long nodes[16] = { 0 };
	int mode = -1;

	(void)argv;
	syscall(SYS_get_mempolicy, &mode, nodes, sizeof(nodes) * 8, NULL, 0);
	out_open(out, name, '{');
	out_number(out, "personality", personality(0xffffffff));
	out_number(out, "memory_mode", mode);
	out_number(out, "memory_nodes", (long long)nodes[0]);
	out_close(out, '}');
}

static void write_namespaces(struct out *out, const char *name, char **argv)
{
	static const char *const types[] = { "cgroup", "ipc",  "mnt",  "net",
					     "pid",    "time", "user", "uts" };
	char path[64];

	(void)argv;
	out_open(out, name, '{');
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/ns/%s", types[i]);
		out_link(out, types[i], path);
	}
	out_lines(out, "uid_map", "/proc/self/uid_map");
	out_lines(out, "gid_map", "/proc/self/gid_map");
	out_lines(out, "setgroups", "/proc/self/setgroups");
	out_lines(out, "timens_offsets", "/proc/self/timens_offsets");
	out_close(out, '}');
}

static void write_time(struct out *out, const char *name, char **argv)
{
	struct timespec monotonic, boottime;

	(void)argv;
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	clock_gettime(CLOCK_BOOTTIME, &boottime);
	out_open(out, name, '{');
	out_number(out, "monotonic", monotonic.tv_sec);
	out_number(out, "boottime", boottime.tv_sec);
	out_close(out, '}');
}

static void write_mounts(struct out *out, const char *name, char **argv)
{
	(void)argv;
	out_lines(out, name, "/proc/self/mountinfo");
}

static void write_cgroup(struct out *out, const char *name, char **argv)
{
	(void)argv;
	out_lines(out, name, "/proc/self/cgroup");
}

static void write_fds(struct out *out, const char *name, char **argv)
{
	DIR *dir = opendir("/proc/self/fd");
	char path[300];

	(void)argv;
	out_open(out, name, '{');
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(dir))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%s", entry->d_name);
		out_link(out, entry->d_name, path);
	}
	out_close(out, '}');
	if (dir)
		closedir(dir);
}

static void write_signals(struct out *out, const char *name, char **argv)
{
	int death = 0;

	(void)argv;
	prctl(PR_GET_PDEATHSIG, &death);
	out_open(out, name, '{');
	status_text(out, "blocked", "SigBlk");
	status_text(out, "ignored", "SigIgn");
	status_text(out, "caught", "SigCgt");
	out_number(out, "parent_death", death);
	out_close(out, '}');
}

static void write_keyring(struct out *out, const char *name, char **argv)
{
	char text[256] = "";
	long serial = syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -3 /* session */, 0);

	(void)argv;
	if (serial < 0 ||
	    syscall(SYS_keyctl, 6 /* KEYCTL_DESCRIBE */, serial, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	out_text(out, name, text);
}

static void write_node(struct out *out, const char *file)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "/dev/%s", file);
	if (lstat(path, &st) < 0)
		return;
	out_open(out, file, '{');
	if (S_ISLNK(st.st_mode))
		out_link(out, "link", path);
	out_text(out, "type",
		 S_ISCHR(st.st_mode)    ? "c"
		 : S_ISBLK(st.st_mode)  ? "b"
		 : S_ISFIFO(st.st_mode) ? "p"
		 : S_ISLNK(st.st_mode)  ? "l"
		 : S_ISDIR(st.st_mode)  ? "d"
					: "f");
	out_number(out, "major", major(st.st_rdev));
	out_number(out, "minor", minor(st.st_rdev));
	out_number(out, "mode", st.st_mode & 07777);
	out_number(out, "uid", st.st_uid);
	out_number(out, "gid", st.st_gid);
	out_close(out, '}');
}

static void write_dev(struct out *out, const char *name, char **argv)
{
	DIR *dir = opendir("/dev");

	(void)argv;
	out_open(out, name, '{');
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			write_node(out, entry->d_name);
	out_close(out, '}');
	if (dir)
		closedir(dir);
}

static void write_tty(struct out *out, const char *name, char **argv)
{
	struct winsize size = { 0 };

	(void)argv;
	ioctl(0, TIOCGWINSZ, &size);
	out_open(out, name, '{');
	out_bool(out, "stdin", isatty(0));
	out_bool(out, "stdout", isatty(1));
	out_bool(out, "stderr", isatty(2));
	out_number(out, "rows", size.ws_row);
	out_number(out, "columns", size.ws_col);
	out_number(out, "foreground", tcgetpgrp(0));
	out_close(out, '}');
}

static void write_net(struct out *out, const char *name, char **argv)
{
	(void)argv;
	out_lines(out, name, "/proc/net/dev");
}

/* clang-format off */
const struct probe_report probe_reports[] = {
	{ "ids",	write_ids },
	{ "caps",	write_caps },
	{ "security",	write_security },
	{ "umask",	write_umask },
	{ "cwd",	write_cwd },
	{ "env",	write_env },
	{ "args",	write_args },
	{ "uts",	write_uts },
	{ "rlimits",	write_rlimits },
	{ "oom",	write_oom },
	{ "sched",	write_sched },
	{ "affinity",	write_affinity },
	{ "execution",	write_execution },
	{ "namespaces",	write_namespaces },
	{ "time",	write_time },
	{ "mounts",	write_mounts },
	{ "cgroup",	write_cgroup },
	{ "fds",	write_fds },
	{ "signals",	write_signals },
	{ "keyring",	write_keyring },
	{ "dev",	write_dev },
	{ "tty",	write_tty },
	{ "net",	write_net },
	{ NULL,		NULL },
};
/* clang-format on */
