/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* create and run: from options to a walk over the start table. */
#pragma once

#include "runtime/startup.h"

struct masu_create_options;

/* What one create was asked for, made complete; shared by create, run and plan. */
struct creation {
	struct container container;
	struct spec spec;
	struct startup_options options;
	struct startup startup;

	struct storage_request storage; /* masu.storage */
	const char *image_user;         /* of the image's config: for a spec that names none */
	bool own_network;               /* masu.network with interfaces of its own */
	struct net_user *net_user;      /* masu.network of an ordinary user; NULL: none */
	struct net_place net_place;     /* of the name server, while it runs */
	struct net_resolver *resolver;  /* `run` in the foreground: the name server; or NULL */
};

/* Everything before the first side effect: load and check the spec, work out paths, cgroups,
 * conditions. */
int creation_prepare(struct masu *masu, const struct masu_create_options *options,
		     struct creation *creation, struct err *err);
/* A terminal has somebody to go to, or none was asked for. */
int creation_check_terminal(const struct creation *creation, struct err *err);
int creation_walk(struct creation *creation, struct err *err);
void creation_close(struct creation *creation);

/* `masu run --plan`: the prepared creation as text. (plan_text.c) */
char *creation_describe(const struct creation *creation, struct err *err);
