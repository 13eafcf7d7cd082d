/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lease file: a header, one state byte an address, one record with the owner. Read and written,
 * not mapped: a full tmpfs is an error, not a signal. */
#include "net/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/proc.h"
#include "base/str.h"

enum {
	SLOTS_MAX = 65536,
	EXTRAS = 1024, /* static addresses outside the range */
	STATES_AT = 256,
};

enum net_lease_state {
	LEASE_FREE, /* zero: a hole in the file */
	LEASE_HELD,
	LEASE_RESTING,
};

/* A file that does not begin with exactly this is of another boot, subnet or version, and starts
 * over. */
struct header {
	char magic[8];
	char boot_id[40];
	char subnet[IP_TEXT_MAX], range[IP_TEXT_MAX];
	uint64_t cursor; /* not compared */
};

struct record {
	uint64_t until;  /* resting: seconds of CLOCK_BOOTTIME */
	uint64_t offset; /* from the subnet's first address, of the records behind the slots */
	uint64_t reserved;
	char owner[NET_ID_MAX + 1];
};

static off_t record_at(const struct net_lease_table *table, size_t at)
{
	size_t records = (STATES_AT + table->count + 4095) / 4096 * 4096;

	return (off_t)(records + at * sizeof(struct record));
}

static int read_record(const struct net_lease_table *table, size_t at, struct record *record,
		       struct err *err)
{
	if (pread(table->file, record, sizeof(*record), record_at(table, at)) != sizeof(*record))
		return err_sys(err, "read leases");
	record->owner[NET_ID_MAX] = '\0';
	return 0;
}

/* The state byte goes last when taking, first when freeing: a write that is torn leaves a free
 * address. */
static int set_state(struct net_lease_table *table, size_t at, enum net_lease_state state,
		     struct err *err)
{
	uint8_t byte = (uint8_t)state;

	if (pwrite(table->file, &byte, 1, (off_t)(STATES_AT + at)) != 1)
		return err_sys(err, "write leases");
	table->states[at] = byte;
	return 0;
}

static int write_record(struct net_lease_table *table, size_t at, const struct record *record,
			struct err *err)
{
	if (pwrite(table->file, record, sizeof(*record), record_at(table, at)) != sizeof(*record))
		return err_sys(err, "write leases");
	return 0;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return (uint64_t)time.tv_sec;
}

static int read_header(struct net_lease_table *table, struct err *err)
{
	struct header want = { .magic = "masuIP1" }, have = { 0 };
	off_t size = record_at(table, table->count);

	if (proc_boot_id(want.boot_id, err) < 0)
		return -1;
	ip_format_prefix(&table->subnet.prefix, want.subnet);
	ip_format_prefix(&table->subnet.range, want.range);
	if (pread(table->file, &have, sizeof(have), 0) == sizeof(have) &&
	    memcmp(&have, &want, offsetof(struct header, cursor)) == 0) {
		table->cursor = have.cursor;
	} else if (ftruncate(table->file, 0) < 0 || ftruncate(table->file, size) < 0 ||
		   pwrite(table->file, &want, sizeof(want), 0) != sizeof(want)) {
		return err_sys(err, "start lease file");
	}
	table->states = malloc(table->count);
	if (!table->states ||
	    pread(table->file, table->states, table->count, STATES_AT) != (ssize_t)table->count)
		return err_sys(err, "read leases");
	return 0;
}

int net_lease_open(int dir, size_t index, const struct subnet *subnet,
		   struct net_lease_table *table, struct err *err)
{
	uint64_t span = ip_span(&subnet->range);
	char name[32];

	*table = (struct net_lease_table){ .subnet = *subnet };
	table->slots = span > SLOTS_MAX ? SLOTS_MAX : (size_t)span;
	table->count = table->slots + EXTRAS;
	str_format(name, sizeof(name), "leases-%zu", index);
	table->file = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (table->file < 0)
		return err_sys(err, "open %s", name);
	if (read_header(table, err) == 0)
		return 0;
	net_lease_close(table);
	return -1;
}

void net_lease_close(struct net_lease_table *table)
{
	auto_close_fd(&table->file);
	free(table->states);
	*table = (struct net_lease_table)LEASE_TABLE_CLOSED;
}

/* Addresses that are never a container's: the network, the broadcast address, the gateway. */
static bool is_reserved(const struct net_lease_table *table, const struct ip_address *address)
{
	const struct ip_prefix *prefix = &table->subnet.prefix;
	struct ip_address last = ip_last(prefix);

	return ip_equal(address, &prefix->address) || ip_equal(address, &table->subnet.gateway) ||
	       (address->family == AF_INET && ip_equal(address, &last));
}

static int hold(struct net_lease_table *table, size_t at, const struct ip_address *address,
		const char *owner, struct err *err)
{
	struct record record = { .offset = ip_offset(&table->subnet.prefix, address) };

	if (str_format(record.owner, sizeof(record.owner), "%s", owner) < 0)
		return err_set(err, ERR_INPUT, "take an address: the id is longer than %d bytes",
			       NET_ID_MAX);
	table->recycled = table->states[at] == LEASE_RESTING || at >= table->slots;
	if (set_state(table, at, LEASE_FREE, err) < 0 || write_record(table, at, &record, err) < 0)
		return -1;
	return set_state(table, at, LEASE_HELD, err);
}

/* The slot or record of an address; table->count when it has none. *vacant is a record to use for
 * it. */
static size_t find(const struct net_lease_table *table, const struct ip_address *address,
		   size_t *vacant)
{
	struct record record;

	*vacant = table->count;
	if (ip_contains(&table->subnet.range, address)) {
		uint64_t slot = ip_offset(&table->subnet.range, address);

		if (slot < table->slots)
			return *vacant = (size_t)slot;
	}
	for (size_t at = table->slots; at < table->count; at++) {
		if (table->states[at] == LEASE_FREE) {
			if (*vacant == table->count)
				*vacant = at;
		} else if (read_record(table, at, &record, NULL) == 0 &&
			   record.offset == ip_offset(&table->subnet.prefix, address)) {
			return *vacant = at;
		}
	}
	return table->count;
}

static int take_static(struct net_lease_table *table, const struct ip_address *wanted,
		       const char *owner, struct err *err)
{
	char text[IP_TEXT_MAX];
	struct record record;
	size_t vacant, at = find(table, wanted, &vacant);

	if (is_reserved(table, wanted))
		return err_set(err, ERR_INPUT,
			       "take address %s: it is the network's, its gateway's or the "
			       "broadcast address",
			       ip_format(wanted, text));
	if (at < table->count && table->states[at] == LEASE_HELD) {
		if (read_record(table, at, &record, err) < 0)
			return -1;
		return err_set(err, EADDRINUSE, "take address %s: container %s has it",
			       ip_format(wanted, text), record.owner);
	}
	if (vacant == table->count)
		return err_set(err, ENOSPC, "take address %s: more than %d static addresses",
			       ip_format(wanted, text), EXTRAS);
	return hold(table, vacant, wanted, owner, err);
}

/* The next free slot from the cursor on; one that rests only when `rested` is false or its time is
 * over. */
static size_t next_slot(struct net_lease_table *table, bool rested, struct ip_address *address)
{
	struct record record;

	for (size_t i = 0; i < table->slots; i++) {
		size_t at = (size_t)((table->cursor + i) % table->slots);

		if (table->states[at] == LEASE_HELD)
			continue;
		if (table->states[at] == LEASE_RESTING && rested &&
		    (read_record(table, at, &record, NULL) < 0 || record.until > now()))
			continue;
		*address = ip_at(&table->subnet.range, at);
		if (!is_reserved(table, address))
			return at;
	}
	return table->slots;
}

static int take_any(struct net_lease_table *table, const char *owner, struct ip_address *taken,
		    struct err *err)
{
	size_t at = next_slot(table, true, taken);
	char text[IP_TEXT_MAX];

	if (at == table->slots)
		at = next_slot(table, false, taken);
	if (at == table->slots) {
		err_set(err, ENOSPC, "take an address: all of %s are in use (%zu)",
			ip_format_prefix(&table->subnet.range, text), net_lease_held(table));
		return err_hint(err, "masu gc frees what dead containers left; or use a larger "
				     "subnet");
	}
	if (hold(table, at, taken, owner, err) < 0)
		return -1;
	table->cursor = at + 1;
	if (pwrite(table->file, &table->cursor, sizeof(table->cursor),
		   offsetof(struct header, cursor)) != sizeof(table->cursor))
		return err_sys(err, "write leases");
	return 0;
}

int net_lease_take(struct net_lease_table *table, const struct ip_address *wanted,
		   const char *owner, struct ip_address *taken, struct err *err)
{
	if (!wanted->family)
		return take_any(table, owner, taken, err);
	*taken = *wanted;
	return take_static(table, wanted, owner, err);
}

static int rest(struct net_lease_table *table, size_t at, struct record *record, struct err *err)
{
	if (set_state(table, at, LEASE_FREE, err) < 0)
		return -1;
	if (at >= table->slots)
		return 0; /* a static address outside the range is never chosen: it need not rest */
	record->until = now() + LEASE_QUARANTINE_S;
	if (write_record(table, at, record, err) < 0)
		return -1;
	return set_state(table, at, LEASE_RESTING, err);
}

int net_lease_release(struct net_lease_table *table, const struct ip_address *address,
		      const char *owner, struct err *err)
{
	struct record record;
	size_t vacant, at = find(table, address, &vacant);

	if (at == table->count || table->states[at] != LEASE_HELD)
		return 0;
	if (read_record(table, at, &record, err) < 0)
		return -1;
	return strcmp(record.owner, owner) == 0 ? rest(table, at, &record, err) : 0;
}

int net_lease_sweep(struct net_lease_table *table, net_lease_judge *judge, void *data,
		    struct err *err)
{
	struct record record;
	int swept = 0;

	for (size_t at = 0; at < table->count; at++) {
		if (table->states[at] != LEASE_HELD)
			continue;
		if (read_record(table, at, &record, err) < 0)
			return -1;
		struct ip_address address = ip_at(&table->subnet.prefix, record.offset);

		if (!judge(&address, record.owner, data))
			continue;
		if (rest(table, at, &record, err) < 0)
			return -1;
		swept++;
	}
	return swept;
}

size_t net_lease_held(const struct net_lease_table *table)
{
	size_t held = 0;

	for (size_t at = 0; at < table->count; at++)
		held += table->states[at] == LEASE_HELD;
	return held;
}
