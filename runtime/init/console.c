/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The terminal: a pty from the container's own devpts, verified to be one; the master goes to masu.
 */
#include <linux/magic.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>

#include "base/auto.h"
#include "base/path.h"
#include "base/sys.h"
#include "runtime/init/init.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif
#ifndef DEVPTS_SUPER_MAGIC
#define DEVPTS_SUPER_MAGIC 0x1cd1
#endif

enum {
	PTMX_INODE = 2,
	PTMX_MAJOR = 5,
	PTMX_MINOR = 2,
};

/* dev/pts/ptmx as the container sees it may be anything (CVE-2025-52565): accept only the
 * multiplexer of a devpts. */
static int open_master(int root, struct err *err)
{
	struct stat status;
	struct statfs fs;
	auto_close int master = path_open_in_root(root, "dev/pts/ptmx",
						  O_RDWR | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW, err);

	if (master < 0)
		return err_hint(err, "a terminal needs a mount of type devpts on /dev/pts");
	if (fstat(master, &status) < 0 || fstatfs(master, &fs) < 0)
		return err_sys(err, "stat /dev/pts/ptmx");
	if (fs.f_type != DEVPTS_SUPER_MAGIC || status.st_ino != PTMX_INODE ||
	    !S_ISCHR(status.st_mode) || status.st_rdev != makedev(PTMX_MAJOR, PTMX_MINOR))
		return err_set(err, ERR_INPUT,
			       "open /dev/pts/ptmx: it is not the multiplexer of a devpts");
	fcntl(master, F_SETFL, 0);
	return take_fd(&master);
}

static int bind_console(int root, int terminal, struct err *err)
{
	auto_close int tree =
		sys_open_tree(terminal, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0)
		return err_sys(err, "clone terminal for /dev/console");
	auto_close int target = path_make_file(root, "dev/console", 0600, err);

	if (target < 0)
		return -1;
	if (sys_move_mount(tree, "", target, "",
			   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return err_sys(err, "mount terminal on /dev/console");
	return 0;
}

int run_console(struct init *init, struct err *err)
{
	const struct plan *plan = init->plan;
	struct winsize size = { .ws_row = plan->console_rows, .ws_col = plan->console_columns };
	auto_close int master = open_master(init->root, err);
	int unlock = 0;

	if (master < 0)
		return -1;
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_sys(err, "unlock terminal");
	auto_close int terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (terminal < 0)
		return err_sys(err, "open terminal");
	if (size.ws_row && size.ws_col && ioctl(master, TIOCSWINSZ, &size) < 0)
		return err_sys(err, "set size of terminal");
	if (fchown(terminal, plan->security.uid, (gid_t)-1) < 0 && errno != EINVAL &&
	    errno != EPERM)
		return err_sys(err, "change owner of terminal");
	if (plan->console_mount && bind_console(init->root, terminal, err) < 0)
		return -1;
	if (setsid() < 0 && errno != EPERM)
		return err_sys(err, "make session");
	if (ioctl(terminal, TIOCSCTTY, 0) < 0)
		return err_sys(err, "make terminal controlling");
	for (int fd = 0; fd <= 2; fd++) {
		if (dup2(terminal, fd) < 0)
			return err_sys(err, "put terminal on descriptor %d", fd);
	}
	init_hand_over(init, TURN_CONSOLE, take_fd(&master));
	return 0;
}
