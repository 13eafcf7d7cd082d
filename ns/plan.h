/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows of the flat plan that ns/ compiles on the host side and carries out in masu-init. */
#pragma once

#include <stdint.h>

#include "base/flat.h"

/* ns_plan.flags */
enum ns_plan_flags {
	NS_PLAN_MOUNTS = 1, /* a mount namespace of our own; without it: chroot and nothing else */
	NS_PLAN_LATE = 2, /* the root is attached at rootfs_target and stays there until the pivot;
			     else on "/" at once */
	NS_PLAN_NO_PIVOT = 4,  /* MS_MOVE and chroot */
	NS_PLAN_READONLY = 8,  /* root.readonly */
	NS_PLAN_DEV = 16,      /* /dev is ours to fill (not a bind of a whole /dev) */
	NS_PLAN_NEW_TIME = 32, /* a time namespace of our own */
	NS_PLAN_PRIVATE = 64,  /* what the host mounts later stays out */
};

enum ns_mount_kind {
	NS_MOUNT_BIND, /* a clone of `source` */
	NS_MOUNT_NEW,  /* a file system of `type` made where `source` and the paths in `data` mean
			  the host's */
	NS_MOUNT_FS,   /* a file system of `type` whose content depends on init's own namespaces */
	NS_MOUNT_REMOUNT,
	NS_MOUNT_LINK, /* a symbolic link to `source` */
};

/*
 * BIND and NEW become detached mounts with everything applied, in `fd`: made on the host side, or
 * with NS_MOUNT_PREPARE by init before it pivots; `fd` is then a place holder that init replaces.
 * An FS with NS_MOUNT_PREPARE is made then, too: in a user namespace the kernel allows a procfs or
 * sysfs only while another one is in sight. When it is refused, NS_MOUNT_FALLBACK takes the host's
 * at `source`.
 */
enum ns_mount_flags {
	NS_MOUNT_PREPARE = 1,
	NS_MOUNT_FILE = 2,           /* what is in `fd` is no directory; unknown with PREPARE */
	NS_MOUNT_RECURSIVE = 4,      /* BIND: with everything mounted below */
	NS_MOUNT_ORDINARY_DIR = 8,   /* the target must be a real directory: /proc, /sys */
	NS_MOUNT_TARGET_LINK = 16,   /* dest-nofollow */
	NS_MOUNT_SOURCE_LINK = 32,   /* src-nofollow */
	NS_MOUNT_COPY_UP = 64,       /* tmpcopyup */
	NS_MOUNT_KEEP_MODE = 128,    /* tmpfs without mode=: that of the directory it covers */
	NS_MOUNT_PROC_ALLOWED = 256, /* the target may lie in a procfs */
	NS_MOUNT_FALLBACK = 512,
	NS_MOUNT_FALLBACK_READY = 1024, /* `fd` holds the host's already */
};

/* Values of MOUNT_ATTR_...; the tree's are applied last, to the mount and all below it:
 * "rw" beside "rro" is still read-only. */
struct ns_attributes {
	uint64_t set, clear;
	uint64_t tree_set, tree_clear;
};

struct ns_mount_plan {
	uint32_t kind, flags;
	struct flat_ref target; /* in the container's root */
	struct flat_ref source, type;
	struct flat_ref data;        /* words for the file system, joined by commas */
	struct flat_ref propagation; /* uint64_t MS_..., one after the other */
	uint64_t super;              /* MS_... of the superblock */
	struct ns_attributes attributes;
	flat_fd_t fd;
};

struct ns_device_plan {
	struct flat_ref path, source; /* in the container; the host's, to bind */
	uint32_t mode;                /* S_IFCHR, ... and the permissions */
	uint32_t major, minor;
	uint32_t uid, gid;
	flat_fd_t fd;     /* the host's node to bind, where a node cannot be made; or FLAT_NO_FD */
	uint32_t prepare; /* `fd` is a place holder: init binds `source` itself, before it
			     pivots */
};

struct ns_sysctl_plan {
	struct flat_ref path; /* below /proc: "sys/net/ipv4/ip_forward" */
	struct flat_ref value;
};
