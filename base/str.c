/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strict, bounded text handling. */
#include "base/str.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int str_format(char *buffer, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int length = vsnprintf(buffer, size, format, args);
	va_end(args);
	if (length >= 0 && (size_t)length < size)
		return 0;
	buffer[0] = '\0';
	errno = ENAMETOOLONG;
	return -1;
}

bool str_parse_u64(const char *text, uint64_t *value)
{
	uint64_t result = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (__builtin_mul_overflow(result, 10, &result) ||
		    __builtin_add_overflow(result, (uint64_t)(*text - '0'), &result))
			return false;
	}
	*value = result;
	return true;
}

bool str_parse_i64(const char *text, int64_t *value)
{
	bool negative = *text == '-';
	uint64_t magnitude;

	if (!str_parse_u64(text + negative, &magnitude) ||
	    magnitude > (uint64_t)INT64_MAX + negative)
		return false;
	*value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
	return true;
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix)
{
	size_t length = strlen(text), tail = strlen(suffix);

	return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

bool str_is_clean(const char *text)
{
	for (const unsigned char *byte = (const unsigned char *)text; *byte; byte++) {
		if (*byte < 0x20 || *byte == 0x7f)
			return false;
	}
	return true;
}

/* Reads one number at *text and moves behind it; at most 7 digits, so nothing can overflow. */
static bool list_number(const char **text, unsigned long *value)
{
	unsigned long result = 0;
	int digits = 0;

	for (; **text >= '0' && **text <= '9' && digits < 8; (*text)++, digits++)
		result = result * 10 + (unsigned long)(**text - '0');
	*value = result;
	return digits > 0 && digits < 8;
}

/* Walks the list; calls nothing when mask is NULL. */
static bool list_walk(const char *text, unsigned long *mask, size_t bits)
{
	enum { LONG_BITS = sizeof(unsigned long) * CHAR_BIT };

	for (;;) {
		unsigned long first, last;

		if (!list_number(&text, &first))
			return false;
		last = first;
		if (*text == '-') {
			text++;
			if (!list_number(&text, &last) || last < first)
				return false;
		}
		if (mask && last >= bits)
			return false;
		for (unsigned long bit = first; mask && bit <= last; bit++)
			mask[bit / LONG_BITS] |= 1UL << (bit % LONG_BITS);
		if (!*text)
			return true;
		if (*text++ != ',')
			return false;
	}
}

bool str_is_cpu_list(const char *text)
{
	return list_walk(text, NULL, 0);
}

bool str_parse_cpu_list(const char *text, unsigned long *mask, size_t bits)
{
	return list_walk(text, mask, bits);
}
