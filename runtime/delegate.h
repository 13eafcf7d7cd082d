/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Giving a container its own cgroup. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct json_list;
struct startup;

/*
 * In cgroup v2, when the container has a new user and a new cgroup namespace and sees
 * /sys/fs/cgroup writable: its cgroup belongs to its user, who can make others below it. The limits
 * of the directory itself stay the host's.
 */
int delegate_cgroup(const struct startup *startup, struct err *err);

/* The host's id of one inside; false when the maps (struct ns_id_map) do not have it. */
bool delegate_host_id(const struct json_list *maps, uint32_t id, uint32_t *host_id);
