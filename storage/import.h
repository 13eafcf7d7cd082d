/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What import shares with commit. */
#pragma once

#include "storage/storage.h"

/* This machine's architecture in OCI's words ("amd64"). */
const char *import_architecture(void);
