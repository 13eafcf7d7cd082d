/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fault points: places where test builds (-DMASU_FAULTS) fail or die on request; nothing in normal
 * builds. */
#pragma once

struct err;

/*
 * MASU_STORAGE_FAIL_AT=POINT makes the point fail, MASU_STORAGE_KILL_AT=POINT kills the process
 *there: if (FAULT_POINT("attach.created", err) < 0) return -1;
 */
#ifdef MASU_FAULTS
int fault_hit(const char *point, struct err *err);
#define FAULT_POINT(point, err) fault_hit(point, err)
#else
#define FAULT_POINT(point, err) 0
#endif
