/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's row functions, and the small files and sockets that they hand to engines. */
#pragma once

#include "runtime/startup.h"

/* clang-format off */
startup_run run_storage, run_net_reserve, run_net_attach, run_net_serve, run_net_files, run_net_user;
startup_run run_state_dir, run_namespaces, run_cgroup, run_adopt, run_resources, run_resctrl, run_open_mounts, run_spawn, run_outside, run_net_devices,
	    run_seccomp_compile, run_seccomp_send, run_listener, run_hooks_runtime, run_console_send, run_save_created;
startup_run run_exec_spawn, run_exec_outside, run_exec_ready;
startup_undo undo_storage, undo_network;
startup_undo undo_state_dir, undo_cgroup, undo_resctrl, undo_spawn;
/* clang-format on */

/* Common to create's and exec's spawn: the sealed program, the socket, the descriptors, the plan.
 */
int startup_spawn(struct startup *startup, struct ns_spawn *how, struct err *err);

int startup_write_pid_file(struct startup *startup, struct err *err);

/* A sealed memfd of masu-init, whose bytes are part of this library. */
int init_image_open(struct err *err);

/* The pid in decimal, no newline, in one rename. */
int pid_file_write(const char *path, pid_t pid, struct err *err);

/* One descriptor by SCM_RIGHTS to a listening SOCK_STREAM socket (console-socket, pidfd-socket). */
int console_send(const char *socket_path, int fd, struct err *err);

/* SIGKILL to the first process alone, and wait for its end. */
int container_kill_process(struct container *container, struct err *err);
