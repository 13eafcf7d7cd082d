/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The "storage" object of a spec and of state.json: rows, sizes, options. */
#include "storage/spec.h"

#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/names.h"
#include "base/sys.h"
#include "storage/reference.h"

/* clang-format off */
const struct name storage_driver_names[] = {
	{ "auto",	  STORAGE_AUTO },
	{ "overlay",	  STORAGE_OVERLAY },
	{ "btrfs",	  STORAGE_BTRFS },
	{ "devicemapper", STORAGE_DEVMAPPER },
	{ "devmapper",	  STORAGE_DEVMAPPER },
	{ "copy",	  STORAGE_COPY },
	{ NULL,		  0 },
};

static const struct json_row spec_rows[] = {
	{ "image",	  JSON_TEXT,  offsetof(struct storage_spec, image), .flags = JSON_CLEAN | JSON_NOT_EMPTY },
	{ "driver",	  JSON_NAME,  offsetof(struct storage_spec, driver), .names = storage_driver_names },
	{ "size",	  JSON_TEXT,  offsetof(struct storage_spec, size), .flags = JSON_NOT_EMPTY },
	{ "inodes",	  JSON_U64,   offsetof(struct storage_spec, inodes), .min = 1, .max = INT64_MAX },
	{ "mountOptions", JSON_TEXTS, offsetof(struct storage_spec, mount_options) },
	{ "volatile",	  JSON_BOOL,  offsetof(struct storage_spec, is_volatile) },
	{ "readonly",	  JSON_BOOL,  offsetof(struct storage_spec, readonly) },
	{ "keep",	  JSON_BOOL,  offsetof(struct storage_spec, keep) },
};
const struct json_object storage_spec_object = {
	.rows = spec_rows, .row_count = sizeof(spec_rows) / sizeof(spec_rows[0]),
	.size = sizeof(struct storage_spec), .present = offsetof(struct storage_spec, present) + 1,
};

static const struct json_row state_rows[] = {
	{ "root",   JSON_TEXT, offsetof(struct storage_state, root) },
	{ "id",	    JSON_TEXT, offsetof(struct storage_state, id) },
	{ "image",  JSON_TEXT, offsetof(struct storage_state, image) },
	{ "digest", JSON_TEXT, offsetof(struct storage_state, digest) },
	{ "keep",   JSON_BOOL, offsetof(struct storage_state, keep) },
	{ "reused", JSON_BOOL, offsetof(struct storage_state, reused) },
};
const struct json_object storage_state_object = JSON_OBJECT_OF(struct storage_state, state_rows);

static const struct { const char *word; uint64_t set, clear; } option_rows[] = {
	{ "nosuid",	 MOUNT_ATTR_NOSUID, 0 },
	{ "suid",	 0, MOUNT_ATTR_NOSUID },
	{ "nodev",	 MOUNT_ATTR_NODEV, 0 },
	{ "dev",	 0, MOUNT_ATTR_NODEV },
	{ "noexec",	 MOUNT_ATTR_NOEXEC, 0 },
	{ "exec",	 0, MOUNT_ATTR_NOEXEC },
	{ "noatime",	 MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
	{ "relatime",	 MOUNT_ATTR_RELATIME, MOUNT_ATTR__ATIME },
	{ "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
	{ "nodiratime",	 MOUNT_ATTR_NODIRATIME, 0 },
	{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0 },
};

static const struct { char letter; unsigned int shift; } unit_rows[] = {
	{ 'K', 10 }, { 'M', 20 }, { 'G', 30 }, { 'T', 40 }, { 'P', 50 },
};

/* clang-format on */

bool spec_parse_size(const char *text, uint64_t *bytes)
{
	size_t digits = strspn(text, "0123456789");
	char number[24];
	uint64_t value;
	unsigned int shift = 0;

	if (!digits || digits >= sizeof(number))
		return false;
	memcpy(number, text, digits);
	number[digits] = '\0';
	if (!str_parse_u64(number, &value))
		return false;
	if (text[digits]) {
		for (size_t i = 0; i < sizeof(unit_rows) / sizeof(unit_rows[0]); i++) {
			if ((text[digits] & ~0x20) == unit_rows[i].letter)
				shift = unit_rows[i].shift;
		}
		/* "2G" and "2GiB" mean the same; "2GB" is left out because people disagree on it */
		const char *rest = text + digits + 1;

		if (!shift || (*rest && strcmp(rest, "iB") != 0))
			return false;
	}
	if (value > UINT64_MAX >> shift)
		return false;
	*bytes = value << shift;
	return true;
}

int spec_mount_attributes(const struct storage_spec *spec, struct sys_mount_attr *attributes,
			  struct err *err)
{
	*attributes = (struct sys_mount_attr){ 0 };
	for (size_t i = 0; i < spec->mount_options.count; i++) {
		const char *word = JSON_ITEMS(const char *, &spec->mount_options)[i];
		size_t row = 0, rows = sizeof(option_rows) / sizeof(option_rows[0]);

		while (row < rows && strcmp(option_rows[row].word, word) != 0)
			row++;
		if (row == rows)
			return err_set(err, ERR_INPUT,
				       "masu.storage.mountOptions[%zu]: unknown option %s", i,
				       word);
		attributes->attr_set &= ~option_rows[row].clear;
		attributes->attr_set |= option_rows[row].set;
		attributes->attr_clr |= option_rows[row].clear;
	}
	/* the kernel wants the whole access-time field cleared before one of its values is set */
	if (attributes->attr_set & MOUNT_ATTR__ATIME)
		attributes->attr_clr |= MOUNT_ATTR__ATIME;
	attributes->attr_clr &= ~attributes->attr_set | MOUNT_ATTR__ATIME;
	return 0;
}

int storage_check(const struct storage_spec *spec, struct err *err)
{
	struct sys_mount_attr attributes;
	struct reference reference;
	uint64_t bytes;

	if (!spec->present)
		return 0;
	if (!spec->image)
		return err_set(err, ERR_INPUT, "masu.storage.image: is required");
	if (reference_parse(spec->image, &reference, err) < 0)
		return err_wrap(err, "masu.storage.image");
	if (spec->size && (!spec_parse_size(spec->size, &bytes) || bytes < 1 << 20)) {
		err_set(err, ERR_INPUT, "masu.storage.size: %s is not a size of at least 1M",
			spec->size);
		return err_hint(err, "write a number with K, M, G or T, as in \"2G\"");
	}
	return spec_mount_attributes(spec, &attributes, err);
}
