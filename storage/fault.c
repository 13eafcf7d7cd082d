/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fault points of test builds. */
#include "storage/fault.h"

#ifdef MASU_FAULTS
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

int fault_hit(const char *point, struct err *err)
{
	const char *kill_at = getenv("MASU_STORAGE_KILL_AT");
	const char *fail_at = getenv("MASU_STORAGE_FAIL_AT");

	if (kill_at && strcmp(kill_at, point) == 0)
		raise(SIGKILL);
	if (fail_at && strcmp(fail_at, point) == 0)
		return err_set(err, EIO, "fault point %s: failed as the test asked", point);
	return 0;
}
#else
/* ISO C wants something in every file */
extern int fault_points_are_off;
#endif
