/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sd_notify for a contained service: its READY=1 goes on to the service manager outside, with the
 * pid that counts there. */
#pragma once

#include "runtime/create.h"

/* Before the walk: bind the state folder's notify/ at /run/notify, and tell the program by
 * NOTIFY_SOCKET. Nothing without options.notify_socket. */
int notify_prepare(struct creation *creation, struct err *err);

/* Before the program runs: the socket that it will write to. Returns a descriptor, or -1 with err;
 * call only when state.notify_socket is set. */
int notify_listen(struct container *container, struct err *err);

/* One message has come on `listening`: forward what the manager may know. Returns 1 when READY=1
 * was among it, 0 if not, -1 with err. */
int notify_forward(struct container *container, int listening, struct err *err);

/* Forward until READY=1 or the end of the container. */
int notify_wait(struct container *container, int listening, struct err *err);
