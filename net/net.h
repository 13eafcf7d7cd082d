/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The door of net/: loopback, OCI netDevices, networks, addresses and published ports. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/json.h"

struct err;

/* linux.netDevices: key is the host's name (config-linux.md "Network Devices") */
struct net_device_spec {
	const char *key;
	const char *name; /* in the container; may hold %d; NULL: the same */
};
extern const struct json_object net_device_object; /* rows of one map value */

/* Names, lengths, "%d" forms, duplicates; a network namespace must exist (has_namespace). */
int net_check_devices(const struct json_list *devices, bool has_namespace, struct err *err);

/*
 * Move the devices into the namespace behind `netns` (a descriptor of it): keep permanent global
 * addresses, set them up. A name already taken inside is an error. On failure the ones moved
 * already go back.
 */
int net_move_devices(const struct json_list *devices, int netns, struct err *err);

/* In masu-init, in a new network namespace: bring up "lo". */
int net_raise_loopback(struct err *err);
