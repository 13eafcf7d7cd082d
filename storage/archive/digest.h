/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SHA-256 by libcrypto; apart because its headers use names of ours. */
#pragma once

#include <stddef.h>

struct digest;

/* NULL without memory. */
struct digest *digest_start(void);
void digest_add(struct digest *digest, const void *data, size_t size);
/* Lower-case hex; the digest can be freed only after this. */
void digest_end(struct digest *digest, char hex[65]);
void digest_free(struct digest *digest);

void digest_once(const void *data, size_t size, char hex[65]);
