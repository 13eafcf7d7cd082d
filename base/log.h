/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Warnings and debug lines: handed to the callback that the program set; without one they are
 * dropped. */
#pragma once

enum log_level {
	LOG_ERROR,
	LOG_WARNING,
	LOG_DEBUG,
};

/* Called with one line without a newline. The library's only writable global is this callback. */
typedef void log_callback(enum log_level level, const char *message, void *data);

void log_set(log_callback *callback, void *data, enum log_level most);
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
