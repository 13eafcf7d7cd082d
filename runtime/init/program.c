/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The workload: its directory, its file, and execve. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "runtime/init/init.h"

#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif
#ifndef AT_EACCESS
#define AT_EACCESS 0x200
#endif

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* Still privileged: the directory may have to be made. What the user itself may not enter shows
 * later. */
int run_make_workdir(struct init *init, struct err *err)
{
	const char *cwd = flat_string(&init->view, init->plan->cwd);

	auto_close int there = path_open_in_root(init->root, cwd, O_PATH | O_DIRECTORY, err);

	if (there >= 0 || errno == EACCES)
		return 0;
	if (errno != ENOENT)
		return err_wrap(err, "change to directory");
	auto_close int made = path_make_dir(init->root, cwd, 0755, err);

	return made < 0 ? -1 : 0;
}

/*
 * The workload's directory must lie inside its root: getcwd() gives a path that does not begin with
 * '/' for one that is unreachable from it (CVE-2024-21626).
 */
static int enter_workdir(struct init *init, struct err *err)
{
	static char where[65536];
	const char *cwd = flat_string(&init->view, init->plan->cwd);

	/* links of /proc/self/fd and the like are no way in: path_open_in_root() refuses them */
	auto_close int dir = path_open_in_root(init->root, cwd, O_PATH | O_DIRECTORY, err);

	if (dir < 0)
		return err_wrap(err, "change to directory");
	if (fchdir(dir) < 0)
		return err_sys(err, "change to directory %s", cwd);
	if (syscall(SYS_getcwd, where, sizeof(where)) < 0)
		return err_sys(err, "find directory %s", cwd);
	if (where[0] != '/')
		return err_set(err, ERR_INPUT,
			       "change to directory %s: it is outside of the container's root",
			       cwd);
	return 0;
}

/* The words after "exec: NAME: " are those that docker and podman look for, in small letters
 * (engines.md). */
static int not_found(const char *name, const char *reason, int code, struct err *err)
{
	err_set(err, code, "exec: \"%s\": %s", name, reason);
	errno = code; /* the search through PATH looks at it */
	return -1;
}

static int check_file(const char *path, const char *name, struct err *err)
{
	struct stat status;

	/* allowed: what the kernel will see at execve(), with the rights of the workload */
	if (stat(path, &status) < 0) {
		const char *reason = errno == ENOENT    ? "no such file or directory"
				     : errno == EACCES  ? "permission denied"
				     : errno == ENOTDIR ? "not a directory"
							: strerror(errno);

		return not_found(name, reason, errno, err);
	}
	if (S_ISDIR(status.st_mode))
		return not_found(name, "is a directory: permission denied", EACCES, err);
	if (!S_ISREG(status.st_mode) ||
	    syscall(SYS_faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS) < 0)
		return not_found(name, "permission denied", EACCES, err);
	return 0;
}

static const char *variable(const char *const *envp, const char *name)
{
	size_t length = strlen(name);
	const char *found = NULL;

	for (; *envp; envp++) {
		if (strncmp(*envp, name, length) == 0 && (*envp)[length] == '=')
			found = *envp + length + 1; /* the last one counts */
	}
	return found;
}

/* execvp's search, with its rule that "permission denied" is remembered while the search goes on.
 */
static int search(struct init *init, const char *name, struct err *err)
{
	const char *path = variable(init->envp, "PATH");
	bool denied = false;

	if (!path)
		path = default_path;
	for (const char *at = path;; at++) {
		const char *end = strchrnul(at, ':');
		const char *slash = end > at ? "/" : "";

		if (str_format(init->program, sizeof(init->program), "%.*s%s%s", (int)(end - at),
			       at, slash, name) == 0) {
			if (check_file(init->program, name, NULL) == 0)
				return 0;
			denied |= errno == EACCES;
		}
		at = end;
		if (!*end)
			break;
	}
	if (denied)
		return not_found(name, "permission denied", EACCES, err);
	return not_found(name, "executable file not found in $PATH", ENOENT, err);
}

/* In place of the entry with its name, or at the end, where there is room. */
static void set_variable(const char **envp, const char *entry)
{
	size_t length = strcspn(entry, "=") + 1;

	while (*envp && strncmp(*envp, entry, length) != 0)
		envp++;
	*envp = entry;
}

/* Copies the lists of the plan; room for the additions of the runtime: HOME, LISTEN_FDS,
 * LISTEN_PID. */
static int make_lists(struct init *init, struct err *err)
{
	const struct plan *plan = init->plan;
	size_t words = (size_t)plan->argv.count + plan->envp.count + 8;
	const char **lists = mmap(NULL, words * sizeof(*lists), PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (lists == MAP_FAILED)
		return err_sys(err, "make argument list");
	init->argv = lists;
	init->envp = lists + plan->argv.count + 1;
	flat_strings(&init->view, plan->argv, init->argv);
	flat_strings(&init->view, plan->envp, init->envp);
	if (plan->set_home) {
		char home[sizeof(init->home) - 8];

		home_of(init->root, plan->security.uid, home, sizeof(home));
		snprintf(init->home, sizeof(init->home), "HOME=%s", home);
		set_variable(init->envp, init->home);
	}
	if (plan->listen_fds) {
		snprintf(init->listen_fds, sizeof(init->listen_fds), "LISTEN_FDS=%u",
			 plan->listen_fds);
		snprintf(init->listen_pid, sizeof(init->listen_pid), "LISTEN_PID=%d",
			 (int)getpid());
		set_variable(init->envp, init->listen_fds);
		set_variable(init->envp, init->listen_pid);
	}
	return 0;
}

int run_find_program(struct init *init, struct err *err)
{
	if (make_lists(init, err) < 0 || enter_workdir(init, err) < 0)
		return -1;
	const char *name = init->argv[0];

	if (!name || !*name)
		return not_found("", "no such file or directory", ENOENT, err);
	if (!strchr(name, '/'))
		return search(init, name, err);
	if (str_format(init->program, sizeof(init->program), "%s", name) < 0)
		return not_found(name, "file name too long", ENAMETOOLONG, err);
	return check_file(name, name, err);
}

int run_exec_program(struct init *init, struct err *err)
{
	int last = 3 + (int)init->plan->keep_count;

	if (!(init->plan->conditions & SECCOMP_LATE)) {
		if (init->control != last) {
			/* an early filter may deny this: then all goes at execve, nothing is
			 * without CLOEXEC */
			if (dup3(init->control, last, O_CLOEXEC) >= 0)
				init->control = last;
		}
		if (init->control == last)
			sys_close_range((unsigned int)last + 1, ~0U, 0);
	}
	execve(init->program, (char *const *)init->argv, (char *const *)init->envp);
	int code = errno;
	const char *reason = code == ENOENT    ? "no such file or directory"
			     : code == EACCES  ? "permission denied"
			     : code == ENOEXEC ? "exec format error"
					       : strerror(code);

	return not_found(init->argv[0], reason, code, err);
}
