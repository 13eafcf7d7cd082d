/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The network of an ordinary user's container: pasta, else slirp4netns, carries packets between its
 * namespace and sockets of the user's, watched by a process that ends with the container. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/sys.h"
#include "net/port.h"
#include "net/private.h"

enum {
	READY_TIMEOUT_MS = 10000,
	READY_FD = 4, /* in the program: where it says that it is ready */
	LIFE_FD = 3,  /* in the watcher: a pidfd of the container's first process */
	ARGUMENTS_MAX = 256,
};

/* ---- the program ---- */

static bool find_program(const char *name, char path[PATH_MAX])
{
	const char *places = getenv("PATH");

	for (const char *at = places ? places : "/usr/local/bin:/usr/bin:/bin"; *at;) {
		size_t length = strcspn(at, ":");

		if (length && str_format(path, PATH_MAX, "%.*s/%s", (int)length, at, name) == 0 &&
		    access(path, X_OK) == 0)
			return true;
		at += length + (at[length] == ':');
	}
	return false;
}

int net_user_find(struct net_user *user, struct err *err)
{
	user->is_pasta = find_program("pasta", user->path);
	if (user->is_pasta || find_program("slirp4netns", user->path))
		return 0;
	err_set(err, ERR_UNSUPPORTED,
		"masu.network: a network without privileges needs pasta or slirp4netns, neither is "
		"in PATH");
	return err_hint(err, "install the package passt");
}

static int check_publish(const struct net_user *user, const struct net_publish_spec *publish,
			 struct err *err)
{
	if (!user->is_pasta) {
		err_set(err, ERR_UNSUPPORTED,
			"published ports need pasta, there is slirp4netns alone");
		return err_hint(err, "install the package passt");
	}
	if (publish->protocol == IPPROTO_SCTP || publish->allow_from.count)
		return err_set(err, ERR_UNSUPPORTED, "sctp and allowFrom need root");
	return 0;
}

int net_user_check(const struct net_user *user, const struct net_spec *spec, struct err *err)
{
	const struct net_interface_spec plain = { 0 };

	if (spec->interfaces.count > 1 ||
	    (spec->interfaces.count &&
	     memcmp(spec->interfaces.items, &plain, sizeof(plain)) != 0) ||
	    spec->routes.count)
		return err_set(
			err, ERR_UNSUPPORTED,
			"masu.network: without privileges there is one interface, [{}], without "
			"fields, and no routes");
	for (size_t i = 0; i < spec->publish.count; i++) {
		if (check_publish(user,
				  &JSON_ITEMS(const struct net_publish_spec, &spec->publish)[i],
				  err) < 0)
			return err_wrap(err, "masu.network.publish[%zu]", i);
	}
	return 0;
}

/* ---- its arguments ---- */

struct arguments {
	const char *items[ARGUMENTS_MAX];
	size_t count;
	struct arena *arena;
	bool failed;
};

static void add(struct arguments *arguments, const char *text)
{
	if (!text || arguments->count + 1 == ARGUMENTS_MAX)
		arguments->failed = true;
	else
		arguments->items[arguments->count++] = text;
}

/* "127.0.0.1/8000-8010:80-90", as pasta has it. */
static void add_port(struct arguments *arguments, const struct net_publish_spec *publish)
{
	const char *inside = publish->container_port ? publish->container_port : publish->host_port;

	add(arguments, publish->protocol == IPPROTO_UDP ? "-u" : "-t");
	add(arguments,
	    arena_printf(arguments->arena, "%s%s%s:%s", publish->host ? publish->host : "",
			 publish->host ? "/" : "", publish->host_port, inside));
}

static void add_pasta(struct arguments *arguments, const struct net_spec *spec, pid_t pid)
{
	/* without a way to what listens on the host's loopback alone */
	static const char *const fixed[] = { "--config-net", "--no-map-gw", "--foreground",
					     "--quiet",      "--ns-ifname", "eth0",
					     "-T",           "none",        "-U",
					     "none" };
	bool tcp = false, udp = false;

	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		add(arguments, fixed[i]);
	for (size_t i = 0; i < spec->publish.count; i++) {
		const struct net_publish_spec *publish =
			&JSON_ITEMS(const struct net_publish_spec, &spec->publish)[i];

		add_port(arguments, publish);
		udp |= publish->protocol == IPPROTO_UDP;
		tcp |= publish->protocol != IPPROTO_UDP;
	}
	if (!tcp) {
		add(arguments, "-t");
		add(arguments, "none");
	}
	if (!udp) {
		add(arguments, "-u");
		add(arguments, "none");
	}
	/* it writes its number there when all is set up */
	add(arguments, "--pid");
	add(arguments, arena_printf(arguments->arena, "/proc/self/fd/%d", READY_FD));
	add(arguments, "--userns");
	add(arguments, arena_printf(arguments->arena, "/proc/%d/ns/user", (int)pid));
	add(arguments, "--netns");
	add(arguments, arena_printf(arguments->arena, "/proc/%d/ns/net", (int)pid));
}

static void add_slirp(struct arguments *arguments, pid_t pid)
{
	static const char *const fixed[] = { "--configure", "--mtu=65520",
					     "--disable-host-loopback", "--netns-type=path" };

	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		add(arguments, fixed[i]);
	add(arguments, arena_printf(arguments->arena, "--ready-fd=%d", READY_FD));
	add(arguments, arena_printf(arguments->arena, "--userns-path=/proc/%d/ns/user", (int)pid));
	add(arguments, arena_printf(arguments->arena, "/proc/%d/ns/net", (int)pid));
	add(arguments, "eth0");
}

/* ---- the watcher: system calls only, since our program may have threads ---- */

static _Noreturn void become_program(const char *const *argv)
{
	sigset_t none;

	sigemptyset(&none);
	pthread_sigmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execv(argv[0], (char *const *)argv);
	_exit(127);
}

/* The program ends with the container, with the watcher, or by itself. */
static _Noreturn void watch(const char *const *argv)
{
	pid_t program = fork();

	if (program == 0)
		become_program(argv);
	close(READY_FD);
	close(STDERR_FILENO);
	int pidfd = program < 0 ? -1 : sys_pidfd_open(program, 0);
	struct pollfd lives[] = { { .fd = LIFE_FD, .events = POLLIN },
				  { .fd = pidfd, .events = POLLIN } };

	while (pidfd >= 0 && poll(lives, 2, -1) < 0 && errno == EINTR)
		continue;
	if (program > 0) {
		kill(program, SIGKILL);
		waitpid(program, NULL, 0);
	}
	_exit(0);
}

static _Noreturn void become_watcher(const char *const *argv, int life, int ready, int complaints)
{
	int nothing = open("/dev/null", O_RDWR);
	/* out of the way of the numbers they go to */
	int own_life = fcntl(life, F_DUPFD, 16), own_ready = fcntl(ready, F_DUPFD, 16);
	int own_complaints = fcntl(complaints, F_DUPFD, 16);

	if (nothing < 0 || own_life < 0 || own_ready < 0 || own_complaints < 0 ||
	    dup2(nothing, 0) < 0 || dup2(nothing, 1) < 0 || dup2(own_complaints, 2) < 0 ||
	    dup2(own_life, LIFE_FD) < 0 || dup2(own_ready, READY_FD) < 0)
		_exit(126);
	sys_close_range(READY_FD + 1, ~0U, 0);
	fcntl(LIFE_FD, F_SETFD, FD_CLOEXEC);
	setsid();
	watch(argv);
}

/* A child of a child: whoever called the library has none that he does not know of. */
static int start_watcher(const char *const *argv, int life, int ready, int complaints,
			 struct err *err)
{
	pid_t between = fork();
	int status;

	if (between < 0)
		return err_sys(err, "start %s", argv[0]);
	if (between == 0) {
		if (fork() == 0)
			become_watcher(argv, life, ready, complaints);
		_exit(0);
	}
	while (waitpid(between, &status, 0) < 0 && errno == EINTR)
		continue;
	return 0;
}

/* The last line that the program complained with; what it cannot tell syslog is not about us. */
static void read_complaint(int file, char text[256])
{
	char all[4096], *rest = all;
	ssize_t size = pread(file, all, sizeof(all) - 1, 0);

	str_format(text, 256, "%s", "it ended without a word");
	all[size > 0 ? size : 0] = '\0';
	for (char *line; (line = strsep(&rest, "\n"));) {
		if (*line && !strstr(line, " to syslog"))
			str_format(text, 256, "%.250s", line);
	}
}

static int wait_ready(const char *program, int ready, int complaints, struct err *err)
{
	struct pollfd wait = { .fd = ready, .events = POLLIN };
	char byte, text[256];
	int result;

	do
		result = poll(&wait, 1, READY_TIMEOUT_MS);
	while (result < 0 && errno == EINTR);
	if (result == 0)
		return err_set(err, ETIMEDOUT, "start %s: not ready within %d s", program,
			       READY_TIMEOUT_MS / 1000);
	if (result > 0 && read(ready, &byte, 1) == 1)
		return 0;
	read_complaint(complaints, text);
	err_set(err, ERR_UNSUPPORTED, "start %s: %s", program, text);
	if (access("/dev/net/tun", R_OK | W_OK) < 0)
		err_hint(err, "/dev/net/tun: this user may not open it (or it is missing)");
	return -1;
}

int net_user_start(const struct net_user *user, const struct net_spec *spec, pid_t pid, int pidfd,
		   struct err *err)
{
	auto_arena struct arena arena = { 0 };
	struct arguments arguments = { .arena = &arena };
	int pipe_ends[2];

	add(&arguments, user->path);
	if (user->is_pasta)
		add_pasta(&arguments, spec, pid);
	else
		add_slirp(&arguments, pid);
	if (arguments.failed)
		return err_set(err, ERR_INPUT, "start %s: too many published ports", user->path);
	auto_close int complaints = memfd_create("complaints", MFD_CLOEXEC);

	if (complaints < 0 || pipe2(pipe_ends, O_CLOEXEC) < 0)
		return err_sys(err, "start %s", user->path);
	auto_close int ready = pipe_ends[0];
	int result = start_watcher(arguments.items, pidfd, pipe_ends[1], complaints, err);

	close(pipe_ends[1]);
	return result < 0 ? -1 : wait_ready(user->path, ready, complaints, err);
}

const char *net_user_server(const struct net_user *user)
{
	return user->is_pasta ? NULL : "10.0.2.3";
}
