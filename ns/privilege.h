/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What masu itself may do: capabilities, and whether it is the host's root or lives in a user
 * namespace. */
#pragma once

#include <stdbool.h>

/* `capability` is a CAP_... number; the effective set counts. */
bool ns_has_capability(int capability);

/* masu's user namespace is the host's first one. */
bool ns_in_first_user_namespace(void);

/* open_tree(OPEN_TREE_CLONE) and fsopen(2) are allowed in masu's own mount namespace. */
bool ns_can_clone_mounts(void);
