/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plug-ins: drivers with big libraries behind them, loaded only when a spec or a flag asks for that
 * driver. */
#pragma once

struct err;

/*
 * Load NAME.so and return its exported const ops struct (symbol "masu_plugin_NAME"). Looked for in
 * the folder "plugins" beside the program or library that holds masu, then in the installed place.
 * It stays loaded until the program ends. NULL with ERR_UNSUPPORTED and the path in the text.
 */
const void *plugin_load(const char *name, struct err *err);
