/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The flat plan: data without pointers and descriptors by number, written on the host side and read
 * by masu-init. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* A place in the plan: `count` elements from byte `offset`. {0, 0} is nothing (an absent text, an
 * empty list). */
struct flat_ref {
	uint32_t offset;
	uint32_t count;
};

/* A descriptor in the plan: its number in the list that travels with it, or FLAT_NO_FD. */
typedef int32_t flat_fd_t;

enum {
	FLAT_NO_FD = -1,
};

/*
 * The writer. Zero-initialise with FLAT_INIT. Running out of memory is remembered in `failed` and
 * reported once, by flat_finish(), so that compiling code stays free of checks.
 */
struct flat {
	char *data;
	size_t size;
	size_t room;
	int *fds; /* owned: closed by flat_free() */
	size_t fd_count;
	size_t fd_room;
	bool failed;
};

#define FLAT_INIT                                                                                  \
	{                                                                                          \
		0                                                                                  \
	}

/* Copy `count` elements of `size` bytes into the plan (8-byte aligned). */
struct flat_ref flat_put(struct flat *flat, const void *data, size_t size, size_t count);

/* Copy a text with its NUL; NULL gives the empty reference. */
struct flat_ref flat_text(struct flat *flat, const char *text);

/* Copy a list of texts: a list of struct flat_ref. */
struct flat_ref flat_texts(struct flat *flat, char *const *texts, size_t count);

/* Hand a descriptor over: the plan owns it from here, even when this fails. */
flat_fd_t flat_fd(struct flat *flat, int fd);

/* 0, or -1 when memory ran out on the way. */
int flat_finish(const struct flat *flat, struct err *err);
void flat_free(struct flat *flat);

/* The reader: the plan's bytes, and the descriptors that came with it (still owned by whoever
 * received them). */
struct flat_view {
	const char *data;
	size_t size;
	int *fds;
	size_t fd_count;
};

/* The elements of a reference, each `size` bytes; NULL when the list is empty or lies outside the
 * plan. */
const void *flat_get(const struct flat_view *view, struct flat_ref ref, size_t size);

/* The text of a reference, or NULL when absent. */
const char *flat_string(const struct flat_view *view, struct flat_ref ref);

/* Fill `strings` (room for ref.count + 1) with the texts of a list, NULL behind the last. */
void flat_strings(const struct flat_view *view, struct flat_ref ref, const char **strings);

/* The descriptor, or -1. It stays in the view. */
int flat_get_fd(const struct flat_view *view, flat_fd_t fd);
