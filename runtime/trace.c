/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* --trace: the times of the start table's rows as Chrome trace events (chrome://tracing, Perfetto).
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "runtime/startup.h"

uint64_t startup_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now); /* the one clock that time namespaces do not shift */
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

int startup_write_trace(const struct startup *startup, struct err *err)
{
	const char *path = startup->options->trace_file;
	FILE *file = fopen(path, "we");

	if (!file)
		return err_sys(err, "write trace %s", path);
	fprintf(file, "{\"displayTimeUnit\": \"ns\", \"traceEvents\": [");
	for (size_t i = 0; i < startup->trace_count; i++) {
		const struct startup_trace *row = &startup->trace[i];

		fprintf(file,
			"%s\n  {\"name\": \"%s\", \"cat\": \"%s\", \"ph\": \"X\", \"ts\": %.3f, \"dur\": %.3f, \"pid\": %d, \"tid\": %d}",
			i ? "," : "", row->name, row->side == SIDE_INIT ? "masu-init" : "masu",
			(double)row->begin_ns / 1000, (double)(row->end_ns - row->begin_ns) / 1000,
			(int)getpid(), row->side == SIDE_INIT ? 2 : 1);
	}
	fprintf(file, "\n]}\n");
	return fclose(file) == 0 ? 0 : err_sys(err, "write trace %s", path);
}
