/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A child that does nothing: it keeps a namespace or a place in existence until it is ended. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* It ends when its socket closes, so also when its parent is killed. */
struct holder {
	pid_t pid; /* 0: there is none */
	int pidfd, socket;
};

#define HOLDER_NONE                                                                                \
	{                                                                                          \
		.pidfd = -1, .socket = -1                                                          \
	}
#define auto_holder __attribute__((cleanup(holder_end)))

/*
 * Start it with these flags of clone3(2). With `userns` (else -1) it enters that user namespace
 * first. The caller's program gets no SIGCHLD for it. -1 with errno: of the clone, of the entering,
 * or ECHILD when it was killed meanwhile.
 */
int holder_start(struct holder *holder, uint64_t flags, int userns);

/* End it and reap it; nothing when there is none. */
void holder_end(struct holder *holder);
