/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dlopen with two places to look in. */
#include "base/plugin.h"

#include <dlfcn.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"

/* "<folder of our own code>/plugins/NAME.so": the build tree, and self-contained bundles. */
static int beside_us(const char *name, char *path, size_t size)
{
	Dl_info info;

	if (!dladdr((void *)(uintptr_t)plugin_load, &info) || !info.dli_fname)
		return -1;
	const char *slash = strrchr(info.dli_fname, '/');
	char self[PATH_MAX];

	if (slash)
		return str_format(path, size, "%.*s/plugins/%s.so", (int)(slash - info.dli_fname),
				  info.dli_fname, name);
	/* started through PATH: the loader only knows argv[0] */
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length <= 0)
		return -1;
	self[length] = '\0';
	*strrchr(self, '/') = '\0';
	return str_format(path, size, "%s/plugins/%s.so", self, name);
}

const void *plugin_load(const char *name, struct err *err)
{
	char path[PATH_MAX], symbol[64];

	if (beside_us(name, path, sizeof(path)) < 0 || access(path, F_OK) < 0) {
		if (str_format(path, sizeof(path), "%s/%s.so", MASU_PLUGIN_DIR, name) < 0)
			path[0] = '\0';
	}
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!handle) {
		err_set(err, ERR_UNSUPPORTED, "load plug-in %s: %s", name, dlerror());
		return NULL;
	}
	const void *ops = NULL;

	if (str_format(symbol, sizeof(symbol), "masu_plugin_%s", name) == 0)
		ops = dlsym(handle, symbol);
	if (!ops)
		err_set(err, ERR_UNSUPPORTED, "load plug-in %s: %s has no symbol %s", name, path,
			symbol);
	return ops;
}
