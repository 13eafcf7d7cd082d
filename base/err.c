/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fills struct err; keeps within its buffers whatever it is given. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int code, const char *format, ...)
{
	va_list args;

	if (!err)
		return -1;
	err->code = code;
	err->hint[0] = '\0';
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return -1;
}

int err_sys(struct err *err, const char *format, ...)
{
	int code = errno;
	va_list args;

	if (!err)
		return -1;
	err->code = code;
	err->hint[0] = '\0';
	va_start(args, format);
	int length = vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	if (length >= 0 && (size_t)length < sizeof(err->text))
		snprintf(err->text + length, sizeof(err->text) - (size_t)length, ": %s",
			 strerror(code));
	return -1;
}

int err_wrap(struct err *err, const char *format, ...)
{
	char text[sizeof(err->text)];
	va_list args;

	if (!err)
		return -1;
	memcpy(text, err->text, sizeof(text));
	va_start(args, format);
	int length = vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= sizeof(err->text))
		return -1;
	snprintf(err->text + length, sizeof(err->text) - (size_t)length, ": %s", text);
	return -1;
}

int err_hint(struct err *err, const char *format, ...)
{
	va_list args;

	if (!err)
		return -1;
	va_start(args, format);
	vsnprintf(err->hint, sizeof(err->hint), format, args);
	va_end(args);
	return -1;
}
