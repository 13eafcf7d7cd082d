/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mount option words: what each means, that later ones win, and what is left for the file system.
 */
#include "ns/options.h"

#include <stdlib.h>
#include <sys/mount.h>

#include "base/sys.h"
#include "ns/ns.h"
#include "test/unit/unit.h"

enum {
	WORDS_MAX = 6,
};

struct row {
	const char *words[WORDS_MAX];
	struct ns_attributes attributes;
	uint64_t super;
	unsigned int special;
	const char *data;
};

#define RO    MOUNT_ATTR_RDONLY
#define ATIME MOUNT_ATTR__ATIME

/* clang-format off */
static const struct row rows[] = {
	{ { "ro" },                          .attributes = { .set = RO } },
	{ { "rw" },                          .attributes = { .clear = RO } },
	{ { "ro", "rw" },                    .attributes = { .clear = RO } },
	{ { "rw", "ro" },                    .attributes = { .set = RO } },
	{ { "defaults" },                    .data = NULL },
	{ { "nosuid", "nodev", "noexec" },   .attributes = { .set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC } },
	{ { "noatime" },                     .attributes = { .set = MOUNT_ATTR_NOATIME, .clear = ATIME } },
	{ { "noatime", "strictatime" },      .attributes = { .set = MOUNT_ATTR_STRICTATIME, .clear = ATIME } },
	{ { "strictatime", "relatime" },     .attributes = { .clear = ATIME } },
	{ { "norelatime" },                  .data = NULL },
	{ { "nodiratime", "nosymfollow" },   .attributes = { .set = MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW } },
	{ { "symfollow" },                   .attributes = { .clear = MOUNT_ATTR_NOSYMFOLLOW } },
	{ { "rro", "rnosuid" },              .attributes = { .tree_set = RO | MOUNT_ATTR_NOSUID } },
	{ { "rro", "rrw" },                  .attributes = { .tree_clear = RO } },
	{ { "rnoatime", "ro" },              .attributes = { .set = RO, .tree_set = MOUNT_ATTR_NOATIME, .tree_clear = ATIME } },
	{ { "rsymfollow", "rnosymfollow" },  .attributes = { .tree_set = MOUNT_ATTR_NOSYMFOLLOW } },
	{ { "sync", "dirsync" },             .super = MS_SYNCHRONOUS | MS_DIRSYNC },
	{ { "sync", "async" },               .super = 0 },
	{ { "iversion", "lazytime", "silent" }, .super = MS_I_VERSION | MS_LAZYTIME | MS_SILENT },
	{ { "iversion", "noiversion", "lazytime", "nolazytime", "silent", "loud" }, .super = 0 },
	{ { "mand", "nomand" },              .super = 0 },
	{ { "bind" },                        .special = NS_OPTION_BIND },
	{ { "rbind" },                       .special = NS_OPTION_BIND | NS_OPTION_RECURSIVE },
	{ { "remount", "ro" },               .attributes = { .set = RO }, .special = NS_OPTION_REMOUNT },
	{ { "idmap" },                       .special = NS_OPTION_IDMAP },
	{ { "ridmap" },                      .special = NS_OPTION_IDMAP | NS_OPTION_IDMAP_TREE },
	{ { "tmpcopyup" },                   .special = NS_OPTION_COPY_UP },
	{ { "copy-symlink", "src-nofollow", "dest-nofollow" },
	  .special = NS_OPTION_COPY_SYMLINK | NS_OPTION_SOURCE_LINK | NS_OPTION_TARGET_LINK },
	{ { "size=65536k", "nosuid", "mode=755" }, .attributes = { .set = MOUNT_ATTR_NOSUID }, .data = "size=65536k,mode=755" },
	{ { "newinstance", "gid=5" },        .data = "newinstance,gid=5" },
	{ { "Ro" },                          .data = "Ro" },
};

static const struct {
	const char *word;
	uint64_t value;
} propagations[] = {
	{ "shared", MS_SHARED },         { "rshared", MS_SHARED | MS_REC },
	{ "slave", MS_SLAVE },           { "rslave", MS_SLAVE | MS_REC },
	{ "private", MS_PRIVATE },       { "rprivate", MS_PRIVATE | MS_REC },
	{ "unbindable", MS_UNBINDABLE }, { "runbindable", MS_UNBINDABLE | MS_REC },
};

/* Every name of the specification, to be sure that the table has them all. */
static const char *const required[] = {
	"async", "atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec", "iversion", "lazytime", "loud", "noatime", "nodev",
	"nodiratime", "noexec", "noiversion", "nolazytime", "norelatime", "nostrictatime", "nosuid", "private", "rbind", "relatime",
	"remount", "ro", "rprivate", "rshared", "rslave", "runbindable", "rw", "shared", "silent", "slave", "strictatime", "suid", "sync",
	"unbindable", "mand", "nomand", "tmpcopyup", "nosymfollow", "symfollow", "ratime", "rdev", "rdiratime", "rexec", "rnoatime",
	"rnodev", "rnodiratime", "rnoexec", "rnorelatime", "rnostrictatime", "rnosuid", "rnosymfollow", "rrelatime", "rro", "rrw",
	"rstrictatime", "rsuid", "rsymfollow", "idmap", "ridmap",
};

/* clang-format on */

static struct json_list list_of(const char *const *words)
{
	struct json_list list = { .items = (void *)words };

	while (list.count < WORDS_MAX && words[list.count])
		list.count++;
	return list;
}

static void test_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *row = &rows[i];
		const struct json_list list = list_of(row->words);
		auto_arena struct arena arena = { 0 };
		struct ns_options options;
		bool failed = false;
		const char *name = row->words[0];

		CHECK_ROW(name, ns_options_parse(&list, &options));
		CHECK_ROW(name, options.attributes.set == row->attributes.set);
		CHECK_ROW(name, options.attributes.clear == row->attributes.clear);
		CHECK_ROW(name, options.attributes.tree_set == row->attributes.tree_set);
		CHECK_ROW(name, options.attributes.tree_clear == row->attributes.tree_clear);
		CHECK_ROW(name, options.super == row->super);
		CHECK_ROW(name, options.special == row->special);
		CHECK_ROW(name, !options.data == !row->data);
		const char *data = ns_options_data(&list, &arena, &failed);

		CHECK_ROW(name, !failed && !data == !row->data);
		CHECK_ROW(name, !data || strcmp(data, row->data) == 0);
	}
}

static void test_propagation(void)
{
	const char *const words[] = { "rslave", "shared", NULL };
	const char *const many[] = { "shared", "shared", "shared", "shared", "shared",
				     "shared", "shared", "shared", "shared" };
	const struct json_list list = { .items = (void *)words, .count = 2 };
	const struct json_list too_many = { .items = (void *)many, .count = 9 };
	struct ns_options options;
	uint64_t value;

	for (size_t i = 0; i < sizeof(propagations) / sizeof(*propagations); i++)
		CHECK_ROW(propagations[i].word, ns_propagation_find(propagations[i].word, &value) &&
							value == propagations[i].value);
	CHECK(!ns_propagation_find("ro", &value));
	CHECK(!ns_propagation_find("RSLAVE", &value));
	CHECK(ns_options_parse(&list, &options));
	CHECK_INT(options.propagation_count, 2);
	CHECK_INT(options.propagation[0], MS_SLAVE | MS_REC);
	CHECK_INT(options.propagation[1], MS_SHARED);
	CHECK(!ns_options_parse(&too_many, &options));
}

static void test_names(void)
{
	size_t count = 0;

	for (size_t i = 0; ns_mount_option_names[i]; i++, count++)
		CHECK_ROW(ns_mount_option_names[i], i == 0 || strcmp(ns_mount_option_names[i - 1],
								     ns_mount_option_names[i]) < 0);
	for (size_t i = 0; i < sizeof(required) / sizeof(*required); i++) {
		size_t at = 0;

		while (at < count && strcmp(ns_mount_option_names[at], required[i]) != 0)
			at++;
		CHECK_ROW(required[i], at < count);
	}
	for (size_t i = 0; ns_propagation_names[i]; i++) {
		uint64_t value;

		CHECK_ROW(ns_propagation_names[i],
			  ns_propagation_find(ns_propagation_names[i], &value));
	}
}

int main(void)
{
	test_rows();
	test_propagation();
	test_names();
	return unit_done("ns_options");
}
