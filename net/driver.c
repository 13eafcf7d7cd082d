/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one list of network drivers. */
#include "net/driver.h"

#include <string.h>

static const struct net_driver *const drivers[] = { &bridge_driver, &macvlan_driver, &ipvlan_driver,
						    &phys_driver };

const struct net_driver *net_driver_find(const char *name)
{
	for (size_t i = 0; name && i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	}
	return name ? NULL : drivers[0];
}
