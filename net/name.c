/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checking interface names before the kernel sees them, so that the message can name the field. */
#include "net/name.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

bool net_ifname_is_template(const char *name)
{
	bool numbered = false;

	if (!name[0] || strlen(name) >= IFNAMSIZ || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return false;
	for (const char *at = name; *at; at++) {
		if (*at == '/' || *at == ':' || isspace((unsigned char)*at))
			return false;
		if (*at != '%')
			continue;
		if (at[1] != 'd' || numbered)
			return false;
		numbered = true;
	}
	return str_is_clean(name);
}

bool net_ifname_is_valid(const char *name)
{
	return net_ifname_is_template(name) && !strchr(name, '%');
}

bool net_ifname_from_template(const char *template, unsigned int number, char name[IFNAMSIZ])
{
	const char *place = strstr(template, "%d");

	if (!place)
		return str_format(name, IFNAMSIZ, "%s", template) == 0;
	return str_format(name, IFNAMSIZ, "%.*s%u%s", (int)(place - template), template, number,
			  place + 2) == 0;
}
