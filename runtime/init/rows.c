/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu-init's rows that call one door function each. */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "base/sys.h"
#include "net/net.h"
#include "runtime/init/init.h"
#include "runtime/init_hook.h"

enum {
	HOOK_WORDS_MAX = 4096, /* arguments or environment entries of one hook */
};

int run_join_cgroup(struct init *init, struct err *err)
{
	return cgroup_join(&init->view, &init->plan->cgroup, err);
}

/*
 * From here nobody inside may trace us or read our memory. After the host side has done what it
 * does to us by pid, and after our own timens_offsets are written: both need a dumpable process.
 */
int run_become_undumpable(struct init *init, struct err *err)
{
	(void)init;
	return prctl(PR_SET_DUMPABLE, 0) < 0 ? err_sys(err, "become undumpable") : 0;
}

int run_enter_time(struct init *init, struct err *err)
{
	return ns_enter_time(&init->view, &init->plan->ns, err);
}

int run_unshare_cgroup(struct init *init, struct err *err)
{
	(void)init;
	return ns_unshare_cgroup(err);
}

int run_raise_loopback(struct init *init, struct err *err)
{
	(void)init;
	return net_raise_loopback(err);
}

int run_set_identity(struct init *init, struct err *err)
{
	return ns_set_identity(&init->view, &init->plan->ns, err);
}

int run_attach_root(struct init *init, struct err *err)
{
	return ns_attach_root(&init->view, &init->plan->ns, &init->root, err);
}

int run_pivot(struct init *init, struct err *err)
{
	return ns_pivot(&init->view, &init->plan->ns, init->root, err);
}

int run_mounts(struct init *init, struct err *err)
{
	return ns_mount(&init->view, &init->plan->ns, init->root, err);
}

int run_devices(struct init *init, struct err *err)
{
	return ns_make_devices(&init->view, &init->plan->ns, init->root, err);
}

int run_cover_paths(struct init *init, struct err *err)
{
	return ns_cover_paths(&init->view, &init->plan->ns, init->root, err);
}

int run_seal_root(struct init *init, struct err *err)
{
	return ns_seal_root(&init->view, &init->plan->ns, init->root, err);
}

int run_join_keyring(struct init *init, struct err *err)
{
	return security_join_keyring(&init->view, &init->plan->security, err);
}

int run_apply_label(struct init *init, struct err *err)
{
	return security_apply_label(&init->view, &init->plan->security, err);
}

int run_apply_execution(struct init *init, struct err *err)
{
	return security_apply_execution(&init->view, &init->plan->security, err);
}

int run_drop_credentials(struct init *init, struct err *err)
{
	return security_drop(&init->view, &init->plan->security, err);
}

int run_apply_limits(struct init *init, struct err *err)
{
	return security_apply_limits(&init->view, &init->plan->security, err);
}

int run_load_seccomp(struct init *init, struct err *err)
{
	const struct security_plan *security = &init->plan->security;
	int listener = -1;

	if (!init->filter)
		return err_set(err, ERR_PEER, "load filter: it did not arrive");
	if (init->plan->conditions & SECCOMP_LATE) {
		/* the filter may deny close_range: everything but stdio, the kept ones and the
		 * control socket goes first */
		int last = 3 + (int)init->plan->keep_count;

		if (init->control != last) {
			if (dup3(init->control, last, O_CLOEXEC) < 0)
				return err_sys(err, "move control socket");
			init->control = last;
		}
		sys_close_range((unsigned int)last + 1, ~0U, 0);
	}
	if (security_load_seccomp(init->filter, init->filter_size, security->seccomp_flags,
				  security->seccomp_listener, &listener, err) < 0)
		return -1;
	if (listener < 0)
		return 0;
	if (init->plan->conditions & LISTENER_EARLY) {
		init_hand_over(init, TURN_LISTENER, listener);
		return 0;
	}
	/* loaded last: tell its number, wait until the other side has fetched it (pidfd_getfd),
	 * with write and read alone */
	int32_t number = listener;

	if (write(init->control, &number, sizeof(number)) != sizeof(number) ||
	    read(init->control, &number, sizeof(number)) <= 0)
		return err_set(err, ERR_PEER, "hand over seccomp listener: no answer");
	close(listener);
	return 0;
}

int run_enter_root(struct init *init, struct err *err)
{
	int dir = flat_get_fd(&init->view, init->plan->root_dir);

	if (dir >= 0 && (fchdir(dir) < 0 || chroot(".") < 0))
		return err_sys(err, "enter the container's root");
	init->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return init->root < 0 ? err_sys(err, "open /") : 0;
}

/* What the workload inherits is not for the hooks: FD_CLOEXEC while they run, 0 afterwards. */
static void flag_kept(const struct init *init, int flags)
{
	for (int i = 0; i < (int)init->plan->keep_count; i++)
		fcntl(3 + i, F_SETFD, flags);
}

static int run_hooks(struct init *init, const char *kind, struct flat_ref list,
		     struct plan_hook_state texts, const char *cwd, struct err *err)
{
	static const char *argv[HOOK_WORDS_MAX + 1], *envp[HOOK_WORDS_MAX + 1];
	static char state[65536];
	const struct plan_hook *hooks = flat_get(&init->view, list, sizeof(*hooks));
	const char *before = flat_string(&init->view, texts.before);
	const char *after = flat_string(&init->view, texts.after);

	if (!hooks || !before || !after)
		return err_set(err, ERR_PEER, "run %s hooks: they are missing in the plan", kind);
	if (str_format(state, sizeof(state), "%s%d%s", before, (int)getpid(), after) < 0)
		return err_set(err, ERR_INPUT,
			       "run %s hooks: the state with its annotations is over 64 KiB", kind);
	flag_kept(init, FD_CLOEXEC);
	for (uint32_t i = 0; i < list.count; i++) {
		if (hooks[i].argv.count > HOOK_WORDS_MAX || hooks[i].envp.count > HOOK_WORDS_MAX)
			return err_set(err, ERR_INPUT, "run %s hook %u: more than %d arguments",
				       kind, i, HOOK_WORDS_MAX);
		flat_strings(&init->view, hooks[i].argv, argv);
		flat_strings(&init->view, hooks[i].envp, envp);
		struct hook_run run = {
			.kind = kind,
			.index = i,
			.path = flat_string(&init->view, hooks[i].path),
			.argv = argv,
			.envp = envp,
			.cwd = cwd,
			.state = state,
			.timeout_s = hooks[i].timeout_s,
		};

		if (hook_run(&run, err) < 0)
			return -1;
	}
	flag_kept(init, 0);
	return 0;
}

int run_hooks_container(struct init *init, struct err *err)
{
	const char *bundle = flat_string(&init->view, init->plan->bundle);

	return run_hooks(init, "createContainer", init->plan->hooks_container, init->plan->creating,
			 bundle, err);
}

int run_hooks_start(struct init *init, struct err *err)
{
	return run_hooks(init, "startContainer", init->plan->hooks_start, init->plan->created, "/",
			 err);
}
