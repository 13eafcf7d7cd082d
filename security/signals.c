/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals as people and engines write them. */
#include "security/security.h"

#include <ctype.h>
#include <string.h>

#include "base/err.h"
#include "base/names.h"

enum {
	SIGNAL_MAX = 64,
	RTMIN = 34, /* as C libraries count: they keep 32 and 33 */
	NAME_MAX_LENGTH = 15,
};

/* "RTMIN", "RTMIN+3", "RTMAX-2"; -1 when it is none of these. */
static int parse_realtime(const char *name)
{
	bool from_end = str_starts(name, "RTMAX");
	uint64_t distance = 0;

	if (!from_end && !str_starts(name, "RTMIN"))
		return -1;
	name += strlen("RTMIN");
	if (*name && (*name != (from_end ? '-' : '+') || !str_parse_u64(name + 1, &distance) ||
		      distance > SIGNAL_MAX - RTMIN))
		return -1;
	return from_end ? SIGNAL_MAX - (int)distance : RTMIN + (int)distance;
}

int security_parse_signal(const char *text, struct err *err)
{
	char name[NAME_MAX_LENGTH + 1] = "";
	uint64_t number;
	int64_t value;

	if (str_parse_u64(text, &number) && number >= 1 && number <= SIGNAL_MAX)
		return (int)number;
	if (strlen(text) <= NAME_MAX_LENGTH) {
		for (size_t i = 0; text[i]; i++)
			name[i] = (char)toupper((unsigned char)text[i]);
	}
	const char *word = str_starts(name, "SIG") ? name + 3 : name;

	if (names_find(security_signal_names, word, &value))
		return (int)value;
	int realtime = parse_realtime(word);

	if (realtime > 0)
		return realtime;
	return err_set(err, ERR_INPUT, "invalid signal \"%.32s\": unknown signal", text);
}
