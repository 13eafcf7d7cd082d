/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu-init: its state and the rows that it runs. */
#pragma once

#include "runtime/plan.h"

/* Everything masu-init knows. There is one, in main(). */
struct init {
	const struct plan *plan;
	struct flat_view view;
	int control;       /* socket to masu; after `start`, to the program that started us */
	int root;          /* O_PATH of the container's root, -1 while there is none */
	int fds[TURN_FDS]; /* to send with the next turn */
	struct turn turn;
	const void *filter; /* seccomp program, mapped */
	size_t filter_size;
	const char **argv;
	const char **envp;
	char program[4096]; /* what argv[0] was resolved to */
	char home[4096];
	char listen_fds[32], listen_pid[32];
};

typedef int init_row(struct init *init, struct err *err);

/* clang-format off */
/* rows.c: one door function each */
init_row run_join_cgroup, run_become_undumpable, run_enter_time, run_unshare_cgroup, run_raise_loopback, run_set_identity, run_attach_root, run_pivot, run_mounts,
	 run_devices, run_cover_paths, run_seal_root, run_join_keyring, run_apply_label, run_apply_execution, run_load_seccomp, run_drop_credentials,
	 run_apply_limits, run_hooks_container, run_hooks_start, run_enter_root;
/* console.c */
init_row run_console;
/* program.c */
init_row run_make_workdir, run_find_program, run_exec_program;
/* wait.c */
init_row run_wait_start;
/* clang-format on */

/* home.c: the home directory of a user id in the container's /etc/passwd, "/" when there is none.
 */
void home_of(int root, uint32_t uid, char *home, size_t size);

/* Give a descriptor to masu with the next turn. */
void init_hand_over(struct init *init, enum turn_slot slot, int fd);
