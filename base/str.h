/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bounded text: copying, joining and strict numbers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* A number that may be absent: `set` tells a zero that was written from nothing at all. */
struct opt_i64 {
	bool set;
	int64_t value;
};

struct opt_u64 {
	bool set;
	uint64_t value;
};

/*
 * Format into a buffer of `size` bytes. Returns 0, or -1 with errno ENAMETOOLONG when the text does
 * not fit (the buffer then holds an empty string, never a shortened one).
 */
int str_format(char *buffer, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Decimal digits and nothing else (a leading '-' for the signed one): no sign, space, prefix or
 * overflow. */
bool str_parse_u64(const char *text, uint64_t *value);
bool str_parse_i64(const char *text, int64_t *value);

bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);

/* True when the text has no control character (bytes below 0x20, and 0x7f). */
bool str_is_clean(const char *text);

/* True for the kernel's list format: "0-3,7" (cpuset.cpus, set_mempolicy nodes). Not for an empty
 * text. */
bool str_is_cpu_list(const char *text);

/* One member of a list of set bits parsed from the list format; returns false on bad text or a
 * number >= bits. */
bool str_parse_cpu_list(const char *text, unsigned long *mask, size_t bits);
