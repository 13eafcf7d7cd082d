/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of ns_compile() share: the plan under construction and what is known about our own
 * powers. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/flat.h"
#include "ns/ns.h"
#include "ns/options.h"
#include "ns/plan.h"

struct err;

/* User namespaces made from the maps of mounts, so that equal maps share one. */
struct compiler_userns {
	const struct ns_mount_spec *spec;
	int fd;
};

struct compiler {
	const struct ns_request *request;
	const struct ns_host *host;
	struct flat *flat;
	struct ns_plan *plan;
	struct arena arena; /* for the duration of ns_compile() */
	struct ns_mount_plan *rows;
	size_t row_count, row_room;
	struct compiler_userns *userns;
	size_t userns_count;
	int here;       /* what place holders refer to, or -1: nothing in particular */
	bool can_clone; /* we may clone and make mounts; else init does, with its own eyes */
	bool in_user;   /* the container's user namespace is not the host's first */
	bool can_make_nodes;
	bool failed; /* memory ran out */
};

/* All rows of one mounts[] entry. */
int compile_mount(struct compiler *compiler, const struct ns_mount_spec *mount, struct err *err);

/* The rows of a mount of type "cgroup". */
int compile_cgroup_mount(struct compiler *compiler, const struct ns_mount_spec *mount,
			 const struct ns_options *options, struct err *err);

/* Add a row; BIND and NEW rows get their detached mount, or a place holder. The row is copied. */
int compile_add(struct compiler *compiler, struct ns_mount_plan *row, struct err *err);

/* A clone of what the host has may pass its later mounts on, or not: MS_SLAVE or MS_PRIVATE; 0
 * leaves it shared. */
uint64_t compile_propagation(const struct compiler *compiler);
