/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preparing a host: which hierarchies must be there, and mounting those that are not. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "cgroup/cgroup.h"
#include "cgroup/host.h"

/* Without these there is nothing to limit or count with; of the rest one can do without. */
static const enum cgroup_controller mandatory[] = { CGROUP_CPU, CGROUP_CPUACCT, CGROUP_CPUSET,
						    CGROUP_MEMORY, CGROUP_FREEZER };

static const enum cgroup_controller optional[] = { CGROUP_DEVICES, CGROUP_BLKIO, CGROUP_PIDS };

static const struct cgroup_hierarchy *find_v2(const struct cgroup_host *host)
{
	for (size_t i = 0; i < host->count; i++) {
		if (host->hierarchies[i].v2)
			return &host->hierarchies[i];
	}
	return NULL;
}

static const struct cgroup_hierarchy *find_v1(const struct cgroup_host *host,
					      enum cgroup_controller controller)
{
	for (size_t i = 0; i < host->count; i++) {
		if (host->hierarchies[i].mask & CGROUP_BIT(controller))
			return &host->hierarchies[i];
	}
	return NULL;
}

/* What every v2 directory has counts as its controllers: cgroup.freeze, cpu.stat, device programs.
 */
static bool is_there(const struct cgroup_host *host, enum cgroup_controller controller)
{
	const struct cgroup_hierarchy *v2 = find_v2(host);
	char path[PATH_MAX], list[512];

	if (find_v1(host, controller))
		return true;
	if (!v2 || !cgroup_controller_name(controller, true))
		return v2 != NULL;
	if (str_format(path, sizeof(path), "%s/cgroup.controllers", v2->mount) < 0 ||
	    fd_read_file(AT_FDCWD, path, list, sizeof(list)) < 0)
		return false;
	return cgroup_controllers_parse(list, ' ', true) & CGROUP_BIT(controller);
}

static int check_host(const struct cgroup_host *host, struct err *err)
{
	for (size_t i = 0; i < sizeof(mandatory) / sizeof(mandatory[0]); i++) {
		const char *name = cgroup_controller_name(mandatory[i], false);

		if (is_there(host, mandatory[i]))
			continue;
		err_set(err, ERR_STATE, "no cgroup hierarchy has the %s controller", name);
		return err_hint(err,
				"mount one, or name it in the spec: cgroup_mount { mount_path: "
				"'/sys/fs/cgroup/%s' ... }",
				name);
	}
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
		if (!is_there(host, optional[i]))
			log_warning("no cgroup hierarchy has the %s controller",
				    cgroup_controller_name(optional[i], false));
	}
	return 0;
}

/* 1: it is mounted right there, 0: nowhere, -1: in part, or elsewhere. */
static int compare_mount(const struct cgroup_host *host, const struct cgroup_mounting *wanted,
			 uint32_t mask, struct err *err)
{
	for (size_t i = 0; i < host->count; i++) {
		const struct cgroup_hierarchy *hierarchy = &host->hierarchies[i];

		if (!(hierarchy->mask & mask))
			continue;
		if (hierarchy->mask == mask && strcmp(hierarchy->mount, wanted->path) == 0)
			return 1;
		return err_set(err, ERR_STATE, "mount %s at %s: %s is mounted at %s",
			       wanted->controllers, wanted->path, hierarchy->controllers,
			       hierarchy->mount);
	}
	return 0;
}

static int make_path(const char *path, struct err *err)
{
	char part[PATH_MAX];

	if (path[0] != '/' || str_format(part, sizeof(part), "%s", path) < 0)
		return err_set(err, ERR_INPUT, "mount_path \"%.200s\": want an absolute path",
			       path);
	for (char *slash = part; slash;) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return err_sys(err, "make %s", part);
		if (slash)
			*slash = '/';
	}
	return 0;
}

static int mount_one(const struct cgroup_host *host, const struct cgroup_mounting *wanted,
		     struct err *err)
{
	uint32_t mask = cgroup_controllers_parse(wanted->controllers, ',', false);
	const struct cgroup_hierarchy *v2 = find_v2(host);
	int there = compare_mount(host, wanted, mask, err);
	char file[PATH_MAX];

	if (there)
		return there < 0 ? -1 : 0;
	if (make_path(wanted->path, err) < 0)
		return -1;
	if (mount("cgroup", wanted->path, "cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  wanted->controllers) < 0) {
		err_sys(err, "mount %s at %s", wanted->controllers, wanted->path);
		return v2 ? err_hint(err,
				     "a controller that cgroup v2 uses (%s) is not free for v1",
				     v2->mount)
			  : -1;
	}
	/* children of a cpuset get its CPUs by themselves: what made groups by hand may expect it
	 */
	if (mask & CGROUP_BIT(CGROUP_CPUSET) &&
	    str_format(file, sizeof(file), "%s/cgroup.clone_children", wanted->path) == 0)
		return fd_write_file(AT_FDCWD, file, "1", err);
	return 0;
}

int cgroup_setup(const struct cgroup_mounting *mounts, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		auto_arena struct arena arena = { 0 };
		struct cgroup_host host = { 0 };

		if (cgroup_host_read(&arena, &host, err) < 0 ||
		    mount_one(&host, &mounts[i], err) < 0)
			return -1;
	}
	auto_arena struct arena arena = { 0 };
	struct cgroup_host host = { 0 };

	return cgroup_host_read(&arena, &host, err) < 0 ? -1 : check_host(&host, err);
}
