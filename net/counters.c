/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What went through the interfaces of a network namespace, from the kernel's table of them. */
#include <stdlib.h>
#include <string.h>

#include "net/net.h"

/* clang-format off */
#define AT(member) offsetof(struct net_counters, member)
static const struct json_row counters_rows[] = {
	{ "Name",      JSON_TEXT, AT(name) },
	{ "RxBytes",   JSON_U64,  AT(rx_bytes) },
	{ "RxPackets", JSON_U64,  AT(rx_packets) },
	{ "RxErrors",  JSON_U64,  AT(rx_errors) },
	{ "RxDropped", JSON_U64,  AT(rx_dropped) },
	{ "TxBytes",   JSON_U64,  AT(tx_bytes) },
	{ "TxPackets", JSON_U64,  AT(tx_packets) },
	{ "TxErrors",  JSON_U64,  AT(tx_errors) },
	{ "TxDropped", JSON_U64,  AT(tx_dropped) },
};
/* clang-format on */
const struct json_object net_counters_object = JSON_OBJECT_OF(struct net_counters, counters_rows);

enum {
	FIELDS = 16, /* of a line: bytes, packets, errors, dropped and four more each way */
	SENT = 8,    /* the first of the other way */
};

/*
 * "  eth0:  468  5 0 0  0 0 0 0   468 5 0 0  0 0 0 0". Lines of headings have no number behind a
 * colon. Not by sscanf(3), which takes longer than the kernel does: this is read of hundreds of
 * containers at a time.
 */
static bool parse_line(const char *line, struct arena *arena, struct net_counters *counters)
{
	uint64_t fields[FIELDS];
	const char *name = line + strspn(line, " ");
	size_t length = strcspn(name, ": \n");
	const char *at = name + length + 1;

	if (!length || name[length] != ':' || (length == 2 && memcmp(name, "lo", 2) == 0))
		return false;
	for (size_t i = 0; i < FIELDS; i++) {
		char *end;

		at += strspn(at, " ");
		if (*at < '0' || *at > '9')
			return false;
		fields[i] = strtoull(at, &end, 10);
		at = end;
	}
	*counters = (struct net_counters){
		.name = arena_strndup(arena, name, length),
		.rx_bytes = { true, fields[0] },
		.rx_packets = { true, fields[1] },
		.rx_errors = { true, fields[2] },
		.rx_dropped = { true, fields[3] },
		.tx_bytes = { true, fields[SENT] },
		.tx_packets = { true, fields[SENT + 1] },
		.tx_errors = { true, fields[SENT + 2] },
		.tx_dropped = { true, fields[SENT + 3] },
	};
	return true;
}

int net_counters_parse(const char *text, struct arena *arena, struct json_list *list)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		struct net_counters counters;

		line += *line == '\n';
		if (!parse_line(line, arena, &counters))
			continue;
		struct net_counters *added = json_grow(arena, list, sizeof(*added));

		if (!added || !counters.name)
			return -1;
		*added = counters;
	}
	return 0;
}
