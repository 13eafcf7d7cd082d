/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* plugin_load() of the static program, which cannot load any: its caller goes on as the full one.
 */
#include "base/plugin.h"

#include <stddef.h>

#include "base/err.h"

const void *plugin_load(const char *name, struct err *err)
{
	err_set(err, ERR_PLUGIN, "load plug-in %s: this program is static", name);
	err_hint(err, "masu-full, installed beside it, can");
	return NULL;
}
