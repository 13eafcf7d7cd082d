/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What masu may do with mounts. */
#pragma once

#include <stdbool.h>

/* open_tree(OPEN_TREE_CLONE) and fsopen(2) are allowed in masu's own mount namespace. */
bool ns_can_clone_mounts(void);
