/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values of the "storage" object in the units that the drivers want. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "storage/storage.h"

struct sys_mount_attr;

/* "512M", "2G", "1GiB": powers of 1024. False for anything else. */
bool spec_parse_size(const char *text, uint64_t *bytes);

/* The mount options as attributes for mount_setattr(2). */
int spec_mount_attributes(const struct storage_spec *spec, struct sys_mount_attr *attributes,
			  struct err *err);
