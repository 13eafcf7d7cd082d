/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What this process may do: its capabilities, and whether it is the host's root or lives in a user
 * namespace. */
#pragma once

#include <stdbool.h>

/* `capability` is a CAP_... number; the effective set counts. */
bool privilege_has(int capability);

/* Our user namespace is the host's first one. */
bool privilege_in_first_user_namespace(void);

/* Neither we nor what we start can make a device node, and so nobody may change device rules. */
bool privilege_no_devices(void);
