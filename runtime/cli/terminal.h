/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A terminal taken over for a screen of our own, and given back on every way out. */
#pragma once

#include <stdbool.h>
#include <termios.h>

struct masu_error;

enum terminal_input {
	TERMINAL_NOTHING = -1, /* the time is over */
	TERMINAL_RESIZED = -2,
	TERMINAL_ENDED = -3, /* a signal wants us to end, or the terminal has gone */
	TERMINAL_UP = 256,
	TERMINAL_DOWN,
};

struct terminal {
	struct termios before;
	int signals;  /* signalfd */
	int ended_by; /* the signal; 0: none */
	unsigned short rows, columns;
	bool open;
};

/* Raw mode and the other screen, on standard input and output. Signals that would end us come as
 * TERMINAL_ENDED. */
int terminal_open(struct terminal *terminal, struct masu_error *error);

/* All as it was. A signal that ended us does so now. */
void terminal_close(struct terminal *terminal);

/* A key (its byte, or TERMINAL_UP and _DOWN), or what else happened within the time. */
int terminal_wait(struct terminal *terminal, int timeout_ms);
