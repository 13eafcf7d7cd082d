/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One table of mount options: the words, sorted, and what each sets and clears. */
#include "ns/options.h"

#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "ns/ns.h"

enum option_kind {
	ATTR,    /* set and clear are MOUNT_ATTR_... of the mount */
	TREE,    /* the same for the mount and all below it */
	SUPER,   /* MS_... of the superblock */
	SHARE,   /* set is a propagation, MS_... */
	SPECIAL, /* set is an enum ns_option_special */
	NOTHING, /* the kernel's default */
};

#define ATIME MOUNT_ATTR__ATIME /* a field of three bits: setting one value clears the others */

/*
 * word, kind, set, clear; sorted, for bsearch. One list makes the rows and the names for `masu
 * features`. norelatime means nothing since Linux 2.6.30, where relatime became what a mount has
 * when nothing else is asked.
 */
/* clang-format off */
#define OPTIONS(X)                                                                                \
	X("async",           SUPER,   0,                       MS_SYNCHRONOUS)                    \
	X("atime",           ATTR,    0,                       ATIME)                             \
	X("bind",            SPECIAL, NS_OPTION_BIND,          0)                                 \
	X("copy-symlink",    SPECIAL, NS_OPTION_COPY_SYMLINK,  0)                                 \
	X("defaults",        NOTHING, 0,                       0)                                 \
	X("dest-nofollow",   SPECIAL, NS_OPTION_TARGET_LINK,   0)                                 \
	X("dev",             ATTR,    0,                       MOUNT_ATTR_NODEV)                  \
	X("diratime",        ATTR,    0,                       MOUNT_ATTR_NODIRATIME)             \
	X("dirsync",         SUPER,   MS_DIRSYNC,              0)                                 \
	X("exec",            ATTR,    0,                       MOUNT_ATTR_NOEXEC)                 \
	X("idmap",           SPECIAL, NS_OPTION_IDMAP,         0)                                 \
	X("iversion",        SUPER,   MS_I_VERSION,            0)                                 \
	X("lazytime",        SUPER,   MS_LAZYTIME,             0)                                 \
	X("loud",            SUPER,   0,                       MS_SILENT)                         \
	X("mand",            SUPER,   MS_MANDLOCK,             0)                                 \
	X("noatime",         ATTR,    MOUNT_ATTR_NOATIME,      ATIME)                             \
	X("nodev",           ATTR,    MOUNT_ATTR_NODEV,        0)                                 \
	X("nodiratime",      ATTR,    MOUNT_ATTR_NODIRATIME,   0)                                 \
	X("noexec",          ATTR,    MOUNT_ATTR_NOEXEC,       0)                                 \
	X("noiversion",      SUPER,   0,                       MS_I_VERSION)                      \
	X("nolazytime",      SUPER,   0,                       MS_LAZYTIME)                       \
	X("nomand",          SUPER,   0,                       MS_MANDLOCK)                       \
	X("norelatime",      NOTHING, 0,                       0)                                 \
	X("nostrictatime",   ATTR,    0,                       ATIME)                             \
	X("nosuid",          ATTR,    MOUNT_ATTR_NOSUID,       0)                                 \
	X("nosymfollow",     ATTR,    MOUNT_ATTR_NOSYMFOLLOW,  0)                                 \
	X("private",         SHARE,   MS_PRIVATE,              0)                                 \
	X("ratime",          TREE,    0,                       ATIME)                             \
	X("rbind",           SPECIAL, NS_OPTION_BIND | NS_OPTION_RECURSIVE, 0)                    \
	X("rdev",            TREE,    0,                       MOUNT_ATTR_NODEV)                  \
	X("rdiratime",       TREE,    0,                       MOUNT_ATTR_NODIRATIME)             \
	X("relatime",        ATTR,    MOUNT_ATTR_RELATIME,     ATIME)                             \
	X("remount",         SPECIAL, NS_OPTION_REMOUNT,       0)                                 \
	X("rexec",           TREE,    0,                       MOUNT_ATTR_NOEXEC)                 \
	X("ridmap",          SPECIAL, NS_OPTION_IDMAP | NS_OPTION_IDMAP_TREE, 0)                  \
	X("rnoatime",        TREE,    MOUNT_ATTR_NOATIME,      ATIME)                             \
	X("rnodev",          TREE,    MOUNT_ATTR_NODEV,        0)                                 \
	X("rnodiratime",     TREE,    MOUNT_ATTR_NODIRATIME,   0)                                 \
	X("rnoexec",         TREE,    MOUNT_ATTR_NOEXEC,       0)                                 \
	X("rnorelatime",     NOTHING, 0,                       0)                                 \
	X("rnostrictatime",  TREE,    0,                       ATIME)                             \
	X("rnosuid",         TREE,    MOUNT_ATTR_NOSUID,       0)                                 \
	X("rnosymfollow",    TREE,    MOUNT_ATTR_NOSYMFOLLOW,  0)                                 \
	X("ro",              ATTR,    MOUNT_ATTR_RDONLY,       0)                                 \
	X("rprivate",        SHARE,   MS_PRIVATE | MS_REC,     0)                                 \
	X("rrelatime",       TREE,    MOUNT_ATTR_RELATIME,     ATIME)                             \
	X("rro",             TREE,    MOUNT_ATTR_RDONLY,       0)                                 \
	X("rrw",             TREE,    0,                       MOUNT_ATTR_RDONLY)                 \
	X("rshared",         SHARE,   MS_SHARED | MS_REC,      0)                                 \
	X("rslave",          SHARE,   MS_SLAVE | MS_REC,       0)                                 \
	X("rstrictatime",    TREE,    MOUNT_ATTR_STRICTATIME,  ATIME)                             \
	X("rsuid",           TREE,    0,                       MOUNT_ATTR_NOSUID)                 \
	X("rsymfollow",      TREE,    0,                       MOUNT_ATTR_NOSYMFOLLOW)            \
	X("runbindable",     SHARE,   MS_UNBINDABLE | MS_REC,  0)                                 \
	X("rw",              ATTR,    0,                       MOUNT_ATTR_RDONLY)                 \
	X("shared",          SHARE,   MS_SHARED,               0)                                 \
	X("silent",          SUPER,   MS_SILENT,               0)                                 \
	X("slave",           SHARE,   MS_SLAVE,                0)                                 \
	X("src-nofollow",    SPECIAL, NS_OPTION_SOURCE_LINK,   0)                                 \
	X("strictatime",     ATTR,    MOUNT_ATTR_STRICTATIME,  ATIME)                             \
	X("suid",            ATTR,    0,                       MOUNT_ATTR_NOSUID)                 \
	X("symfollow",       ATTR,    0,                       MOUNT_ATTR_NOSYMFOLLOW)            \
	X("sync",            SUPER,   MS_SYNCHRONOUS,          0)                                 \
	X("tmpcopyup",       SPECIAL, NS_OPTION_COPY_UP,       0)                                 \
	X("unbindable",      SHARE,   MS_UNBINDABLE,           0)

/* clang-format on */

struct option_row {
	const char *word;
	enum option_kind kind;
	uint64_t set, clear;
};

#define ROW(word, kind, set, clear)  { word, kind, set, clear },
#define WORD(word, kind, set, clear) word,
static const struct option_row option_rows[] = { OPTIONS(ROW) };

const char *const ns_mount_option_names[] = { OPTIONS(WORD) NULL };

const char *const ns_propagation_names[] = {
	"private", "rprivate", "rshared",    "rslave", "runbindable",
	"shared",  "slave",    "unbindable", NULL,
};

static int compare(const void *word, const void *row)
{
	return strcmp(word, ((const struct option_row *)row)->word);
}

static const struct option_row *find(const char *word)
{
	return bsearch(word, option_rows, sizeof(option_rows) / sizeof(*option_rows),
		       sizeof(*option_rows), compare);
}

/* A later word takes back what an earlier one asked for, in both directions. */
static void fold(uint64_t *set, uint64_t *clear, const struct option_row *row)
{
	*set = (*set & ~row->clear) | row->set;
	*clear = (*clear & ~row->set) | row->clear;
}

bool ns_options_parse(const struct json_list *words, struct ns_options *options)
{
	uint64_t super_clear = 0;

	*options = (struct ns_options){ 0 };
	for (size_t i = 0; i < words->count; i++) {
		const char *word = JSON_ITEMS(const char *, words)[i];
		const struct option_row *row = find(word);
		struct ns_attributes *attributes = &options->attributes;

		if (!row) {
			options->data = options->data ? options->data : word;
			continue;
		}
		switch (row->kind) {
		case ATTR:
			fold(&attributes->set, &attributes->clear, row);
			break;
		case TREE:
			fold(&attributes->tree_set, &attributes->tree_clear, row);
			break;
		case SUPER:
			fold(&options->super, &super_clear, row);
			break;
		case SHARE:
			if (options->propagation_count == NS_OPTIONS_PROPAGATION_MAX)
				return false;
			options->propagation[options->propagation_count++] = row->set;
			break;
		case SPECIAL:
			options->special |= (unsigned int)row->set;
			break;
		case NOTHING:
			break;
		}
	}
	return true;
}

bool ns_options_of_mount(const struct ns_mount_spec *mount, struct ns_options *options)
{
	bool parsed = ns_options_parse(&mount->options, options);

	if (mount->type && strcmp(mount->type, "bind") == 0)
		options->special |= NS_OPTION_BIND;
	return parsed;
}

const char *ns_options_data(const struct json_list *words, struct arena *arena, bool *failed)
{
	size_t size = 0;
	char *data, *at;

	for (size_t i = 0; i < words->count; i++) {
		const char *word = JSON_ITEMS(const char *, words)[i];

		if (!find(word))
			size += strlen(word) + 1;
	}
	if (!size)
		return NULL;
	data = at = arena_alloc(arena, size);
	if (!data) {
		*failed = true;
		return NULL;
	}
	for (size_t i = 0; i < words->count; i++) {
		const char *word = JSON_ITEMS(const char *, words)[i];

		if (find(word))
			continue;
		if (at != data)
			*at++ = ',';
		size_t length = strlen(word);

		memcpy(at, word, length);
		at += length;
	}
	return data;
}

bool ns_propagation_find(const char *word, uint64_t *value)
{
	const struct option_row *row = find(word);

	if (!row || row->kind != SHARE)
		return false;
	*value = row->set;
	return true;
}
