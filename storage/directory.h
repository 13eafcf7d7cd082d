/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What drivers have in common whose volumes are directories (or subvolumes) data/KEY. */
#pragma once

#include "storage/driver.h"

/* data/KEY itself. */
int directory_open(struct storage *store, const char *key, struct err *err);

/* renameat2 without replacing. */
int directory_rename(struct storage *store, const char *key, const char *new_key, struct err *err);

/* Out of the way at once with its limits, then deleted. */
int directory_remove(struct storage *store, const char *key, struct err *err);

/* By the quota of directory `volume` when there is a limit, else by walking `tree`. */
int directory_usage(int volume, int tree, uint64_t limit, struct storage_usage *usage,
		    struct err *err);

int directory_each(struct storage *store, int (*found)(const char *key, void *data), void *data,
		   struct err *err);

/* FITRIM on the file system of data/; where that means nothing it is no error. */
int directory_trim(struct storage *store, struct err *err);

/* Run `try` in a directory of its own below `dir` and remove that afterwards. */
int directory_probe(int dir, int (*try)(int dir, struct err *why), struct err *why);
