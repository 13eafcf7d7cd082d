/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container's root from an image: what the image says fills the spec, its copy-on-write root
 * becomes the container's. */
#pragma once

#include "runtime/create.h"

/* Where the OCI conversion of images puts the signal that ends their program; `kill` looks there.
 */
#define ROOT_STOP_SIGNAL "org.opencontainers.image.stopSignal"

/*
 * Before the spec is checked: with masu.storage, find the image and fill in what the spec leaves
 * out: program, environment, directory, stop signal. Makes nothing; fills the record's storage
 * part.
 */
int root_prepare(struct creation *creation, struct err *err);

/* Where the root will be attached for hooks: a folder of the state. Call when the record's bundle
 * is known. */
int root_place(struct creation *creation, struct err *err);
