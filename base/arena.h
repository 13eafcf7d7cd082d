/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arena: everything that one document or one command allocates, released at once. */
#pragma once

#include <stddef.h>

struct arena_chunk;

/* Zero-initialise to start; arena_free() releases all and makes it ready for use again. */
struct arena {
	struct arena_chunk *chunks;
	size_t used; /* bytes used in the newest chunk */
};

/* Zeroed memory, aligned for any object; NULL (errno ENOMEM) when there is none. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_copy(struct arena *arena, const void *data, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void arena_free(struct arena *arena);

#define auto_arena __attribute__((cleanup(arena_free)))
