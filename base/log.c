/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log callback. */
#include "base/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

static struct {
	log_callback *callback;
	void *data;
	enum log_level most;
} sink;

void log_set(log_callback *callback, void *data, enum log_level most)
{
	sink.callback = callback;
	sink.data = data;
	sink.most = most;
}

static void __attribute__((format(printf, 2, 0)))
emit(enum log_level level, const char *format, va_list args)
{
	char message[1024];

	if (!sink.callback || level > sink.most)
		return;
	vsnprintf(message, sizeof(message), format, args);
	sink.callback(level, message, sink.data);
}

void log_warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	emit(LOG_WARNING, format, args);
	va_end(args);
}

void log_debug(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	emit(LOG_DEBUG, format, args);
	va_end(args);
}
