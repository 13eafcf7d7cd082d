/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Thin pools in numbers and words. */
#include "test/unit/unit.h"

#include "storage/thin_pool.h"

/* clang-format off */
static const struct {
	const char *text;
	bool ok;
	const char *refusal; /* part of it; NULL: none */
	struct thin_status want;
} status_rows[] = {
	{ "5 100/1024 300/4096 - rw discard_passdown queue_if_no_space - 1024", true, NULL,
	  { .transaction = 5, .metadata_used = 100, .metadata_total = 1024, .data_used = 300, .data_total = 4096 } },
	{ "5 100/1024 300/4096 - ro no_discard_passdown error_if_no_space needs_check 1024", true, "thin_check",
	  { .transaction = 5, .metadata_used = 100, .metadata_total = 1024, .data_used = 300, .data_total = 4096, .read_only = true,
	    .needs_check = true } },
	{ "1 100/1024 4096/4096 17 out_of_data_space discard_passdown error_if_no_space - 1024", true, "data space",
	  { .transaction = 1, .metadata_used = 100, .metadata_total = 1024, .data_used = 4096, .data_total = 4096, .out_of_space = true } },
	{ "1 1000/1024 1/4096 - rw discard_passdown error_if_no_space - 1024", true, "metadata space",
	  { .transaction = 1, .metadata_used = 1000, .metadata_total = 1024, .data_used = 1, .data_total = 4096 } },
	{ "Fail", true, "failed", { .failed = true } },
	{ "", false, NULL, { 0 } },
	{ "1 2/3 4", false, NULL, { 0 } },
};

static const struct { uint64_t data, metadata; } size_rows[] = {
	{ 0, 4ULL << 20 },
	{ 1ULL << 30, 4ULL << 20 },
	{ 100ULL << 30, 2ULL * 48 * (100ULL << 30 >> 16) },
	{ 1ULL << 60, 17045913600ULL },
};

/* clang-format on */

static void test_status(void)
{
	for (size_t i = 0; i < sizeof(status_rows) / sizeof(status_rows[0]); i++) {
		struct thin_status have;
		bool ok = thin_parse_status(status_rows[i].text, &have);

		CHECK_ROW(status_rows[i].text, ok == status_rows[i].ok);
		if (!ok || !status_rows[i].ok)
			continue;
		const char *refusal = thin_refusal(&have), *want = status_rows[i].refusal;

		CHECK_ROW(status_rows[i].text, have.transaction == status_rows[i].want.transaction);
		CHECK_ROW(status_rows[i].text,
			  have.metadata_used == status_rows[i].want.metadata_used);
		CHECK_ROW(status_rows[i].text, have.data_total == status_rows[i].want.data_total);
		CHECK_ROW(status_rows[i].text, have.read_only == status_rows[i].want.read_only);
		CHECK_ROW(status_rows[i].text, have.needs_check == status_rows[i].want.needs_check);
		CHECK_ROW(status_rows[i].text, !refusal == !want);
		CHECK_ROW(status_rows[i].text, !want || (refusal && strstr(refusal, want)));
	}
}

/* Ids rise without a repeat; a mark is synced each THIN_ID_CHUNK; after a crash the count goes on
 * behind the mark. */
static void test_ids(void)
{
	struct thin_ids ids = { .next = 1, .reserved = 1 };
	unsigned int reservations = 0;
	uint32_t last = 0;
	bool reserve;

	for (int i = 0; i < 3 * THIN_ID_CHUNK; i++) {
		uint32_t id = thin_next_id(&ids, &reserve);

		CHECK(id == last + 1);
		CHECK(id < ids.reserved);
		reservations += reserve;
		last = id;
	}
	CHECK_INT(reservations, 3);
	CHECK_INT(ids.transaction, 3);
	ids.next = ids.reserved;
	CHECK(thin_next_id(&ids, &reserve) > last && reserve);
	ids.next = ids.reserved = THIN_ID_MAX + 1;
	CHECK_INT(thin_next_id(&ids, &reserve), 1);
	CHECK(reserve);
}

static void test_words(void)
{
	const struct thin_ids ids = { .transaction = 7 };
	char table[256];
	uint64_t sectors;

	CHECK_INT(thin_match_transaction(&ids, 7), THIN_SAME);
	CHECK_INT(thin_match_transaction(&ids, 6), THIN_BEHIND);
	CHECK_INT(thin_match_transaction(&ids, 8), THIN_FOREIGN);
	CHECK_INT(thin_match_transaction(&ids, 0), THIN_FOREIGN);
	CHECK_INT(thin_pool_table(table, sizeof(table), "/dev/loop1", "/dev/loop2"), 0);
	CHECK_TEXT(table, "/dev/loop1 /dev/loop2 128 0 2 skip_block_zeroing error_if_no_space");
	CHECK_INT(thin_table(table, sizeof(table), "/dev/dm-3", 42), 0);
	CHECK_TEXT(table, "/dev/dm-3 42");
	CHECK(thin_parse_mapped("2048 20971519", &sectors) && sectors == 2048);
	CHECK(!thin_parse_mapped("Fail", &sectors));
}

int main(void)
{
	test_status();
	test_ids();
	test_words();
	for (size_t i = 0; i < sizeof(size_rows) / sizeof(size_rows[0]); i++)
		CHECK_INT(thin_metadata_size(size_rows[i].data), size_rows[i].metadata);
	return unit_done("storage_thin_pool");
}
