/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* features.json of the OCI runtime specification, and facts about the build. */
#pragma once

struct err;

/* malloc'ed JSON text. */
char *features_json(struct err *err);

/* By enum masu_about; NULL for an unknown number. */
const char *features_about(int what);
