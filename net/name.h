/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of network interfaces, by the kernel's rules (dev_valid_name in net/core/dev.c). */
#pragma once

#include <net/if.h>
#include <stdbool.h>

/* 1 to 15 bytes; no '/', ':', '%' or space; not "." or "..". */
bool net_ifname_is_valid(const char *name);

/* The same, but one "%d" may stand where a number is to be filled in. */
bool net_ifname_is_template(const char *name);

/* Fill the number in (a name without "%d" is copied); false when the result is too long. */
bool net_ifname_from_template(const char *template, unsigned int number, char name[IFNAMSIZ]);
