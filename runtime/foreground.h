/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Staying with a process: signals go to it, the terminal belongs to it, orphans are reaped, its
 * status comes back. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

struct container;
struct net_resolver;
struct err;

/* What has to be put back at the end. Zero-initialise with FOREGROUND_INIT. */
struct foreground {
	sigset_t signals_before;
	int signals; /* signalfd, -1 before foreground_begin() */
	int was_subreaper;
	bool subreaper;
	bool raw;
	struct termios terminal_before;
};

#define FOREGROUND_INIT                                                                            \
	{                                                                                          \
		.signals = -1                                                                      \
	}

/* Block signals (they wait until there is somebody to forward them to), become subreaper.
 * Process-wide: for masu's own command line. */
int foreground_begin(struct foreground *foreground, bool subreaper, struct err *err);

/* What belongs to the process that is waited for. */
struct foreground_process {
	int pidfd;
	int console; /* master of its terminal, copied to and from 0 and 1; -1: none */
	int notify;  /* READY=1 comes from here; -1: none */
	struct net_resolver *resolver; /* its name server, served meanwhile; NULL: none */
};

/* Wait for its end: forward signals, relay the terminal, pass readiness on, answer for names. */
int foreground_wait(struct foreground *foreground, struct container *container,
		    const struct foreground_process *process, struct err *err);
void foreground_end(struct foreground *foreground);

/* The status of an ended process: 0-255, or 128 + signal; -1 when the kernel does not tell. Reaps
 * it when it is our child. */
int process_status(int pidfd);

/* Wait for the end of a process without any of the above. */
int process_wait(int pidfd, struct err *err);
