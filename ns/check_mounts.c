/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ns_check() for mounts: places, kinds, option words, id maps. */
#include "ns/check.h"

#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/names.h"
#include "base/path.h"
#include "base/str.h"
#include "ns/ns.h"
#include "ns/options.h"

/* What lxcfs and its like put into /proc; anything else there could redirect a write that is meant
 * for the kernel (CVE-2019-16884). */
static const char *const proc_allowed[] = {
	"proc/cpuinfo",
	"proc/diskstats",
	"proc/meminfo",
	"proc/stat",
	"proc/swaps",
	"proc/uptime",
	"proc/loadavg",
	"proc/slabinfo",
	"proc/sys/kernel/ns_last_pid",
	"proc/sys/crypto/fips_enabled",
};

/* The next part of a path that is not "" or "."; its length in *length, 0 at the end. */
static const char *next_part(const char *at, size_t *length)
{
	for (;;) {
		at += strspn(at, "/");
		*length = strcspn(at, "/");
		if (*length != 1 || *at != '.')
			return at;
		at++;
	}
}

/* Compares part by part; with `below`, something more must follow. */
static bool matches(const char *destination, const char *path, bool below)
{
	size_t have, want;

	for (;;) {
		destination = next_part(destination, &have);
		path = next_part(path, &want);
		if (!want)
			return below ? have > 0 : have == 0;
		if (have != want || memcmp(destination, path, want) != 0)
			return false;
		destination += have;
		path += want;
	}
}

bool ns_path_is(const char *destination, const char *path)
{
	return matches(destination, path, false);
}

bool ns_path_in_proc(const char *destination)
{
	return matches(destination, "proc", true);
}

bool ns_path_proc_allowed(const char *destination)
{
	for (size_t i = 0; i < sizeof(proc_allowed) / sizeof(*proc_allowed); i++) {
		if (ns_path_is(destination, proc_allowed[i]))
			return true;
	}
	return false;
}

static int check_destination(const struct ns_mount_spec *mount, size_t number,
			     const struct ns_options *options, struct err *err)
{
	const char *destination = mount->destination;

	if (*destination != '/')
		log_warning("mounts[%zu].destination: \"%.200s\" is not absolute, taken as /%.200s",
			    number, destination, destination);
	if (path_has_dotdot(destination))
		return err_set(err, ERR_INPUT, "mounts[%zu].destination: \"%.200s\" has a \"..\"",
			       number, destination);
	if (ns_path_is(destination, "") && !(options->special & NS_OPTION_REMOUNT)) {
		err_set(err, ERR_INPUT, "mounts[%zu].destination: \"%.200s\" is the root itself",
			number, destination);
		return err_hint(err, "set root.path instead");
	}
	if (ns_path_in_proc(destination) && !ns_path_proc_allowed(destination)) {
		err_set(err, ERR_INPUT, "mounts[%zu].destination: nothing may be mounted on %.200s",
			number, destination);
		return err_hint(
			err,
			"in /proc: only cpuinfo, diskstats, loadavg, meminfo, slabinfo, stat, swaps, uptime and two sysctls");
	}
	if (ns_path_is(destination, "proc") && mount->type && strcmp(mount->type, "proc") != 0 &&
	    !(options->special & (NS_OPTION_BIND | NS_OPTION_REMOUNT)))
		return err_set(err, ERR_INPUT,
			       "mounts[%zu].type: /proc must be of type \"proc\", not \"%.60s\"",
			       number, mount->type);
	return 0;
}

/* A word that the file system will get; on a bind there is no file system to get it. */
static int check_words(const struct ns_mount_spec *mount, size_t number,
		       const struct ns_options *options, struct err *err)
{
	static const char *const *const names = ns_mount_option_names;

	if (!options->data || !(options->special & NS_OPTION_BIND))
		return 0;
	err_set(err, ERR_INPUT,
		"mounts[%zu].options: \"%.100s\" is not an option of a bind mount (%.100s)", number,
		options->data, mount->destination);
	for (size_t i = 0; names[i]; i++) {
		if (names_near(names[i], options->data))
			return err_hint(err, "did you mean \"%s\"?", names[i]);
	}
	return -1;
}

static int check_maps(const struct ns_request *request, const struct ns_mount_spec *mount,
		      size_t number, const struct ns_options *options, struct err *err)
{
	const struct ns_linux *linux_part = request->linux_part;
	char field[64];

	if (!mount->uid_maps.count != !mount->gid_maps.count)
		return err_set(err, ERR_INPUT,
			       "mounts[%zu].%s: uidMappings and gidMappings must be given together",
			       number, mount->uid_maps.count ? "uidMappings" : "gidMappings");
	str_format(field, sizeof(field), "mounts[%zu].uidMappings", number);
	if (ns_check_id_maps(field, &mount->uid_maps, err) < 0)
		return -1;
	str_format(field, sizeof(field), "mounts[%zu].gidMappings", number);
	if (ns_check_id_maps(field, &mount->gid_maps, err) < 0)
		return -1;
	if (!(options->special & NS_OPTION_IDMAP) || mount->uid_maps.count ||
	    ns_is_new(linux_part, NS_USER) || ns_is_joined(linux_part, NS_USER))
		return 0;
	err_set(err, ERR_INPUT,
		"mounts[%zu].options: \"idmap\" without uidMappings, gidMappings or a user namespace",
		number);
	return err_hint(err, "give the mount its own uidMappings and gidMappings");
}

static int check_kind(const struct ns_mount_spec *mount, size_t number,
		      const struct ns_options *options, struct err *err)
{
	bool bind = options->special & NS_OPTION_BIND;

	if (options->special & NS_OPTION_REMOUNT)
		return 0;
	if (bind && (!mount->source || !*mount->source))
		return err_set(err, ERR_INPUT,
			       "mounts[%zu].source: it is missing, a bind mount needs it", number);
	if (!bind && (!mount->type || !*mount->type))
		return err_set(err, ERR_INPUT,
			       "mounts[%zu].type: it is missing, and the options have no \"bind\"",
			       number);
	if ((options->special & NS_OPTION_COPY_UP) && (bind || strcmp(mount->type, "tmpfs") != 0))
		return err_set(err, ERR_INPUT,
			       "mounts[%zu].options: \"tmpcopyup\" is for type \"tmpfs\"", number);
	return 0;
}

static int check_mount(const struct ns_request *request, size_t number, struct err *err)
{
	const struct ns_mount_spec *mount =
		&JSON_ITEMS(struct ns_mount_spec, request->mounts)[number];
	struct ns_options options;

	if (!ns_options_of_mount(mount, &options))
		return err_set(err, ERR_INPUT,
			       "mounts[%zu].options: more than %d words of propagation", number,
			       NS_OPTIONS_PROPAGATION_MAX);
	if (check_kind(mount, number, &options, err) < 0 ||
	    check_destination(mount, number, &options, err) < 0 ||
	    check_words(mount, number, &options, err) < 0)
		return -1;
	return check_maps(request, mount, number, &options, err);
}

int ns_check_mounts(const struct ns_request *request, struct err *err)
{
	for (size_t i = 0; request->mounts && i < request->mounts->count; i++) {
		if (check_mount(request, i, err) < 0)
			return -1;
	}
	return 0;
}
