/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The flat plan: what is written is read back; a reference that lies is refused. */
#include "base/flat.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "test/unit/unit.h"

static struct flat_view view_of(const struct flat *flat)
{
	return (struct flat_view){ flat->data, flat->size, flat->fds, flat->fd_count };
}

static void test_what_is_written_is_read(void)
{
	char one[] = "one", nothing[] = "", three[] = "three";
	char *const words[] = { one, nothing, three };
	const uint64_t numbers[] = { 1, UINT64_MAX };
	struct flat flat = FLAT_INIT;
	struct flat_ref text = flat_text(&flat, "text"), none = flat_text(&flat, NULL);
	struct flat_ref list = flat_texts(&flat, words, 3), empty = flat_texts(&flat, words, 0);
	struct flat_ref put = flat_put(&flat, numbers, sizeof(numbers[0]), 2);
	struct flat_view view = view_of(&flat);
	const char *strings[4];

	CHECK_INT(flat_finish(&flat, NULL), 0);
	CHECK_TEXT(flat_string(&view, text), "text");
	CHECK(!flat_string(&view, none) && !none.count && !empty.count);
	CHECK(!flat_get(&view, empty, 8));
	flat_strings(&view, list, strings);
	CHECK_TEXT(strings[0], "one");
	CHECK_TEXT(strings[1], "");
	CHECK_TEXT(strings[2], "three");
	CHECK(!strings[3]);
	flat_strings(&view, empty, strings);
	CHECK(!strings[0]);
	const uint64_t *back = flat_get(&view, put, sizeof(numbers[0]));

	CHECK(back && (uintptr_t)back % 8 == 0 && back[0] == 1 && back[1] == UINT64_MAX);
	flat_free(&flat);
	CHECK(!flat.data && !flat.size);
}

static void test_references_that_lie(void)
{
	static const struct flat_ref lies[] = {
		{ 8, 1000 }, { 1000, 1 }, { UINT32_MAX, UINT32_MAX }, { 8, UINT32_MAX }, { 0, 0 },
	};
	struct flat flat = FLAT_INIT;
	struct flat_ref text = flat_text(&flat, "text");
	struct flat_view view = view_of(&flat);

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		CHECK(!flat_get(&view, lies[i], 8));
		CHECK(!flat_string(&view, lies[i]));
	}
	text.count--; /* the NUL is cut off */
	CHECK(!flat_string(&view, text));
	flat_free(&flat);
}

static void test_growth_and_its_end(void)
{
	struct flat flat = FLAT_INIT;
	struct flat_ref last = { 0 };
	struct err err = { 0 };
	char big[4096];

	memset(big, 'x', sizeof(big));
	for (int i = 0; i < 100; i++)
		last = flat_put(&flat, big, 1, sizeof(big));
	struct flat_view view = view_of(&flat);
	const char *back = flat_get(&view, last, 1);

	CHECK(back && memcmp(back, big, sizeof(big)) == 0);
	CHECK_INT(flat_put(&flat, big, SIZE_MAX / 2, 3).count, 0);
	CHECK(flat.failed);
	CHECK_INT(flat_text(&flat, "later").count, 0); /* remembered */
	CHECK_INT(flat_finish(&flat, &err), -1);
	CHECK_TEXT(err.text, "write plan: out of memory or over 64 MiB");
	flat_free(&flat);
}

static void test_descriptors_are_owned(void)
{
	struct flat flat = FLAT_INIT;
	int fds[40];

	for (int i = 0; i < 40; i++) {
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		CHECK_INT(flat_fd(&flat, fds[i]), i);
	}
	struct flat_view view = view_of(&flat);

	CHECK_INT(flat_fd(&flat, -1), FLAT_NO_FD);
	CHECK_INT(flat_get_fd(&view, 39), fds[39]);
	CHECK_INT(flat_get_fd(&view, 40), -1);
	CHECK_INT(flat_get_fd(&view, FLAT_NO_FD), -1);
	flat_free(&flat);
	CHECK_INT(fcntl(fds[0], F_GETFD), -1);
	CHECK_INT(fcntl(fds[39], F_GETFD), -1);
}

int main(void)
{
	test_what_is_written_is_read();
	test_references_that_lie();
	test_growth_and_its_end();
	test_descriptors_are_owned();
	return unit_done("base_flat");
}
