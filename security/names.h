/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Word tables that only security/ itself reads; those for others are in the door header. */
#pragma once

#include "base/names.h"

enum {
	SECURITY_SCHED_ISO =
		4, /* reserved in the kernel's numbering, refused by every kernel so far */
};

extern const struct name security_scheduler_policies[];
extern const struct name security_scheduler_flags[];
extern const struct name security_io_classes[];
extern const struct name security_personality_domains[];
