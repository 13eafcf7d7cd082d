/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The difference between a volume and what lies below it, as a list or as a layer's tar. */
#pragma once

#include "storage/archive.h"
#include "storage/root.h"

/* Write it to `output`; the digests tell the layer's DiffID. `chain` of the volume may be empty:
 * then everything is new. */
int diff_write(struct storage *store, const struct volume *volume,
	       const struct archive_output *output, struct archive_digests *digests,
	       struct err *err);
