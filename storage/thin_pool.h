/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Thin pools in numbers and words: sizes, tables, status lines, device ids. Nothing here talks to
 * the kernel. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	THIN_SECTOR = 512,
	THIN_BLOCK_SECTORS = 128, /* 64 KiB: the smallest, because a first write to a shared block
				     copies all of it */
	THIN_ID_MAX = 0xffffff,   /* 24 bits */
	THIN_ID_CHUNK = 256,      /* ids between two synced writes of the high-water mark */
	THIN_FULL_PERCENT = 90,   /* of data or metadata: no new volume beyond it */
};

/* Bytes of metadata for `data_bytes`: the kernel's 48 bytes a block, twice for the snapshots,
 * within the kernel's limits. */
uint64_t thin_metadata_size(uint64_t data_bytes);

/* Parameters of a thin-pool target on two devices; sectors of data. */
int thin_pool_table(char *table, size_t size, const char *metadata, const char *data);
int thin_table(char *table, size_t size, const char *pool, uint32_t id);

/* What a thin-pool says of itself (Documentation/admin-guide/device-mapper/thin-provisioning.rst,
 * "Status"). */
struct thin_status {
	uint64_t transaction;
	uint64_t metadata_used, metadata_total; /* blocks of 4 KiB */
	uint64_t data_used, data_total;         /* blocks of the pool */
	bool read_only, failed, out_of_space, needs_check;
};

bool thin_parse_status(const char *text, struct thin_status *status);

/* Why the pool must not get another volume, or NULL. */
const char *thin_refusal(const struct thin_status *status);

/* Sectors that a thin volume has mapped; false when the line is not a thin target's. */
bool thin_parse_mapped(const char *text, uint64_t *sectors);

/*
 * Ids are counted up and never used twice before the count wraps. `next` is kept without sync,
 * `reserved` with: after a crash the count goes on at `reserved`, and what may exist between the
 * two without a record is deleted. The pool's transaction id counts the reservations, so a pool
 * that others have written to, or an old copy of one, is noticed.
 */
struct thin_ids {
	uint32_t next, reserved;
	uint64_t transaction;
};

/* The next id; *reserve: the new mark must be synced and the pool's transaction moved on before the
 * id is used. */
uint32_t thin_next_id(struct thin_ids *ids, bool *reserve);

enum thin_match {
	THIN_SAME,
	THIN_BEHIND, /* we had reserved and were killed before telling the pool: tell it now */
	THIN_FOREIGN,
};
enum thin_match thin_match_transaction(const struct thin_ids *ids, uint64_t pool_transaction);
