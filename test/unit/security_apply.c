/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is applied to a process, from outside and in masu-init: children apply a plan and look at
 * themselves. Needs root. */
#include "security/security.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "security/seccomp.h"
#include "test/unit/unit.h"

#define BIT(cap) (1ULL << (cap))

/* Runs `body` in a child whose checks count here; what it leaves behind on the process ends with
 * it. */
static void in_child(void (*body)(void *), void *data)
{
	fflush(stdout);
	pid_t child = fork();

	if (!child) {
		unit_failures = 0;
		body(data);
		fflush(stderr);
		_exit(unit_failures ? 1 : 0);
	}
	int status = -1;

	waitpid(child, &status, 0);
	CHECK(child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The text behind "NAME:\t" in /proc/self/status. */
static const char *status_line(const char *name, char *text, size_t size)
{
	char wanted[32];

	snprintf(wanted, sizeof(wanted), "\n%s:\t", name);
	if (fd_read_file(AT_FDCWD, "/proc/self/status", text, size) < 0)
		return "unreadable";
	char *at = strstr(text, wanted);

	if (!at)
		return "absent";
	at += strlen(wanted);
	at[strcspn(at, "\n")] = '\0';
	return at;
}

static void check_status(const char *name, const char *want)
{
	char text[4096];

	CHECK_TEXT(status_line(name, text, sizeof(text)), want);
}

static void check_mask(const char *name, uint64_t want)
{
	char text[17];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)want);
	check_status(name, text);
}

/* ---- security_drop() ---- */
static const struct drop_row {
	const char *what;
	struct security_plan plan;
	uint32_t groups[3];
	size_t group_count;
	const char *uids, *gids, *groups_line, *nnp, *umask;
} drop_rows[] = {
	{ "user with ambient capabilities",
	  { .uid = 1000,
	    .gid = 1001,
	    .umask = 027,
	    .no_new_privileges = 1,
	    .set_groups = 1,
	    .capabilities = { BIT(5) | BIT(10), BIT(10), BIT(10), BIT(10), BIT(10) } },
	  { 1001, 44 },
	  2,
	  "1000\t1000\t1000\t1000",
	  "1001\t1001\t1001\t1001",
	  "44 1001 ",
	  "1",
	  "0027" },
	{ "root with some",
	  { .umask = -1,
	    .set_groups = 1,
	    .capabilities = { BIT(5) | BIT(0), BIT(0), 0, BIT(0), 0 } },
	  { 0 },
	  0,
	  "0\t0\t0\t0",
	  "0\t0\t0\t0",
	  " ",
	  "0",
	  "0022" },
	{ "root with none",
	  { .umask = 0, .set_groups = 1 },
	  { 0 },
	  0,
	  "0\t0\t0\t0",
	  "0\t0\t0\t0",
	  " ",
	  "0",
	  "0000" },
	{ "user with inheritable ones alone",
	  { .uid = 4294967294,
	    .gid = 2147483648,
	    .umask = -1,
	    .set_groups = 1,
	    .capabilities = { BIT(7), 0, BIT(7), 0, 0 } },
	  { 0 },
	  0,
	  "4294967294\t4294967294\t4294967294\t4294967294",
	  "2147483648\t2147483648\t2147483648\t2147483648",
	  " ",
	  "0",
	  "0022" },
};

static void drop(void *data)
{
	const struct drop_row *row = data;
	struct security_plan plan = row->plan;
	struct flat flat = FLAT_INIT;
	struct err err = { 0 };

	umask(022);
	plan.groups = flat_put(&flat, row->groups, sizeof(row->groups[0]), row->group_count);
	struct flat_view view = { .data = flat.data, .size = flat.size };

	CHECK_INT(security_drop(&view, &plan, &err), 0);
	CHECK_TEXT(err.text, "");
	check_mask("CapBnd", plan.capabilities[CAPS_BOUNDING]);
	check_mask("CapEff", plan.capabilities[CAPS_EFFECTIVE]);
	check_mask("CapInh", plan.capabilities[CAPS_INHERITABLE]);
	check_mask("CapPrm", plan.capabilities[CAPS_PERMITTED]);
	check_mask("CapAmb", plan.capabilities[CAPS_AMBIENT]);
	check_status("Uid", row->uids);
	check_status("Gid", row->gids);
	check_status("Groups", row->groups_line);
	check_status("NoNewPrivs", row->nnp);
	check_status("Umask", row->umask);
	CHECK_INT(prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0), 0);
	flat_free(&flat);
}

static void test_drop(void)
{
	for (size_t i = 0; i < sizeof(drop_rows) / sizeof(drop_rows[0]); i++) {
		int before = unit_failures;

		in_child(drop, (void *)&drop_rows[i]);
		if (unit_failures != before)
			fprintf(stderr, "row \"%s\"\n", drop_rows[i].what);
	}
}

/* A user without ambient capabilities has none after the exec (CVE-2018-10856): asked from what
 * /bin/grep says. */
static void drop_and_exec(void *data)
{
	struct security_plan plan = { .uid = 1000,
				      .gid = 1000,
				      .umask = -1,
				      .set_groups = 1,
				      .capabilities = { BIT(5), BIT(5), 0, BIT(5), 0 } };
	struct flat_view view = { 0 };
	struct err err = { 0 };
	int pipe_fds[2];

	(void)data;
	CHECK_INT(security_drop(&view, &plan, &err), 0);
	check_mask("CapEff", BIT(5));
	CHECK(pipe(pipe_fds) == 0);
	pid_t child = fork();

	if (!child) {
		dup2(pipe_fds[1], 1);
		execl("/bin/grep", "grep", "-E", "Cap(Inh|Prm|Eff|Amb)", "/proc/self/status", NULL);
		_exit(127);
	}
	close(pipe_fds[1]);
	char text[512] = "";
	ssize_t length = fd_read_all(pipe_fds[0], text, sizeof(text) - 1);

	waitpid(child, NULL, 0);
	text[length > 0 ? length : 0] = '\0';
	CHECK_TEXT(text, "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n"
			 "CapEff:\t0000000000000000\nCapAmb:\t0000000000000000\n");
}

/* What cannot be set exactly is an error, not a surprise. */
static void drop_impossible(void *data)
{
	struct security_plan plan = { .umask = -1, .capabilities = { 0, BIT(5), 0, BIT(6), 0 } };
	struct flat_view view = { 0 };
	struct err err = { 0 };

	(void)data;
	CHECK_INT(security_drop(&view, &plan, &err), -1);
	CHECK(strstr(err.text, "process.capabilities") != NULL);
}

/* ---- security_load_seccomp() ---- */
static size_t compile_filter(const char *json, struct arena *arena, void **program)
{
	struct security_seccomp seccomp = { 0 };
	struct err err = { 0 };
	size_t size = 0;

	CHECK_INT(json_decode("profile", json, strlen(json), &security_seccomp_object, &seccomp,
			      arena, &err),
		  0);
	CHECK_INT(security_seccomp_compile(&seccomp, arena, program, &size, &err), 0);
	return size;
}

static void load_filter(void *data)
{
	static const char json[] =
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getppid\"],"
		"\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":99},{\"names\":[\"socket\"],\"action\":"
		"\"SCMP_ACT_ERRNO\",\"errnoRet\":98,\"args\":[{\"index\":0,\"value\":38,\"op\":"
		"\"SCMP_CMP_EQ\"}]}]}";
	auto_arena struct arena arena = { 0 };
	struct err err = { 0 };
	void *program = NULL;
	int listener = 5;
	size_t size = compile_filter(json, &arena, &program);

	(void)data;
	CHECK_INT(security_load_seccomp(program, size, 1U << 20, false, &listener, &err), -1);
	CHECK(err.code == EINVAL && err.hint[0]);
	CHECK_INT(security_load_seccomp(program, size, SECCOMP_FILTER_FLAG_SPEC_ALLOW, false,
					&listener, &err),
		  0);
	CHECK_INT(listener, -1);
	check_status("Seccomp", "2");
	errno = 0;
	CHECK(syscall(SYS_getppid) == -1 && errno == 99);
	CHECK(socket(38, SOCK_STREAM, 0) == -1 && errno == 98);
	auto_close int plain = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK(plain >= 0);
}

static void load_allow_list(void *data)
{
	static const char json[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[\"write\",\"read\","
		"\"exit_group\",\"openat\",\"close\",\"fstat\",\"newfstatat\",\"openat2\","
		"\"mmap\",\"munmap\",\"sigaltstack\"],\"action\":\"SCMP_ACT_ALLOW\"}]}";
	auto_arena struct arena arena = { 0 };
	struct err err = { 0 };
	void *program = NULL;
	int listener;
	size_t size = compile_filter(json, &arena, &program);

	(void)data;
	CHECK_INT(security_load_seccomp(program, size, 0, false, &listener, &err), 0);
	CHECK(syscall(SYS_getppid) == -1 && errno == EPERM);
	CHECK(syscall(450) == -1 &&
	      errno == ENOSYS); /* set_mempolicy_home_node: newer than openat2 */
}

static void load_unprivileged(void *data)
{
	struct security_plan plan = { .uid = 1000, .gid = 1000, .umask = -1 };
	struct flat_view view = { 0 };
	auto_arena struct arena arena = { 0 };
	struct err err = { 0 };
	void *program = NULL;
	int listener;
	size_t size = compile_filter("{\"defaultAction\":\"SCMP_ACT_LOG\"}", &arena, &program);

	(void)data;
	CHECK_INT(security_drop(&view, &plan, &err), 0);
	CHECK_INT(security_load_seccomp(program, size, 0, false, &listener, &err), -1);
	CHECK(err.code == EACCES && strstr(err.hint, "noNewPrivileges"));
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK_INT(security_load_seccomp(program, size, 0, false, &listener, &err), 0);
}

/* ---- the listener reaches an agent, with its state ---- */
static void notify(void *data)
{
	static const char json[] =
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\",\"syscalls\":[{\"names\":"
		"[\"mkdir\"],\"action\":\"SCMP_ACT_NOTIFY\"}]}";
	char directory[] = "/tmp/masu-unit-XXXXXX", path[64], text[512];
	auto_arena struct arena arena = { 0 };
	struct err err = { 0 };
	void *program = NULL;
	int listener = -1, received = -1;
	size_t size = compile_filter(json, &arena, &program), count = 1;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)data;
	CHECK(mkdtemp(directory) != NULL);
	snprintf(path, sizeof(path), "%s/agent", directory);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	auto_close int agent = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK(bind(agent, (struct sockaddr *)&address, sizeof(address)) == 0 &&
	      listen(agent, 1) == 0);
	struct security_notify target = { .path = path, .metadata = "a \"b\"" };

	CHECK_INT(security_load_seccomp(program, size, 0, true, &listener, &err), 0);
	CHECK(listener >= 0);
	CHECK_INT(security_seccomp_send_listener(&target, listener, 42, "{\"id\":\"x\"}", &err), 0);
	CHECK_TEXT(err.text, "");
	auto_close int peer = accept(agent, NULL, NULL);
	ssize_t length = fd_receive(peer, text, sizeof(text) - 1, &received, &count);

	CHECK(length > 0 && count == 1 && received >= 0);
	text[length > 0 ? length : 0] = '\0';
	CHECK_TEXT(text, "{\"ociVersion\":\"1.3.0\",\"fds\":[\"seccompFd\"],\"pid\":42,"
			 "\"metadata\":\"a \\\"b\\\"\",\"state\":{\"id\":\"x\"}}");
	target.path = "/nowhere/agent";
	CHECK_INT(security_seccomp_send_listener(&target, listener, 42, "{}", &err), -1);
	CHECK(strstr(err.text, "linux.seccomp.listenerPath: open /nowhere/agent") != NULL);
	unlink(path);
	rmdir(directory);
}

/* ---- personality, memory policy, limits ---- */
static void apply_execution(void *data)
{
	struct security_rlimit_plan limits[] = { { RLIMIT_CORE, 0, 4096 },
						 { RLIMIT_NOFILE, 50, 60 } };
	unsigned long nodes[16] = { 1 };
	struct flat flat = FLAT_INIT;
	struct security_plan plan = { .personality = PER_LINUX32,
				      .memory_mode = 2, /* MPOL_BIND */
				      .memory_bits = 1024,
				      .rlimits = flat_put(&flat, limits, sizeof(limits[0]), 2),
				      .memory_nodes =
					      flat_put(&flat, nodes, sizeof(nodes[0]), 16) };
	struct flat_view view = { .data = flat.data, .size = flat.size };
	struct err err = { 0 };
	struct rlimit limit;
	int result = security_apply_execution(&view, &plan, &err);

	(void)data;
	/* a kernel without NUMA says so */
	CHECK(result == 0 || (err.code == ENOSYS && err.hint[0]));
	CHECK_INT(personality(0xffffffff), PER_LINUX32);
	CHECK_INT(security_apply_limits(&view, &plan, &err), 0);
	CHECK(getrlimit(RLIMIT_CORE, &limit) == 0 && !limit.rlim_cur && limit.rlim_max == 4096);
	CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == 50 &&
	      limit.rlim_max == 60);
	limits[1].hard = 10;
	plan.rlimits = flat_put(&flat, limits, sizeof(limits[0]), 2);
	view = (struct flat_view){ .data = flat.data, .size = flat.size };
	CHECK_INT(security_apply_limits(&view, &plan, &err), -1);
	CHECK(strstr(err.text, "process.rlimits[1]") != NULL);
	flat_free(&flat);
}

static void apply_nothing(void *data)
{
	struct security_plan plan = { .personality = -1, .memory_mode = -1 };
	struct flat_view view = { 0 };
	struct err err = { 0 };

	(void)data;
	CHECK_INT(security_join_keyring(&view, &plan, &err), 0);
	CHECK_INT(security_apply_label(&view, &plan, &err), 0);
	CHECK_INT(security_apply_execution(&view, &plan, &err), 0);
	CHECK_INT(security_apply_limits(&view, &plan, &err), 0);
}

static void join_keyring(void *data)
{
	struct flat flat = FLAT_INIT;
	struct security_plan plan = { .keyring = flat_text(&flat, "masu-unit") };
	struct flat_view view = { .data = flat.data, .size = flat.size };
	struct err err = { 0 };
	int result = security_join_keyring(&view, &plan, &err);

	(void)data;
	/* a sandbox around us may forbid it: then the hint tells what to do */
	CHECK(result == 0 || strstr(err.hint, "--no-new-keyring"));
	flat_free(&flat);
}

/* ---- from outside, by pid ---- */
static void apply_outside(void *data)
{
	int flags[] = { 1 };
	struct security_scheduler scheduler = { .policy = SCHED_BATCH,
						.nice = { true, 5 },
						.flags = { flags, 1 } };
	struct security_io_priority io_priority = { .class = IOPRIO_CLASS_BE,
						    .priority = { true, 6 } };
	struct security_rlimit limit = { RLIMIT_CORE, { true, 0 }, { true, 0 } };
	struct security_process process = { .scheduler = &scheduler,
					    .io_priority = &io_priority,
					    .oom_score_adj = { true, 1000 },
					    .rlimits = { &limit, 1 } };
	struct err err = { 0 };
	char text[16];

	(void)data;
	CHECK_INT(security_apply_outside(&process, getpid(), &err), 0);
	CHECK_TEXT(err.text, "");
	CHECK_INT(sched_getscheduler(0), SCHED_BATCH | SCHED_RESET_ON_FORK);
	CHECK_INT(getpriority(PRIO_PROCESS, 0), 5);
	CHECK_INT(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, getpid()),
		  IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 6));
	CHECK(fd_read_file(AT_FDCWD, "/proc/self/oom_score_adj", text, sizeof(text)) > 0);
	CHECK_TEXT(text, "1000");
	CHECK_INT(security_raise_limits(&process, getpid(), &err), 0);
	scheduler.policy = 4; /* SCHED_ISO, which no kernel has */
	CHECK_INT(security_apply_outside(&process, getpid(), &err), -1);
	CHECK(strstr(err.text, "SCHED_ISO") != NULL);
	limit = (struct security_rlimit){ RLIMIT_CORE, { true, 0 }, { true, 1 } };
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
	if (prctl(PR_CAPBSET_READ, CAP_SYS_RESOURCE, 0, 0, 0) == 0) {
		CHECK_INT(security_raise_limits(&process, getpid(), &err), -1);
		CHECK(strstr(err.text, "RLIMIT_CORE") && strstr(err.hint, "CAP_SYS_RESOURCE"));
	} else {
		CHECK_INT(security_raise_limits(&process, getpid(), &err), 0);
	}
}

static void apply_affinity(void *data)
{
	struct err err = { 0 };
	char text[4096];

	(void)data;
	CHECK_INT(security_apply_affinity("0", getpid(), &err), 0);
	check_status("Cpus_allowed_list", "0");
	CHECK_INT(security_apply_affinity(NULL, getpid(), &err), 0);
	CHECK_INT(security_apply_affinity("8191", getpid(), &err), -1);
	CHECK(strstr(err.text, "process.execCPUAffinity") && err.hint[0]);
	CHECK_INT(security_reset_affinity(getpid(), &err), 0);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		CHECK(strcmp(status_line("Cpus_allowed_list", text, sizeof(text)), "0") != 0);
}

int main(void)
{
	if (geteuid() != 0) {
		puts("security_apply: skipped: it changes users and capabilities, which takes root");
		return 0;
	}
	test_drop();
	in_child(drop_and_exec, NULL);
	in_child(drop_impossible, NULL);
	in_child(load_filter, NULL);
	in_child(load_allow_list, NULL);
	in_child(load_unprivileged, NULL);
	in_child(notify, NULL);
	in_child(apply_execution, NULL);
	in_child(apply_nothing, NULL);
	in_child(join_keyring, NULL);
	in_child(apply_outside, NULL);
	in_child(apply_affinity, NULL);
	return unit_done("security_apply");
}
