/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Linear look-up in small tables: they are read once a command, and short. */
#include "base/names.h"

#include <string.h>
#include <strings.h>

bool names_find(const struct name *table, const char *text, int64_t *value)
{
	for (; table->text; table++) {
		if (strcmp(table->text, text) == 0) {
			*value = table->value;
			return true;
		}
	}
	return false;
}

const char *names_text(const struct name *table, int64_t value)
{
	for (; table->text; table++) {
		if (table->value == value)
			return table->text;
	}
	return NULL;
}

bool names_near(const char *left, const char *right)
{
	if (strcasecmp(left, right) == 0)
		return strcmp(left, right) != 0;
	size_t llen = strlen(left), rlen = strlen(right), same = 0;

	if (llen < 4 || rlen < 4)
		return false; /* short words are near to everything */
	while (left[same] && left[same] == right[same])
		same++;
	if (llen == rlen) /* one letter changed, or two neighbours swapped */
		return strcmp(left + same + 1, right + same + 1) == 0 ||
		       (left[same] == right[same + 1] && left[same + 1] == right[same] &&
			strcmp(left + same + 2, right + same + 2) == 0);
	if (llen + 1 == rlen)
		return strcmp(left + same, right + same + 1) == 0;
	return llen == rlen + 1 && strcmp(left + same + 1, right + same) == 0;
}

const char *names_nearest(const struct name *table, const char *text)
{
	for (; table->text; table++) {
		if (names_near(table->text, text))
			return table->text;
	}
	return NULL;
}
