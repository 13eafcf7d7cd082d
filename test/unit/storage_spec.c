/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The "storage" object of a spec, image references, sizes, ACL bytes, path sets. */
#include "test/unit/unit.h"

#include <sys/stat.h>

#include "base/err.h"
#include "base/sys.h"
#include "storage/acl.h"
#include "storage/path_set.h"
#include "storage/reference.h"
#include "storage/spec.h"

/* clang-format off */
static const struct { const char *text; bool ok; uint64_t bytes; } sizes[] = {
	{ "0", true, 0 }, { "1", true, 1 }, { "4096", true, 4096 }, { "1K", true, 1024 }, { "2M", true, 2 << 20 }, { "2g", true, 2ULL << 30 },
	{ "1GiB", true, 1ULL << 30 }, { "3T", true, 3ULL << 40 }, { "", false, 0 }, { "G", false, 0 }, { "-1", false, 0 }, { "1.5G", false, 0 },
	{ "1 G", false, 0 }, { "1GB", false, 0 }, { "1X", false, 0 }, { "99999999P", false, 0 }, { "18446744073709551616", false, 0 },
};

static const struct { const char *text, *name, *digest; } references[] = {
	{ "busybox", "busybox:latest", "" },
	{ "busybox:1.36", "busybox:1.36", "" },
	{ "a/b/c-d__e.f:V_1.0-x", "a/b/c-d__e.f:V_1.0-x", "" },
	{ "localhost:5000/x", "localhost:5000/x:latest", "" },
	{ "Docker.io/library/x:y", "Docker.io/library/x:y", "" },
	{ "deadbeef", "deadbeef:latest", "deadbeef" },
	{ "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "",
	  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
	{ "", NULL, NULL }, { "Busybox", NULL, NULL }, { "a//b", NULL, NULL }, { "../x", NULL, NULL }, { "/x", NULL, NULL }, { "x/", NULL, NULL },
	{ "x:", NULL, NULL }, { "x:.y", NULL, NULL }, { "x:y:z", NULL, NULL }, { "x y", NULL, NULL }, { "x%y", NULL, NULL }, { "a..b", NULL, NULL },
	{ "-a", NULL, NULL }, { "a_", NULL, NULL }, { "a___b", NULL, NULL },
};

static const struct { const char *name, *json, *error; } specs[] = {
	{ "least", "{\"image\":\"x\"}", NULL },
	{ "all", "{\"image\":\"x:1\",\"driver\":\"btrfs\",\"size\":\"2G\",\"inodes\":1000,\"mountOptions\":[\"nodev\",\"nosuid\",\"noatime\"],"
		 "\"volatile\":true,\"readonly\":true,\"keep\":true}", NULL },
	{ "no image", "{}", "masu.storage.image: is required" },
	{ "bad image", "{\"image\":\"X\"}", "masu.storage.image: image name X" },
	{ "small", "{\"image\":\"x\",\"size\":\"1\"}", "masu.storage.size: 1 is not a size" },
	{ "no size", "{\"image\":\"x\",\"size\":\"big\"}", "masu.storage.size: big" },
	{ "option", "{\"image\":\"x\",\"mountOptions\":[\"nodev\",\"bind\"]}", "masu.storage.mountOptions[1]: unknown option bind" },
	{ "driver", "{\"image\":\"x\",\"driver\":\"zfs\"}", "driver" },
	{ "inodes", "{\"image\":\"x\",\"inodes\":0}", "inodes" },
};

/* clang-format on */

static void test_references(void)
{
	for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
		struct reference have;
		struct err err = { 0 };
		int result = reference_parse(references[i].text, &have, &err);

		CHECK_ROW(references[i].text, (result == 0) == (references[i].name != NULL));
		if (result < 0) {
			CHECK_ROW(references[i].text, err.code == ERR_INPUT && err.text[0]);
			continue;
		}
		CHECK_TEXT(have.name, references[i].name);
		CHECK_TEXT(have.digest, references[i].digest);
	}
	char file[REFERENCE_MAX + 1];

	reference_to_file("host:1/a/b:c", file);
	CHECK_TEXT(file, "host:1%a%b:c");
}

static void test_specs(void)
{
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		struct storage_spec spec = { 0 };
		struct arena arena = { 0 };
		struct err err = { 0 };
		int result = json_decode("spec", specs[i].json, strlen(specs[i].json),
					 &storage_spec_object, &spec, &arena, &err);

		if (result == 0)
			result = storage_check(&spec, &err);
		CHECK_ROW(specs[i].name, (result == 0) == (specs[i].error == NULL));
		if (specs[i].error)
			CHECK_ROW(specs[i].name, strstr(err.text, specs[i].error));
		arena_free(&arena);
	}
	CHECK_INT(storage_check(&(struct storage_spec){ .present = false }, NULL), 0);
}

static void test_options(void)
{
	const char *words[] = { "nodev", "nosuid", "suid", "noatime" };
	const struct storage_spec spec = { .mount_options = { words, 4 } };
	struct sys_mount_attr have;

	CHECK_INT(spec_mount_attributes(&spec, &have, NULL), 0);
	CHECK_INT(have.attr_set, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOATIME);
	CHECK_INT(have.attr_clr, MOUNT_ATTR_NOSUID | MOUNT_ATTR__ATIME);
}

static void test_acl(void)
{
	struct acl_entry entries[] = { { ACL_TAG_OTHER, 4, 0 },    { ACL_TAG_USER, 6, 1000 },
				       { ACL_TAG_USER_OBJ, 7, 0 }, { ACL_TAG_USER, 5, 33 },
				       { ACL_TAG_MASK, 7, 0 },     { ACL_TAG_GROUP_OBJ, 5, 0 } };
	char bytes[64];

	CHECK_INT(acl_size(6), 52);
	acl_encode(entries, 6, bytes);
	CHECK_INT(acl_count(bytes, 52), 6);
	CHECK_INT(acl_count(bytes, 51), 0);
	CHECK_INT(acl_count("", 0), 0);
	CHECK_INT(acl_get(bytes, 0).tag, ACL_TAG_USER_OBJ);
	CHECK_INT(acl_get(bytes, 1).id, 33);
	CHECK_INT(acl_get(bytes, 2).id, 1000);
	CHECK_INT(acl_get(bytes, 5).tag, ACL_TAG_OTHER);
	CHECK_INT(acl_get(bytes, 0).id, UINT32_MAX);
}

static void test_path_set(void)
{
	struct path_set set = { 0 };
	char path[32];

	CHECK(!path_set_has(&set, "a"));
	for (int i = 0; i < 5000; i++) {
		snprintf(path, sizeof(path), "dir%d/file%d", i % 50, i);
		CHECK(path_set_add(&set, path));
	}
	CHECK(path_set_has(&set, "dir7") && path_set_has(&set, "dir7/file7"));
	CHECK(!path_set_has(&set, "dir7/file8") && !path_set_has(&set, "dir") &&
	      !path_set_has(&set, ""));
	CHECK_INT(set.count, 5050);
	path_set_free(&set);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t bytes = 0;

		CHECK_ROW(sizes[i].text, spec_parse_size(sizes[i].text, &bytes) == sizes[i].ok);
		CHECK_ROW(sizes[i].text, !sizes[i].ok || bytes == sizes[i].bytes);
	}
	test_references();
	test_specs();
	test_options();
	test_acl();
	test_path_set();
	return unit_done("storage_spec");
}
