/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unix sockets whose path may be longer than sun_path: reached through a descriptor of their
 * directory. */
#pragma once

struct err;

/* Connect to / bind and listen on the socket `name` in the directory `dir`; `type` is SOCK_STREAM,
 * SOCK_DGRAM ... Returns a CLOEXEC descriptor. */
int unix_socket_connect_at(int dir, const char *name, int type, struct err *err);
int unix_socket_bind_at(int dir, const char *name, int type, struct err *err);

/* Connect to a path of any length (console socket, notify socket). */
int unix_socket_connect(const char *path, int type, struct err *err);
