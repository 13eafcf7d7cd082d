/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of ns_check(): each looks at one kind of property and names the full field in its
 * message. */
#pragma once

#include <stdint.h>

#include <limits.h>
#include <stdbool.h>

struct err;
struct json_list;
struct ns_linux;
struct ns_request;

/* Id map lists: sizes, ranges, overlaps, at most 340 lines. `field` is the path of the list
 * ("linux.uidMappings"). */
int ns_check_id_maps(const char *field, const struct json_list *maps, struct err *err);

int ns_check_mounts(const struct ns_request *request, struct err *err);

/* Every sysctl belongs to a namespace that the container does not share with the host. */
int ns_check_sysctls(const struct ns_linux *linux_part, struct err *err);

/*
 * The path below /proc/sys of a key in either spelling: "net.ipv4.ip_forward" and
 * "net/ipv4/ip_forward"; where the first separator is a dot, a slash stands for a dot in a name
 * (net.ipv4.conf.eth0/1.forwarding). False for what is no key.
 */
bool ns_sysctl_path(const char *key, char path[PATH_MAX]);

/* True when a destination, once leading slashes and "." parts are gone, names exactly `path`
 * ("proc", "sys"). */
bool ns_path_is(const char *destination, const char *path);

/* True when something may be mounted on this place in a procfs. */
bool ns_path_proc_allowed(const char *destination);

/* True when a destination lies in /proc (not /proc itself), as text. */
bool ns_path_in_proc(const char *destination);

/* The type bits of a node for linux.devices' type letter; 0 for an unknown one. */
uint32_t ns_device_type(char letter);
