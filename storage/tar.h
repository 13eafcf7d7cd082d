/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Trees and changes written as tar: the same bytes for the same content. */
#pragma once

#include "storage/archive.h"
#include "storage/candidates.h"

/* Everything below `dir`. */
int tar_write_tree(const struct archive_ops *archive, struct archive_writer *writer, int dir,
		   struct err *err);

/* An OCI layer: what was added or changed as it is in `dir`, what was deleted as whiteouts. */
int tar_write_changes(const struct archive_ops *archive, struct archive_writer *writer, int dir,
		      const struct change_list *changes, struct err *err);
