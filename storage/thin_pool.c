/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arithmetic and the text formats of thin pools. */
#include "storage/thin_pool.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

uint64_t thin_metadata_size(uint64_t data_bytes)
{
	const uint64_t least = 4ULL << 20, most = 17045913600ULL;
	uint64_t bytes = 2 * 48 * (data_bytes / ((uint64_t)THIN_BLOCK_SECTORS * THIN_SECTOR));

	bytes = (bytes + 4095) & ~4095ULL;
	return bytes < least ? least : bytes > most ? most : bytes;
}

int thin_pool_table(char *table, size_t size, const char *metadata, const char *data)
{
	/* an error at once is better than tasks that hang for a minute when the pool is full */
	return str_format(table, size, "%s %s %d 0 2 skip_block_zeroing error_if_no_space",
			  metadata, data, THIN_BLOCK_SECTORS);
}

int thin_table(char *table, size_t size, const char *pool, uint32_t id)
{
	return str_format(table, size, "%s %" PRIu32, pool, id);
}

bool thin_parse_status(const char *text, struct thin_status *status)
{
	char root[32], mode[32];
	int rest = 0;

	*status = (struct thin_status){ 0 };
	if (str_starts(text, "Fail") || str_starts(text, "Error")) {
		status->failed = true;
		return true;
	}
	if (sscanf(text, "%" SCNu64 " %" SCNu64 "/%" SCNu64 " %" SCNu64 "/%" SCNu64 " %31s %31s%n",
		   &status->transaction, &status->metadata_used, &status->metadata_total,
		   &status->data_used, &status->data_total, root, mode, &rest) != 7)
		return false;
	status->read_only = strcmp(mode, "ro") == 0;
	status->out_of_space = strcmp(mode, "out_of_data_space") == 0;
	status->needs_check = strstr(text + rest, "needs_check") != NULL;
	return true;
}

const char *thin_refusal(const struct thin_status *status)
{
	if (status->failed)
		return "it has failed; thin_check and thin_repair of thin-provisioning-tools look into it";
	if (status->needs_check)
		return "its metadata needs a check by thin_check";
	if (status->read_only)
		return "it is read-only";
	if (status->out_of_space ||
	    status->data_used * 100 > status->data_total * THIN_FULL_PERCENT)
		return "its data space is nearly used up";
	if (status->metadata_used * 100 > status->metadata_total * THIN_FULL_PERCENT)
		return "its metadata space is nearly used up";
	return NULL;
}

bool thin_parse_mapped(const char *text, uint64_t *sectors)
{
	return sscanf(text, "%" SCNu64, sectors) == 1;
}

uint32_t thin_next_id(struct thin_ids *ids, bool *reserve)
{
	if (ids->next == 0 || ids->next > THIN_ID_MAX)
		ids->next = ids->reserved = 1;
	*reserve = ids->next >= ids->reserved;
	if (*reserve) {
		ids->reserved = ids->next + THIN_ID_CHUNK;
		ids->transaction++;
	}
	return ids->next++;
}

enum thin_match thin_match_transaction(const struct thin_ids *ids, uint64_t pool_transaction)
{
	if (pool_transaction == ids->transaction)
		return THIN_SAME;
	return pool_transaction + 1 == ids->transaction ? THIN_BEHIND : THIN_FOREIGN;
}
