/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that knows masu.h only: embed CASE ROOT BUNDLE ID runs one case, and after it all is as
 * before. */
#include "test/embed/cases.h"
#include "test/embed/manners.h"

#include <stdlib.h>

_Atomic int failures;

/* clang-format off */
static const struct {
	const char *name;
	void (*run)(const struct place *place);
} cases[] = {
	{ "life",       case_life },
	{ "ended",      case_ended },
	{ "run",        case_run },
	{ "streams",    case_streams },
	{ "errors",     case_errors },
	{ "null-error", case_null_error },
	{ "options",    case_options },
	{ "log",        case_log },
	{ "own-child",  case_own_child },
	{ "threads",    case_threads },
	{ "shared",     case_shared },
	{ "fight",      case_fight },
};

/* clang-format on */

int main(int argc, char **argv)
{
	struct masu_options options = { .size = sizeof(options) };
	struct place place;
	bool found = false;

	if (argc != 5) {
		fprintf(stderr, "embed CASE ROOT BUNDLE ID\n");
		return EXIT_FAILURE;
	}
	options.root = argv[2];
	place = (struct place){ .root = argv[2], .bundle = argv[3], .id = argv[4] };
	struct manners *before = manners_note();

	WORKS(masu_open(&options, &place.masu, &error));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases) && !failures; i++) {
		if (strcmp(cases[i].name, argv[1]) != 0)
			continue;
		cases[i].run(&place);
		found = true;
	}
	masu_close(place.masu);
	manners_check(before);
	CHECK(found);
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
