/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cases of the embedding program, and where they work. */
#pragma once

#include <masu.h>

/* Given on the command line: a state root, a bundle whose program ends with 7 at SIGTERM, an id. */
struct place {
	struct masu *masu;
	const char *root, *bundle, *id;
};

/* For exec: the container's program has its signal handler, and then SCRIPT. */
#define ONCE_READY(script) "until [ -e /dev/shm/ready ]; do sleep 0.01; done; " script

void case_life(const struct place *place);
void case_ended(const struct place *place);
void case_run(const struct place *place);
void case_streams(const struct place *place);
void case_errors(const struct place *place);
void case_null_error(const struct place *place);
void case_options(const struct place *place);
void case_log(const struct place *place);
void case_own_child(const struct place *place);
void case_threads(const struct place *place);
void case_shared(const struct place *place);
void case_fight(const struct place *place);
