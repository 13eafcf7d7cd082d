/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Staying with a process: signals go to it, the terminal belongs to it, orphans are reaped, its
 * status comes back. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include <termios.h>

struct container;
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

/* Wait for the end of the process behind pidfd: forward signals, copy between descriptors 0, 1 and
 * `console` (-1: none), pass READY=1 on from `notify` (-1: none). */
int foreground_wait(struct foreground *foreground, struct container *container, int pidfd,
		    int console, int notify, struct err *err);
void foreground_end(struct foreground *foreground);

/* The status of an ended process: 0-255, or 128 + signal; -1 when the kernel does not tell. Reaps
 * it when it is our child. */
int process_status(int pidfd);

/* Wait for the end of a process without any of the above. */
int process_wait(int pidfd, struct err *err);
