/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writer and reader of the flat plan. */
#include "base/flat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

enum {
	FLAT_ALIGN = 8,
	FLAT_FIRST_ROOM = 8192,
	FLAT_MAX = 64 << 20,
};

static bool grow(struct flat *flat, size_t need)
{
	size_t room = flat->room ? flat->room : FLAT_FIRST_ROOM;

	if (need > FLAT_MAX)
		return false;
	while (room < need)
		room *= 2;
	if (room == flat->room)
		return true;
	char *data = realloc(flat->data, room);

	if (!data)
		return false;
	flat->data = data;
	flat->room = room;
	return true;
}

struct flat_ref flat_put(struct flat *flat, const void *data, size_t size, size_t count)
{
	struct flat_ref ref = { 0 };
	size_t bytes, start = (flat->size + FLAT_ALIGN - 1) & ~(size_t)(FLAT_ALIGN - 1);

	if (flat->failed || !count)
		return ref;
	if (!start)
		start = FLAT_ALIGN; /* offset 0 means "nothing" */
	if (__builtin_mul_overflow(size, count, &bytes) || bytes > FLAT_MAX ||
	    !grow(flat, start + bytes)) {
		flat->failed = true;
		return ref;
	}
	memset(flat->data + flat->size, 0, start - flat->size);
	memcpy(flat->data + start, data, bytes);
	flat->size = start + bytes;
	ref.offset = (uint32_t)start;
	ref.count = (uint32_t)count;
	return ref;
}

struct flat_ref flat_text(struct flat *flat, const char *text)
{
	if (!text)
		return (struct flat_ref){ 0 };
	return flat_put(flat, text, 1, strlen(text) + 1);
}

struct flat_ref flat_texts(struct flat *flat, char *const *texts, size_t count)
{
	struct flat_ref *refs = calloc(count ? count : 1, sizeof(*refs));
	struct flat_ref list = { 0 };

	if (!refs) {
		flat->failed = true;
		return list;
	}
	for (size_t i = 0; i < count; i++)
		refs[i] = flat_text(flat, texts[i]);
	list = flat_put(flat, refs, sizeof(*refs), count);
	free(refs);
	return list;
}

flat_fd_t flat_fd(struct flat *flat, int fd)
{
	if (fd < 0)
		return FLAT_NO_FD;
	if (flat->fd_count == flat->fd_room) {
		size_t room = flat->fd_room ? flat->fd_room * 2 : 32;
		int *fds = realloc(flat->fds, room * sizeof(*fds));

		if (!fds) {
			flat->failed = true;
			close(fd);
			return FLAT_NO_FD;
		}
		flat->fds = fds;
		flat->fd_room = room;
	}
	flat->fds[flat->fd_count] = fd;
	return (flat_fd_t)flat->fd_count++;
}

int flat_finish(const struct flat *flat, struct err *err)
{
	return flat->failed ? err_set(err, ENOMEM, "write plan: out of memory or over 64 MiB") : 0;
}

void flat_free(struct flat *flat)
{
	for (size_t i = 0; i < flat->fd_count; i++) {
		if (flat->fds[i] >= 0)
			close(flat->fds[i]);
	}
	free(flat->fds);
	free(flat->data);
	*flat = (struct flat)FLAT_INIT;
}

const void *flat_get(const struct flat_view *view, struct flat_ref ref, size_t size)
{
	uint64_t bytes = (uint64_t)ref.count * size;

	if (!ref.count || ref.offset >= view->size || bytes > view->size - ref.offset)
		return NULL;
	return view->data + ref.offset;
}

const char *flat_string(const struct flat_view *view, struct flat_ref ref)
{
	const char *text = flat_get(view, ref, 1);

	return text && text[ref.count - 1] == '\0' ? text : NULL;
}

void flat_strings(const struct flat_view *view, struct flat_ref ref, const char **strings)
{
	const struct flat_ref *refs = flat_get(view, ref, sizeof(*refs));
	size_t count = 0;

	for (uint32_t i = 0; refs && i < ref.count; i++) {
		const char *text = flat_string(view, refs[i]);

		if (text)
			strings[count++] = text;
	}
	strings[count] = NULL;
}

int flat_get_fd(const struct flat_view *view, flat_fd_t fd)
{
	return fd >= 0 && (size_t)fd < view->fd_count ? view->fds[fd] : -1;
}
